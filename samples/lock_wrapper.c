// Two unrelated deadlocks wait behind one lock function: each is told at the places of those who call it.
// EXPECT: lock-order-cycle
// EXPECT: lock-order-cycle
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

typedef struct {
  pthread_mutex_t stock, price;
} Shop;

static Shop orders = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};
static Shop users = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};
static atomic_bool sold;

__attribute__((noinline)) static void Take(pthread_mutex_t* mutex) {
  if (pthread_mutex_lock(mutex) != 0) _exit(9);
}

__attribute__((noinline)) static void Forward(Shop* shop) {
  Take(&shop->stock);
  Take(&shop->price);
  pthread_mutex_unlock(&shop->price);
  pthread_mutex_unlock(&shop->stock);
}

static void* Seller(void* unused) {
  Forward(&orders);
  Forward(&users);
  sold = true;
  return unused;
}

int main(void) {
  pthread_t seller;
  pthread_create(&seller, NULL, Seller, NULL);
  for (int ms = 0; ms < 2000 && !sold; ++ms) usleep(1000);  // luck: they do not meet
  Shop* shops[] = {&orders, &users};
  for (int s = 0; s < 2; ++s) {
    Take(&shops[s]->price);
    Take(&shops[s]->stock);
    pthread_mutex_unlock(&shops[s]->stock);
    pthread_mutex_unlock(&shops[s]->price);
  }
  pthread_join(seller, NULL);
  return 0;
}
