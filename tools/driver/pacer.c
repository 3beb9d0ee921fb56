#include "pacer.h"

#include <errno.h>
#include <time.h>

#include "driver_check.h"

__extension__ typedef unsigned __int128 wide;

enum {
    SPIN_MAX_NS = 50000,
    SPIN_MIN_NS = 5000,
    SLEEP_SLICE_NS = 50000000, /* a sleeper notices the end of the run within this */
};

#define MILLI_NS 1000000000000ull /* ns in a second x 1000: rates are in thousandths */

uint64_t driver_now_ns(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t driver_due_ns(uint64_t index, uint64_t rate_milli) {
    DRIVER_ASSERT(rate_milli > 0);
    wide due = (wide)index * MILLI_NS / rate_milli;
    return due > UINT64_MAX ? UINT64_MAX : (uint64_t)due;
}

uint64_t driver_due_count(uint64_t elapsed_ns, uint64_t rate_milli) {
    if (rate_milli == 0 || elapsed_ns == 0) {
        return 0;
    }
    /* The smallest n whose due time (rounded down) is not before the end. */
    wide n = ((wide)elapsed_ns * rate_milli + MILLI_NS - 1) / MILLI_NS;
    return n > UINT64_MAX ? UINT64_MAX : (uint64_t)n;
}

static uint64_t due_at(const struct driver_pacer *pacer, unsigned kind) {
    uint64_t due = driver_due_ns(pacer->index[kind], pacer->rate_milli[kind]);
    return due > UINT64_MAX - 1 - pacer->start_ns ? UINT64_MAX - 1 : pacer->start_ns + due;
}

static void store_earliest(struct driver_pacer *pacer) {
    uint64_t earliest = UINT64_MAX;
    for (unsigned k = 0; k < KINDS; k++) {
        if (pacer->rate_milli[k] > 0 && pacer->due_kind_ns[k] < earliest) {
            earliest = pacer->due_kind_ns[k];
        }
    }
    /* Relaxed: the sampler wants a recent number, nothing is ordered by it. */
    atomic_store_explicit(&pacer->due_ns, earliest, memory_order_relaxed);
}

void driver_pacer_init(struct driver_pacer *pacer, uint64_t start_ns,
                       const uint64_t rate_milli[KINDS], uint64_t thread, uint64_t threads) {
    DRIVER_ASSERT(threads > 0 && thread < threads);
    *pacer = (struct driver_pacer){.start_ns = start_ns, .step = threads, .margin_ns = SPIN_MAX_NS};
    for (unsigned k = 0; k < KINDS; k++) {
        if (rate_milli[k] > 0 && rate_milli[k] != DRIVER_RATE_MAX) {
            pacer->rate_milli[k] = rate_milli[k];
            pacer->index[k] = thread;
            pacer->due_kind_ns[k] = due_at(pacer, k);
            pacer->paced++;
        }
    }
    store_earliest(pacer);
}

enum driver_kind driver_pacer_next(const struct driver_pacer *pacer, uint64_t *due_ns) {
    DRIVER_ASSERT(pacer->paced > 0);
    unsigned first = KINDS;
    for (unsigned k = 0; k < KINDS; k++) {
        if (pacer->rate_milli[k] > 0 &&
            (first == KINDS || pacer->due_kind_ns[k] < pacer->due_kind_ns[first])) {
            first = k;
        }
    }
    DRIVER_ASSERT(first < KINDS);
    *due_ns = pacer->due_kind_ns[first];
    return (enum driver_kind)first;
}

void driver_pacer_advance(struct driver_pacer *pacer, enum driver_kind kind) {
    DRIVER_ASSERT(pacer->rate_milli[kind] > 0);
    pacer->index[kind] += pacer->step;
    pacer->due_kind_ns[kind] = due_at(pacer, kind);
    store_earliest(pacer);
}

/* The margin follows how late the kernel's timers wake us: it grows at once and shrinks slowly, so
 * that a quiet machine spins little and a rate is kept on any. */
static void learn_margin(struct driver_pacer *pacer, uint64_t late_ns) {
    uint64_t wanted = late_ns + late_ns / 4;
    if (wanted < pacer->margin_ns) {
        wanted = pacer->margin_ns - (pacer->margin_ns - wanted) / 64;
    }
    pacer->margin_ns = wanted > SPIN_MAX_NS   ? SPIN_MAX_NS
                       : wanted < SPIN_MIN_NS ? SPIN_MIN_NS
                                              : wanted;
}

uint64_t driver_pacer_wait(struct driver_pacer *pacer, uint64_t now_ns, uint64_t due_ns,
                           const _Atomic bool *stop) {
    while (now_ns < due_ns) {
        if (atomic_load_explicit(stop, memory_order_relaxed)) {
            return now_ns;
        }
        uint64_t left = due_ns - now_ns;
        if (left <= pacer->margin_ns + SPIN_MIN_NS) {
            now_ns = driver_now_ns();
            continue;
        }
        uint64_t until = due_ns - pacer->margin_ns;
        bool slice = until - now_ns > SLEEP_SLICE_NS;
        until = slice ? now_ns + SLEEP_SLICE_NS : until;
        struct timespec t = {(time_t)(until / 1000000000u), (long)(until % 1000000000u)};
        int rc = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
        DRIVER_ASSERT(rc == 0 || rc == EINTR);
        now_ns = driver_now_ns();
        if (rc == 0 && now_ns >= until) {
            learn_margin(pacer, now_ns - until);
        }
    }
    return now_ns;
}
