// A program takes two locked files in one order and then becomes another program, which takes them in the
// other. The first is over when the second begins.
// EXPECT: clean
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <thread>

void Both(const char* outer, const char* inner) {
  const int first = open(outer, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  flock(first, LOCK_EX);
  const int second = open(inner, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  flock(second, LOCK_EX);
  close(second);
  close(first);
}

int main(int argc, char** argv) {
  if (argc > 1) {
    Both("index.lock", "ledger.lock");
    return 0;
  }
  std::thread([] { Both("ledger.lock", "index.lock"); }).detach();
  Both("ledger.lock", "index.lock");
  execl("/proc/self/exe", argv[0], "second", nullptr);
  return 1;
}
