#include "reports/demangle.h"

#include <cxxabi.h>

#include <cctype>
#include <cstdlib>
#include <memory>

namespace gordian::report {
namespace {

constexpr std::string_view kAnonymous = "(anonymous namespace)";
constexpr std::string_view kLambda = "{lambda";

bool IsIdentifier(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$'; }

// The position behind the bracket that closes the one at `start`. "->" closes nothing.
size_t SkipGroup(std::string_view text, size_t start) {
  int depth = 0;
  for (size_t i = start; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '(' || c == '<' || c == '{' || c == '[') {
      ++depth;
    } else if (c == ')' || c == '}' || c == ']' || (c == '>' && (i == 0 || text[i - 1] != '-'))) {
      if (--depth == 0) {
        return i + 1;
      }
    }
  }
  return text.size();
}

// Reads a demangled name from left to right and keeps only what names the entity.
class NameReader {
 public:
  NameReader(std::string_view text, bool keep_templates) : text_(text), keep_templates_(keep_templates) {}

  std::string Read() {
    while (at_ < text_.size()) {
      Step();
    }
    return out_;
  }

 private:
  std::string_view Rest() const { return text_.substr(at_); }

  void Step() {
    const char c = text_[at_];
    const bool word_start = at_ == 0 || !IsIdentifier(text_[at_ - 1]);
    if (Rest().starts_with(kAnonymous)) {
      Keep(kAnonymous.size());
    } else if (Rest().starts_with(kLambda)) {
      ReadLambda();
    } else if (word_start && Rest().starts_with("operator") &&
               (Rest().size() == 8 || !IsIdentifier(Rest()[8]))) {
      ReadOperator();
    } else if (c == '(') {
      at_ = SkipGroup(text_, at_);
      SkipQualifiers();
    } else if (c == '[') {
      at_ = SkipGroup(text_, at_);
    } else if (c == '{') {
      Keep(SkipGroup(text_, at_) - at_);
    } else if (c == '<') {
      const size_t end = SkipGroup(text_, at_);
      if (keep_templates_) {
        out_.append(text_.substr(at_, end - at_));
      }
      at_ = end;
    } else if (c == ' ') {
      out_.clear();  // what came so far was a return type, or "non-virtual thunk to"
      ++at_;
    } else {
      Keep(1);
    }
  }

  void Keep(size_t count) {
    out_.append(text_.substr(at_, count));
    at_ += count;
  }

  // "operator()" and "operator<" are names; "operator int" holds a space that ends no return type.
  void ReadOperator() {
    Keep(8);
    if (Rest().starts_with("()") || Rest().starts_with("[]")) {
      Keep(2);
      return;
    }
    constexpr std::string_view operator_characters = "<>=!+-*/%^&|~,";
    if (at_ < text_.size() && operator_characters.find(text_[at_]) != std::string_view::npos) {
      while (at_ < text_.size() && operator_characters.find(text_[at_]) != std::string_view::npos) {
        Keep(1);
      }
      if (Rest().starts_with(" <")) {
        if (keep_templates_) {
          out_.push_back(' ');  // ends no return type
        }
        ++at_;
      }
      return;
    }
    while (at_ < text_.size() && text_[at_] != '(') {
      if (text_[at_] == '<') {
        Keep(SkipGroup(text_, at_) - at_);
      } else {
        Keep(1);
      }
    }
  }

  // A lambda is its call operator: "{lambda(int)#1}::operator()(int) const" -> "{lambda}".
  void ReadLambda() {
    out_.append(kLambda).append("}");
    at_ = SkipGroup(text_, at_);
    constexpr std::string_view call = "::operator()";
    if (Rest().starts_with(call)) {
      at_ += call.size();
    }
  }

  // " const", " &", " [clone .cold]" behind a parameter list belong to it.
  void SkipQualifiers() {
    for (bool again = true; again;) {
      again = false;
      for (std::string_view qualifier : {" const", " volatile", " noexcept", " &&", " &"}) {
        if (Rest().starts_with(qualifier)) {
          at_ += qualifier.size();
          again = true;
        }
      }
      if (Rest().starts_with(" [")) {
        at_ = SkipGroup(text_, at_ + 1);
        again = true;
      }
    }
  }

  std::string_view text_;
  bool keep_templates_;
  size_t at_ = 0;
  std::string out_;
};

// clang's "main::$_0::operator()" is the same thing as gcc's "main::{lambda()#1}::operator()".
std::string SpellClangLambdas(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const bool word_start = i == 0 || !IsIdentifier(text[i - 1]);
    if (word_start && text.substr(i).starts_with("$_")) {
      size_t end = i + 2;
      while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end])) != 0) {
        ++end;
      }
      out.append(kLambda).append("()#").append(text.substr(i + 2, end - i - 2)).append("}");
      i = end;
    } else {
      out.push_back(text[i++]);
    }
  }
  return out;
}

std::string CutCloneSuffix(const std::string& symbol) {
  // '.' is no character of a C name: all that follows one was added by a compiler or the linker.
  const size_t dot = symbol.find('.', 1);
  return dot == std::string::npos ? symbol : symbol.substr(0, dot);
}

}  // namespace

std::string WithoutParameters(std::string_view demangled) {
  const std::string spelled = SpellClangLambdas(demangled);
  std::string name = NameReader(spelled, true).Read();
  return name.empty() ? std::string(demangled) : name;
}

std::string WithoutTemplateArguments(std::string_view name) {
  std::string plain = NameReader(name, false).Read();
  return plain.empty() ? std::string(name) : plain;
}

std::string ReadableName(const std::string& symbol) {
  std::string base = CutCloneSuffix(symbol);
  if (!base.starts_with("_Z") && !base.starts_with("__Z")) {
    return base;
  }
  int status = 0;
  std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(base.c_str(), nullptr, nullptr, &status), &std::free);
  return status == 0 && text != nullptr ? WithoutParameters(text.get()) : base;
}

}  // namespace gordian::report
