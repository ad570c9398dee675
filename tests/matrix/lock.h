// What the patterns of the matrix see of a kind of lock: one face for mutexes, read-write locks, semaphores,
// spinlocks and file locks.
#ifndef GORDIAN_TESTS_MATRIX_LOCK_H_
#define GORDIAN_TESTS_MATRIX_LOCK_H_

#include <errno.h>

#include <cstddef>
#include <vector>

namespace gordian::matrix {

// Every call answers as pthread's do: 0 or an error number; ENOTSUP where the kind has no such call.
class Lock {
 public:
  // Leaves the object as a program would that forgets it: what has a destructor of its own is destroyed.
  virtual ~Lock() = default;

  virtual int Take() = 0;
  virtual int Give() = 0;
  virtual int Try() { return ENOTSUP; }
  virtual int TakeTimed() { return ENOTSUP; }
  virtual int TakeShared() { return ENOTSUP; }
  virtual int GiveShared() { return Give(); }
  virtual int Init() { return ENOTSUP; }
  virtual int Destroy() { return ENOTSUP; }

  // What a Give by a thread that did not take it does.
  enum class Stranger { kGives, kIsRefused, kBreaksIt };
  virtual Stranger ByStranger() const { return Stranger::kGives; }
};

struct Kind {
  const char* name;
  Lock* (*make)(void* place);
  bool shared_memory = false;  // lies in a mapping that several processes share
  bool processes = false;      // belongs to a process: the parts of a pattern are processes
};

// The number of the calling part of a pattern; 0 for the first thread.
extern thread_local int t_part;
inline constexpr int kMostParts = 8;

inline constexpr size_t kLockBytes = 256;

const std::vector<Kind>& Kinds();

// The families, one file each.
std::vector<Kind> PthreadKinds();
std::vector<Kind> StandardKinds();
std::vector<Kind> LibsyncKinds();
std::vector<Kind> FileKinds();

}  // namespace gordian::matrix

#endif  // GORDIAN_TESTS_MATRIX_LOCK_H_
