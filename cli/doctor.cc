// `gordian doctor`: will it work here, and what will not be seen, with what to do about it.
#include <sys/statfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/message.h"
#include "cli/preload.h"
#include "libsync/inspect/address_space.h"
#include "libsync/inspect/elf_kind.h"
#include "libsync/inspect/libc_layout.h"
#include "libsync/inspect/memory.h"
#include "libsync/inspect/permission.h"
#include "libsync/inspect/proc.h"
#include "libsync/inspect/runtimes.h"
#include "libsync/inspect/words.h"
#include "reports/debug_files.h"

namespace gordian::cli {
namespace {

constexpr uint64_t kTmpfs = 0x01021994;
constexpr int kSysPtrace = 19;
constexpr int64_t kLowShm = int64_t{64} << 20;

// Collects what was found, in the order in which it was asked.
class Findings {
 public:
  void Good(const std::string& what) { absl::StrAppend(&text_, "ok     ", what, "\n"); }
  void Limit(const std::string& what, const std::string& advice) {
    absl::StrAppend(&text_, "LIMIT  ", what, "\n       -> ", advice, "\n");
    ++limits_;
  }
  void Print() const {
    std::printf("%sgordian doctor: %d limit%s\n", text_.c_str(), limits_, limits_ == 1 ? "" : "s");
  }

 private:
  std::string text_;
  int limits_ = 0;
};

void ExamineShim(Findings* findings) {
  std::string why;
  const std::string shim = FindShim(&why);
  if (shim.empty()) {
    findings->Limit(why, "install gordian with its shim: cmake --install");
  } else {
    findings->Good(absl::StrCat("the shim is ", shim));
  }
}

void ExamineSharedMemory(Findings* findings) {
  struct statfs space {};
  if (statfs("/dev/shm", &space) != 0 || static_cast<uint64_t>(space.f_type) != kTmpfs ||
      access("/dev/shm", W_OK) != 0) {
    findings->Limit("/dev/shm is no writable tmpfs: traces lie on a disk, which is slower",
                    "mount a tmpfs there; docker run --shm-size=256m");
    return;
  }
  const int64_t free = static_cast<int64_t>(space.f_bavail) * space.f_bsize;
  if (free < kLowShm) {
    findings->Limit(
        absl::StrCat("/dev/shm has only ", free >> 20, " MiB left: long runs of many processes lose facts"),
        "docker run --shm-size=256m, or free some of it");
  } else {
    findings->Good(absl::StrCat("/dev/shm has ", free >> 20, " MiB for traces"));
  }
}

void ExamineLibc(Findings* findings) {
  const std::string wrong = inspect::TestLayout();
  if (wrong.empty()) {
    findings->Good("the C library is one whose locks gordian attach can read");
  } else {
    findings->Limit(wrong, "gordian attach names no owners of locks here; gordian run does");
  }
}

// Of probes inside the C library: uprobes, SDT.
void ExamineTaking(Findings* findings) {
  const char* options = getenv("GORDIAN_OPTIONS");
  if (absl::StrContains(absl::StrCat(":", options == nullptr ? "" : options, ":"), ":take=libc:")) {
    findings->Good("every lock is taken by the C library (take=libc)");
  } else {
    findings->Good(
        "a lock that is free is taken in the hook, so probes inside the C library see contended ones only; "
        "GORDIAN_OPTIONS=take=libc shows them all");
  }
}

void ExamineTracing(Findings* findings) {
  const inspect::Access access = inspect::ReadAccess(getpid());
  uint64_t capabilities = 0;
  if (const auto status = inspect::ReadText("/proc/self/status")) {
    inspect::Words(inspect::StatusField(*status, "CapEff")).Take(&capabilities, 16);
  }
  const bool privileged = (capabilities >> kSysPtrace & 1) != 0;
  if (privileged && access.yama_scope < 3) {
    findings->Good("gordian attach may look into every process (CAP_SYS_PTRACE)");
  } else if (access.yama_scope == 0) {
    findings->Limit("gordian attach may look into processes of this user only",
                    "run it as root for the others; docker run --cap-add SYS_PTRACE");
  } else {
    findings->Limit(absl::StrCat("kernel.yama.ptrace_scope is ", access.yama_scope),
                    "gordian attach needs root here, or sysctl kernel.yama.ptrace_scope=0");
  }
  const int word = kSysPtrace;
  const inspect::ProcessMemory self(getpid());
  if (self.Get<int>(reinterpret_cast<uint64_t>(&word)) != word) {
    findings->Limit(
        "a sandbox keeps gordian from reading the memory of processes (process_vm_readv, /proc/PID/mem)",
        "docker run --security-opt seccomp=unconfined, or gordian attach from outside the container");
  }
  const auto wait = inspect::ReadTaskWait(getpid(), getpid());
  if (!wait || !wait->readable) {
    findings->Limit("the kernel does not show in which call a thread sleeps (/proc/PID/task/TID/syscall)",
                    "gordian attach tells nothing here; gordian run works");
  }
}

void ExaminePreloads(const std::string& preloads, Findings* findings) {
  for (const absl::string_view entry : absl::StrSplit(preloads, absl::ByAnyChar(": "), absl::SkipEmpty())) {
    if (!absl::StrContains(entry, kShimName)) {
      findings->Limit(absl::StrCat("another library is preloaded: ", entry),
                      "it stays and comes after the shim; if it hooks locks too, its calls are seen once");
    }
  }
}

// Of the file that is executed, by what is built into it.
void ExamineRuntimes(const std::string& binary, Findings* findings) {
  const inspect::Runtimes runtimes = inspect::FindRuntimes(binary);
  if (runtimes.go) {
    findings->Limit(
        "it is a Go program: its runtime takes its locks without libc, so none of them is seen",
        "gordian sees its processes, and its C parts where it has some (cgo); for goroutines: kill -QUIT, "
        "which prints their stacks");
  }
  if (runtimes.rust) {
    findings->Limit(
        "it has Rust code: the locks of std::sync are bare futexes, of which is seen who waits, but not "
        "who holds them",
        "gordian attach shows where each thread stands; locks that go through libc are seen as always");
  }
  if (!runtimes.sanitizer.empty()) {
    findings->Limit(absl::StrCat("it is built with a sanitizer (", runtimes.sanitizer, ")"),
                    "it works together with gordian run; two detectors may tell the same thing");
  }
}

void ExamineExecutable(const std::string& program, uid_t uid, gid_t gid, Findings* findings) {
  const inspect::Executable executable = inspect::Classify(program);
  const std::string why = inspect::WhyUnseen(executable, uid, gid);
  if (why.empty()) {
    findings->Good(absl::StrCat(program, " can be recorded"));
  } else {
    findings->Limit(
        absl::StrCat(program, " cannot be recorded: it is ", why),
        "gordian run runs it untouched and names it; gordian attach explains its hangs where it is 64-bit "
        "and linked with glibc");
  }
  const std::string binary =
      executable.kind == inspect::ExecutableKind::kScript ? executable.interpreter : program;
  ExamineRuntimes(binary, findings);
  if (!report::HasDebugInformation(binary)) {
    findings->Limit(
        absl::StrCat(binary, " has no debug information: reports name functions at best, no lines"),
        "build it with -g, or install its debug symbols (Debian: NAME-dbgsym) below /usr/lib/debug");
  }
}

bool ExamineProcess(pid_t pid, Findings* findings) {
  const auto status = inspect::ReadText(absl::StrCat("/proc/", pid, "/status"));
  if (!status) {
    Message(absl::StrCat("there is no process ", pid));
    return false;
  }
  const auto wait = inspect::ReadTaskWait(pid, pid);
  if (wait && !wait->readable) {
    findings->Limit(
        "gordian attach may not look into it: " + inspect::WhyNotPermitted(inspect::ReadAccess(pid)),
        "see there");
    return true;
  }
  pid_t tracer = 0;
  if (inspect::Words(inspect::StatusField(*status, "TracerPid")).Take(&tracer) && tracer != 0) {
    findings->Limit(
        absl::StrCat("process ", tracer, " traces it: what only other threads can end is no deadlock"),
        "detach the debugger");
  }
  int seccomp = 0;
  if (inspect::Words(inspect::StatusField(*status, "Seccomp")).Take(&seccomp) && seccomp != 0) {
    findings->Good("it has a seccomp filter, which does not keep gordian attach out");
  }
  const inspect::ProcessMemory memory(pid);
  const auto space = inspect::ReadAddressSpace(pid, memory);
  const int version = space ? inspect::LibcMinorVersion(*space, memory) : 0;
  if (space && inspect::LayoutOf(*space, memory) == nullptr) {
    findings->Limit(version == 0 ? std::string("its C library is not glibc")
                                 : absl::StrCat("its glibc 2.", version, " is in no row of the table"),
                    "gordian attach shows where its threads wait, but not who owns their locks");
  } else if (version != 0) {
    findings->Good(absl::StrCat("it runs with glibc 2.", version, ", whose locks can be read"));
  }
  if (const auto environment = inspect::ReadText(absl::StrCat("/proc/", pid, "/environ"))) {
    for (const absl::string_view entry : absl::StrSplit(*environment, '\0')) {
      if (absl::StartsWith(entry, "LD_PRELOAD=")) {
        ExaminePreloads(std::string(entry.substr(entry.find('=') + 1)), findings);
      }
    }
  }
  ExamineExecutable(absl::StrCat("/proc/", pid, "/exe"), geteuid(), getegid(), findings);
  return true;
}

int DoctorCommand(int32_t pid, const std::vector<std::string>& command) {
  Findings findings;
  utsname kernel{};
  uname(&kernel);
  findings.Good(absl::StrCat("Linux ", kernel.release, " on ", kernel.machine));
  if (!inspect::HasProc()) {
    findings.Limit(inspect::kNoProc, "mount -t proc proc /proc");
    findings.Print();
    return 0;
  }
  ExamineShim(&findings);
  ExamineSharedMemory(&findings);
  ExamineLibc(&findings);
  ExamineTaking(&findings);
  ExamineTracing(&findings);
  if (pid > 0) {
    if (!ExamineProcess(pid, &findings)) {
      return kExitCannotInspect;
    }
  } else if (!command.empty()) {
    const std::string program = FindExecutable(command[0]);
    if (program.empty()) {
      Message(absl::StrCat("cannot find '", command[0], "'"));
      return kExitCannotInspect;
    }
    const char* preloads = getenv("LD_PRELOAD");
    ExaminePreloads(preloads == nullptr ? "" : preloads, &findings);
    ExamineExecutable(program, geteuid(), getegid(), &findings);
  }
  findings.Print();
  return 0;
}

}  // namespace

void RegisterDoctor(CommandParser* line) {
  const auto pid = std::make_shared<int32_t>(0);
  Subcommand doctor;
  doctor.name = "doctor";
  doctor.help = "tell what gordian will see here, and what it will not";
  doctor.footer = "Of a program: gordian doctor -- CMD. Of a running process: gordian doctor -p PID";
  doctor.command = TakesCommand::kOptional;
  doctor.arguments = {{"-p,--pid", "PID", "a running process", SetPid(pid.get())}};
  doctor.run = [pid](const Invocation& invocation) {
    if (*pid > 0 && invocation.has_command) {
      Message("doctor: either a process or a command");
      return kExitUsage;
    }
    return DoctorCommand(*pid, invocation.command);
  };
  line->Add(std::move(doctor));
}

}  // namespace gordian::cli
