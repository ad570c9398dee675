// For samples whose threads run one after the other although nothing orders them: the second waits for the
// first, but gives up in the end, so that luck alone keeps the two apart. `gordian confirm` holds the first
// one back for longer than that. With LUCK_PATIENCE_MS=0 in the environment there is no luck: nobody waits,
// and the machine decides.
#ifndef GORDIAN_SAMPLES_LUCK_H_
#define GORDIAN_SAMPLES_LUCK_H_

#include <unistd.h>

#include <atomic>
#include <cstdlib>

class Luck {
 public:
  void Done() { done_ = true; }

  void Wait() const {
    const char* patience = std::getenv("LUCK_PATIENCE_MS");
    for (int ms = patience == nullptr ? 2000 : std::atoi(patience); ms > 0 && !done_; --ms) {
      usleep(1000);
    }
  }

 private:
  std::atomic<bool> done_{false};
};

#endif  // GORDIAN_SAMPLES_LUCK_H_
