// The constructor of each of two functions' static variables calls the other function. Each thread has begun
// one of them and waits for the other; the compiler's guard of a static variable is a lock.
// OPTIONS: --on-deadlock=kill
// HANGS
// EXPECT: deadlock
#include <latch>
#include <thread>

static std::latch both(2);

struct Config {
  Config();
};
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

Config::Config() {
  both.arrive_and_wait();
  TheLogger();
}

Logger::Logger() {
  both.arrive_and_wait();
  TheConfig();
}

int main() {
  std::thread configures([] { TheConfig(); });
  std::thread logs([] { TheLogger(); });
  configures.join();
  logs.join();
}
