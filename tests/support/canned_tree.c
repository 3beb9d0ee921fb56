#include "canned_tree.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const double END = CANNED_TREE_SECONDS;
static const uint64_t SPACE = UINT64_C(1) << 62;
static struct scope_table table[SCOPE_MAX_TABLES];

struct maker {
    const struct canned_tree *tree;
    struct history *history;
    uint64_t random;
    size_t count;
};

static double chance(struct maker *m) { /* 0 .. 1, xorshift64* */
    m->random ^= m->random >> 12;
    m->random ^= m->random << 25;
    m->random ^= m->random >> 27;
    return (double)((m->random * 0x2545F4914F6CDD1Dull) >> 11) / 0x1p53;
}

static struct scope_table *add(struct maker *m, unsigned level, double lo, double hi) {
    struct scope_table *t = &table[m->count];
    double size = level == 0 ? 0.9 + 0.1 * chance(m) : 0.55 + 0.45 * chance(m);
    double age = level == 0 ? 3.0 * chance(m) : pow(chance(m), 2.0) * 8.0 * pow(2.4, level);
    *t = (struct scope_table){
        .id = 100 + m->count,
        .level = (uint8_t)level,
        .bytes = (uint64_t)(1048576.0 * size),
        .entries = (uint64_t)(8000.0 * size),
        .lo = (uint64_t)(lo * (double)SPACE),
        .hi = (uint64_t)(hi * (double)SPACE),
        .created_ns = (uint64_t)((END - 0.5 - fmin(age, END - 1.0)) * 1e9),
    };
    double dead = chance(m);
    t->tombstones = (uint64_t)((dead > 0.9   ? 0.6
                                : dead > 0.4 ? 0.08 * dead
                                             : 0.0) *
                               (double)t->entries);
    if (m->tree->one_key) {
        t->lo = t->hi = 77;
    }
    m->count++;
    return t;
}

static void make_level(struct maker *m, unsigned level) {
    size_t n = m->tree->tables[level];
    for (size_t i = 0; i < n && m->count < SCOPE_MAX_TABLES; i++) {
        double each = 1.0 / (double)n, lo = each * (double)i;
        if (level == 0) {
            add(m, 0, 0.01 * chance(m), 1.0 - 0.01 * chance(m))->created_ns += i * 1000000;
        } else if (m->tree->tiered) {
            add(m, level, lo * 0.7, lo * 0.7 + 0.3);
        } else if (n < 8 || chance(m) > 0.12) { /* some ranges are empty */
            add(m, level, lo, lo + each * (0.55 + 0.44 * chance(m)));
        }
    }
}

static void samples(struct maker *m) {
    for (int i = 0; i <= CANNED_TREE_SECONDS * 4; i++) {
        struct history_value v[32];
        size_t n = 0;
        double t = i * 0.25;
#define SET(metric, number) v[n++] = (struct history_value){(metric), (uint64_t)(number)}
        SET(SCOPE_M_OPS_PUT, t * 5000.0);
        if (!m->tree->no_memtables) {
            SET(SCOPE_M_MEMTABLE_BYTES, fmod(t * 780000.0 + 415000.0, 1048576.0));
            SET(SCOPE_M_MEMTABLE_LIMIT, 1048576);
            SET(SCOPE_M_SEALED_COUNT, m->tree->flush ? 2 : 0);
            SET(SCOPE_M_SEALED_BYTES, m->tree->flush ? 2 * 1048576 : 0);
            SET(SCOPE_M_LEVEL_TARGET, 4);
            for (unsigned level = 1; level < 6; level++) {
                SET(SCOPE_M_LEVEL_TARGET + level, 10e6 * pow(3.0, level - 1.0));
            }
        }
        for (unsigned level = 0; level < 6; level++) {
            SET(SCOPE_M_LEVEL_TABLES + level, m->tree->tables[level]);
        }
#undef SET
        history_append(m->history, t, v, n);
    }
}

static void event(struct maker *m, double t, struct scope_event e) {
    e.time_ns = (uint64_t)(t * 1e9);
    history_append_event(m->history, t, &e);
}

/* The second table of L1 and what it overlaps in L2. */
static void begin_job(struct maker *m) {
    struct scope_table *from = NULL;
    unsigned inputs = 0, seen = 0;
    for (size_t i = 0; i < m->count; i++) {
        if (table[i].level == 1 && seen++ == 1) {
            from = &table[i];
        }
    }
    for (size_t i = 0; from != NULL && i < m->count; i++) {
        struct scope_table *t = &table[i];
        t->busy = t == from || (t->level == 2 && t->hi >= from->lo && t->lo <= from->hi);
        inputs += t->busy ? 1 : 0;
    }
    struct scope_event e = {.type = SCOPE_EVENT_COMPACT_BEGIN, .job = 41, .level_from = 1};
    e.level_to = 2;
    e.u.job_info.inputs = inputs;
    e.u.job_info.bytes_in = inputs * UINT64_C(900000);
    event(m, END - 0.4, e);
}

static void events(struct maker *m) {
    struct scope_event e = {.type = SCOPE_EVENT_COMPACT_END, .job = 40, .level_to = 1};
    e.u.job_info.inputs = 6;
    e.u.job_info.outputs = 5;
    e.u.job_info.bytes_in = 5400000;
    e.u.job_info.bytes_out = 5100000;
    e.u.job_info.duration_ns = 26000000;
    event(m, END - 2.0, e);
    if (m->tree->job) {
        begin_job(m);
    }
    if (m->tree->dropped) {
        size_t newest = 0;
        for (size_t i = 0; i < m->count; i++) {
            bool newer = table[i].level == 0 && table[i].created_ns >= table[newest].created_ns;
            newest = newer ? i : newest;
        }
        table[newest].created_ns = (uint64_t)((END - 0.06) * 1e9);
        e = (struct scope_event){.type = SCOPE_EVENT_TABLE_ADD, .job = 42};
        e.u.table = table[newest];
        event(m, END - 0.06, e);
    }
    if (m->tree->flush) {
        e = (struct scope_event){.type = SCOPE_EVENT_FLUSH_BEGIN, .job = 43};
        e.u.job_info.inputs = 1;
        event(m, END - 0.05, e);
    }
}

struct history *canned_tree(const struct canned_tree *tree) {
    struct maker m = {.tree = tree, .random = 0x5eed7ee5eedull, .history = history_create()};
    if (m.history == NULL) {
        fprintf(stderr, "canned tree: out of memory\n");
        abort();
    }
    for (unsigned level = 0; level < SCOPE_MAX_LEVELS; level++) {
        make_level(&m, level);
    }
    samples(&m);
    events(&m);
    struct scope_shape shape = {.time_ns = (uint64_t)(END * 1e9),
                                .event_head = history_event_count(m.history),
                                .total = tree->total > m.count ? tree->total : m.count,
                                .count = m.count,
                                .tables = table};
    history_set_shape(m.history, &shape);
    return m.history;
}
