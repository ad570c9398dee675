// Every wait call with every option, for children that end, stop, go on and are killed.
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include "probe.h"

static pid_t Child(int code) {
  const pid_t child = fork();
  if (child == 0) {
    _exit(code);
  }
  return child;
}
static pid_t Sleeper(void) {
  const pid_t child = fork();
  if (child == 0) {
    while (1) {
      pause();
    }
  }
  return child;
}

static void SayWait(const char* what, pid_t child, pid_t got, int status) {
  const int error = errno;
  Say("%s: %s", what, got == child ? "the child" : got == 0 ? "none" : got < 0 ? "failed" : "somebody");
  if (got < 0) {
    Say(" %d\n", error);
  } else {
    Say(" %#x\n", status);
  }
}

static void Forms(void) {
  int status = 0;
  struct rusage usage;
  pid_t child = Child(1);
  pid_t got = wait(&status);
  SayWait("wait", child, got, status);
  child = Child(2);
  memset(&usage, 0x5A, sizeof(usage));
  got = wait3(&status, 0, &usage);
  SayWait("wait3", child, got, status);
  Say("usage %d %d\n", usage.ru_minflt > 0 && usage.ru_minflt < 100000, usage.ru_nsignals == 0);
  child = Child(3);
  memset(&usage, 0x5A, sizeof(usage));
  got = wait4(child, &status, 0, &usage);
  SayWait("wait4", child, got, status);
  Say("usage %d %d\n", usage.ru_minflt > 0 && usage.ru_minflt < 100000, usage.ru_nsignals == 0);
  child = Child(4);
  got = waitpid(child, &status, 0);
  SayWait("waitpid", child, got, status);
  child = Child(5);
  got = waitpid(0, &status, 0);
  SayWait("waitpid of the group", child, got, status);
  child = Child(6);
  got = waitpid(-getpgrp(), &status, 0);
  SayWait("waitpid of that group", child, got, status);
  child = Child(7);
  Say("wait without a status %d\n", wait(NULL) == child);
  child = Child(8);
  Say("waitpid without a status %d\n", waitpid(child, NULL, 0) == child);
  child = Child(9);
  Say("wait4 without anything %d\n", wait4(child, NULL, 0, NULL) == child);
  Child(10);
  Say("waitid without info %d\n", waitid(P_ALL, 0, NULL, WEXITED));
  // A bad address: the child is gone all the same.
  child = Child(11);
  got = waitpid(child, (int*)8, 0);
  SayWait("bad status", child, got, 0);
  child = Child(12);
  got = wait4(child, &status, 0, (struct rusage*)8);
  SayWait("bad usage", child, got, 0);
  child = Child(13);
  got = waitid(P_PID, (id_t)child, (siginfo_t*)8, WEXITED);
  SayWait("bad info", child, got, 0);
}

static void Nobody(void) {
  int status = 77;
  errno = 0;
  Say("wait %d", wait(&status));
  Say(" %d %d\n", errno, status);
  Say("waitpid %d", waitpid(-1, &status, WNOHANG));
  Say(" %d\n", errno);
  Say("stranger %d", waitpid(1, &status, 0));
  Say(" %d\n", errno);
  Say("bad options %d", waitpid(-1, &status, 0x700));
  Say(" %d\n", errno);
  Say("bad group %d", waitpid(-0x7FFFFFFF - 1, &status, 0));
  Say(" %d\n", errno);
  siginfo_t info;
  memset(&info, 0x5A, sizeof(info));
  Say("waitid %d", waitid(P_ALL, 0, &info, WEXITED));
  Say(" %d\n", errno);
  unsigned sum = 0;
  for (size_t i = 0; i < sizeof(info); ++i) {
    sum = sum * 31 + ((unsigned char*)&info)[i];
  }
  Say("what it left behind %#x\n", sum);
  Say("waitid without options %d", waitid(P_ALL, 0, &info, 0));
  Say(" %d\n", errno);
  Say("waitid of no type %d", waitid((idtype_t)99, 0, &info, WEXITED));
  Say(" %d\n", errno);
  Say("waitid of a descriptor %d", waitid(P_PIDFD, 0, &info, WEXITED));
  Say(" %d\n", errno);
}

static void SayInfo(const char* what, int result, const siginfo_t* info, pid_t child) {
  const int error = errno;
  unsigned rest = 0;
  for (size_t i = 32; i < sizeof(*info); ++i) {
    rest = rest * 31 + ((const unsigned char*)info)[i];
  }
  Say("%s: %d errno %d signo %d code %d pid %d uid %d status %d rest %#x\n", what, result,
      result < 0 ? error : 0, info->si_signo, info->si_code, info->si_pid == child, info->si_uid == getuid(),
      info->si_status, rest);
}

static void Waitid(void) {
  siginfo_t info;
  pid_t child = Sleeper();
  memset(&info, 0x5A, sizeof(info));
  int result = waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG);
  Say("still alive: %d signo %d pid %d\n", result, info.si_signo, info.si_pid);
  kill(child, SIGSTOP);
  memset(&info, 0x5A, sizeof(info));
  result = waitid(P_PID, (id_t)child, &info, WSTOPPED | WNOWAIT);
  SayInfo("stopped, left", result, &info, child);
  result = waitid(P_PID, (id_t)child, &info, WSTOPPED);
  SayInfo("stopped", result, &info, child);
  kill(child, SIGCONT);
  result = waitid(P_PID, (id_t)child, &info, WCONTINUED);
  SayInfo("continued", result, &info, child);
  kill(child, SIGKILL);
  result = waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
  SayInfo("killed, left", result, &info, child);
  result = waitid(P_ALL, 0, &info, WEXITED);
  SayInfo("killed", result, &info, child);
  child = Child(200);
  const int descriptor = (int)syscall(SYS_pidfd_open, child, 0);
  result = waitid(P_PIDFD, (id_t)descriptor, &info, WEXITED);
  SayInfo("by descriptor", result, &info, child);
  child = Child(201);
  result = waitid(P_PGID, (id_t)getpgrp(), &info, WEXITED);
  SayInfo("by group", result, &info, child);
}

static void Stops(void) {
  int status = 0;
  const pid_t child = Sleeper();
  SayWait("no hang", child, waitpid(child, &status, WNOHANG), status);
  kill(child, SIGSTOP);
  pid_t got = waitpid(child, &status, WUNTRACED);
  SayWait("stopped", child, got, status);
  kill(child, SIGCONT);
  got = waitpid(child, &status, WCONTINUED);
  SayWait("continued", child, got, status);
  kill(child, SIGTERM);
  got = wait4(child, &status, __WALL, NULL);
  SayWait("ended", child, got, status);
}

static volatile sig_atomic_t alarms;
static void OnAlarm(int signal) { alarms += signal == SIGALRM; }
// Again and again: the first may come before the wait.
static void AlarmEvery(long microseconds) {
  const struct itimerval interval = {{0, microseconds}, {0, microseconds}};
  setitimer(ITIMER_REAL, &interval, NULL);
}
// A signal that was sent to the process and is not taken yet.
static int PendingIn(pid_t process, int signal) {
  char text[4096];
  ReadOfTask(process, process, "status", text, sizeof(text));
  const char* line = strstr(text, "ShdPnd:");
  return line != NULL && (strtoull(line + 7, NULL, 16) >> (signal - 1) & 1) != 0;
}

static void Interrupted(void) {
  struct sigaction action = {0};
  action.sa_handler = OnAlarm;
  sigaction(SIGALRM, &action, NULL);
  const pid_t child = Sleeper();
  int status = 77;
  AlarmEvery(20000);
  pid_t got = waitpid(child, &status, 0);
  SayWait("waitpid", child, got, status);
  got = wait(NULL);
  SayWait("wait", child, got, status);
  siginfo_t info;
  got = waitid(P_ALL, 0, &info, WEXITED);
  SayWait("waitid", child, got, status);
  AlarmEvery(0);
  action.sa_flags = SA_RESTART;
  sigaction(SIGALRM, &action, NULL);
  const pid_t waiter = getpid();
  const pid_t killer = fork();
  if (killer == 0) {
    while (SleepsIn(waiter, waiter) != SYS_wait4) {
      usleep(1000);
    }
    // Its handler runs before it may be seen asleep in the call again.
    kill(waiter, SIGALRM);
    while (PendingIn(waiter, SIGALRM) || SleepsIn(waiter, waiter) != SYS_wait4) {
      usleep(1000);
    }
    kill(child, SIGINT);
    _exit(0);
  }
  alarms = 0;
  got = waitpid(child, &status, 0);
  Say("alarms %d\n", (int)alarms);
  SayWait("restarted", child, got, status);
  Reap("who killed it", killer);
}

static void Ignored(int flags) {
  struct sigaction action = {0};
  action.sa_handler = flags == 0 ? SIG_IGN : SIG_DFL;
  action.sa_flags = flags;
  sigaction(SIGCHLD, &action, NULL);
  Child(1);
  Child(2);
  int status = 77;
  const pid_t got = wait(&status);  // returns when the last is gone
  SayWait("wait", -2, got, status);
  action.sa_handler = SIG_DFL;
  action.sa_flags = 0;
  sigaction(SIGCHLD, &action, NULL);
}

static volatile int chld;
static void OnChild(int signal, siginfo_t* info, void* context) {
  (void)signal;
  (void)context;
  ++chld;
  int status;
  while (waitpid(-1, &status, WNOHANG) > 0) {
    SayStatus("reaped by the handler", status);
  }
  Say("code %d status %d\n", info->si_code, info->si_status);
}
static void Handler(void) {
  struct sigaction action = {0};
  action.sa_sigaction = OnChild;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  sigset_t children, old;
  sigemptyset(&children);
  sigaddset(&children, SIGCHLD);
  sigprocmask(SIG_BLOCK, &children, &old);
  sigaction(SIGCHLD, &action, NULL);
  Child(31);
  while (chld == 0) {
    sigsuspend(&old);
  }
  Say("handled %d\n", chld);
}

static void* WaitHere(void* unused) {
  (void)unused;
  int status = 0;
  const pid_t child = Child(9);
  Say("in a thread %d", waitpid(child, &status, 0) == child);
  Say(" %#x\n", status);
  return NULL;
}

int main(void) {
  Forms();
  Nobody();
  Waitid();
  Stops();
  Interrupted();
  Ignored(0);
  Ignored(SA_NOCLDWAIT);
  Handler();
  pthread_t thread;
  pthread_create(&thread, NULL, WaitHere, NULL);
  pthread_join(thread, NULL);
  Nobody();
  return 0;
}
