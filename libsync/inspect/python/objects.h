// What an object of a Python process is, and what it has: types, dicts, attributes. Read from outside, so
// every pointer is checked where it is read, and every count bounded.
//
// Thread safety: none; one thread at a time.
#ifndef GORDIAN_LIBSYNC_INSPECT_PYTHON_OBJECTS_H_
#define GORDIAN_LIBSYNC_INSPECT_PYTHON_OBJECTS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libsync/inspect/memory.h"
#include "libsync/python/layout.h"

namespace gordian::inspect::python {

using gordian::python::Layout;

// A value under its name's object: names are only read where a value is the wanted one.
struct Item {
  uint64_t name = 0;
  uint64_t value = 0;
};

class Objects {
 public:
  Objects(const Memory* memory, const Layout* layout) : memory_(memory), layout_(layout) {}

  // The name of an object's type as the type has it ("_thread.lock", "Account"); empty: that is no object.
  const std::string& TypeName(uint64_t object);
  // The items of a dict, and what an object has as attributes.
  std::vector<Item> DictItems(uint64_t dict) const;
  std::vector<Item> Attributes(uint64_t object) const;
  // One attribute by its name; 0: it has none.
  uint64_t Attribute(uint64_t object, const std::string& name) const;
  std::string Text(uint64_t object) const;  // of a str
  // Of an int that is not negative.
  std::optional<uint64_t> Number(uint64_t object) const;
  std::vector<uint64_t> TupleItems(uint64_t tuple) const;

 private:
  uint64_t Word(uint64_t address) const { return memory_->Get<uint64_t>(address).value_or(0); }
  std::vector<Item> Entries(uint64_t keys, uint64_t values) const;
  std::vector<Item> Inline(uint64_t object, uint64_t type) const;

  const Memory* memory_;
  const Layout* layout_;
  std::map<uint64_t, std::string> type_names_;
};

}  // namespace gordian::inspect::python

#endif  // GORDIAN_LIBSYNC_INSPECT_PYTHON_OBJECTS_H_
