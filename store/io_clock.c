/* io_clock.c: the real clocks and waits, for both production backends. */
#include "io_backend.h"

#include <errno.h>
#include <time.h>

#include "check.h"

enum { NS_PER_S = 1000000000 };

uint64_t lsm_clock_now_ns(struct lsm_io *io) {
    (void)io;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t lsm_clock_unix_ms(struct lsm_io *io) {
    (void)io;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now); /* the last tick's time: a few ns, 1 to 4 ms old */
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static struct timespec timespec_of(uint64_t ns) {
    return (struct timespec){.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};
}

void lsm_clock_sleep_ns(struct lsm_io *io, uint64_t ns) {
    struct timespec until = timespec_of(lsm_clock_now_ns(io) + ns);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {
    }
}

bool lsm_clock_cond_wait(struct lsm_io *io, struct lsm_cond *cond, pthread_mutex_t *mutex,
                         uint64_t deadline_ns) {
    (void)io;
    if (deadline_ns == 0) {
        int rc = pthread_cond_wait(&cond->cond, mutex);
        LSM_ASSERT(rc == 0);
        return true;
    }
    struct timespec until = timespec_of(deadline_ns);
    int rc = pthread_cond_timedwait(&cond->cond, mutex, &until);
    LSM_ASSERT(rc == 0 || rc == ETIMEDOUT);
    return rc == 0;
}
