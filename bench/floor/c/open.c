// What the system takes for the least that making and opening shared memory of 64 KiB can do, without any
// check: what shm-typed-array does (System V), and two objects of POSIX, data and control block.

#include "common.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/file.h>
#include <unistd.h>

#define SIZE (64 << 10)
#define PAGE 4096
#define ROUNDS 2000

static char data[64], control[64], zeros[SIZE];
static int segment;

static char *map(int fd, size_t size) {
  return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

static void shmget_and_remove(void) {
  int id = shmget(IPC_PRIVATE, SIZE, IPC_CREAT | 0600);
  void *at = shmat(id, NULL, 0);
  shmdt(at);
  shmctl(id, IPC_RMID, NULL);
}

static void make(const char *name, size_t size) {
  int fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
  if (ftruncate(fd, size) != 0 || pwrite(fd, zeros, size, 0) != (ssize_t)size) exit(1);
  char *at = map(fd, size);
  munmap(at, size);
  close(fd);
  shm_unlink(name);
}

static void make_two(void) {
  char one[80], two[80];
  snprintf(one, sizeof one, "%s-made", data), snprintf(two, sizeof two, "%s-made", control);
  make(two, PAGE), make(one, SIZE);
}

static void attach(void) { shmdt(shmat(segment, NULL, 0)); }

static void open_two(void) {
  const char *names[] = {control, data};
  size_t sizes[] = {PAGE, SIZE};
  int fds[2];
  char *at[2];
  for (int i = 0; i < 2; i++) {
    fds[i] = shm_open(names[i], O_RDWR, 0);
    flock(fds[i], LOCK_SH | LOCK_NB);
    at[i] = map(fds[i], sizes[i]);
  }
  *(volatile char *)at[0];
  for (int i = 0; i < 2; i++) munmap(at[i], sizes[i]), close(fds[i]);
}

static double time_of(void (*act)(void)) {
  static double times[ROUNDS];
  for (int round = 0; round < ROUNDS; round++) {
    double begun = now();
    act();
    times[round] = now() - begun;
  }
  return median(times, ROUNDS);
}

int main(void) {
  snprintf(data, sizeof data, "/mmfile-floor-data-%d", getpid());
  snprintf(control, sizeof control, "/mmfile-floor-control-%d", getpid());
  segment = shmget(IPC_PRIVATE, SIZE, IPC_CREAT | 0600);
  int fds[] = {shm_open(data, O_CREAT | O_EXCL | O_RDWR, 0600), shm_open(control, O_CREAT | O_EXCL | O_RDWR, 0600)};
  if (pwrite(fds[0], zeros, SIZE, 0) != SIZE || pwrite(fds[1], zeros, PAGE, 0) != PAGE) return 1;
  printf("shmget, shmat, shmdt, remove:            %.1f microseconds\n", time_of(shmget_and_remove));
  printf("two objects, filled, mapped and removed: %.1f\n", time_of(make_two));
  printf("shmat, shmdt:                            %.1f\n", time_of(attach));
  printf("two objects: open, lock, map, look, close: %.1f\n", time_of(open_two));
  shm_unlink(data), shm_unlink(control);
  shmctl(segment, IPC_RMID, NULL);
}
