/* diagnose.c: why a rate was not reached, and which knob to turn.
 *
 * The workers' time is the budget. Whatever took the largest share of it is the cause; the shares
 * come from counters that exist anyway, so the answer is measured, not guessed. */
#include "driver_check.h"
#include "pacer.h"
#include "result.h"

static const char *const kind_names[KINDS] = {"put", "get", "delete", "scan"};

enum cause { CAUSE_STALL, CAUSE_SYNC, CAUSE_SAMPLING, CAUSE_BUSY, CAUSE_SPACE, CAUSES };

/* Shares below this explain nothing. */
#define SHARE_MIN 0.05

struct shares {
    double share[CAUSES];
    double cpu;
    enum lsm_stall stall; /* the cause of stalls with the most time */
    uint64_t stall_ns;    /* all causes */
};

bool driver_missed(const struct driver_result *r, enum driver_kind kind) {
    uint64_t rate = r->args->rate_milli[kind];
    if (rate == 0 || rate == DRIVER_RATE_MAX) {
        return false;
    }
    uint64_t asked_ns = r->elapsed_ns < r->args->duration_ns ? r->elapsed_ns : r->args->duration_ns;
    uint64_t due = driver_due_count(asked_ns, rate);
    uint64_t done = r->done[kind];
    /* Up to one operation per thread is always under way when the clock runs out. */
    return done < due && due - done > r->args->threads && due - done > due / 100;
}

const char *driver_stall_remedy(enum lsm_stall cause) {
    switch (cause) {
    case LSM_STALL_INLINE:
        return "--async-compaction moves flushes and compactions to background threads; a larger "
               "--memtable-max-bytes makes them rarer";
    case LSM_STALL_MEMTABLE:
        return "a larger --memtable-max-bytes gives flushes more time";
    case LSM_STALL_L0_SLOW:
    case LSM_STALL_L0_STOP:
        return "a larger --memtable-max-bytes makes fewer L0 tables, a larger --l0-trigger allows "
               "more of them";
    case LSM_STALL_DEBT_SLOW:
    case LSM_STALL_DEBT_STOP:
        return "compaction cannot keep up: a lower rate, or a larger --level-ratio for fewer "
               "levels";
    case LSM_STALL_NONE:
    case LSM_STALL_COUNT:
        break;
    }
    return "a lower rate";
}

/* Time inside the engine, from the histogram: each operation at the middle of its bucket. */
static double service_ns(const struct lsm_latency *latency) {
    double total = 0.0;
    for (unsigned b = 0; b + 1 < LSM_LATENCY_BUCKETS; b++) {
        double middle = (double)(lsm_bucket_floor(b) + lsm_bucket_floor(b + 1)) / 2.0;
        total += middle * (double)latency->count[b];
    }
    return total + (double)latency->max_ns * (double)latency->count[LSM_LATENCY_BUCKETS - 1];
}

static void measure(const struct driver_result *r, struct shares *s) {
    *s = (struct shares){.stall = LSM_STALL_NONE};
    double budget = (double)r->elapsed_ns * (double)r->args->threads;
    DRIVER_ASSERT(budget > 0.0);
    uint64_t most = 0;
    for (unsigned c = 1; c < LSM_STALL_COUNT; c++) {
        uint64_t ns = r->end.stall_ns[c] - r->base.stall_ns[c];
        s->stall_ns += ns;
        if (ns > most) {
            most = ns;
            s->stall = (enum lsm_stall)c;
        }
    }
    s->share[CAUSE_STALL] = (double)s->stall_ns / budget;
    if (r->args->durability == LSM_SYNC) {
        double writing = service_ns(&r->service[KIND_PUT]) + service_ns(&r->service[KIND_DELETE]) -
                         (double)s->stall_ns;
        s->share[CAUSE_SYNC] = writing > 0.0 ? writing / budget : 0.0;
    }
    s->share[CAUSE_SAMPLING] = (double)r->watch_ns / (double)r->elapsed_ns;
    s->share[CAUSE_BUSY] = (double)r->worker_runqueue_ns / budget;
    s->share[CAUSE_SPACE] = r->refused > 0 ? 1.0 : 0.0;
    s->cpu = (double)r->worker_cpu_ns / budget;
}

static void say_stall(struct driver_page *page, const struct driver_result *r,
                      const struct shares *s) {
    struct driver_text t1, t2;
    double flushes = (double)(r->end.flushes - r->base.flushes) * 1e9 / (double)r->elapsed_ns;
    if (s->stall == LSM_STALL_INLINE) {
        driver_page_add(page,
                        "  Cause: the writer flushed and compacted in its own thread for %s "
                        "(%.0f %% of the time)",
                        driver_text_ns(&t1, s->stall_ns), 100.0 * s->share[CAUSE_STALL]);
    } else {
        driver_page_add(page,
                        "  Cause: writes were held up for %s (%.0f %% of the time), mostly: %s",
                        driver_text_ns(&t1, s->stall_ns), 100.0 * s->share[CAUSE_STALL],
                        lsm_stall_name(s->stall));
    }
    if (flushes > 5.0) {
        driver_page_add(page, "; the memtable is small (%s): %.0f flushes a second",
                        driver_text_bytes(&t2, r->args->memtable_bytes), flushes);
    }
    driver_page_add(page, ".\n  Remedy: %s.\n", driver_stall_remedy(s->stall));
}

static void say_busy(struct driver_page *page, const struct driver_result *r,
                     const struct shares *s) {
    struct driver_text t1, t2;
    driver_page_add(page,
                    "  Cause: the machine is busy: the workers waited %s for a core (%.0f %% of "
                    "the time, %s involuntary switches).\n"
                    "  Remedy: fewer --threads or a lower rate, or stop what else is running.\n",
                    driver_text_ns(&t1, r->worker_runqueue_ns), 100.0 * s->share[CAUSE_BUSY],
                    driver_text_count(&t2, r->worker_switches));
}

static void say_cause(struct driver_page *page, const struct driver_result *r,
                      const struct shares *s, enum cause cause) {
    struct driver_text t1;
    switch (cause) {
    case CAUSE_STALL:
        say_stall(page, r, s);
        break;
    case CAUSE_SYNC:
        driver_page_add(page,
                        "  Cause: every write waits until the device has it (%s syncs, %.0f %% of "
                        "the time).\n  Remedy: leave out --wal-flush-every-write (durability "
                        "process survives kill -9), or more --threads, which share a sync.\n",
                        driver_text_count(&t1, r->end.wal_syncs - r->base.wal_syncs),
                        100.0 * s->share[CAUSE_SYNC]);
        break;
    case CAUSE_SAMPLING:
        driver_page_add(page,
                        "  Cause: sampling every %s takes %.0f %% of a core.\n"
                        "  Remedy: sample less often, such as --sample-ms 500.\n",
                        driver_text_ns(&t1, r->args->sample_ns), 100.0 * s->share[CAUSE_SAMPLING]);
        break;
    case CAUSE_BUSY:
        say_busy(page, r, s);
        break;
    case CAUSE_SPACE:
        driver_page_add(page,
                        "  Cause: the disk was full and refused %s writes.\n"
                        "  Remedy: make room in %s.\n",
                        driver_text_count(&t1, r->refused), r->args->data_dir);
        break;
    case CAUSES:
        break;
    }
}

/* Nothing stands out: the operations themselves need the time, on the core or waiting for reads. */
static void say_own_time(struct driver_page *page, const struct driver_result *r,
                         const struct shares *s) {
    if (s->cpu > 0.8) {
        driver_page_add(page,
                        "  Cause: the operations themselves fill %s (%.0f %% of its time).\n"
                        "  Remedy: more --threads, smaller values, or a lower rate.\n",
                        r->args->threads > 1 ? "the threads" : "the thread", 100.0 * s->cpu);
    } else {
        driver_page_add(page,
                        "  Cause: the workers waited for the disk most of the time (%.0f %% "
                        "on a core).\n"
                        "  Remedy: more --threads, so that requests overlap, or a lower "
                        "rate.\n",
                        100.0 * s->cpu);
    }
}

void driver_diagnose(struct driver_page *page, const struct driver_result *r) {
    bool any = false;
    for (unsigned k = 0; k < KINDS; k++) {
        if (!driver_missed(r, (enum driver_kind)k)) {
            continue;
        }
        struct driver_text got, asked;
        double per_second = (double)r->done[k] * 1e9 / (double)r->elapsed_ns;
        double rate = (double)r->args->rate_milli[k] / 1000.0;
        driver_page_add(page, "%sRate missed: %s %s instead of %s (%.1f %%)\n", any ? "" : "\n",
                        kind_names[k], driver_text_rate(&got, per_second),
                        driver_text_rate(&asked, rate), 100.0 * per_second / rate);
        any = true;
    }
    if (!any) {
        return;
    }
    struct shares s;
    measure(r, &s);
    unsigned first = 0;
    for (unsigned c = 1; c < CAUSES; c++) {
        first = s.share[c] > s.share[first] ? c : first;
    }
    if (s.share[first] < SHARE_MIN) {
        say_own_time(page, r, &s);
        return;
    }
    say_cause(page, r, &s, (enum cause)first);
    for (unsigned c = 0; c < CAUSES; c++) {
        if (c != first && s.share[c] >= SHARE_MIN && s.share[c] * 2.0 >= s.share[first]) {
            say_cause(page, r, &s, (enum cause)c);
        }
    }
}
