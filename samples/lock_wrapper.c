// Two unrelated deadlocks wait behind one lock function: each is told at the places of those who call it.
// EXPECT: lock-order-cycle
// EXPECT: lock-order-cycle
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct {
  pthread_mutex_t native;
} Latch;

__attribute__((noinline)) static void Prepare(Latch* latch) {
  if (pthread_mutex_init(&latch->native, NULL) != 0) _exit(9);
}
// The word "lock" is not needed to know these.
__attribute__((noinline)) static void Take(Latch* latch) {
  if (pthread_mutex_lock(&latch->native) != 0) _exit(9);
}
__attribute__((noinline)) static void Give(Latch* latch) {
  if (pthread_mutex_unlock(&latch->native) != 0) _exit(9);
}

typedef struct {
  Latch stock;
  Latch price;
  int count;
} Shop;

static Shop* orders;
static Shop* users;

__attribute__((noinline)) static void SellOrder(void) {
  Take(&orders->stock);
  Take(&orders->price);
  orders->count++;
  Give(&orders->price);
  Give(&orders->stock);
}
__attribute__((noinline)) static void RepriceOrder(void) {
  Take(&orders->price);
  Take(&orders->stock);
  orders->count--;
  Give(&orders->stock);
  Give(&orders->price);
}
__attribute__((noinline)) static void AddUser(void) {
  Take(&users->stock);
  Take(&users->price);
  users->count++;
  Give(&users->price);
  Give(&users->stock);
}
__attribute__((noinline)) static void DropUser(void) {
  Take(&users->price);
  Take(&users->stock);
  users->count--;
  Give(&users->stock);
  Give(&users->price);
}

static atomic_bool first_is_done;

static void* Seller(void* unused) {
  SellOrder();
  AddUser();
  first_is_done = true;
  return unused;
}

// By luck alone it comes second.
static void* Keeper(void* unused) {
  for (int ms = 0; ms < 2000 && !first_is_done; ++ms) usleep(1000);
  RepriceOrder();
  DropUser();
  return unused;
}

int main(void) {
  orders = calloc(1, sizeof(Shop));
  users = calloc(1, sizeof(Shop));
  Prepare(&orders->stock);
  Prepare(&orders->price);
  Prepare(&users->stock);
  Prepare(&users->price);
  pthread_t seller;
  pthread_t keeper;
  pthread_create(&seller, NULL, Seller, NULL);
  pthread_create(&keeper, NULL, Keeper, NULL);
  pthread_join(seller, NULL);
  pthread_join(keeper, NULL);
  return 0;
}
