/* Prints the messages of a channel, those that are there and those that come, as `INDEX TEXT`.
 *
 *   cc -O2 -Wall -o channel_reader channel_reader.c && ./channel_reader ID      (or the PATH of a channel on disk)
 *
 * It observes: it opens the memory for reading only, takes no slot and no lock, and holds no writer back. Messages
 * that are overwritten before it reads them are counted as missed. docs/memory-layout.md describes all that it reads.
 * It ends when the channel is sealed, or no process has it open any more. Linux, little-endian; glibc or musl. */

#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

enum { CONTROL_SIZE = 4096, UNIT = 16, HEADER = 16, TRAILER = 8 };
enum { FLAG_DISK = 4, FLAG_CHANNEL = 8 };
enum { MESSAGE = 1, PADDING = 2, SEAL = 3 };
static const off_t NAME = (off_t)1 << 60;

struct record {
  uint32_t length, kind;
  uint64_t index;
  uint32_t units;
};

static int fd;
static const unsigned char *data, *control; /* the ring, and the control block behind it */
static uint32_t units, trailer;             /* of the ring; bytes behind a payload */
static uint32_t position;                   /* of the record that is read next */
static uint64_t expected, next_index, missed;
static bool is_certain; /* whether `expected` is the index there */

static void fail(const char *problem) {
  fprintf(stderr, "%s\n", problem);
  exit(1);
}

/* One load each, before all that follow it. */
static uint32_t word(const unsigned char *at) {
  return __atomic_load_n((const uint32_t *)at, __ATOMIC_ACQUIRE);
}
static uint64_t number(const unsigned char *at) {
  return __atomic_load_n((const uint64_t *)at, __ATOMIC_ACQUIRE);
}
static uint32_t tail(void) { return word(control + 0x0c0); }
static uint32_t oldest(void) { return word(control + 0x1c0); }

static void open_channel(const char *channel) {
  const char *folder = getenv("MMFILE_DIRECTORY");
  char path[4096];
  if (strchr(channel, '/'))
    snprintf(path, sizeof path, "%s", channel);
  else
    snprintf(path, sizeof path, "%s/mmfile-channel-%s", folder && *folder ? folder : "/dev/shm", channel);
  fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) != 0) fail("it cannot be opened");
  if (status.st_size < CONTROL_SIZE || status.st_size % CONTROL_SIZE != 0) fail("no object of mmfile");
  data = mmap(NULL, status.st_size, PROT_READ, MAP_SHARED, fd, 0);
  if (data == MAP_FAILED) fail("it cannot be mapped");
  control = data + status.st_size - CONTROL_SIZE;
  uint32_t flags = word(control + 0x018);
  if (memcmp(control, "MMFILE\r\n", 8) != 0 || word(control + 0x008) != 2 || !(flags & FLAG_CHANNEL))
    fail("no channel of this version");
  trailer = flags & FLAG_DISK ? TRAILER : 0;
  uint64_t ring = number(control + 0x280);
  if (ring > (uint64_t)(control - data) || ring < UNIT || (ring & (ring - 1)) != 0)
    fail("its ring contradicts its size");
  units = ring / UNIT;
}

/* Whether what begins at the position may have been overwritten since it was read. */
static bool is_gone(void) {
  __atomic_thread_fence(__ATOMIC_ACQUIRE); /* what was read is read before this */
  return (int32_t)(position - oldest()) < 0;
}

/* Reads the record at the position; false if there is no record. */
static bool read_record(struct record *it) {
  uint32_t available = tail() - position, place = position % units, rest = units - place;
  if (available == 0 || available > units) return false;
  const unsigned char *at = data + (uint64_t)place * UNIT;
  uint64_t head = number(at);
  it->length = (uint32_t)head;
  it->kind = head >> 32;
  it->index = number(at + 8);
  uint64_t needed = (HEADER + (uint64_t)it->length + trailer + UNIT - 1) / UNIT;
  if (it->kind == PADDING) needed = rest;
  if (it->kind < MESSAGE || it->kind > SEAL || needed > rest || needed > available) return false;
  it->units = needed;
  return true;
}

/* Goes on with the oldest message that is left, whichever that is. */
static void jump(void) {
  position = oldest();
  is_certain = false;
}

/* Copies the next message: 1; 0 if there is none now, -1 when none will come. */
static int receive(unsigned char **payload, struct record *it) {
  for (int tries = 0; tries < 10000; tries += 1) {
    if (position == tail()) return 0;
    if (!read_record(it) || is_gone() || (is_certain && it->index != expected)) {
      jump();
      continue;
    }
    if (it->kind == SEAL) return -1;
    if (it->kind == MESSAGE) {
      *payload = realloc(*payload, it->length + 1);
      if (*payload == NULL) fail("no memory");
      memcpy(*payload, data + (uint64_t)(position % units) * UNIT + HEADER, it->length);
    }
    /* After the copy: is it the same record, and not gone? Positions come again, indices do not. */
    struct record again;
    bool same = !is_gone() && read_record(&again) && again.length == it->length &&
                again.kind == it->kind && again.index == it->index;
    if (!same || is_gone()) {
      jump();
      continue;
    }
    position += it->units;
    expected = it->index + (it->kind == MESSAGE);
    is_certain = true;
    if (it->kind == PADDING || it->index < next_index) continue;
    missed += it->index - next_index;
    next_index = it->index + 1;
    return 1;
  }
  fail("the channel is damaged");
  return -1;
}

/* Whether any process has it open: its lock would conflict with a lock on all of their bytes. */
static bool is_open(void) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = NAME};
  return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

int main(int argc, char **argv) {
  if (argc != 2) fail("usage: channel_reader ID");
  open_channel(argv[1]);
  jump();
  unsigned char *payload = NULL;
  struct record message;
  for (int got = 0; got >= 0;) {
    bool last = !is_open(); /* first: nothing comes after it */
    while ((got = receive(&payload, &message)) > 0) {
      printf("%" PRIu64 " ", message.index);
      fwrite(payload, 1, message.length, stdout);
      putchar('\n');
    }
    fflush(stdout);
    if (last) break;
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  }
  fprintf(stderr, "missed %" PRIu64 "\n", missed);
  return 0;
}
