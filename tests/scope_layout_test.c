/* scope_layout_test.c: the shared ABI, nailed down: offsets as layout.h states them, the
 * fingerprint, frozen numbers. When one of these fails, segments of older builds would be misread:
 * restore the layout, or raise the version in layout.h and then the numbers here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "layout.h"
#include "scope.h"
#include "segment.h"
#include "scope_fixture.h"

static void the_header_lies_as_documented(void **state) {
    (void)state;
    assert_int_equal(offsetof(struct scope_header, magic), 0);
    assert_int_equal(offsetof(struct scope_header, major), 8);
    assert_int_equal(offsetof(struct scope_header, reader_min), 12);
    assert_int_equal(offsetof(struct scope_header, fingerprint), 16);
    assert_int_equal(offsetof(struct scope_header, instance_id), 24);
    assert_int_equal(offsetof(struct scope_header, total_size), 32);
    assert_int_equal(offsetof(struct scope_header, pid), 40);
    assert_int_equal(offsetof(struct scope_header, start_mono_ns), 48);
    assert_int_equal(offsetof(struct scope_header, sample_interval_ns), 64);
    assert_int_equal(offsetof(struct scope_header, inode), 72);
    assert_int_equal(offsetof(struct scope_header, device), 80);
    assert_int_equal(offsetof(struct scope_header, dictionary), 128);
    assert_int_equal(offsetof(struct scope_header, samples), 152);
    assert_int_equal(offsetof(struct scope_header, events), 176);
    assert_int_equal(offsetof(struct scope_header, histograms), 200);
    assert_int_equal(offsetof(struct scope_header, shape), 224);
    assert_int_equal(offsetof(struct scope_header, writer_offset), 248);
    assert_int_equal(offsetof(struct scope_header, heartbeat_offset), 256);
    assert_int_equal(offsetof(struct scope_header, name), 264);
    assert_int_equal(offsetof(struct scope_header, engine_name), 328);
    assert_int_equal(offsetof(struct scope_header, engine_version), 360);
    assert_int_equal(offsetof(struct scope_header, command), 392);
    assert_int_equal(offsetof(struct scope_header, description), 1416);
    assert_int_equal(offsetof(struct scope_dict_entry, name), 16);
    assert_int_equal(offsetof(struct scope_dict_entry, help), 64);
}

static void the_fingerprint_is_that_of_version_1(void **state) {
    (void)state;
    assert_int_equal(SCOPE_VERSION_MAJOR, 1);
    assert_int_equal(scope_fingerprint(), UINT64_C(0x6934f7406f2ac74c));
    assert_memory_equal(&(uint64_t){SCOPE_MAGIC}, "lsmscope", 8);
}

static void persisted_numbers_are_frozen(void **state) {
    (void)state;
    assert_int_equal(SCOPE_EVENT_COMPACT_END, 5);
    assert_int_equal(SCOPE_EVENT_MARKER, 10);
    assert_int_equal(SCOPE_EVENT_TABLE_REMOVE, 13);
    assert_int_equal(SCOPE_STALL_INLINE, 6);
    assert_int_equal(SCOPE_UNIT_RATIO_PPM, 6);
    assert_int_equal(SCOPE_STATE_CLOSED, 2);
    assert_int_equal(SCOPE_M_OPS_PUT, 1);
    assert_int_equal(SCOPE_M_STALL_ACTIVE, 26);
    assert_int_equal(SCOPE_M_SCHEDULE_LAG_NS, 63);
    assert_int_equal(SCOPE_M_LEVEL_TARGET, 80);
}

static void ids_and_names_of_metrics_are_unique(void **state) {
    (void)state;
    size_t count = 0;
    const struct scope_metric *metrics = scope_builtin_metrics(&count);
    for (size_t i = 0; i < count; i++) {
        assert_true(metrics[i].id > 0 && metrics[i].id < SCOPE_METRIC_CUSTOM);
        assert_true(strlen(metrics[i].name) < 48 && strlen(metrics[i].help) < 128);
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(metrics[i].id, metrics[j].id);
            assert_string_not_equal(metrics[i].name, metrics[j].name);
        }
    }
}

/* An event in its words, byte for byte: readers of other builds depend on it. */
static void an_event_is_these_words(void **state) {
    (void)state;
    struct scope_event event = {.time_ns = 0x1122334455667788,
                                .type = SCOPE_EVENT_COMPACT_END,
                                .job = 0xaabbccdd,
                                .level_from = 1,
                                .level_to = 2};
    event.u.job_info.inputs = 3;
    event.u.job_info.outputs = 4;
    event.u.job_info.bytes_in = 5;
    event.u.job_info.bytes_out = 6;
    event.u.job_info.entries_in = 7;
    event.u.job_info.entries_out = 8;
    event.u.job_info.duration_ns = 9;
    event.u.job_info.status = -2;
    const uint64_t expected[SCOPE_EVENT_WORDS] = {
        0x1122334455667788, 0xaabbccdd00020105, 0x0000000400000003, 5, 6, 7, 8, 9, 0xfffffffe};
    uint64_t words[SCOPE_EVENT_WORDS];
    scope_event_encode(&event, words);
    assert_memory_equal(words, expected, sizeof(words));
    const struct scope_table table = {.id = 1,
                                      .level = 3,
                                      .busy = true,
                                      .bytes = 4,
                                      .entries = 5,
                                      .tombstones = 6,
                                      .lo = 7,
                                      .hi = 8,
                                      .created_ns = 9};
    const uint64_t table_words[SCOPE_SHAPE_TABLE_WORDS] = {1, 0x103, 4, 5, 6, 7, 8, 9};
    scope_table_encode(&table, words);
    assert_memory_equal(words, table_words, sizeof(table_words));
}

static void a_later_version_or_another_layout_is_refused_by_name(void **state) {
    (void)state;
    struct scope_writer *writer = fixture_writer("a");
    struct scope_segment *segment = NULL;
    struct scope_error_detail detail = {0};
    writer->header->minor = SCOPE_VERSION_MINOR + 5; /* newer, but still meant for us */
    assert_int_equal(scope_attach("a", false, &segment, &detail), 0);
    scope_detach(segment);
    writer->header->reader_min = SCOPE_VERSION_MINOR + 1;
    assert_int_equal(scope_attach("a", false, &segment, &detail), SCOPE_ERR_VERSION);
    writer->header->reader_min = 0;
    writer->header->major = SCOPE_VERSION_MAJOR + 1;
    assert_int_equal(scope_attach("a", false, &segment, &detail), SCOPE_ERR_VERSION);
    assert_non_null(strstr(detail.text, "version 2.5"));
    writer->header->major = SCOPE_VERSION_MAJOR;
    writer->header->fingerprint ^= 1;
    assert_int_equal(scope_attach("a", false, &segment, &detail), SCOPE_ERR_VERSION);
    scope_writer_close(writer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_header_lies_as_documented),
        cmocka_unit_test(the_fingerprint_is_that_of_version_1),
        cmocka_unit_test(persisted_numbers_are_frozen),
        cmocka_unit_test(ids_and_names_of_metrics_are_unique),
        cmocka_unit_test(an_event_is_these_words),
        cmocka_unit_test_setup_teardown(a_later_version_or_another_layout_is_refused_by_name,
                                        fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests_name("scope_layout", tests, NULL, NULL);
}
