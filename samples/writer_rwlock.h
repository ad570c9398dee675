// For samples: a read-write lock that lets waiting writers go first.
#ifndef GORDIAN_SAMPLES_WRITER_RWLOCK_H_
#define GORDIAN_SAMPLES_WRITER_RWLOCK_H_

#include <pthread.h>

class WriterRwlock {
 public:
  WriterRwlock() {
    pthread_rwlockattr_t attributes;
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&rwlock_, &attributes);
  }
  void Read() { pthread_rwlock_rdlock(&rwlock_); }
  void Write() { pthread_rwlock_wrlock(&rwlock_); }
  void Unlock() { pthread_rwlock_unlock(&rwlock_); }
  // A writer has it, or waits for it: nobody may begin to read.
  bool WriterWaits() {
    if (pthread_rwlock_tryrdlock(&rwlock_) != 0) {
      return true;
    }
    pthread_rwlock_unlock(&rwlock_);
    return false;
  }

 private:
  pthread_rwlock_t rwlock_;
};

#endif  // GORDIAN_SAMPLES_WRITER_RWLOCK_H_
