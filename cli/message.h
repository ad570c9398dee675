// One line from gordian itself to its user, on stderr: "gordian: ...".
#ifndef GORDIAN_CLI_MESSAGE_H_
#define GORDIAN_CLI_MESSAGE_H_

#include <string>

namespace gordian::cli {

// Written with a single write(2), so that it does not mix with what the program prints.
void Message(const std::string& text);

// "FILE: No such file or directory" for the current errno.
std::string ErrnoText(const std::string& subject);

}  // namespace gordian::cli

#endif  // GORDIAN_CLI_MESSAGE_H_
