#include "reports/read_report.h"

#include <cstdint>
#include <cstdlib>
#include <type_traits>
#include <utility>
#include <vector>

#include "nlohmann/json.hpp"
#include "reports/fields.h"

namespace gordian::report {
namespace {

using Json = nlohmann::json;

template <typename T>
void TakeValue(const Json& json, T* value);
template <typename T>
void TakeValue(const Json& json, std::vector<T>* list);
template <typename T>
void TakeValue(const Json& json, std::optional<T>* value);

template <typename T>
void TakeFields(const Json& json, T* object) {
  ForEachField(*object, [&json](const auto& field, auto& value) {
    if (field.place == Place::kSpread) {
      TakeValue(json, &value);
    } else if (const auto found = json.find(field.key); found != json.end()) {
      TakeValue(*found, &value);
    }
  });
}

template <typename T>
void TakeNumber(const Json& json, T* value) {
  if constexpr (std::is_same_v<T, bool>) {
    *value = json.is_boolean() && json.get<bool>();
  } else if constexpr (std::is_integral_v<T>) {
    if (json.is_string()) {  // "0x12"
      *value = static_cast<T>(std::strtoull(json.get_ref<const std::string&>().c_str(), nullptr, 16));
    } else if (json.is_number_unsigned()) {
      *value = static_cast<T>(json.get<uint64_t>());
    } else if (json.is_number_integer()) {
      *value = static_cast<T>(json.get<int64_t>());
    }
  } else if (json.is_number()) {
    *value = json.get<T>();
  }
}

template <typename T>
void TakeValue(const Json& json, std::vector<T>* list) {
  if (json.is_array()) {
    for (const Json& entry : json) {
      TakeValue(entry, &list->emplace_back());
    }
  }
}

template <typename T>
void TakeValue(const Json& json, std::optional<T>* value) {
  TakeValue(json, &value->emplace());
}

template <typename T>
void TakeValue(const Json& json, T* value) {
  if constexpr (HasFields<T>) {
    if (json.is_object()) {
      TakeFields(json, value);
    }
  } else if constexpr (std::is_arithmetic_v<T>) {
    TakeNumber(json, value);
  } else if (json.is_string()) {
    *value = json.get<std::string>();
  }
}

}  // namespace

std::optional<Report> ReadReport(const std::string& text, std::string* why) {
  const Json json = Json::parse(text, nullptr, false);
  const auto schema = json.is_object() ? json.find("schema") : json.end();
  if (json.is_discarded() || !json.is_object() || schema == json.end() || !schema->is_string()) {
    *why = json.is_discarded() ? "it is no JSON, or cut off" : "it is no report of gordian's";
    return std::nullopt;
  }
  if (*schema != "gordian.report/1") {
    *why = "its schema is " + schema->get<std::string>().substr(0, 100) +
           "; this gordian reads gordian.report/1";
    return std::nullopt;
  }
  Report report;
  TakeFields(json, &report);
  return report;
}

}  // namespace gordian::report
