// What a report says, field by field: one list a struct of report.h. The JSON, the printable copy that the
// text formats are made of, and the tests that fill a whole report all walk these lists. A member that stands
// in no list does not compile.
//
// Thread safety: constants and pure functions.
#ifndef GORDIAN_REPORTS_FIELDS_H_
#define GORDIAN_REPORTS_FIELDS_H_

#include <cstddef>
#include <tuple>
#include <utility>

#include "reports/report.h"

namespace gordian::report {

// When a field stands in the JSON, and how.
enum class Place {
  kAlways,
  kIfSet,   // left out where it is empty, zero or false
  kHex,     // a number as "0x12"
  kSpread,  // its own fields stand beside the others
};

constexpr size_t kLongestPrinted = 400;

template <typename Owner, typename Type>
struct Field {
  const char* key;  // in the JSON
  Type Owner::*member;
  Place place = Place::kAlways;
  size_t longest = kLongestPrinted;  // characters of a string that the text formats print
};
template <typename Owner, typename Type>
Field(const char*, Type Owner::*, Place = Place::kAlways, size_t = kLongestPrinted) -> Field<Owner, Type>;

template <typename T>
struct FieldList;

template <>
struct FieldList<SourceFrame> {
  static constexpr std::tuple kFields = {
      Field{"function", &SourceFrame::function, Place::kIfSet, 1000},
      Field{"file", &SourceFrame::file, Place::kIfSet, 4096},
      Field{"line", &SourceFrame::line, Place::kIfSet},
      Field{"module", &SourceFrame::module, Place::kIfSet, 4096},
      Field{"offset", &SourceFrame::offset, Place::kHex},
      Field{"language", &SourceFrame::language},
      Field{"inlined", &SourceFrame::inlined, Place::kIfSet},
      Field{"inexact", &SourceFrame::inexact, Place::kIfSet},
      Field{"wrapper", &SourceFrame::wrapper, Place::kIfSet},
  };
};

template <>
struct FieldList<ReportLock> {
  static constexpr std::tuple kFields = {
      Field{"id", &ReportLock::id},
      Field{"name", &ReportLock::name, Place::kAlways, 200},
      Field{"kind", &ReportLock::kind},
      Field{"class", &ReportLock::lock_class},
      Field{"address", &ReportLock::address, Place::kHex},
      Field{"created", &ReportLock::created},
  };
};

template <>
struct FieldList<ReportHeld> {
  static constexpr std::tuple kFields = {
      Field{"lock", &ReportHeld::lock},
      Field{"mode", &ReportHeld::mode},
      Field{"stack", &ReportHeld::stack},
  };
};

template <>
struct FieldList<ReportWait> {
  static constexpr std::tuple kFields = {
      Field{"for", &ReportWait::target},
      Field{"kind", &ReportWait::kind},
      Field{"note", &ReportWait::note, Place::kIfSet},
      Field{"mode", &ReportWait::mode, Place::kIfSet},
      Field{"stack", &ReportWait::stack},
  };
};

template <>
struct FieldList<ReportThread> {
  static constexpr std::tuple kFields = {
      Field{"id", &ReportThread::id},
      Field{"pid", &ReportThread::pid},
      Field{"tid", &ReportThread::tid},
      Field{"name", &ReportThread::name, Place::kAlways, 64},
      Field{"role", &ReportThread::role, Place::kIfSet},
      Field{"holds", &ReportThread::holds},
      Field{"waits", &ReportThread::waits, Place::kIfSet},
      Field{"at", &ReportThread::at, Place::kIfSet},
      Field{"created", &ReportThread::created, Place::kIfSet},
  };
};

template <>
struct FieldList<ReportProcess> {
  static constexpr std::tuple kFields = {
      Field{"pid", &ReportProcess::pid},
      Field{"ppid", &ReportProcess::ppid},
      Field{"command", &ReportProcess::command, Place::kAlways, 200},
      Field{"state", &ReportProcess::state, Place::kIfSet},
      Field{"created_how", &ReportProcess::created_how, Place::kIfSet},
      Field{"created", &ReportProcess::created},
      Field{"ended", &ReportProcess::ended, Place::kIfSet},
  };
};

template <>
struct FieldList<ReportCondition> {
  static constexpr std::tuple kFields = {
      Field{"name", &ReportCondition::name},
      Field{"holds", &ReportCondition::holds},
      Field{"because", &ReportCondition::because},
  };
};

template <>
struct FieldList<ReportStep> {
  static constexpr std::tuple kFields = {
      Field{"step", &ReportStep::step},
      Field{"thread", &ReportStep::thread},
      Field{"action", &ReportStep::action},
      Field{"lock", &ReportStep::lock, Place::kIfSet},
      Field{"frame", &ReportStep::frame, Place::kIfSet},
  };
};

template <>
struct FieldList<ReportPlace> {
  static constexpr std::tuple kFields = {
      Field{"count", &ReportPlace::count},         Field{"title", &ReportPlace::title},
      Field{"locks", &ReportPlace::locks},         Field{"threads", &ReportPlace::threads},
      Field{"processes", &ReportPlace::processes},
  };
};

template <>
struct FieldList<ReportFinding> {
  static constexpr std::tuple kFields = {
      Field{"rule", &ReportFinding::rule},
      Field{"level", &ReportFinding::level},
      Field{"confidence", &ReportFinding::confidence},
      Field{"fingerprint", &ReportFinding::fingerprint},
      Field{"title", &ReportFinding::title},
      Field{"explanation", &ReportFinding::explanation, Place::kAlways, 4000},
      Field{"fix", &ReportFinding::fix, Place::kAlways, 2000},
      Field{"suppression", &ReportFinding::suppression},
      Field{"status", &ReportFinding::status},
      Field{"suppressed_by", &ReportFinding::suppressed_by, Place::kIfSet},
      Field{"suppressed_because", &ReportFinding::suppressed_because, Place::kIfSet},
      Field{"primary", &ReportFinding::primary, Place::kIfSet},
      Field{"conditions", &ReportFinding::conditions},
      Field{"interleaving", &ReportFinding::interleaving},
      Field{"locks", &ReportFinding::locks},
      Field{"threads", &ReportFinding::threads},
      Field{"processes", &ReportFinding::processes},
      Field{"behind", &ReportFinding::behind},
      Field{"count", &ReportFinding::count},
      Field{"runs", &ReportFinding::runs, Place::kIfSet},
      Field{"again", &ReportFinding::again, Place::kIfSet},
      Field{"places", &ReportFinding::places, Place::kIfSet},
  };
};

template <>
struct FieldList<ReportTask> {
  static constexpr std::tuple kFields = {
      Field{"tid", &ReportTask::tid},
      Field{"name", &ReportTask::name},
      Field{"verdict", &ReportTask::verdict},
      Field{"what", &ReportTask::what},
      Field{"kind", &ReportTask::kind, Place::kIfSet},
      Field{"timed", &ReportTask::timed, Place::kIfSet},
      Field{"stack", &ReportTask::stack},
  };
};

template <>
struct FieldList<ReportSnapshot> {
  static constexpr std::tuple kFields = {
      Field{"pid", &ReportSnapshot::pid},
      Field{"ppid", &ReportSnapshot::ppid},
      Field{"command", &ReportSnapshot::command},
      Field{"threads", &ReportSnapshot::threads},
  };
};

template <>
struct FieldList<ReportUse> {
  static constexpr std::tuple kFields = {
      Field{"acquisitions", &ReportUse::acquisitions}, Field{"contended", &ReportUse::contended},
      Field{"wait_ns", &ReportUse::wait_ns},           Field{"max_wait_ns", &ReportUse::most_wait_ns},
      Field{"hold_ns", &ReportUse::hold_ns},           Field{"max_hold_ns", &ReportUse::most_hold_ns},
  };
};

template <>
struct FieldList<ReportProfileSite> {
  static constexpr std::tuple kFields = {
      Field{"mode", &ReportProfileSite::mode},
      Field{"use", &ReportProfileSite::use, Place::kSpread},
      Field{"stack", &ReportProfileSite::stack},
  };
};

template <>
struct FieldList<ReportProfile> {
  static constexpr std::tuple kFields = {
      Field{"name", &ReportProfile::name},        Field{"kind", &ReportProfile::kind, Place::kIfSet},
      Field{"class", &ReportProfile::lock_class}, Field{"use", &ReportProfile::use, Place::kSpread},
      Field{"sites", &ReportProfile::sites},
  };
};

template <>
struct FieldList<ReportCoverage> {
  static constexpr std::tuple kFields = {
      Field{"processes", &ReportCoverage::processes},
      Field{"threads", &ReportCoverage::threads},
      Field{"events", &ReportCoverage::events},
      Field{"dropped", &ReportCoverage::dropped},
      Field{"unseen", &ReportCoverage::unseen},
      Field{"recorded", &ReportCoverage::recorded, Place::kIfSet},
      Field{"incomplete", &ReportCoverage::incomplete, Place::kIfSet},
  };
};

template <>
struct FieldList<ReportRun> {
  static constexpr std::tuple kFields = {
      Field{"command", &ReportRun::command},
      Field{"started", &ReportRun::started},
      Field{"seconds", &ReportRun::seconds},
      Field{"status", &ReportRun::status},
      Field{"exit_code", &ReportRun::exit_code, Place::kIfSet},
      Field{"host", &ReportRun::host},
      Field{"version", &ReportRun::version},
  };
};

template <>
struct FieldList<ReportSummary> {
  static constexpr std::tuple kFields = {
      Field{"error", &ReportSummary::errors},
      Field{"warning", &ReportSummary::warnings},
      Field{"note", &ReportSummary::notes},
      Field{"baseline", &ReportSummary::baseline, Place::kIfSet},
      Field{"suppressed", &ReportSummary::suppressed, Place::kIfSet},
  };
};

template <>
struct FieldList<ReportSuppression> {
  static constexpr std::tuple kFields = {
      Field{"place", &ReportSuppression::place},
      Field{"text", &ReportSuppression::text},
      Field{"reason", &ReportSuppression::reason, Place::kIfSet},
      Field{"until", &ReportSuppression::until, Place::kIfSet},
      Field{"state", &ReportSuppression::state},
      Field{"findings", &ReportSuppression::findings},
  };
};

template <>
struct FieldList<ReportBaseline> {
  static constexpr std::tuple kFields = {
      Field{"file", &ReportBaseline::file},
      Field{"findings", &ReportBaseline::findings},
      Field{"stale", &ReportBaseline::stale},
  };
};

template <>
struct FieldList<Report> {
  static constexpr std::tuple kFields = {
      Field{"run", &Report::run},
      Field{"coverage", &Report::coverage},
      Field{"exit_code", &Report::exit_code, Place::kIfSet},
      Field{"findings", &Report::findings},
      Field{"near_misses", &Report::near_misses, Place::kIfSet},
      Field{"profile", &Report::profile},
      Field{"snapshot", &Report::snapshot, Place::kIfSet},
      Field{"suppressions", &Report::suppressions, Place::kIfSet},
      Field{"baseline", &Report::baseline, Place::kIfSet},
      Field{"failures", &Report::failures, Place::kIfSet},
  };
};

template <typename T>
concept HasFields = requires {
  FieldList<T>::kFields;
};

namespace internal {

struct AnyValue {
  template <typename T>
  operator T() const;  // NOLINT(google-explicit-constructor): it stands for a value of any type
};

template <typename T, size_t... I>
constexpr bool CanBeMadeOf(std::index_sequence<I...> /*members*/) {
  return requires { T{(static_cast<void>(I), AnyValue{})...}; };
}

template <typename T, size_t kSoMany = 0>
constexpr size_t CountMembers() {
  if constexpr (CanBeMadeOf<T>(std::make_index_sequence<kSoMany + 1>())) {
    return CountMembers<T, kSoMany + 1>();
  }
  return kSoMany;
}

}  // namespace internal

// Calls `visit(field, value)` for each field of `object`, in the order of the list.
template <typename T, typename Visit>
void ForEachField(T& object, Visit&& visit) {
  using Struct = std::remove_const_t<T>;
  static_assert(std::tuple_size_v<decltype(FieldList<Struct>::kFields)> == internal::CountMembers<Struct>(),
                "a member of this struct stands in no field list: what it says would be in no report");
  std::apply([&](const auto&... field) { (visit(field, object.*field.member), ...); },
             FieldList<Struct>::kFields);
}

}  // namespace gordian::report

#endif  // GORDIAN_REPORTS_FIELDS_H_
