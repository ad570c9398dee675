/* Commands through popen and system, each of which forks and reaps inside libc. */
// EXPECT: clean
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
  char line[32] = "";
  FILE* pipe = popen("echo one; true | cat", "r");
  if (pipe == NULL || fgets(line, sizeof(line), pipe) == NULL) return 1;
  if (pclose(pipe) != 0 || strcmp(line, "one\n") != 0) return 2;
  if (system("exit 3") != 3 << 8) return 3;
  return system("sleep 0.1 & wait") == 0 ? 0 : 4;
}
