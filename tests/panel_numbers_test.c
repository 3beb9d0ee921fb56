/* Numbers: how figures are written, which rows there are, and that they fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history.h"
#include "numbers_table.h"
#include "panel_stage.h"

static void check_figure(enum scope_unit unit, bool rate, double value, double most,
                         const char *expected) {
    struct scope_metric metric = {.id = 5000, .unit = unit, .name = "a.b", .help = ""};
    struct numbers_unit chosen = numbers_unit_for(&metric, rate, most);
    struct numbers_figure figure;
    char text[64];
    numbers_figure(value, &chosen, &figure);
    snprintf(text, sizeof text, "%s%s %s", figure.whole, figure.fraction, chosen.text);
    assert_string_equal(text, expected);
}

static void figures_take_the_unit_of_the_largest_of_their_row(void **state) {
    (void)state;
    check_figure(SCOPE_UNIT_OPS, true, 5023.4, 5120.0, "5\u2009023 /s");
    check_figure(SCOPE_UNIT_OPS, true, 9.996, 9.996, "10.0 /s");
    check_figure(SCOPE_UNIT_OPS, true, 0.25, 3.0, "0.25 /s");
    check_figure(SCOPE_UNIT_OPS, true, 99999.0, 99999.0, "99\u2009999 /s");
    check_figure(SCOPE_UNIT_OPS, true, 99999.6, 99999.6, "100 k/s");
    check_figure(SCOPE_UNIT_OPS, true, 1.25e6, 1.25e6, "1.25 M/s");
    check_figure(SCOPE_UNIT_COUNT, false, 3.0, 4.2, "3 "); /* counted: no .00 */
    check_figure(SCOPE_UNIT_COUNT, false, 2.46, 4.2, "2.46 ");
    check_figure(SCOPE_UNIT_BYTES, false, 1023.0, 1023.0, "1\u2009023 B");
    check_figure(SCOPE_UNIT_BYTES, false, 1024.0, 1024.0, "1.00 KiB");
    check_figure(SCOPE_UNIT_BYTES, false, 512.0 * 1024, 3.0 * 1024 * 1024, "0.50 MiB");
    check_figure(SCOPE_UNIT_BYTES, true, 55.5 * 1048576, 55.5 * 1048576, "55.5 MiB/s");
    check_figure(SCOPE_UNIT_NANOSECONDS, false, 52500.0, 52500.0, "52.5 µs");
    check_figure(SCOPE_UNIT_NANOSECONDS, true, 717000000.0, 717000000.0, "71.7 %");
    check_figure(SCOPE_UNIT_RATIO_PPM, false, 125000.0, 125000.0, "12.5 %");
    check_figure(SCOPE_UNIT_PER_SECOND, false, 20000.0, 20000.0, "20\u2009000 /s");
    check_figure(SCOPE_UNIT_NANOSECONDS, true, 0.0, 0.0, "0 %"); /* nothing is plainly nothing */
    check_figure(SCOPE_UNIT_COUNT, false, (double)NAN, 1.0, " ");
}

/* A figure never needs more room than its column has: six digits at most, with their gap. */
static void figures_of_any_magnitude_keep_their_width(void **state) {
    (void)state;
    for (int unit = SCOPE_UNIT_COUNT; unit <= SCOPE_UNIT_RATIO_PPM; unit++) {
        struct scope_metric metric = {.id = 5000, .unit = (enum scope_unit)unit, .name = "a"};
        for (double value = 0.003; value < 9e16; value *= 1.37) {
            if ((unit == SCOPE_UNIT_RATIO_PPM && value > 1e9) ||
                (unit == SCOPE_UNIT_NANOSECONDS && value > 1e12)) {
                break; /* a thousandfold, a thousand cores, a quarter of an hour */
            }
            for (int rate = 0; rate < 2; rate++) {
                struct numbers_unit chosen = numbers_unit_for(&metric, rate == 1, value);
                struct numbers_figure figure;
                numbers_figure(value, &chosen, &figure);
                size_t digits = 0;
                for (const char *c = figure.whole; *c != '\0'; c++) {
                    digits += *c >= '0' && *c <= '9' ? 1 : 0;
                }
                assert_in_range(digits, 1, 6);
                assert_true(strlen(figure.fraction) <= 3);
                double back = strtod(figure.fraction[0] != '\0' ? figure.fraction : "0", NULL);
                assert_true(back >= 0.0 && back < 1.0);
            }
        }
    }
}

static void check_label(const char *name, bool bare, const char *expected) {
    char text[64];
    numbers_label(name, bare, text, sizeof text);
    assert_string_equal(text, expected);
}

static void names_are_written_for_people(void **state) {
    (void)state;
    check_label("ops.scan_steps", false, "scan steps");
    check_label("stall.l0_slow", false, "stall L0 slow");
    check_label("stall.l0_slow", true, "L0 slow");
    check_label("wal.live_bytes", false, "WAL live bytes");
    check_label("process.cpu", false, "process CPU");
    check_label("process.rss", true, "memory");
    check_label("tables", true, "tables"); /* nothing would be left */
    check_label("", true, "");
    char small[8];
    numbers_label("compaction.bytes_written", false, small, sizeof small);
    assert_int_equal(strlen(small), 7);
}

static void names_are_shortened_by_design(void **state) {
    (void)state;
    char text[64] = "compaction bytes written";
    assert_true(numbers_shorten(text));
    assert_string_equal(text, "compaction written");
    assert_true(numbers_shorten(text));
    assert_string_equal(text, "comp. written");
    assert_true(numbers_shorten(text));
    assert_string_equal(text, "comp. writ.");
    assert_false(numbers_shorten(text));
    snprintf(text, sizeof text, "bytes");
    assert_false(numbers_shorten(text)); /* nothing would be left */
}

static void an_enumerated_value_is_told_as_a_word(void **state) {
    (void)state;
    struct scope_metric stall = {.id = SCOPE_M_STALL_ACTIVE, .unit = SCOPE_UNIT_ENUM};
    struct scope_metric backend = {.id = SCOPE_M_IO_BACKEND, .unit = SCOPE_UNIT_ENUM};
    const char *word = NULL;
    assert_true(numbers_word(&stall, 0.0, &word));
    assert_string_equal(word, "none");
    assert_true(numbers_word(&stall, SCOPE_STALL_L0_STOP, &word));
    assert_string_equal(word, scope_stall_name(SCOPE_STALL_L0_STOP));
    assert_true(numbers_word(&backend, 1.0, &word));
    assert_string_equal(word, "posix");
    assert_false(numbers_word(&backend, 7.0, &word));
    assert_false(numbers_word(&stall, -1.0, &word));
}

/* ---- rows ---------------------------------------------------------------------------------- */

static const struct numbers_row *find(const struct numbers_row *rows, size_t count, uint32_t id) {
    for (size_t i = 0; i < count; i++) {
        if (rows[i].metric->id == id) {
            return &rows[i];
        }
    }
    return NULL;
}

static void what_is_not_published_has_no_row(void **state) {
    (void)state;
    struct history *history = history_create();
    for (unsigned i = 0; i <= 20; i++) {
        struct history_value v[3] = {{SCOPE_M_OPS_PUT, i < 10 ? 100u * i : 1000u + 300u * (i - 10)},
                                     {SCOPE_M_MEMTABLE_BYTES, 4096u * (i % 5)},
                                     {SCOPE_M_STALLS, 0}};
        history_append(history, i * 0.5, v, 3);
    }
    struct panel_stage stage;
    static struct numbers_row rows[NUMBERS_ROWS_MAX];
    panel_stage_open(&stage, history, 400, 300, 1.0, THEME_DARK);
    size_t count = numbers_collect(&stage.scene, rows);
    assert_int_equal(count, 3);
    const struct numbers_row *put = find(rows, count, SCOPE_M_OPS_PUT);
    assert_non_null(put);
    assert_true(fabs(put->now - 600.0) < 1e-9 && fabs(put->total - 4000.0) < 1e-9);
    const struct numbers_row *zero = find(rows, count, SCOPE_M_STALLS);
    assert_non_null(zero);
    assert_true(fabs(zero->now) < 1e-9); /* known to be none, which is not unknown */
    struct numbers_row bytes = *find(rows, count, SCOPE_M_MEMTABLE_BYTES);
    assert_true(isnan(bytes.total) && isnan(bytes.mean)); /* a gauge counts nothing */
    numbers_row_span(&stage.scene, &bytes);
    assert_true(fabs(bytes.most - 16384.0) < 1e-9);
    assert_true(fabs(bytes.mean - 4096.0 * 40.0 / 21.0) < 1e-6);
    stage.scene.moment = 2.0; /* the crosshair */
    count = numbers_collect(&stage.scene, rows);
    put = find(rows, count, SCOPE_M_OPS_PUT);
    assert_true(fabs(put->now - 200.0) < 1e-9 && fabs(put->total - 400.0) < 1e-9);
    stage.scene.moment = -1.0; /* before the first sample */
    assert_int_equal(numbers_collect(&stage.scene, rows), 0);
    panel_stage_close(&stage);
    history_destroy(history);
}

/* A wait of 2.6 s is counted at its end: it filled the two intervals before that and a part of the
 * third. */
static void a_wait_fills_the_intervals_it_took_and_none_more_than_whole(void **state) {
    (void)state;
    struct history *history = history_create();
    for (unsigned i = 0; i <= 20; i++) {
        uint64_t held_ns = i < 10 ? 0 : UINT64_C(2600000000);
        held_ns += i < 15 ? 0 : UINT64_C(300000000);
        struct history_value v[2] = {{SCOPE_M_OPS_PUT, i}, {SCOPE_M_STALL_NS_L0_STOP, held_ns}};
        history_append(history, i, v, 2);
    }
    static const double expected[21] = {[8] = 0.6e9, [9] = 1e9, [10] = 1e9, [15] = 0.3e9};
    struct panel_stage stage;
    static struct numbers_row rows[NUMBERS_ROWS_MAX];
    panel_stage_open(&stage, history, 400, 300, 1.0, THEME_DARK);
    for (unsigned i = 1; i <= 20; i++) {
        stage.scene.moment = i;
        size_t count = numbers_collect(&stage.scene, rows);
        const struct numbers_row *row = find(rows, count, SCOPE_M_STALL_NS_L0_STOP);
        assert_non_null(row);
        assert_true(fabs(row->now - expected[i]) < 1.0);
    }
    size_t count = numbers_collect(&stage.scene, rows);
    struct numbers_row row = *find(rows, count, SCOPE_M_STALL_NS_L0_STOP);
    numbers_row_span(&stage.scene, &row);
    assert_true(fabs(row.most - 1e9) < 1.0);
    assert_true(fabs(row.mean - 2.9e9 / 20) < 1.0);
    panel_stage_close(&stage);
    history_destroy(history);
}

static struct history *full_history(void) {
    size_t metrics = 0;
    const struct scope_metric *metric = scope_builtin_metrics(&metrics);
    struct history *history = history_create();
    assert_true(metrics <= SCOPE_MAX_METRICS);
    for (uint64_t i = 0; i < 40; i++) {
        struct history_value v[SCOPE_MAX_METRICS];
        for (size_t k = 0; k < metrics; k++) {
            v[k] = (struct history_value){metric[k].id, (i + 1) * (k + 3) * (k % 7 + 1)};
        }
        history_append(history, (double)i * 0.25, v, metrics);
    }
    return history;
}

static void every_metric_has_a_row_or_a_place_among_the_levels(void **state) {
    (void)state;
    size_t metrics = 0;
    const struct scope_metric *metric = scope_builtin_metrics(&metrics);
    struct history *history = full_history();
    struct panel_stage stage;
    static struct numbers_row rows[NUMBERS_ROWS_MAX];
    panel_stage_open(&stage, history, 400, 300, 1.0, THEME_DARK);
    size_t count = numbers_collect(&stage.scene, rows), levels = 0;
    for (size_t i = 0; i < metrics; i++) {
        bool level = metric[i].id >= SCOPE_M_LEVEL_TABLES &&
                     metric[i].id < SCOPE_M_LEVEL_TARGET + SCOPE_MAX_LEVELS;
        levels += level ? 1 : 0;
        assert_true(level != (find(rows, count, metric[i].id) != NULL));
    }
    assert_int_equal(count + levels, metrics);
    for (size_t i = 1; i < count; i++) {
        assert_true(rows[i].group >= rows[i - 1].group); /* groups stand together */
        assert_true(rows[i].group != NUMBERS_OTHER);     /* the dictionary's own all have one */
    }
    panel_stage_close(&stage);
    history_destroy(history);
}

/* ---- fitting ------------------------------------------------------------------------------- */

static void check_items(const struct numbers_table *table, const struct rect *plot) {
    bool seen[NUMBERS_ROWS_MAX] = {false};
    size_t shown = 0, more = 0;
    for (size_t i = 0; i < table->items; i++) {
        const struct numbers_item *item = &table->item[i];
        double x = (table->width + NUMBERS_COLUMN_GAP) * (double)item->column;
        assert_true(item->y >= 0.0 && item->y + NUMBERS_LINE <= plot->h + 2.0 + 1e-6);
        assert_true(item->column == 0 || x + table->width <= plot->w + 1e-6);
        if (i > 0 && table->item[i - 1].column == item->column) {
            assert_true(item->y >= table->item[i - 1].y + NUMBERS_LINE - 1e-9);
            assert_true(item->kind != NUMBERS_HEADING || i + 1 < table->items);
        }
        if (item->kind == NUMBERS_HEADING) { /* never the last of its column */
            assert_int_equal(table->item[i + 1].column, item->column);
        }
        if (item->kind == NUMBERS_ROW) {
            assert_false(seen[item->row]);
            seen[item->row] = true;
            shown++;
        }
        more += item->kind == NUMBERS_MORE ? item->row : 0;
    }
    for (size_t i = 0; i < table->rows && shown < table->rows; i++) {
        for (size_t k = 0; k < table->rows; k++) { /* what is left out matters less */
            assert_false(!seen[i] && seen[k] && table->row[i].rank < table->row[k].rank);
        }
    }
    assert_true(shown + more >= table->rows || table->items <= 1); /* one line tells a figure */
    assert_true(shown > 0 || plot->h < NUMBERS_LINE);
    assert_true(shown < table->rows || more == 0);
}

static void rows_fit_or_the_least_important_are_counted(void **state) {
    (void)state;
    static const struct {
        int width, height;
        double scale;
        enum numbers_tier tier; /* at least */
    } places[] = {{240, 90, 1.0, NUMBERS_NOW},       {240, 90, 0.5, NUMBERS_NOW},
                  {470, 220, 1.0, NUMBERS_NOW},      {470, 680, 1.0, NUMBERS_NOW},
                  {1280, 720, 1.0, NUMBERS_SPANS},   {1920, 1080, 1.0, NUMBERS_TOTALS},
                  {3840, 2160, 1.0, NUMBERS_TOTALS}, {3840, 2160, 2.0, NUMBERS_TOTALS},
                  {3840, 120, 1.0, NUMBERS_NOW},     {150, 2160, 1.0, NUMBERS_NOW},
                  {60, 40, 1.0, NUMBERS_NOW}};
    struct history *history = full_history();
    static struct numbers_table table;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct panel_stage stage;
        struct panel_place place;
        panel_stage_open(&stage, history, places[i].width, places[i].height, places[i].scale,
                         THEME_DARK);
        panel_stage_place(&stage, &panel_numbers, &place);
        numbers_table_make(&stage.scene, &place, &table);
        check_items(&table, &place.plot);
        assert_true(table.tier >= places[i].tier);
        panel_stage_draw(&stage, &panel_numbers);
        panel_stage_close(&stage);
    }
    history_destroy(history);
}

static void the_pointer_is_told_what_a_row_means(void **state) {
    (void)state;
    struct history *history = full_history();
    struct panel_stage stage;
    struct panel_place place;
    struct panel_hover hover;
    panel_stage_open(&stage, history, 1280, 720, 1.0, THEME_DARK);
    panel_stage_place(&stage, &panel_numbers, &place);
    size_t told = 0;
    bool flushes = false;
    for (double x = place.plot.x + 4.0; x < place.plot.x + place.plot.w; x += 60.0) {
        for (double y = place.plot.y + 1.0; y < place.plot.y + place.plot.h; y += 6.0) {
            stage.scene.pointer = (struct point){x, y};
            if (!panel_numbers.hover(&stage.scene, &place, &hover)) {
                continue;
            }
            told++;
            assert_true(hover.lines >= 2 && hover.lines <= PANEL_HOVER_LINES);
            assert_true(y >= hover.at.y && y <= hover.at.y + hover.at.h);
            if (strcmp(hover.title, "flush.count") == 0) {
                flushes = true;
                assert_string_equal(hover.line[0].text, "memtables flushed to level 0");
            }
        }
    }
    assert_true(told > 100 && flushes);
    panel_stage_close(&stage);
    history_destroy(history);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_take_the_unit_of_the_largest_of_their_row),
        cmocka_unit_test(figures_of_any_magnitude_keep_their_width),
        cmocka_unit_test(names_are_written_for_people),
        cmocka_unit_test(names_are_shortened_by_design),
        cmocka_unit_test(an_enumerated_value_is_told_as_a_word),
        cmocka_unit_test(what_is_not_published_has_no_row),
        cmocka_unit_test(a_wait_fills_the_intervals_it_took_and_none_more_than_whole),
        cmocka_unit_test(every_metric_has_a_row_or_a_place_among_the_levels),
        cmocka_unit_test(rows_fit_or_the_least_important_are_counted),
        cmocka_unit_test(the_pointer_is_told_what_a_row_means),
    };
    return cmocka_run_group_tests_name("panel_numbers", tests, NULL, NULL);
}
