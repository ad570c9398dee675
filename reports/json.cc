// gordian.report/1: the JSON from which every other format can be made. docs/report.schema.json defines it.
// Unknown things are left out; nothing is null. Keys keep this order, so that reports can be compared as
// text.
#include "nlohmann/json.hpp"

#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "reports/fields.h"
#include "reports/report.h"
#include "reports/text_style.h"

namespace gordian::report {
namespace {

using Json = nlohmann::ordered_json;

bool IsSet(const std::string& text) { return !text.empty(); }
bool IsSet(const ReportWait& wait) { return !wait.kind.empty(); }
bool IsSet(const SourceFrame& frame) {
  return !frame.function.empty() || !frame.file.empty() || !frame.module.empty();
}
template <typename T>
bool IsSet(const std::vector<T>& list) {
  return !list.empty();
}
template <typename T>
bool IsSet(const std::optional<T>& value) {
  return value.has_value();
}
template <typename T>
requires std::is_arithmetic_v<T>
bool IsSet(T value) { return value > T{}; }

template <typename T>
requires HasFields<T>
bool IsSet(const T& /*object*/) { return true; }

template <typename Listed, typename T>
void PutField(const Listed& field, const T& value, Json* json);

template <typename T>
void PutFields(const T& object, Json* json) {
  ForEachField(object, [json](const auto& field, const auto& value) { PutField(field, value, json); });
}

template <typename T>
Json ToValue(const T& value) {
  if constexpr (HasFields<T>) {
    Json json = Json::object();
    PutFields(value, &json);
    return json;
  } else {
    return value;
  }
}

template <typename T>
Json ToValue(const std::vector<T>& list) {
  Json json = Json::array();
  for (const T& value : list) {
    json.push_back(ToValue(value));
  }
  return json;
}

template <typename T>
Json ToValue(const std::optional<T>& value) {
  return ToValue(*value);
}

template <typename Listed, typename T>
void PutField(const Listed& field, const T& value, Json* json) {
  if (field.place == Place::kIfSet && !IsSet(value)) {
    return;
  }
  if constexpr (std::is_unsigned_v<T>) {
    if (field.place == Place::kHex) {
      (*json)[field.key] = absl::StrCat("0x", absl::Hex(value));
      return;
    }
  }
  if constexpr (HasFields<T>) {
    if (field.place == Place::kSpread) {
      PutFields(value, json);
      return;
    }
  }
  (*json)[field.key] = ToValue(value);
}

}  // namespace

std::string ToJson(const Report& report) {
  Json json;
  json["schema"] = "gordian.report/1";
  ForEachField(report, [&](const auto& field, const auto& value) {
    PutField(field, value, &json);
    if (std::string_view(field.key) == "coverage") {
      json["summary"] = ToValue(report.Summary());
    }
  });
  // Names come from the target and may be any bytes; JSON must be UTF-8.
  return EscapeInJson(json.dump(2, ' ', false, Json::error_handler_t::replace)) + "\n";
}

}  // namespace gordian::report
