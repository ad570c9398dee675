// Synchronisation objects of several processes: in every kind of shared memory, at several addresses, and in
// memory that is something else before and after.
#define _GNU_SOURCE
#include <fcntl.h>
#include <semaphore.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>

#include "probe.h"

// One object of each kind, all of them shared.
struct Objects {
  pthread_mutex_t mutex;
  pthread_rwlock_t rwlock;
  pthread_cond_t condition;
  sem_t semaphore;
  pthread_spinlock_t spinlock;
};

static void Make(struct Objects* objects) {
  pthread_mutexattr_t mutex;
  pthread_mutexattr_init(&mutex);
  pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(&objects->mutex, &mutex);
  pthread_rwlockattr_t rwlock;
  pthread_rwlockattr_init(&rwlock);
  pthread_rwlockattr_setpshared(&rwlock, PTHREAD_PROCESS_SHARED);
  pthread_rwlock_init(&objects->rwlock, &rwlock);
  pthread_condattr_t condition;
  pthread_condattr_init(&condition);
  pthread_condattr_setpshared(&condition, PTHREAD_PROCESS_SHARED);
  pthread_cond_init(&objects->condition, &condition);
  sem_init(&objects->semaphore, 1, 1);
  pthread_spin_init(&objects->spinlock, PTHREAD_PROCESS_SHARED);
}

static void Use(struct Objects* objects) {
  const struct timespec past = {1, 0};
  Say("%d", pthread_mutex_lock(&objects->mutex));
  Say(" %d", pthread_cond_timedwait(&objects->condition, &objects->mutex, &past));
  Say(" %d", pthread_mutex_unlock(&objects->mutex));
  Say(" %d", pthread_rwlock_rdlock(&objects->rwlock));
  Say(" %d", pthread_rwlock_unlock(&objects->rwlock));
  Say(" %d", sem_wait(&objects->semaphore));
  Say(" %d", sem_post(&objects->semaphore));
  Say(" %d", pthread_spin_lock(&objects->spinlock));
  Say(" %d\n", pthread_spin_unlock(&objects->spinlock));
}

static int UseInChild(struct Objects* objects) {
  Make(objects);
  Use(objects);
  const pid_t child = fork();
  if (child == 0) {
    Use(objects);
    _exit(0);
  }
  Reap("child", child);
  return 0;
}

static int Anonymous(void) {
  return UseInChild(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
}

static struct Objects* MapSecondPage(int file, void* where) {
  return mmap(where, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, file, 4096);
}

// The child sees it at another address, in the middle of the mapping and of the file.
static int File(void) {
  const int file = memfd_create("objects", 0);
  ftruncate(file, 3 * 4096);
  struct Objects* objects = (struct Objects*)((char*)MapSecondPage(file, NULL) + 4096);
  Make(objects);
  Use(objects);
  const pid_t child = fork();
  if (child == 0) {
    char* elsewhere = (char*)MapSecondPage(file, NULL);
    munmap((char*)objects - 4096, 8192);
    Use((struct Objects*)(elsewhere + 4096));
    _exit(0);
  }
  Reap("child", child);
  return 0;
}

static int SystemV(void) {
  const int id = shmget(IPC_PRIVATE, 4096, 0600);
  struct Objects* objects = shmat(id, NULL, 0);
  shmctl(id, IPC_RMID, NULL);
  UseInChild(objects);
  // Another segment in the same place.
  Say("detach %d\n", shmdt(objects));
  const int other = shmget(IPC_PRIVATE, 4096, 0600);
  struct Objects* again = shmat(other, objects, 0);
  shmctl(other, IPC_RMID, NULL);
  Say("same place %d\n", again == objects);
  Make(again);
  Use(again);
  return 0;
}

// One file after another in one place.
static int Replaced(void) {
  struct Objects* place = NULL;
  for (int i = 0; i < 3; ++i) {
    const int file = memfd_create("objects", 0);
    ftruncate(file, 3 * 4096);
    place = MapSecondPage(file, place);
    Make(place);
    Use(place);
    munmap(place, 8192);
    // The descriptor stays open: no two files have one number.
  }
  return 0;
}

static int NotShared(void) {
  struct Objects* objects = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return UseInChild(objects);
}

static int run;  // keeps the names of two runs of the test apart
static char name[64];
static const char* Name(const char* slashes, const char* what) {
  snprintf(name, sizeof(name), "%sgordian-probe-%s-%d", slashes, what, run);
  return name;
}

static int Named(void) {
  sem_t* first = sem_open(Name("/", "first"), O_CREAT | O_EXCL, 0600, 1);
  sem_t* second = sem_open(Name("/", "second"), O_CREAT, 0600, 3);
  Say("opened %d %d", first != SEM_FAILED, second != SEM_FAILED);
  Say(" same %d", first == sem_open(Name("/", "first"), O_CREAT, 0600, 9));
  Say(" exclusive %d", sem_open(Name("//", "first"), O_CREAT | O_EXCL, 0600, 1) == SEM_FAILED);
  Say(" errno %d", errno);
  Say(" none %d", sem_open(Name("/", "none"), 0) == SEM_FAILED);
  Say(" errno %d", errno);
  Say(" wrong name %d", sem_open("/a/b", O_CREAT, 0600, 1) == SEM_FAILED);
  Say(" errno %d", errno);
  Say(" wrong value %d", sem_open(Name("/", "large"), O_CREAT, 0600, 0xFFFFFFFFu) == SEM_FAILED);
  Say(" errno %d\n", errno);
  Say("wait %d", sem_wait(first));
  Say(" post %d", sem_post(first));
  const pid_t child = fork();
  if (child == 0) {
    Say(" child: %d", sem_wait(first));
    Say(" %d", sem_post(first));
    sem_t* again = sem_open(Name("/", "second"), 0);
    Say(" %d", sem_wait(again));
    Say(" %d\n", sem_close(again));
    _exit(0);
  }
  Reap("child", child);
  int value = -1;
  sem_getvalue(second, &value);
  Say("second %d", value);
  Say(" close %d", sem_close(first));
  Say(" wait %d", sem_wait(first));
  Say(" post %d", sem_post(first));
  Say(" close %d", sem_close(first));
  Say(" %d\n", sem_close(second));
  Say("unlink %d", sem_unlink(Name("/", "first")));
  Say(" again %d", sem_unlink(Name("/", "first")));
  Say(" errno %d\n", errno);
  Say("unlink %d\n", sem_unlink(Name("", "second")));
  return 0;
}

// The test has made it before.
static int Existing(void) {
  sem_t* semaphore = sem_open(Name("/", "existing"), O_CREAT, 0600, 1);
  Say("opened %d", semaphore != SEM_FAILED);
  Say(" wait %d", sem_wait(semaphore));
  Say(" post %d\n", sem_post(semaphore));
  return 0;
}

static int Memory(void) {
  const int first = shm_open(Name("/", "memory"), O_RDWR | O_CREAT | O_EXCL, 0600);
  const int again = shm_open(Name("", "memory"), O_RDWR | O_CREAT, 0600);
  Say("opened %d %d", first >= 0, again >= 0);
  Say(" none %d", shm_open(Name("/", "none"), O_RDWR, 0600));
  Say(" errno %d\n", errno);
  Say("unlink %d", shm_unlink(Name("/", "memory")));
  Say(" again %d", shm_unlink(Name("/", "memory")));
  Say(" errno %d\n", errno);
  return 0;
}

int main(int argc, char** argv) {
  run = (int)getppid();
  static const struct Scenario kScenarios[] = {
      {"anonymous", Anonymous}, {"file", File},         {"system-v", SystemV},
      {"replaced", Replaced},   {"private", NotShared}, {"named", Named},
      {"existing", Existing},   {"memory", Memory},     {NULL, NULL}};
  return RunScenario(kScenarios, argc, argv);
}
