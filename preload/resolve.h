// Which definition a call reaches after ours, for all hooks at once.
//
// dlsym answers that too, at several hundred instructions a name: for two hundred names in every process that
// starts this would be most of what the shim costs. So the objects' own hash tables are asked, and dlsym only
// where the answer is anything but a plain function of libc.
#ifndef GORDIAN_PRELOAD_RESOLVE_H_
#define GORDIAN_PRELOAD_RESOLVE_H_

#include <link.h>

#include <cstdint>

namespace gordian::preload {

// The hash of DT_GNU_HASH tables.
constexpr uint32_t GnuHash(const char* name) {
  uint32_t hash = 5381;
  for (; *name != '\0'; ++name) {
    hash = hash * 33 + static_cast<unsigned char>(*name);
  }
  return hash;
}

// The objects of the program in the order in which a name is looked up, as they are now.
// Thread safety: to be used while the loader's lists do not change: in a constructor.
class LoadedObjects {
 public:
  LoadedObjects();

  // False only when calls of that name do come to us first.
  bool MayStandBeforeUs(const char* name, uint32_t hash) const;

  // The function of that name that comes after ours, when that is a plain function of libc. Null: ask dlsym.
  void* NextInLibc(const char* name, uint32_t hash) const;

  // libc's own function of that name, whoever stands before it. Null: it is not a plain one.
  void* OfLibc(const char* name, uint32_t hash) const;

 private:
  // What the dynamic section of an object says about its symbols.
  struct Symbols {
    const link_map* object;
    const ElfW(Sym) * symbols;
    const char* strings;
    const uint32_t* hash;
    const uint16_t* versions;
    bool is_libc;
  };
  // kUnknown: the object has symbols but no table that we can read.
  enum class Answer { kNo, kYes, kUnknown };
  static constexpr int kMost = 192;

  static Symbols SymbolsOf(const link_map* object);
  static Answer Find(const Symbols& object, const char* name, uint32_t hash, const ElfW(Sym) * *found);

  Symbols objects_[kMost];
  int count_ = 0;
  int own_ = -1;  // which is ours; -1: nothing can be said about anything
};

}  // namespace gordian::preload

#endif  // GORDIAN_PRELOAD_RESOLVE_H_
