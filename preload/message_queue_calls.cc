// Message queues, POSIX's and System V's: who receives follows who sent.
#include <fcntl.h>
#include <mqueue.h>
#include <stdarg.h>
#include <sys/msg.h>

#include "libsync/record/channels.h"
#include "preload/intercept.h"

using namespace gordian::record;

INTERCEPT(mqd_t, mq_open, const char* name, int flags, ...) {
  mode_t mode = 0;
  mq_attr* attributes = nullptr;
  if ((flags & O_CREAT) != 0) {
    va_list list;
    va_start(list, flags);
    mode = va_arg(list, mode_t);
    attributes = va_arg(list, mq_attr*);
    va_end(list);
  }
  const mqd_t queue = REAL(mq_open)(name, flags, mode, attributes);
  NoteDescriptor(queue, DescriptorKind::kMessageQueue);
  return queue;
}

INTERCEPT(mqd_t, __mq_open_2, const char* name, int flags) {
  const mqd_t queue = REAL(__mq_open_2)(name, flags);
  NoteDescriptor(queue, DescriptorKind::kMessageQueue);
  return queue;
}

INTERCEPT(int, mq_close, mqd_t queue) {
  ForgetDescriptor(queue);
  return REAL(mq_close)(queue);
}

INTERCEPT(int, mq_send, mqd_t queue, const char* text, size_t bytes, unsigned priority) {
  BeforeGiving(queue, CALL_SITE());
  return REAL(mq_send)(queue, text, bytes, priority);
}

INTERCEPT(int, mq_timedsend, mqd_t queue, const char* text, size_t bytes, unsigned priority,
          const timespec* until) {
  BeforeGiving(queue, CALL_SITE());
  return REAL(mq_timedsend)(queue, text, bytes, priority, until);
}

INTERCEPT(ssize_t, mq_receive, mqd_t queue, char* text, size_t bytes, unsigned* priority) {
  const ssize_t result = REAL(mq_receive)(queue, text, bytes, priority);
  if (result >= 0) {
    AfterTaking(queue);
  }
  return result;
}

INTERCEPT(ssize_t, mq_timedreceive, mqd_t queue, char* text, size_t bytes, unsigned* priority,
          const timespec* until) {
  const ssize_t result = REAL(mq_timedreceive)(queue, text, bytes, priority, until);
  if (result >= 0) {
    AfterTaking(queue);
  }
  return result;
}

INTERCEPT(int, msgsnd, int queue, const void* message, size_t bytes, int flags) {
  BeforeMessage(queue, CALL_SITE());
  return REAL(msgsnd)(queue, message, bytes, flags);
}

INTERCEPT(ssize_t, msgrcv, int queue, void* message, size_t bytes, long type, int flags) {
  const ssize_t result = REAL(msgrcv)(queue, message, bytes, type, flags);
  if (result >= 0) {
    AfterMessage(queue);
  }
  return result;
}
