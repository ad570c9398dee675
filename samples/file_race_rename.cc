// Two threads update a settings file the careful way, each by a temporary file of its own that is renamed
// onto it. Nobody ever sees half a file, but one of the two changes is lost all the same.
// EXPECT: file-race
#include <barrier>
#include <cstdio>
#include <fstream>
#include <string>
#include <thread>

std::barrier both_read(2);

void Change(const std::string& name) {
  std::string settings, line;
  std::ifstream in("settings");
  while (std::getline(in, line)) settings += line + "\n";
  both_read.arrive_and_wait();
  const std::string temporary = "settings." + name;
  std::ofstream(temporary) << settings << name << "\n";
  std::rename(temporary.c_str(), "settings");
}

int main() {
  std::ofstream("settings") << "colour\n";
  std::thread first(Change, "size");
  std::thread second(Change, "font");
  first.join();
  second.join();
}
