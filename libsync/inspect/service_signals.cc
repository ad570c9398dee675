#include "libsync/inspect/service_signals.h"

#include <csignal>
#include <optional>
#include <string>

#include "libsync/inspect/words.h"

namespace gordian::inspect {
namespace {

constexpr int kMostSignals = 64;

constexpr uint64_t SignalBit(int signal) { return uint64_t{1} << (signal - 1); }

// The kernel shows nobody whether an alarm is set: who has a handler for it is taken to have set one.
constexpr uint64_t kAlarm = SignalBit(SIGALRM);
constexpr uint64_t kSentToServices = SignalBit(SIGTERM) | SignalBit(SIGINT) | SignalBit(SIGHUP) |
                                     SignalBit(SIGQUIT) | SignalBit(SIGUSR1) | SignalBit(SIGUSR2) | kAlarm;

}  // namespace

uint64_t ParseTimerSignals(std::string_view text) {
  constexpr std::string_view field = "signal: ";
  uint64_t signals = 0;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(line.size() < text.size() ? line.size() + 1 : line.size());
    if (!line.starts_with(field)) {
      continue;
    }
    line.remove_prefix(field.size());
    int signal = 0;
    // "14/0000000000000000": the number and the value that comes with it.
    if (Words(line.substr(0, line.find('/'))).Take(&signal) && signal >= 1 && signal <= kMostSignals) {
      signals |= SignalBit(signal);
    }
  }
  return signals;
}

uint64_t ServiceSignals(pid_t pid, uint64_t caught) {
  return (caught & kSentToServices) | TimerSignals(pid, caught);
}

uint64_t TimerSignals(pid_t pid, uint64_t caught) {
  if ((caught & ~kAlarm) == 0) {
    return caught;
  }
  const std::optional<std::string> timers = ReadProcFile(pid, "timers");
  return caught & (kAlarm | ParseTimerSignals(timers.value_or("")));
}

}  // namespace gordian::inspect
