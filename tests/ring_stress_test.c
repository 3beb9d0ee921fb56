/* ring_stress_test.c: fast writers, small rings, readers hunting for torn records. Every word of a
 * record is derived from its number, so a record mixed from two is found at once. Once over
 * mappings of the readers' own, as in life, and once over the writer's mapping, so that
 * ThreadSanitizer, which keys on addresses, sees every pair of accesses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scope.h"
#include "segment.h"
#include "scope_fixture.h"

/* ThreadSanitizer looks at every pair of accesses, not at luck: a short hunt is enough for it. */
#ifdef __SANITIZE_THREAD__
enum { SAMPLES = 6000, EVENTS = 9000 };
#else
enum { SAMPLES = 40000, EVENTS = 60000 };
#endif
static uint64_t samples = SAMPLES, events = EVENTS; /* LSM_TEST_SCALE percent of them */
enum { READERS = 3, SLOTS = 16, TABLES = 40, EVENT_THREADS = 2 };

struct counts {
    uint64_t seen, lost, torn;
};

struct reader {
    const struct scope_segment *segment;
    struct counts samples, events, histograms, shapes, edge;
    uint64_t end[3]; /* where each cursor stood at last */
};

static atomic_bool done;
static uint64_t seed;

static uint64_t word_of(uint64_t record, uint64_t index) {
    return fixture_mix(seed + record * 512 + index);
}

/* Which metrics a sample has depends on its number, too. */
static bool metric_in(uint64_t record, uint32_t id) {
    return id == 1 || (word_of(record, 300) >> (id % 64) & 1) != 0;
}

/* ---- the writer ----------------------------------------------------------------------------- */

static void publish_sample(struct scope_writer *writer, uint64_t record) {
    struct scope_sample sample = {.time_ns = record};
    for (uint32_t id = 1; id < 88; id++) {
        if (metric_in(record, id)) {
            scope_sample_set(writer, &sample, id, word_of(record, id));
        }
    }
    scope_publish_sample(writer, &sample);
}

static void publish_histograms(struct scope_writer *writer, uint64_t record) {
    static struct scope_histograms histograms;
    histograms.time_ns = record;
    histograms.interval_ns = word_of(record, 0);
    for (unsigned h = 0; h < SCOPE_HISTOGRAMS; h++) {
        histograms.max_ns[h] = (word_of(record, h) & UINT32_MAX) * 16;
        for (unsigned b = 0; b < SCOPE_HIST_BUCKETS; b++) {
            histograms.count[h][b] = (record + h * 7 + b) & 15; /* such counts are kept exactly */
        }
    }
    scope_publish_histograms(writer, &histograms);
}

static void publish_shape(struct scope_writer *writer, uint64_t record) {
    static struct scope_table tables[TABLES];
    uint64_t count = record % TABLES;
    for (uint64_t t = 0; t < count; t++) {
        tables[t] = (struct scope_table){.id = word_of(record, t), .hi = word_of(record, t + 100)};
    }
    struct scope_shape shape = {.time_ns = record,
                                .event_head = word_of(record, 0),
                                .total = count + record,
                                .count = count,
                                .tables = tables};
    scope_publish_shape(writer, &shape);
}

static void *sampler(void *argument) {
    struct scope_writer *writer = argument;
    for (uint64_t n = 0; n < samples; n++) {
        publish_sample(writer, n);
        if (n % 2 == 0) {
            publish_histograms(writer, n / 2);
        }
        publish_shape(writer, n);
        if (n % 64 == 0) {
            (void)sched_yield();
        }
    }
    return NULL;
}

/* Several threads share the event ring: a record's words derive from one of them, its time_ns. */
static void *eventer(void *argument) {
    struct scope_writer *writer = argument;
    static atomic_uint_fast64_t ticket;
    for (uint64_t n = 0; n < events / EVENT_THREADS; n++) {
        uint64_t key = atomic_fetch_add(&ticket, 1);
        struct scope_event event = {.time_ns = key,
                                    .type = SCOPE_EVENT_TABLE_ADD,
                                    .job = (uint32_t)word_of(key, 1),
                                    .level_from = (uint8_t)(key % 8),
                                    .level_to = (uint8_t)(key / 8 % 8)};
        event.u.table = (struct scope_table){.id = word_of(key, 2),
                                             .level = (uint8_t)(key % 8),
                                             .bytes = word_of(key, 3),
                                             .entries = word_of(key, 4),
                                             .tombstones = word_of(key, 5),
                                             .lo = word_of(key, 6),
                                             .hi = word_of(key, 7),
                                             .created_ns = word_of(key, 8)};
        (void)scope_publish_event(writer, &event);
        if (n % 256 == 0) {
            (void)sched_yield();
        }
    }
    return NULL;
}

/* ---- the readers ---------------------------------------------------------------------------- */

static bool sample_whole(const struct scope_segment *segment, const struct scope_sample *sample,
                         uint64_t record) {
    bool whole = sample->time_ns == record;
    for (uint32_t id = 1; id < 88; id++) {
        uint64_t value = 0;
        bool there = scope_sample_get(segment, sample, id, &value);
        whole =
            whole && there == metric_in(record, id) && value == (there ? word_of(record, id) : 0);
    }
    return whole;
}

static bool histograms_whole(const struct scope_histograms *histograms, uint64_t record) {
    bool whole = histograms->time_ns == record && histograms->interval_ns == word_of(record, 0);
    for (unsigned h = 0; h < SCOPE_HISTOGRAMS; h++) {
        whole = whole && histograms->max_ns[h] == (word_of(record, h) & UINT32_MAX) * 16;
        for (unsigned b = 0; b < SCOPE_HIST_BUCKETS; b++) {
            whole = whole && histograms->count[h][b] == ((record + h * 7 + b) & 15);
        }
    }
    return whole;
}

static bool event_whole(const struct scope_event *event) {
    uint64_t key = event->time_ns;
    const struct scope_table *table = &event->u.table;
    return event->type == SCOPE_EVENT_TABLE_ADD && event->job == (uint32_t)word_of(key, 1) &&
           event->level_from == key % 8 && event->level_to == key / 8 % 8 &&
           table->id == word_of(key, 2) && table->level == key % 8 &&
           table->bytes == word_of(key, 3) && table->entries == word_of(key, 4) &&
           table->tombstones == word_of(key, 5) && table->lo == word_of(key, 6) &&
           table->hi == word_of(key, 7) && table->created_ns == word_of(key, 8);
}

static bool shape_whole(const struct scope_shape *shape) {
    uint64_t record = shape->time_ns;
    bool whole = shape->count == record % TABLES && shape->total == shape->count + record &&
                 shape->event_head == word_of(record, 0);
    for (uint64_t t = 0; whole && t < shape->count; t++) {
        whole = shape->tables[t].id == word_of(record, t) &&
                shape->tables[t].hi == word_of(record, t + 100);
    }
    return whole;
}

static void count(struct counts *counts, enum scope_poll poll, bool whole) {
    counts->seen += poll == SCOPE_POLL_RECORD ? 1 : 0;
    counts->torn += poll == SCOPE_POLL_RECORD && !whole ? 1 : 0;
}

/* Reads where the writer is just about to store: the record one whole ring behind the head. Here a
 * copy is most likely to be overtaken, and a protocol with a hole in it to show one. */
static void poll_edge(struct reader *reader) {
    struct scope_sample sample;
    struct scope_event event;
    struct scope_cursor cursor;
    for (unsigned i = 0; i < 64; i++) {
        scope_cursor_init(&cursor, reader->segment, SCOPE_RING_SAMPLES);
        uint64_t head = scope_ring_head(reader->segment, SCOPE_RING_SAMPLES);
        cursor.next = head > SLOTS ? head - SLOTS : 0;
        cursor.polled = true;
        enum scope_poll poll = scope_poll_sample(&cursor, &sample);
        count(&reader->edge, poll,
              poll == SCOPE_POLL_RECORD && sample_whole(reader->segment, &sample, cursor.next - 1));
        scope_cursor_init(&cursor, reader->segment, SCOPE_RING_EVENTS);
        head = scope_ring_head(reader->segment, SCOPE_RING_EVENTS);
        cursor.next = head > SLOTS ? head - SLOTS : 0;
        cursor.polled = true;
        poll = scope_poll_event(&cursor, &event);
        count(&reader->edge, poll, poll == SCOPE_POLL_RECORD && event_whole(&event));
    }
}

static void poll_all(struct reader *reader, struct scope_cursor cursors[3],
                     struct scope_shape *shape) {
    struct scope_sample sample;
    struct scope_event event;
    static _Thread_local struct scope_histograms histograms;
    enum scope_poll poll;
    for (unsigned i = 0; i < 2 * SLOTS; i++) {
        poll = scope_poll_sample(&cursors[SCOPE_RING_SAMPLES], &sample);
        count(&reader->samples, poll,
              poll == SCOPE_POLL_RECORD &&
                  sample_whole(reader->segment, &sample, cursors[SCOPE_RING_SAMPLES].next - 1));
        poll = scope_poll_event(&cursors[SCOPE_RING_EVENTS], &event);
        count(&reader->events, poll, poll == SCOPE_POLL_RECORD && event_whole(&event));
        poll = scope_poll_histograms(&cursors[SCOPE_RING_HISTOGRAMS], &histograms);
        count(&reader->histograms, poll,
              poll == SCOPE_POLL_RECORD &&
                  histograms_whole(&histograms, cursors[SCOPE_RING_HISTOGRAMS].next - 1));
    }
    uint64_t before = shape->time_ns;
    poll = scope_read_shape(reader->segment, shape);
    count(&reader->shapes, poll,
          poll == SCOPE_POLL_RECORD && shape_whole(shape) && shape->time_ns >= before);
}

static void *read_along(void *argument) {
    struct reader *reader = argument;
    static _Thread_local struct scope_table tables[SCOPE_MAX_TABLES];
    struct scope_shape shape = {.tables = tables};
    struct scope_cursor cursors[3];
    for (unsigned ring = 0; ring < 3; ring++) {
        scope_cursor_init(&cursors[ring], reader->segment, (enum scope_ring)ring);
    }
    bool last = false;
    while (!last) {
        last = atomic_load(&done); /* once more after the end: then everything has been met */
        poll_all(reader, cursors, &shape);
        poll_edge(reader);
    }
    reader->samples.lost = cursors[SCOPE_RING_SAMPLES].lost;
    reader->events.lost = cursors[SCOPE_RING_EVENTS].lost;
    reader->histograms.lost = cursors[SCOPE_RING_HISTOGRAMS].lost;
    for (unsigned ring = 0; ring < 3; ring++) {
        reader->end[ring] = cursors[ring].next;
    }
    return NULL;
}

/* ---- the hunt ------------------------------------------------------------------------------- */

static void check(const char *what, const struct counts *counts, uint64_t end, uint64_t published) {
    printf("  %-10s seen %8lu lost %8lu torn %lu\n", what, (unsigned long)counts->seen,
           (unsigned long)counts->lost, (unsigned long)counts->torn);
    assert_int_equal(counts->torn, 0);
    assert_true(counts->seen > 0);
    assert_int_equal(end, published);
    /* The cursors began before the first record; what passed before a first poll is not lost. */
    assert_true(counts->seen + counts->lost <= published);
}

static void hunt(bool one_mapping) {
    struct scope_writer_options options = fixture_options("stress");
    options.samples = options.events = options.seconds = SLOTS;
    struct scope_writer *writer = NULL;
    assert_int_equal(scope_writer_create(&options, &writer, NULL), 0);
    atomic_store(&done, false);
    static struct reader readers[READERS];
    memset(readers, 0, sizeof(readers));
    pthread_t reader_threads[READERS];
    for (unsigned r = 0; r < READERS; r++) {
        struct scope_segment *segment = NULL;
        assert_int_equal(one_mapping ? scope_attach_writer(writer, &segment)
                                     : scope_attach("stress", false, &segment, NULL),
                         0);
        readers[r].segment = segment;
        assert_int_equal(pthread_create(&reader_threads[r], NULL, read_along, &readers[r]), 0);
    }
    pthread_t writers[1 + EVENT_THREADS];
    assert_int_equal(pthread_create(&writers[0], NULL, sampler, writer), 0);
    for (unsigned w = 1; w <= EVENT_THREADS; w++) {
        assert_int_equal(pthread_create(&writers[w], NULL, eventer, writer), 0);
    }
    for (unsigned w = 0; w <= EVENT_THREADS; w++) {
        assert_int_equal(pthread_join(writers[w], NULL), 0);
    }
    atomic_store(&done, true);
    for (unsigned r = 0; r < READERS; r++) {
        assert_int_equal(pthread_join(reader_threads[r], NULL), 0);
    }
    for (unsigned r = 0; r < READERS; r++) {
        check("samples", &readers[r].samples, readers[r].end[SCOPE_RING_SAMPLES], samples);
        check("events", &readers[r].events, readers[r].end[SCOPE_RING_EVENTS], events);
        check("histograms", &readers[r].histograms, readers[r].end[SCOPE_RING_HISTOGRAMS],
              samples / 2);
        assert_int_equal(readers[r].edge.torn, 0);
        assert_int_equal(readers[r].shapes.torn, 0);
        assert_true(readers[r].shapes.seen > 0);
        struct scope_segment *segment = NULL;
        memcpy(&segment, &readers[r].segment, sizeof(segment));
        scope_detach(segment);
    }
    scope_writer_close(writer);
}

static void no_record_is_torn_across_mappings(void **state) {
    (void)state;
    hunt(false);
}

static void no_record_is_torn_within_one_mapping(void **state) {
    (void)state;
    hunt(true);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(int argc, char **argv) {
    (void)argc;
    seed = fixture_seed(argv[0]);
    const char *percent = getenv("LSM_TEST_SCALE");
    if (percent != NULL) {
        samples = SAMPLES * strtoull(percent, NULL, 10) / 100;
        events = EVENTS * strtoull(percent, NULL, 10) / 100;
    }
    const struct CMUnitTest tests[] = {
        CASE(no_record_is_torn_across_mappings),
        CASE(no_record_is_torn_within_one_mapping),
    };
    return cmocka_run_group_tests_name("ring_stress", tests, NULL, NULL);
}
