#include "reports/redact.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <iterator>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "reports/frames.h"

namespace gordian::report {
namespace {

// Compared without case, '-' and '_'. A key that ends with one of these names a secret: --db-password,
// API_KEY.
constexpr std::array<std::string_view, 12> kSecretKeys = {
    "password", "passwd",    "passphrase", "pwd",        "token",     "secret",
    "apikey",   "accesskey", "privatekey", "credential", "secretkey", "credentials",
};

// Programs whose single-letter option carries a password, joined to it or as the next word.
struct ShortOption {
  std::string_view program;  // start of its base name
  std::string_view option;
  bool joined;    // "-pSECRET"
  bool separate;  // "-p SECRET"
};
constexpr std::array<ShortOption, 6> kShortOptions = {{
    {"mysql", "-p", true, false},
    {"mariadb", "-p", true, false},
    {"sshpass", "-p", true, true},
    {"redis-cli", "-a", false, true},
    {"curl", "-u", true, true},
    {"ldapsearch", "-w", false, true},
}};

// Values that are secrets by their form: a fixed start, then so many letters and digits.
struct TokenForm {
  std::string_view prefix;
  size_t length;  // of what follows the prefix, at least
};
constexpr std::array<TokenForm, 8> kTokenForms = {{
    {"AKIA", 16},
    {"ASIA", 16},
    {"ghp_", 30},
    {"gho_", 30},
    {"ghs_", 30},
    {"github_pat_", 30},
    {"glpat-", 16},
    {"xoxb-", 10},
}};

bool IsTokenCharacter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
}

bool IsSecretKey(std::string_view key) {
  std::string plain;
  for (const char c : key) {
    if (c != '-' && c != '_' && c != '.') {
      plain.push_back(absl::ascii_tolower(static_cast<unsigned char>(c)));
    }
  }
  return std::any_of(kSecretKeys.begin(), kSecretKeys.end(),
                     [&plain](std::string_view secret) { return plain.ends_with(secret); });
}

// scheme://user:SECRET@host
void HideUrlPasswords(std::string* text) {
  for (size_t at = text->find("://"); at != std::string::npos; at = text->find("://", at + 3)) {
    const size_t start = at + 3;
    const size_t end = std::min(text->find_first_of("/?# \t\n'\"", start), text->size());
    const size_t sign = text->rfind('@', end == 0 ? 0 : end - 1);
    const size_t colon = text->find(':', start);
    if (sign != std::string::npos && sign >= start && colon < sign) {
      text->replace(colon + 1, sign - colon - 1, kRedacted);
    }
  }
}

// "Authorization: Bearer SECRET", in one argument or over several words of a line.
void HideAuthorization(std::string* text) {
  const std::string lower = absl::AsciiStrToLower(*text);
  for (std::string_view header : {"authorization:", "x-api-key:", "private-token:", "cookie:"}) {
    const size_t at = lower.find(header);
    if (at != std::string::npos) {
      const size_t end = std::min(text->find_first_of("'\"", at), text->size());
      text->replace(at + header.size(), end - at - header.size(), kRedacted);
      return;
    }
  }
}

void HideTokens(std::string* text) {
  for (const TokenForm& form : kTokenForms) {
    for (size_t at = text->find(form.prefix); at != std::string::npos; at = text->find(form.prefix, at + 1)) {
      size_t end = at + form.prefix.size();
      while (end < text->size() && IsTokenCharacter((*text)[end])) {
        ++end;
      }
      if (end - at >= form.prefix.size() + form.length) {
        text->replace(at, end - at, kRedacted);
      }
    }
  }
}

// KEY=SECRET at the start of a word, also inside "sh -c" scripts and query strings.
void HideAssignments(std::string* text) {
  for (size_t equals = text->find('='); equals != std::string::npos; equals = text->find('=', equals + 1)) {
    size_t key = equals;
    while (key > 0 && (IsTokenCharacter((*text)[key - 1]) || (*text)[key - 1] == '.')) {
      --key;
    }
    if (!IsSecretKey(std::string_view(*text).substr(key, equals - key))) {
      continue;
    }
    // An argument of its own ends with the secret; in a script or a query string more may follow.
    const bool own = key == 0 && text->find_first_of(";&|'\"", equals) == std::string::npos;
    size_t end = own ? text->size() : std::min(text->find_first_of(" \t\n;&|", equals + 1), text->size());
    if (equals + 1 < text->size() && ((*text)[equals + 1] == '"' || (*text)[equals + 1] == '\'')) {
      end = std::min(text->find((*text)[equals + 1], equals + 2), text->size());
      ++equals;
    }
    text->replace(equals + 1, end - equals - 1, kRedacted);
  }
}

std::string HideInWord(std::string word) {
  HideAuthorization(&word);
  HideUrlPasswords(&word);
  HideAssignments(&word);
  HideTokens(&word);
  return word;
}

// What an option does to the argument list: hides the rest of its own word, or the next word.
enum class Effect { kNone, kHideJoined, kHideNext };

Effect EffectOf(const std::string& program, const std::string& argument) {
  for (const ShortOption& option : kShortOptions) {
    if (!program.starts_with(option.program) || !argument.starts_with(option.option)) {
      continue;
    }
    if (argument == option.option) {
      return option.separate ? Effect::kHideNext : Effect::kNone;
    }
    return option.joined ? Effect::kHideJoined : Effect::kNone;
  }
  const bool is_option = argument.starts_with("-") && argument.find('=') == std::string::npos;
  return is_option && IsSecretKey(argument) ? Effect::kHideNext : Effect::kNone;
}

}  // namespace

std::vector<std::string> RedactCommand(std::vector<std::string> arguments) {
  std::string program = arguments.empty() ? "" : BaseName(arguments[0]);
  for (size_t i = 0; i < arguments.size(); ++i) {
    const Effect effect = i == 0 ? Effect::kNone : EffectOf(program, arguments[i]);
    if (effect == Effect::kHideJoined) {
      arguments[i] = absl::StrCat(arguments[i].substr(0, 2), kRedacted);
    } else if (effect == Effect::kHideNext && i + 1 < arguments.size()) {
      arguments[++i] = kRedacted;
    } else {
      arguments[i] = HideInWord(std::move(arguments[i]));
    }
  }
  return arguments;
}

std::string RedactLine(const std::string& line) {
  std::string text = line;
  HideAuthorization(&text);
  const std::vector<std::string> words = absl::StrSplit(text, ' ');
  return absl::StrJoin(RedactCommand(words), " ");
}

}  // namespace gordian::report
