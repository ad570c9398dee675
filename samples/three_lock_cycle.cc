// Three caches refill from each other in a ring. No two threads disagree about two locks, but the three
// together can hang.
// EXPECT: lock-order-cycle
#include <mutex>
#include <thread>

#include "luck.h"

std::mutex users_mutex;
std::mutex groups_mutex;
std::mutex rights_mutex;

void RefillUsersFromGroups() {
  std::lock_guard<std::mutex> users(users_mutex);
  std::lock_guard<std::mutex> groups(groups_mutex);
}

void RefillGroupsFromRights() {
  std::lock_guard<std::mutex> groups(groups_mutex);
  std::lock_guard<std::mutex> rights(rights_mutex);
}

void RefillRightsFromUsers() {
  std::lock_guard<std::mutex> rights(rights_mutex);
  std::lock_guard<std::mutex> users(users_mutex);
}

int main() {
  Luck first, second;
  std::thread one([&] {
    RefillUsersFromGroups();
    first.Done();
  });
  std::thread two([&] {
    first.Wait();
    RefillGroupsFromRights();
    second.Done();
  });
  std::thread three([&] {
    second.Wait();
    RefillRightsFromUsers();
  });
  one.join();
  two.join();
  three.join();
}
