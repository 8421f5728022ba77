/* Loaded before the C library: the wall clock is hours off as long as the file CLOCK_IS_OFF exists. */

#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { OFF = 5 * 3600 };

static int is_off(void) {
  const char *file = getenv("CLOCK_IS_OFF");
  return file != NULL && access(file, F_OK) == 0;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  int failed = (int)syscall(SYS_clock_gettime, clock, now);
  int wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI;
  if (failed == 0 && wall && is_off()) now->tv_sec -= OFF;
  return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  struct timespec exact;
  (void)zone;
  if (clock_gettime(CLOCK_REALTIME, &exact) != 0) return -1;
  now->tv_sec = exact.tv_sec;
  now->tv_usec = exact.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *target) {
  struct timespec exact;
  clock_gettime(CLOCK_REALTIME, &exact);
  if (target != NULL) *target = exact.tv_sec;
  return exact.tv_sec;
}
