// Every pattern with every kind of lock: does Gordian say what expected.txt says? All cells run under the
// shim, each in a process of its own, and the traces are judged here; cells that hang run under `gordian
// run`.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "libsync/analyze/detector.h"
#include "libsync/trace/reader.h"

namespace gordian {
namespace {

constexpr int kNoSuchCell = 2;     // what the program of the matrix answers
constexpr int kExitFound = 66;     // what `gordian run` answers when it ended a deadlock
constexpr int kLeastCells = 250;   // with a meaning
constexpr int kSecondsACell = 60;  // far beyond what a cell takes
constexpr size_t kWorkers = 4;     // most of the time of a hanging cell is spent asleep

std::string BuildFolder() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path().string();
}

struct Expectation {
  std::string kind;
  std::string pattern;
  std::string verdict;
  bool meaningless = false;
  bool open = false;  // the verdict is right, and Gordian does not give it yet
  bool hangs = false;
  std::multiset<std::string> rules;
};

struct Table {
  std::vector<std::string> kinds;
  std::vector<std::string> patterns;
  std::vector<Expectation> cells;
};

// expected.txt explains its own format.
class TableReader {
 public:
  Table Read(const std::string& path) {
    std::ifstream file(path);
    EXPECT_TRUE(file.is_open()) << path;
    for (std::string line; std::getline(file, line);) {
      std::istringstream stream(line);
      std::vector<std::string> words;
      for (std::string word; stream >> word;) {
        words.push_back(word);
      }
      if (!words.empty() && words[0][0] != '#') {
        Take(words);
      }
    }
    return table_;
  }

 private:
  void Take(const std::vector<std::string>& words) {
    if (words.size() >= 3 && words[1] == "=") {
      if (words[0][0] == '-') {
        reasons_.insert(words[0]);
      } else {
        letters_[words[0][0]] = words[2];
      }
    } else if (words[0] == "kind") {
      columns_.assign(words.begin() + 1, words.end());
      table_.patterns.insert(table_.patterns.end(), columns_.begin(), columns_.end());
    } else {
      TakeRow(words);
    }
  }

  void TakeRow(const std::vector<std::string>& words) {
    ASSERT_EQ(words.size(), columns_.size() + 1) << "the row of " << words[0];
    if (std::find(table_.kinds.begin(), table_.kinds.end(), words[0]) == table_.kinds.end()) {
      table_.kinds.push_back(words[0]);
    }
    for (size_t i = 0; i < columns_.size(); ++i) {
      table_.cells.push_back(Parse(words[0], columns_[i], words[i + 1]));
    }
  }

  Expectation Parse(const std::string& kind, const std::string& pattern, const std::string& verdict) {
    Expectation cell{kind, pattern, verdict, false, false, false, {}};
    cell.meaningless = verdict[0] == '-';
    EXPECT_TRUE(!cell.meaningless || reasons_.count(verdict) == 1)
        << kind << " " << pattern << ": " << verdict;
    for (const char letter : cell.meaningless || verdict == "." ? "" : verdict) {
      if (letter == '(' || letter == ')') {
        cell.open = true;
        continue;
      }
      EXPECT_EQ(letters_.count(letter), 1u) << kind << " " << pattern << ": " << verdict;
      cell.rules.insert(letters_[letter]);
      cell.hangs = cell.hangs || letters_[letter].ends_with("deadlock");
    }
    return cell;
  }

  std::map<char, std::string> letters_;
  std::set<std::string> reasons_;
  std::vector<std::string> columns_;
  Table table_;
};

// A folder for one cell's run, on tmpfs like every trace.
class RunFolder {
 public:
  RunFolder() {
    std::string pattern = "/dev/shm/gordian-matrix-XXXXXX";
    path_ = mkdtemp(pattern.data()) == nullptr ? "" : pattern;
  }
  ~RunFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Runs a command to its end; its exit code, or what happened instead.
std::string Finish(const std::vector<std::string>& command, const std::vector<std::string>& variables) {
  std::vector<char*> argv;
  for (const std::string& word : command) {
    argv.push_back(const_cast<char*>(word.c_str()));
  }
  argv.push_back(nullptr);
  std::vector<char*> envp;
  for (const std::string& variable : variables) {
    envp.push_back(const_cast<char*>(variable.c_str()));
  }
  envp.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  pid_t pid = 0;
  // A group of its own, so that nothing of it outlives the test.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  const int error = posix_spawn(&pid, argv[0], &actions, &attributes, argv.data(), envp.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    return "not started";
  }
  int status = 0;
  for (int rest_ms = kSecondsACell * 1000; waitpid(pid, &status, WNOHANG) == 0; --rest_ms) {
    if (rest_ms == 0) {
      kill(-pid, SIGKILL);
      waitpid(pid, &status, 0);
      return "hangs";
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return WIFEXITED(status) ? std::to_string(WEXITSTATUS(status))
                           : "signal " + std::to_string(WTERMSIG(status));
}

// The rules that a cell gives, or a sentence that is no rule.
class Runner {
 public:
  std::multiset<std::string> Run(const Expectation& cell) const {
    const std::vector<std::string> command = {build_ + "/tests/matrix/matrix", cell.kind, cell.pattern};
    if (cell.meaningless) {
      const std::string end = Finish(command, {});
      return end == std::to_string(kNoSuchCell) ? std::multiset<std::string>{}
                                                : std::multiset<std::string>{"can be run: " + end};
    }
    const RunFolder folder;
    return cell.hangs ? RunLive(command, folder.path(), cell.open) : RunRecorded(command, folder.path());
  }

 private:
  std::multiset<std::string> RunRecorded(const std::vector<std::string>& command,
                                         const std::string& folder) const {
    const std::string end = Finish(
        command, {"LD_PRELOAD=" + build_ + "/lib/libgordian_preload.so", "GORDIAN_OPTIONS=run=" + folder});
    if (end != "0") {
      return {"ended with: " + end};
    }
    std::string why;
    auto run = trace::ReadRun(folder, &why);
    if (!run.has_value()) {
      return {why};
    }
    run->over = true;
    for (trace::Process& process : run->processes) {
      trace::MarkEnded(&process);
    }
    std::multiset<std::string> rules(run->lost.begin(), run->lost.end());
    for (const analyze::Finding& finding : analyze::Analyze(*run)) {
      rules.insert(finding.rule->id);
    }
    return rules;
  }

  std::multiset<std::string> RunLive(const std::vector<std::string>& command, const std::string& folder,
                                     bool may_hang) const {
    const std::string file = folder + "/report.json";
    std::vector<std::string> words = {build_ + "/bin/gordian", "run", "--on-deadlock=kill-tree", "--json",
                                      file};
    words.emplace_back(may_hang ? "--kill-after=5" : "--kill-after=50");
    words.emplace_back("--");
    words.insert(words.end(), command.begin(), command.end());
    const std::string end = Finish(words, {});
    std::ifstream stream(file);
    const auto report = nlohmann::json::parse(stream, nullptr, false);
    if (!report.is_object()) {
      return {"no report, ended with: " + end};
    }
    std::multiset<std::string> rules;
    if (!may_hang && end != std::to_string(kExitFound)) {
      rules.insert("ended with: " + end);
    }
    for (const auto& finding : report["findings"]) {
      rules.insert(finding["rule"].get<std::string>());
    }
    return rules;
  }

  const std::string build_ = BuildFolder();
};

std::string Listed(const std::multiset<std::string>& rules) {
  std::string text;
  for (const std::string& rule : rules) {
    text += (text.empty() ? "" : ", ") + rule;
  }
  return text.empty() ? "clean" : text;
}

Table ReadTable() {
  return TableReader().Read(std::string(GORDIAN_TEST_SOURCE) + "/tests/matrix/expected.txt");
}

std::vector<std::string> ListOf(int block) {
  const std::string command = BuildFolder() + "/tests/matrix/matrix";
  FILE* pipe = popen(command.c_str(), "r");
  std::vector<std::string> lists[2];
  int current = 0;
  for (char line[256]; pipe != nullptr && fgets(line, sizeof(line), pipe) != nullptr;) {
    std::string name(line);
    name.pop_back();
    if (name.empty()) {
      current = 1;
    } else {
      lists[current].push_back(name);
    }
  }
  pclose(pipe);
  return lists[block];
}

std::vector<std::string> Sorted(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  return names;
}

TEST(Matrix, TheTableHasEveryCell) {
  const Table table = ReadTable();
  EXPECT_EQ(Sorted(table.kinds), Sorted(ListOf(0)));
  EXPECT_EQ(Sorted(table.patterns), Sorted(ListOf(1)));
  EXPECT_EQ(table.cells.size(), table.kinds.size() * table.patterns.size());
  int defects = 0;
  int clean = 0;
  for (const Expectation& cell : table.cells) {
    defects += cell.rules.empty() ? 0 : 1;
    clean += cell.verdict == "." ? 1 : 0;
  }
  EXPECT_GE(defects + clean, kLeastCells);
  EXPECT_GT(defects, kLeastCells / 4);
  EXPECT_GT(clean, kLeastCells / 4);
}

TEST(Matrix, EveryCellGivesItsVerdict) {
  Table table = ReadTable();
  // Those that hang take longest: they begin first.
  std::stable_partition(table.cells.begin(), table.cells.end(),
                        [](const Expectation& cell) { return cell.hangs; });
  const Runner runner;
  std::vector<std::multiset<std::string>> found(table.cells.size());
  std::atomic<size_t> next{0};
  std::vector<std::thread> workers;
  for (size_t w = 0; w < kWorkers; ++w) {
    workers.emplace_back([&] {
      for (size_t i = next++; i < found.size(); i = next++) {
        found[i] = runner.Run(table.cells[i]);
      }
    });
  }
  for (std::thread& worker : workers) {
    worker.join();
  }
  for (size_t i = 0; i < found.size(); ++i) {
    const Expectation& cell = table.cells[i];
    const bool right = found[i] == cell.rules || (cell.open && found[i].empty());
    EXPECT_TRUE(right) << cell.kind << " " << cell.pattern << ": expected "
                       << (cell.meaningless ? "no such cell" : Listed(cell.rules)) << ", found "
                       << Listed(found[i]);
  }
}

}  // namespace
}  // namespace gordian
