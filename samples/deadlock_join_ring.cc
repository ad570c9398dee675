// Main joins the reader, the reader joins the writer, and the writer joins main: nobody will ever end.
// OPTIONS: --on-deadlock=kill
// HANGS
// EXPECT: deadlock
#include <pthread.h>

#include <barrier>

pthread_t main_thread, reader_thread, writer_thread;
std::barrier all_run(3);

void* Join(void* whom) {
  all_run.arrive_and_wait();
  pthread_join(*static_cast<pthread_t*>(whom), nullptr);
  return nullptr;
}

int main() {
  main_thread = pthread_self();
  pthread_create(&reader_thread, nullptr, Join, &writer_thread);
  pthread_create(&writer_thread, nullptr, Join, &main_thread);
  Join(&reader_thread);
}
