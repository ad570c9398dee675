// The initialiser of a singleton asks for the singleton: it waits for its own end.
// OPTIONS: --on-deadlock=kill
// HANGS
// EXPECT: self-deadlock
#include <memory>
#include <mutex>

class Settings {
 public:
  static Settings& Instance();
  static Settings Load();
};

std::once_flag made;
std::unique_ptr<Settings> instance;

Settings& Settings::Instance() {
  std::call_once(made, [] { instance = std::make_unique<Settings>(Load()); });
  return *instance;
}

Settings Settings::Load() {
  Settings& defaults = Instance();
  return defaults;
}

int main() { Settings::Instance(); }
