#include "tree_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEVELS = 4, WORKERS = 2 };

struct worker {
    bool busy, begun;
    double begin, end;
    struct scope_event event;
};

struct model {
    const struct tree_run_options *options;
    struct history *history;
    uint64_t random;
    double t;
    uint32_t job;
    double memtable, level_bytes[LEVELS];
    double l0_tables;
    struct worker worker[WORKERS];
    struct worker flush;
    enum scope_stall stall;
    double stall_since;
    uint64_t count[SCOPE_M_LEVEL_TARGET + SCOPE_MAX_LEVELS];
};

static const double PART_S = 0.025;
static const double TARGET[LEVELS] = {4.0, 4e6, 16e6, 64e6};

static double noise(struct model *m) { /* 0 .. 1, xorshift64* */
    m->random ^= m->random >> 12;
    m->random ^= m->random << 25;
    m->random ^= m->random >> 27;
    return (double)((m->random * 0x2545F4914F6CDD1Dull) >> 11) / 0x1p53;
}

static void tell(struct model *m, double t, struct scope_event event) {
    event.time_ns = (uint64_t)(t * 1e9);
    if (!m->options->no_events) {
        history_append_event(m->history, t, &event);
    }
}

static void tell_job(struct model *m, const struct worker *w, enum scope_event_type type,
                     double t) {
    struct scope_event event = w->event;
    event.type = type;
    if (type != SCOPE_EVENT_FLUSH_END && type != SCOPE_EVENT_COMPACT_END) {
        event.u.job_info.outputs = 0;
        event.u.job_info.bytes_out = event.u.job_info.entries_out = 0;
    } else {
        event.u.job_info.duration_ns = (uint64_t)((w->end - w->begin) * 1e9);
    }
    tell(m, t, event);
}

static void flush(struct model *m) {
    struct worker *w = &m->flush;
    if (w->busy && m->t >= w->end) {
        tell_job(m, w, SCOPE_EVENT_FLUSH_END, m->t);
        w->busy = false;
        m->l0_tables += 1.0;
        m->level_bytes[0] += (double)w->event.u.job_info.bytes_out;
        m->count[SCOPE_M_FLUSHES]++;
        m->count[SCOPE_M_FLUSH_BYTES] += w->event.u.job_info.bytes_out;
        m->count[SCOPE_M_IO_SYNCS] += 2;
    }
    if (!w->busy && m->memtable >= 1e6) {
        *w = (struct worker){.busy = true, .begin = m->t, .end = m->t + 0.04 + 0.05 * noise(m)};
        w->event.job = ++m->job;
        w->event.u.job_info.inputs = w->event.u.job_info.outputs = 1;
        w->event.u.job_info.bytes_in = (uint64_t)m->memtable;
        w->event.u.job_info.bytes_out = (uint64_t)(m->memtable * 0.94);
        w->event.u.job_info.entries_in = w->event.u.job_info.entries_out = 8000;
        m->memtable = 0.0;
        tell_job(m, w, SCOPE_EVENT_FLUSH_BEGIN, m->t);
    }
}

static void finish(struct model *m, struct worker *w) {
    unsigned from = w->event.level_from, to = w->event.level_to;
    double in = (double)w->event.u.job_info.bytes_in, out = (double)w->event.u.job_info.bytes_out;
    w->end = m->t;
    tell_job(m, w, SCOPE_EVENT_COMPACT_END, m->t);
    w->busy = w->begun = false;
    m->l0_tables = from == 0 ? fmax(0.0, m->l0_tables - 4.0) : m->l0_tables;
    double taken = fmin(m->level_bytes[from], in / (from == 0 ? 1.5 : 3.0));
    m->level_bytes[from] -= taken;
    m->level_bytes[to] += out > taken ? taken * 0.9 : out;
    m->count[SCOPE_M_COMPACTIONS]++;
    if (w->event.u.job_info.bytes_in != w->event.u.job_info.bytes_out) {
        m->count[SCOPE_M_COMPACTION_BYTES_READ] += w->event.u.job_info.bytes_in;
        m->count[SCOPE_M_COMPACTION_BYTES_WRITTEN] += w->event.u.job_info.bytes_out;
    }
}

static bool is_taken(const struct model *m, unsigned level) {
    for (size_t i = 0; i < WORKERS; i++) {
        const struct scope_event *event = &m->worker[i].event;
        if (m->worker[i].busy && (event->level_from == level || event->level_to == level)) {
            return true;
        }
    }
    return false;
}

static void start(struct model *m, struct worker *w, unsigned level) {
    bool move = level == 2 && noise(m) < 0.4;
    double in = level == 0 ? m->level_bytes[0] * 1.5 : 6e6 * (1.0 + noise(m));
    double took = move ? 0.002 : in / 12e6;
    *w = (struct worker){.busy = true, .begin = m->t + PART_S};
    w->end = w->begin + took;
    w->event.job = ++m->job;
    w->event.level_from = (uint8_t)level;
    w->event.level_to = (uint8_t)(level + 1);
    w->event.u.job_info.inputs = w->event.u.job_info.outputs = move ? 1 : 6;
    w->event.u.job_info.bytes_in = (uint64_t)in;
    w->event.u.job_info.bytes_out = move ? (uint64_t)in : (uint64_t)(in * 0.88);
    w->event.u.job_info.entries_in = (uint64_t)(in / 128.0);
    w->event.u.job_info.entries_out =
        move ? w->event.u.job_info.entries_in : (uint64_t)(in * 0.88 / 128.0);
    tell_job(m, w, SCOPE_EVENT_COMPACT_SCHEDULED, m->t);
}

static void compact(struct model *m) {
    for (size_t i = 0; i < WORKERS; i++) {
        struct worker *w = &m->worker[i];
        if (w->begun && m->t >= w->end) {
            finish(m, w);
        } else if (w->busy && !w->begun && m->t >= w->begin) {
            w->end += m->t - w->begin;
            w->begin = m->t;
            w->begun = true;
            tell_job(m, w, SCOPE_EVENT_COMPACT_BEGIN, m->t);
        }
        if (w->busy) {
            continue;
        }
        for (unsigned level = 0; level + 1 < LEVELS; level++) {
            double size = level == 0 ? m->l0_tables : m->level_bytes[level];
            if (size >= TARGET[level] && !is_taken(m, level) && !is_taken(m, level + 1)) {
                start(m, w, level);
                break;
            }
        }
    }
}

static void stall(struct model *m) {
    enum scope_stall now = m->l0_tables >= 9.0   ? SCOPE_STALL_L0_STOP
                           : m->l0_tables >= 6.0 ? SCOPE_STALL_L0_SLOW
                                                 : SCOPE_STALL_NONE;
    if (m->stall != SCOPE_STALL_NONE) {
        m->count[SCOPE_M_STALL_NS_L0_SLOW + (unsigned)m->stall - 1] += (uint64_t)(PART_S * 1e9);
    }
    if (now == m->stall) {
        return;
    }
    struct scope_event event = {.type = SCOPE_EVENT_STALL_END};
    if (m->stall != SCOPE_STALL_NONE) {
        event.u.stall.cause = m->stall;
        event.u.stall.duration_ns = (uint64_t)((m->t - m->stall_since) * 1e9);
        tell(m, m->t, event);
    }
    if (now != SCOPE_STALL_NONE) {
        event.type = SCOPE_EVENT_STALL_BEGIN;
        event.u.stall.cause = now;
        event.u.stall.duration_ns = 0;
        tell(m, m->t, event);
        m->stall_since = m->t;
        m->count[SCOPE_M_STALLS]++;
    }
    m->stall = now;
}

static void work(struct model *m) {
    double share = m->t / m->options->seconds;
    double rate = share > 0.5 && share < 0.8 ? 7.5e6 : 3e6; /* bytes a second: a burst */
    double pace = m->stall == SCOPE_STALL_L0_STOP ? 0.0 : m->stall != SCOPE_STALL_NONE ? 0.6 : 1.0;
    double bytes = rate * pace * PART_S * (0.9 + 0.2 * noise(m));
    uint64_t gets = (uint64_t)(2000.0 * PART_S * (0.8 + 0.4 * noise(m)));
    uint64_t probes = (uint64_t)((double)gets * (1.0 + 0.1 * m->l0_tables));
    m->memtable += bytes;
    m->count[SCOPE_M_USER_BYTES_WRITTEN] += (uint64_t)bytes;
    m->count[SCOPE_M_WAL_BYTES] += (uint64_t)(bytes * 1.12);
    m->count[SCOPE_M_OPS_GET] += gets;
    m->count[SCOPE_M_TABLE_PROBES] += probes;
    m->count[SCOPE_M_CACHE_HITS] += (uint64_t)((double)probes * (0.95 - 0.4 * share));
    m->count[SCOPE_M_CACHE_MISSES] += (uint64_t)((double)probes * (0.05 + 0.4 * share));
    m->count[SCOPE_M_BLOOM_CHECKS] += 3 * probes;
    m->count[SCOPE_M_BLOOM_NEGATIVES] += 2 * probes;
    m->count[SCOPE_M_BLOOM_FALSE_POSITIVES] += (uint64_t)(noise(m) * 4.0);
    m->count[SCOPE_M_IO_READ_BYTES] += (uint64_t)((double)probes * (0.05 + 0.4 * share) * 4096.0);
    m->count[SCOPE_M_PROCESS_CPU_NS] += (uint64_t)(PART_S * 1e9 * (0.4 + 0.5 * noise(m)));
    for (size_t i = 0; i < WORKERS; i++) {
        if (m->worker[i].begun) {
            m->count[SCOPE_M_IO_READ_BYTES] += (uint64_t)(12e6 * PART_S);
        }
    }
}

static void sample(struct model *m) {
    struct history_value v[64];
    size_t n = 0;
    double all = 0.0, debt = 0.0;
    for (unsigned level = 0; level < LEVELS; level++) {
        double tables = level == 0 ? m->l0_tables : ceil(m->level_bytes[level] / 1e6);
        all += m->level_bytes[level];
        debt += level > 0 ? fmax(0.0, m->level_bytes[level] - TARGET[level]) : 0.0;
        m->count[SCOPE_M_LEVEL_TABLES + level] = (uint64_t)tables;
        m->count[SCOPE_M_LEVEL_BYTES + level] = (uint64_t)m->level_bytes[level];
        m->count[SCOPE_M_LEVEL_TARGET + level] = (uint64_t)TARGET[level];
    }
    m->count[SCOPE_M_TABLE_BYTES] = (uint64_t)all;
    m->count[SCOPE_M_COMPACTION_PENDING_BYTES] = (uint64_t)debt;
    m->count[SCOPE_M_IO_DEPTH] = (uint64_t)(noise(m) * 5.0);
    m->count[SCOPE_M_IO_DEPTH_MAX] = 17;
    m->count[SCOPE_M_PROCESS_RSS] = (uint64_t)(60e6 + all * 0.1);
    static const uint32_t always[] = {SCOPE_M_OPS_GET,
                                      SCOPE_M_USER_BYTES_WRITTEN,
                                      SCOPE_M_FLUSHES,
                                      SCOPE_M_FLUSH_BYTES,
                                      SCOPE_M_COMPACTIONS,
                                      SCOPE_M_COMPACTION_BYTES_READ,
                                      SCOPE_M_TABLE_BYTES,
                                      SCOPE_M_COMPACTION_BYTES_WRITTEN,
                                      SCOPE_M_STALLS,
                                      SCOPE_M_STALL_NS_L0_SLOW,
                                      SCOPE_M_STALL_NS_L0_STOP,
                                      SCOPE_M_STALL_NS_MEMTABLE,
                                      SCOPE_M_STALL_NS_DEBT_SLOW,
                                      SCOPE_M_STALL_NS_DEBT_STOP,
                                      SCOPE_M_STALL_NS_INLINE,
                                      SCOPE_M_IO_READ_BYTES,
                                      SCOPE_M_IO_SYNCS,
                                      SCOPE_M_IO_DEPTH,
                                      SCOPE_M_IO_DEPTH_MAX,
                                      SCOPE_M_PROCESS_CPU_NS,
                                      SCOPE_M_PROCESS_RSS,
                                      SCOPE_M_COMPACTION_PENDING_BYTES};
    static const uint32_t cached[] = {SCOPE_M_CACHE_HITS,   SCOPE_M_CACHE_MISSES,
                                      SCOPE_M_BLOOM_CHECKS, SCOPE_M_BLOOM_NEGATIVES,
                                      SCOPE_M_TABLE_PROBES, SCOPE_M_BLOOM_FALSE_POSITIVES,
                                      SCOPE_M_WAL_BYTES};
    for (size_t i = 0; i < sizeof always / sizeof always[0]; i++) {
        v[n++] = (struct history_value){always[i], m->count[always[i]]};
    }
    for (size_t i = 0; i < sizeof cached / sizeof cached[0] && !m->options->no_cache; i++) {
        v[n++] = (struct history_value){cached[i], m->count[cached[i]]};
    }
    for (unsigned level = 0; level < LEVELS; level++) {
        v[n++] = (struct history_value){SCOPE_M_LEVEL_TABLES + level,
                                        m->count[SCOPE_M_LEVEL_TABLES + level]};
        v[n++] = (struct history_value){SCOPE_M_LEVEL_BYTES + level,
                                        m->count[SCOPE_M_LEVEL_BYTES + level]};
        v[n++] = (struct history_value){SCOPE_M_LEVEL_TARGET + level,
                                        m->count[SCOPE_M_LEVEL_TARGET + level]};
    }
    history_append(m->history, m->t, v, n);
}

struct history *tree_run(const struct tree_run_options *options) {
    struct model m = {.options = options, .random = options->seed | 1};
    m.history = history_create();
    if (m.history == NULL) {
        fprintf(stderr, "tree run: out of memory\n");
        abort();
    }
    size_t parts = (size_t)lround(options->interval_s / PART_S);
    size_t steps = (size_t)lround(options->seconds / PART_S);
    sample(&m);
    for (size_t i = 1; i <= steps; i++) {
        m.t = (double)i * PART_S;
        work(&m);
        flush(&m);
        compact(&m);
        stall(&m);
        if (i % parts == 0) {
            sample(&m);
        }
    }
    /* What is going on when the picture is taken. */
    struct worker last = {.begin = m.t - 0.6, .event = {.level_from = 1, .level_to = 2}};
    last.event.job = ++m.job;
    last.event.u.job_info.inputs = 5;
    last.event.u.job_info.bytes_in = 9000000;
    tell_job(&m, &last, SCOPE_EVENT_COMPACT_BEGIN, m.t - 0.6);
    last.event.job = ++m.job;
    last.event.level_from = 2;
    last.event.level_to = 3;
    tell_job(&m, &last, SCOPE_EVENT_COMPACT_SCHEDULED, m.t - 1.2);
    return m.history;
}
