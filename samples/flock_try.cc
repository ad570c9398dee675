// Who only tries the second file never waits for it.
// EXPECT: clean
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <thread>

void Both(const char* first, const char* second) {
  const int one = open(first, O_RDWR | O_CREAT, 0600);
  const int two = open(second, O_RDWR | O_CREAT, 0600);
  flock(one, LOCK_EX);
  if (flock(two, LOCK_EX | LOCK_NB) == 0) {
    flock(two, LOCK_UN);
  }
  close(two);
  close(one);
}

int main() {
  std::thread forth(Both, "one", "two");
  std::thread back(Both, "two", "one");
  forth.join();
  back.join();
}
