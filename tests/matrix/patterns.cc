#include "tests/matrix/patterns.h"

#include <cstdlib>

namespace gordian::matrix {
namespace {

// A call of the pattern that cannot be made with this kind, or does not succeed: there is no such cell.
constexpr int kNoSuchCell = 2;
void Must(int error) {
  if (error != 0) {
    _Exit(kNoSuchCell);
  }
}

void MustExist(int error) {
  if (error == ENOTSUP) {
    _Exit(kNoSuchCell);
  }
}

using Locks = std::vector<Lock*>;
using Actions = std::vector<Cell::Action>;

// Takes them in this order and gives them back in the opposite one.
void Nest(const Locks& locks) {
  for (Lock* lock : locks) {
    Must(lock->Take());
  }
  for (size_t i = locks.size(); i-- > 0;) {
    Must(locks[i]->Give());
  }
}

void NestShared(const Locks& locks) {
  for (Lock* lock : locks) {
    Must(lock->TakeShared());
  }
  for (size_t i = locks.size(); i-- > 0;) {
    Must(locks[i]->GiveShared());
  }
}

// Each part nests two locks: rings of several lengths, in several orders, as lockdep's self-test has them.
void Ring(Cell* cell, const std::vector<Locks>& pairs) {
  Actions parts;
  for (const Locks& pair : pairs) {
    parts.emplace_back([pair] { Nest(pair); });
  }
  cell->ByLuck(parts);
}

void Aa(Cell* cell) {
  Lock& a = cell->a();
  Must(a.Take());
  if (a.Take() == 0) {
    Must(a.Give());
  }
  Must(a.Give());
}

void Abba(Cell* cell) { Ring(cell, {{&cell->a(), &cell->b()}, {&cell->b(), &cell->a()}}); }

void Abbcca(Cell* cell) {
  Lock &a = cell->a(), &b = cell->b(), &c = cell->c();
  Ring(cell, {{&a, &b}, {&b, &c}, {&c, &a}});
}

void Abcabc(Cell* cell) {
  Lock &a = cell->a(), &b = cell->b(), &c = cell->c();
  Ring(cell, {{&a, &b}, {&c, &a}, {&b, &c}});
}

void Abbccdda(Cell* cell) {
  Lock &a = cell->a(), &b = cell->b(), &c = cell->c(), &d = cell->d();
  Ring(cell, {{&a, &b}, {&b, &c}, {&c, &d}, {&d, &a}});
}

void Abcdbdda(Cell* cell) {
  Lock &a = cell->a(), &b = cell->b(), &c = cell->c(), &d = cell->d();
  Ring(cell, {{&a, &b}, {&c, &d}, {&b, &d}, {&d, &a}});
}

void Abcdbcda(Cell* cell) {
  Lock &a = cell->a(), &b = cell->b(), &c = cell->c(), &d = cell->d();
  Ring(cell, {{&a, &b}, {&c, &d}, {&b, &c}, {&d, &a}});
}

void SameOrder(Cell* cell) { Ring(cell, {{&cell->a(), &cell->b()}, {&cell->a(), &cell->b()}}); }

// The same gate around both orders.
void Gated(Cell* cell) {
  Lock &a = cell->a(), &b = cell->b(), &gate = cell->gate();
  cell->ByLuck(Actions{[&] { Nest({&gate, &a, &b}); }, [&] { Nest({&gate, &b, &a}); }});
}

void SingleThread(Cell* cell) {
  Nest({&cell->a(), &cell->b()});
  Nest({&cell->b(), &cell->a()});
}

// One order, then a thread is created that has the other.
void CreateOrdered(Cell* cell) {
  Nest({&cell->a(), &cell->b()});
  cell->Apart([&] { Nest({&cell->b(), &cell->a()}); });
}

// The thread with one order has been joined when the one with the other is created.
void JoinOrdered(Cell* cell) {
  cell->Apart([&] { Nest({&cell->a(), &cell->b()}); });
  cell->Apart([&] { Nest({&cell->b(), &cell->a()}); });
}

void ReadRead(Cell* cell) {
  Lock &a = cell->a(), &b = cell->b();
  cell->ByLuck(Actions{[&] { NestShared({&a, &b}); }, [&] { NestShared({&b, &a}); }});
}

void ReadWrite(Cell* cell) {
  Lock &a = cell->a(), &b = cell->b();
  cell->ByLuck(Actions{[&] { NestShared({&a, &b}); }, [&] { Nest({&b, &a}); }});
}

// Each reads its first and writes its second.
void ReadThenWrite(Cell* cell) {
  Lock &a = cell->a(), &b = cell->b();
  const auto part = [](Lock* read, Lock* write) {
    Must(read->TakeShared());
    Nest({write});
    Must(read->GiveShared());
  };
  cell->ByLuck(Actions{[&] { part(&a, &b); }, [&] { part(&b, &a); }});
}

void WriteThenRead(Cell* cell) {
  Lock &a = cell->a(), &b = cell->b();
  const auto part = [](Lock* write, Lock* read) {
    Must(write->Take());
    NestShared({read});
    Must(write->Give());
  };
  cell->ByLuck(Actions{[&] { part(&a, &b); }, [&] { part(&b, &a); }});
}

// A reader that comes again, while elsewhere somebody writes.
void ReadAgain(Cell* cell) {
  Lock& a = cell->a();
  cell->ByLuck(Actions{[&] { NestShared({&a, &a}); }, [&] { Nest({&a}); }});
}

void Upgrade(Cell* cell) {
  Lock& a = cell->a();
  Must(a.TakeShared());
  if (a.Take() == 0) {
    Must(a.Give());
  } else {
    Must(a.GiveShared());
  }
}

void Downgrade(Cell* cell) {
  Lock& a = cell->a();
  Must(a.Take());
  if (const int error = a.TakeShared(); error == 0) {
    Must(a.GiveShared());
  } else {
    MustExist(error);
    Must(a.Give());
  }
}

// The second order only tries, and gives up.
void Try(Cell* cell) {
  Lock &a = cell->a(), &b = cell->b();
  cell->ByLuck(Actions{[&] {
                         Nest({&a, &b});
                       },
                       [&] {
                         Must(b.Take());
                         Must(a.Try());
                         Must(a.Give());
                         Must(b.Give());
                       }});
}

void TryAgain(Cell* cell) {
  Lock& a = cell->a();
  Must(a.Take());
  if (const int error = a.Try(); error == 0) {
    Must(a.Give());
  } else {
    MustExist(error);
  }
  Must(a.Give());
}

// The second order waits for a time only.
void Timed(Cell* cell) {
  Lock &a = cell->a(), &b = cell->b();
  cell->ByLuck(Actions{[&] {
                         Nest({&a, &b});
                       },
                       [&] {
                         Must(b.Take());
                         Must(a.TakeTimed());
                         Must(a.Give());
                         Must(b.Give());
                       }});
}

// Hand over hand: A is free again when C is taken.
void ReleasedBefore(Cell* cell) {
  Lock &a = cell->a(), &b = cell->b(), &c = cell->c();
  cell->ByLuck(Actions{[&] {
                         Must(a.Take());
                         Must(b.Take());
                         Must(a.Give());
                         Must(c.Take());
                         Must(b.Give());
                         Must(c.Give());
                       },
                       [&] {
                         Nest({&c, &a});
                       }});
}

// The locks of the second order are others, in the same memory.
void ReusedAddress(Cell* cell) {
  Lock &a = cell->a(), &b = cell->b();
  cell->ByLuck(Actions{[&] {
                         Nest({&a, &b});
                       },
                       [&] {
                         cell->Renew();
                         Nest({&cell->b(), &cell->a()});
                       }});
}

void DoubleUnlock(Cell* cell) {
  Lock& a = cell->a();
  Nest({&a});
  a.Give();
}

// One thread takes it, the other gives it back.
void UnlockByOther(Cell* cell) {
  Lock& a = cell->a();
  cell->ByLuck(std::vector<Cell::Step>{{0, [&] { Must(a.Take()); }},
                                       {1, [&] { a.Give(); }},
                                       {0, [&] {
                                          if (a.ByStranger() == Lock::Stranger::kIsRefused) {
                                            Must(a.Give());
                                          }
                                        }}});
}

// Where the unlock of a stranger succeeds, the lock is a signal from then on, and has no order.
void UnlockByOtherThenAbba(Cell* cell) {
  Lock &a = cell->a(), &b = cell->b();
  Must(a.ByStranger() == Lock::Stranger::kBreaksIt ? ENOTSUP : 0);
  cell->ByLuck(std::vector<Cell::Step>{{0, [&] { Must(a.Take()); }},
                                       {1, [&] { a.Give(); }},
                                       {0,
                                        [&] {
                                          if (a.ByStranger() == Lock::Stranger::kIsRefused) {
                                            Must(a.Give());
                                          }
                                        }},
                                       {2,
                                        [&] {
                                          Nest({&a, &b});
                                        }},
                                       {3, [&] {
                                          Nest({&b, &a});
                                        }}});
}

// What was given back once by whoever took it is a lock, also when it is a semaphore.
void InitHeld(Cell* cell) {
  Lock& a = cell->a();
  Nest({&a});
  Must(a.Take());
  Must(a.Init());
}

void DestroyHeld(Cell* cell) {
  Lock& a = cell->a();
  Nest({&a});
  Must(a.Take());
  if (const int error = a.Destroy(); error != 0) {
    MustExist(error);
    Must(a.Give());
  }
}

void UseAfterDestroy(Cell* cell) {
  Lock& a = cell->a();
  Nest({&a});
  Must(a.Destroy());
  if (a.Take() == 0) {
    a.Give();
  }
}

void HeldAtThreadExit(Cell* cell) {
  Lock& a = cell->a();
  Nest({&a});
  cell->Apart([&] { Must(a.Take()); });
}

}  // namespace

const std::vector<Pattern>& Patterns() {
  static const std::vector<Pattern> patterns = {
      {"AA", Aa},
      {"ABBA", Abba},
      {"ABBCCA", Abbcca},
      {"ABCABC", Abcabc},
      {"ABBCCDDA", Abbccdda},
      {"ABCDBDDA", Abcdbdda},
      {"ABCDBCDA", Abcdbcda},
      {"same-order", SameOrder},
      {"gated", Gated},
      {"one-thread", SingleThread},
      {"created", CreateOrdered},
      {"joined", JoinOrdered},
      {"released", ReleasedBefore},
      {"reused", ReusedAddress},
      {"try", Try},
      {"try-again", TryAgain},
      {"timed", Timed},
      {"rr-rr", ReadRead},
      {"rr-ww", ReadWrite},
      {"rw-rw", ReadThenWrite},
      {"wr-wr", WriteThenRead},
      {"read-again", ReadAgain},
      {"upgrade", Upgrade},
      {"downgrade", Downgrade},
      {"unlock-twice", DoubleUnlock},
      {"unlock-other", UnlockByOther},
      {"handed-ABBA", UnlockByOtherThenAbba},
      {"init-held", InitHeld},
      {"destroy-held", DestroyHeld},
      {"destroyed", UseAfterDestroy},
      {"exit-held", HeldAtThreadExit},
  };
  return patterns;
}

}  // namespace gordian::matrix
