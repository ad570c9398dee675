// Two processes work on the same files without losing anything: they append, they create exclusively, they
// only read, they hand a lock file (created exclusively) over by renaming it, or one runs on behalf of the
// other.
// EXPECT: clean
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

std::string Read(const char* path) {
  std::string line;
  std::getline(std::ifstream(path), line);
  return line;
}

void Work(int tell, int hear) {
  char byte = 'x';
  std::string all = Read("log") + Read("state") + Read("readonly");
  if (write(tell, &byte, 1) != 1 || read(hear, &byte, 1) != 1) _exit(1);
  std::ofstream("log", std::ios::app) << "line\n";
  int fd;
  while ((fd = open("state.lock", O_WRONLY | O_CREAT | O_EXCL, 0600)) < 0) usleep(1000);
  if (write(fd, all.data(), all.size()) < 0) _exit(1);
  close(fd);
  rename("state.lock", "state");
}

int main() {
  for (const char* path : {"log", "state", "readonly", "parents"}) std::ofstream(path) << "begin\n";
  int forth[2], back[2];
  if (pipe(forth) != 0 || pipe(back) != 0) return 1;
  if (fork() == 0) Work(forth[1], back[0]), _exit(0);
  if (fork() == 0) Work(back[1], forth[0]), _exit(0);
  while (wait(nullptr) > 0) {
  }
  const std::string before = Read("parents");
  if (fork() == 0) {
    const std::string own = Read("parents");
    std::ofstream("parents") << own << "child\n";
    _exit(0);
  }
  wait(nullptr);
  std::ofstream("parents") << before << Read("parents") << "parent\n";
}
