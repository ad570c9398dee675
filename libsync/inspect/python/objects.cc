#include "libsync/inspect/python/objects.h"

#include <algorithm>
#include <cstddef>

#include "libsync/inspect/python/strings.h"

namespace gordian::inspect::python {
namespace {

// PyObject, PyVarObject, PyTypeObject: the same in all versions.
constexpr uint32_t kType = 8;
constexpr uint32_t kSize = 16;
constexpr uint32_t kTupleItems = 24;
constexpr uint32_t kDigits = 24;
constexpr uint32_t kTypeName = 24;
constexpr uint32_t kTypeBasicSize = 32;
constexpr uint32_t kTypeFlags = 168;
constexpr uint32_t kTypeDictOffset = 288;
constexpr uint64_t kInlineValues = 1 << 2;
constexpr uint64_t kManagedDict = 1 << 4;
// PyDictObject.
constexpr uint32_t kDictKeys = 32;
constexpr uint32_t kDictValues = 40;
// From 3.11, before the object.
constexpr uint32_t kManagedWord = 24;
constexpr uint32_t kManagedValues = 32;
// PyDictValues of 3.13: four bytes, of which the last says whether they are in use, then the values.
constexpr uint32_t kInlineHeader = 8;
constexpr uint32_t kInlineValid = 3;

constexpr size_t kMaxItems = 4096;
constexpr size_t kMaxTypeName = 128;

}  // namespace

const std::string& Objects::TypeName(uint64_t object) {
  static const std::string none;
  if (object == 0 || object % sizeof(uint64_t) != 0) {
    return none;
  }
  const uint64_t type = Word(object + kType);
  if (type == 0 || type % sizeof(uint64_t) != 0) {
    return none;
  }
  const auto [known, is_new] = type_names_.try_emplace(type);
  if (is_new) {
    char text[kMaxTypeName] = {};
    const size_t got = memory_->Read(Word(type + kTypeName), text, sizeof(text) - 1);
    const char* const begin = text;
    const char* const end = std::find(begin, begin + got, '\0');
    const bool printable = std::all_of(begin, end, [](char c) { return c > ' ' && c < 127; });
    known->second = printable && end != begin + got ? std::string(begin, end) : std::string();
  }
  return known->second;
}

// `values`: of a dict that shares its keys with others; 0: the entries have them.
std::vector<Item> Objects::Entries(uint64_t keys, uint64_t values) const {
  const bool old = layout_->attributes_are == gordian::python::Attributes::kDict;
  uint64_t index_bytes = 0;
  uint64_t count = 0;
  uint64_t entries = 0;
  bool has_hash = true;
  if (old) {
    const uint64_t size = Word(keys + 8);
    const uint64_t width = size <= 0xFF ? 1 : size <= 0xFFFF ? 2 : size <= 0xFFFFFFFF ? 4 : 8;
    index_bytes = size * width;
    count = Word(keys + 32);
    entries = keys + 40 + index_bytes;
  } else {
    const auto log_bytes = memory_->Get<uint8_t>(keys + 9).value_or(64);
    if (log_bytes > 32) {
      return {};
    }
    has_hash = memory_->Get<uint8_t>(keys + 10).value_or(0) == 0;
    count = Word(keys + 24);
    entries = keys + 32 + (uint64_t{1} << log_bytes);
  }
  const size_t words = has_hash ? 3 : 2;
  std::vector<uint64_t> table(std::min<uint64_t>(count, kMaxItems) * words);
  const size_t got = memory_->Read(entries, table.data(), table.size() * sizeof(uint64_t)) / sizeof(uint64_t);
  std::vector<Item> items;
  for (size_t i = 0; (i + 1) * words <= got; ++i) {
    const uint64_t name = table[i * words + words - 2];
    const uint64_t value = values != 0 ? Word(values + i * sizeof(uint64_t)) : table[i * words + words - 1];
    if (name != 0 && value != 0) {
      items.push_back({name, value});
    }
  }
  return items;
}

std::vector<Item> Objects::DictItems(uint64_t dict) const {
  if (dict == 0) {
    return {};
  }
  uint64_t values = Word(dict + kDictValues);
  if (values != 0 && layout_->attributes_are == gordian::python::Attributes::kInline) {
    values += kInlineHeader;
  }
  return Entries(Word(dict + kDictKeys), values);
}

// nullopt-like emptiness where the values are not beside the object: they are in a dict then.
std::vector<Item> Objects::Inline(uint64_t object, uint64_t type) const {
  uint64_t values = 0;
  switch (layout_->attributes_are) {
    case gordian::python::Attributes::kDict:
      return {};
    case gordian::python::Attributes::kPointer:
      values = Word(object - kManagedValues);
      break;
    case gordian::python::Attributes::kTagged: {
      const uint64_t word = Word(object - kManagedWord);
      values = (word & 1) != 0 ? word + 1 : 0;
      break;
    }
    case gordian::python::Attributes::kInline: {
      const uint64_t start = object + Word(type + kTypeBasicSize);
      const bool valid = (Word(type + kTypeFlags) & kInlineValues) != 0 &&
                         memory_->Get<uint8_t>(start + kInlineValid).value_or(0) != 0;
      values = valid ? start + kInlineHeader : 0;
      break;
    }
  }
  return values == 0 ? std::vector<Item>() : Entries(Word(type + layout_->cached_keys), values);
}

std::vector<Item> Objects::Attributes(uint64_t object) const {
  const uint64_t type = Word(object + kType);
  const auto dict_offset = static_cast<int64_t>(Word(type + kTypeDictOffset));
  if (layout_->attributes_are != gordian::python::Attributes::kDict &&
      (Word(type + kTypeFlags) & kManagedDict) != 0) {
    std::vector<Item> items = Inline(object, type);
    if (!items.empty()) {
      return items;
    }
    const uint64_t word = Word(object - kManagedWord);
    return layout_->attributes_are == gordian::python::Attributes::kTagged && (word & 1) != 0
               ? items
               : DictItems(word);
  }
  return dict_offset > 0 && dict_offset < 4096 ? DictItems(Word(object + static_cast<uint64_t>(dict_offset)))
                                               : std::vector<Item>();
}

uint64_t Objects::Attribute(uint64_t object, const std::string& name) const {
  for (const Item& item : Attributes(object)) {
    if (Text(item.name) == name) {
      return item.value;
    }
  }
  return 0;
}

std::string Objects::Text(uint64_t object) const {
  return ReadString(*memory_, *layout_, object).value_or("");
}

// Digits of 30 bits, the lowest first; from 3.12 their number stands above three bits of marks.
std::optional<uint64_t> Objects::Number(uint64_t object) const {
  const uint64_t word = Word(object + kSize);
  const bool tagged = layout_->minor >= 12;
  const uint64_t count = tagged ? word >> 3 : word;
  if (object == 0 || count > 3 || (tagged && (word & 3) == 2)) {
    return std::nullopt;
  }
  uint64_t number = 0;
  for (uint64_t d = 0; d < count; ++d) {
    number |= static_cast<uint64_t>(memory_->Get<uint32_t>(object + kDigits + d * 4).value_or(0)) << (30 * d);
  }
  return number;
}

std::vector<uint64_t> Objects::TupleItems(uint64_t tuple) const {
  const uint64_t count = tuple == 0 ? 0 : std::min<uint64_t>(Word(tuple + kSize), kMaxItems);
  std::vector<uint64_t> items(count);
  items.resize(memory_->Read(tuple + kTupleItems, items.data(), count * sizeof(uint64_t)) / sizeof(uint64_t));
  return items;
}

}  // namespace gordian::inspect::python
