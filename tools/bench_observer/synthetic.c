#include "synthetic.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const uint64_t SECOND_NS = 1000000000u;
static const uint64_t TABLE_BYTES = 2u << 20, MEMTABLE_BYTES = 4u << 20;
enum { LEVELS = 5, FLUSH_STEPS = 4, L0_TABLES = 4, DEEP_STEPS = 8, STALL_SECONDS = 300 };

static uint64_t random_next(struct synthetic *s) {
    s->random ^= s->random >> 12;
    s->random ^= s->random << 25;
    s->random ^= s->random >> 27;
    return s->random * UINT64_C(0x2545F4914F6CDD1D);
}

/* ---- the tree -------------------------------------------------------------------------------- */

static struct scope_table table_make(struct synthetic *s, uint8_t level, uint64_t time_ns) {
    uint64_t width = level == 0 ? UINT64_MAX / 2 : UINT64_MAX / 400;
    struct scope_table table = {.id = s->next_table++, .level = level, .created_ns = time_ns};
    table.bytes = TABLE_BYTES + random_next(s) % TABLE_BYTES;
    table.entries = table.bytes / 120;
    table.tombstones = random_next(s) % 10 == 0 ? table.entries / 2 : table.entries / 50;
    table.lo = random_next(s) % (UINT64_MAX - width);
    table.hi = table.lo + width / 2 + random_next(s) % (width / 2);
    return table;
}

static void table_event(struct synthetic *s, enum scope_event_type type, uint64_t time_ns,
                        uint32_t job, const struct scope_table *table) {
    struct scope_event event = {
        .time_ns = time_ns, .type = type, .job = job, .level_from = table->level};
    event.level_to = table->level;
    event.u.table = *table;
    (void)scope_publish_event(s->writer, &event);
}

static void table_add(struct synthetic *s, uint8_t level, uint64_t time_ns, uint32_t job) {
    if (s->tables == SYNTHETIC_TABLES_MAX) {
        return;
    }
    struct scope_table table = table_make(s, level, time_ns);
    s->table[s->tables++] = table;
    table_event(s, SCOPE_EVENT_TABLE_ADD, time_ns, job, &table);
}

static void table_remove(struct synthetic *s, uint64_t id, uint64_t time_ns, uint32_t job) {
    for (size_t i = 0; i < s->tables; i++) {
        if (s->table[i].id == id) {
            table_event(s, SCOPE_EVENT_TABLE_REMOVE, time_ns, job, &s->table[i]);
            s->table[i] = s->table[--s->tables];
            return;
        }
    }
}

static void job_event(struct synthetic *s, enum scope_event_type type, uint64_t time_ns,
                      uint32_t job, uint8_t from, uint8_t to, uint32_t inputs,
                      uint64_t duration_ns) {
    struct scope_event event = {
        .time_ns = time_ns, .type = type, .job = job, .level_from = from, .level_to = to};
    event.u.job_info.inputs = inputs;
    event.u.job_info.bytes_in = inputs * TABLE_BYTES;
    if (duration_ns > 0) {
        event.u.job_info.outputs = inputs;
        event.u.job_info.bytes_out = inputs * TABLE_BYTES;
        event.u.job_info.duration_ns = duration_ns;
    }
    (void)scope_publish_event(s->writer, &event);
}

static size_t level_count(const struct synthetic *s, uint8_t level) {
    size_t count = 0;
    for (size_t i = 0; i < s->tables; i++) {
        count += s->table[i].level == level;
    }
    return count;
}

static void job_take(struct synthetic *s, struct synthetic_job *job, uint8_t level, uint32_t most) {
    for (size_t i = 0; i < s->tables && most > 0; i++) {
        if (s->table[i].level == level && !s->table[i].busy) {
            s->table[i].busy = true;
            job->input[job->inputs++] = s->table[i].id;
            most--;
        }
    }
}

static void job_begin(struct synthetic *s, struct synthetic_job *job, uint8_t from,
                      uint64_t time_ns) {
    *job = (struct synthetic_job){.job = ++s->next_job, .from = from, .begin_ns = time_ns};
    job->end_ns = time_ns + SECOND_NS / 2 + random_next(s) % SECOND_NS;
    job_take(s, job, from, from == 0 ? L0_TABLES : 2);
    job_take(s, job, (uint8_t)(from + 1), SYNTHETIC_INPUTS - job->inputs);
    job_event(s, SCOPE_EVENT_COMPACT_BEGIN, time_ns, job->job, from, (uint8_t)(from + 1),
              job->inputs, 0);
}

static void job_end(struct synthetic *s, struct synthetic_job *job, uint64_t time_ns) {
    for (uint32_t i = 0; i < job->inputs; i++) {
        table_remove(s, job->input[i], time_ns, job->job);
    }
    uint32_t outputs = s->tables < s->tables_wanted ? job->inputs : job->inputs - job->inputs / 4;
    for (uint32_t i = 0; i < outputs; i++) {
        table_add(s, (uint8_t)(job->from + 1), time_ns, job->job);
    }
    job_event(s, SCOPE_EVENT_COMPACT_END, time_ns, job->job, job->from, (uint8_t)(job->from + 1),
              job->inputs, time_ns - job->begin_ns);
    s->compactions++;
    job->job = 0;
}

static void flush(struct synthetic *s, uint64_t time_ns) {
    uint32_t job = ++s->next_job;
    struct scope_event rotate = {.time_ns = time_ns - s->interval_ns / 10,
                                 .type = SCOPE_EVENT_WAL_ROTATE};
    (void)scope_publish_event(s->writer, &rotate);
    job_event(s, SCOPE_EVENT_FLUSH_BEGIN, time_ns - s->interval_ns / 10, job, 0, 0, 1, 0);
    table_add(s, 0, time_ns, job);
    job_event(s, SCOPE_EVENT_FLUSH_END, time_ns, job, 0, 0, 1, s->interval_ns / 10);
    s->flushes++;
    s->memtable = 0;
}

static void stall(struct synthetic *s, uint64_t time_ns) {
    uint64_t second = (time_ns - s->start_ns) / SECOND_NS;
    bool first = (time_ns - s->start_ns) % SECOND_NS < s->interval_ns;
    struct scope_event event = {.time_ns = time_ns};
    event.u.stall.cause = SCOPE_STALL_L0_SLOW;
    if (first && second % STALL_SECONDS == STALL_SECONDS / 2) {
        event.type = SCOPE_EVENT_STALL_BEGIN;
        (void)scope_publish_event(s->writer, &event);
    } else if (first && second % STALL_SECONDS == STALL_SECONDS / 2 + 3) {
        event.type = SCOPE_EVENT_STALL_END;
        event.u.stall.duration_ns = 3 * SECOND_NS;
        (void)scope_publish_event(s->writer, &event);
    }
}

static void tree_advance(struct synthetic *s, uint64_t time_ns) {
    s->memtable += MEMTABLE_BYTES / FLUSH_STEPS;
    if (s->step % FLUSH_STEPS == 0 && !s->settling) {
        flush(s, time_ns);
    }
    for (int i = 0; i < 2; i++) {
        if (s->job[i].job != 0 && s->job[i].end_ns <= time_ns) {
            job_end(s, &s->job[i], time_ns);
        }
    }
    if (!s->settling && s->job[0].job == 0 && level_count(s, 0) >= L0_TABLES) {
        job_begin(s, &s->job[0], 0, time_ns);
    }
    if (!s->settling && s->job[1].job == 0 && s->step % DEEP_STEPS == 0) {
        job_begin(s, &s->job[1], (uint8_t)(1 + random_next(s) % (LEVELS - 2)), time_ns);
    }
    stall(s, time_ns);
}

/* ---- publishing ------------------------------------------------------------------------------ */

/* What every metric does that is not set by name below. */
static uint64_t metric_next(struct synthetic *s, enum scope_kind kind, uint64_t value, size_t at) {
    if (kind == SCOPE_KIND_COUNTER) {
        return value + (at + 1) * 100 + random_next(s) % 1000;
    }
    return (at + 1) * 1000 + random_next(s) % 4096;
}

static void sample_publish(struct synthetic *s, uint64_t time_ns) {
    size_t count = 0;
    const struct scope_metric *metrics = scope_builtin_metrics(&count);
    struct scope_sample sample = {.time_ns = time_ns};
    for (size_t i = 0; i < count && i < SYNTHETIC_METRICS_MAX; i++) {
        s->value[i] = metric_next(s, metrics[i].kind, s->value[i], i);
        scope_sample_set(s->writer, &sample, metrics[i].id, s->value[i]);
    }
    scope_sample_set(s->writer, &sample, SCOPE_M_MEMTABLE_BYTES, s->memtable);
    scope_sample_set(s->writer, &sample, SCOPE_M_MEMTABLE_LIMIT, MEMTABLE_BYTES);
    scope_sample_set(s->writer, &sample, SCOPE_M_FLUSHES, s->flushes);
    scope_sample_set(s->writer, &sample, SCOPE_M_COMPACTIONS, s->compactions);
    scope_sample_set(s->writer, &sample, SCOPE_M_STALL_ACTIVE, 0);
    scope_sample_set(s->writer, &sample, SCOPE_M_IO_BACKEND, 0);
    uint64_t tables[SCOPE_MAX_LEVELS] = {0}, bytes[SCOPE_MAX_LEVELS] = {0}, all = 0;
    for (size_t i = 0; i < s->tables; i++) {
        tables[s->table[i].level]++;
        bytes[s->table[i].level] += s->table[i].bytes;
        all += s->table[i].bytes;
    }
    for (uint32_t level = 0; level < LEVELS; level++) {
        scope_sample_set(s->writer, &sample, SCOPE_M_LEVEL_TABLES + level, tables[level]);
        scope_sample_set(s->writer, &sample, SCOPE_M_LEVEL_BYTES + level, bytes[level]);
    }
    scope_sample_set(s->writer, &sample, SCOPE_M_TABLES, s->tables);
    scope_sample_set(s->writer, &sample, SCOPE_M_TABLE_BYTES, all);
    scope_publish_sample(s->writer, &sample);
}

static void histograms_publish(struct synthetic *s, uint64_t time_ns) {
    struct scope_histograms out = {.time_ns = time_ns, .interval_ns = SECOND_NS};
    for (unsigned h = 0; h < SCOPE_HISTOGRAMS; h++) {
        unsigned first = 18 + h * 3;
        for (unsigned b = first; b < first + 28; b++) {
            unsigned from_middle = b > first + 9 ? b - first - 9 : first + 9 - b;
            out.count[h][b] = (2000u >> (from_middle < 10 ? from_middle : 10)) + random_next(s) % 3;
        }
        out.max_ns[h] = scope_bucket_floor(first + 28);
    }
    scope_publish_histograms(s->writer, &out);
}

int synthetic_open(struct synthetic *s, const char *name, uint64_t interval_ms, size_t tables) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    *s = (struct synthetic){.interval_ns = interval_ms * 1000000u,
                            .start_ns = (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec,
                            .random = 0x5eed5eed5eedu,
                            .tables_wanted = tables};
    for (size_t i = 0; i < tables && i < SYNTHETIC_TABLES_MAX; i++) {
        uint8_t level = (uint8_t)(i % 100 < 5 ? 1 : i % 100 < 20 ? 2 : i % 100 < 50 ? 3 : 4);
        s->table[s->tables++] = table_make(s, level, s->start_ns);
    }
    struct scope_writer_options options = {
        .name = name,
        .engine_name = "synthetic",
        .engine_version = "1",
        .command = "bench_observer",
        .description = "a tree in arithmetic",
        .sample_interval_ns = s->interval_ns,
    };
    struct scope_error_detail error = {0};
    int status = scope_writer_create(&options, &s->writer, &error);
    if (status != SCOPE_OK) {
        fprintf(stderr, "bench_observer: %s: %s\n", name, error.text);
    }
    return status;
}

void synthetic_step(struct synthetic *s) {
    uint64_t time_ns = s->start_ns + ++s->step * s->interval_ns;
    /* What happened between two samples, happened soon after the first. */
    tree_advance(s, time_ns - s->interval_ns / 5 * 4);
    sample_publish(s, time_ns);
    struct scope_shape shape = {.time_ns = time_ns,
                                .event_head = scope_event_head(s->writer),
                                .total = s->tables,
                                .count = s->tables,
                                .tables = s->table};
    scope_publish_shape(s->writer, &shape);
    if ((time_ns - s->start_ns) % SECOND_NS < s->interval_ns) {
        histograms_publish(s, time_ns);
    }
}

void synthetic_settle(struct synthetic *s) {
    s->settling = true;
    for (int quiet = 0; quiet < 4; quiet++) {
        synthetic_step(s);
        quiet = s->job[0].job != 0 || s->job[1].job != 0 ? 0 : quiet;
    }
    s->settling = false;
}

void synthetic_close(struct synthetic *s) {
    scope_writer_close(s->writer);
    s->writer = NULL;
}
