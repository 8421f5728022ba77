// What a round trip of 64 bytes takes through two rings in shared memory, a processor for each side: a record of a
// header and the bytes, a word that says where the ring ends, and nothing else. The other side looks with a pause in
// between, or without.

#include "common.h"
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRIPS 200000
#define ROUNDS 9
#define RING (1 << 19)
#define RECORD 80

struct ring {
  _Atomic unsigned end __attribute__((aligned(128)));
  char bytes[RING] __attribute__((aligned(128)));
};

static struct ring *rings;

static void run_on(int processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(processor, &set);
  sched_setaffinity(0, sizeof set, &set);
}

static void pause_for_a_moment(int times) {
  for (int n = 0; n < times; n++) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb");
#endif
  }
}

static char *place(struct ring *ring, unsigned at) { return ring->bytes + at * 16u % (RING - RECORD); }

static void put(struct ring *ring, unsigned at) {
  char message[RECORD] = {64};
  memcpy(place(ring, at), message, RECORD);
  atomic_store(&ring->end, at + RECORD / 16);
}

static unsigned sum;

static void take(struct ring *ring, unsigned at, int pauses) {
  while (atomic_load(&ring->end) == at) pause_for_a_moment(pauses);
  char *record = place(ring, at);
  sum += record[0] + record[16] + record[RECORD - 1];
}

static double nanoseconds(int pauses) {
  rings[0].end = rings[1].end = 0;
  if (fork() == 0) {
    run_on(1);
    for (unsigned at = 0; at < TRIPS * RECORD / 16; at += RECORD / 16) {
      take(&rings[0], at, pauses);
      put(&rings[1], at);
    }
    _exit(0);
  }
  double begun = now();
  for (unsigned at = 0; at < TRIPS * RECORD / 16; at += RECORD / 16) {
    put(&rings[0], at);
    take(&rings[1], at, pauses);
  }
  double time = now() - begun;
  wait(NULL);
  return time * 1e3 / TRIPS;
}

int main(void) {
  double times[3][ROUNDS];
  rings = mmap(NULL, 2 * sizeof *rings, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  memset(rings, 0, 2 * sizeof *rings);
  run_on(0);
  for (int round = 0; round < ROUNDS; round++)
    for (int pauses = 0; pauses < 3; pauses++) times[pauses][round] = nanoseconds(pauses);
  for (int pauses = 0; pauses < 3; pauses++)
    printf("round trip of 64 B, %d pauses between two looks: %.0f ns\n", pauses, median(times[pauses], ROUNDS));
}
