/* Loaded before the C library: each reservation of space is interrupted twice before it is made. Every
   interruption is a letter in the file INTERRUPTIONS: which call it was. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TIMES = 2 };

/* Whether this call is one that is interrupted. */
static int interrupts(char which) {
  static _Thread_local int times;
  const char *file = getenv("INTERRUPTIONS");
  if (file == NULL) return 0;
  times = (times + 1) % (TIMES + 1);
  if (times == 0) return 0;
  int fd = open(file, O_WRONLY | O_APPEND | O_CLOEXEC);
  if (fd < 0) return 0;
  int written = write(fd, &which, 1) == 1;
  close(fd);
  return written;
}

/* This one returns the error's number. */
int posix_fallocate(int fd, off_t offset, off_t length) {
  if (interrupts('f')) return EINTR;
  return syscall(SYS_fallocate, fd, 0, offset, length) == 0 ? 0 : errno;
}

/* As by a signal: a write that has written something returns how much, and only the next one fails. */
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
  if (interrupts('w')) {
    errno = EINTR;
    return -1;
  }
  return syscall(SYS_pwrite64, fd, bytes, count > 1 ? count / 2 : count, offset);
}

int posix_fallocate64(int fd, off_t offset, off_t length) {
  return posix_fallocate(fd, offset, length);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t offset) {
  return pwrite(fd, bytes, count, offset);
}
