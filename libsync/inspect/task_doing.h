// What a thread does now, in a few words.
//
// Thread safety: functions without shared state.
#ifndef GORDIAN_LIBSYNC_INSPECT_TASK_DOING_H_
#define GORDIAN_LIBSYNC_INSPECT_TASK_DOING_H_

#include <sys/types.h>

#include <string>

namespace gordian::inspect {

// "runs", "is in nanosleep()"; empty when it cannot be told.
std::string TaskDoing(pid_t pid, pid_t tid);

// Whether it is blocked in a wait for the end of a process.
bool AwaitsProcess(pid_t pid, pid_t tid);

}  // namespace gordian::inspect

#endif  // GORDIAN_LIBSYNC_INSPECT_TASK_DOING_H_
