// An event loop is woken by an eventfd that it never reads, as libraries do that watch it edge-triggered.
// What the caller did before comes before what the loop does then.
// EXPECT: lock-order-cycle warning
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <mutex>
#include <thread>

std::mutex jobs;
std::mutex results;

int main() {
  const int wake = eventfd(0, EFD_CLOEXEC);
  const int loop = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.ptr = &jobs;
  if (epoll_ctl(loop, EPOLL_CTL_ADD, wake, &event) != 0) {
    return 1;
  }
  std::thread worker([&] {
    if (epoll_wait(loop, &event, 1, -1) == 1) {
      const std::lock_guard<std::mutex> outer(results);
      const std::lock_guard<std::mutex> inner(jobs);
    }
  });
  {
    const std::lock_guard<std::mutex> outer(jobs);
    const std::lock_guard<std::mutex> inner(results);
  }
  eventfd_write(wake, 1);
  worker.join();
}
