/* scope_fuzz_test.c: a segment that lies. Header, dictionary, lines and slots are damaged at random
 * in a copied file; attaching must fail with a reason or give a handle through which everything can
 * be polled to its end without a crash, an endless loop or a field out of range. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scope.h"
#include "segment.h"
#include "scope_fixture.h"

/* ThreadSanitizer makes mapping dear and finds nothing here: one round in STRIDE is enough for it.
 */
#ifdef __SANITIZE_THREAD__
enum { STRIDE = 16 };
#else
enum { STRIDE = 1 };
#endif
enum { POLLS_MAX = 4096, RANDOM_ROUNDS = 200 };

static uint64_t seed;
static uint64_t *whole;   /* the words of a good segment */
static uint64_t *damaged; /* of a damaged one */
static uint64_t *held;    /* what the file holds */
static size_t bytes;
static unsigned attached, refused;

static void make_good_segment(void) {
    struct scope_writer_options options = fixture_options("a");
    options.samples = options.events = options.seconds = 16;
    struct scope_writer *writer = NULL;
    assert_int_equal(scope_writer_create(&options, &writer, NULL), 0);
    static struct scope_table tables[100];
    static struct scope_histograms histograms;
    for (uint64_t n = 0; n < 40; n++) {
        struct scope_sample sample = {.time_ns = n, .present = {UINT64_MAX, UINT64_MAX}};
        struct scope_event event = {.time_ns = n, .type = (enum scope_event_type)(n % 14)};
        struct scope_shape shape = {.time_ns = n, .count = 100, .total = 100, .tables = tables};
        scope_publish_sample(writer, &sample);
        (void)scope_publish_event(writer, &event);
        scope_publish_histograms(writer, &histograms);
        scope_publish_shape(writer, &shape);
    }
    bytes = writer->mapped_bytes;
    whole = malloc(bytes);
    damaged = malloc(bytes);
    held = malloc(bytes);
    assert_true(whole != NULL && damaged != NULL && held != NULL);
    int fd = open(fixture_path("lsmscope.a"), O_RDONLY | O_CLOEXEC);
    assert_int_equal(pread(fd, whole, bytes, 0), (ssize_t)bytes);
    (void)close(fd);
    scope_writer_close(writer);
}

/* Polls one ring until it is empty; it must become so, for nobody writes. */
static void exhaust(const struct scope_segment *segment, enum scope_ring ring) {
    struct scope_cursor cursor;
    scope_cursor_init(&cursor, segment, ring);
    enum scope_poll poll = SCOPE_POLL_RECORD;
    unsigned polls = 0;
    while (poll != SCOPE_POLL_EMPTY) {
        static struct scope_histograms histograms;
        struct scope_sample sample;
        struct scope_event event;
        uint64_t before = cursor.next;
        if (ring == SCOPE_RING_SAMPLES) {
            poll = scope_poll_sample(&cursor, &sample);
            uint64_t value;
            assert_true(poll != SCOPE_POLL_RECORD || sample.present[1] >> 44 == 0);
            for (uint32_t id = 0; poll == SCOPE_POLL_RECORD && id < 100; id++) {
                (void)scope_sample_get(segment, &sample, id, &value);
            }
        } else if (ring == SCOPE_RING_EVENTS) {
            poll = scope_poll_event(&cursor, &event);
            assert_true(poll != SCOPE_POLL_RECORD || event.level_to < SCOPE_MAX_LEVELS);
        } else {
            poll = scope_poll_histograms(&cursor, &histograms);
        }
        assert_true(cursor.next >= before);
        assert_true(poll == SCOPE_POLL_EMPTY || cursor.next > before);
        assert_true(++polls < POLLS_MAX);
    }
}

/* Reading past a mapping need not crash, so where the parts lie is checked as well. */
static bool inside(const struct scope_segment *segment, const void *part, uint64_t size) {
    uint64_t from = (uint64_t)((uintptr_t)part - (uintptr_t)segment->base);
    return from <= segment->mapped_bytes && size <= segment->mapped_bytes - from;
}

static void check_parts(const struct scope_segment *segment) {
    const struct scope_parts *parts = &segment->parts;
    for (unsigned i = 0; i < 4; i++) {
        const struct scope_ring_map *ring = i < 3 ? &parts->rings[i] : &parts->shape;
        assert_true(ring->count >= 2 && ring->count <= bytes);
        assert_true(inside(segment, ring->slots, ring->count * ring->slot_words * 8));
    }
    assert_true(inside(segment, parts->heads, sizeof(*parts->heads)));
    assert_true(inside(segment, parts->beat, sizeof(*parts->beat)));
}

static void look_at_everything(const struct scope_segment *segment) {
    static struct scope_table tables[SCOPE_MAX_TABLES];
    struct scope_shape shape = {.tables = tables};
    struct scope_info info;
    check_parts(segment);
    scope_segment_info(segment, &info);
    assert_non_null(memchr(info.command, 0, sizeof(info.command)));
    assert_non_null(memchr(info.engine_name, 0, sizeof(info.engine_name)));
    (void)scope_segment_liveness(segment);
    (void)scope_segment_heartbeat_age_ns(segment);
    (void)scope_segment_replaced(segment);
    size_t count = 0;
    const struct scope_metric *metrics = scope_segment_metrics(segment, &count);
    assert_true(count <= SCOPE_MAX_METRICS);
    for (size_t i = 0; i < count; i++) {
        assert_true(strlen(metrics[i].name) < 48 && strlen(metrics[i].help) < 128);
        assert_in_range(scope_metric_word(segment, metrics[i].id), 0, SCOPE_MAX_METRICS - 1);
        (void)scope_unit_name(metrics[i].unit);
    }
    for (int ring = 0; ring < 3; ring++) {
        exhaust(segment, (enum scope_ring)ring);
    }
    if (scope_read_shape(segment, &shape) == SCOPE_POLL_RECORD) {
        assert_true(shape.count <= SCOPE_MAX_TABLES && shape.total >= shape.count);
        for (uint64_t t = 0; t < shape.count; t++) {
            assert_true(tables[t].level < SCOPE_MAX_LEVELS);
        }
    }
}

/* Stores the pages that differ from what the file holds, which keeps a round short. */
static void store(size_t length) {
    enum { PAGE = 4096 };
    static size_t stored; /* bytes of the file that `held` describes; 0 in a new case */
    int fd = open(fixture_path("lsmscope.a"), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    struct stat status;
    assert_true(fd >= 0 && fstat(fd, &status) == 0);
    bool known = stored == length && (size_t)status.st_size == length;
    for (size_t at = 0; at < length; at += PAGE) {
        size_t size = length - at < PAGE ? length - at : PAGE;
        const char *page = (const char *)damaged + at;
        if (!known || memcmp((const char *)held + at, page, size) != 0) {
            assert_int_equal(pwrite(fd, page, size, (off_t)at), (ssize_t)size);
        }
    }
    assert_int_equal(ftruncate(fd, (off_t)length), 0);
    if (length > 0) {
        memcpy(held, damaged, length);
    }
    stored = length;
    (void)close(fd);
}

static void try_damaged(size_t length) {
    store(length);
    struct scope_segment *segment = NULL;
    struct scope_error_detail detail = {0};
    int rc = scope_attach("a", false, &segment, &detail);
    if (rc == 0) {
        attached++;
        look_at_everything(segment);
        scope_detach(segment);
    } else {
        refused++;
        assert_true(rc == SCOPE_ERR_NOT_A_SEGMENT || rc == SCOPE_ERR_VERSION);
        assert_true(detail.text[0] != 0 && detail.code == rc);
    }
}

static const uint64_t nasty[] = {0,
                                 1,
                                 63,
                                 64,
                                 4096,
                                 UINT32_MAX,
                                 INT64_MAX,
                                 UINT64_MAX,
                                 UINT64_MAX - 63,
                                 UINT64_C(1) << 63,
                                 UINT64_C(1) << 62,
                                 (UINT64_C(1) << 62) + 1,
                                 UINT64_MAX / 896,
                                 UINT64_MAX / 128 + 1,
                                 UINT64_C(1) << 24};
enum { NASTY = sizeof(nasty) / sizeof(nasty[0]) };

static void the_undamaged_copy_is_whole(void **state) {
    (void)state;
    attached = 0;
    memcpy(damaged, whole, bytes);
    try_damaged(bytes);
    assert_int_equal(attached, 1);
}

static void every_word_of_the_header_may_be_anything(void **state) {
    (void)state;
    attached = refused = 0;
    uint64_t random = seed;
    for (size_t word = 0; word<264 / 8; word += STRIDE> 1 ? 3 : 1) {
        for (size_t i = 0; i < NASTY + 12; i++) {
            memcpy(damaged, whole, bytes);
            uint64_t was = damaged[word];
            damaged[word] = i < NASTY       ? nasty[i]
                            : i < NASTY + 4 ? was + 64 * (i - NASTY + 1)
                            : i < NASTY + 8 ? was - 64 * (i - NASTY - 3)
                                            : was ^ UINT64_C(1) << (fixture_random(&random) % 64);
            try_damaged(bytes);
        }
    }
    print_message("attached %u, refused %u\n", attached, refused);
    assert_true(attached > 50 && refused > 100);
}

static void every_byte_of_the_header_may_be_anything(void **state) {
    (void)state;
    uint64_t random = seed + 1;
    memcpy(damaged, whole, bytes);
    for (size_t at = 0; at < 1672; at += STRIDE) {
        unsigned char *byte = (unsigned char *)damaged + at;
        unsigned char was = *byte;
        *byte = (unsigned char)(was ^ (1 + fixture_random(&random) % 255));
        try_damaged(bytes);
        *byte = was;
    }
}

static void every_word_of_dictionary_and_lines_may_be_anything(void **state) {
    (void)state;
    uint64_t random = seed + 2;
    memcpy(damaged, whole, bytes);
    size_t end = (4096 + 108 * 192 + 128) / 8;
    for (size_t word = 4096 / 8; word < end; word += STRIDE) {
        bool in_lines = word >= (4096 + 108 * 192) / 8;
        for (unsigned i = 0; i < (in_lines ? NASTY : 1); i++) {
            uint64_t was = damaged[word];
            damaged[word] = in_lines ? nasty[i] : fixture_random(&random);
            try_damaged(bytes);
            damaged[word] = was;
        }
    }
}

static void slots_and_anything_else_may_be_noise(void **state) {
    (void)state;
    uint64_t random = seed + 3;
    size_t first_slot = (4096 + 108 * 192 + 128) / 8;
    for (unsigned round = 0; round < RANDOM_ROUNDS / STRIDE; round++) {
        memcpy(damaged, whole, bytes);
        /* Sequence words of all rings, so that cursors are led astray; heads too. */
        for (size_t i = 0; i < 16; i++) {
            size_t slot = first_slot + i * SCOPE_SAMPLE_SLOT / 8;
            damaged[slot] = nasty[fixture_random(&random) % NASTY] + fixture_random(&random) % 9;
        }
        for (size_t i = 0; i < 200; i++) {
            size_t span =
                round % 2 == 0 ? first_slot + 16 * (896 + 128 + 960) / 8 + 1024 : bytes / 8;
            damaged[fixture_random(&random) % (span - 512) + 512] =
                i % 2 == 0 ? fixture_random(&random) : nasty[fixture_random(&random) % NASTY];
        }
        try_damaged(bytes);
    }
    /* Every metric present, and twenty that no sample has. */
    memcpy(damaged, whole, bytes);
    for (uint64_t i = 0; i < 16; i++) {
        damaged[first_slot + i * SCOPE_SAMPLE_SLOT / 8 + 2] = UINT64_MAX;
        damaged[first_slot + i * SCOPE_SAMPLE_SLOT / 8 + 3] = UINT64_MAX;
    }
    try_damaged(bytes);
    /* All sequence words lead one further: a cursor is overtaken at every step. */
    memcpy(damaged, whole, bytes);
    for (uint64_t i = 0; i < 16; i++) {
        damaged[first_slot + i * SCOPE_SAMPLE_SLOT / 8] = UINT64_C(1) << 63;
    }
    try_damaged(bytes);
}

static void any_length_of_the_file_is_refused_or_fits(void **state) {
    (void)state;
    memcpy(damaged, whole, bytes);
    const size_t lengths[] = {0, 1, 8, 4095, 4096, 4097, 30000, bytes / 2, bytes - 4096, bytes - 1};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        refused = 0;
        try_damaged(lengths[i]);
        assert_int_equal(refused, 1);
    }
}

static int group_setup(void **state) {
    (void)fixture_setup(state);
    make_good_segment();
    return fixture_teardown(state);
}

static int group_teardown(void **state) {
    (void)state;
    free(whole);
    free(damaged);
    free(held);
    return 0;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(int argc, char **argv) {
    (void)argc;
    seed = fixture_seed(argv[0]);
    const struct CMUnitTest tests[] = {
        CASE(the_undamaged_copy_is_whole),
        CASE(every_word_of_the_header_may_be_anything),
        CASE(every_byte_of_the_header_may_be_anything),
        CASE(every_word_of_dictionary_and_lines_may_be_anything),
        CASE(slots_and_anything_else_may_be_noise),
        CASE(any_length_of_the_file_is_refused_or_fits),
    };
    return cmocka_run_group_tests_name("scope_fuzz", tests, group_setup, group_teardown);
}
