#include "reports/redact.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gordian::report {
namespace {

struct Case {
  const char* line;
  const char* redacted;
};

class RedactTest : public ::testing::TestWithParam<Case> {};

TEST_P(RedactTest, HidesTheSecretAndNothingElse) {
  EXPECT_EQ(RedactLine(GetParam().line), GetParam().redacted);
}

INSTANTIATE_TEST_SUITE_P(
    Secrets, RedactTest,
    ::testing::Values(Case{"app --password hunter2 --port 1", "app --password *** --port 1"},
                      Case{"app --password=hunter2 x", "app --password=*** x"},
                      Case{"app --db-password hunter2", "app --db-password ***"},
                      Case{"app -token abc", "app -token ***"},
                      Case{"app --api-key=abc --key=7", "app --api-key=*** --key=7"},
                      Case{"env PASSWORD=a TOKEN=b API_KEY=c AWS_SECRET_ACCESS_KEY=d HOME=/root app",
                           "env PASSWORD=*** TOKEN=*** API_KEY=*** AWS_SECRET_ACCESS_KEY=*** HOME=/root app"},
                      Case{"mysql -u root -psecret shop", "mysql -u root -p*** shop"},
                      Case{"/usr/bin/mysqldump -psecret", "/usr/bin/mysqldump -p***"},
                      Case{"ssh -p2222 host", "ssh -p2222 host"}, Case{"make -p x", "make -p x"},
                      Case{"sshpass -p secret ssh host", "sshpass -p *** ssh host"},
                      Case{"curl -H 'Authorization: Bearer abc.def' http://a/",
                           "curl -H 'Authorization:***' http://a/"},
                      Case{"psql postgres://user:pass@db:5432/shop", "psql postgres://user:***@db:5432/shop"},
                      Case{"git clone https://host:8080/x@y", "git clone https://host:8080/x@y"},
                      Case{"app AKIAIOSFODNN7EXAMPLE", "app ***"}, Case{"app AKIA", "app AKIA"},
                      Case{"sh -c TOKEN=abc;run", "sh -c TOKEN=***;run"},
                      Case{"curl http://a/?token=abc&page=2", "curl http://a/?token=***&page=2"},
                      Case{"app --tokenizer bert --compass north", "app --tokenizer bert --compass north"},
                      Case{"app --password", "app --password"}, Case{"", ""}));

TEST(RedactCommandTest, ArgumentsMayHoldSpaces) {
  EXPECT_EQ(RedactCommand({"curl", "-H", "Authorization: Bearer abc", "http://u:p@h/"}),
            (std::vector<std::string>{"curl", "-H", "Authorization:***", "http://u:***@h/"}));
  EXPECT_EQ(RedactCommand({"app", "--password", "two words", "PASSWORD=two words"}),
            (std::vector<std::string>{"app", "--password", "***", "PASSWORD=***"}));
  EXPECT_EQ(RedactCommand({"sh", "-c", "PASSWORD='two words' run --fast"}),
            (std::vector<std::string>{"sh", "-c", "PASSWORD='***' run --fast"}));
  EXPECT_TRUE(RedactCommand({}).empty());
}

}  // namespace
}  // namespace gordian::report
