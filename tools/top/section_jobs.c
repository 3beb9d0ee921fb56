/* section_jobs.c: the flushes and compactions that run, and the last ones that ended. */
#include <stdio.h>

#include "section.h"
#include "units.h"

enum { NAME_COLUMNS = 8, BYTES_COLUMNS = 10, SPEED_COLUMNS = 11, TABLES_COLUMNS = 9, WHEN = 8 };
enum { WIDE = 60 };
static const double JUST_BEGUN_S = 0.001;

static bool jobs_known(const struct moment *moment) {
    return moment->jobs->done_count + moment->jobs->running_count > 0 ||
           history_has(moment->history, SCOPE_M_FLUSHES);
}

static struct section_rows jobs_measure(const struct moment *moment, int columns) {
    (void)columns;
    int all = (int)(moment->jobs->done_count + moment->jobs->running_count);
    int want = (int)moment->jobs->running_count + 4;
    return (struct section_rows){4, 1 + want, 2 + (all > 8 ? all : 8)};
}

struct columns {
    int in, out, speed, tables, when;
};

static struct columns columns_of(int width) {
    struct columns c = {.in = NAME_COLUMNS + BYTES_COLUMNS};
    c.out = c.in + BYTES_COLUMNS;
    c.speed = c.out + SPEED_COLUMNS;
    if (width >= WIDE) {
        c.tables = c.speed + TABLES_COLUMNS;
        c.when = c.tables + WHEN;
    }
    return c;
}

static void draw_name(const struct pane *pane, int y, const struct scope_event *event,
                      bool running) {
    bool flush = job_is_flush(event);
    style_bits hue = (flush ? HUE_FLUSH : HUE_COMPACTION) | (running ? STYLE_BOLD : 0u);
    if (running) {
        pane_glyph(pane, 0, y, hue, 0x25b6);
    }
    if (flush) {
        pane_text(pane, 2, y, hue, "flush");
    } else {
        pane_print(pane, 2, y, hue, "L%u\u2192L%u", event->level_from, event->level_to);
    }
}

static void draw_bytes(const struct pane *pane, int end, int y, uint64_t bytes) {
    char text[UNITS_TEXT];
    if (bytes > 0) {
        units_bytes((double)bytes, text, sizeof(text));
        pane_right(pane, end, y, HUE_TEXT, text);
    }
}

static void draw_job(const struct moment *moment, const struct pane *pane, int y,
                     const struct job *job, bool running) {
    const struct scope_event *event = &job->event;
    struct columns c = columns_of(pane->w);
    char text[UNITS_TEXT];
    draw_name(pane, y, event, running);
    draw_bytes(pane, c.in, y, event->u.job_info.bytes_in);
    if (running) {
        if (moment->at - job->t0 < JUST_BEGUN_S) {
            pane_right(pane, c.speed, y, HUE_TEXT | STYLE_BOLD, "begun");
        } else {
            units_duration(moment->at - job->t0, text, sizeof(text));
            int x = pane_right(pane, c.speed, y, HUE_TEXT | STYLE_BOLD, text);
            pane_right(pane, x - 1, y, HUE_DIM, "for");
        }
    } else if (event->u.job_info.status != 0) {
        pane_right(pane, c.speed, y, HUE_STALL | STYLE_BOLD, "failed");
    } else {
        draw_bytes(pane, c.out, y, event->u.job_info.bytes_out);
        double speed = job_speed(job);
        if (speed > 0.0) {
            char rate[UNITS_TEXT + 4];
            units_bytes(speed, text, sizeof(text));
            snprintf(rate, sizeof(rate), "%s/s", text);
            pane_right(pane, c.speed, y, HUE_DIM, rate);
        }
    }
    if (c.tables > 0) {
        uint32_t in = event->u.job_info.inputs, out = event->u.job_info.outputs;
        if (in > 0) {
            snprintf(text, sizeof(text), running ? "%u" : "%u\u2192%u", in, out);
            pane_right(pane, c.tables, y, HUE_DIM, text);
        }
        units_clock(running ? job->t0 : job->t1, 0, text, sizeof(text));
        pane_right(pane, c.when, y, HUE_DIM, text);
    }
}

static void jobs_draw(const struct moment *moment, const struct pane *pane) {
    const struct jobs *jobs = moment->jobs;
    struct columns c = columns_of(pane->w);
    section_title(pane, SECTION_JOBS, "");
    section_heading(pane, c.in, "in");
    section_heading(pane, c.out, "out");
    section_heading(pane, c.speed, "speed");
    if (c.tables > 0) {
        section_heading(pane, c.tables, "tables");
        section_heading(pane, c.when, "at");
    }
    if (jobs->running_count + jobs->done_count == 0) {
        pane_text(pane, 0, 1, HUE_DIM,
                  jobs_known(moment) ? "No flush and no compaction yet."
                                     : "This source does not tell.");
        return;
    }
    int y = 1;
    for (size_t i = 0; i < jobs->running_count && y < pane->h; i++) {
        draw_job(moment, pane, y++, &jobs->running[i], true);
    }
    for (size_t i = 0; i < jobs->done_count && y < pane->h; i++) {
        draw_job(moment, pane, y++, &jobs->done[i], false);
    }
}

const struct section section_jobs = {"Jobs", "flushes and compactions: running, then the last ones",
                                     jobs_known, jobs_measure, jobs_draw};
