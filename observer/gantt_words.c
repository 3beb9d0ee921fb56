#include "gantt_words.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "obs_check.h"
#include "units.h"

void gantt_lane_name(const struct gantt_lane *lane, char *text, size_t size) {
    if (lane->flush) {
        snprintf(text, size, "flush");
    } else {
        snprintf(text, size, "L%u → L%u", lane->from, lane->to);
    }
}

/* "3.2 → 2.9 MiB": the unit once where both have the same. */
static void in_and_out(double in, double out, char *text, size_t size) {
    char a[UNITS_TEXT], b[UNITS_TEXT];
    units_bytes(in, a, sizeof a);
    units_bytes(out, b, sizeof b);
    char *unit = strchr(a, ' ');
    const char *other = strchr(b, ' ');
    if (unit != NULL && other != NULL && strcmp(unit, other) == 0) {
        *unit = '\0';
    }
    snprintf(text, size, "%s → %s", a, b);
}

void gantt_running_words(const struct gantt_job *job, unsigned count, double until, char *text,
                         size_t size) {
    if (count != 1) {
        snprintf(text, size, "%u running", count);
        return;
    }
    struct gantt_lane lane = {.flush = job->flush, .from = job->from, .to = job->to};
    char name[40], took[UNITS_TEXT];
    double since = until - job->begin;
    gantt_lane_name(&lane, name, sizeof name);
    units_duration(fmax(0.0, since), took, sizeof took);
    /* Told of since the newest sample, it has run for no time yet. */
    snprintf(text, size, since > 0.0 ? "%s running %s" : "%s begins", name, took);
}

/* Bytes written per second; NAN where that is no question. */
static double speed_of(const struct gantt_job *job) {
    double took = job->end - job->begin;
    return took > 0.0 && !job->moved && job->bytes_out > 0 ? (double)job->bytes_out / took : NAN;
}

size_t gantt_job_words(const struct gantt_job *job, double until,
                       char text[GANTT_WORDS][GANTT_WORDS_SIZE]) {
    char both[2 * UNITS_TEXT + 8], number[UNITS_TEXT];
    size_t count = 0;
    if (!(job->end <= until)) {
        units_duration(fmax(0.0, until - job->begin), number, sizeof number);
        snprintf(text[0], GANTT_WORDS_SIZE, "running %s", number);
        snprintf(text[1], GANTT_WORDS_SIZE, "%s", number);
        return 2;
    }
    if (job->status != 0 || job->moved) {
        snprintf(text[0], GANTT_WORDS_SIZE, job->status != 0 ? "failed" : "moved");
        return 1;
    }
    if (job->bytes_in == 0 && job->bytes_out == 0) {
        return 0;
    }
    in_and_out((double)job->bytes_in, (double)job->bytes_out, both, sizeof both);
    if (!isnan(speed_of(job))) {
        units_bytes(speed_of(job), number, sizeof number);
        snprintf(text[count++], GANTT_WORDS_SIZE, "%s, %s/s", both, number);
    }
    snprintf(text[count++], GANTT_WORDS_SIZE, "%s", both);
    units_bytes((double)job->bytes_out, text[count++], GANTT_WORDS_SIZE);
    return count;
}

/* ---- under the mouse ------------------------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static void line(struct panel_hover *hover, const char *name,
                                                       const char *format, ...) {
    if (hover->lines == PANEL_HOVER_LINES) {
        return;
    }
    va_list args;
    va_start(args, format);
    snprintf(hover->line[hover->lines].name, sizeof hover->line[0].name, "%s", name);
    vsnprintf(hover->line[hover->lines].text, sizeof hover->line[0].text, format, args);
    va_end(args);
    hover->lines++;
}

static void hover_amounts(const struct gantt_job *job, bool done, struct panel_hover *hover) {
    char a[UNITS_TEXT], b[UNITS_TEXT];
    const char *unit = job->flush ? "memtable" : "table";
    if (job->inputs > 0 && done) {
        line(hover, "files", "%u %s%s in, %u table%s out", job->inputs, unit,
             job->inputs == 1 ? "" : "s", job->outputs, job->outputs == 1 ? "" : "s");
    } else if (job->inputs > 0) {
        line(hover, "files", "%u %s%s in", job->inputs, unit, job->inputs == 1 ? "" : "s");
    }
    units_bytes((double)job->bytes_in, a, sizeof a);
    units_bytes((double)job->bytes_out, b, sizeof b);
    if (job->bytes_in > 0 || job->bytes_out > 0) {
        line(hover, "bytes", done ? "%s in, %s out" : "%s in", a, b);
    }
    if (done && job->entries_in > job->entries_out && job->status == 0) {
        double dropped = (double)(job->entries_in - job->entries_out);
        units_grouped(dropped, a, sizeof a);
        units_percent(dropped / (double)job->entries_in, b, sizeof b);
        line(hover, "dropped", "%s entries, %s: overwritten or deleted", a, b);
    }
}

static void hover_job(const struct gantt_job *job, double until, struct panel_hover *hover) {
    char number[UNITS_TEXT];
    enum gantt_state state = GANTT_WAITING;
    bool told = gantt_state_at(job, until, &state);
    OBS_ASSERT(told);
    double begin = state == GANTT_WAITING ? until : job->begin;
    hover_amounts(job, state == GANTT_DONE, hover);
    if (state != GANTT_WAITING) {
        units_duration((state == GANTT_DONE ? job->end : until) - job->begin, number,
                       sizeof number);
        line(hover, state == GANTT_DONE ? "took" : "running for", "%s", number);
    }
    if (begin - job->scheduled > 0.0) {
        units_duration(begin - job->scheduled, number, sizeof number);
        line(hover, state == GANTT_WAITING ? "waits for" : "waited", "%s", number);
    }
    if (state != GANTT_DONE) {
        return;
    }
    if (!isnan(speed_of(job))) {
        units_bytes(speed_of(job), number, sizeof number);
        line(hover, "speed", "%s/s written", number);
    }
    if (job->moved) {
        line(hover, "moved", "nothing was in the way below: no byte was rewritten");
    }
    if (job->status != 0) {
        line(hover, "failed", "error %d", (int)job->status);
    }
}

void gantt_hover_bar(const struct gantt *gantt, const struct gantt_bar *bar,
                     const struct gantt_lane *lane, double until, struct panel_hover *hover) {
    char name[40];
    const struct gantt_job *job = &gantt->job[bar->longest];
    gantt_lane_name(lane, name, sizeof name);
    hover->lines = 0;
    if (bar->count == 1) {
        snprintf(hover->title, sizeof hover->title, "%s%s, job %u%s",
                 lane->flush ? "" : "compaction ", name, job->job,
                 bar->waiting && bar->open ? ", waiting"
                 : bar->open               ? ", running"
                                           : "");
        hover_job(job, until, hover);
        return;
    }
    char took[UNITS_TEXT];
    snprintf(hover->title, sizeof hover->title, "%u %s%s", bar->count,
             lane->flush ? "flushes" : "compactions ", lane->flush ? "" : name);
    units_duration((double)bar->busy_s, took, sizeof took);
    line(hover, "together", "%s of work; the longest:", took);
    hover_job(job, until, hover);
}

const char *gantt_stall_advice(enum scope_stall cause) {
    switch (cause) {
    case SCOPE_STALL_L0_SLOW:
    case SCOPE_STALL_L0_STOP:
        return "merges out of L0 are behind: larger memtables, or a higher L0 trigger";
    case SCOPE_STALL_MEMTABLE:
        return "flushes are behind: larger memtables, or a faster disk";
    case SCOPE_STALL_DEBT_SLOW:
    case SCOPE_STALL_DEBT_STOP:
        return "deep levels are over their targets: fewer writes, or a larger level ratio";
    case SCOPE_STALL_INLINE:
        return "the writer flushes and compacts itself: let the background do it";
    case SCOPE_STALL_NONE:
    case SCOPE_STALLS:
        break;
    }
    return "";
}

void gantt_hover_stall(const struct mark_span *stall, struct panel_hover *hover) {
    char took[UNITS_TEXT];
    hover->lines = 0;
    const char *cause = scope_stall_name(stall->cause);
    if (stall->count > 1) {
        snprintf(hover->title, sizeof hover->title, "%u stalls: %s", stall->count, cause);
    } else {
        snprintf(hover->title, sizeof hover->title, "stall: %s", cause);
    }
    units_duration(stall->t1 - stall->t0, took, sizeof took);
    line(hover, stall->open ? "so far" : stall->count > 1 ? "within" : "lasted", "%s", took);
    const char *advice = gantt_stall_advice(stall->cause);
    if (advice[0] != '\0') {
        line(hover, "what helps", "%s", advice);
    }
}
