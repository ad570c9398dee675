/* Everybody waits for what is made only once, and the one who makes it asks a child that is slow to answer.
 */
// EXPECT: clean
#include <pthread.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_once_t asked = PTHREAD_ONCE_INIT;
static char answer;

static void Ask(void) {
  int ends[2];
  if (pipe(ends) != 0) {
    return;
  }
  const pid_t child = fork();
  if (child == 0) {
    sleep(2);
    _exit(write(ends[1], "y", 1) != 1);
  }
  if (read(ends[0], &answer, 1) != 1) {
    answer = 'n';
  }
  waitpid(child, NULL, 0);
}

static void* Work(void* unused) {
  pthread_once(&asked, Ask);
  return unused;
}

int main(void) {
  pthread_t one, other;
  pthread_create(&one, NULL, Work, NULL);
  pthread_create(&other, NULL, Work, NULL);
  pthread_join(one, NULL);
  pthread_join(other, NULL);
  return answer != 'y';
}
