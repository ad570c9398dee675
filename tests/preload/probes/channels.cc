// Two threads or processes take two mutexes in opposite orders, one after the other, and what lies between is
// a hand-over by the kernel. "after": what is given is given after the locks, so that it orders them.
// "before": it was given before them, so that nothing does but a look at a variable.
#include <arpa/inet.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <thread>

extern "C" {
#include "probe.h"
}

namespace {

struct Shared {
  pthread_mutex_t first;
  pthread_mutex_t second;
  std::atomic<bool> through;
  std::atomic<bool> waits;
};
Shared* shared;
std::string folder;
char token[8] = "x";
int in = -1, out = -1, other = -1;
pthread_t taker_thread;

void Check(bool right, int line) {
  if (!right) {
    Say("line %d: %s\n", line, strerror(errno));
    _exit(98);
  }
}
#define CHECK(right) Check(right, __LINE__)

void Nested(pthread_mutex_t* outer, pthread_mutex_t* inner) {
  pthread_mutex_lock(outer);
  pthread_mutex_lock(inner);
  pthread_mutex_unlock(inner);
  pthread_mutex_unlock(outer);
}

void Write() { CHECK(write(out, token, 8) > 0); }
void Read() { CHECK(read(in, token, 8) >= 0); }

void Pipe() {
  int fds[2];
  CHECK(pipe(fds) == 0);
  in = fds[0];
  out = fds[1];
}
void Pair(int type) {
  int fds[2];
  CHECK(socketpair(AF_UNIX, type, 0, fds) == 0);
  in = fds[0];
  out = fds[1];
}
void Fifo() {
  const std::string path = folder + "/fifo";
  CHECK(mkfifo(path.c_str(), 0600) == 0);
  in = open(path.c_str(), O_RDONLY | O_NONBLOCK);
  out = open(path.c_str(), O_WRONLY);
  CHECK(fcntl(in, F_SETFL, 0) == 0);
}
void Eventfd() { in = out = eventfd(0, EFD_CLOEXEC); }
void Number() {
  token[0] = 1;
  memset(token + 1, 0, 7);
}

sockaddr_un UnixAddress() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", folder.c_str());
  return address;
}
sockaddr_in InternetAddress() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}
void Connect(int domain, bool accepts) {
  other = socket(domain, SOCK_STREAM, 0);
  out = socket(domain, SOCK_STREAM, 0);
  sockaddr_un local = UnixAddress();
  sockaddr_in host = InternetAddress();
  auto* address =
      domain == AF_UNIX ? reinterpret_cast<sockaddr*>(&local) : reinterpret_cast<sockaddr*>(&host);
  socklen_t bytes = domain == AF_UNIX ? sizeof(local) : sizeof(host);
  CHECK(bind(other, address, bytes) == 0 && listen(other, 1) == 0);
  CHECK(getsockname(other, address, &bytes) == 0);
  if (accepts) {
    CHECK(connect(out, address, bytes) == 0);
    in = accept(other, nullptr, nullptr);
  }
}
void Datagrams(int domain) {
  in = socket(domain, SOCK_DGRAM, 0);
  out = socket(domain, SOCK_DGRAM, 0);
  const sockaddr_un local = UnixAddress();
  const sockaddr_in host = InternetAddress();
  CHECK(bind(in,
             domain == AF_UNIX ? reinterpret_cast<const sockaddr*>(&local)
                               : reinterpret_cast<const sockaddr*>(&host),
             domain == AF_UNIX ? sizeof(local) : sizeof(host)) == 0);
}
void SendTo() {
  sockaddr_storage address;
  socklen_t bytes = sizeof(address);
  CHECK(getsockname(in, reinterpret_cast<sockaddr*>(&address), &bytes) == 0);
  CHECK(sendto(out, token, 8, 0, reinterpret_cast<sockaddr*>(&address), bytes) == 8);
}

sigset_t Usr1() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  return signals;
}
void BlockUsr1() {
  const sigset_t signals = Usr1();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}
void OnUsr1(int) {}
void WriteOnUsr1(int) {
  if (write(out, token, 8) != 8) {
    _exit(97);
  }
}
void Handle(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigaction(SIGUSR1, &action, nullptr);
}
void UntilItWaits() {
  while (!shared->waits) {
    usleep(1000);
  }
}

struct Channel {
  std::function<void()> make;
  std::function<void()> give;
  std::function<void()> take;
};
const std::map<std::string, Channel> kChannels = {
    {"pipe", {Pipe, Write, Read}},
    {"fifo", {Fifo, Write, Read}},
    {"vectors",
     {Pipe,
      [] {
        const iovec part{token, 8};
        CHECK(writev(out, &part, 1) == 8);
      },
      [] {
        const iovec part{token, 8};
        CHECK(readv(in, &part, 1) == 8);
      }}},
    {"end of pipe", {Pipe, [] { close(out); }, Read}},
    {"stream pair", {[] { Pair(SOCK_STREAM); }, Write, Read}},
    {"backwards",
     {[] { Pair(SOCK_STREAM); }, [] { CHECK(send(in, token, 8, 0) == 8); },
      [] { CHECK(recv(out, token, 8, 0) == 8); }}},
    {"shutdown", {[] { Pair(SOCK_STREAM); }, [] { shutdown(out, SHUT_WR); }, Read}},
    {"datagram pair",
     {[] { Pair(SOCK_DGRAM); }, Write, [] { CHECK(recvfrom(in, token, 8, 0, nullptr, nullptr) == 8); }}},
    {"messages",
     {[] { Pair(SOCK_SEQPACKET); },
      [] {
        iovec part{token, 8};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        CHECK(sendmsg(out, &message, 0) == 8);
      },
      [] {
        iovec part{token, 8};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        CHECK(recvmsg(in, &message, 0) == 8);
      }}},
    {"unix connection", {[] { Connect(AF_UNIX, true); }, Write, Read}},
    {"loopback connection", {[] { Connect(AF_INET, true); }, Write, Read}},
    {"accept",
     {[] { Connect(AF_INET, false); },
      [] {
        sockaddr_in address;
        socklen_t bytes = sizeof(address);
        CHECK(getsockname(other, reinterpret_cast<sockaddr*>(&address), &bytes) == 0);
        CHECK(connect(out, reinterpret_cast<sockaddr*>(&address), bytes) == 0);
      },
      [] { CHECK(accept(other, nullptr, nullptr) >= 0); }}},
    {"unix datagrams", {[] { Datagrams(AF_UNIX); }, SendTo, Read}},
    {"loopback datagrams", {[] { Datagrams(AF_INET); }, SendTo, Read}},
    {"eventfd", {[] { Eventfd(), Number(); }, Write, Read}},
    {"eventfd calls",
     {Eventfd, [] { CHECK(eventfd_write(out, 1) == 0); },
      [] {
        eventfd_t value;
        CHECK(eventfd_read(in, &value) == 0);
      }}},
    {"inherited eventfd", {[] { in = out = eventfd(0, 0), Number(); }, Write, Read}},
    {"duplicate", {[] { Pipe(), out = dup(out), in = fcntl(in, F_DUPFD, 100); }, Write, Read}},
    {"poll alone",
     {Pipe, Write,
      [] {
        pollfd ready{in, POLLIN, 0};
        CHECK(poll(&ready, 1, -1) == 1);
      }}},
    {"select alone",
     {Pipe, Write,
      [] {
        fd_set ready;
        FD_ZERO(&ready);
        FD_SET(in, &ready);
        CHECK(select(in + 1, &ready, nullptr, nullptr, nullptr) == 1);
      }}},
    {"epoll alone",
     {[] { Eventfd(), Number(); }, Write,
      [] {
        const int epoll = epoll_create1(0);
        epoll_event event{EPOLLIN, {.u64 = 77}};
        CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, in, &event) == 0);
        CHECK(epoll_wait(epoll, &event, 1, -1) == 1);
      }}},
    {"epoll changed",
     {[] {
        Eventfd(), Number();
        Write();
        other = epoll_create1(0);
        epoll_event event{0, {.fd = in}};
        CHECK(epoll_ctl(other, EPOLL_CTL_ADD, in, &event) == 0);
      },
      [] {
        epoll_event event{EPOLLIN, {.fd = in}};
        CHECK(epoll_ctl(other, EPOLL_CTL_MOD, in, &event) == 0);
      },
      [] {
        epoll_event event;
        CHECK(epoll_wait(other, &event, 1, -1) == 1);
      }}},
    {"sigwait",
     {BlockUsr1, [] { pthread_kill(taker_thread, SIGUSR1); },
      [] {
        const sigset_t signals = Usr1();
        int signal;
        CHECK(sigwait(&signals, &signal) == 0);
      }}},
    {"sigwaitinfo",
     {BlockUsr1, [] { kill(getpid(), SIGUSR1); },
      [] {
        const sigset_t signals = Usr1();
        CHECK(sigwaitinfo(&signals, nullptr) == SIGUSR1);
      }}},
    {"signalfd",
     {[] {
        BlockUsr1();
        const sigset_t signals = Usr1();
        in = signalfd(-1, &signals, SFD_CLOEXEC);
      },
      [] { kill(getpid(), SIGUSR1); },
      [] {
        signalfd_siginfo info;
        CHECK(read(in, &info, sizeof(info)) == sizeof(info));
      }}},
    {"sigsuspend",
     {[] { BlockUsr1(), Handle(OnUsr1); }, [] { pthread_kill(taker_thread, SIGUSR1); },
      [] {
        sigset_t none;
        sigemptyset(&none);
        sigsuspend(&none);
      }}},
    {"self-pipe",
     {[] { Pipe(), Handle(WriteOnUsr1); }, [] { UntilItWaits(), pthread_kill(taker_thread, SIGUSR1); },
      Read}},
    {"message queue",
     {[] {
        mq_attr attributes{};
        attributes.mq_maxmsg = 1;
        attributes.mq_msgsize = 8;
        const std::string name = "/gordian-test-" + std::to_string(getpid());
        in = out = mq_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
        CHECK(in >= 0 && mq_unlink(name.c_str()) == 0);
      },
      [] { CHECK(mq_send(out, token, 8, 0) == 0); }, [] { CHECK(mq_receive(in, token, 8, nullptr) == 8); }}},
    {"System V queue",
     {[] { in = out = msgget(IPC_PRIVATE, 0600); },
      [] {
        const long message[2] = {1, 1};
        CHECK(msgsnd(out, message, 8, 0) == 0);
      },
      [] {
        long message[2];
        CHECK(msgrcv(in, message, 8, 0, 0) == 8);
        CHECK(msgctl(in, IPC_RMID, nullptr) == 0);
      }}},
};

void Giver(const Channel& channel, bool after) {
  if (!after) {
    channel.give();
  }
  Nested(&shared->first, &shared->second);
  if (after) {
    channel.give();
  }
  shared->through = true;
}

void Taker(const Channel& channel) {
  shared->waits = true;
  channel.take();
  while (!shared->through) {
    usleep(1000);
  }
  Nested(&shared->second, &shared->first);
}

}  // namespace

int main(int, char** arguments) {
  folder = arguments[1];
  unlink((folder + "/fifo").c_str());
  unlink((folder + "/socket").c_str());
  const Channel& channel = kChannels.at(arguments[2]);
  const bool after = std::string(arguments[3]) == "after";
  shared =
      static_cast<Shared*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(&shared->first, &attributes);
  pthread_mutex_init(&shared->second, &attributes);
  channel.make();
  if (std::string(arguments[4]) == "processes") {
    const pid_t child = fork();
    if (child == 0) {
      Taker(channel);
      _exit(0);
    }
    Giver(channel, after);
    int status;
    waitpid(child, &status, 0);
    SayStatus("taker", status);
    return 0;
  }
  taker_thread = pthread_self();
  std::thread giver([&] { Giver(channel, after); });
  Taker(channel);
  giver.join();
  Say("done\n");
}
