// semop, semtimedop, semctl: System V semaphores.
#include <sys/sem.h>

#include "libsync/record/system_v.h"
#include "preload/intercept.h"

using namespace gordian::record;

INTERCEPT(int, semop, int id, sembuf* operations, size_t count) {
  SemaphoreCall call;
  BeginSemaphoreCall(&call, id, operations, count, false, CALL_SITE());
  const int result = REAL(semop)(id, operations, count);
  EndSemaphoreCall(call, result == 0);
  return result;
}

INTERCEPT(int, semtimedop, int id, sembuf* operations, size_t count, const timespec* timeout) {
  SemaphoreCall call;
  BeginSemaphoreCall(&call, id, operations, count, timeout != nullptr, CALL_SITE());
  const int result = REAL(semtimedop)(id, operations, count, timeout);
  EndSemaphoreCall(call, result == 0);
  return result;
}

// Variadic in libc's header; the argument is an int, a pointer, or nothing.
INTERCEPT(int, semctl, int id, int number, int command, void* argument) {
  const unsigned count = command == IPC_RMID || command == SETALL ? CountSemaphores(id) : 0;
  const int result = REAL(semctl)(id, number, command, argument);
  if (result < 0) {
    return result;
  }
  if (command == SETVAL) {
    const auto value = static_cast<int>(reinterpret_cast<intptr_t>(argument));
    RecordSemaphoreSet(id, static_cast<unsigned>(number), value, CALL_SITE());
  } else if (command == SETALL) {
    for (unsigned i = 0; i < count; ++i) {
      RecordSemaphoreSet(id, i, static_cast<const unsigned short*>(argument)[i], CALL_SITE());
    }
  } else if (command == IPC_RMID) {
    RecordSemaphoresRemoved(id, count);
  }
  return result;
}
