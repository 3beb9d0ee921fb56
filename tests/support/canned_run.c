#include "canned_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A tree in arithmetic: enough of one for its plots to look like the real thing. */
struct model {
    struct history *history;
    const struct canned_options *options;
    double t;
    uint64_t random;
    double puts, gets, deletes;
    double memtable, sealed, sealed_until;
    double tables[6];
    uint64_t flushes, compactions;
    uint32_t job;
    struct {
        bool running;
        double end;
        double began;
        unsigned from;
        uint32_t job;
    } compaction;
    bool stalled, marked;
};

enum { PARTS = 10 }; /* steps of the model between samples */
static const double LIMIT = 1048576.0;
static const double STALL_FROM = 0.68, STALL_TO = 0.70; /* of the run */

static double noise(struct model *m) { /* -1 .. 1, xorshift64* */
    m->random ^= m->random >> 12;
    m->random ^= m->random << 25;
    m->random ^= m->random >> 27;
    return (double)((m->random * 0x2545F4914F6CDD1Dull) >> 11) / 0x1p52 - 1.0;
}

static void event(struct model *m, double t, struct scope_event e) {
    e.time_ns = (uint64_t)(t * 1e9);
    history_append_event(m->history, t, &e);
}

static void flush(struct model *m) {
    struct scope_event e = {.type = SCOPE_EVENT_FLUSH_END, .job = ++m->job};
    m->sealed = m->memtable;
    m->sealed_until = m->t + 0.22;
    m->memtable = 0.0;
    m->tables[0] += 1.0;
    m->flushes++;
    e.u.job_info.inputs = e.u.job_info.outputs = 1;
    e.u.job_info.bytes_in = (uint64_t)LIMIT;
    e.u.job_info.bytes_out = (uint64_t)(LIMIT * 0.94);
    e.u.job_info.duration_ns = 11800000;
    event(m, m->t, e);
}

static void compact(struct model *m) {
    struct scope_event e = {.level_to = 0};
    if (m->compaction.running && m->t >= m->compaction.end) {
        unsigned from = m->compaction.from;
        double moved = from == 0 ? 4.0 : 3.0;
        m->tables[from] = fmax(0.0, m->tables[from] - moved);
        m->tables[from + 1] += moved - (from == 0 ? 1.0 : 0.0);
        m->compaction.running = false;
        m->compactions++;
        e.type = SCOPE_EVENT_COMPACT_END;
        e.job = m->compaction.job;
        e.level_from = (uint8_t)from;
        e.level_to = (uint8_t)(from + 1);
        e.u.job_info.inputs = (uint32_t)moved + 2;
        e.u.job_info.outputs = (uint32_t)moved + 1;
        e.u.job_info.duration_ns = (uint64_t)((m->t - m->compaction.began) * 1e9);
        event(m, m->t, e);
    }
    if (m->compaction.running || m->stalled) {
        return;
    }
    static const double trigger[5] = {4.0, 10.0, 28.0, 60.0, 120.0};
    for (unsigned level = 0; level < 4; level++) {
        if (m->tables[level] >= trigger[level]) {
            m->compaction.running = true;
            m->compaction.from = level;
            m->compaction.began = m->t;
            m->compaction.end = m->t + 0.7 + 0.4 * level + 0.1 * noise(m);
            m->compaction.job = ++m->job;
            e.type = SCOPE_EVENT_COMPACT_BEGIN;
            e.job = m->job;
            e.level_from = (uint8_t)level;
            e.level_to = (uint8_t)(level + 1);
            event(m, m->t, e);
            return;
        }
    }
}

static void stall_and_mark(struct model *m) {
    double share = m->t / m->options->seconds;
    bool stalled = share >= STALL_FROM && share < STALL_TO;
    struct scope_event e = {.type = SCOPE_EVENT_NONE};
    if (stalled != m->stalled) {
        e.type = stalled ? SCOPE_EVENT_STALL_BEGIN : SCOPE_EVENT_STALL_END;
        e.u.stall.cause = SCOPE_STALL_L0_STOP;
        e.u.stall.duration_ns =
            stalled ? 0 : (uint64_t)((STALL_TO - STALL_FROM) * m->options->seconds * 1e9);
        event(m, m->t, e);
        m->stalled = stalled;
    }
    if (!m->marked && share >= 0.35 && m->options->source == CANNED_SEGMENT) {
        memset(&e, 0, sizeof e);
        e.type = SCOPE_EVENT_MARKER;
        snprintf(e.u.text, sizeof e.u.text, "reads begin");
        event(m, m->t, e);
        m->marked = true;
    }
}

static void work(struct model *m, double step) {
    double share = m->t / m->options->seconds;
    double put = (m->stalled ? 1100.0 : 5000.0) * (1.0 + (m->stalled ? 0.01 : 0.015) * noise(m));
    double get = share >= 0.35 ? 2000.0 * (1.0 + 0.02 * noise(m)) : 0.0;
    double delete = 600.0 * (1.0 + 0.02 * noise(m));
    m->puts += put * step;
    m->gets += get * step;
    m->deletes += (m->stalled ? delete / 5.0 : delete) * step;
    m->memtable += put * step * 156.0;
}

static void sample(struct model *m) {
    struct history_value v[32];
    size_t n = 0;
#define SET(metric, number) v[n++] = (struct history_value){(metric), (uint64_t)(number)}
    SET(SCOPE_M_OPS_PUT, m->puts);
    SET(SCOPE_M_OPS_GET, m->gets);
    SET(SCOPE_M_OPS_DELETE, m->deletes);
    SET(SCOPE_M_MEMTABLE_BYTES, m->memtable);
    unsigned levels = m->options->source == CANNED_CSV ? 4 : 6;
    double all = 0.0;
    for (unsigned level = 0; level < levels; level++) {
        SET(SCOPE_M_LEVEL_TABLES + level, m->tables[level]);
        all += m->tables[level];
    }
    if (m->options->source == CANNED_SEGMENT) {
        SET(SCOPE_M_OPS_SCAN, 0);
        SET(SCOPE_M_MEMTABLE_LIMIT, LIMIT);
        SET(SCOPE_M_SEALED_BYTES, m->t < m->sealed_until ? m->sealed : 0.0);
        SET(SCOPE_M_FLUSHES, m->flushes);
        SET(SCOPE_M_COMPACTIONS, m->compactions);
        SET(SCOPE_M_TABLES, all);
    }
#undef SET
    history_append(m->history, m->t, v, n);
}

struct history *canned_run(const struct canned_options *options) {
    struct model m = {.options = options, .random = 0x5eed5eed5eedull};
    m.history = history_create();
    if (m.history == NULL) {
        fprintf(stderr, "canned run: out of memory\n");
        abort();
    }
    size_t steps = (size_t)lround(options->seconds / options->interval_s);
    sample(&m);
    for (size_t i = 1; i <= steps; i++) {
        for (int part = 0; part < PARTS; part++) { /* an engine does not wait for the sampler */
            double part_s = options->interval_s / PARTS;
            m.t = ((double)(i - 1) * PARTS + part + 1) * part_s;
            stall_and_mark(&m);
            work(&m, part_s);
            if (m.memtable >= LIMIT) {
                flush(&m);
            }
            compact(&m);
        }
        sample(&m);
    }
    return m.history;
}
