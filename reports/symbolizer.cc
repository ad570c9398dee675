#include "reports/symbolizer.h"

#include <algorithm>
#include <cstddef>

#include "reports/frames.h"

namespace gordian::report {
namespace {

// "[vdso]", "linux-vdso.so.1" and the like are no files.
bool IsFile(const std::string& path) { return path.starts_with("/"); }

const trace::Module* ModuleOf(const trace::Process& process, const trace::Frame& frame) {
  const auto index = static_cast<size_t>(frame.module);
  return frame.module == trace::kNoIndex || index >= process.modules.size() ? nullptr
                                                                            : &process.modules[index];
}

SourceFrame OfScript(const trace::ScriptFrame& script) {
  SourceFrame frame;
  frame.function = script.function;
  frame.file = script.file;
  frame.line = script.line;
  frame.language = kPython;
  return frame;
}

}  // namespace

Symbolizer::Symbolizer(std::vector<std::string> debug_directories, std::vector<std::string> wrappers)
    : debug_directories_(std::move(debug_directories)), wrappers_(std::move(wrappers)) {}

ObjectFile* Symbolizer::Open(const trace::Module& module) {
  if (!IsFile(module.path)) {
    return nullptr;
  }
  auto [entry, inserted] = objects_.try_emplace({module.path, module.build_id});
  if (inserted) {
    std::string why;
    entry->second = ObjectFile::Open(module.path, module.build_id, debug_directories_, &why);
    if (entry->second == nullptr) {
      complaints_.push_back(why);
    }
  }
  return entry->second.get();
}

const Frames& Symbolizer::Lookup(const trace::Module& module, uint64_t address) {
  static const Frames unknown;
  ObjectFile* object = Open(module);
  if (object == nullptr) {
    return unknown;
  }
  auto [entry, inserted] = known_.try_emplace({object, address});
  if (inserted) {
    entry->second = object->Lookup(address);
  }
  return entry->second;
}

const Frames& Symbolizer::TailCalls(const trace::Module& module, uint64_t return_address,
                                    const std::string& callee) {
  static const Frames none;
  ObjectFile* object = Open(module);
  if (object == nullptr) {
    return none;
  }
  auto [entry, inserted] = known_tail_calls_.try_emplace({object, return_address, callee});
  if (inserted) {
    entry->second = object->TailCalls(return_address, callee);
  }
  return entry->second;
}

Frames Symbolizer::Resolve(const trace::Process& process, const trace::Frame& frame, AddressKind kind) {
  if (frame.script != nullptr) {
    return {OfScript(*frame.script)};
  }
  const trace::Module* module = ModuleOf(process, frame);
  // A return address may already belong to the next line, or to the next function after a call of abort().
  const uint64_t back = kind == AddressKind::kReturn ? 1 : 0;
  if (module == nullptr) {
    SourceFrame unknown;
    unknown.offset = frame.offset - back;
    return {unknown};
  }
  const uint64_t address = module->start + frame.offset - module->bias - back;
  Frames frames = Lookup(*module, address);
  if (frames.empty()) {
    frames.emplace_back();
  }
  for (SourceFrame& f : frames) {
    f.module = module->path;
    f.offset = address;
    f.inexact = frame.inexact;
  }
  return frames;
}

Frames Symbolizer::UnmarkedStack(const trace::Process& process, trace::Index stack) {
  if (stack < 0 || static_cast<size_t>(stack) >= process.stacks.size()) {
    return {};
  }
  const std::vector<trace::Frame>& recorded = process.stacks[stack].frames;
  Frames all;
  for (size_t i = 0; i < recorded.size(); ++i) {
    const trace::Frame& frame = recorded[i];
    const trace::Module* module = ModuleOf(process, frame);
    if (module != nullptr) {
      // What a recorder hooked is outside: its innermost frame is the last byte of the call that led there.
      const uint64_t after_call = i == 0 ? 1 : 0;
      const bool same_module = i > 0 && recorded[i - 1].module == frame.module;
      const uint64_t return_address = module->start + frame.offset - module->bias + after_call;
      for (SourceFrame hidden : TailCalls(*module, return_address, same_module ? all.back().function : "")) {
        hidden.module = module->path;
        all.push_back(std::move(hidden));
      }
    }
    const bool interrupted = !all.empty() && IsSignalFrame(all.back());
    for (SourceFrame& f :
         Resolve(process, frame, i == 0 || interrupted ? AddressKind::kInstruction : AddressKind::kReturn)) {
      all.push_back(std::move(f));
    }
    ObjectFile* object = module == nullptr ? nullptr : Open(*module);
    if (object != nullptr && object->IsSignalReturn(module->start + frame.offset - module->bias)) {
      all.back() = SignalFrame();
    }
  }
  return all;
}

Frames Symbolizer::ResolveStack(const trace::Process& process, trace::Index stack) {
  Frames frames = UnmarkedStack(process, stack);
  wrappers_.Mark(&frames, [&](const SourceFrame& frame) { return FunctionSize(process, frame); });
  return frames;
}

void Symbolizer::LearnWrappers(const trace::Process& process, trace::Index held, trace::Index later) {
  wrappers_.Learn(UnmarkedStack(process, held), UnmarkedStack(process, later),
                  [&](const SourceFrame& frame) { return FunctionSize(process, frame); });
}

// What was inlined or left by a tail call has no code of its own at its frame's address.
uint64_t Symbolizer::FunctionSize(const trace::Process& process, const SourceFrame& frame) {
  const auto module = std::find_if(process.modules.begin(), process.modules.end(),
                                   [&frame](const trace::Module& m) { return m.path == frame.module; });
  ObjectFile* object =
      frame.inlined || frame.offset == 0 || module == process.modules.end() ? nullptr : Open(*module);
  return object == nullptr ? 0 : object->FunctionSize(frame.offset);
}

std::string Symbolizer::DataName(const trace::Process& process, const trace::Frame& place) {
  const trace::Module* module = ModuleOf(process, place);
  ObjectFile* object = module == nullptr ? nullptr : Open(*module);
  return object == nullptr ? "" : object->DataName(module->start + place.offset - module->bias);
}

}  // namespace gordian::report
