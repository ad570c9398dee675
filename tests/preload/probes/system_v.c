// System V semaphores through all calls: what every call returns.
#define _GNU_SOURCE
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <time.h>

#include "probe.h"

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static int set;

static int Op(int number, int change, int flags) {
  struct sembuf operation = {(unsigned short)number, (short)change, (short)flags};
  errno = 0;
  return semop(set, &operation, 1);
}
static void SayOp(const char* what, int result) { Say("%s %d errno %d\n", what, result, errno); }

static void Make(int count, int value) {
  set = semget(IPC_PRIVATE, (size_t)count, 0600);
  for (int i = 0; i < count; ++i) {
    semctl(set, i, SETVAL, value);
  }
}

static int Codes(void) {
  const struct timespec soon = {0, 300000};
  Make(3, 1);
  SayOp("take", Op(0, -1, 0));
  SayOp("taken", Op(0, -1, IPC_NOWAIT));
  SayOp("zero", Op(0, 0, IPC_NOWAIT));
  SayOp("give", Op(0, 1, 0));
  struct sembuf both[] = {{1, -1, SEM_UNDO}, {2, -1, 0}};
  SayOp("both", semop(set, both, 2));
  errno = 0;
  SayOp("timed", semtimedop(set, both, 2, &soon));
  struct sembuf swap[] = {{1, 1, 0}, {2, 1, 0}, {0, -1, 0}};
  SayOp("swap", semop(set, swap, 3));
  Say("values %d %d %d\n", semctl(set, 0, GETVAL), semctl(set, 1, GETVAL), semctl(set, 2, GETVAL));
  SayOp("no such number", Op(9, 1, 0));
  errno = 0;
  SayOp("no operations", semop(set, both, 0));
  SayOp("too many", semop(set, both, 100000));
  SayOp("bad address", semop(set, (struct sembuf*)8, 1));
  char* page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(page + 4096, 4096);
  struct sembuf* last = (struct sembuf*)(page + 4096 - sizeof(struct sembuf));
  last->sem_num = 1, last->sem_op = -1, last->sem_flg = IPC_NOWAIT;
  errno = 0;
  SayOp("last of a page", semop(set, last, 1));
  SayOp("beyond it", semop(set, last, 2));
  unsigned short values[3] = {4, 5, 6};
  errno = 0;
  SayOp("set all", semctl(set, 0, SETALL, values));
  values[1] = 0;
  SayOp("get all", semctl(set, 0, GETALL, values));
  Say("value %d\n", values[1]);
  SayOp("remove", semctl(set, 0, IPC_RMID));
  SayOp("removed", Op(0, -1, 0));
  SayOp("remove again", semctl(set, 0, IPC_RMID));
  return 0;
}

static void* Wait(void* unused) {
  SayOp("waited", Op(0, -1, 0));
  return unused;
}
// Removed under a waiter, which is told so.
static int Removed(void) {
  pthread_t thread;
  Make(1, 0);
  pthread_create(&thread, NULL, Wait, NULL);
  while (semctl(set, 0, GETNCNT) == 0) {
    usleep(1000);
  }
  semctl(set, 0, IPC_RMID);
  pthread_join(thread, NULL);
  return 0;
}

static void* LockThenTake(void* unused) {
  pthread_mutex_lock(&m);
  Op(0, -1, 0);
  Op(0, 1, 0);
  pthread_mutex_unlock(&m);
  return unused;
}
static void* TakeThenLock(void* unused) {
  Op(0, -1, 0);
  pthread_mutex_lock(&m);
  pthread_mutex_unlock(&m);
  Op(0, 1, 0);
  return unused;
}
static void InThread(void* (*run)(void*)) {
  pthread_t thread;
  pthread_create(&thread, NULL, run, NULL);
  pthread_join(thread, NULL);
}
// Not one lock: another set, several at once, a signal.
static int NoCycles(void) {
  Make(1, 1);
  InThread(LockThenTake);
  semctl(set, 0, IPC_RMID);
  Make(1, 1);
  InThread(TakeThenLock);
  semctl(set, 0, SETVAL, 3);
  InThread(LockThenTake);
  semctl(set, 0, IPC_RMID);
  return 0;
}

static int Processes(void) {
  Make(2, 1);
  Op(0, -1, 0);
  const pid_t child = fork();
  if (child == 0) {
    Op(0, -1, 0);  // waits for the parent: it holds nothing of that itself
    Op(1, -1, SEM_UNDO);
    _exit(Op(0, 1, 0));
  }
  while (semctl(set, 0, GETNCNT) == 0) {
    usleep(1000);
  }
  Op(0, 1, 0);
  Reap("child", child);
  Say("undone %d\n", semctl(set, 1, GETVAL));
  semctl(set, 0, IPC_RMID);
  return 0;
}

int main(int argc, char** argv) {
  static const struct Scenario kScenarios[] = {{"codes", Codes},
                                               {"removed", Removed},
                                               {"no-cycles", NoCycles},
                                               {"processes", Processes},
                                               {NULL, NULL}};
  return RunScenario(kScenarios, argc, argv);
}
