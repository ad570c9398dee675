#include "libsync/inspect/python/variables.h"

#include <algorithm>
#include <cstddef>

#include "libsync/trace/interpreters.h"

namespace gordian::inspect::python {
namespace {

constexpr uint64_t kMarks = 7;
constexpr size_t kMaxLocals = 1024;
constexpr size_t kMaxGlobals = 2000;
constexpr uint32_t kCellContent = 16;

}  // namespace

Variables::Variables(Interpreter* interpreter)
    : interpreter_(interpreter), objects_(&interpreter->memory(), &interpreter->layout()) {}

// With the content of those that closures share.
std::vector<std::pair<std::string, uint64_t>> Variables::LocalsOf(const Frame& frame) {
  const Layout& layout = interpreter_->layout();
  const Memory& memory = interpreter_->memory();
  std::vector<uint64_t> names;
  for (const uint32_t tuple : {layout.local_names, layout.cell_names, layout.free_names}) {
    const auto items = tuple == 0 ? std::vector<uint64_t>()
                                  : objects_.TupleItems(memory.Get<uint64_t>(frame.code + tuple).value_or(0));
    names.insert(names.end(), items.begin(), items.end());
  }
  std::vector<std::pair<std::string, uint64_t>> locals;
  for (size_t i = 0; i < names.size() && i < kMaxLocals; ++i) {
    uint64_t value =
        memory.Get<uint64_t>(frame.address + layout.locals + i * sizeof(uint64_t)).value_or(0) & ~kMarks;
    if (objects_.TypeName(value) == "cell") {
      value = memory.Get<uint64_t>(value + kCellContent).value_or(0);
    }
    locals.emplace_back(objects_.Text(names[i]), value);
  }
  return locals;
}

// The attribute by which `owner` refers to the object, with what leads to it; empty: by none.
std::string Variables::AttributeName(uint64_t owner, uint64_t object) {
  for (const Item& item : objects_.Attributes(owner)) {
    if (item.value == object) {
      return objects_.Text(item.name);
    }
  }
  return "";
}

std::string Variables::GlobalName(const Frame& frame, uint64_t object) {
  const std::vector<Item> globals = GlobalsOf(frame);
  const auto found = std::find_if(globals.begin(), globals.end(),
                                  [object](const Item& item) { return item.value == object; });
  return found == globals.end() ? "" : objects_.Text(found->name);
}

std::string Variables::GlobalAttributeName(const Frame& frame, uint64_t object) {
  for (const Item& item : GlobalsOf(frame)) {
    const std::string& type = objects_.TypeName(item.value);
    const std::string attribute =
        type.empty() || type == "module" || type == "type" ? "" : AttributeName(item.value, object);
    if (!attribute.empty()) {
      return objects_.Text(item.name) + "." + attribute;
    }
  }
  return "";
}

std::string Variables::LocalAttributeName(const Frame& frame, uint64_t object) {
  for (const auto& [name, value] : LocalsOf(frame)) {
    const std::string& type = objects_.TypeName(value);
    const std::string attribute = type.empty() ? "" : AttributeName(value, object);
    if (!attribute.empty()) {
      return type.substr(type.rfind('.') + 1) + "." + attribute;
    }
  }
  return "";
}

// A local variable of the standard library says nothing to who wrote the program.
std::string Variables::LocalName(const Frame& frame, uint64_t object) {
  if (trace::IsPythonLibrary(interpreter_->Describe(frame).script->file)) {
    return "";
  }
  const auto locals = LocalsOf(frame);
  const auto found = std::find_if(locals.begin(), locals.end(),
                                  [object](const auto& local) { return local.second == object; });
  return found == locals.end() ? "" : found->first;
}

std::vector<Item> Variables::GlobalsOf(const Frame& frame) {
  const uint32_t globals = interpreter_->layout().globals;
  std::vector<Item> items =
      objects_.DictItems(interpreter_->memory().Get<uint64_t>(frame.address + globals).value_or(0));
  items.resize(std::min(items.size(), kMaxGlobals));
  return items;
}

// What names one object alone comes first, in whatever frame: a library's frame knows it by its own
// attribute.
std::string Variables::NameOf(uint64_t object, pid_t inner_tid) {
  std::vector<Frame> frames = interpreter_->FramesOf(inner_tid);
  // A thread may run nothing but the library; the module that began it is in another one's outermost frame.
  for (const pid_t other : interpreter_->threads()) {
    if (const std::vector<Frame> others = interpreter_->FramesOf(other); !others.empty()) {
      frames.push_back(others.back());
    }
  }
  for (const auto name_in : {&Variables::GlobalName, &Variables::GlobalAttributeName,
                             &Variables::LocalAttributeName, &Variables::LocalName}) {
    for (const Frame& frame : frames) {
      if (std::string name = (this->*name_in)(frame, object); !name.empty()) {
        return name;
      }
    }
  }
  return "";
}

uint64_t Variables::Self(const Frame& frame) {
  const auto locals = LocalsOf(frame);
  return locals.empty() ? 0 : locals.front().second;
}

}  // namespace gordian::inspect::python
