/* Jobs paired from events, joined into bars, and what the compactions panel says of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gantt.h"
#include "gantt_words.h"
#include "marks.h"
#include "panel_scene.h"
#include "tree_run.h"

enum { BARS_MAX = 1 << 16 };
static struct gantt_bar bars[BARS_MAX];
static uint64_t seed;

static double random_unit(void) { /* xorshift64* */
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return (double)((seed * 0x2545F4914F6CDD1Dull) >> 11) / 0x1p53;
}

static int seed_it(void **state) {
    (void)state;
    const char *text = getenv("LSM_TEST_SEED");
    seed = text != NULL ? strtoull(text, NULL, 0) : 0x5eed;
    seed = seed != 0 ? seed : 1;
    print_message("seed: LSM_TEST_SEED=%llu tests/panel_compactions_test\n",
                  (unsigned long long)seed);
    return 0;
}

static struct scope_event event_of(enum scope_event_type type, uint32_t job, uint8_t from,
                                   double t) {
    struct scope_event event = {.type = type, .job = job, .level_from = from};
    bool flush = type == SCOPE_EVENT_FLUSH_BEGIN || type == SCOPE_EVENT_FLUSH_END;
    event.level_to = (uint8_t)(flush ? 0 : from + 1);
    event.time_ns = (uint64_t)(t * 1e9);
    return event;
}

static void tell(struct history *history, enum scope_event_type type, uint32_t job, uint8_t from,
                 double t) {
    struct scope_event event = event_of(type, job, from, t);
    history_append_event(history, t, &event);
}

static struct history *empty_history(void) {
    struct history *history = history_create();
    assert_non_null(history);
    return history;
}

static struct gantt_frame frame_of(const struct history *history, double t0, double t1,
                                   double until, double pixel_s) {
    struct gantt_frame frame = {.bar = bars, .bars_max = BARS_MAX};
    gantt_collect(gantt_jobs(history), t0, t1, until, pixel_s, &frame);
    return frame;
}

/* ---- pairing --------------------------------------------------------------------------------- */

static void a_job_waits_runs_and_is_done(void **state) {
    (void)state;
    struct history *history = empty_history();
    tell(history, SCOPE_EVENT_COMPACT_SCHEDULED, 5, 1, 1.0);
    tell(history, SCOPE_EVENT_COMPACT_BEGIN, 5, 1, 2.0);
    tell(history, SCOPE_EVENT_COMPACT_END, 5, 1, 4.0);
    const struct gantt *gantt = gantt_jobs(history);
    assert_int_equal(gantt->count, 1);
    enum gantt_state now;
    assert_false(gantt_state_at(&gantt->job[0], 0.5, &now));
    assert_true(gantt_state_at(&gantt->job[0], 1.5, &now) && now == GANTT_WAITING);
    assert_true(gantt_state_at(&gantt->job[0], 3.0, &now) && now == GANTT_RUNNING);
    assert_true(gantt_state_at(&gantt->job[0], 4.0, &now) && now == GANTT_DONE);
    /* The past looks as it did: the same job open in one frame, closed in another. */
    struct gantt_frame then = frame_of(history, 0.0, 5.0, 3.0, 0.01);
    assert_int_equal(then.lane[0].running, 1);
    bool open = false;
    for (size_t i = 0; i < then.bars; i++) {
        open = open || (then.bar[i].open && !then.bar[i].waiting && then.bar[i].t1 <= 3.0);
    }
    assert_true(open);
    assert_int_equal(frame_of(history, 0.0, 5.0, 5.0, 0.01).lane[0].running, 0);
    history_destroy(history);
}

static void an_end_alone_is_a_job_with_its_duration(void **state) {
    (void)state;
    struct history *history = empty_history();
    struct scope_event end = event_of(SCOPE_EVENT_FLUSH_END, 9, 0, 3.0);
    end.u.job_info.duration_ns = 500000000;
    history_append_event(history, 3.0, &end);
    const struct gantt *gantt = gantt_jobs(history);
    assert_int_equal(gantt->count, 1);
    assert_true(fabs(gantt->job[0].begin - 2.5) < 1e-9);
    /* It is found although only its end was told after the stretch. */
    assert_int_equal(frame_of(history, 2.4, 2.7, 10.0, 0.001).lane[0].jobs, 1);
    assert_true(frame_of(history, 2.4, 2.7, 10.0, 0.001).lane[0].measured);
    history_clear(history); /* a CSV tells no more than that it was */
    tell(history, SCOPE_EVENT_FLUSH_END, 10, 0, 4.0);
    assert_int_equal(frame_of(history, 3.0, 5.0, 10.0, 0.001).lane[0].jobs, 1);
    assert_false(frame_of(history, 3.0, 5.0, 10.0, 0.001).lane[0].measured);
    history_destroy(history);
}

static void jobs_of_one_lane_that_run_together_have_rows(void **state) {
    (void)state;
    struct history *history = empty_history();
    tell(history, SCOPE_EVENT_COMPACT_BEGIN, 1, 1, 1.0);
    tell(history, SCOPE_EVENT_COMPACT_BEGIN, 2, 1, 1.5);
    tell(history, SCOPE_EVENT_COMPACT_END, 1, 1, 2.0);
    tell(history, SCOPE_EVENT_COMPACT_BEGIN, 3, 1, 2.5);
    tell(history, SCOPE_EVENT_COMPACT_END, 2, 1, 3.0);
    tell(history, SCOPE_EVENT_COMPACT_END, 3, 1, 3.5);
    const struct gantt *gantt = gantt_jobs(history);
    assert_int_equal(gantt->job[0].row, 0);
    assert_int_equal(gantt->job[1].row, 1);
    assert_int_equal(gantt->job[2].row, 0); /* the first row is free again */
    assert_int_equal(frame_of(history, 0.0, 5.0, 5.0, 0.01).lane[0].rows, 2);
    history_destroy(history);
}

static void only_a_move_is_a_move(void **state) {
    (void)state;
    struct scope_event end = event_of(SCOPE_EVENT_COMPACT_END, 1, 2, 1.0);
    end.u.job_info.inputs = end.u.job_info.outputs = 1;
    end.u.job_info.bytes_in = end.u.job_info.bytes_out = 1000;
    end.u.job_info.entries_in = end.u.job_info.entries_out = 10;
    assert_true(gantt_is_move(&end));
    end.u.job_info.bytes_out = 999;
    assert_false(gantt_is_move(&end));
    end.u.job_info.bytes_out = 1000;
    end.u.job_info.status = -5;
    assert_false(gantt_is_move(&end));
    end.u.job_info.status = 0;
    end.level_to = end.level_from; /* merged within its level */
    assert_false(gantt_is_move(&end));
}

static void same_jobs(const struct gantt *a, const struct gantt *b) {
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        assert_int_equal(a->job[i].job, b->job[i].job);
        assert_int_equal(a->job[i].row, b->job[i].row);
        assert_true(fabs(a->job[i].known - b->job[i].known) < 1e-12);
        assert_true(isnan(a->job[i].end) ? isnan(b->job[i].end)
                                         : fabs(a->job[i].end - b->job[i].end) < 1e-12);
    }
}

/* Asked after every event, with events that arrive late, as once at the end. */
static void pairing_bit_by_bit_is_pairing_at_once(void **state) {
    (void)state;
    struct history *slowly = empty_history(), *at_once = empty_history();
    double t = 0.0;
    for (uint32_t i = 0; i < 3000; i++) {
        static const enum scope_event_type types[] = {
            SCOPE_EVENT_COMPACT_SCHEDULED, SCOPE_EVENT_COMPACT_BEGIN, SCOPE_EVENT_COMPACT_END,
            SCOPE_EVENT_FLUSH_BEGIN,       SCOPE_EVENT_FLUSH_END,     SCOPE_EVENT_TABLE_ADD};
        enum scope_event_type type = types[(size_t)(random_unit() * 6.0)];
        t += random_unit() * 0.01;
        double at = random_unit() < 0.05 ? t - 0.015 : t; /* some are stamped before others */
        uint32_t job = 1 + i / 8 + (uint32_t)(random_unit() * 4.0);
        uint8_t from = (uint8_t)(random_unit() * 3.0);
        tell(slowly, type, job, from, at);
        tell(at_once, type, job, from, at);
        assert_non_null(gantt_jobs(slowly));
    }
    same_jobs(gantt_jobs(slowly), gantt_jobs(at_once));
    history_clear(slowly);
    assert_int_equal(gantt_jobs(slowly)->count, 0);
    history_destroy(slowly);
    history_destroy(at_once);
}

/* ---- bars ------------------------------------------------------------------------------------ */

struct sums {
    size_t jobs, running;
    double busy, bytes_out;
};

/* What a stretch holds, by looking at every job. */
static struct sums brute(const struct gantt *gantt, double t0, double t1, double until) {
    struct sums s = {0};
    for (size_t i = 0; i < gantt->count; i++) {
        const struct gantt_job *job = &gantt->job[i];
        double end = job->end <= until ? job->end : until;
        if (job->known > until || isnan(job->begin) || job->begin > until || job->dropped ||
            end < t0 || job->begin > t1) {
            continue;
        }
        double inside = fmax(0.0, fmin(end, t1) - fmax(job->begin, t0));
        s.jobs++;
        s.running += !(job->end <= until);
        s.busy += inside;
        if (job->end <= until && !job->moved) {
            s.bytes_out +=
                (double)job->bytes_out * (end > job->begin ? inside / (end - job->begin) : 1.0);
        }
    }
    return s;
}

static void joining_loses_no_job(void **state) {
    (void)state;
    struct tree_run_options options = {120.0, 0.25, seed, false, false};
    struct history *history = tree_run(&options);
    const struct gantt *gantt = gantt_jobs(history);
    assert_true(gantt->count > 500);
    for (int round = 0; round < 300; round++) {
        double t0 = random_unit() * 110.0 - 5.0, t1 = t0 + pow(10.0, random_unit() * 4.0 - 2.0);
        double until = random_unit() < 0.5 ? 120.0 : t0 + random_unit() * (t1 - t0);
        double pixel_s = (t1 - t0) / (20.0 + random_unit() * 2000.0);
        struct gantt_frame frame = frame_of(history, t0, t1, until, pixel_s);
        struct sums wanted = brute(gantt, t0, t1, until), bars_have = {0}, lanes_have = {0};
        for (size_t i = 0; i < frame.bars; i++) {
            bars_have.jobs += frame.bar[i].waiting ? 0 : frame.bar[i].count;
            bars_have.busy += frame.bar[i].waiting ? 0.0 : (double)frame.bar[i].busy_s;
        }
        for (size_t i = 0; i < frame.lanes; i++) {
            lanes_have.jobs += frame.lane[i].jobs;
            lanes_have.running += frame.lane[i].running;
            lanes_have.busy += frame.lane[i].busy_s;
            lanes_have.bytes_out += frame.lane[i].bytes_out;
        }
        assert_int_equal(bars_have.jobs, wanted.jobs);
        assert_int_equal(lanes_have.jobs, wanted.jobs);
        assert_int_equal(lanes_have.running, wanted.running);
        assert_true(fabs(bars_have.busy - wanted.busy) <= 1e-4 * (1.0 + wanted.busy));
        assert_true(fabs(lanes_have.busy - wanted.busy) <= 1e-9 * (1.0 + wanted.busy));
        assert_true(fabs(lanes_have.bytes_out - wanted.bytes_out) <= 1e-6 * wanted.bytes_out + 1.0);
    }
    history_destroy(history);
}

static void joined_stalls_know_how_long_they_were(void **state) {
    (void)state;
    static struct marks marks;
    struct history *history = empty_history();
    for (unsigned i = 0; i < 2000; i++) { /* a hundredth of each second */
        struct scope_event end = {.type = SCOPE_EVENT_STALL_END};
        end.u.stall.cause = SCOPE_STALL_INLINE;
        end.u.stall.duration_ns = 10000000;
        history_append_event(history, i + 1.0, &end);
    }
    marks_collect(history, 0.0, 2000.0, 2000.0, 2.0, &marks);
    assert_in_range(marks.stalls, 1, 1000);
    double busy = 0.0;
    unsigned count = 0;
    for (size_t i = 0; i < marks.stalls; i++) {
        assert_true(marks.stall[i].busy_s <= marks.stall[i].t1 - marks.stall[i].t0 + 1e-9);
        busy += marks.stall[i].busy_s;
        count += marks.stall[i].count;
    }
    assert_int_equal(count, 2000);
    assert_true(fabs(busy - 20.0) < 0.01);
    history_destroy(history);
}

static void an_hour_of_sixty_thousand_events_becomes_no_more_bars_than_pixels(void **state) {
    (void)state;
    struct history *history = empty_history();
    for (uint32_t i = 0; i < 20000; i++) {
        double t = 0.18 * i;
        tell(history, SCOPE_EVENT_COMPACT_SCHEDULED, i, (uint8_t)(i % 4), t);
        tell(history, SCOPE_EVENT_COMPACT_BEGIN, i, (uint8_t)(i % 4), t + 0.01);
        tell(history, SCOPE_EVENT_COMPACT_END, i, (uint8_t)(i % 4), t + 0.05);
    }
    const double columns = 1000.0;
    struct gantt_frame frame = frame_of(history, 0.0, 3600.0, 3600.0, 3600.0 / columns);
    size_t jobs = 0;
    assert_int_equal(frame.lanes, 4);
    assert_true((double)frame.bars <= 4.0 * (columns + 1.0));
    for (size_t i = 0; i < frame.bars; i++) {
        jobs += frame.bar[i].count;
    }
    assert_int_equal(jobs, 20000);
    /* Too little room for all bars: they are joined further, none is lost. */
    frame = (struct gantt_frame){.bar = bars, .bars_max = 100};
    gantt_collect(gantt_jobs(history), 0.0, 3600.0, 3600.0, 1.0, &frame);
    jobs = 0;
    for (size_t i = 0; i < frame.bars; i++) {
        jobs += frame.bar[i].count;
    }
    assert_int_equal(jobs, 20000);
    history_destroy(history);
}

static void lanes_keep_their_places_and_their_order(void **state) {
    (void)state;
    struct history *history = empty_history();
    tell(history, SCOPE_EVENT_COMPACT_BEGIN, 1, 2, 1.0);
    tell(history, SCOPE_EVENT_COMPACT_END, 1, 2, 1.1);
    tell(history, SCOPE_EVENT_COMPACT_BEGIN, 2, 0, 2.0);
    tell(history, SCOPE_EVENT_COMPACT_END, 2, 0, 2.1);
    tell(history, SCOPE_EVENT_FLUSH_BEGIN, 3, 0, 3.0);
    tell(history, SCOPE_EVENT_FLUSH_END, 3, 0, 3.1);
    struct gantt_frame frame = frame_of(history, 2.9, 3.2, 4.0, 0.001);
    assert_int_equal(frame.lanes, 3);
    assert_true(frame.lane[0].flush);
    assert_int_equal(frame.lane[1].from, 0);
    assert_int_equal(frame.lane[2].from, 2);
    assert_int_equal(frame.lane[2].jobs, 0); /* nothing in the stretch, and its place is kept */
    assert_int_equal(frame_of(history, 0.0, 4.0, 1.5, 0.001).lanes, 1); /* as it was then */
    history_destroy(history);
}

static void a_job_just_told_of_has_not_run_for_0_ns(void **state) {
    (void)state;
    struct gantt_job job = {.flush = true, .begin = 5.0, .end = (double)NAN};
    char text[96];
    gantt_running_words(&job, 1, 5.0, text, sizeof text);
    assert_string_equal(text, "flush begins");
    gantt_running_words(&job, 1, 7.5, text, sizeof text);
    assert_string_equal(text, "flush running 2.50 s");
    gantt_running_words(&job, 2, 7.5, text, sizeof text);
    assert_string_equal(text, "2 running");
}

/* Who comes late is told numbers of everything, and events of the last part only. */
static void jobs_whose_events_are_gone_are_not_idleness(void **state) {
    (void)state;
    for (uint64_t lost = 0; lost < 2; lost++) {
        struct history *history = empty_history();
        for (uint64_t i = 0; i <= 20; i++) {
            struct history_value value = {SCOPE_M_FLUSHES, lost * i + (i > 12 ? 1 : 0)};
            assert_true(history_append(history, 0.5 * (double)i, &value, 1));
        }
        assert_true(gantt_lost_until(history) < 0.0);
        tell(history, SCOPE_EVENT_FLUSH_BEGIN, 1, 0, 6.1);
        tell(history, SCOPE_EVENT_FLUSH_END, 1, 0, 6.2);
        assert_true(lost != 0 ? fabs(gantt_lost_until(history) - 6.1) < 1e-9
                              : gantt_lost_until(history) < 0.0);
        history_destroy(history);
    }
}

/* How many pixels of a row of the picture differ from the one at its left. */
static unsigned edges(struct canvas *canvas, int y, int from, int to) {
    int width, height, stride;
    const uint32_t *pixels = canvas_pixels(canvas, &width, &height, &stride);
    unsigned found = 0;
    for (int x = from + 1; x < to; x++) {
        const uint32_t *row = pixels + (size_t)y * (size_t)stride / sizeof *pixels;
        found += row[x] != row[x - 1];
    }
    return found;
}

/* The part before the first known event is hatched, and so is nothing else. */
static void what_is_not_known_does_not_look_idle(void **state) {
    (void)state;
    unsigned found[2];
    for (uint64_t lost = 0; lost < 2; lost++) {
        struct history *history = empty_history();
        for (uint64_t i = 0; i <= 20; i++) {
            struct history_value value = {SCOPE_M_FLUSHES, lost * i + (i > 12 ? 1 : 0)};
            assert_true(history_append(history, 0.5 * (double)i, &value, 1));
        }
        tell(history, SCOPE_EVENT_FLUSH_BEGIN, 1, 0, 6.1);
        tell(history, SCOPE_EVENT_FLUSH_END, 1, 0, 6.2);
        struct panel_scene made;
        panel_scene_make(&made, history, THEME_DARK, 800, 200, 0.0, 10.0, 10.0);
        panel_scene_place(&made, &panel_compactions);
        panel_scene_draw(&made, &panel_compactions);
        struct panel_place place = made.place;
        int y = (int)(place.plot.y + place.plot.h * 0.85), left = (int)place.plot.x;
        found[lost] = edges(made.scene.canvas, y, left, left + (int)(place.plot.w * 0.55));
        assert_int_equal(
            edges(made.scene.canvas, y, left + (int)(place.plot.w * 0.7), left + (int)place.plot.w),
            0);
        panel_scene_free(&made);
        history_destroy(history);
    }
    assert_int_equal(found[0], 0);
    assert_true(found[1] > 30);
}

/* ---- what is said ---------------------------------------------------------------------------- */

static const char *line_named(const struct panel_hover *hover, const char *name) {
    for (size_t i = 0; i < hover->lines; i++) {
        if (strcmp(hover->line[i].name, name) == 0) {
            return hover->line[i].text;
        }
    }
    return "";
}

static void a_bar_under_the_mouse_tells_its_job(void **state) {
    (void)state;
    struct history *history = empty_history();
    tell(history, SCOPE_EVENT_COMPACT_SCHEDULED, 7, 1, 1.0);
    tell(history, SCOPE_EVENT_COMPACT_BEGIN, 7, 1, 2.0);
    struct scope_event end = event_of(SCOPE_EVENT_COMPACT_END, 7, 1, 4.0);
    end.u.job_info.inputs = 3;
    end.u.job_info.outputs = 1;
    end.u.job_info.bytes_in = 4 << 20;
    end.u.job_info.bytes_out = 3 << 20;
    end.u.job_info.entries_in = 1000;
    end.u.job_info.entries_out = 750;
    history_append_event(history, 4.0, &end);
    struct scope_event stall = {.type = SCOPE_EVENT_STALL_END, .time_ns = 8000000000};
    stall.u.stall.cause = SCOPE_STALL_L0_STOP;
    stall.u.stall.duration_ns = 2000000000;
    history_append_event(history, 8.0, &stall);
    struct history_value flushes = {SCOPE_M_FLUSHES, 0};
    history_append(history, 0.0, &flushes, 1);
    history_append(history, 10.0, &flushes, 1);
    struct panel_scene made;
    panel_scene_make(&made, history, THEME_DARK, 800, 200, 0.0, 10.0, 10.0);
    panel_scene_draw(&made, &panel_compactions);
    const struct rect *plot = &made.place.plot;
    struct panel_hover hover;
    made.scene.has_pointer = true;
    made.scene.pointer = (struct point){plot->x + 0.3 * plot->w, plot->y + 0.75 * plot->h};
    assert_true(panel_compactions.hover(&made.scene, &made.place, &hover));
    assert_string_equal(hover.title, "compaction L1 → L2, job 7");
    assert_string_equal(line_named(&hover, "files"), "3 tables in, 1 table out");
    assert_string_equal(line_named(&hover, "bytes"), "4.00 MiB in, 3.00 MiB out");
    assert_string_equal(line_named(&hover, "took"), "2.00 s");
    assert_string_equal(line_named(&hover, "speed"), "1.50 MiB/s written");
    assert_string_equal(line_named(&hover, "waited"), "1.00 s");
    assert_non_null(strstr(line_named(&hover, "dropped"), "250 entries, 25 %"));
    assert_true(fabs(hover.at.x - (plot->x + 0.2 * plot->w)) < 2.0);
    made.scene.pointer = (struct point){plot->x + 0.7 * plot->w, plot->y + 0.25 * plot->h};
    assert_true(panel_compactions.hover(&made.scene, &made.place, &hover));
    assert_string_equal(hover.title, "stall: L0 full");
    assert_string_equal(line_named(&hover, "lasted"), "2.00 s");
    assert_true(line_named(&hover, "what helps")[0] != '\0');
    made.scene.pointer = (struct point){plot->x + 0.9 * plot->w, plot->y + 0.75 * plot->h};
    assert_false(panel_compactions.hover(&made.scene, &made.place, &hover));
    panel_scene_free(&made);
    history_destroy(history);
}

static void every_cause_has_an_advice(void **state) {
    (void)state;
    for (int cause = 1; cause < SCOPE_STALLS; cause++) {
        assert_true(gantt_stall_advice((enum scope_stall)cause)[0] != '\0');
    }
}

/* Every size, every stretch: nothing may fail an assertion. */
static void it_draws_at_any_size_and_zoom(void **state) {
    (void)state;
    struct tree_run_options options = {30.0, 0.25, seed, false, false};
    struct history *history = tree_run(&options);
    for (int round = 0; round < 40; round++) {
        double t0 = random_unit() * 35.0 - 5.0, span = pow(10.0, random_unit() * 5.0 - 3.0);
        struct panel_scene made;
        panel_scene_make(&made, history, round % 2 == 0 ? THEME_DARK : THEME_LIGHT,
                         260.0 + random_unit() * 1000.0, 90.0 + random_unit() * 600.0, t0,
                         t0 + span, 30.0);
        if (made.scene.has_newest) {
            panel_scene_draw(&made, &panel_compactions);
        }
        panel_scene_free(&made);
    }
    history_destroy(history);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_waits_runs_and_is_done),
        cmocka_unit_test(an_end_alone_is_a_job_with_its_duration),
        cmocka_unit_test(jobs_of_one_lane_that_run_together_have_rows),
        cmocka_unit_test(only_a_move_is_a_move),
        cmocka_unit_test(pairing_bit_by_bit_is_pairing_at_once),
        cmocka_unit_test(joining_loses_no_job),
        cmocka_unit_test(joined_stalls_know_how_long_they_were),
        cmocka_unit_test(an_hour_of_sixty_thousand_events_becomes_no_more_bars_than_pixels),
        cmocka_unit_test(lanes_keep_their_places_and_their_order),
        cmocka_unit_test(a_job_just_told_of_has_not_run_for_0_ns),
        cmocka_unit_test(jobs_whose_events_are_gone_are_not_idleness),
        cmocka_unit_test(what_is_not_known_does_not_look_idle),
        cmocka_unit_test(a_bar_under_the_mouse_tells_its_job),
        cmocka_unit_test(every_cause_has_an_advice),
        cmocka_unit_test(it_draws_at_any_size_and_zoom),
    };
    return cmocka_run_group_tests_name("panel_compactions", tests, seed_it, NULL);
}
