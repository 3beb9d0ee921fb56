/* recorded_run.c: see recorded_run.h. */
#include "recorded_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scope_fixture.h"

enum { TABLES_MAX = 40 };

static void *get(size_t count, size_t size) {
    void *memory = calloc(count, size);
    if (memory == NULL) {
        fprintf(stderr, "recorded run: out of memory\n");
        abort();
    }
    return memory;
}

/* Small numbers mostly, and now and then any. */
static uint64_t number(uint64_t *random) {
    return fixture_random(random) >> (fixture_random(random) % 65 % 64);
}

static void sample_make(struct recorded_item *item, uint64_t *random) {
    struct scope_sample *sample = &item->sample;
    uint64_t change = fixture_random(random) % 4;
    sample->present[0] = change == 0 ? fixture_random(random) : UINT64_C(0x0fffffffffffffff);
    sample->present[1] = change == 0 ? fixture_random(random) : 0xff;
    sample->present[1] &= (UINT64_C(1) << (SCOPE_MAX_METRICS % 64)) - 1;
    for (unsigned word = 0; word < SCOPE_MAX_METRICS; word++) {
        if ((sample->present[word / 64] >> (word % 64) & 1u) != 0) {
            sample->value[word] = number(random);
        }
    }
}

static struct scope_table table_make(uint64_t *random) {
    return (struct scope_table){.id = number(random),
                                .level = (uint8_t)(fixture_random(random) % SCOPE_MAX_LEVELS),
                                .busy = fixture_random(random) % 2 == 0,
                                .bytes = number(random),
                                .entries = number(random),
                                .tombstones = number(random),
                                .lo = fixture_random(random),
                                .hi = fixture_random(random),
                                .created_ns = number(random)};
}

static void event_make(struct recorded_item *item, uint64_t *random) {
    struct scope_event *e = &item->event;
    e->type = (enum scope_event_type)(1 + fixture_random(random) % SCOPE_EVENT_TABLE_REMOVE);
    e->job = (uint32_t)number(random);
    bool levels = true;
    if (e->type <= SCOPE_EVENT_COMPACT_END) {
        e->u.job_info.inputs = (uint32_t)number(random);
        e->u.job_info.outputs = (uint32_t)number(random);
        e->u.job_info.bytes_in = number(random);
        e->u.job_info.entries_out = number(random);
        e->u.job_info.status = -(int32_t)(fixture_random(random) % 100);
    } else if (e->type >= SCOPE_EVENT_TABLE_ADD) {
        e->u.table = table_make(random);
    } else {
        levels = false;
        if (e->type <= SCOPE_EVENT_STALL_END) {
            e->u.stall.cause = (enum scope_stall)(fixture_random(random) % SCOPE_STALLS);
            e->u.stall.duration_ns = number(random);
        } else if (e->type == SCOPE_EVENT_WAL_ROTATE) {
            e->u.wal.segment = number(random);
        } else {
            snprintf(e->u.text, sizeof(e->u.text), "words %llu",
                     (unsigned long long)fixture_random(random));
        }
    }
    if (levels) {
        e->level_from = (uint8_t)(fixture_random(random) % SCOPE_MAX_LEVELS);
        e->level_to = (uint8_t)(fixture_random(random) % SCOPE_MAX_LEVELS);
    }
    bool own = fixture_random(random) % 8 == 0;
    item->number = own ? SCOPE_EVENT_OWN : number(random) / 2;
}

static void histograms_make(struct recorded_item *item, uint64_t *random) {
    struct scope_histograms *histograms = get(1, sizeof(*histograms));
    histograms->interval_ns = number(random);
    for (unsigned h = 0; h < SCOPE_HISTOGRAMS; h++) {
        uint64_t width = fixture_random(random) % 3 * (fixture_random(random) % 57);
        histograms->max_ns[h] = fixture_random(random) % 2 * number(random);
        for (uint64_t b = 0; b < width; b++) {
            histograms->count[h][b] = fixture_random(random) % 3 * number(random);
        }
    }
    item->histograms = histograms;
}

static void shape_make(struct recorded_item *item, uint64_t *random) {
    struct scope_shape *shape = &item->shape;
    shape->event_head = number(random);
    shape->count = fixture_random(random) % TABLES_MAX;
    shape->total = shape->count + fixture_random(random) % 3;
    shape->tables = get(TABLES_MAX, sizeof(*shape->tables));
    for (uint64_t i = 0; i < shape->count; i++) {
        shape->tables[i] = table_make(random);
    }
}

struct recorded_run recorded_run_make(uint64_t seed, size_t count) {
    struct recorded_run run = {.item = get(count, sizeof(*run.item)), .count = count};
    uint64_t random = seed, time_ns = number(&random);
    snprintf(run.info.name, sizeof(run.info.name), "run-%llu", (unsigned long long)seed);
    snprintf(run.info.engine_name, sizeof(run.info.engine_name), "engine");
    snprintf(run.info.engine_version, sizeof(run.info.engine_version), "3.2");
    snprintf(run.info.command, sizeof(run.info.command), "engine --seed %llu",
             (unsigned long long)seed);
    snprintf(run.info.description, sizeof(run.info.description), "tables, na\xc3\xafvely");
    run.info.instance_id = fixture_random(&random);
    run.info.start_mono_ns = time_ns;
    run.info.start_real_ns = fixture_random(&random);
    run.info.sample_interval_ns = 250000000;
    for (size_t i = 0; i < count; i++) {
        struct recorded_item *item = &run.item[i];
        uint64_t kind = fixture_random(&random) % 16;
        time_ns += 1 + fixture_random(&random) % 100000000;
        item->time_ns = item->sample.time_ns = item->event.time_ns = item->shape.time_ns = time_ns;
        if (kind < 8) {
            item->kind = SCOPE_RECORD_SAMPLE;
            sample_make(item, &random);
        } else if (kind < 12) {
            item->kind = SCOPE_RECORD_EVENT;
            event_make(item, &random);
        } else if (kind < 14) {
            item->kind = SCOPE_RECORD_HISTOGRAMS;
            histograms_make(item, &random);
            item->histograms->time_ns = time_ns;
        } else if (kind == 14) {
            item->kind = SCOPE_RECORD_SHAPE;
            shape_make(item, &random);
        } else {
            item->kind = SCOPE_RECORD_GAP;
            item->number = number(&random);
        }
    }
    return run;
}

void recorded_run_free(struct recorded_run *run) {
    for (size_t i = 0; i < run->count; i++) {
        free(run->item[i].histograms);
        free(run->item[i].shape.tables);
    }
    free(run->item);
    *run = (struct recorded_run){0};
}

struct scope_recorder *recorded_run_begin(const struct recorded_run *run, const char *path) {
    struct scope_error_detail error = {0};
    struct scope_recorder *recorder = NULL;
    struct scope_recorder_run begin = {.info = &run->info};
    begin.metrics = scope_builtin_metrics(&begin.metric_count);
    if (scope_recorder_open(path, &recorder, &error) != SCOPE_OK ||
        scope_recorder_begin(recorder, &begin, &error) != SCOPE_OK) {
        fprintf(stderr, "recorded run: %s\n", error.text);
        abort();
    }
    return recorder;
}

int recorded_run_put(struct scope_recorder *recorder, const struct recorded_item *item) {
    switch (item->kind) {
    case SCOPE_RECORD_SAMPLE:
        return scope_recorder_sample(recorder, &item->sample);
    case SCOPE_RECORD_EVENT:
        return scope_recorder_event(recorder, &item->event, item->number);
    case SCOPE_RECORD_HISTOGRAMS:
        return scope_recorder_histograms(recorder, item->histograms);
    case SCOPE_RECORD_SHAPE:
        return scope_recorder_shape(recorder, &item->shape);
    case SCOPE_RECORD_GAP:
        break;
    }
    return scope_recorder_gap(recorder, SCOPE_RING_SAMPLES, item->number, item->time_ns);
}

void recorded_run_write(const struct recorded_run *run, const char *path, size_t chunk) {
    struct scope_recorder *recorder = recorded_run_begin(run, path);
    struct scope_error_detail error = {0};
    int rc = SCOPE_OK;
    for (size_t i = 0; rc == SCOPE_OK && i < run->count; i++) {
        rc = recorded_run_put(recorder, &run->item[i]);
        if (rc == SCOPE_OK && (i + 1) % chunk == 0) {
            rc = scope_recorder_flush(recorder);
        }
    }
    int closed = scope_recorder_close(recorder, SCOPE_CLOSED, NULL, &error);
    if (rc != SCOPE_OK || closed != SCOPE_OK) {
        fprintf(stderr, "recorded run: %s\n", error.text);
        abort();
    }
}

static bool table_equal(const struct scope_table *a, const struct scope_table *b) {
    return a->id == b->id && a->level == b->level && a->busy == b->busy && a->bytes == b->bytes &&
           a->entries == b->entries && a->tombstones == b->tombstones && a->lo == b->lo &&
           a->hi == b->hi && a->created_ns == b->created_ns;
}

static bool shape_equal(const struct scope_shape *a, const struct scope_shape *b) {
    bool equal = a->time_ns == b->time_ns && a->event_head == b->event_head &&
                 a->count == b->count && a->total == b->total;
    for (uint64_t i = 0; equal && i < a->count; i++) {
        equal = table_equal(&a->tables[i], &b->tables[i]);
    }
    return equal;
}

static bool event_equal(const struct scope_event *a, const struct scope_event *b) {
    bool equal = a->type == b->type && a->time_ns == b->time_ns && a->job == b->job &&
                 a->level_from == b->level_from && a->level_to == b->level_to;
    if (a->type >= SCOPE_EVENT_TABLE_ADD) {
        return equal && table_equal(&a->u.table, &b->u.table);
    }
    return equal && memcmp(&a->u, &b->u, sizeof(a->u)) == 0; /* both were zeroed whole */
}

bool recorded_item_equal(const struct recorded_item *item, const struct scope_record *record) {
    if (item->kind != record->kind || item->time_ns != record->time_ns) {
        return false;
    }
    switch (item->kind) {
    case SCOPE_RECORD_SAMPLE:
        return memcmp(&item->sample, record->u.sample, sizeof(item->sample)) == 0;
    case SCOPE_RECORD_EVENT:
        return record->u.event.number == item->number &&
               event_equal(&item->event, record->u.event.event);
    case SCOPE_RECORD_HISTOGRAMS:
        return memcmp(item->histograms, record->u.histograms, sizeof(*item->histograms)) == 0;
    case SCOPE_RECORD_SHAPE:
        return shape_equal(&item->shape, record->u.shape);
    case SCOPE_RECORD_GAP:
        break;
    }
    return record->u.gap.ring == SCOPE_RING_SAMPLES && record->u.gap.lost == item->number;
}
