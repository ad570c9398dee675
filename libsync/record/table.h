// A hash table of 64-bit keys and values in arena memory: open addressing, doubling, no destructors.
//
// Key 0 is not storable. Zeroed memory is an empty table. Thread-safe through one spin lock a table;
// use several tables (Sharded) where many threads meet.
#ifndef GORDIAN_LIBSYNC_RECORD_TABLE_H_
#define GORDIAN_LIBSYNC_RECORD_TABLE_H_

#include <cstdint>

#include "libsync/record/arena.h"
#include "libsync/record/spin_lock.h"

namespace gordian::record {

inline uint64_t MixBits(uint64_t value) {
  value ^= value >> 32;
  value *= 0x9E3779B97F4A7C15u;
  value ^= value >> 29;
  value *= 0xBF58476D1CE4E5B9u;
  return value ^ (value >> 32);
}

class Table {
 public:
  // The value of `key`, 0 if there is none.
  uint64_t Find(uint64_t key) {
    SpinGuard guard(&lock_);
    const Cell* cell = Locate(key);
    return cell != nullptr && cell->key == key ? cell->value : 0;
  }

  // Stores and returns the former value (0: none). Without memory nothing is stored.
  uint64_t Put(Arena* arena, uint64_t key, uint64_t value) {
    SpinGuard guard(&lock_);
    Cell* cell = Insert(arena, key);
    if (cell == nullptr) {
      return 0;
    }
    const uint64_t former = cell->value;
    cell->value = value;
    return former;
  }

  // Stores if the value is still `expected` (0: none). Returns what was there.
  uint64_t PutOver(Arena* arena, uint64_t key, uint64_t expected, uint64_t value) {
    SpinGuard guard(&lock_);
    Cell* cell = Insert(arena, key);
    if (cell == nullptr) {
      return expected;
    }
    const uint64_t former = cell->value;
    cell->value = former == expected ? value : former;
    return former;
  }

  // Adds to the value and returns the new one.
  uint64_t Add(Arena* arena, uint64_t key, uint64_t amount) {
    SpinGuard guard(&lock_);
    Cell* cell = Insert(arena, key);
    return cell == nullptr ? 0 : cell->value += amount;
  }

  // What was cleared stays so: bits alone would pass for a value.
  void Or(uint64_t key, uint64_t bits) {
    SpinGuard guard(&lock_);
    Cell* cell = Locate(key);
    if (cell != nullptr && cell->key == key && cell->value != 0) {
      cell->value |= bits;
    }
  }

  // Sets the value to 0; the key keeps its cell.
  uint64_t Clear(uint64_t key) {
    SpinGuard guard(&lock_);
    Cell* cell = Locate(key);
    if (cell == nullptr || cell->key != key) {
      return 0;
    }
    const uint64_t former = cell->value;
    cell->value = 0;
    return former;
  }

  // Calls visit(key, &value) for every entry with a value. The lock is held: visit must not come back here.
  template <typename Visit>
  void ForEach(Visit visit) {
    SpinGuard guard(&lock_);
    for (uint64_t i = 0; i < capacity_; ++i) {
      if (cells_[i].key != 0 && cells_[i].value != 0) {
        visit(cells_[i].key, &cells_[i].value);
      }
    }
  }

 private:
  struct Cell {
    uint64_t key;
    uint64_t value;
  };

  Cell* Locate(uint64_t key) {
    if (capacity_ == 0) {
      return nullptr;
    }
    for (uint64_t i = MixBits(key) & (capacity_ - 1);; i = (i + 1) & (capacity_ - 1)) {
      if (cells_[i].key == key || cells_[i].key == 0) {
        return &cells_[i];
      }
    }
  }

  Cell* Insert(Arena* arena, uint64_t key) {
    if (capacity_ == 0 || used_ * 4 >= capacity_ * 3) {
      if (!Grow(arena)) {
        return nullptr;
      }
    }
    Cell* cell = Locate(key);
    if (cell->key == 0) {
      cell->key = key;
      ++used_;
    }
    return cell;
  }

  bool Grow(Arena* arena) {
    // Cells that were cleared are dropped here: a table of things that come and go does not grow for ever.
    uint64_t live = 0;
    for (uint64_t i = 0; i < capacity_; ++i) {
      live += cells_[i].value != 0;
    }
    uint64_t capacity = 64;
    while (capacity < live * 2 + 2) {
      capacity *= 2;
    }
    Cell* cells = static_cast<Cell*>(arena->Allocate(capacity * sizeof(Cell)));
    if (cells == nullptr) {
      return used_ + 1 < capacity_;
    }
    Cell* old = cells_;
    const uint64_t old_capacity = capacity_;
    cells_ = cells;
    capacity_ = capacity;
    used_ = 0;
    for (uint64_t i = 0; i < old_capacity; ++i) {
      if (old[i].value != 0) {
        *Locate(old[i].key) = old[i];
        ++used_;
      }
    }
    arena->Free(old, old_capacity * sizeof(Cell));
    return true;
  }

  SpinLock lock_;
  uint64_t capacity_ = 0;
  uint64_t used_ = 0;
  Cell* cells_ = nullptr;
};

// Several tables behind one face, so that threads on their slow paths rarely meet.
class ShardedTable {
 public:
  Table& For(uint64_t key) { return shards_[(MixBits(key) >> 56) % kShards]; }
  template <typename Visit>
  void ForEach(Visit visit) {
    for (Table& shard : shards_) {
      shard.ForEach(visit);
    }
  }

 private:
  static constexpr int kShards = 16;
  Table shards_[kShards];
};

}  // namespace gordian::record

#endif  // GORDIAN_LIBSYNC_RECORD_TABLE_H_
