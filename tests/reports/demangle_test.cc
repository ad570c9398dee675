#include "reports/demangle.h"

#include <gtest/gtest.h>

#include <string>

namespace gordian::report {
namespace {

struct Case {
  const char* demangled;
  const char* readable;
  const char* stable;
};

class DemangleTest : public ::testing::TestWithParam<Case> {};

TEST_P(DemangleTest, KeepsWhatNamesTheEntity) {
  const std::string readable = WithoutParameters(GetParam().demangled);
  EXPECT_EQ(readable, GetParam().readable);
  EXPECT_EQ(WithoutTemplateArguments(readable), GetParam().stable);
}

INSTANTIATE_TEST_SUITE_P(
    Names, DemangleTest,
    ::testing::Values(
        Case{"main", "main", "main"}, Case{"Cache::Load(int) const", "Cache::Load", "Cache::Load"},
        Case{"void ns::Foo<int>::Bar<char>(std::vector<int> const&) &&", "ns::Foo<int>::Bar<char>",
             "ns::Foo::Bar"},
        Case{"(anonymous namespace)::Run(void (*)(int))", "(anonymous namespace)::Run",
             "(anonymous namespace)::Run"},
        Case{"main::{lambda(int)#1}::operator()(int) const", "main::{lambda}", "main::{lambda}"},
        Case{"main::$_0::operator()() const", "main::{lambda}", "main::{lambda}"},
        Case{"A::f(int)::{lambda()#1}::operator()() const::{lambda(A*)#2}::operator()(A*) const",
             "A::f::{lambda}::{lambda}", "A::f::{lambda}::{lambda}"},
        Case{"Foo::operator()(int)", "Foo::operator()", "Foo::operator()"},
        Case{"bool operator< <int>(A<int> const&, A<int> const&)", "operator< <int>", "operator<"},
        Case{"std::ostream& operator<< <X>(std::ostream&, X)", "operator<< <X>", "operator<<"},
        Case{"Foo::operator->() const", "Foo::operator->", "Foo::operator->"},
        Case{"Foo::operator unsigned int() const", "Foo::operator unsigned int",
             "Foo::operator unsigned int"},
        Case{"operator new(unsigned long)", "operator new", "operator new"},
        Case{"foo() [clone .part.0]", "foo", "foo"}, Case{"name[abi:cxx11](int)", "name", "name"},
        Case{"non-virtual thunk to Foo::Bar()", "Foo::Bar", "Foo::Bar"},
        Case{"Get<int>(int)::local", "Get<int>::local", "Get::local"},
        Case{"std::function<void (int)>::operator()(int) const", "std::function<void (int)>::operator()",
             "std::function::operator()"},
        Case{"std::enable_if<(3)>(2), int>::type f<3>()", "f<3>", "f"}));

TEST(ReadableNameTest, CutsWhatCompilersAppend) {
  EXPECT_EQ(ReadableName("worker.isra.0"), "worker");
  EXPECT_EQ(ReadableName("worker.constprop.0.cold"), "worker");
  EXPECT_EQ(ReadableName("mu.2345"), "mu");
  EXPECT_EQ(ReadableName("_ZN5Cache4LoadEi.part.1"), "Cache::Load");
  EXPECT_EQ(ReadableName("_ZN5CacheC4Ev"), "Cache::Cache");
  EXPECT_EQ(ReadableName("_Znot_mangled"), "_Znot_mangled");
  EXPECT_EQ(ReadableName(""), "");
}

TEST(ReadableNameTest, SurvivesUnbalancedNames) {
  for (const char* text : {"f(", "f<", "{lambda", "operator", "operator<", ")", ">", "a)b", "(anonymous",
                           "$_", " ", "f() [clone", "x::{", "operator "}) {
    EXPECT_FALSE(WithoutParameters(text).empty()) << text;
    EXPECT_FALSE(WithoutTemplateArguments(text).empty()) << text;
  }
}

}  // namespace
}  // namespace gordian::report
