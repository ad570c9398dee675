// Two threads ask for a function's static variable whose constructor asks for another one: one of them makes
// both, the other waits for it.
// EXPECT: clean
#include <latch>
#include <thread>

static std::latch both(2);

struct Config {};
struct Logger {
  Logger();
};

static Config& TheConfig() {
  static Config config;
  return config;
}

static Logger& TheLogger() {
  static Logger logger;
  return logger;
}

Logger::Logger() { TheConfig(); }

int main() {
  const auto log = [] {
    both.arrive_and_wait();
    TheLogger();
  };
  std::thread first(log);
  std::thread second(log);
  first.join();
  second.join();
}
