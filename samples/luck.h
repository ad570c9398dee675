// For samples whose threads run one after the other although nothing orders them: the second waits for the
// first, but gives up in the end, so that luck alone keeps the two apart.
#ifndef GORDIAN_SAMPLES_LUCK_H_
#define GORDIAN_SAMPLES_LUCK_H_

#include <unistd.h>

#include <atomic>

class Luck {
 public:
  void Done() { done_ = true; }

  void Wait() const {
    for (int patience_ms = 20000; patience_ms > 0 && !done_; --patience_ms) {
      usleep(1000);
    }
  }

 private:
  std::atomic<bool> done_{false};
};

#endif  // GORDIAN_SAMPLES_LUCK_H_
