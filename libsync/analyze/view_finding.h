// A finding about what stands in an OrderView: parts by the view's indices, each taken from its own process.
//
// Thread safety: none.
#ifndef GORDIAN_LIBSYNC_ANALYZE_VIEW_FINDING_H_
#define GORDIAN_LIBSYNC_ANALYZE_VIEW_FINDING_H_

#include <string>

#include "libsync/analyze/content.h"
#include "libsync/analyze/finding_builder.h"
#include "libsync/analyze/order_view.h"

namespace gordian::analyze {

class ViewFinding {
 public:
  ViewFinding(const char* rule, const trace::Run& run, const OrderView& view)
      : view_(view), builder_(rule, run, view.Processes().front()) {}

  FindingBuilder& builder() { return builder_; }
  Finding& finding() { return builder_.finding(); }

  int AddThread(Index thread);
  int AddLock(Index lock);
  // "{thread:0}", "{lock:0}"; both are added where they are not there yet.
  std::string Thread(Index thread) { return ThreadName(AddThread(thread)); }
  std::string Lock(Index lock) { return LockName(AddLock(lock)); }
  // Places are of the process of the dependency.
  void AddHeld(int part, const trace::Dependency& dependency, const trace::Holding& held);
  void AddIdentity(const trace::Dependency& dependency, Index stack);
  void AddStep(int part, std::string action, int lock, const trace::Dependency& dependency, Index stack);
  // The part waits for the lock, at the place of the dependency.
  void SetWait(int part, int lock, const trace::Dependency& dependency);
  // Names the processes of all threads, where they are of several.
  void AddProcesses();

 private:
  FindingBuilder& At(const trace::Dependency& dependency);

  const OrderView& view_;
  FindingBuilder builder_;
};

// What stands in the view by what it is, not by where: see content.h.
class ViewContent {
 public:
  ViewContent(const trace::Run& run, const OrderView& view, Content* content)
      : run_(run), view_(view), content_(*content) {}

  std::string Lock(Index lock);
  const std::string& Stack(const trace::Dependency& dependency, Index stack);

 private:
  const trace::Run& run_;
  const OrderView& view_;
  Content& content_;
};

}  // namespace gordian::analyze

#endif  // GORDIAN_LIBSYNC_ANALYZE_VIEW_FINDING_H_
