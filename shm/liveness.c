/* liveness.c: is the writer alive? Three facts decide, none of them a pid or a wall clock: the
 * lock, which the kernel drops at the writer's death; the age of the heartbeat; and the state word.
 *
 *   lock held, heartbeat fresh -> live       lock free, state CLOSED  -> closed
 *   lock held, heartbeat old   -> stalled    lock free, state not so  -> crashed
 *
 * The heartbeat thread belongs to the writer and does nothing else, so that its beat stops only
 * when the process is stopped or the machine hangs, not when the engine has nothing to say. */
#include "scope.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "scope_check.h"
#include "segment.h"

static void beat(struct scope_writer *writer) {
    /* Relaxed: a lone value, nothing is published by it. Pairs with heartbeat_age. */
    atomic_store_explicit(&writer->parts.beat->heartbeat_ns, scope_now_ns(), memory_order_relaxed);
}

static void *heart_main(void *argument) {
    struct scope_writer *writer = argument;
    (void)pthread_mutex_lock(&writer->heart_lock);
    while (!writer->heart_stop) {
        beat(writer);
        uint64_t until = scope_now_ns() + SCOPE_HEARTBEAT_MS * UINT64_C(1000000);
        struct timespec wake = {.tv_sec = (time_t)(until / 1000000000u),
                                .tv_nsec = (long)(until % 1000000000u)};
        int rc = 0;
        while (!writer->heart_stop && rc != ETIMEDOUT) {
            rc = pthread_cond_timedwait(&writer->heart_wake, &writer->heart_lock, &wake);
            SCOPE_ASSERT(rc == 0 || rc == ETIMEDOUT);
        }
    }
    (void)pthread_mutex_unlock(&writer->heart_lock);
    return NULL;
}

int scope_heart_start(struct scope_writer *writer, struct scope_error_detail *error) {
    SCOPE_ASSERT(!writer->heart_runs);
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&writer->heart_lock, NULL);
    (void)pthread_cond_init(&writer->heart_wake, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    /* The program's signals are for the program's threads; faults are not: blocked, they kill. */
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)sigdelset(&all, SIGBUS); /* scope_sigbus_guard */
    (void)sigdelset(&all, SIGSEGV);
    (void)sigdelset(&all, SIGFPE);
    (void)sigdelset(&all, SIGILL);
    (void)sigdelset(&all, SIGTRAP);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&writer->heart, NULL, heart_main, writer);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        (void)pthread_cond_destroy(&writer->heart_wake);
        (void)pthread_mutex_destroy(&writer->heart_lock);
        return scope_fail_errno(error, "cannot start the heartbeat thread", writer->path, rc);
    }
    (void)pthread_setname_np(writer->heart, "scope-heart");
    writer->heart_runs = true;
    return 0;
}

void scope_heart_stop(struct scope_writer *writer) {
    if (!writer->heart_runs) {
        return;
    }
    (void)pthread_mutex_lock(&writer->heart_lock);
    writer->heart_stop = true;
    (void)pthread_cond_signal(&writer->heart_wake);
    (void)pthread_mutex_unlock(&writer->heart_lock);
    (void)pthread_join(writer->heart, NULL);
    (void)pthread_cond_destroy(&writer->heart_wake);
    (void)pthread_mutex_destroy(&writer->heart_lock);
    writer->heart_runs = false;
}

uint64_t scope_writer_cpu_ns(const struct scope_writer *writer) {
    clockid_t clock;
    struct timespec used;
    if (writer->forked || !writer->heart_runs ||
        pthread_getcpuclockid(writer->heart, &clock) != 0 || clock_gettime(clock, &used) != 0) {
        return 0;
    }
    return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}

uint64_t scope_segment_heartbeat_age_ns(const struct scope_segment *segment) {
    uint64_t last = atomic_load_explicit(&segment->parts.beat->heartbeat_ns, memory_order_relaxed);
    uint64_t now = scope_now_ns();
    return now > last ? now - last : 0;
}

enum scope_liveness scope_segment_liveness(const struct scope_segment *segment) {
    if (segment->copy) {
        return SCOPE_COPY;
    }
    /* The lock first: a writer that closes stores CLOSED before it unlocks, so whoever finds the
     * lock free after a clean end also finds the state CLOSED. */
    bool held = segment->fd < 0 || scope_lock_is_held(segment->fd);
    uint64_t state = atomic_load_explicit(&segment->parts.beat->state, memory_order_acquire);
    if (state == SCOPE_STATE_CLOSED) {
        return SCOPE_CLOSED;
    }
    if (!held) {
        return SCOPE_CRASHED;
    }
    bool fresh = scope_segment_heartbeat_age_ns(segment) < SCOPE_STALLED_MS * UINT64_C(1000000);
    return fresh ? SCOPE_LIVE : SCOPE_STALLED;
}

const char *scope_liveness_name(enum scope_liveness liveness) {
    switch (liveness) {
    case SCOPE_LIVE:
        return "live";
    case SCOPE_STALLED:
        return "stalled";
    case SCOPE_CLOSED:
        return "closed";
    case SCOPE_CRASHED:
        return "crashed";
    case SCOPE_COPY:
        return "copy";
    default:
        return "unknown";
    }
}
