/* The tree panel: its arithmetic, what it counts, what it tells, and that nothing moves when
 * nothing may. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "canned_tree.h"
#include "panel.h"
#include "panel_layout.h"
#include "tree_layout.h"
#include "tree_motion.h"
#include "view.h"

static struct tree_layout layout;
static struct tree_bin bins[TREE_BINS_MAX];
static struct scope_table tables[SCOPE_MAX_TABLES];
static uint64_t seed;

static double chance(void) {
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return (double)((seed * 0x2545F4914F6CDD1Dull) >> 11) / 0x1p53;
}

static int seeded(void **state) {
    (void)state;
    const char *text = getenv("LSM_TEST_SEED");
    seed = text != NULL ? strtoull(text, NULL, 0) : 0x7ee;
    seed += seed == 0;
    print_message("seed 0x%llx\n", (unsigned long long)seed);
    return 0;
}

static struct scope_shape random_shape(size_t count, unsigned levels, bool overlapping) {
    for (size_t i = 0; i < count; i++) {
        double lo = chance(), wide = overlapping ? 0.2 * chance() : 0.5 / (double)count;
        tables[i] = (struct scope_table){.id = i + 1,
                                         .level = (uint8_t)(chance() * levels),
                                         .bytes = (uint64_t)(chance() * 1e7),
                                         .entries = 100,
                                         .tombstones = (uint64_t)(chance() * 100.0),
                                         .lo = (uint64_t)(lo * 1e18),
                                         .hi = (uint64_t)((lo + wide) * 1e18),
                                         .created_ns = (uint64_t)(chance() * 1e10)};
    }
    return (struct scope_shape){.count = count, .total = count, .tables = tables};
}

static struct tree_input input_of(const struct scope_shape *shape, double w, double h,
                                  unsigned levels) {
    return (struct tree_input){.shape = shape,
                               .plot = {40.0, 50.0, w, h},
                               .pixel = 1.0,
                               .memtables = true,
                               .deepest = levels - 1,
                               .l0_slots = 4.0,
                               .moment_ns = 10000000000ull,
                               .age_oldest_s = 30.0};
}

static void assert_inside(const struct rect *outer, double x0, double x1, double y0, double y1) {
    assert_true(x0 >= outer->x - 1e-6 && x1 <= outer->x + outer->w + 1e-6 && x1 >= x0);
    assert_true(y0 >= outer->y - 1e-6 && y1 <= outer->y + outer->h + 1e-6 && y1 >= y0);
}

static void rows_and_tables_lie_inside_the_plot_and_rows_never_overlap(void **state) {
    (void)state;
    static const double sizes[][2] = {{8, 16}, {60, 40}, {200, 120}, {640, 300}, {3800, 2000}};
    for (int round = 0; round < 60; round++) {
        const double *size = sizes[round % 5];
        unsigned levels = 2 + (unsigned)(chance() * 7.0);
        levels = levels > SCOPE_MAX_LEVELS ? SCOPE_MAX_LEVELS : levels;
        struct scope_shape shape = random_shape((size_t)(chance() * 900.0), levels, round % 2 == 0);
        struct tree_input input = input_of(&shape, size[0], size[1], levels);
        tree_layout_make(&input, &layout);
        double above = layout.sealed.y + layout.sealed.h;
        for (unsigned level = 0; level < layout.rows; level++) {
            const struct tree_row *row = &layout.row[level];
            assert_inside(&input.plot, row->box.x, row->box.x + row->box.w, row->box.y,
                          row->box.y + row->box.h);
            if (size[1] >= 120.0) {
                assert_true(row->box.y >= above);
                above = row->box.y + row->box.h;
            }
            assert_true(row->thin == (level > 0 && row->tables == 0));
        }
        for (size_t i = 0; i < shape.count; i++) {
            const struct tree_item *item = &layout.item[i];
            const struct tree_row *row = &layout.row[tables[i].level];
            assert_inside(&input.plot, item->x0, item->x1, row->box.y, row->box.y);
            if (!row->piled) {
                assert_inside(&row->box, item->x0, item->x1, item->y0, item->y1);
            }
        }
    }
}

static void tables_drawn_by_themselves_never_cover_each_other(void **state) {
    (void)state;
    for (int round = 0; round < 20; round++) {
        struct scope_shape shape = random_shape(40, 3, true);
        struct tree_input input = input_of(&shape, 900.0, 500.0, 3);
        tree_layout_make(&input, &layout);
        for (size_t i = 0; i < shape.count; i++) {
            for (size_t k = 0; k < i; k++) {
                const struct tree_item *a = &layout.item[i], *b = &layout.item[k];
                if (tables[i].level == tables[k].level && !a->narrow && !b->narrow &&
                    !layout.row[tables[i].level].piled) {
                    assert_true(a->x1 <= b->x0 || b->x1 <= a->x0 || a->y1 <= b->y0 + 1e-6 ||
                                b->y1 <= a->y0 + 1e-6);
                }
            }
        }
    }
}

static void keys_stay_in_order_from_left_to_right(void **state) {
    (void)state;
    struct scope_shape shape = random_shape(500, 2, false);
    struct tree_input input = input_of(&shape, 900.0, 500.0, 2);
    tree_layout_make(&input, &layout);
    for (size_t i = 1; i < shape.count; i++) {
        if (tables[i].lo >= tables[i - 1].lo) {
            assert_true(layout.item[i].x0 >= layout.item[i - 1].x0);
        } else {
            assert_true(layout.item[i].x0 <= layout.item[i - 1].x0);
        }
    }
}

static void a_larger_table_of_a_level_is_higher_and_a_younger_one_brighter(void **state) {
    (void)state;
    struct scope_shape shape = random_shape(2, 1, false);
    tables[0] = (struct scope_table){.level = 1, .bytes = 1000, .lo = 0, .hi = 100};
    tables[1] = (struct scope_table){
        .level = 1, .bytes = 2000, .lo = 200, .hi = 300, .created_ns = 9000000000ull};
    struct tree_input input = input_of(&shape, 400.0, 300.0, 2);
    tree_layout_make(&input, &layout);
    const struct tree_item *small = &layout.item[0], *large = &layout.item[1];
    double ratio = (large->y1 - large->y0) / (small->y1 - small->y0);
    assert_true(ratio > 1.9 && ratio < 2.1);
    assert_true(large->youth > small->youth);
    assert_true(large->y1 == small->y1);
}

static void columns_tell_of_every_table_that_is_not_drawn_exactly_once(void **state) {
    (void)state;
    for (int round = 0; round < 12; round++) {
        size_t count = round % 3 == 0 ? SCOPE_MAX_TABLES : (size_t)(chance() * 3000.0);
        double width = 100.0 + floor(chance() * 2000.0);
        struct scope_shape shape = random_shape(count, 5, round % 4 == 0);
        struct tree_input input = input_of(&shape, width, 400.0, 5);
        input.pixel = round % 2 == 0 ? 1.0 : 0.5;
        tree_layout_make(&input, &layout);
        size_t told = 0;
        for (unsigned level = 0; level < layout.rows; level++) {
            size_t columns = tree_layout_bins(&layout, &shape, level, bins);
            double bytes = 0.0;
            for (size_t i = 0; i < columns; i++) {
                told += bins[i].begun;
                bytes = fmax(bytes, bins[i].bytes);
                assert_true(bins[i].depth <= layout.row[level].tables);
                assert_true(bins[i].depth >= bins[i].begun);
            }
            assert_true(bytes <= (double)layout.row[level].bytes * 1.000001 + 1.0);
            for (size_t i = 0; i < count; i++) {
                told +=
                    tables[i].level == level && !layout.row[level].piled && !layout.item[i].narrow;
            }
        }
        assert_int_equal(told, count);
    }
}

static void the_pile_of_l0_grows_upward_with_age_and_becomes_columns_when_too_high(void **state) {
    (void)state;
    struct scope_shape shape = random_shape(3, 1, false);
    for (size_t i = 0; i < 3; i++) {
        tables[i].lo = 0;
        tables[i].hi = 1000;
        tables[i].created_ns = 1000 * (3 - i);
    }
    struct tree_input input = input_of(&shape, 400.0, 300.0, 2);
    tree_layout_make(&input, &layout);
    assert_true(layout.item[0].y1 <= layout.item[1].y0); /* the newest is on top */
    assert_true(layout.item[1].y1 <= layout.item[2].y0);
    assert_false(layout.row[0].piled);
    shape = random_shape(600, 1, true);
    tree_layout_make(&input, &layout);
    assert_true(layout.row[0].piled);
    size_t columns = tree_layout_bins(&layout, &shape, 0, bins), begun = 0;
    for (size_t i = 0; i < columns; i++) {
        begun += bins[i].begun;
    }
    assert_int_equal(begun, 600);
}

static void one_key_everywhere_and_one_giant_table_fill_the_width(void **state) {
    (void)state;
    struct scope_shape shape = random_shape(3, 1, false);
    for (size_t i = 0; i < 3; i++) {
        tables[i].lo = tables[i].hi = 5;
        tables[i].level = (uint8_t)i;
    }
    struct tree_input input = input_of(&shape, 400.0, 300.0, 3);
    tree_layout_make(&input, &layout);
    for (size_t i = 0; i < 3; i++) {
        assert_true(layout.item[i].x0 <= input.plot.x + 1.0);
        assert_true(layout.item[i].x1 >= input.plot.x + input.plot.w - 2.0);
    }
    shape = random_shape(1, 1, false);
    tables[0] = (struct scope_table){
        .level = 6, .bytes = UINT64_C(1) << 62, .entries = 1, .hi = UINT64_MAX};
    input = input_of(&shape, 400.0, 300.0, 7);
    tree_layout_make(&input, &layout);
    assert_true(layout.item[0].x1 - layout.item[0].x0 >= 398.0);
    assert_false(layout.row[6].thin);
    assert_true(layout.row[3].thin && layout.row[3].box.h < layout.row[6].box.h / 2.0);
}

/* ---- hits ------------------------------------------------------------------------------------ */

static void a_point_on_a_table_hits_it_and_a_point_between_hits_none(void **state) {
    (void)state;
    struct scope_shape shape = random_shape(120, 4, true);
    struct tree_input input = input_of(&shape, 1000.0, 600.0, 4);
    tree_layout_make(&input, &layout);
    size_t hits = 0;
    for (size_t i = 0; i < shape.count; i++) {
        const struct tree_item *item = &layout.item[i];
        if (item->narrow || layout.row[tables[i].level].piled) {
            continue;
        }
        struct point point = {(item->x0 + item->x1) / 2.0, (item->y0 + item->y1) / 2.0};
        struct tree_hit hit = tree_layout_hit(&layout, &shape, point);
        assert_int_equal(hit.kind, TREE_HIT_TABLE);
        assert_int_equal(hit.table, i);
        assert_inside(&hit.at, point.x, point.x, point.y, point.y);
        hits++;
    }
    assert_true(hits > 60);
    const struct rect *box = &layout.row[1].box;
    struct tree_hit none = tree_layout_hit(&layout, &shape, (struct point){60.0, box->y - 1.0});
    assert_int_equal(none.kind, TREE_HIT_NONE);
    none = tree_layout_hit(&layout, &shape, (struct point){5.0, box->y + 1.0});
    assert_int_equal(none.kind, TREE_HIT_NONE);
    struct tree_hit memory = tree_layout_hit(&layout, &shape, (struct point){60.0, 56.0});
    assert_int_equal(memory.kind, TREE_HIT_ACTIVE);
}

static void a_column_of_many_tables_is_hit_as_many(void **state) {
    (void)state;
    struct scope_shape shape = random_shape(8000, 1, false);
    for (size_t i = 0; i < shape.count; i++) {
        tables[i].level = 2;
    }
    struct tree_input input = input_of(&shape, 400.0, 400.0, 3);
    tree_layout_make(&input, &layout);
    size_t columns = tree_layout_bins(&layout, &shape, 2, bins);
    const struct rect *box = &layout.row[2].box;
    for (size_t i = 5; i < columns; i += 37) {
        struct point point = {input.plot.x + (double)i + 0.4, box->y + box->h / 2.0};
        struct tree_hit hit = tree_layout_hit(&layout, &shape, point);
        assert_int_equal(hit.tables, bins[i].depth);
        assert_int_equal(hit.kind, hit.tables > 1 ? TREE_HIT_TABLES : TREE_HIT_TABLE);
    }
}

/* ---- motion ---------------------------------------------------------------------------------- */

static const struct canned_tree busy = {
    .tables = {3, 9, 26, 40}, .job = true, .flush = true, .dropped = true};

static void a_running_job_flows_from_its_inputs_to_the_range_they_cover(void **state) {
    (void)state;
    static struct tree_motion motion;
    struct history *history = canned_tree(&busy);
    const struct scope_shape *shape = history_shape_at(history, CANNED_TREE_SECONDS);
    assert_non_null(shape);
    tree_motion_read(history, shape, CANNED_TREE_SECONDS, CANNED_TREE_SECONDS, false, &motion);
    size_t found = 0;
    for (size_t i = 0; i < motion.jobs; i++) {
        struct tree_flow flow;
        if (motion.job[i].flush || !motion.job[i].running) {
            continue;
        }
        found++;
        assert_int_equal(motion.job[i].number, 41);
        assert_true(tree_motion_flow(&motion, i, shape, &flow));
        assert_int_equal(flow.inputs, motion.job[i].inputs);
        assert_true(flow.to_lo <= flow.from_lo && flow.to_hi >= flow.from_hi);
    }
    assert_int_equal(found, 1);
    assert_true(motion.has_last && motion.last.number == 40);
    history_destroy(history);
}

static void a_change_settles_within_its_time_and_not_at_all_when_settled(void **state) {
    (void)state;
    static struct tree_motion motion;
    struct history *history = canned_tree(&busy);
    const struct scope_shape *shape = history_shape_at(history, CANNED_TREE_SECONDS);
    double end = CANNED_TREE_SECONDS;
    tree_motion_read(history, shape, end, end, false, &motion);
    assert_int_equal(motion.changes, 1);
    assert_int_equal(motion.change[0].kind, TREE_DROPPED);
    assert_true(fabs(motion.change[0].progress - 0.06 / TREE_SETTLE_S) < 1e-6);
    tree_motion_read(history, shape, end, end, true, &motion);
    assert_int_equal(motion.changes, 0);
    assert_true(TREE_SETTLE_S <= 0.2);
    tree_motion_read(history, shape, end, end + TREE_SETTLE_S, false, &motion);
    assert_int_equal(motion.changes, 0);
    history_destroy(history);
}

/* ---- the panel in a view --------------------------------------------------------------------- */

static struct canvas *make_canvas(int width, int height) {
    char error[256];
    struct canvas *canvas = canvas_raster_create(width, height, 1.0, NULL, error, sizeof error);
    assert_non_null(canvas);
    return canvas;
}

static void tree_view(struct view *view, const struct history *history) {
    view_init(view, history, THEME_DARK);
    view->panels = 1;
    view->panel[0] = &panel_tree;
    view->status.state = VIEW_LIVE;
    view->status.elapsed_s = CANNED_TREE_SECONDS;
}

static uint64_t digest(struct canvas *canvas) {
    int width, height, stride;
    const uint32_t *pixels = canvas_pixels(canvas, &width, &height, &stride);
    uint64_t sum = 1469598103934665603ull;
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            sum = (sum ^ pixels[(size_t)y * (size_t)(stride / 4) + (size_t)x]) * 1099511628211ull;
        }
    }
    return sum;
}

static void it_moves_only_while_something_runs_and_never_when_still(void **state) {
    (void)state;
    struct history *moving = canned_tree(&busy);
    struct history *quiet = canned_tree(&(struct canned_tree){.tables = {3, 9, 26, 40}});
    struct canvas *canvas = make_canvas(800, 500);
    struct view view;
    tree_view(&view, moving);
    view.frame_exact = true;
    assert_false(view_draw(&view, canvas));
    uint64_t before = digest(canvas);
    view.clock_s += 3.7;
    view.status.elapsed_s += 0.4;
    assert_false(view_draw(&view, canvas));
    assert_true(digest(canvas) == before);
    view.frame_exact = false;
    assert_true(view_draw(&view, canvas));
    before = digest(canvas);
    view.status.elapsed_s += 0.25;
    assert_true(view_draw(&view, canvas));
    assert_true(digest(canvas) != before);
    tree_view(&view, quiet);
    assert_false(view_draw(&view, canvas));
    canvas_destroy(canvas);
    history_destroy(moving);
    history_destroy(quiet);
}

/* What the panel tells at a point. */
static bool told_at(const struct history *history, struct canvas *canvas, double x, double y,
                    struct panel_hover *found, struct panel_place *place) {
    bool moved = false;
    struct scene scene = {.canvas = canvas,
                          .theme = theme_get(THEME_DARK),
                          .history = history,
                          .t0 = 0.0,
                          .t1 = CANNED_TREE_SECONDS,
                          .until = CANNED_TREE_SECONDS,
                          .moment = CANNED_TREE_SECONDS,
                          .has_newest = true,
                          .still = true,
                          .moving = &moved,
                          .has_pointer = true,
                          .pointer = {x, y}};
    place->frame = (struct rect){8.0, 44.0, 784.0, 448.0};
    place->header = (struct rect){24.0, 44.0, 752.0, 34.0};
    place->plot = (struct rect){60.0, 78.0, 620.0, 402.0};
    place->labels = (struct rect){692.0, 78.0, 84.0, 402.0};
    return panel_tree.hover(&scene, place, found);
}

static void hover_names_the_table_with_its_numbers_and_its_job(void **state) {
    (void)state;
    struct history *history = canned_tree(&busy);
    struct canvas *canvas = make_canvas(800, 500);
    struct panel_hover found;
    struct panel_place place;
    size_t tables_told = 0, jobs = 0, memtables = 0;
    for (double y = 80.0; y < 470.0; y += 7.0) {
        for (double x = 62.0; x < 680.0; x += 11.0) {
            if (!told_at(history, canvas, x, y, &found, &place)) {
                continue;
            }
            assert_true(found.lines > 0 && found.lines <= PANEL_HOVER_LINES);
            assert_inside(&place.frame, found.at.x, found.at.x + found.at.w, found.at.y,
                          found.at.y + found.at.h);
            tables_told += strstr(found.title, ".sst") != NULL;
            memtables += strcmp(found.title, "memtables") == 0;
            for (size_t i = 0; i < found.lines; i++) {
                jobs += strcmp(found.line[i].name, "job") == 0 &&
                        strstr(found.line[i].text, "job 41") != NULL;
            }
        }
    }
    assert_true(tables_told > 100 && jobs > 3 && memtables > 10);
    assert_false(told_at(history, canvas, 62.0, 475.0, &found, &place));
    canvas_destroy(canvas);
    history_destroy(history);
}

static uint32_t pixel_at(struct canvas *canvas, int x, int y) {
    int width, height, stride;
    const uint32_t *pixels = canvas_pixels(canvas, &width, &height, &stride);
    return pixels[(size_t)y * (size_t)(stride / 4) + (size_t)x];
}

/* Every size, every kind of tree: nothing is drawn outside the panel, and nothing breaks. */
static void any_tree_at_any_size_stays_inside_its_panel(void **state) {
    (void)state;
    static const struct canned_tree trees[] = {
        {.tables = {0}},
        {.tables = {2}},
        {.tables = {400, 1}, .job = true},
        {.tables = {3, 9, 26, 40}, .job = true, .flush = true, .dropped = true},
        {.tables = {1, 2, 3}, .one_key = true, .job = true},
        {.tables = {2, 12, 60}, .tiered = true, .no_memtables = true},
        {.tables = {5, 100, 1000, 6000}, .total = 99999, .job = true},
        {.tables = {0, 0, 0, 0, 0, 0, 0, 1}},
    };
    static const int sizes[][2] = {{200, 120}, {90, 60}, {333, 900}, {900, 130}, {1280, 720}};
    for (size_t t = 0; t < sizeof trees / sizeof trees[0]; t++) {
        struct history *history = canned_tree(&trees[t]);
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
            int width = sizes[s][0], height = sizes[s][1];
            struct canvas *canvas = make_canvas(width + 40, height + 40);
            struct color paper = {1.0f, 0.0f, 1.0f, 1.0f};
            canvas_clear(canvas, paper);
            bool moved = false;
            struct point points[8];
            size_t room = (size_t)width + 64;
            struct canvas_column *columns = calloc(3 * room, sizeof *columns);
            struct scene scene = {.canvas = canvas,
                                  .theme = theme_get(THEME_LIGHT),
                                  .history = history,
                                  .t1 = CANNED_TREE_SECONDS,
                                  .until = CANNED_TREE_SECONDS,
                                  .moment = CANNED_TREE_SECONDS,
                                  .live_s = CANNED_TREE_SECONDS,
                                  .has_newest = true,
                                  .moving = &moved,
                                  .columns_max = room,
                                  .points = points,
                                  .columns = columns};
            double w = width, h = height;
            struct panel_place place = {
                .frame = {20.0, 20.0, w, h},
                .header = {36.0, 20.0, w - 32.0, 26.0},
                .plot = {66.0, 46.0, fmax(16.0, w - 170.0), fmax(16.0, h - 34.0)},
                .labels = {20.0 + w - 100.0, 46.0, 84.0, h - 34.0}};
            panel_tree.draw(&scene, &place, 0.0);
            uint32_t clear = pixel_at(canvas, 0, 0);
            for (int y = 0; y < height + 40; y++) {
                for (int x = 0; x < width + 40; x++) {
                    bool in = x >= 20 && x < width + 20 && y >= 20 && y < height + 20;
                    assert_true(in || pixel_at(canvas, x, y) == clear);
                }
            }
            free(columns);
            canvas_destroy(canvas);
        }
        history_destroy(history);
    }
}

static void the_corner_tells_the_running_job_else_the_last_one_else_idle(void **state) {
    (void)state;
    struct history *history = canned_tree(&busy);
    char text[96] = "";
    struct color color;
    struct scene scene = {.theme = theme_get(THEME_DARK),
                          .history = history,
                          .t1 = CANNED_TREE_SECONDS,
                          .until = CANNED_TREE_SECONDS,
                          .moment = CANNED_TREE_SECONDS,
                          .has_newest = true};
    panel_tree.corner(&scene, text, sizeof text, &color);
    assert_non_null(strstr(text, "L1 → L2"));
    history_destroy(history);
    history = canned_tree(&(struct canned_tree){.tables = {3, 9, 26}});
    scene.history = history;
    panel_tree.corner(&scene, text, sizeof text, &color);
    assert_string_equal(text, "L0 → L1  6 in, 5 out, 198 MiB/s");
    history_append(history, CANNED_TREE_SECONDS + 30.0, &(struct history_value){SCOPE_M_OPS_PUT, 1},
                   1);
    scene.moment = scene.until = CANNED_TREE_SECONDS + 30.0;
    panel_tree.corner(&scene, text, sizeof text, &color);
    assert_string_equal(text, "idle");
    history_destroy(history);
}

static void a_source_without_tables_says_so(void **state) {
    (void)state;
    struct history *history = history_create();
    history_append(history, 1.0, &(struct history_value){SCOPE_M_OPS_PUT, 1}, 1);
    struct scene scene = {.history = history};
    assert_false(panel_tree.present(&scene));
    assert_non_null(strstr(panel_tree.absent, "does not publish"));
    history_destroy(history);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_and_tables_lie_inside_the_plot_and_rows_never_overlap),
        cmocka_unit_test(tables_drawn_by_themselves_never_cover_each_other),
        cmocka_unit_test(keys_stay_in_order_from_left_to_right),
        cmocka_unit_test(a_larger_table_of_a_level_is_higher_and_a_younger_one_brighter),
        cmocka_unit_test(columns_tell_of_every_table_that_is_not_drawn_exactly_once),
        cmocka_unit_test(the_pile_of_l0_grows_upward_with_age_and_becomes_columns_when_too_high),
        cmocka_unit_test(one_key_everywhere_and_one_giant_table_fill_the_width),
        cmocka_unit_test(a_point_on_a_table_hits_it_and_a_point_between_hits_none),
        cmocka_unit_test(a_column_of_many_tables_is_hit_as_many),
        cmocka_unit_test(a_running_job_flows_from_its_inputs_to_the_range_they_cover),
        cmocka_unit_test(a_change_settles_within_its_time_and_not_at_all_when_settled),
        cmocka_unit_test(it_moves_only_while_something_runs_and_never_when_still),
        cmocka_unit_test(hover_names_the_table_with_its_numbers_and_its_job),
        cmocka_unit_test(any_tree_at_any_size_stays_inside_its_panel),
        cmocka_unit_test(the_corner_tells_the_running_job_else_the_last_one_else_idle),
        cmocka_unit_test(a_source_without_tables_says_so),
    };
    return cmocka_run_group_tests_name("panel_tree", tests, seeded, NULL);
}
