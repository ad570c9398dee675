/* A server whose worker waits for work and whose main thread waits for clients, of whom one comes late. */
// RUN: accept
// RUN: epoll
// EXPECT: clean
#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct sockaddr_un kAddress = {.sun_family = AF_UNIX, .sun_path = "idle_server"};
static sem_t work;

static void* Work(void* unused) {
  sem_wait(&work);
  return unused;
}

static int ConnectLate(void) {
  sleep(2);
  return connect(socket(AF_UNIX, SOCK_STREAM, 0), (const struct sockaddr*)&kAddress, sizeof(kAddress));
}

int main(int argc, char** argv) {
  const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  unlink(kAddress.sun_path);
  bind(listener, (const struct sockaddr*)&kAddress, sizeof(kAddress));
  listen(listener, 1);
  const pid_t client = fork();
  if (client == 0) {
    _exit(ConnectLate());
  }
  pthread_t worker;
  pthread_create(&worker, NULL, Work, NULL);
  if (argc > 1 && strcmp(argv[1], "epoll") == 0) {
    struct epoll_event event = {.events = EPOLLIN};
    const int events = epoll_create1(0);
    epoll_ctl(events, EPOLL_CTL_ADD, listener, &event);
    epoll_wait(events, &event, 1, -1);
  }
  close(accept(listener, NULL, NULL));
  sem_post(&work);
  pthread_join(worker, NULL);
  waitpid(client, NULL, 0);
  return 0;
}
