/* Latency: merging, percentiles, the axis, columns and colours, and what the pointer is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heatmap.h"
#include "latency_run.h"
#include "latency_series.h"
#include "panel_stage.h"

static uint64_t random_state = 0x1a7e9c15eedull;

static uint64_t next_random(void) { /* xorshift64* */
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 0x2545F4914F6CDD1Dull;
}

static uint64_t below(uint64_t bound) {
    return next_random() % bound;
}

/* From a few nanoseconds to seconds, evenly over the magnitudes. */
static uint64_t random_latency(void) {
    return (uint64_t)pow(10.0, 1.5 + 8.0 * ((double)below(1u << 20) / (1u << 20)));
}

static struct scope_histograms random_second(unsigned operations) {
    struct scope_histograms h = {.interval_ns = 1000000000u};
    for (unsigned i = 0; i < operations; i++) {
        unsigned kind = (unsigned)below(SCOPE_HISTOGRAMS);
        uint64_t ns = random_latency();
        h.count[kind][scope_bucket_of(ns)]++;
        h.max_ns[kind] = ns > h.max_ns[kind] ? ns : h.max_ns[kind];
    }
    return h;
}

static struct history *random_history(unsigned seconds) {
    struct history *history = history_create();
    assert_non_null(history);
    for (unsigned i = 0; i < seconds; i++) {
        struct scope_histograms h = random_second((unsigned)below(60));
        if (below(200) == 0) { /* more than fits into one part of a second */
            h.count[0][below(SCOPE_HIST_BUCKETS)] += (UINT64_C(1) << 25) * below(5) + below(9);
        }
        h.time_ns = (i + 1) * UINT64_C(1000000000);
        if (below(50) != 0) {
            history_append_histograms(history, i + 1.0, &h);
        }
    }
    return history;
}

/* ---- merging and percentiles --------------------------------------------------------------- */

static void merging_any_stretch_adds_up_its_seconds(void **state) {
    (void)state;
    struct history *history = random_history(5000);
    struct latency_series *series = latency_series_create();
    assert_true(latency_series_sync(series, history, 0));
    size_t count = latency_series_count(series);
    assert_int_equal(count, history_histogram_count(history));
    for (int round = 0; round < 60; round++) {
        size_t from = below(count + 1), to = from + below(count + 1 - from);
        uint64_t sum[SCOPE_HIST_BUCKETS] = {0}, total = 0;
        float low = NAN, high = NAN;
        for (size_t i = from; i < to; i++) {
            const struct scope_histograms *h = history_histogram(history, i, NULL);
            for (size_t b = 0; b < SCOPE_HIST_BUCKETS; b++) {
                sum[b] += h->count[0][b];
                total += h->count[0][b];
            }
            float p99 = latency_series_second(series, i)->stat[LATENCY_P99];
            low = fminf(low, p99);
            high = fmaxf(high, p99);
        }
        struct latency_summary merged;
        latency_series_merge(series, from, to, &merged);
        assert_memory_equal(merged.count, sum, sizeof sum);
        assert_int_equal(merged.total, total);
        assert_int_equal(merged.seconds, to - from);
        assert_true(fabs(merged.covered_s - (double)(to - from)) < 1e-6);
        assert_memory_equal(&merged.low[LATENCY_P99], &low, isnan(low) ? 0 : sizeof low);
        assert_memory_equal(&merged.high[LATENCY_P99], &high, isnan(high) ? 0 : sizeof high);
    }
    latency_series_destroy(series);
    history_destroy(history);
}

static int by_size(const void *a, const void *b) {
    uint64_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

/* The true percentile lies in the same bucket as the one told. */
static void percentiles_agree_with_sorting_to_a_bucket(void **state) {
    (void)state;
    enum { OPERATIONS = 4000 };
    static const double quantile[] = {0.5, 0.99, 0.999};
    static uint64_t ns[OPERATIONS];
    for (int round = 0; round < 30; round++) {
        struct scope_histograms h = {.interval_ns = 1000000000u};
        for (size_t i = 0; i < OPERATIONS; i++) {
            ns[i] = random_latency();
            h.count[2][scope_bucket_of(ns[i])]++;
            h.max_ns[2] = ns[i] > h.max_ns[2] ? ns[i] : h.max_ns[2];
        }
        qsort(ns, OPERATIONS, sizeof ns[0], by_size);
        struct history *history = history_create();
        history_append_histograms(history, 1.0, &h);
        struct latency_series *series = latency_series_create();
        latency_series_sync(series, history, 2);
        const float *stat = latency_series_second(series, 0)->stat;
        for (size_t s = 0; s < LATENCY_MAX; s++) {
            size_t rank = (size_t)ceil(quantile[s] * OPERATIONS) - 1;
            unsigned bucket = scope_bucket_of(ns[rank]);
            assert_true((double)stat[s] >= (double)scope_bucket_floor(bucket) * 0.9999);
            assert_true((double)stat[s] <= (double)scope_bucket_floor(bucket + 1) * 1.0001);
            assert_true(stat[s] <= stat[LATENCY_MAX]);
        }
        assert_true(fabs((double)stat[LATENCY_MAX] / (double)ns[OPERATIONS - 1] - 1.0) < 1e-6);
        latency_series_destroy(series);
        history_destroy(history);
    }
}

static void a_percentile_is_never_beyond_the_largest(void **state) {
    (void)state;
    struct scope_histograms h = {.interval_ns = 1000000000u};
    h.count[0][scope_bucket_of(1000000)] = 1;
    h.max_ns[0] = scope_bucket_floor(scope_bucket_of(1000000)) + 1;
    struct history *history = history_create();
    history_append_histograms(history, 1.0, &h);
    struct latency_series *series = latency_series_create();
    latency_series_sync(series, history, 0);
    const float *stat = latency_series_second(series, 0)->stat;
    assert_true(stat[LATENCY_P999] <= stat[LATENCY_MAX]);
    latency_series_destroy(series);
    history_destroy(history);
}

/* The last bucket takes everything beyond its floor: what lay far beyond does not end at its top.
 */
static void the_last_bucket_reaches_up_to_the_largest(void **state) {
    (void)state;
    uint64_t count[SCOPE_HIST_BUCKETS] = {0};
    count[SCOPE_HIST_BUCKETS - 1] = 100;
    const double floor = (double)scope_bucket_floor(SCOPE_HIST_BUCKETS - 1), most = 60e9;
    assert_true(fabs(latency_quantile(count, 0.5, most) - (floor + most) / 2.0) < 1e6);
    assert_true(latency_quantile(count, 0.999, most) > 0.99 * most);
    assert_true(latency_quantile(count, 1.0, most) <= most);
    assert_true(latency_quantile(count, 1.0, floor + 1e6) <= floor + 1e6);
    assert_true(latency_quantile(count, 0.5, (double)NAN) > floor);
    count[10] = 300; /* and below it nothing changes */
    assert_true(latency_quantile(count, 0.5, most) <= (double)scope_bucket_floor(11));
}

/* ---- following ----------------------------------------------------------------------------- */

static void check_same(const struct latency_series *a, const struct latency_series *b) {
    struct latency_summary x, y;
    assert_int_equal(latency_series_count(a), latency_series_count(b));
    latency_series_merge(a, 0, latency_series_count(a), &x);
    latency_series_merge(b, 0, latency_series_count(b), &y);
    assert_memory_equal(x.count, y.count, sizeof x.count);
}

static void following_a_history_gives_what_reading_it_whole_gives(void **state) {
    (void)state;
    struct history *history = history_create();
    struct latency_series *live = latency_series_create(), *whole = latency_series_create();
    assert_false(latency_series_sync(live, history, 4) && latency_series_count(live) > 0);
    for (unsigned i = 0; i < 700; i++) {
        struct scope_histograms h = random_second(20);
        history_append_histograms(history, i + 1.0, &h);
        if (i % 7 == 0) {
            assert_true(latency_series_sync(live, history, 4));
            assert_false(latency_series_sync(live, history, 4)); /* nothing new */
        }
    }
    latency_series_sync(live, history, 4);
    latency_series_sync(whole, history, 4);
    check_same(live, whole);
    latency_series_sync(live, history, 1); /* another kind */
    latency_series_destroy(whole);
    whole = latency_series_create();
    latency_series_sync(whole, history, 1);
    check_same(live, whole);
    history_clear(history); /* another run at the same address */
    for (unsigned i = 0; i < 700; i++) {
        struct scope_histograms h = random_second(20);
        history_append_histograms(history, i + 1.0, &h);
    }
    assert_true(latency_series_sync(live, history, 1));
    latency_series_destroy(whole);
    whole = latency_series_create();
    latency_series_sync(whole, history, 1);
    check_same(live, whole);
    latency_series_destroy(live);
    latency_series_destroy(whole);
    history_destroy(history);
}

static void the_busiest_operation_is_shown_with_response_time_where_known(void **state) {
    (void)state;
    uint64_t totals[SCOPE_HISTOGRAMS] = {0};
    unsigned kind = 99;
    assert_false(latency_kind_choose(totals, 0, &kind));
    totals[SCOPE_OP_GET] = 50;
    totals[SCOPE_OP_PUT] = 20;
    assert_true(latency_kind_choose(totals, 0, &kind));
    assert_int_equal(kind, SCOPE_OP_GET);
    totals[SCOPE_OPS + SCOPE_OP_GET] = 50;
    assert_true(latency_kind_choose(totals, 0, &kind));
    assert_int_equal(kind, SCOPE_OPS + SCOPE_OP_GET);
    assert_true(latency_kind_choose(totals, 1 + SCOPE_OP_PUT, &kind));
    assert_int_equal(kind, SCOPE_OP_PUT);
    assert_true(latency_kind_choose(totals, 1 + SCOPE_OP_SCAN, &kind)); /* there is none */
    assert_int_equal(kind, SCOPE_OPS + SCOPE_OP_GET);
}

static void the_key_goes_round_what_there_is(void **state) {
    (void)state;
    struct history *history = history_create();
    latency_run(history, 60);
    unsigned seen[8], count = 0, wanted = 0;
    do {
        wanted = latency_kind_next(history, wanted);
        seen[count++] = wanted;
    } while (wanted != 0 && count < 8);
    /* Put's response time is what is shown by itself: its picture does not come a second time. */
    assert_int_equal(count, 3);
    assert_int_equal(seen[0], 1 + SCOPE_OP_PUT);
    assert_int_equal(seen[1], 1 + SCOPE_OP_GET);
    assert_int_equal(seen[2], 0);
    history_destroy(history);
}

/* ---- axis and columns ---------------------------------------------------------------------- */

static struct heatmap_axis axis_of(uint64_t least, uint64_t most) {
    struct latency_summary sum;
    memset(&sum, 0, sizeof sum);
    sum.count[scope_bucket_of(least)] = sum.count[scope_bucket_of(most)] = 1;
    sum.high[LATENCY_MAX] = (float)most;
    return heatmap_axis_for(&sum);
}

static void check_axis(struct heatmap_axis axis, double low, double high) {
    assert_true(fabs(axis.low - low) < 1e-9);
    assert_true(fabs(axis.high - high) < 1e-9);
}

static void the_axis_spans_whole_decades_around_the_data(void **state) {
    (void)state;
    check_axis(axis_of(400, 90000000), -7.0, -1.0);
    check_axis(axis_of(1500, 8000000), -6.0, -2.0);
    check_axis(axis_of(20, 300), -7.0, -4.0);               /* three decades at least */
    check_axis(axis_of(30, 60000000000), -7.0, 1.0);        /* never beyond 100 ns and 10 s */
    check_axis(axis_of(5000000000, 6000000000), -2.0, 1.0); /* also at the upper end */
    check_axis(heatmap_axis_for(&(struct latency_summary){.total = 0}), -7.0, -4.0);
}

static uint64_t second_total(const struct latency_series *series, size_t index) {
    struct latency_summary sum;
    latency_series_merge(series, index, index + 1, &sum);
    return sum.total;
}

static void check_columns(struct panel_stage *stage, const struct latency_series *series,
                          struct heatmap *map, double t0, double t1) {
    struct panel_place place;
    const struct heatmap_axis axis = {-7.0, 1.0};
    panel_stage_span(stage, t0, t1);
    panel_stage_place(stage, &panel_latency, &place);
    assert_true(heatmap_make(map, &stage->scene, &place, series, &axis));
    size_t count = 0, next = 0;
    uint64_t columns_total = 0, total = 0;
    const struct heatmap_column *columns = heatmap_columns(map, &count);
    for (size_t c = 0; c < count; c++) {
        struct latency_summary sum;
        assert_true(columns[c].end > columns[c].first && columns[c].right > columns[c].left);
        if (c > 0 && columns[c].first == columns[c - 1].first) {
            continue; /* in the midst of the same second */
        }
        assert_true(c == 0 || columns[c].first == next); /* none left out, none twice */
        assert_true(c == 0 || columns[c].left >= columns[c - 1].right - 1e-9);
        latency_series_merge(series, columns[c].first, columns[c].end, &sum);
        columns_total += sum.total;
        next = columns[c].end;
    }
    size_t first = latency_series_find(series, t0);
    for (size_t i = first; i < latency_series_count(series); i++) {
        const struct latency_second *second = latency_series_second(series, i);
        total += second->t0 < t1 ? second_total(series, i) : 0;
    }
    if (t0 <= 0.0 && t1 >= latency_series_second(series, latency_series_count(series) - 1)->t1) {
        assert_int_equal(columns_total, total);
    }
    assert_true(columns_total <= total);
}

static void columns_hold_each_second_once_at_any_zoom(void **state) {
    (void)state;
    struct history *history = random_history(4000);
    struct latency_series *series = latency_series_create();
    latency_series_sync(series, history, 0);
    struct heatmap *map = heatmap_create();
    struct panel_stage stage;
    panel_stage_open(&stage, history, 640, 200, 1.0, THEME_DARK);
    check_columns(&stage, series, map, 0.0, 4001.0);
    check_columns(&stage, series, map, -300.0, 9000.0);
    check_columns(&stage, series, map, 100.0, 160.0);
    check_columns(&stage, series, map, 100.3, 101.1);
    for (int round = 0; round < 40; round++) {
        double t0 = (double)below(4000), length = pow(10.0, (double)below(40) / 10.0);
        check_columns(&stage, series, map, t0, t0 + length);
    }
    panel_stage_close(&stage);
    heatmap_destroy(map);
    latency_series_destroy(series);
    history_destroy(history);
}

static void lost_seconds_are_left_empty(void **state) {
    (void)state;
    struct history *history = history_create();
    latency_run(history, 100);
    struct latency_series *series = latency_series_create();
    latency_series_sync(series, history, 0);
    struct heatmap *map = heatmap_create();
    const struct heatmap_axis axis = {-7.0, 1.0};
    const double spans[] = {100.0, 4000.0};
    for (size_t i = 0; i < 2; i++) {
        struct panel_stage stage;
        struct panel_place place;
        panel_stage_open(&stage, history, 1000, 200, 1.0, THEME_DARK);
        panel_stage_span(&stage, 0.0, spans[i]);
        panel_stage_place(&stage, &panel_latency, &place);
        assert_true(heatmap_make(map, &stage.scene, &place, series, &axis));
        double x = place.plot.x + place.plot.w * 21.0 / spans[i];
        size_t column = 0;
        unsigned from = 0, end = 0;
        struct rect cell;
        struct point in_gap = {i == 0 ? x : place.plot.x + place.plot.w * 0.5, place.plot.y + 50.0};
        struct point before = {place.plot.x + place.plot.w * 10.0 / spans[i], place.plot.y + 50.0};
        assert_false(heatmap_at(map, in_gap, &column, &from, &end, &cell));
        assert_true(heatmap_at(map, before, &column, &from, &end, &cell));
        panel_stage_close(&stage);
    }
    heatmap_destroy(map);
    latency_series_destroy(series);
    history_destroy(history);
}

/* ---- colours ------------------------------------------------------------------------------- */

static double linear(uint32_t channel) {
    double c = (double)(channel & 0xff) / 255.0;
    return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
}

static double lab_f(double t) {
    return t > 216.0 / 24389.0 ? cbrt(t) : (24389.0 / 27.0 * t + 16.0) / 116.0;
}

static void to_lab(uint32_t argb, double *lab) { /* CIELAB, D65 */
    double r = linear(argb >> 16), g = linear(argb >> 8), b = linear(argb);
    double x = lab_f((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047);
    double y = lab_f(0.2126729 * r + 0.7151522 * g + 0.0721750 * b);
    double z = lab_f((0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.08883);
    lab[0] = 116.0 * y - 16.0;
    lab[1] = 500.0 * (x - y);
    lab[2] = 200.0 * (y - z);
}

static void shades_are_even_and_ordered_by_lightness_alone(void **state) {
    (void)state;
    for (int theme = THEME_DARK; theme <= THEME_LIGHT; theme++) {
        const uint32_t *ramp = heatmap_ramp((enum theme_id)theme);
        double sign = theme == THEME_DARK ? 1.0 : -1.0, least = INFINITY, most = 0.0;
        for (int i = 0; i + 8 < HEATMAP_SHADES; i++) { /* 8 steps: single ones are rounded */
            double a[3], b[3];
            to_lab(ramp[i], a);
            to_lab(ramp[i + 8], b);
            assert_true((b[0] - a[0]) * sign > 3.0);
            double distance = hypot(hypot(a[0] - b[0], a[1] - b[1]), a[2] - b[2]);
            least = fmin(least, distance);
            most = fmax(most, distance);
        }
        print_message("%s: 8 shades are %.1f to %.1f apart\n",
                      theme == THEME_DARK ? "dark" : "light", least, most);
        assert_true(least > 5.0 && most < 2.5 * least);
    }
}

/* ---- the panel ----------------------------------------------------------------------------- */

static void a_place_of_any_size_is_drawn(void **state) {
    (void)state;
    static const struct {
        int width, height;
        double scale;
    } places[] = {{240, 90, 1.0},    {240, 90, 0.5},   {640, 160, 1.0}, {1280, 720, 1.0},
                  {3840, 2160, 2.0}, {3840, 400, 1.0}, {120, 700, 1.0}};
    struct history *history = history_create();
    latency_run(history, 400);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct panel_stage stage;
        panel_stage_open(&stage, history, places[i].width, places[i].height, places[i].scale,
                         THEME_LIGHT);
        const double spans[] = {400.0, 7.0, 0.4, 90000.0};
        for (size_t k = 0; k < 4; k++) {
            panel_stage_span(&stage, 0.0, spans[k]);
            panel_stage_draw(&stage, &panel_latency);
        }
        panel_stage_close(&stage);
    }
    history_destroy(history);
}

/* What is told of the cells of one column adds up to the column. */
static void the_pointer_is_told_every_operation_once(void **state) {
    (void)state;
    struct history *history = history_create();
    latency_run(history, 40);
    struct panel_stage stage;
    struct panel_place place;
    panel_stage_open(&stage, history, 800, 300, 1.0, THEME_DARK);
    panel_stage_draw(&stage, &panel_latency);
    panel_stage_place(&stage, &panel_latency, &place);
    stage.scene.has_pointer = true;
    uint64_t told = 0, expected = 0;
    double y_before = -1.0;
    for (double y = place.plot.y; y < place.plot.y + place.plot.h; y += 0.5) {
        struct panel_hover hover;
        stage.scene.pointer = (struct point){place.plot.x + place.plot.w * 30.5 / 40.0, y};
        if (!panel_latency.hover(&stage.scene, &place, &hover) || hover.at.y <= y_before) {
            continue;
        }
        y_before = hover.at.y;
        assert_string_equal(hover.line[0].text, "0:30.0 to 0:31.0");
        char digits[64];
        size_t used = 0;
        for (const char *c = hover.line[1].text; *c != '\0' && *c != 'o'; c++) {
            if (*c >= '0' && *c <= '9') { /* thin spaces between */
                digits[used++] = *c;
            }
        }
        digits[used] = '\0';
        told += strtoull(digits, NULL, 10);
    }
    const unsigned kind = SCOPE_OPS + SCOPE_OP_PUT;
    for (size_t i = 0; i < history_histogram_count(history); i++) {
        double seconds = 0.0;
        const struct scope_histograms *h = history_histogram(history, i, &seconds);
        for (size_t b = 0; b < SCOPE_HIST_BUCKETS && fabs(seconds - 31.0) < 0.1; b++) {
            expected += h->count[kind][b];
        }
    }
    assert_true(expected > 1000);
    assert_int_equal(told, expected);
    panel_stage_close(&stage);
    history_destroy(history);
}

static void a_source_without_histograms_is_said_to_be_one(void **state) {
    (void)state;
    struct history *history = history_create();
    struct panel_stage stage;
    panel_stage_open(&stage, history, 400, 200, 1.0, THEME_DARK);
    assert_false(panel_latency.present(&stage.scene));
    struct scope_histograms none = {.interval_ns = 1000000000u};
    history_append_histograms(history, 1.0, &none);
    assert_true(panel_latency.present(&stage.scene)); /* but nothing happened yet */
    panel_stage_draw(&stage, &panel_latency);
    struct panel_value values[PANEL_VALUES_MAX];
    struct history_value put = {SCOPE_M_OPS_PUT, 1};
    history_append(history, 1.0, &put, 1);
    assert_int_equal(panel_latency.values(&stage.scene, 0, values), 0);
    panel_stage_close(&stage);
    history_destroy(history);
}

int main(void) {
    print_message("seed 0x%llx\n", (unsigned long long)random_state);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merging_any_stretch_adds_up_its_seconds),
        cmocka_unit_test(percentiles_agree_with_sorting_to_a_bucket),
        cmocka_unit_test(a_percentile_is_never_beyond_the_largest),
        cmocka_unit_test(the_last_bucket_reaches_up_to_the_largest),
        cmocka_unit_test(following_a_history_gives_what_reading_it_whole_gives),
        cmocka_unit_test(the_busiest_operation_is_shown_with_response_time_where_known),
        cmocka_unit_test(the_key_goes_round_what_there_is),
        cmocka_unit_test(the_axis_spans_whole_decades_around_the_data),
        cmocka_unit_test(columns_hold_each_second_once_at_any_zoom),
        cmocka_unit_test(lost_seconds_are_left_empty),
        cmocka_unit_test(shades_are_even_and_ordered_by_lightness_alone),
        cmocka_unit_test(a_place_of_any_size_is_drawn),
        cmocka_unit_test(the_pointer_is_told_every_operation_once),
        cmocka_unit_test(a_source_without_histograms_is_said_to_be_one),
    };
    return cmocka_run_group_tests_name("panel_latency", tests, NULL, NULL);
}
