#include "libsync/inspect/unwind.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "libsync/inspect/build_id.h"

namespace gordian::inspect {
namespace {

// libdwfl wants a thread id; there is one thread at a time.
constexpr pid_t kThread = 1;
constexpr size_t kMostFrames = 128;
// Of the stack, read in one piece.
constexpr size_t kWindow = size_t{16} << 10;
// How far up a frame's own record is searched, and how many places are tried.
constexpr uint64_t kSearchBytes = 4096;
constexpr int kMostTries = 16;
// The frame pointer is set up within so many bytes of a function.
constexpr uint64_t kPrologueBytes = 32;

constexpr int kReturnAddress = 16;  // DWARF's number for it, of the x86-64 psABI

int NoDebugFile(Dwfl_Module*, void**, const char*, Dwarf_Addr, const char*, const char*, GElf_Word, char**) {
  return -1;
}

int NoElf(Dwfl_Module*, void**, const char*, Dwarf_Addr, char**, Elf**) { return -1; }

}  // namespace

Unwinder::Unwinder(const Memory* memory, const AddressSpace* space) : memory_(memory), space_(space) {
  callbacks_.find_elf = NoElf;
  callbacks_.find_debuginfo = NoDebugFile;
  thread_callbacks_.next_thread = NextThread;
  thread_callbacks_.get_thread = GetThread;
  thread_callbacks_.memory_read = ReadWord;
  thread_callbacks_.set_initial_registers = SetRegisters;
  dwfl_ = dwfl_begin(&callbacks_);
  if (dwfl_ == nullptr) {
    return;
  }
  dwfl_report_begin(dwfl_);
  for (const trace::Module& module : space->modules) {
    Report(module);
  }
  dwfl_report_end(dwfl_, nullptr, nullptr);
  attached_ = dwfl_attach_state(dwfl_, nullptr, kThread, &thread_callbacks_, this);
}

Unwinder::~Unwinder() { dwfl_end(dwfl_); }

void Unwinder::Report(const trace::Module& module) {
  constexpr std::string_view deleted = " (deleted)";
  std::string path = module.path;
  if (path.ends_with(deleted)) {
    path.resize(path.size() - deleted.size());
  }
  const int fd = OpenRegular(path);
  if (fd < 0) {
    return;
  }
  elf_version(EV_CURRENT);
  Elf* elf = elf_begin(fd, ELF_C_READ_MMAP, nullptr);
  const bool same = elf != nullptr && elf_kind(elf) == ELF_K_ELF && HasBuildId(elf, module.build_id);
  elf_end(elf);
  if (!same || dwfl_report_elf(dwfl_, path.c_str(), path.c_str(), fd, module.bias, true) == nullptr) {
    close(fd);
  }
}

pid_t Unwinder::NextThread(Dwfl* /*dwfl*/, void* self, void** thread) {
  if (*thread != nullptr) {
    return 0;
  }
  *thread = self;
  return kThread;
}

bool Unwinder::GetThread(Dwfl* /*dwfl*/, pid_t /*tid*/, void* self, void** thread) {
  *thread = self;
  return true;
}

bool Unwinder::ReadWord(Dwfl* /*dwfl*/, Dwarf_Addr address, Dwarf_Word* word, void* self) {
  const std::optional<uint64_t> value = static_cast<Unwinder*>(self)->window_->Word(address);
  if (value) {
    *word = *value;
  }
  return value.has_value();
}

bool Unwinder::SetRegisters(Dwfl_Thread* thread, void* self) {
  const Registers& registers = static_cast<Unwinder*>(self)->registers_;
  dwfl_thread_state_register_pc(thread, registers.pc);
  for (size_t r = 0; r < registers.general.size(); ++r) {
    if (const std::optional<uint64_t>& known = registers.general[r]) {
      const Dwarf_Word value = *known;
      if (!dwfl_thread_state_registers(thread, static_cast<int>(r), 1, &value)) {
        return false;
      }
    }
  }
  return true;
}

int Unwinder::OnFrame(Dwfl_Frame* frame, void* result) {
  auto* attempt = static_cast<Attempt*>(result);
  Dwarf_Addr pc = 0;
  if (!dwfl_frame_pc(frame, &pc, nullptr) || pc == 0) {
    return DWARF_CB_ABORT;
  }
  if (attempt->addresses.size() == kMostFrames) {
    return DWARF_CB_ABORT;
  }
  attempt->addresses.push_back(pc);
  Dwarf_Word value = 0;
  attempt->frame_pointer_known = dwfl_frame_reg(frame, kFramePointer, &value) == 0;
  attempt->sp = dwfl_frame_reg(frame, kStackPointer, &value) == 0 ? value : 0;
  return DWARF_CB_OK;
}

Unwinder::Attempt Unwinder::Try(const Registers& registers) {
  registers_ = registers;
  Attempt attempt;
  // What libdwfl returns does not tell a stack's end from a frame that needs an unknown register.
  dwfl_getthread_frames(dwfl_, kThread, OnFrame, &attempt);
  if (!attempt.addresses.empty()) {
    const uint64_t last = attempt.addresses.back() - (attempt.addresses.size() > 1 ? 1 : 0);
    attempt.function = FindFunction(last);
    attempt.in_object = dwfl_addrmodule(dwfl_, last) != nullptr;
    attempt.complete = attempt.function && attempt.function->outermost;
  }
  return attempt;
}

Unwinder::Walk Unwinder::Unwind(const Registers& registers) {
  Walk walk{{registers.pc}, 1, false};
  if (!attached_) {
    return walk;
  }
  window_.emplace(memory_, registers.sp(), kWindow);
  const Attempt plain = Try(registers);
  if (!plain.addresses.empty()) {
    walk.addresses = plain.addresses;
  }
  walk.exact = walk.addresses.size();
  walk.complete = plain.complete;
  if (plain.complete || plain.sp == 0) {
    return walk;
  }
  if (plain.function && !plain.frame_pointer_known) {
    SearchFramePointer(registers, plain, &walk);
  } else if (!plain.function && plain.in_object) {
    SearchCaller(plain.sp, &walk);
  }
  return walk;
}

// Goes on behind the frames of `plain`.
void Unwinder::SearchFramePointer(const Registers& registers, const Attempt& plain, Walk* walk) {
  int tries = 0;
  for (uint64_t at = plain.sp; at < plain.sp + kSearchBytes && tries < kMostTries; at += 8) {
    const std::optional<uint64_t> back = window_->Word(at + 8);
    if (!back || !MayHaveCalled(*back, plain.function->row_start)) {
      continue;
    }
    ++tries;
    Registers guess = registers;
    guess.general[kFramePointer] = at;
    const Attempt found = Try(guess);
    if (found.AtEnd() && found.addresses.size() > plain.addresses.size()) {
      walk->addresses = found.addresses;
      walk->complete = found.complete;
      break;
    }
  }
}

// Goes on from an object without tables: with the lowest return address behind a call into it.
void Unwinder::SearchCaller(uint64_t sp, Walk* walk) {
  int tries = 0;
  for (uint64_t at = sp; at < sp + kSearchBytes && tries < kMostTries; at += 8) {
    const std::optional<uint64_t> back = window_->Word(at);
    if (!back || !MayHaveCalled(*back, std::nullopt) || !FindFunction(*back - 1)) {
      continue;
    }
    ++tries;
    Registers guess;
    guess.pc = *back;
    guess.general[kStackPointer] = at + 8;
    const Attempt plain = Try(guess);
    Walk rest{plain.addresses, 0, plain.complete};
    if (!plain.AtEnd() && !plain.frame_pointer_known && plain.sp != 0 && plain.function) {
      SearchFramePointer(guess, plain, &rest);
    }
    if (!rest.addresses.empty()) {
      walk->addresses.insert(walk->addresses.end(), rest.addresses.begin(), rest.addresses.end());
      walk->complete = rest.complete;
      return;
    }
  }
}

std::optional<Unwinder::Function> Unwinder::FindFunction(uint64_t address) {
  Dwfl_Module* module = dwfl_addrmodule(dwfl_, address);
  Dwarf_Addr bias = 0;
  Dwarf_CFI* tables = module == nullptr ? nullptr : dwfl_module_eh_cfi(module, &bias);
  Dwarf_Frame* frame = nullptr;
  if (tables == nullptr || dwarf_cfi_addrframe(tables, address - bias, &frame) != 0) {
    return std::nullopt;
  }
  Dwarf_Addr start = 0;
  const bool good = dwarf_frame_info(frame, &start, nullptr, nullptr) >= 0;
  // A rule of no operations is "undefined" here, and "the same value" without a place for them.
  std::array<Dwarf_Op, 3> memory{};
  Dwarf_Op* rule = nullptr;
  size_t count = 0;
  const bool outermost = dwarf_frame_register(frame, kReturnAddress, memory.data(), &rule, &count) == 0 &&
                         count == 0 && rule != nullptr;
  free(frame);
  return good ? std::optional(Function{start + bias, outermost}) : std::nullopt;
}

// An entry of a linkage table: an indirect jump, behind endbr64 and bnd where there are.
bool Unwinder::IsLinkage(uint64_t address) const {
  std::array<uint8_t, 8> code{};
  if (memory_->Read(address, code.data(), code.size()) != code.size()) {
    return false;
  }
  constexpr std::array<uint8_t, 4> endbr64 = {0xF3, 0x0F, 0x1E, 0xFA};
  size_t at = std::equal(endbr64.begin(), endbr64.end(), code.begin()) ? endbr64.size() : 0;
  at += code[at] == 0xF2 ? 1 : 0;
  return code[at] == 0xFF && code[at + 1] == 0x25;
}

// A return address stands behind a call: of this function where the call names its target, of anything where
// it goes through a register, the memory or a linkage table. x86-64 code.
bool Unwinder::MayHaveCalled(uint64_t return_address, std::optional<uint64_t> row_start) {
  const Mapping* mapping = space_->MappingAt(return_address);
  if (mapping == nullptr || !mapping->executable || return_address - mapping->start < 8) {
    return false;
  }
  std::array<uint8_t, 8> code{};
  if (memory_->Read(return_address - code.size(), code.data(), code.size()) != code.size()) {
    return false;
  }
  if (code[3] == 0xE8) {
    int32_t distance = 0;
    std::memcpy(&distance, &code[4], sizeof(distance));
    const uint64_t target = return_address + static_cast<int64_t>(distance);
    const bool fits = row_start ? target <= *row_start && *row_start - target <= kPrologueBytes
                                : !FindFunction(target).has_value();
    return fits || IsLinkage(target);
  }
  // call r/m64: FF /2, two to seven bytes.
  for (size_t length = 2; length <= 7; ++length) {
    const size_t at = code.size() - length;
    if (code[at] == 0xFF && (code[at + 1] >> 3 & 7) == 2) {
      return true;
    }
  }
  return false;
}

bool Unwinder::IsSignalReturn(uint64_t address) const {
  // mov $__NR_rt_sigreturn, %rax; syscall
  constexpr std::array<uint8_t, 9> expected = {0x48, 0xC7, 0xC0, 0x0F, 0, 0, 0, 0x0F, 0x05};
  std::array<uint8_t, expected.size()> code{};
  return memory_->Read(address, code.data(), code.size()) == code.size() && code == expected;
}

const std::string& Unwinder::FunctionAt(uint64_t address) {
  auto [entry, is_new] = functions_.try_emplace(address);
  if (!is_new) {
    return entry->second;
  }
  Dwfl_Module* module = attached_ ? dwfl_addrmodule(dwfl_, address) : nullptr;
  if (module == nullptr) {
    return entry->second;
  }
  GElf_Off offset = 0;
  GElf_Sym symbol;
  const char* name = dwfl_module_addrinfo(module, address, &offset, &symbol, nullptr, nullptr, nullptr);
  if (name == nullptr || offset >= symbol.st_size) {
    return entry->second;
  }
  std::string_view text = name;
  text = text.substr(0, text.find('@'));
  text.remove_prefix(std::min(text.find_first_not_of('_'), text.size()));
  entry->second = text;
  return entry->second;
}

trace::Stack ToStack(const Unwinder::Walk& walk, const AddressSpace& space) {
  trace::Stack stack;
  for (size_t i = 0; i < walk.addresses.size(); ++i) {
    trace::Frame frame = space.FrameAt(walk.addresses[i]);
    frame.inexact = i >= walk.exact;
    stack.frames.push_back(frame);
  }
  return stack;
}

TaskStack StackOf(pid_t pid, const TaskWait& wait) {
  const ProcessMemory memory(pid);
  std::optional<AddressSpace> space = ReadAddressSpace(pid, memory);
  if (!space.has_value()) {
    return {};
  }
  trace::Stack stack = ToStack(Unwinder(&memory, &*space).Unwind(RegistersOf(wait)), *space);
  return {std::move(space->modules), std::move(stack)};
}

}  // namespace gordian::inspect
