// What the system takes for the least that creating and opening shared memory of 64 KiB can do, without any
// check: what shm-typed-array does (System V), and one object of POSIX, data and control block, with the
// locks that tell who has it open.

#include "common.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#define CAPACITY (64 << 10)
#define PAGE 4096
#define SIZE (CAPACITY + 2 * PAGE) // the control block, at the next page after a gap
#define ROUNDS 2000

static char object[64], zeros[SIZE];
static int segment;

static char *map(int fd, size_t size) {
  return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

static void shmget_and_remove(void) {
  int id = shmget(IPC_PRIVATE, CAPACITY, IPC_CREAT | 0600);
  void *at = shmat(id, NULL, 0);
  shmdt(at);
  shmctl(id, IPC_RMID, NULL);
}

/** Locks a byte far behind the end, as a handle does for as long as it is open; `length` 0 is all bytes. */
static void lock(int fd, short kind, off_t at, off_t length) {
  struct flock bytes = {.l_type = kind, .l_start = ((off_t)1 << 60) + at, .l_len = length};
  fcntl(fd, F_OFD_SETLK, &bytes);
}

static void in_shm(char *path, const char *name) { sprintf(path, "/dev/shm%s", name); }

static void create_one(void) {
  char staged[80], made[80], from[100], to[100];
  snprintf(staged, sizeof staged, "%s-made~", object), snprintf(made, sizeof made, "%s-made", object);
  in_shm(from, staged), in_shm(to, made);
  int fd = shm_open(staged, O_CREAT | O_EXCL | O_RDWR, 0600);
  int locks = open(from, O_RDWR);
  lock(locks, F_RDLCK, 1, 1);
  if (ftruncate(fd, SIZE) != 0 || pwrite(fd, zeros, CAPACITY, 0) != CAPACITY) exit(1);
  if (pwrite(fd, zeros, PAGE, SIZE - PAGE) != PAGE) exit(1);
  char *at = map(fd, SIZE);
  if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) != 0) exit(1);
  lock(locks, F_WRLCK, 0, 1);
  shm_unlink(made);
  munmap(at, SIZE);
  close(locks), close(fd);
}

static void attach(void) { shmdt(shmat(segment, NULL, 0)); }

static void open_one(void) {
  char path[100];
  in_shm(path, object);
  int locks = open(path, O_RDWR | O_NOFOLLOW);
  struct flock others = {.l_type = F_WRLCK, .l_start = (off_t)1 << 60};
  fcntl(locks, F_OFD_GETLK, &others);
  lock(locks, F_RDLCK, 2, 1);
  int fd = open(path, O_RDWR | O_NOFOLLOW);
  char *at = map(fd, SIZE);
  close(fd);
  *(volatile char *)(at + SIZE - PAGE);
  lock(locks, F_UNLCK, 0, 0);
  munmap(at, SIZE);
  close(locks);
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
  snprintf(object, sizeof object, "/mmfile-floor-%d", getpid());
  segment = shmget(IPC_PRIVATE, CAPACITY, IPC_CREAT | 0600);
  int fd = shm_open(object, O_CREAT | O_EXCL | O_RDWR, 0600);
  if (pwrite(fd, zeros, SIZE, 0) != SIZE) return 1;
  lock(fd, F_RDLCK, 1, 1);
  printf("shmget, shmat, shmdt, remove:                   %.1f microseconds\n", time_of(shmget_and_remove));
  printf("one object: staged, locked, filled, mapped, named, removed: %.1f\n", time_of(create_one));
  printf("shmat, shmdt:                                   %.1f\n", time_of(attach));
  printf("one object: open, lock, map, look, close:       %.1f\n", time_of(open_one));
  shm_unlink(object);
  shmctl(segment, IPC_RMID, NULL);
}
