// A pool locks a file in one thread and gives it back in another; then both take part in what would be a ring
// if the first still had it.
// EXPECT: clean
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <latch>
#include <mutex>
#include <thread>

std::mutex mutex;
std::latch locked(1), given_back(1), done(1);
int file = -1;

int main() {
  file = open("file", O_RDWR | O_CREAT, 0600);
  std::thread first([] {
    flock(file, LOCK_EX);
    locked.count_down();
    given_back.wait();
    std::lock_guard<std::mutex> guard(mutex);
    done.count_down();
  });
  std::thread second([] {
    locked.wait();
    flock(file, LOCK_UN);
    given_back.count_down();
    done.wait();
    std::lock_guard<std::mutex> guard(mutex);
    const int own = open("file", O_RDWR);
    flock(own, LOCK_EX);
    close(own);
  });
  first.join();
  second.join();
  close(file);
}
