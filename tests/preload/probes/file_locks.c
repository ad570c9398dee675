// Locks on files by the kernel's rules: what every call answers, who may lock after it, and what closing,
// duplicating, forking and ending do to them. A child asks, since a process is never in its own way.
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include "probe.h"

static const char* const kFile = "locked";

static int Open(void) {
  const int fd = open(kFile, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    Say("open: %d\n", errno);
    _exit(97);
  }
  return fd;
}

static void Answer(const char* what, long result) {
  Say("%s: %ld %d\n", what, result, result < 0 ? errno : 0);
}

static int Range(int fd, int command, short type, short whence, off_t start, off_t length) {
  struct flock lock = {.l_type = type, .l_whence = whence, .l_start = start, .l_len = length};
  return fcntl(fd, command, &lock);
}

static void Lock(const char* what, int fd, int command, short type, off_t start, off_t length) {
  errno = 0;
  Answer(what, Range(fd, command, type, SEEK_SET, start, length));
}

// What another process sees of the file: the flocks, and each of the first ten bytes.
static void Map(const char* what) {
  const pid_t child = fork();
  if (child == 0) {
    const int fd = open(kFile, O_RDWR);
    char bytes[11] = "";
    for (int i = 0; i < 10; ++i) {
      struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = i, .l_len = 1};
      fcntl(fd, F_OFD_GETLK, &lock);
      bytes[i] = lock.l_type == F_UNLCK ? '.' : lock.l_type == F_RDLCK ? 'r' : 'w';
    }
    const int exclusive = flock(fd, LOCK_EX | LOCK_NB);
    const int shared = exclusive == 0 ? 0 : flock(fd, LOCK_SH | LOCK_NB);
    Say("%s: %s flock %s\n", what, bytes, exclusive == 0 ? "free" : shared == 0 ? "shared" : "exclusive");
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (status != 0) {
    SayStatus(what, status);
  }
}

static int Flocks(void) {
  const int fd = Open();
  const int other = Open();
  Answer("shared", flock(fd, LOCK_SH));
  Map("shared");
  Answer("shared again", flock(fd, LOCK_SH));
  Answer("shared through another", flock(other, LOCK_SH | LOCK_NB));
  Answer("up while another has it", flock(fd, LOCK_EX | LOCK_NB));
  Map("a failed conversion loses the lock, the other's stays");
  Answer("shared", flock(fd, LOCK_SH | LOCK_NB));
  Answer("unlock the other", flock(other, LOCK_UN));
  Answer("up", flock(fd, LOCK_EX | LOCK_NB));
  Map("exclusive");
  Answer("another", flock(other, LOCK_SH | LOCK_NB));
  Answer("down", flock(fd, LOCK_SH));
  Map("down");
  const int copy = dup(fd);
  Answer("close one of two", close(fd));
  Map("still shared");
  Answer("up through the copy", flock(copy, LOCK_EX | LOCK_NB));
  Map("exclusive");
  const int third = dup(copy);
  Answer("unlock through a copy", flock(third, LOCK_UN));
  Map("free");
  Answer("exclusive", flock(copy, LOCK_EX));
  Answer("close a copy", close(third));
  Map("exclusive");
  Answer("dup2 over the last", dup2(other, copy) == copy ? 0 : -1);
  Map("free");
  Answer("exclusive through the new copy", flock(copy, LOCK_EX | LOCK_NB));
  Answer("the same description", flock(other, LOCK_EX | LOCK_NB));
  Answer("unlock", flock(other, LOCK_UN));
  Answer("no operation", flock(other, 0));
  Answer("only LOCK_NB", flock(other, LOCK_NB));
  Answer("two at once", flock(other, LOCK_SH | LOCK_EX));
  Answer("bad descriptor", flock(-1, LOCK_SH));
  Answer("closed descriptor", flock(900, LOCK_EX | LOCK_NB));
  Answer("bad descriptor unlocked", flock(900, LOCK_UN));
  Map("end");
  return 0;
}

static int Ranges(void) {
  const int fd = Open();
  Lock("write 2..7", fd, F_SETLK, F_WRLCK, 2, 6);
  Map("2..7");
  Lock("unlock 4", fd, F_SETLK, F_UNLCK, 4, 1);
  Map("split");
  Lock("read 3..5", fd, F_SETLK, F_RDLCK, 3, 3);
  Map("converted");
  Lock("read 3..5 again", fd, F_SETLKW, F_RDLCK, 3, 3);
  Lock("write to the end", fd, F_SETLK, F_WRLCK, 5, 0);
  Map("to the end");
  Lock("unlock the start", fd, F_SETLK, F_UNLCK, 0, 6);
  Map("start");
  Lock("unlock all", fd, F_SETLK, F_UNLCK, 0, 0);
  Map("nothing");
  Answer("write three bytes", pwrite(fd, "abc", 3, 0));
  Answer("seek", lseek(fd, 6, SEEK_SET));
  Answer("from here, two back", Range(fd, F_SETLK, F_WRLCK, SEEK_CUR, 0, -2));
  Map("4..5");
  Answer("from the end, one before", Range(fd, F_SETLK, F_RDLCK, SEEK_END, -1, 2));
  Map("2..3 read");
  Answer("before the start", Range(fd, F_SETLK, F_WRLCK, SEEK_CUR, -7, 2));
  Answer("length before the start", Range(fd, F_SETLK, F_WRLCK, SEEK_SET, 1, -2));
  Answer("no such place", Range(fd, F_SETLK, F_WRLCK, 9, 1, 1));
  Answer("no such type", Range(fd, F_SETLK, 9, SEEK_SET, 1, 1));
  Answer("beyond the largest file", Range(fd, F_SETLK, F_WRLCK, SEEK_SET, INT64_MAX, 2));
  Map("unchanged");
  const int other = Open();
  Answer("closing another descriptor", close(other));
  Map("all gone");
  const int reader = open(kFile, O_RDONLY);
  Lock("write lock to read only", reader, F_SETLK, F_WRLCK, 0, 1);
  Lock("read lock", reader, F_SETLK, F_RDLCK, 0, 1);
  FILE* stream = fopen(kFile, "r");
  Map("by the reader");
  Answer("fclose", fclose(stream));
  Map("gone by fclose");
  Lock("write", fd, F_SETLK, F_WRLCK, 0, 3);
  Answer("dup2 over a descriptor of the file", dup2(1, reader) == reader ? 0 : -1);
  Map("gone by dup2");
  Lock("write", fd, F_SETLK, F_WRLCK, 0, 3);
  Answer("dup2 that fails", dup2(900, reader));
  Answer("dup2 onto itself", dup2(fd, fd) == fd ? 0 : -1);
  Map("still there");
  Lock("open file locks of the same process", Open(), F_OFD_SETLK, F_WRLCK, 1, 1);
  Answer("close_range", close_range((unsigned)fd, (unsigned)fd, 0));
  Map("gone by close_range");
  return 0;
}

static int OpenFileRanges(void) {
  const int fd = Open();
  const int other = Open();
  Lock("write 0..4", fd, F_OFD_SETLK, F_WRLCK, 0, 5);
  Lock("another description", other, F_OFD_SETLK, F_WRLCK, 4, 2);
  Lock("beside it", other, F_OFD_SETLK, F_RDLCK, 5, 2);
  Map("both");
  Lock("a part back", fd, F_OFD_SETLK, F_UNLCK, 1, 2);
  Map("split");
  const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 50);
  Answer("copy", copy);
  Answer("close one of two", close(fd));
  Map("still there");
  Lock("down through the copy", copy, F_OFD_SETLKW, F_RDLCK, 0, 5);
  Map("down");
  Answer("close the last", close(copy));
  Map("the other's");
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1, .l_pid = 7};
  Answer("with a pid", fcntl(other, F_OFD_SETLK, &lock));
  return 0;
}

static int Lockf(void) {
  const int fd = Open();
  Answer("seek", lseek(fd, 4, SEEK_SET));
  Answer("lock", lockf(fd, F_LOCK, 2));
  Map("4..5");
  Answer("before", lockf(fd, F_TLOCK, -2));
  Map("2..5");
  Answer("unlock to the end", lockf(fd, F_ULOCK, 0));
  Map("2..3");
  Answer("test", lockf(fd, F_TEST, 1));
  Answer("no such command", lockf(fd, 77, 1));
  Answer("bad descriptor", lockf(-1, F_LOCK, 1));
  Answer("before the start", lockf(fd, F_LOCK, -5));
  return 0;
}

static int g_ready[2];
static int g_go[2];
static void Tell(int* pipe) {
  if (write(pipe[1], "x", 1) != 1) {
    _exit(96);
  }
}
static void Hear(int* pipe) {
  char byte;
  if (read(pipe[0], &byte, 1) != 1) {
    _exit(95);
  }
}

// The kernel sees that two processes wait for each other.
static int Deadlock(void) {
  const int fd = Open();
  if (pipe(g_ready) != 0 || pipe(g_go) != 0) {
    return 1;
  }
  const pid_t child = fork();
  if (child == 0) {
    Answer("child locks 1", Range(fd, F_SETLKW, F_WRLCK, SEEK_SET, 1, 1));
    Tell(g_ready);
    Hear(g_go);
    const int result = Range(fd, F_SETLKW, F_WRLCK, SEEK_SET, 0, 1);
    _exit(result == 0 ? 0 : errno == EDEADLK ? 1 : 2);
  }
  Hear(g_ready);
  Answer("parent locks 0", Range(fd, F_SETLKW, F_WRLCK, SEEK_SET, 0, 1));
  Tell(g_go);
  // One of the two is told, whoever comes last; it ends or lets go, and the other goes on.
  const int result = Range(fd, F_SETLKW, F_WRLCK, SEEK_SET, 1, 1);
  const int told = result != 0 && errno == EDEADLK;
  if (told) {
    Range(fd, F_SETLK, F_UNLCK, SEEK_SET, 0, 0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  Say("told: %d\n", told + (WIFEXITED(status) && WEXITSTATUS(status) == 1));
  return 0;
}

static int Fork(void) {
  const int fd = Open();
  Answer("flock", flock(fd, LOCK_EX));
  Lock("range", fd, F_SETLK, F_WRLCK, 0, 2);
  if (pipe(g_ready) != 0 || pipe(g_go) != 0) {
    return 1;
  }
  const pid_t child = fork();
  if (child == 0) {
    Lock("the range is the parent's", fd, F_SETLK, F_WRLCK, 1, 1);
    Lock("its own", fd, F_SETLK, F_WRLCK, 5, 1);
    Answer("the flock is shared", flock(fd, LOCK_EX | LOCK_NB));
    Map("both");
    Tell(g_ready);
    Hear(g_go);
    Map("the parent's closes end its range, not the flock");
    Answer("the child gives it back", flock(fd, LOCK_UN));
    Map("free");
    _exit(0);
  }
  Hear(g_ready);
  Answer("close", close(fd));
  Tell(g_go);
  Reap("child", child);
  Map("all free");
  return 0;
}

static volatile sig_atomic_t g_signals;
static void OnSignal(int signal) {
  (void)signal;
  ++g_signals;
}

static void* WaitForFlock(void* argument) {
  const int fd = *(int*)argument;
  errno = 0;
  const int result = flock(fd, LOCK_EX);
  Answer("interrupted flock", result);
  return NULL;
}
static void* WaitForRange(void* argument) {
  errno = 0;
  Answer("interrupted fcntl", Range(*(int*)argument, F_OFD_SETLKW, F_WRLCK, SEEK_SET, 0, 1));
  return NULL;
}

// Until the thread has been in the kernel's wait, each signal is one more try.
static void SignalUntilDone(pthread_t thread) {
  struct timespec deadline;
  do {
    pthread_kill(thread, SIGUSR1);
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_nsec += 1000000;
    if (deadline.tv_nsec >= 1000000000) {
      ++deadline.tv_sec;
      deadline.tv_nsec -= 1000000000;
    }
  } while (pthread_timedjoin_np(thread, NULL, &deadline) != 0);
}

static int Interrupted(void) {
  int held = Open();
  int waiting = Open();
  struct sigaction action = {.sa_handler = OnSignal};
  sigaction(SIGUSR1, &action, NULL);
  Answer("flock", flock(held, LOCK_EX));
  Lock("range", held, F_OFD_SETLK, F_WRLCK, 0, 1);
  pthread_t thread;
  pthread_create(&thread, NULL, WaitForFlock, &waiting);
  SignalUntilDone(thread);
  pthread_create(&thread, NULL, WaitForRange, &waiting);
  SignalUntilDone(thread);
  Map("unchanged");
  return 0;
}

static void OnCancel(void* what) { Say("cancelled in %s\n", (const char*)what); }

static void* CancelledFcntl(void* argument) {
  pthread_cleanup_push(OnCancel, "fcntl");
  Answer("not cancelled", Range(*(int*)argument, F_OFD_SETLKW, F_WRLCK, SEEK_SET, 0, 1));
  pthread_cleanup_pop(0);
  return NULL;
}
static void* CancelledLockf(void* argument) {
  pthread_cleanup_push(OnCancel, "lockf");
  Answer("not cancelled", lockf(*(int*)argument, F_LOCK, 1));
  pthread_cleanup_pop(0);
  return NULL;
}

static int Cancelled(void) {
  int held = Open();
  int waiting = Open();
  if (pipe(g_ready) != 0 || pipe(g_go) != 0) {
    return 1;
  }
  // A range of another process, so that also lockf waits.
  const pid_t child = fork();
  if (child == 0) {
    Range(held, F_SETLK, F_WRLCK, SEEK_SET, 0, 1);
    Tell(g_ready);
    Hear(g_go);
    _exit(0);
  }
  Hear(g_ready);
  void* (*const routines[])(void*) = {CancelledFcntl, CancelledLockf};
  for (int i = 0; i < 2; ++i) {
    pthread_t thread;
    void* result = NULL;
    pthread_create(&thread, NULL, routines[i], &waiting);
    pthread_cancel(thread);
    pthread_join(thread, &result);
    Say("cancelled: %d\n", result == PTHREAD_CANCELED);
  }
  Tell(g_go);
  Reap("child", child);
  Lock("free", waiting, F_OFD_SETLK, F_WRLCK, 0, 1);
  return 0;
}

// Commands and arguments that fcntl's hook must leave alone, and bad ones that it must survive.
static int Commands(void) {
  const int fd = Open();
  int ends[2];
  if (pipe(ends) != 0) {
    return 1;
  }
  Answer("F_GETFD", fcntl(fd, F_GETFD));
  Answer("F_SETFD", fcntl(fd, F_SETFD, 0));
  Answer("F_GETFL", fcntl(fd, F_GETFL) & O_ACCMODE);
  Answer("F_SETFL", fcntl(fd, F_SETFL, O_APPEND));
  Answer("F_DUPFD", fcntl(fd, F_DUPFD, 100));
  Answer("F_DUPFD too large", fcntl(fd, F_DUPFD, 1 << 30));
  Answer("F_SETPIPE_SZ", fcntl(ends[0], F_SETPIPE_SZ, 65536));
  Answer("F_GETPIPE_SZ", fcntl(ends[0], F_GETPIPE_SZ));
  struct f_owner_ex owner = {F_OWNER_PID, 0};
  Answer("F_SETOWN_EX", fcntl(ends[0], F_SETOWN_EX, &owner));
  owner.pid = 5;
  Answer("F_GETOWN_EX", fcntl(ends[0], F_GETOWN_EX, &owner));
  Say("owner %d\n", owner.pid);
  Answer("F_GETOWN_EX to nowhere", fcntl(ends[0], F_GETOWN_EX, (void*)8));
  Answer("F_SETSIG", fcntl(ends[0], F_SETSIG, SIGRTMIN));
  Answer("F_GETSIG", fcntl(ends[0], F_GETSIG) == SIGRTMIN ? 0 : -1);
  uint64_t hint = 3;
  Answer("F_SET_RW_HINT", fcntl(fd, 1036, &hint));
  Answer("F_ADD_SEALS", fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
  Answer("no such command", fcntl(fd, 4711, (void*)16));
  Answer("bad descriptor", fcntl(-1, F_GETFD));
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0};
  Answer("F_GETLK", fcntl(fd, F_GETLK, &lock));
  Say("type %d\n", lock.l_type);

  void* page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED || mprotect((char*)page + 4096, 4096, PROT_NONE) != 0) {
    return 1;
  }
  const int commands[] = {F_SETLK, F_SETLKW, F_OFD_SETLK, F_OFD_SETLKW};
  for (int i = 0; i < 4; ++i) {
    Answer("null", fcntl(fd, commands[i], NULL));
    Answer("bad pointer", fcntl(fd, commands[i], (void*)24));
    Answer("not readable", fcntl(fd, commands[i], (char*)page + 4096));
    Answer("half readable", fcntl(fd, commands[i], (char*)page + 4096 - 16));
    Answer("bad descriptor", fcntl(900, commands[i], page));
    struct flock* crooked = (struct flock*)((char*)page + 1);
    const struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    memcpy(crooked, &whole, sizeof(whole));
    Answer("crooked pointer", fcntl(fd, commands[i], crooked));
    Lock("unlock", fd, i < 2 ? F_SETLK : F_OFD_SETLK, F_UNLCK, 0, 0);
    memset(page, 0, 4096);
  }
  return 0;
}

static const struct Scenario kScenarios[] = {
    {"flocks", Flocks},
    {"ranges", Ranges},
    {"open-file-ranges", OpenFileRanges},
    {"lockf", Lockf},
    {"deadlock", Deadlock},
    {"fork", Fork},
    {"interrupted", Interrupted},
    {"cancelled", Cancelled},
    {"commands", Commands},
    {NULL, NULL},
};

int main(int argc, char** argv) {
  alarm(25);
  return RunScenario(kScenarios, argc, argv);
}
