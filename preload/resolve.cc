#include "preload/resolve.h"

#include <elf.h>

#include <cstring>

namespace gordian::preload {
namespace {

constexpr uint16_t kHiddenVersion = 0x8000;

// The loader has relocated these pointers in place, but for objects whose dynamic section it cannot write
// (the vDSO).
template <typename T>
const T* Pointer(const link_map* object, ElfW(Addr) address) {
  return reinterpret_cast<const T*>(address < object->l_addr ? address + object->l_addr : address);
}

}  // namespace

LoadedObjects::Symbols LoadedObjects::SymbolsOf(const link_map* object) {
  Symbols result{object, nullptr, nullptr, nullptr, nullptr, false};
  ElfW(Addr) soname = 0;
  bool has_soname = false;
  for (const ElfW(Dyn)* entry = object->l_ld; entry != nullptr && entry->d_tag != DT_NULL; ++entry) {
    switch (entry->d_tag) {
      case DT_SYMTAB:
        result.symbols = Pointer<ElfW(Sym)>(object, entry->d_un.d_ptr);
        break;
      case DT_STRTAB:
        result.strings = Pointer<char>(object, entry->d_un.d_ptr);
        break;
      case DT_GNU_HASH:
        result.hash = Pointer<uint32_t>(object, entry->d_un.d_ptr);
        break;
      case DT_VERSYM:
        result.versions = Pointer<uint16_t>(object, entry->d_un.d_ptr);
        break;
      case DT_SONAME:
        soname = entry->d_un.d_val;
        has_soname = true;
        break;
      default:
        break;
    }
  }
  result.is_libc =
      has_soname && result.strings != nullptr && strcmp(result.strings + soname, "libc.so.6") == 0;
  return result;
}

// The table: bucket count, first hashed symbol, bloom words, bloom shift; bloom filter; buckets; chains whose
// last element has its lowest bit set.
LoadedObjects::Answer LoadedObjects::Find(const Symbols& object, const char* name, uint32_t hash,
                                          const ElfW(Sym) * *found) {
  if (object.symbols == nullptr || object.strings == nullptr) {
    return Answer::kNo;
  }
  if (object.hash == nullptr) {
    return Answer::kUnknown;
  }
  const uint32_t buckets = object.hash[0];
  const uint32_t first = object.hash[1];
  const uint32_t bloom_words = object.hash[2];
  const uint32_t shift = object.hash[3];
  if (buckets == 0 || bloom_words == 0) {
    return Answer::kNo;
  }
  const auto* bloom = reinterpret_cast<const uint64_t*>(object.hash + 4);
  const uint64_t word = bloom[(hash / 64) % bloom_words];
  if (((word >> (hash % 64)) & (word >> ((hash >> shift) % 64)) & 1) == 0) {
    return Answer::kNo;
  }
  const auto* bucket = reinterpret_cast<const uint32_t*>(bloom + bloom_words);
  const uint32_t* chain = bucket + buckets;
  for (uint32_t index = bucket[hash % buckets]; index >= first; ++index) {
    const uint32_t entry = chain[index - first];
    const ElfW(Sym)* symbol = &object.symbols[index];
    const bool hidden = object.versions != nullptr && (object.versions[index] & kHiddenVersion) != 0;
    if ((entry | 1) == (hash | 1) && symbol->st_shndx != SHN_UNDEF && !hidden &&
        strcmp(object.strings + symbol->st_name, name) == 0) {
      *found = symbol;
      return Answer::kYes;
    }
    if ((entry & 1) != 0) {
      break;
    }
  }
  return Answer::kNo;
}

LoadedObjects::LoadedObjects() {
  for (const link_map* object = _r_debug.r_map; object != nullptr; object = object->l_next) {
    if (count_ == kMost) {
      own_ = -1;
      return;
    }
    if (object->l_ld == _DYNAMIC) {
      own_ = count_;
    }
    objects_[count_++] = SymbolsOf(object);
  }
}

bool LoadedObjects::MayStandBeforeUs(const char* name, uint32_t hash) const {
  for (int i = 0; i < own_; ++i) {
    const ElfW(Sym)* symbol = nullptr;
    if (Find(objects_[i], name, hash, &symbol) != Answer::kNo) {
      return true;
    }
  }
  return own_ < 0;
}

void* LoadedObjects::NextInLibc(const char* name, uint32_t hash) const {
  for (int i = own_ + 1; own_ >= 0 && i < count_; ++i) {
    const ElfW(Sym)* symbol = nullptr;
    const Answer answer = Find(objects_[i], name, hash, &symbol);
    if (answer == Answer::kNo) {
      continue;
    }
    // Any other definition (a tool's, a wrapper's) and a function that is chosen at run time are the loader's
    // business.
    const bool plain =
        answer == Answer::kYes && objects_[i].is_libc && ELF64_ST_TYPE(symbol->st_info) == STT_FUNC;
    return plain ? reinterpret_cast<void*>(objects_[i].object->l_addr + symbol->st_value) : nullptr;
  }
  return nullptr;
}

void* LoadedObjects::OfLibc(const char* name, uint32_t hash) const {
  for (int i = 0; i < count_; ++i) {
    const ElfW(Sym)* symbol = nullptr;
    if (objects_[i].is_libc && Find(objects_[i], name, hash, &symbol) == Answer::kYes &&
        ELF64_ST_TYPE(symbol->st_info) == STT_FUNC) {
      return reinterpret_cast<void*>(objects_[i].object->l_addr + symbol->st_value);
    }
  }
  return nullptr;
}

}  // namespace gordian::preload
