// A program of many small locks, for scripts/bench: `bench_many_locks FILE` counts the words of a file with
// four threads in one table, whose 65,536 buckets have a mutex each. A lock is held for one look into a
// bucket.
#include <array>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iterator>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

constexpr size_t kBuckets = 1 << 16;
constexpr int kThreads = 4;
constexpr int kTimes = 4;

struct Bucket {
  std::mutex mutex;
  std::vector<std::pair<std::string, uint64_t>> counts;
};

void Count(std::string_view word, std::vector<Bucket>* table) {
  Bucket& bucket = (*table)[std::hash<std::string_view>()(word) % kBuckets];
  const std::lock_guard<std::mutex> lock(bucket.mutex);
  for (auto& [known, count] : bucket.counts) {
    if (known == word) {
      ++count;
      return;
    }
  }
  bucket.counts.emplace_back(word, 1);
}

void CountAll(std::string_view text, std::vector<Bucket>* table) {
  while (!text.empty()) {
    const size_t end = text.find(' ');
    Count(text.substr(0, end), table);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::ifstream file(argc > 1 ? argv[1] : "");
  const std::string text(std::istreambuf_iterator<char>(file), {});
  std::vector<Bucket> table(kBuckets);
  std::array<std::thread, kThreads> threads;
  for (size_t t = 0; t < kThreads; ++t) {
    const size_t part = text.size() / kThreads;
    threads[t] = std::thread([&text, &table, t, part] {
      for (int i = 0; i < kTimes; ++i) {
        CountAll(std::string_view(text).substr(t * part, part), &table);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  uint64_t words = 0;
  for (const Bucket& bucket : table) {
    for (const auto& [word, count] : bucket.counts) {
      words += count;
    }
  }
  std::printf("%lu\n", words);
  return words == 0;
}
