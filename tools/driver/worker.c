#include "driver_worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "driver_check.h"

enum {
    GRACE_NS = 10000000,    /* an operation due just before the end still counts */
    CLOCK_EVERY = 64,       /* unpaced operations between two looks at the clock */
    SCAN_STEPS = 50,        /* as YCSB's workload E, at most */
    RETRY_NS = 100000000,   /* when the disk is full: how long to wait for room */
    HEALED_NS = 1000000000, /* without a refusal: there is room again */
};

static void relaxed_add(_Atomic uint64_t *counter, uint64_t n) {
    /* One writer: a load and a store are enough, and ten times cheaper than a locked add. */
    uint64_t old = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, old + n, memory_order_relaxed);
}

void driver_latency_add(struct driver_latency *latency, uint64_t ns) {
    unsigned bucket = lsm_bucket_of(ns);
    DRIVER_ASSERT(bucket < LSM_LATENCY_BUCKETS);
    relaxed_add(&latency->count[bucket], 1);
    if (ns > atomic_load_explicit(&latency->max_ns, memory_order_relaxed)) {
        atomic_store_explicit(&latency->max_ns, ns, memory_order_relaxed);
    }
    if (ns > atomic_load_explicit(&latency->max_recent_ns, memory_order_relaxed)) {
        atomic_store_explicit(&latency->max_recent_ns, ns, memory_order_relaxed);
    }
}

void driver_value_prepare(unsigned char *value, uint64_t size) {
    memset(value, 'v', (size_t)size);
}

void driver_value_fill(unsigned char *value, uint64_t size, struct driver_random *random) {
    uint64_t half = size / 2;
    uint64_t at = 0;
    while (at < half) {
        uint64_t word = driver_random_next(random);
        uint64_t n = half - at < sizeof word ? half - at : sizeof word;
        memcpy(value + at, &word, (size_t)n);
        at += n;
    }
}

static int do_put(struct driver_worker *w, const char *key) {
    const struct driver_args *args = w->load->args;
    if (args->modify) {
        struct lsm_value old;
        int rc = lsm_get(w->load->db, NULL, key, DRIVER_KEY_BYTES, &old);
        if (rc == 0) {
            lsm_value_release(&old);
        } else if (rc != LSM_NOT_FOUND) {
            return rc;
        }
    }
    driver_value_fill(w->value, args->value_bytes, &w->random);
    return lsm_put(w->load->db, NULL, key, DRIVER_KEY_BYTES, w->value, (size_t)args->value_bytes);
}

static int do_get(struct driver_worker *w, const char *key) {
    struct lsm_value value;
    int rc = lsm_get(w->load->db, NULL, key, DRIVER_KEY_BYTES, &value);
    if (rc == 0) {
        lsm_value_release(&value);
    }
    return rc == LSM_NOT_FOUND ? 0 : rc;
}

static int do_scan(struct driver_worker *w, const char *key) {
    struct lsm_iter *iter = NULL;
    int rc = lsm_iter_create(w->load->db, NULL, &iter);
    if (rc != 0) {
        return rc;
    }
    lsm_iter_seek(iter, key, DRIVER_KEY_BYTES);
    for (int i = 0; i < SCAN_STEPS && lsm_iter_valid(iter); i++) {
        lsm_iter_next(iter);
    }
    rc = lsm_iter_valid(iter) ? 0 : lsm_iter_status(iter);
    lsm_iter_destroy(iter);
    return rc;
}

/* Remembers the first failure of the run in words, and ends it. */
static void give_up(struct driver_worker *w, enum driver_kind kind, int rc) {
    static const char *const names[KINDS] = {"put", "get", "delete", "scan"};
    struct driver_workload *load = w->load;
    if (!atomic_exchange(&load->failed, true)) {
        char detail[256];
        lsm_error_detail(load->db, detail, sizeof detail);
        (void)snprintf(load->failure, sizeof load->failure, "%s failed: %s%s%s", names[kind],
                       lsm_strerror(rc), detail[0] != '\0' ? ": " : "", detail);
    }
    atomic_store(&load->stop, true);
}

/* The engine serves reads and heals when there is room again: tells it once, and waits for it, but
 * not past the end of the run. */
static void wait_for_room(struct driver_worker *w) {
    struct driver_workload *load = w->load;
    uint64_t now = driver_now_ns();
    relaxed_add(&w->refused, 1);
    atomic_store(&load->refused_ns, now);
    atomic_store(&load->refusing, true);
    if (!atomic_exchange(&load->full, true)) {
        char text[200], detail[256];
        lsm_error_detail(load->db, detail, sizeof detail);
        (void)snprintf(text, sizeof text,
                       "DISK FULL: writes wait for room in %.60s, reads go on%s%.80s",
                       load->args->data_dir, detail[0] != '\0' ? ": " : "", detail);
        driver_events_say(load->events, now, text);
    }
    uint64_t left = now < load->end_ns ? load->end_ns - now : 0;
    struct timespec t = {0, (long)(left < RETRY_NS ? left : RETRY_NS)};
    (void)nanosleep(&t, NULL);
}

/* A write went in while the disk was said to be full. Small ones may where larger ones do not: only
 * a while without any refusal is the end of it. */
static void room_again(struct driver_workload *load) {
    atomic_store(&load->refusing, false);
    uint64_t now = driver_now_ns();
    uint64_t refused = atomic_load(&load->refused_ns);
    if (now > refused && now - refused >= HEALED_NS && atomic_exchange(&load->full, false)) {
        driver_events_say(load->events, now, "ROOM AGAIN: writes go on");
    }
}

/* False when the disk was full: time has passed. */
static bool operate(struct driver_worker *w, enum driver_kind kind) {
    char key[DRIVER_KEY_BYTES];
    driver_key_format(driver_keys_next(&w->keys, kind), key);
    int rc = 0;
    switch (kind) {
    case KIND_PUT:
        rc = do_put(w, key);
        break;
    case KIND_GET:
        rc = do_get(w, key);
        break;
    case KIND_DELETE:
        rc = lsm_delete(w->load->db, NULL, key, sizeof key);
        break;
    case KIND_SCAN:
        rc = do_scan(w, key);
        break;
    case KINDS:
        DRIVER_ASSERT(!"a kind of operation");
    }
    if (rc == 0) {
        relaxed_add(&w->done[kind], 1);
        bool write = kind == KIND_PUT || kind == KIND_DELETE;
        if (write && atomic_load_explicit(&w->load->full, memory_order_relaxed)) {
            room_again(w->load);
        }
        return true;
    }
    if (rc == LSM_ERR_NO_SPACE) {
        wait_for_room(w);
        return false;
    }
    give_up(w, kind, rc);
    return true;
}

/* One of the unpaced kinds, by weight. */
static enum driver_kind pick_unpaced(struct driver_worker *w, unsigned total) {
    const struct driver_args *args = w->load->args;
    uint64_t ticket = driver_random_below(&w->random, total);
    for (unsigned k = 0; k < KINDS; k++) {
        if (args->rate_milli[k] != DRIVER_RATE_MAX) {
            continue;
        }
        if (ticket < args->weight[k]) {
            return (enum driver_kind)k;
        }
        ticket -= args->weight[k];
    }
    DRIVER_ASSERT(!"weights add up to the total");
    return KIND_PUT;
}

static void work(struct driver_worker *w) {
    struct driver_workload *load = w->load;
    unsigned unpaced = 0;
    for (unsigned k = 0; k < KINDS; k++) {
        unpaced += load->args->rate_milli[k] == DRIVER_RATE_MAX ? load->args->weight[k] : 0;
    }
    uint64_t now = driver_pacer_wait(&w->pacer, driver_now_ns(), load->start_ns, &load->stop);
    unsigned since_clock = 0;
    while (!atomic_load_explicit(&load->stop, memory_order_relaxed)) {
        uint64_t due = UINT64_MAX;
        enum driver_kind kind = KIND_PUT;
        if (w->pacer.paced > 0) {
            kind = driver_pacer_next(&w->pacer, &due);
        }
        if (due <= now && due < load->end_ns && now < load->end_ns + GRACE_NS) {
            (void)operate(w, kind);
            now = driver_now_ns();
            driver_latency_add(&w->latency[kind], now - due);
            driver_pacer_advance(&w->pacer, kind);
        } else if (unpaced > 0 && now < load->end_ns) {
            bool quick = operate(w, pick_unpaced(w, unpaced));
            if (!quick || w->pacer.paced > 0 || ++since_clock >= CLOCK_EVERY) {
                since_clock = 0;
                now = driver_now_ns();
            }
        } else if (now >= load->end_ns) {
            break;
        } else {
            uint64_t before = now;
            uint64_t until = due < load->end_ns ? due : load->end_ns;
            now = driver_pacer_wait(&w->pacer, now, until, &load->stop);
            w->waited_ns += now - before;
        }
    }
}

/* The second number of schedstat: ns spent runnable but not running, what a busy machine costs. */
static uint64_t runqueue_ns(void) {
    char text[96];
    int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    ssize_t n = read(fd, text, sizeof text - 1);
    (void)close(fd);
    if (n <= 0) {
        return 0;
    }
    text[n] = '\0';
    char *end = NULL;
    (void)strtoull(text, &end, 10);
    return strtoull(end, NULL, 10);
}

static void *worker_main(void *context) {
    struct driver_worker *w = context;
    /* The kernel's default lets sleeps end 50 us late to save power: our whole spinning margin. */
    (void)prctl(PR_SET_TIMERSLACK, 1ul, 0ul, 0ul, 0ul);
    uint64_t queued = runqueue_ns();
    work(w);
    w->ended_ns = driver_now_ns();
    atomic_store_explicit(&w->pacer.due_ns, UINT64_MAX, memory_order_relaxed);
    w->runqueue_ns = runqueue_ns() - queued;
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    w->cpu_ns = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
    struct rusage usage;
    if (getrusage(RUSAGE_THREAD, &usage) == 0) {
        w->switches = (uint64_t)usage.ru_nivcsw;
    }
    atomic_fetch_sub(&w->load->running, 1);
    return NULL;
}

int driver_worker_start(struct driver_worker *w, struct driver_workload *load, uint64_t index) {
    const struct driver_args *args = load->args;
    DRIVER_ASSERT(index < args->threads);
    *w = (struct driver_worker){.load = load, .index = index};
    w->value = malloc(args->value_bytes > 0 ? (size_t)args->value_bytes : 1);
    if (w->value == NULL) {
        return ENOMEM;
    }
    driver_value_prepare(w->value, args->value_bytes);
    driver_random_init(&w->random, args->seed, index);
    driver_keys_init(&w->keys, &load->keys, args, &w->random);
    driver_pacer_init(&w->pacer, load->start_ns, args->rate_milli, index, args->threads);
    atomic_fetch_add(&load->running, 1);
    int rc = pthread_create(&w->thread, NULL, worker_main, w);
    if (rc != 0) {
        atomic_fetch_sub(&load->running, 1);
        free(w->value);
        w->value = NULL;
        return rc;
    }
    w->started = true;
    return 0;
}

void driver_worker_join(struct driver_worker *w) {
    if (w->started) {
        int rc = pthread_join(w->thread, NULL);
        DRIVER_ASSERT(rc == 0);
        w->started = false;
    }
    free(w->value);
    w->value = NULL;
}
