#include "libsync/record/stack.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <signal.h>
#include <unwind.h>

#include <cstring>

#include "libsync/record/handlers.h"
#include "libsync/record/raw.h"
#include "libsync/record/scripts.h"

namespace gordian::record {
namespace {

constexpr uintptr_t kStackReserve = 8 * 1024;

uintptr_t g_own_start = 0;
uintptr_t g_own_end = 0;

struct Capture {
  uintptr_t return_address;
  bool found_caller;
  int count;
  uintptr_t addresses[kMaxFrames];
  uint64_t loops;                    // bit i: the i-th is an interpreter's evaluation loop
  uintptr_t pointers[kCallers + 1];  // the stack pointer in each of the first frames
  // Of the frame before the one at hand, and of the one before that.
  uintptr_t former_pointer;
  uintptr_t functions[2];
  InterruptedBy signal;
};

// Set while the unwinder runs on this thread: where to go when it meets an address of no module.
__attribute__((tls_model("initial-exec"))) thread_local constinit void** t_escape = nullptr;

_Unwind_Reason_Code OnFrame(_Unwind_Context* context, void* argument) {
  Capture* capture = static_cast<Capture*>(argument);
  int interrupted = 0;
  const uintptr_t address = _Unwind_GetIPInfo(context, &interrupted);
  if (address == 0) {
    return _URC_END_OF_STACK;
  }
  // Between a handler and what it interrupted stands the frame that the kernel made, which the handler
  // returns to.
  if (interrupted != 0 && capture->found_caller && capture->signal.frame == 0) {
    capture->signal = InterruptedBy{capture->former_pointer, capture->functions[1]};
  }
  capture->former_pointer = _Unwind_GetCFA(context);
  capture->functions[1] = capture->functions[0];
  capture->functions[0] = _Unwind_GetRegionStart(context);
  if (!capture->found_caller) {
    if (address != capture->return_address) {
      return _URC_NO_REASON;  // a frame of ours, inside the hook
    }
    capture->found_caller = true;
  }
  if (address >= g_own_start && address < g_own_end) {
    return _URC_NO_REASON;  // our thread trampoline further out
  }
  if (capture->count <= kCallers) {
    capture->pointers[capture->count] = _Unwind_GetCFA(context);
  }
  if (capture->functions[0] == g_interpreter.loop) {
    capture->loops |= uint64_t{1} << capture->count;
  }
  capture->addresses[capture->count++] = address;
  return capture->count == kMaxFrames ? _URC_END_OF_STACK : _URC_NO_REASON;
}

__attribute__((noinline)) void Unwind(Capture* capture) {
  void* escape[5];
  if (__builtin_setjmp(escape) == 0) {
    t_escape = escape;
    _Unwind_Backtrace(OnFrame, capture);
  }
  t_escape = nullptr;
}

// The build-id note of a mapped module, found through its own program headers.
const uint8_t* FindBuildId(uintptr_t map_start, uintptr_t map_end, uint64_t bias, uint32_t* bytes) {
  const auto* header = reinterpret_cast<const ElfW(Ehdr)*>(map_start);
  if (map_end - map_start < sizeof(*header) || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
      header->e_phoff + header->e_phnum * sizeof(ElfW(Phdr)) > 4096) {
    return nullptr;
  }
  const auto* segment = reinterpret_cast<const ElfW(Phdr)*>(map_start + header->e_phoff);
  for (int i = 0; i < header->e_phnum; ++i, ++segment) {
    if (segment->p_type != PT_NOTE) {
      continue;
    }
    uintptr_t at = bias + segment->p_vaddr;
    const uintptr_t end = at + segment->p_memsz;
    if (at < map_start || end > map_end) {
      continue;
    }
    while (at + sizeof(ElfW(Nhdr)) <= end) {
      const auto* note = reinterpret_cast<const ElfW(Nhdr)*>(at);
      const uintptr_t name = at + sizeof(*note);
      const uintptr_t description = name + ((note->n_namesz + 3) & ~3u);
      const uintptr_t next = description + ((note->n_descsz + 3) & ~3u);
      if (next > end || next <= at) {
        break;
      }
      if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 &&
          memcmp(reinterpret_cast<const void*>(name), "GNU", 4) == 0 && note->n_descsz >= 8 &&
          note->n_descsz <= 32) {
        *bytes = note->n_descsz;
        return reinterpret_cast<const uint8_t*>(description);
      }
      at = next;
    }
  }
  return nullptr;
}

uint64_t HeadOf(const uint8_t* build_id) {
  uint64_t head = 0;
  if (build_id != nullptr) {
    memcpy(&head, build_id, sizeof(head));
  }
  return head;
}

// REQUIRES: modules_lock held.
Module* AddModule(const dl_find_object& found) {
  if (g_image->module_count == g_image->module_capacity) {
    const uint32_t capacity = g_image->module_capacity == 0 ? 32 : g_image->module_capacity * 2;
    auto* grown = static_cast<Module*>(g_image->arena.Allocate(capacity * sizeof(Module)));
    if (grown == nullptr || capacity > 0x8000) {
      return nullptr;
    }
    memcpy(grown, g_image->modules, g_image->module_count * sizeof(Module));
    g_image->arena.Free(g_image->modules, g_image->module_capacity * sizeof(Module));
    g_image->modules = grown;
    g_image->module_capacity = capacity;
  }
  const auto start = reinterpret_cast<uintptr_t>(found.dlfo_map_start);
  const auto end = reinterpret_cast<uintptr_t>(found.dlfo_map_end);
  const char* path = found.dlfo_link_map->l_name;
  const bool main_program = path == nullptr || path[0] == '\0';
  if (main_program) {
    path = g_trace.header()->executable;
  }
  const size_t path_bytes = strnlen(path, 4000);
  trace::Ref ref;
  auto* record = g_trace.Append<trace::ModuleRecord>(trace::Type::kModule, path_bytes, &ref);
  if (record == nullptr) {
    return nullptr;
  }
  Module* module = &g_image->modules[g_image->module_count++];
  uint32_t build_id_bytes = 0;
  *module = Module{start, end, found.dlfo_link_map, nullptr, 0, g_image->module_count};
  module->build_id = FindBuildId(start, end, found.dlfo_link_map->l_addr, &build_id_bytes);
  module->build_id_head = HeadOf(module->build_id);
  record->serial = module->serial;
  record->start = start;
  record->end = end;
  record->bias = found.dlfo_link_map->l_addr;
  record->build_id_bytes = build_id_bytes;
  if (module->build_id != nullptr) {
    memcpy(record->build_id, module->build_id, build_id_bytes);
  }
  record->seen_ns = NowNs();
  record->path_bytes = static_cast<uint32_t>(path_bytes);
  memcpy(record->path, path, path_bytes);
  g_trace.Commit(record, false);
  return module;
}

uint64_t HashAddresses(const uint64_t* frames, int count) {
  uint64_t hash = 0x243F6A8885A308D3u;
  for (int i = 0; i < count; ++i) {
    hash = MixBits(hash ^ frames[i]);
  }
  return hash == 0 ? 1 : hash;
}

trace::Ref StoreStack(const uint64_t* frames, int count) {
  const uint64_t hash = HashAddresses(frames, count);
  Table& table = g_image->stacks.For(hash);
  if (const uint64_t known = table.Find(hash); known != 0) {
    return static_cast<trace::Ref>(known);
  }
  trace::Ref ref = 0;
  auto* record = g_trace.Append<trace::StackRecord>(trace::Type::kStack,
                                                    static_cast<size_t>(count - 1) * sizeof(uint64_t), &ref);
  if (record == nullptr) {
    return 0;
  }
  record->hash = static_cast<uint32_t>(hash);
  record->count = static_cast<uint32_t>(count);
  memcpy(record->frames, frames, static_cast<size_t>(count) * sizeof(uint64_t));
  g_trace.Commit(record, false);
  table.Put(&g_image->arena, hash, ref);
  return ref;
}

}  // namespace

// libgcc asks this for every frame. An address of no module would send it guessing, so it is left at once;
// it holds no lock and owns nothing at that point.
extern "C" int __real__dl_find_object(void* address, dl_find_object* result);
extern "C" int __wrap__dl_find_object(void* address, dl_find_object* result) {
  const int missing = __real__dl_find_object(address, result);
  if (missing != 0 && t_escape != nullptr) {
    void** escape = t_escape;
    t_escape = nullptr;
    __builtin_longjmp(escape, 1);
  }
  return missing;
}

void FindOwnCode() {
  dl_find_object found{};
  if (__real__dl_find_object(reinterpret_cast<void*>(&FindOwnCode), &found) == 0) {
    g_own_start = reinterpret_cast<uintptr_t>(found.dlfo_map_start);
    g_own_end = reinterpret_cast<uintptr_t>(found.dlfo_map_end);
  }
}

bool IsOwnCode(const void* address) {
  const auto value = reinterpret_cast<uintptr_t>(address);
  return value >= g_own_start && value < g_own_end;
}

bool OnSignalStack() {
  stack_t stack{};
  return g_no_syscalls ||
         (RawSyscall(SYS_sigaltstack, 0, ToRaw(&stack)) == 0 && (stack.ss_flags & SS_ONSTACK) != 0);
}

uint32_t ModuleOf(uintptr_t address, uint64_t* offset) {
  dl_find_object found{};
  if (__real__dl_find_object(reinterpret_cast<void*>(address), &found) != 0 ||
      found.dlfo_link_map == nullptr) {
    return 0;
  }
  const auto start = reinterpret_cast<uintptr_t>(found.dlfo_map_start);
  const auto end = reinterpret_cast<uintptr_t>(found.dlfo_map_end);
  *offset = address - start;
  SpinGuard guard(&g_image->modules_lock);
  for (uint32_t i = g_image->module_count; i-- > 0;) {
    const Module& module = g_image->modules[i];
    // Another library may lie where one was unloaded, even with the same link map: the build-id tells.
    if (module.start == start && module.end == end && module.link_map == found.dlfo_link_map &&
        module.build_id_head == HeadOf(module.build_id)) {
      return module.serial;
    }
  }
  const Module* added = AddModule(found);
  return added == nullptr ? 0 : added->serial;
}

uint64_t BuildIdHead(uint32_t serial) {
  SpinGuard guard(&g_image->modules_lock);
  for (uint32_t i = 0; i < g_image->module_count; ++i) {
    if (g_image->modules[i].serial == serial) {
      return g_image->modules[i].build_id_head;
    }
  }
  return 0;
}

uint64_t EncodeAddress(uintptr_t address) {
  uint64_t offset = 0;
  const uint64_t serial = ModuleOf(address, &offset);
  return serial == 0 ? address & trace::kFrameOffsetMask
                     : serial << trace::kFrameModuleShift | (offset & trace::kFrameOffsetMask);
}

namespace {

// Of a function whose frame differs from call to call (alloca): its callers cannot be found without the
// unwinder.
constexpr uint64_t kNoFixedSize = uint64_t{1} << 40;

void LearnFrameSize(uintptr_t return_address, uint64_t size) {
  Table& sizes = g_image->frame_sizes.For(return_address);
  const uint64_t known = sizes.Find(return_address);
  if (known != size && known != kNoFixedSize) {
    sizes.Put(&g_image->arena, return_address, known == 0 && size < kNoFixedSize ? size : kNoFixedSize);
  }
}

}  // namespace

Callers FindCallers(const Site& site, uintptr_t stack_low, uintptr_t stack_high) {
  Callers callers = kUnknownCallers;
  if (site.frame < stack_low || site.frame >= stack_high) {
    return callers;  // another stack, whose end is not known
  }
  uintptr_t return_address = site.return_address;
  uintptr_t pointer = site.frame + 2 * sizeof(void*);
  for (int level = 0; level < kCallers; ++level) {
    const uint64_t size = g_image->frame_sizes.For(return_address).Find(return_address);
    pointer += size;
    const uint64_t offset = (pointer - sizeof(void*) - site.frame) / sizeof(void*);
    if (size == 0 || size == kNoFixedSize || pointer >= stack_high || offset > UINT16_MAX) {
      break;
    }
    callers = WithWord(callers, level, static_cast<uint16_t>(offset));
    return_address = reinterpret_cast<const uintptr_t*>(site.frame)[offset];
  }
  return callers;
}

namespace {

// Frames in their packed form. The innermost is a return address like the others, but the format wants the
// call itself there.
struct Frames {
  int count = 0;
  uint64_t words[kMaxFrames];

  void Add(uint64_t word) {
    if (word != 0 && count < kMaxFrames) {
      words[count++] = word;
    }
  }
  void AddReturn(uintptr_t address) { Add(EncodeAddress(count == 0 ? address - 1 : address)); }
};

// Each evaluation loop stands for the script's frames that it runs, the interpreter's other frames for
// nothing. What has no loop comes last: of a walk that came to no end, or where the loop is compiled in
// parts.
void AddFrames(const Capture& capture, bool with_scripts, Frames* frames) {
  ScriptPlace places[kMaxScriptFrames];
  const int count = with_scripts ? ReadScripts(places, kMaxScriptFrames) : 0;
  int next = 0;
  for (int i = 0; i < capture.count; ++i) {
    if (count == 0 || !IsOfInterpreter(capture.addresses[i] - 1)) {
      frames->AddReturn(capture.addresses[i]);
      continue;
    }
    for (bool in_loop = (capture.loops >> i & 1) != 0; in_loop && next < count; ++next) {
      frames->Add(EncodeScript(places[next]));
      in_loop = !places[next].last_of_loop;
    }
  }
  while (next < count) {
    frames->Add(EncodeScript(places[next++]));
  }
  if (frames->count == 0) {
    frames->AddReturn(capture.addresses[0]);  // nothing of the script can be told
  }
}

}  // namespace

trace::Ref CaptureStack(const Site& site, uintptr_t stack_low, uintptr_t stack_high, bool with_scripts) {
  Capture capture;
  capture.return_address = site.return_address;
  capture.found_caller = false;
  capture.count = 0;
  capture.loops = 0;
  capture.former_pointer = capture.functions[0] = capture.functions[1] = 0;
  capture.signal = InterruptedBy{};
  const auto here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  if (here > stack_low + kStackReserve && here < stack_high && (g_no_syscalls || !OnSignalStack())) {
    Unwind(&capture);
  } else {
    __atomic_fetch_add(&g_trace.header()->counters.stacks_skipped, 1, __ATOMIC_RELAXED);
  }
  for (int i = 0; i < kCallers && i + 1 < capture.count; ++i) {
    LearnFrameSize(capture.addresses[i], capture.pointers[i + 1] - capture.pointers[i]);
  }
  if (capture.count == 0) {
    capture.addresses[0] = site.return_address;
    capture.count = 1;
  }
  Frames frames;
  // What a handler interrupted may be about to change its frames.
  AddFrames(capture, with_scripts && capture.signal.frame == 0, &frames);
  const trace::Ref stack = StoreStack(frames.words, frames.count);
  if (stack != 0 && capture.signal.frame >= here && capture.signal.frame < stack_high) {
    NoteHandlerStack(stack, capture.signal);
  }
  return stack;
}

trace::Ref RecordPlace(uintptr_t return_address) {
  const uint64_t frame = EncodeAddress(return_address - 1);
  return StoreStack(&frame, 1);
}

trace::Ref InheritStack(const TraceFile& from, trace::Ref ref) {
  if (ref == 0 || uint64_t{ref} * trace::kRecordAlign + sizeof(trace::StackRecord) > from.used()) {
    return 0;
  }
  const auto* record = from.At<trace::StackRecord>(ref);
  if (record->prefix.type != static_cast<uint16_t>(trace::Type::kStack) || record->count > kMaxFrames) {
    return 0;
  }
  uint64_t frames[kMaxFrames];
  for (uint32_t i = 0; i < record->count; ++i) {
    const uint64_t serial = record->frames[i] >> trace::kFrameModuleShift;
    uint64_t start = 0;
    if (serial == trace::kScriptSerial) {
      frames[i] = InheritScript(from, record->frames[i]);
      continue;
    }
    // Walks the ancestor's stream: rare (once per inherited lock), and its module table is gone with its
    // memory.
    for (uint64_t at = trace::kStreamOffset; serial != 0 && start == 0 && at < from.used();) {
      const auto* module = from.At<trace::ModuleRecord>(static_cast<trace::Ref>(at / trace::kRecordAlign));
      if (module->prefix.type == static_cast<uint16_t>(trace::Type::kModule) && module->serial == serial) {
        start = module->start;
      }
      at += module->prefix.units == 0 ? trace::kRecordAlign : module->prefix.units * trace::kRecordAlign;
    }
    frames[i] = EncodeAddress(start + (record->frames[i] & trace::kFrameOffsetMask));
  }
  return record->count == 0 ? 0 : StoreStack(frames, static_cast<int>(record->count));
}

}  // namespace gordian::record
