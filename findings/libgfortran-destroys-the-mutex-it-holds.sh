#!/usr/bin/env bash
# A Fortran program that ends by a runtime error destroys a mutex that it holds itself, and libc refuses.
#
# libgfortran 12.2.0-14 (Debian 12): OPEN locks the mutex of its unit. When the file cannot be opened and there is no
# IOSTAT, the runtime reports the error and closes all units on its way out, the locked one too:
# pthread_mutex_destroy() of a locked mutex is undefined by POSIX; glibc 2.36 answers EBUSY and leaves it locked. With
# IOSTAT the mutex is unlocked first.
#
# Seen, as lines "how: exit status of the program, destroys that were refused":
#     iostat: 0 0
#     error: 2 1
# Exits non-zero if that changes. Needs apt (Debian 12) and gcc; touches nothing outside its temporary folder.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

version=12.2.0-14+deb12u1
apt-get download -q gfortran-12=$version libgfortran-12-dev=$version libgfortran5=$version libquadmath0=$version \
  >/dev/null 2>&1
for package in ./*.deb; do
  dpkg -x "$package" root
done

cat >iostat.f90 <<'CODE'
program main
  integer :: status
  open (unit=11, file='missing', status='old', iostat=status)
  if (status == 0) stop 1
end program
CODE
cat >error.f90 <<'CODE'
program main
  open (unit=11, file='missing', status='old')
end program
CODE
cat >watch.c <<'CODE'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

int pthread_mutex_destroy(pthread_mutex_t* mutex) {
  int (*destroy)(pthread_mutex_t*) = (int (*)(pthread_mutex_t*))dlsym(RTLD_NEXT, "pthread_mutex_destroy");
  const int answer = destroy(mutex);
  if (answer == EBUSY) {
    FILE* refused = fopen("refused", "a");
    fputs("x\n", refused);
    fclose(refused);
  }
  return answer;
}
CODE
gcc -shared -fPIC watch.c -o watch.so
gcc_folder=root/usr/lib/gcc/x86_64-linux-gnu/12
libraries=root/usr/lib/x86_64-linux-gnu
for how in iostat error; do
  root/usr/bin/x86_64-linux-gnu-gfortran-12 -B"$gcc_folder" -c "$how.f90"
  gcc "$how.o" -o "$how" -L"$gcc_folder" -L"$libraries" -lgfortran -lm
  : >refused
  status=0
  LD_LIBRARY_PATH=$libraries LD_PRELOAD=$PWD/watch.so "./$how" >/dev/null 2>&1 || status=$?
  echo "$how: $status $(wc -l <refused)"
done | tee seen
diff seen - <<'EXPECTED'
iostat: 0 0
error: 2 1
EXPECTED
echo "as before: the mutex was destroyed by its holder"
