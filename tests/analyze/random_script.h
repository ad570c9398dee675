// Random programs that could have run: threads lock, create, join and end, and a lock is only granted when it
// is free. The same seed gives the same script on every machine.
#ifndef GORDIAN_TESTS_ANALYZE_RANDOM_SCRIPT_H_
#define GORDIAN_TESTS_ANALYZE_RANDOM_SCRIPT_H_

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace gordian::test {

struct RandomShape {
  int events = 60;
  int threads = 5;
  int locks = 4;
  int writer_locks = 0;  // so many of them let writers go first
  bool joins_by_others = true;
  bool hand_overs = false;  // by a semaphore, a condition and a barrier
};

class RandomScript {
 public:
  RandomScript(uint32_t seed, const RandomShape& shape) : random_(seed), shape_(shape) {
    threads_.push_back({1, true, 0, {}});
    for (int lock = 0; lock < shape.locks; ++lock) {
      script_ += "L" + std::to_string(lock) + (lock < shape.writer_locks ? "=writer-rwlock " : "=rwlock ");
    }
    script_ += shape.hand_overs ? "C=condition " : "";
    for (int event = 0; event < shape.events; ++event) {
      Step();
    }
  }

  const std::string& text() const { return script_; }

 private:
  struct Actor {
    int number;
    bool running;
    int creator;
    std::map<int, bool> held;  // lock -> for reading
  };

  int Below(int bound) { return static_cast<int>(random_() % static_cast<uint32_t>(bound)); }

  void Emit(const Actor& actor, const std::string& event) {
    script_ += std::to_string(actor.number) + ":" + event + " ";
  }

  bool Free(int lock, bool for_reading) const {
    return std::all_of(threads_.begin(), threads_.end(), [&](const Actor& other) {
      const auto held = other.held.find(lock);
      return held == other.held.end() || (held->second && for_reading);
    });
  }

  void Step() {
    const auto who = static_cast<size_t>(Below(static_cast<int>(threads_.size())));
    if (!threads_[who].running) {
      return;
    }
    if (shape_.hand_overs && Below(3) == 0) {
      HandOver(who);
      return;
    }
    const int choice = Below(100);
    if (choice < 50) {
      Lock(&threads_[who]);
    } else if (choice < 75) {
      Unlock(&threads_[who]);
    } else if (choice < 87) {
      Create(who);
    } else if (choice < 95) {
      Join(&threads_[who]);
    } else if (choice < 96) {
      Emit(threads_[who], "passes");
    } else if (who != 0 && threads_[who].held.empty()) {
      Emit(threads_[who], "end");
      threads_[who].running = false;
    }
  }

  void HandOver(size_t who) {
    const auto other = static_cast<size_t>(Below(static_cast<int>(threads_.size())));
    switch (Below(5)) {
      case 0:
        ++posts_;
        Emit(threads_[who], "gives(S)");
        break;
      case 1:
        if (posts_ > 0) {
          --posts_;
          Emit(threads_[who], "takes(S)");
        }
        break;
      case 2:
        Emit(threads_[who], "gives(C," + std::to_string(++signals_) + ")");
        break;
      case 3:
        Emit(threads_[who], "takes(C," + std::to_string(Below(signals_ + 1)) + ")");
        break;
      default:
        if (other != who && threads_[other].running) {
          Emit(threads_[who], "barrier(W," + std::to_string(rounds_) + ")");
          Emit(threads_[other], "barrier(W," + std::to_string(rounds_++) + ")");
        }
    }
  }

  void Lock(Actor* actor) {
    const int lock = Below(shape_.locks);
    const bool for_reading = Below(4) < (lock < shape_.writer_locks ? 3 : 1);
    const auto held = actor->held.find(lock);
    const bool again = held != actor->held.end() && held->second && for_reading && reads_again_ > 0;
    if (again) {
      --reads_again_;
      Emit(*actor, "+L" + std::to_string(lock) + "/r@" + std::to_string(Below(2)));
      Emit(*actor, "-L" + std::to_string(lock));
    } else if (held == actor->held.end() && Free(lock, for_reading)) {
      // Few places, so that dependencies are seen again in later segments.
      Emit(*actor, "+L" + std::to_string(lock) + (for_reading ? "/r" : "") + "@" + std::to_string(Below(2)));
      actor->held[lock] = for_reading;
    }
  }

  void Unlock(Actor* actor) {
    if (!actor->held.empty()) {
      auto held = actor->held.begin();
      std::advance(held, Below(static_cast<int>(actor->held.size())));
      Emit(*actor, "-L" + std::to_string(held->first));
      actor->held.erase(held);
    }
  }

  void Create(size_t who) {
    if (static_cast<int>(threads_.size()) < shape_.threads) {
      const int number = static_cast<int>(threads_.size()) + 1;
      Emit(threads_[who], "create(" + std::to_string(number) + ")");
      threads_.push_back({number, true, threads_[who].number, {}});
    }
  }

  void Join(Actor* actor) {
    for (size_t t = 1; t < threads_.size(); ++t) {
      Actor& other = threads_[t];
      const bool may = shape_.joins_by_others || other.creator == actor->number;
      if (!other.running && other.creator != 0 && may && Below(2) == 0) {
        Emit(*actor, "join(" + std::to_string(other.number) + ")");
        other.creator = 0;  // joined
        return;
      }
    }
  }

  std::mt19937 random_;
  RandomShape shape_;
  int reads_again_ = 3;
  int posts_ = 0;  // not yet taken
  int signals_ = 0;
  int rounds_ = 0;
  std::vector<Actor> threads_;
  std::string script_;
};

}  // namespace gordian::test

#endif  // GORDIAN_TESTS_ANALYZE_RANDOM_SCRIPT_H_
