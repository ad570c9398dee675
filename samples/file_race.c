/* Two workers count visits in a file: each reads the number, adds one and writes it back. Both read before
 * either writes, so one visit is lost. */
// EXPECT: file-race
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int Read(void) {
  int visits = 0;
  FILE* file = fopen("visits", "r");
  if (file == NULL || fscanf(file, "%d", &visits) != 1) exit(1);
  fclose(file);
  return visits;
}

static void Write(int visits) {
  FILE* file = fopen("visits", "w");
  fprintf(file, "%d\n", visits);
  fclose(file);
}

static void CountVisit(int tell, int hear) {
  char byte = 'x';
  const int visits = Read();
  if (write(tell, &byte, 1) != 1 || read(hear, &byte, 1) != 1) exit(1); /* the other has read too */
  Write(visits + 1);
}

int main(void) {
  int forth[2], back[2];
  Write(0);
  if (pipe(forth) != 0 || pipe(back) != 0) return 1;
  if (fork() == 0) {
    CountVisit(forth[1], back[0]);
    _exit(0);
  }
  if (fork() == 0) {
    CountVisit(back[1], forth[0]);
    _exit(0);
  }
  while (wait(NULL) > 0) {
  }
  return 0;
}
