// A queue with a lock for either end. Producers and consumers never hold both; who empties it takes both, the
// head first, and so does nobody else.
// EXPECT: clean
#include <list>
#include <mutex>
#include <thread>

std::mutex head_mutex;
std::mutex tail_mutex;
std::list<int> items(1);

void Produce() {
  for (int i = 0; i < 100; ++i) {
    std::lock_guard<std::mutex> tail(tail_mutex);
    items.back() = i;
  }
}

void Consume() {
  for (int i = 0; i < 100; ++i) {
    std::lock_guard<std::mutex> head(head_mutex);
    static_cast<void>(items.front());
  }
}

void Empty() {
  std::lock_guard<std::mutex> head(head_mutex);
  std::lock_guard<std::mutex> tail(tail_mutex);
  items.assign(1, 0);
}

int main() {
  std::thread producer(Produce);
  std::thread consumer(Consume);
  Empty();
  producer.join();
  Empty();
  consumer.join();
}
