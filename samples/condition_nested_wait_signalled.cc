// The monitor holds the log while it waits for news. Reporters write to the log too, but tell the news after
// they have given the log up.
// EXPECT: clean
#include <condition_variable>
#include <mutex>
#include <thread>

std::mutex log_mutex;
std::mutex news_mutex;
std::condition_variable news_came;
int news = 0;

int main() {
  std::thread reporter([] {
    log_mutex.lock();
    log_mutex.unlock();
    std::lock_guard<std::mutex> lock(news_mutex);
    news = 1;
    news_came.notify_all();
  });
  reporter.join();
  std::thread second([] {
    std::lock_guard<std::mutex> lock(news_mutex);
    news = 2;
    news_came.notify_all();
  });
  std::lock_guard<std::mutex> log(log_mutex);
  std::unique_lock<std::mutex> lock(news_mutex);
  news_came.wait(lock, [] { return news == 2; });
  lock.unlock();
  second.join();
}
