/* publish.c: from the engine's counters and events to the rings in shared memory.
 *
 * One sampler thread: each interval it sums the counters, once a second it takes the difference of
 * the latency histograms, and whenever the tree has changed it publishes its shape. Events go to
 * their ring as they are delivered. The shape must say exactly which events it includes; so the
 * listener keeps a copy of the table list of its own, changed together with the event ring under
 * one lock. */
#include "publish.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "publish_values.h"

_Static_assert((int)LSM_LATENCY_BUCKETS == (int)SCOPE_HIST_BUCKETS, "the buckets are the same");
_Static_assert((int)LSM_STALL_INLINE == (int)SCOPE_STALL_INLINE, "the causes are the same");

/* Between shapes that are published for a job's sake: short beside what an eye sees. */
enum { STATM_EVERY_NS = 100 * 1000 * 1000, SHAPE_EVERY_NS = 20 * 1000 * 1000 };
#define SECOND_NS UINT64_C(1000000000)

struct lsm_publish {
    struct lsm_db *db;
    struct scope_writer *writer;
    struct lsm_publish_options options;
    pid_t process; /* that started it */

    pthread_t sampler;
    pthread_mutex_t stop_lock;
    pthread_cond_t stop_cond;
    bool stopping;          /* guarded by stop_lock */
    uint64_t shape_next_ns; /* guarded by stop_lock: not before */
    uint64_t shape_due_ns;  /* guarded by stop_lock: a shape is wanted then; 0: with a sample */

    pthread_mutex_t tree_lock; /* orders table changes, their events and the shape */
    struct scope_table *tables;
    size_t count, room;
    bool changed;

    /* The sampler's own. */
    struct scope_shape shape;
    struct lsm_table_info *live; /* for the busy marks */
    struct lsm_latency before[SCOPE_OPS];
    uint64_t response_before[SCOPE_OPS][SCOPE_HIST_BUCKETS];
    uint64_t second_ns; /* end of the newest histogram */
    uint64_t start_mono_ns, start_unix_ms;
    uint64_t cost_ns;   /* of the previous sample */
    uint64_t work_done; /* in it */
    uint64_t rss, rss_read_ns;
    int statm;
    _Atomic uint64_t cpu_ns;
};

struct lsm_publish_options lsm_publish_options_default(void) {
    return (struct lsm_publish_options){.sample_interval_ns = 250 * 1000 * 1000};
}

static uint64_t clock_ns(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
}

/* ---- events and the table list ---- */

static uint64_t created_mono(const struct lsm_publish *p, uint64_t unix_ms) {
    if (unix_ms <= p->start_unix_ms) {
        return p->start_mono_ns; /* older than this publisher */
    }
    return p->start_mono_ns + (unix_ms - p->start_unix_ms) * 1000000;
}

static struct scope_table table_of(const struct lsm_publish *p, const struct lsm_table_info *info) {
    return (struct scope_table){
        .id = info->id,
        .level = (uint8_t)info->level,
        .busy = info->busy,
        .bytes = info->bytes,
        .entries = info->entries,
        .tombstones = info->tombstones,
        .lo = info->lo,
        .hi = info->hi,
        .created_ns = created_mono(p, info->created_unix_ms),
    };
}

static size_t find_table(const struct lsm_publish *p, uint64_t id) {
    size_t i = 0;
    while (i < p->count && p->tables[i].id != id) {
        i++;
    }
    return i;
}

static void add_table(struct lsm_publish *p, const struct scope_table *table) {
    if (find_table(p, table->id) < p->count) {
        return; /* it was in the list that the publisher started from */
    }
    if (p->count == p->room) {
        size_t room = p->room == 0 ? 256 : 2 * p->room;
        struct scope_table *grown = realloc(p->tables, room * sizeof *grown);
        if (grown == NULL) {
            return;
        }
        p->tables = grown;
        p->room = room;
    }
    p->tables[p->count++] = *table;
}

/* False when the list has the change already: it was read while the event was still on its way, and
 * a viewer that applied the event to the published shape would apply it twice. */
static bool change_tables(struct lsm_publish *p, const struct lsm_event *event,
                          const struct scope_table *table) {
    size_t i = find_table(p, table->id);
    bool known = i < p->count;
    if (event->type == LSM_EVENT_TABLE_ADD) {
        if (known) {
            return false;
        }
        add_table(p, table);
    } else if (!known ||
               (event->type == LSM_EVENT_TABLE_MOVE && p->tables[i].level == table->level)) {
        return false;
    } else if (event->type == LSM_EVENT_TABLE_MOVE) {
        p->tables[i].level = table->level;
    } else {
        p->tables[i] = p->tables[--p->count];
    }
    p->changed = true;
    return true;
}

/* The numbers of the two enums are the same up to TABLE_REMOVE, ERROR and NOTICE apart. */
static bool translate(const struct lsm_publish *p, const struct lsm_event *e,
                      struct scope_event *out) {
    *out = (struct scope_event){.time_ns = e->time_ns,
                                .job = (uint32_t)e->job,
                                .level_from = (uint8_t)e->level_from,
                                .level_to = (uint8_t)e->level_to};
    switch (e->type) {
    case LSM_EVENT_FLUSH_BEGIN:
    case LSM_EVENT_FLUSH_END:
    case LSM_EVENT_COMPACT_SCHEDULED:
    case LSM_EVENT_COMPACT_BEGIN:
    case LSM_EVENT_COMPACT_END:
        out->type = (enum scope_event_type)e->type;
        out->u.job_info.inputs = e->inputs;
        out->u.job_info.outputs = e->outputs;
        out->u.job_info.bytes_in = e->bytes_in;
        out->u.job_info.bytes_out = e->bytes_out;
        out->u.job_info.entries_in = e->entries_in;
        out->u.job_info.entries_out = e->entries_out;
        out->u.job_info.duration_ns = e->duration_ns;
        out->u.job_info.status = e->status;
        return true;
    case LSM_EVENT_STALL_BEGIN:
    case LSM_EVENT_STALL_END:
        out->type = (enum scope_event_type)e->type;
        out->u.stall.cause = (enum scope_stall)e->stall;
        out->u.stall.duration_ns = e->duration_ns;
        return true;
    case LSM_EVENT_WAL_ROTATE:
        out->type = SCOPE_EVENT_WAL_ROTATE;
        out->u.wal.segment = e->wal_segment;
        return true;
    case LSM_EVENT_ERROR:
        out->type = SCOPE_EVENT_ERROR;
        snprintf(out->u.text, sizeof out->u.text, "%s", e->text != NULL ? e->text : "");
        return true;
    case LSM_EVENT_TABLE_ADD:
    case LSM_EVENT_TABLE_MOVE:
    case LSM_EVENT_TABLE_REMOVE:
        out->type = (enum scope_event_type)e->type;
        out->u.table = table_of(p, &e->table);
        return true;
    case LSM_EVENT_NOTICE:
        return false;
    }
    return false;
}

/* A job's inputs are known by their busy marks, in the shape: the sampler publishes it at once,
 * unless it has just done so. */
static void want_shape(struct lsm_publish *p) {
    pthread_mutex_lock(&p->stop_lock);
    if (p->shape_due_ns == 0) {
        uint64_t now = clock_ns(CLOCK_MONOTONIC);
        p->shape_due_ns = now > p->shape_next_ns ? now : p->shape_next_ns;
        pthread_cond_signal(&p->stop_cond);
    }
    pthread_mutex_unlock(&p->stop_lock);
}

static void on_event(void *context, const struct lsm_event *event) {
    struct lsm_publish *p = context;
    struct scope_event out;
    if (!translate(p, event, &out)) {
        return;
    }
    bool news = true;
    pthread_mutex_lock(&p->tree_lock);
    if (out.type >= SCOPE_EVENT_TABLE_ADD) {
        news = change_tables(p, event, &out.u.table);
    } else if (out.type == SCOPE_EVENT_COMPACT_BEGIN || out.type == SCOPE_EVENT_COMPACT_END) {
        p->changed = true; /* busy marks */
    }
    if (news) {
        scope_publish_event(p->writer, &out);
    }
    pthread_mutex_unlock(&p->tree_lock);
    if (out.type == SCOPE_EVENT_COMPACT_BEGIN) {
        want_shape(p);
    }
}

void lsm_publish_marker(struct lsm_publish *p, const char *text) {
    struct scope_event event = {.time_ns = clock_ns(CLOCK_MONOTONIC), .type = SCOPE_EVENT_MARKER};
    snprintf(event.u.text, sizeof event.u.text, "%s", text);
    scope_publish_event(p->writer, &event);
}

static void mark_busy(struct lsm_publish *p) {
    size_t total = 0;
    if (lsm_shape_read(p->db, p->live, SCOPE_MAX_TABLES, &total) != 0) {
        return;
    }
    size_t n = total < SCOPE_MAX_TABLES ? total : SCOPE_MAX_TABLES;
    for (size_t i = 0; i < n; i++) {
        if (p->live[i].busy) {
            size_t at = find_table(p, p->live[i].id);
            if (at < p->count) {
                p->tables[at].busy = true;
            }
        }
    }
}

static void publish_shape(struct lsm_publish *p) {
    pthread_mutex_lock(&p->tree_lock);
    bool changed = p->changed;
    p->changed = false;
    if (changed) {
        for (size_t i = 0; i < p->count; i++) {
            p->tables[i].busy = false;
        }
        mark_busy(p);
        p->shape.time_ns = clock_ns(CLOCK_MONOTONIC);
        p->shape.event_head = scope_event_head(p->writer);
        p->shape.total = p->count;
        p->shape.count = p->count < SCOPE_MAX_TABLES ? p->count : SCOPE_MAX_TABLES;
        if (p->shape.count > 0) {
            memcpy(p->shape.tables, p->tables, p->shape.count * sizeof *p->tables);
        }
    }
    pthread_mutex_unlock(&p->tree_lock);
    if (changed) {
        scope_publish_shape(p->writer, &p->shape);
    }
}

/* ---- samples ---- */

/* Resident memory, read from the kernel at most ten times a second: it is a system call and a walk
 * there. */
static void read_rss(struct lsm_publish *p, uint64_t now) {
    char text[128];
    if (p->statm < 0 || now - p->rss_read_ns < STATM_EVERY_NS) {
        return;
    }
    ssize_t n = pread(p->statm, text, sizeof text - 1, 0);
    if (n > 0) {
        text[n] = '\0';
        unsigned long long size, resident;
        if (sscanf(text, "%llu %llu", &size, &resident) == 2) {
            p->rss = resident * (uint64_t)sysconf(_SC_PAGESIZE);
        }
    }
    p->rss_read_ns = now;
}

static void set_process(struct lsm_publish *p, struct scope_sample *sample) {
    read_rss(p, sample->time_ns);
    scope_sample_set(p->writer, sample, SCOPE_M_PROCESS_CPU_NS, clock_ns(CLOCK_PROCESS_CPUTIME_ID));
    if (p->rss > 0) {
        scope_sample_set(p->writer, sample, SCOPE_M_PROCESS_RSS, p->rss);
    }
    uint64_t cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID) + scope_writer_cpu_ns(p->writer);
    atomic_store_explicit(&p->cpu_ns, cpu, memory_order_relaxed);
    scope_sample_set(p->writer, sample, SCOPE_M_SAMPLER_CPU_NS, cpu);
    if (p->cost_ns > 0) {
        scope_sample_set(p->writer, sample, SCOPE_M_SAMPLER_LAST_NS, p->cost_ns);
    }
}

/* Grows with whatever is done: the user's operations, and what follows from them. */
static uint64_t work_done(const struct lsm_stats *s) {
    return s->puts + s->gets + s->deletes + s->scans + s->flushes + s->compactions;
}

static void publish_sample(struct lsm_publish *p) {
    struct scope_sample sample = {.time_ns = clock_ns(CLOCK_MONOTONIC)};
    struct lsm_stats stats;
    lsm_stats_read(p->db, &stats);
    lsm_publish_values(p->writer, &sample, &stats);
    set_process(p, &sample);
    if (p->options.fill != NULL) {
        p->options.fill(p->options.context, p->writer, &sample);
    }
    scope_publish_sample(p->writer, &sample);
    publish_shape(p);
    p->work_done = work_done(&stats);
    p->cost_ns = clock_ns(CLOCK_MONOTONIC) - sample.time_ns;
    if (p->options.sampled != NULL) {
        p->options.sampled(p->options.context, p->writer, &sample, &stats);
    }
}

/* ---- histograms ---- */

static bool add_service(struct lsm_publish *p, enum scope_op op, struct scope_histograms *out) {
    static const enum lsm_op engine_op[SCOPE_OPS] = {LSM_OP_PUT, LSM_OP_GET, LSM_OP_DELETE,
                                                     LSM_OP_SCAN};
    struct lsm_latency now;
    lsm_latency_read(p->db, engine_op[op], true, &now);
    uint64_t any = 0;
    for (size_t b = 0; b < SCOPE_HIST_BUCKETS; b++) {
        out->count[op][b] = now.count[b] - p->before[op].count[b];
        any |= out->count[op][b];
    }
    out->max_ns[op] = any != 0 ? now.max_ns : 0;
    p->before[op] = now;
    return any != 0;
}

static bool add_response(struct lsm_publish *p, enum scope_op op, struct scope_histograms *out) {
    uint64_t now[SCOPE_HIST_BUCKETS] = {0}, max_ns = 0, any = 0;
    if (p->options.response == NULL || !p->options.response(p->options.context, op, now, &max_ns)) {
        return false;
    }
    size_t at = SCOPE_RESPONSE * SCOPE_OPS + op;
    for (size_t b = 0; b < SCOPE_HIST_BUCKETS; b++) {
        out->count[at][b] = now[b] - p->response_before[op][b];
        any |= out->count[at][b];
        p->response_before[op][b] = now[b];
    }
    out->max_ns[at] = any != 0 ? max_ns : 0;
    return any != 0;
}

static void publish_histograms(struct lsm_publish *p, uint64_t now) {
    struct scope_histograms out = {.time_ns = now, .interval_ns = now - p->second_ns};
    for (int op = 0; op < SCOPE_OPS; op++) {
        (void)add_service(p, (enum scope_op)op, &out);
        (void)add_response(p, (enum scope_op)op, &out);
    }
    scope_publish_histograms(p->writer, &out);
    p->second_ns = now;
}

/* ---- the sampler ---- */

/* Sleeps until `due`, or until a shape is wanted; false when it is time to stop. */
static bool wait_until(struct lsm_publish *p, uint64_t due, bool *shape) {
    pthread_mutex_lock(&p->stop_lock);
    *shape = false;
    for (;;) {
        bool sooner = p->shape_due_ns != 0 && p->shape_due_ns < due;
        uint64_t until = sooner ? p->shape_due_ns : due;
        *shape = sooner;
        if (p->stopping || clock_ns(CLOCK_MONOTONIC) >= until) {
            break;
        }
        struct timespec t = {.tv_sec = (time_t)(until / SECOND_NS),
                             .tv_nsec = (long)(until % SECOND_NS)};
        (void)pthread_cond_timedwait(&p->stop_cond, &p->stop_lock, &t);
    }
    if (*shape) {
        p->shape_due_ns = 0;
        p->shape_next_ns = clock_ns(CLOCK_MONOTONIC) + SHAPE_EVERY_NS;
    }
    bool go_on = !p->stopping;
    pthread_mutex_unlock(&p->stop_lock);
    return go_on;
}

/* So that the totals are true to the end. A sliver of time in which nothing was done would only
 * look like a dip. */
static void publish_last_sample(struct lsm_publish *p, uint64_t previous_ns) {
    struct lsm_stats stats;
    lsm_stats_read(p->db, &stats);
    bool sliver = clock_ns(CLOCK_MONOTONIC) - previous_ns < p->options.sample_interval_ns / 4;
    if (!sliver || work_done(&stats) != p->work_done) {
        publish_sample(p);
    }
}

static void *sampler_body(void *argument) {
    struct lsm_publish *p = argument;
    uint64_t interval = p->options.sample_interval_ns;
    uint64_t due = clock_ns(CLOCK_MONOTONIC) + interval;
    publish_sample(p); /* a viewer that attaches at once sees the start */
    bool shape;
    while (wait_until(p, due < p->second_ns + SECOND_NS ? due : p->second_ns + SECOND_NS, &shape)) {
        uint64_t now = clock_ns(CLOCK_MONOTONIC);
        if (shape) {
            publish_shape(p);
        }
        if (now >= due) {
            publish_sample(p);
            /* A late sample does not make the next ones late, nor are missed ones made up for. */
            due = now - due >= interval ? now + interval : due + interval;
        }
        if (now >= p->second_ns + SECOND_NS) {
            publish_histograms(p, now);
        }
    }
    publish_last_sample(p, due - interval);
    publish_histograms(p, clock_ns(CLOCK_MONOTONIC));
    return NULL;
}

/* ---- start and stop ---- */

static void seed_tables(struct lsm_publish *p) {
    size_t total = 0;
    /* The lock comes first: else a table's removal could be told between the look at the tree and
     * the table's entry into the list, and the table would stay in it for ever. */
    pthread_mutex_lock(&p->tree_lock);
    int rc = lsm_shape_read(p->db, p->live, SCOPE_MAX_TABLES, &total);
    for (size_t i = 0; rc == 0 && i < total && i < SCOPE_MAX_TABLES; i++) {
        struct scope_table table = table_of(p, &p->live[i]);
        add_table(p, &table);
    }
    p->changed = true;
    pthread_mutex_unlock(&p->tree_lock);
}

static void free_publish(struct lsm_publish *p) {
    scope_writer_close(p->writer);
    if (p->statm >= 0) {
        close(p->statm);
    }
    pthread_mutex_destroy(&p->stop_lock);
    pthread_cond_destroy(&p->stop_cond);
    pthread_mutex_destroy(&p->tree_lock);
    free(p->tables);
    free(p->shape.tables);
    free(p->live);
    free(p);
}

static struct lsm_publish *make(struct lsm_db *db, const struct lsm_publish_options *options) {
    struct lsm_publish *p = calloc(1, sizeof *p);
    if (p == NULL) {
        return NULL;
    }
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&p->stop_cond, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&p->stop_lock, NULL);
    pthread_mutex_init(&p->tree_lock, NULL);
    p->db = db;
    p->process = getpid();
    p->options = options != NULL ? *options : lsm_publish_options_default();
    p->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    p->start_mono_ns = p->second_ns = clock_ns(CLOCK_MONOTONIC);
    p->start_unix_ms = clock_ns(CLOCK_REALTIME) / 1000000;
    p->shape.tables = calloc(SCOPE_MAX_TABLES, sizeof *p->shape.tables);
    p->live = calloc(SCOPE_MAX_TABLES, sizeof *p->live);
    if (p->shape.tables == NULL || p->live == NULL) {
        free_publish(p);
        return NULL;
    }
    return p;
}

int lsm_publish_start(struct lsm_db *db, const char *name,
                      const struct lsm_publish_options *options, struct lsm_publish **publish,
                      struct scope_error_detail *detail) {
    struct lsm_publish *p = db != NULL ? make(db, options) : NULL;
    if (p == NULL) {
        return db == NULL ? SCOPE_ERR_ARGUMENT : SCOPE_ERR_MEMORY;
    }
    uint64_t interval = p->options.sample_interval_ns;
    struct scope_writer_options w = {
        .name = name,
        .engine_name = "lsm",
        .engine_version = LSM_VERSION,
        .description = p->options.description,
        .sample_interval_ns = interval,
        .samples = p->options.samples,
        .events = p->options.events,
        .seconds = p->options.seconds,
        .linger = p->options.linger,
    };
    int rc = interval >= 1000000 && interval <= 3600 * SECOND_NS ? 0 : SCOPE_ERR_ARGUMENT;
    if (rc == 0) {
        rc = scope_writer_create(&w, &p->writer, detail);
    }
    if (rc == 0 && lsm_listener_add(db, on_event, p) != 0) {
        rc = SCOPE_ERR_ARGUMENT;
    }
    if (rc == 0) {
        seed_tables(p);
        if (pthread_create(&p->sampler, NULL, sampler_body, p) != 0) {
            lsm_listener_remove(db, on_event, p);
            rc = SCOPE_ERR_SYSTEM;
        }
    }
    if (rc != 0) {
        free_publish(p);
        return rc;
    }
    *publish = p;
    return 0;
}

void lsm_publish_stop(struct lsm_publish *p) {
    /* A forked child has neither the sampler nor, perhaps, the locks. */
    if (p == NULL || p->process != getpid()) {
        return;
    }
    pthread_mutex_lock(&p->stop_lock);
    p->stopping = true;
    pthread_cond_signal(&p->stop_cond);
    pthread_mutex_unlock(&p->stop_lock);
    pthread_join(p->sampler, NULL);
    lsm_listener_remove(p->db, on_event, p);
    free_publish(p);
}

uint64_t lsm_publish_cpu_ns(const struct lsm_publish *p) {
    return atomic_load_explicit(&p->cpu_ns, memory_order_relaxed);
}
