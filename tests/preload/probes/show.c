// Shows how it was started: arguments, and the environment but for GORDIAN_OPTIONS. Built in many ways: with
// musl, for 32 bits, statically. Plain C only.
#include <stdio.h>
#include <string.h>

extern char** environ;

int main(int argc, char** argv) {
  for (int i = 0; i < argc; ++i) {
    printf("argument %s\n", argv[i]);
  }
  for (char** entry = environ; *entry != NULL; ++entry) {
    if (strncmp(*entry, "GORDIAN_OPTIONS=", 16) != 0) {
      printf("%s\n", *entry);
    }
  }
  return 23;
}
