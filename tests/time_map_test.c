/* When a sequence was written: exact to the second, and never a lie when points are missing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "time_map.h"

struct bounds {
    uint64_t earliest, latest;
};

static struct bounds bounds_of(struct lsm_time_map *map, uint64_t seq) {
    struct bounds b;
    lsm_time_map_bounds(map, seq, &b.earliest, &b.latest);
    return b;
}

static void a_write_lies_within_the_second_of_its_point(void **state) {
    (void)state;
    struct lsm_time_map map;
    lsm_time_map_init(&map);
    assert_int_equal(bounds_of(&map, 1).earliest, 0);
    assert_int_equal(bounds_of(&map, 1).latest, UINT64_MAX);
    lsm_time_map_note(&map, 10, 1000);
    lsm_time_map_note(&map, 15, 1000); /* the same second */
    lsm_time_map_note(&map, 20, 5000); /* after a long pause */
    lsm_time_map_note(&map, 25, 4000); /* the clock stepped back: times do not */
    assert_int_equal(bounds_of(&map, 9).latest, 1000);
    assert_int_equal(bounds_of(&map, 10).earliest, 1000);
    assert_int_equal(bounds_of(&map, 19).earliest, 1000);
    assert_int_equal(bounds_of(&map, 19).latest, 1001);
    assert_int_equal(bounds_of(&map, 25).earliest, 5000);
    assert_int_equal(bounds_of(&map, 25).latest, 5001);
    lsm_time_map_free(&map);
}

/* One write in a hundred seconds, sequences ten apart. */
static void fill(struct lsm_time_map *map, uint64_t count) {
    for (uint64_t i = 1; i <= count; i++) {
        lsm_time_map_note(map, 10 * i, 100 * i);
    }
}

static void thinned_points_widen_the_bounds_and_never_lie(void **state) {
    (void)state;
    struct lsm_time_map map;
    const uint64_t count = 3 * LSM_TIME_POINTS_MAX;
    lsm_time_map_init(&map);
    fill(&map, count);
    assert_true(map.count <= LSM_TIME_POINTS_MAX);
    for (uint64_t i = 1; i <= count; i++) {
        struct bounds b = bounds_of(&map, 10 * i + 5);
        assert_true(b.earliest <= 100 * i && b.latest >= 100 * i);
        assert_true(b.latest != UINT64_MAX);
    }
    struct bounds newest = bounds_of(&map, 10 * count - 5);
    assert_int_equal(newest.latest - newest.earliest, 1); /* the newer half is exact */
    lsm_time_map_free(&map);
}

static void a_recovered_map_of_many_points_is_not_trusted_to_the_second(void **state) {
    (void)state;
    struct lsm_time_map map;
    lsm_time_map_init(&map);
    fill(&map, LSM_TIME_POINTS_MAX / 2);
    lsm_time_map_recovered(&map);
    assert_int_equal(bounds_of(&map, 15).earliest, 100);
    assert_int_equal(bounds_of(&map, 15).latest, 200);
    lsm_time_map_note(&map, 10000000, 100000000); /* of this process: exact */
    assert_int_equal(bounds_of(&map, 10000001).latest, 100000001);
    lsm_time_map_free(&map);
}

static void an_edit_gets_each_point_once_and_a_snapshot_all(void **state) {
    (void)state;
    struct lsm_time_map map;
    struct lsm_edit edit;
    lsm_time_map_init(&map);
    fill(&map, 10);
    lsm_edit_init(&edit);
    assert_int_equal(lsm_time_map_export(&map, 45, false, &edit), 0);
    assert_int_equal(edit.times_count, 4);
    assert_int_equal(lsm_time_map_export(&map, 1000, false, &edit), 0);
    assert_int_equal(edit.times_count, 10);
    lsm_edit_free(&edit, false);
    assert_int_equal(lsm_time_map_export(&map, LSM_TIME_POINTS_MAX, true, &edit), 0);
    assert_int_equal(edit.times_count, 10);
    assert_int_equal(edit.times[9].seq, 100);
    assert_int_equal(edit.times[9].unix_s, 1000);
    lsm_edit_free(&edit, false);
    lsm_time_map_free(&map);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_write_lies_within_the_second_of_its_point),
        cmocka_unit_test(thinned_points_widen_the_bounds_and_never_lie),
        cmocka_unit_test(a_recovered_map_of_many_points_is_not_trusted_to_the_second),
        cmocka_unit_test(an_edit_gets_each_point_once_and_a_snapshot_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
