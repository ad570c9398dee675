// The part of all_hooks.c that hands something over through the kernel: pipes, sockets, eventfds, signals,
// message queues. Nothing here blocks: what is read was written before, and nobody waits longer than no time.
#include <fcntl.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

static void PipeCalls(void) {
  int ends[2];
  char bytes[8] = "handed";
  struct iovec part = {bytes, 2};
  CALL(pipe, (int*), ends);
  CALL(write, (int, const void*, size_t), ends[1], bytes, 2);
  CALL(read, (int, void*, size_t), ends[0], bytes, 2);
  CALL(__write, (int, const void*, size_t), ends[1], bytes, 2);
  CALL(__read, (int, void*, size_t), ends[0], bytes, 2);
  CALL(writev, (int, const struct iovec*, int), ends[1], &part, 1);
  CALL(readv, (int, const struct iovec*, int), ends[0], &part, 1);
  CALL(vmsplice, (int, const struct iovec*, size_t, unsigned), ends[1], &part, 1, 0);
  CALL(__read_chk, (int, void*, size_t, size_t), ends[0], bytes, 2, sizeof bytes);
  int others[2];
  CALL(__pipe, (int*), others);
  CALL(__close, (int), others[0]);
  close(others[1]);
  CALL(pipe2, (int*, int), others, O_CLOEXEC);
  write(ends[1], bytes, 2);
  CALL(tee, (int, int, size_t, unsigned), ends[0], others[1], 1, 0);
  CALL(splice, (int, void*, int, void*, size_t, unsigned), ends[0], NULL, others[1], NULL, 2, 0);
  const int file = open("/proc/self/exe", O_RDONLY);
  CALL(sendfile, (int, int, off_t*, size_t), others[1], file, NULL, 1);
  CALL(sendfile64, (int, int, off_t*, size_t), others[1], file, NULL, 1);
  close(file);
  for (int i = 0; i < 2; ++i) {
    close(ends[i]);
    close(others[i]);
  }
}

static void SocketCalls(void) {
  int ends[2];
  char bytes[8] = "handed";
  struct iovec part = {bytes, 2};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  struct mmsghdr messages = {.msg_hdr = message};
  CALL(socketpair, (int, int, int, int*), AF_UNIX, SOCK_STREAM, 0, ends);
  CALL(send, (int, const void*, size_t, int), ends[0], bytes, 2, 0);
  CALL(recv, (int, void*, size_t, int), ends[1], bytes, 2, 0);
  CALL(__send, (int, const void*, size_t, int), ends[0], bytes, 2, 0);
  CALL(__recv_chk, (int, void*, size_t, size_t, int), ends[1], bytes, 2, sizeof bytes, 0);
  CALL(sendto, (int, const void*, size_t, int, void*, socklen_t), ends[0], bytes, 2, 0, NULL, 0);
  CALL(recvfrom, (int, void*, size_t, int, void*, void*), ends[1], bytes, 2, 0, NULL, NULL);
  send(ends[0], bytes, 2, 0);
  CALL(__recvfrom_chk, (int, void*, size_t, size_t, int, void*, void*), ends[1], bytes, 2, sizeof bytes, 0,
       NULL, NULL);
  CALL(sendmsg, (int, const struct msghdr*, int), ends[0], &message, 0);
  CALL(recvmsg, (int, struct msghdr*, int), ends[1], &message, 0);
  CALL(sendmmsg, (int, struct mmsghdr*, unsigned, int), ends[0], &messages, 1, 0);
  CALL(recvmmsg, (int, struct mmsghdr*, unsigned, int, struct timespec*), ends[1], &messages, 1, MSG_DONTWAIT,
       NULL);
  CALL(shutdown, (int, int), ends[0], SHUT_WR);
  close(ends[0]);
  close(ends[1]);

  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  const int server = FUNCTION(int, socket, (int, int, int))(AF_INET, SOCK_STREAM, 0);
  Report("socket", server >= 0);
  bind(server, (struct sockaddr*)&address, sizeof address);
  listen(server, 2);
  getsockname(server, (struct sockaddr*)&address, &length);
  const int first = socket(AF_INET, SOCK_STREAM, 0);
  const int second = socket(AF_INET, SOCK_STREAM, 0);
  CALL(connect, (int, const void*, socklen_t), first, &address, length);
  const int accepted = FUNCTION(int, accept, (int, void*, void*))(server, NULL, NULL);
  Report("accept", accepted >= 0);
  CALL(__connect, (int, const void*, socklen_t), second, &address, length);
  const int accepted_too = FUNCTION(int, accept4, (int, void*, void*, int))(server, NULL, NULL, SOCK_CLOEXEC);
  Report("accept4", accepted_too >= 0);
  close(first);
  close(second);
  close(accepted);
  close(accepted_too);
  close(server);
}

static void EventCalls(void) {
  eventfd_t count = 1;
  const int event = FUNCTION(int, eventfd, (unsigned, int))(0, EFD_NONBLOCK);
  Report("eventfd", event >= 0);
  CALL(eventfd_write, (int, eventfd_t), event, 1);
  struct pollfd polled = {.fd = event, .events = POLLIN};
  CALL(poll, (struct pollfd*, nfds_t, int), &polled, 1, 0);
  CALL(__poll, (struct pollfd*, nfds_t, int), &polled, 1, 0);
  CALL(__poll_chk, (struct pollfd*, nfds_t, int, size_t), &polled, 1, 0, sizeof polled);
  CALL(ppoll, (struct pollfd*, nfds_t, const struct timespec*, const sigset_t*), &polled, 1, &no_time, NULL);
  CALL(__ppoll_chk, (struct pollfd*, nfds_t, const struct timespec*, const sigset_t*, size_t), &polled, 1,
       &no_time, NULL, sizeof polled);
  fd_set set;
  struct timeval at_once = {0, 0};
  FD_ZERO(&set);
  FD_SET(event, &set);
  CALL(select, (int, fd_set*, fd_set*, fd_set*, struct timeval*), event + 1, &set, NULL, NULL, &at_once);
  CALL(__select, (int, fd_set*, fd_set*, fd_set*, struct timeval*), event + 1, &set, NULL, NULL, &at_once);
  CALL(pselect, (int, fd_set*, fd_set*, fd_set*, const struct timespec*, const sigset_t*), event + 1, &set,
       NULL, NULL, &no_time, NULL);
  const int epoll = FUNCTION(int, epoll_create1, (int))(0);
  Report("epoll_create1", epoll >= 0);
  const int epoll_too = FUNCTION(int, epoll_create, (int))(1);
  Report("epoll_create", epoll_too >= 0);
  struct epoll_event wanted = {.events = EPOLLIN};
  CALL(epoll_ctl, (int, int, int, struct epoll_event*), epoll, EPOLL_CTL_ADD, event, &wanted);
  CALL(epoll_wait, (int, struct epoll_event*, int, int), epoll, &wanted, 1, 0);
  CALL(epoll_pwait, (int, struct epoll_event*, int, int, const sigset_t*), epoll, &wanted, 1, 0, NULL);
  CALL(epoll_pwait2, (int, struct epoll_event*, int, const struct timespec*, const sigset_t*), epoll, &wanted,
       1, &no_time, NULL);
  CALL(eventfd_read, (int, eventfd_t*), event, &count);
  close(event);
  close(epoll);
  close(epoll_too);
}

static void OnWake(int signal) { (void)signal; }

// A signal that is pending and blocked is taken; one that is pending and let in ends a wait for any.
static void SignalCalls(void) {
  sigset_t wanted;
  sigset_t before;
  sigset_t none;
  int taken = 0;
  siginfo_t info;
  sigemptyset(&none);
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &wanted, &before);
  signal(SIGUSR1, OnWake);
  CALL(pthread_kill, (pthread_t, int), pthread_self(), SIGUSR1);
  CALL(sigwait, (const sigset_t*, int*), &wanted, &taken);
  pthread_kill(pthread_self(), SIGUSR1);
  CALL(sigwaitinfo, (const sigset_t*, siginfo_t*), &wanted, &info);
  const union sigval value = {0};
  CALL(pthread_sigqueue, (pthread_t, int, union sigval), pthread_self(), SIGUSR1, value);
  CALL(sigtimedwait, (const sigset_t*, siginfo_t*, const struct timespec*), &wanted, &info, &no_time);
  pthread_kill(pthread_self(), SIGUSR1);
  CALL(sigsuspend, (const sigset_t*), &none);
  pthread_kill(pthread_self(), SIGUSR1);
  CALL(__sigsuspend, (const sigset_t*), &none);
  const int descriptor = FUNCTION(int, signalfd, (int, const sigset_t*, int))(-1, &wanted, SFD_NONBLOCK);
  Report("signalfd", descriptor >= 0);
  close(descriptor);
  // Only the end of the process comes whether the call has begun or not.
  int (*const pause_call)(void) = (int (*)(void))Find("pause");
  const pid_t child = fork();
  if (child == 0) {
    const struct itimerval soon = {.it_value = {0, 1000}};
    setitimer(ITIMER_REAL, &soon, NULL);
    pause_call();
    _exit(96);
  }
  Reap("pause", child);
  signal(SIGUSR1, SIG_DFL);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void MessageQueueCalls(void) {
  char name[64];
  char bytes[16];
  struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = sizeof bytes};
  snprintf(name, sizeof name, "/all-hooks-%d", (int)getpid());
  const mqd_t queue = FUNCTION(mqd_t, mq_open, (const char*, int, mode_t, struct mq_attr*))(
      name, O_CREAT | O_RDWR | O_NONBLOCK, 0600, &attributes);
  Report("mq_open", queue >= 0);
  const mqd_t queue_too = FUNCTION(mqd_t, __mq_open_2, (const char*, int))(name, O_RDWR | O_NONBLOCK);
  Report("__mq_open_2", queue_too >= 0);
  CALL(mq_send, (mqd_t, const char*, size_t, unsigned), queue, "1", 1, 0);
  CALL(mq_receive, (mqd_t, char*, size_t, unsigned*), queue, bytes, sizeof bytes, NULL);
  CALL(mq_timedsend, (mqd_t, const char*, size_t, unsigned, const struct timespec*), queue, "1", 1, 0, &past);
  CALL(mq_timedreceive, (mqd_t, char*, size_t, unsigned*, const struct timespec*), queue, bytes, sizeof bytes,
       NULL, &past);
  CALL(mq_close, (mqd_t), queue);
  mq_close(queue_too);
  mq_unlink(name);

  struct {
    long type;
    char text[8];
  } message = {1, "handed"};
  const int letters = msgget(IPC_PRIVATE, 0600);
  CALL(msgsnd, (int, const void*, size_t, int), letters, &message, 2, IPC_NOWAIT);
  CALL(msgrcv, (int, void*, size_t, long, int), letters, &message, 2, 0, IPC_NOWAIT);
  msgctl(letters, IPC_RMID, NULL);
}
