/* history.h: appending, rates, gaps, bins against a slow model, histograms, shape. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "history_store.h"
#include "splitmix.h"

enum { PUT = SCOPE_M_OPS_PUT, MEM = SCOPE_M_MEMTABLE_BYTES };

static uint64_t seed, random_state;

static uint64_t random_next(void) {
    return splitmix_next(&random_state);
}

static double random_unit(void) {
    return (double)(random_next() >> 11) / 9007199254740992.0;
}

static int setup(void **state) {
    random_state = seed;
    *state = history_create();
    return *state == NULL;
}

static int teardown(void **state) {
    history_destroy(*state);
    return 0;
}

static bool append(struct history *history, double t, uint32_t id, uint64_t value) {
    struct history_value one = {id, value};
    return history_append(history, t, &one, 1);
}

static void empty_history_answers_everything_with_nothing(void **state) {
    struct history *history = *state;
    uint64_t value;
    struct history_bin bins[3];
    assert_int_equal(history_count(history), 0);
    assert_int_equal(history_find(history, 5), 0);
    assert_true(history_end(history) == 0 && history_start(history) == 0);
    assert_false(history_has(history, PUT));
    assert_false(history_latest(history, PUT, &value));
    history_bins(history, PUT, HISTORY_RATE, 0, 10, 3, bins);
    assert_int_equal(bins[0].count + bins[1].count + bins[2].count, 0);
    assert_true(history_max(history, PUT, HISTORY_LEVEL, 0, 10) == 0);
    assert_null(history_shape(history));
    assert_int_equal(history_levels(history), 2);
    assert_int_equal(history_event_find(history, 0), 0);
}

static void samples_that_are_not_newer_are_refused(void **state) {
    struct history *history = *state;
    assert_true(append(history, 1.0, PUT, 1));
    assert_false(append(history, 1.0, PUT, 2));
    assert_false(append(history, 0.5, PUT, 3));
    assert_false(append(history, NAN, PUT, 4));
    assert_false(append(history, INFINITY, PUT, 4));
    assert_int_equal(history_count(history), 1);
    assert_true(append(history, 1.5, PUT, 5));
}

static void rate_is_the_difference_over_the_distance(void **state) {
    struct history *history = *state;
    append(history, 1.0, PUT, 100);
    append(history, 1.5, PUT, 600);
    append(history, 3.5, PUT, 600);
    double number = -1;
    assert_false(history_number(history, PUT, HISTORY_RATE, 0, &number));
    assert_true(history_number(history, PUT, HISTORY_RATE, 1, &number));
    assert_float_equal(number, 1000, 1e-9);
    assert_true(history_number(history, PUT, HISTORY_RATE, 2, &number));
    assert_float_equal(number, 0, 1e-9);
    assert_true(history_number(history, PUT, HISTORY_LEVEL, 0, &number));
    assert_float_equal(number, 100, 1e-9);
}

static void counter_that_steps_back_counts_from_zero(void **state) {
    struct history *history = *state;
    append(history, 1, PUT, 1000);
    append(history, 2, PUT, 40);
    double number = 0;
    assert_true(history_number(history, PUT, HISTORY_RATE, 1, &number));
    assert_float_equal(number, 40, 1e-9);
}

static void absent_is_not_zero(void **state) {
    struct history *history = *state;
    append(history, 1, PUT, 1);
    append(history, 2, MEM, 7);
    append(history, 3, PUT, 5);
    uint64_t value = 99;
    double number;
    assert_false(history_value_at(history, PUT, 1, &value));
    assert_false(history_value_at(history, MEM, 0, &value));
    assert_true(history_value_at(history, MEM, 1, &value));
    assert_int_equal(value, 7);
    assert_false(history_latest(history, MEM, &value));
    /* Without its neighbour a rate cannot be known. */
    assert_false(history_number(history, PUT, HISTORY_RATE, 2, &number));
    assert_false(history_number(history, SCOPE_M_FLUSHES, HISTORY_LEVEL, 0, &number));
    struct history_bin bin;
    history_bins(history, MEM, HISTORY_LEVEL, 0, 10, 1, &bin);
    assert_int_equal(bin.count, 1);
    assert_true(bin.min == 7 && bin.max == 7);
}

static void a_closing_sliver_has_no_rate_but_counts_when_more_follows(void **state) {
    struct history *history = *state;
    double rate = 0;
    assert_true(append(history, 1.0, PUT, 1000));
    assert_true(append(history, 2.0, PUT, 2000));
    assert_true(append(history, 2.01, PUT, 2002));
    assert_false(history_number(history, PUT, HISTORY_RATE, 2, &rate));
    assert_true(history_number(history, PUT, HISTORY_LEVEL, 2, &rate));
    assert_true(append(history, 3.0, PUT, 3000));
    assert_true(history_number(history, PUT, HISTORY_RATE, 2, &rate));
}

static void gap_breaks_the_rate_and_marks_its_bin(void **state) {
    struct history *history = *state;
    append(history, 1, PUT, 10);
    history_append_gap(history, 0); /* nothing lost is no gap */
    append(history, 2, PUT, 20);
    history_append_gap(history, 5);
    append(history, 9, PUT, 90);
    append(history, 10, PUT, 100);
    double number;
    assert_true(history_number(history, PUT, HISTORY_RATE, 1, &number));
    assert_false(history_number(history, PUT, HISTORY_RATE, 2, &number));
    assert_true(history_number(history, PUT, HISTORY_RATE, 3, &number));
    struct history_bin bins[4];
    history_bins(history, PUT, HISTORY_LEVEL, 0, 12, 4, bins);
    assert_false(bins[0].gap);
    assert_int_equal(bins[1].count, 0);
    assert_true(bins[3].gap);
    assert_int_equal(bins[3].count, 2);
}

static void publishers_own_metrics_have_columns_too(void **state) {
    struct history *history = *state;
    append(history, 1, SCOPE_METRIC_CUSTOM + 7, 42);
    uint64_t value = 0;
    assert_true(history_has(history, SCOPE_METRIC_CUSTOM + 7));
    assert_false(history_has(history, SCOPE_METRIC_CUSTOM + 8));
    assert_true(history_latest(history, SCOPE_METRIC_CUSTOM + 7, &value));
    assert_int_equal(value, 42);
}

static void find_gives_the_first_at_or_after(void **state) {
    struct history *history = *state;
    for (int i = 0; i < 100; i++) {
        append(history, i * 0.5, PUT, (uint64_t)i);
    }
    assert_int_equal(history_find(history, -1), 0);
    assert_int_equal(history_find(history, 0), 0);
    assert_int_equal(history_find(history, 10), 20);
    assert_int_equal(history_find(history, 10.01), 21);
    assert_int_equal(history_find(history, 49.5), 99);
    assert_int_equal(history_find(history, 49.51), 100);
}

/* The definition, one row at a time. */
static struct history_bin model_bin(const struct history *history, uint32_t id,
                                    enum history_form form, size_t from, size_t to) {
    struct history_bin bin = {0};
    for (size_t i = from; i < to; i++) {
        double number;
        if (!history_number(history, id, form, i, &number)) {
            continue;
        }
        bin.min = bin.count == 0 || number < bin.min ? number : bin.min;
        bin.max = bin.count == 0 || number > bin.max ? number : bin.max;
        bin.first = bin.count == 0 ? number : bin.first;
        bin.last = number;
        bin.sum += number;
        bin.count++;
    }
    return bin;
}

static void bins_compare(const struct history *history, enum history_form form, double t0,
                         double t1, size_t n) {
    struct history_bin *bins = calloc(n, sizeof(*bins));
    assert_non_null(bins);
    history_bins(history, PUT, form, t0, t1, n, bins);
    for (size_t i = 0; i < n; i++) {
        double from_s = i == 0 ? t0 : t0 + (t1 - t0) * ((double)i / (double)n);
        double to_s = i + 1 == n ? t1 : t0 + (t1 - t0) * ((double)(i + 1) / (double)n);
        size_t from = history_find(history, from_s), to = history_find(history, to_s);
        struct history_bin model = model_bin(history, PUT, form, from, to);
        assert_int_equal(bins[i].count, model.count);
        assert_true(bins[i].min == model.min && bins[i].max == model.max);
        assert_true(bins[i].first == model.first && bins[i].last == model.last);
        assert_true(fabs(bins[i].sum - model.sum) <= 1e-9 * fabs(model.sum));
    }
    struct history_bin all = model_bin(history, PUT, form, history_find(history, t0),
                                       history_find(history, nextafter(t1, INFINITY)));
    assert_true(history_max(history, PUT, form, t0, t1) == (all.count > 0 ? all.max : 0));
    free(bins);
}

/* Across blocks, and levels of the pyramid, that only a long run has. */
static void long_run_agrees_with_the_definition(void **state) {
    struct history *history = *state;
    double t = 0;
    uint64_t value = 0;
    for (int i = 0; i < 150000; i++) {
        t += 0.01 + random_unit() / 10;
        value += random_next() % 1000;
        if (random_next() % 9000 == 0) {
            history_append_gap(history, 3);
        }
        append(history, t, PUT, random_next() % 50000 == 0 ? 0 : value);
        if (i % 60000 == 0) {
            bins_compare(history, HISTORY_RATE, 0, t, 100);
        }
    }
    bins_compare(history, HISTORY_LEVEL, t * 0.1, t * 0.9, 7);
    bins_compare(history, HISTORY_RATE, 0, t, 1);
    bins_compare(history, HISTORY_RATE, t * 0.3, t * 0.31, 1280);
    bins_compare(history, HISTORY_RATE, 0, t, 10000);
}

static void bins_agree_with_the_definition_at_every_zoom(void **state) {
    struct history *history = *state;
    double t = 0;
    uint64_t value = 0;
    for (int round = 0; round < 12; round++) {
        /* Asked between appends too: the pyramids grow in pieces. */
        size_t more = random_next() % 1500;
        for (size_t i = 0; i < more; i++) {
            t += 0.01 + random_unit();
            value += random_next() % 1000;
            if (random_next() % 50 == 0) {
                history_append_gap(history, 3);
            }
            if (random_next() % 40 == 0) {
                append(history, t, MEM, 1); /* PUT is absent here */
            } else {
                append(history, t, PUT, random_next() % 500 == 0 ? 0 : value);
            }
        }
        for (int ask = 0; ask < 6; ask++) {
            double t0 = random_unit() * t * 1.2 - t * 0.1, t1 = t0 + random_unit() * t + 0.001;
            bins_compare(history, HISTORY_LEVEL, t0, t1, 1 + random_next() % 900);
            bins_compare(history, HISTORY_RATE, t0, t1, 1 + random_next() % 900);
        }
    }
}

static void spike_one_sample_wide_shows_at_any_zoom(void **state) {
    struct history *history = *state;
    for (int i = 0; i < 14400; i++) {
        append(history, i * 0.25, MEM, i == 7777 ? 1000000 : 10);
    }
    for (size_t n = 1; n < 3000; n = n * 3 + 1) {
        struct history_bin *bins = calloc(n, sizeof(*bins));
        assert_non_null(bins);
        history_bins(history, MEM, HISTORY_LEVEL, 0, 3600, n, bins);
        unsigned seen = 0;
        uint64_t rows = 0;
        for (size_t i = 0; i < n; i++) {
            seen += bins[i].count > 0 && bins[i].max == 1000000;
            rows += bins[i].count;
        }
        assert_int_equal(seen, 1);
        assert_int_equal(rows, 14400);
        free(bins);
    }
}

static void very_long_run_forgets_the_oldest_and_stays_right(void **state) {
    struct history *history = *state;
    history_set_bytes_max(history, 200000);
    const size_t rows = 100000;
    for (size_t i = 0; i < rows; i++) {
        if (i == rows - 100 || i == rows / 2) {
            history_append_gap(history, 1);
        }
        struct history_value values[] = {{PUT, i * 3}, {MEM, random_next()}};
        assert_true(history_append(history, (double)i, values, i < rows / 4 ? 1 : 2));
    }
    assert_true(history_count(history) < rows / 2);
    assert_true(history_count(history) > rows / 8);
    assert_true(history_start(history) > 0);
    assert_true(history_end(history) == (double)(rows - 1));
    bins_compare(history, HISTORY_RATE, history_start(history), (double)rows, 777);
    double number;
    size_t index = history_find(history, (double)(rows - 100));
    assert_false(history_number(history, PUT, HISTORY_RATE, index, &number));
    assert_true(history_number(history, PUT, HISTORY_RATE, index + 1, &number));
    assert_float_equal((float)number, 3, 1e-9F);
    uint64_t value = 0;
    assert_true(history_value_at(history, PUT, 0, &value));
    assert_int_equal(value, (uint64_t)history_start(history) * 3);
}

/* What a column may look like, so that every packing has its turn. */
static uint64_t column_next(unsigned kind, uint64_t value, size_t row) {
    switch (kind) {
    case 0:
        return 42;
    case 1:
        return value + 1000; /* rises evenly */
    case 2:
        return value + 5000 + random_next() % 64;
    case 3:
        return random_next() % 1000;
    case 4:
        return random_next();
    case 5:
        return row % 97 == 0 ? random_next() : value; /* jumps */
    case 6:
        return row % 50 == 0 ? 0 : value + random_next() % 20000; /* a saw-tooth */
    default:
        return UINT64_MAX - random_next() % 3;
    }
}

static void every_value_comes_back_whatever_it_looks_like(void **state) {
    struct history *history = *state;
    enum { KINDS = 8, ROWS = 5000 };
    static uint64_t sent[KINDS][ROWS];
    static bool known[KINDS][ROWS];
    double t = -3;
    static double times[ROWS];
    for (size_t row = 0; row < ROWS; row++) {
        struct history_value values[KINDS];
        size_t count = 0;
        for (unsigned kind = 0; kind < KINDS; kind++) {
            sent[kind][row] = column_next(kind, row == 0 ? 0 : sent[kind][row - 1], row);
            /* Whole blocks of presence, of absence, and mixed ones. */
            known[kind][row] = (row / 700 + kind) % 3 == 0 || random_next() % 4 != 0;
            known[kind][row] = known[kind][row] && (row / 1100 + kind) % 4 != 0;
            if (known[kind][row]) {
                values[count++] = (struct history_value){2000 + kind, sent[kind][row]};
            }
        }
        t += row % 1000 < 500 ? 0.25 : 0.001 + random_unit();
        times[row] = round(t * 1e9) / 1e9;
        assert_true(history_append(history, times[row], values, count));
    }
    for (size_t ask = 0; ask < 40000; ask++) {
        size_t row = ask < ROWS ? ask : random_next() % ROWS;
        unsigned kind = (unsigned)(random_next() % KINDS);
        uint64_t value = 0;
        assert_true(history_time(history, row) == times[row]);
        assert_int_equal(history_value_at(history, 2000 + kind, row, &value), known[kind][row]);
        if (known[kind][row]) {
            assert_int_equal(value, sent[kind][row]);
        }
    }
}

static void events_are_sorted_by_time_whatever_the_order_they_came_in(void **state) {
    struct history *history = *state;
    static const double times[] = {1, 3, 2, 2, 5, 0.5};
    for (uint32_t i = 0; i < 6; i++) {
        struct scope_event event = {.type = SCOPE_EVENT_FLUSH_END, .job = i};
        history_append_event(history, times[i], &event);
    }
    assert_int_equal(history_event_count(history), 6);
    for (size_t i = 1; i < 6; i++) {
        assert_true(history_event_time(history, i - 1) <= history_event_time(history, i));
    }
    assert_int_equal(history_event(history, 2)->job, 2); /* equal times: first come first */
    assert_int_equal(history_event(history, 3)->job, 3);
    assert_int_equal(history_event_find(history, 2), 2);
    assert_int_equal(history_event_find(history, 6), 6);
    assert_true(history_end(history) == 5);
}

static void histograms_come_back_as_they_went_in(void **state) {
    struct history *history = *state;
    static struct scope_histograms sent[40];
    for (int i = 0; i < 40; i++) {
        sent[i] = (struct scope_histograms){.time_ns = (uint64_t)i, .interval_ns = 1000000000};
        for (int k = 0; k < 200; k++) {
            sent[i].count[random_next() % SCOPE_HISTOGRAMS][random_next() % SCOPE_HIST_BUCKETS] =
                random_next() >> (random_next() % 64)
                                     << (random_next() % 8); /* of any size, and rounded ones */
        }
        sent[i].max_ns[i % SCOPE_HISTOGRAMS] = random_next();
        history_append_histograms(history, i + 1, &sent[i]);
    }
    assert_int_equal(history_histogram_count(history), 40);
    for (size_t i = 0; i < 40; i++) {
        double seconds = 0;
        const struct scope_histograms *got = history_histogram(history, i, &seconds);
        assert_memory_equal(got, &sent[i], sizeof(sent[i]));
        assert_true(seconds == (double)i + 1);
    }
    /* Several stay valid side by side. */
    const struct scope_histograms *one = history_histogram(history, 3, NULL);
    const struct scope_histograms *two = history_histogram(history, 9, NULL);
    assert_memory_equal(one, &sent[3], sizeof(sent[3]));
    assert_memory_equal(two, &sent[9], sizeof(sent[9]));
}

static void newest_shape_replaces_the_older_one(void **state) {
    struct history *history = *state;
    struct scope_table tables[100];
    memset(tables, 0, sizeof(tables));
    for (uint64_t i = 0; i < 100; i++) {
        tables[i].id = i;
        tables[i].level = (uint8_t)(i % 5);
    }
    struct scope_shape shape = {.time_ns = 1, .total = 100, .count = 100, .tables = tables};
    history_set_shape(history, &shape);
    assert_int_equal(history_shape(history)->count, 100);
    assert_int_equal(history_shape(history)->tables[42].id, 42);
    assert_ptr_not_equal(history_shape(history)->tables, tables);
    assert_int_equal(history_levels(history), 5);
    shape.count = 1;
    history_set_shape(history, &shape);
    assert_int_equal(history_shape(history)->count, 1);
}

static void levels_are_those_the_source_ever_named(void **state) {
    struct history *history = *state;
    append(history, 1, SCOPE_M_LEVEL_BYTES + 3, 0);
    assert_int_equal(history_levels(history), 4);
    append(history, 2, SCOPE_M_LEVEL_TABLES + 7, 0);
    assert_int_equal(history_levels(history), 8);
}

static void clear_forgets_everything(void **state) {
    struct history *history = *state;
    struct scope_event event = {.type = SCOPE_EVENT_MARKER};
    struct scope_shape shape = {.time_ns = 1};
    struct scope_histograms histograms = {.time_ns = 1};
    for (int i = 0; i < 100; i++) {
        append(history, i, PUT, 1);
    }
    history_append_gap(history, 1);
    history_append_event(history, 7, &event);
    history_append_histograms(history, 8, &histograms);
    history_set_shape(history, &shape);
    history_clear(history);
    empty_history_answers_everything_with_nothing(state);
    assert_int_equal(history_event_count(history), 0);
    assert_int_equal(history_histogram_count(history), 0);
    append(history, 0.5, PUT, 1);
    append(history, 1.0, PUT, 2);
    double number;
    assert_true(history_number(history, PUT, HISTORY_RATE, 1, &number));
    assert_float_equal(number, 2, 1e-9);
}

int main(void) {
    const char *given = getenv("LSM_TEST_SEED");
    seed = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    printf("repeat with: LSM_TEST_SEED=%llu history_test\n", (unsigned long long)seed);
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(empty_history_answers_everything_with_nothing),
        CASE(samples_that_are_not_newer_are_refused),
        CASE(rate_is_the_difference_over_the_distance),
        CASE(counter_that_steps_back_counts_from_zero),
        CASE(absent_is_not_zero),
        CASE(a_closing_sliver_has_no_rate_but_counts_when_more_follows),
        CASE(gap_breaks_the_rate_and_marks_its_bin),
        CASE(publishers_own_metrics_have_columns_too),
        CASE(find_gives_the_first_at_or_after),
        CASE(long_run_agrees_with_the_definition),
        CASE(bins_agree_with_the_definition_at_every_zoom),
        CASE(spike_one_sample_wide_shows_at_any_zoom),
        CASE(very_long_run_forgets_the_oldest_and_stays_right),
        CASE(every_value_comes_back_whatever_it_looks_like),
        CASE(events_are_sorted_by_time_whatever_the_order_they_came_in),
        CASE(histograms_come_back_as_they_went_in),
        CASE(newest_shape_replaces_the_older_one),
        CASE(levels_are_those_the_source_ever_named),
        CASE(clear_forgets_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
