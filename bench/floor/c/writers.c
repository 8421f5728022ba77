// What one writer and eight can put into one place in shared memory under a lock that survives its holder: a robust
// mutex, a copy of 64 bytes, and nothing else.

#include "common.h"
#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MESSAGES 1600000
#define RING (1 << 19)
#define BYTES 64
#define ROUNDS 9

/** Each word in a line of its own. */
static struct {
  pthread_mutex_t lock __attribute__((aligned(128)));
  size_t end __attribute__((aligned(128)));
  char ring[RING] __attribute__((aligned(128)));
} *shared;

static void write_all(int count) {
  char message[BYTES] = {1};
  for (int n = 0; n < count; n++) {
    if (pthread_mutex_lock(&shared->lock) == EOWNERDEAD) pthread_mutex_consistent(&shared->lock);
    memcpy(shared->ring + shared->end % RING, message, BYTES);
    shared->end += BYTES;
    pthread_mutex_unlock(&shared->lock);
  }
}

/** Thousand messages a second. */
static double rate(int writers) {
  double begun = now();
  for (int n = 0; n < writers; n++) {
    if (fork() == 0) {
      write_all(MESSAGES / writers);
      _exit(0);
    }
  }
  while (wait(NULL) > 0);
  return MESSAGES / (now() - begun) * 1e3;
}

int main(void) {
  pthread_mutexattr_t kind;
  double one[ROUNDS], eight[ROUNDS];
  shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  memset(shared, 0, sizeof *shared);
  pthread_mutexattr_init(&kind);
  pthread_mutexattr_setpshared(&kind, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&shared->lock, &kind);
  for (int round = 0; round < ROUNDS; round++) {
    one[round] = rate(1);
    eight[round] = rate(8);
  }
  double single = median(one, ROUNDS), all = median(eight, ROUNDS);
  printf("64 B under a robust mutex, thousand/s: one writer %.0f, eight %.0f together: %.2f times\n", single, all,
         all / single);
}
