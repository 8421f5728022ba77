// How long it takes to copy a message to places in shared memory, and how long a thread on another
// processor then takes to read every byte of it: by memcpy, by `rep movsb`, and with streaming stores.
// In 480 MiB, which no cache holds, and in 12 MiB. The pages are mapped before.

#include "common.h"
#include <fcntl.h>
#include <immintrin.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define MIB (1 << 20)
#define TOTAL (480L * MIB)
#define MOST 400

static void rep_movsb(void *to, const void *from, size_t length) {
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(length)::"memory");
}

static void streaming(void *to, const void *from, size_t length) {
  for (size_t at = 0; at < length; at += 16)
    _mm_stream_si128((__m128i *)((char *)to + at), _mm_loadu_si128((const __m128i *)((const char *)from + at)));
  _mm_sfence();
}

static void plain(void *to, const void *from, size_t length) { memcpy(to, from, length); }

static struct {
  const char *name;
  void (*copy)(void *, const void *, size_t);
} ways[] = {{"memcpy", plain}, {"rep movsb", rep_movsb}, {"streaming", streaming}};
enum { WAYS = sizeof ways / sizeof *ways };

static _Atomic long turn; // odd: the reader's
static _Atomic int done;
static char *volatile place;
static volatile size_t length;
static volatile double read_time;
static volatile uint64_t sink;

static void run_on(int processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(processor, &set);
  sched_setaffinity(0, sizeof set, &set);
}

static void *reader(void *unused) {
  run_on(1);
  for (;;) {
    while (!(atomic_load(&turn) & 1))
      if (atomic_load(&done)) return unused;
    double begun = now();
    __m128i all = _mm_setzero_si128();
    for (size_t at = 0; at < length; at += 16)
      all = _mm_xor_si128(all, _mm_loadu_si128((const __m128i *)(place + at)));
    sink ^= (uint64_t)_mm_cvtsi128_si64(all);
    read_time = now() - begun;
    atomic_fetch_add(&turn, 1);
  }
}

int main(void) {
  char name[64];
  snprintf(name, sizeof name, "/mmfile-floor-%d", getpid());
  int fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
  shm_unlink(name);
  if (fd < 0 || posix_fallocate(fd, 0, TOTAL) != 0) return perror("shared memory"), 1;
  char *base = mmap(NULL, TOTAL, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (base == MAP_FAILED) return perror("mmap"), 1;
  memset(base, 1, TOTAL);
  char *source = aligned_alloc(4096, 8 * MIB);
  memset(source, 7, 8 * MIB);
  run_on(0);
  pthread_t thread;
  pthread_create(&thread, NULL, reader, NULL);
  for (size_t size = 16 << 10; size <= 4 * MIB; size *= 4)
    for (size_t room = TOTAL; room; room = room == TOTAL ? 12 * MIB : 0) {
      static double write_times[WAYS][MOST], read_times[WAYS][MOST];
      size_t part = room / WAYS & ~(size_t)63, at[WAYS] = {0};
      int rounds = size >= MIB ? 60 : MOST;
      for (int round = 0; round < rounds; round++)
        for (int way = 0; way < WAYS; way++) {
          if (at[way] + size + 64 > part) at[way] = 0;
          char *to = base + way * part + at[way];
          at[way] += size + 64;
          double begun = now();
          ways[way].copy(to, source, size);
          write_times[way][round] = now() - begun;
          place = to, length = size;
          atomic_fetch_add(&turn, 1);
          while (atomic_load(&turn) & 1);
          read_times[way][round] = read_time;
        }
      printf("%5zu KiB in %3zu MiB:", size >> 10, room / MIB);
      for (int way = 0; way < WAYS; way++)
        printf("  %s: write %.1f, read %.1f", ways[way].name, median(write_times[way], rounds),
               median(read_times[way], rounds));
      printf("  (microseconds)\n");
    }
  atomic_store(&done, 1);
  pthread_join(thread, NULL);
}
