// Two mistakes that have nothing to do with each other in one program: two findings, not one and not three.
// EXPECT: lock-order-cycle
// EXPECT: lock-order-cycle
#include <mutex>
#include <thread>

#include "luck.h"

std::mutex screen_mutex, font_mutex;
std::mutex socket_mutex, session_mutex;

void Both(std::mutex& outer, std::mutex& inner) {
  outer.lock();
  inner.lock();
  inner.unlock();
  outer.unlock();
}

void Draw() { Both(screen_mutex, font_mutex); }
void LoadFont() { Both(font_mutex, screen_mutex); }
void Send() { Both(socket_mutex, session_mutex); }
void CloseSession() { Both(session_mutex, socket_mutex); }

int main() {
  Luck first;
  std::thread one([&] {
    Draw();
    Send();
    first.Done();
  });
  std::thread other([&] {
    first.Wait();
    LoadFont();
    CloseSession();
  });
  one.join();
  other.join();
}
