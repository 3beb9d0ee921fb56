/* section_log.c: what happened, the newest first: ended jobs, stalls, rotations, errors, markers.
 * Tables that come and go are left to their jobs. */
#include <stdio.h>

#include "section.h"
#include "units.h"

enum { TIME_COLUMNS = 9, WHAT_COLUMNS = 12 };

static bool log_known(const struct moment *moment) {
    return history_event_count(moment->history) > 0;
}

static struct section_rows log_measure(const struct moment *moment, int columns) {
    (void)moment, (void)columns;
    return (struct section_rows){4, 6, 1000};
}

static void say_job(const struct scope_event *event, char *text, size_t size) {
    char in[UNITS_TEXT], out[UNITS_TEXT], took[UNITS_TEXT];
    double seconds = (double)event->u.job_info.duration_ns * 1e-9;
    if (event->u.job_info.status != 0) {
        snprintf(text, size, "failed: error %d", event->u.job_info.status);
        return;
    }
    if (event->u.job_info.bytes_out == 0 && seconds <= 0.0) {
        text[0] = '\0'; /* a CSV knows no more than that it happened */
        return;
    }
    units_bytes((double)event->u.job_info.bytes_in, in, sizeof(in));
    units_bytes((double)event->u.job_info.bytes_out, out, sizeof(out));
    units_duration(seconds, took, sizeof(took));
    int used = snprintf(text, size, "%s \u2192 %s in %s", in, out, took);
    if (seconds > 0.0 && used > 0 && (size_t)used < size) {
        units_bytes((double)event->u.job_info.bytes_out / seconds, out, sizeof(out));
        used += snprintf(text + used, size - (size_t)used, ", %s/s", out);
    }
    if (!job_is_flush(event) && used > 0 && (size_t)used < size) {
        uint32_t inputs = event->u.job_info.inputs;
        snprintf(text + used, size - (size_t)used, "; %u table%s into %u", inputs,
                 inputs == 1 ? "" : "s", event->u.job_info.outputs);
    }
}

/* False: an event the log leaves out. `what` is short, `text` the rest. */
static bool say(const struct scope_event *event, style_bits *style, char *what, char *text,
                size_t size) {
    text[0] = '\0';
    switch (event->type) {
    case SCOPE_EVENT_FLUSH_END:
        *style = HUE_FLUSH;
        snprintf(what, size, "flush");
        say_job(event, text, size);
        return true;
    case SCOPE_EVENT_COMPACT_END:
        *style = HUE_COMPACTION;
        snprintf(what, size, "L%u\u2192L%u", event->level_from, event->level_to);
        say_job(event, text, size);
        return true;
    case SCOPE_EVENT_STALL_END: {
        char length[UNITS_TEXT];
        units_duration((double)event->u.stall.duration_ns * 1e-9, length, sizeof(length));
        *style = HUE_STALL;
        snprintf(what, size, "stall");
        snprintf(text, size, "%s for %s", scope_stall_name(event->u.stall.cause), length);
        return true;
    }
    case SCOPE_EVENT_WAL_ROTATE:
        *style = HUE_DIM;
        snprintf(what, size, "log");
        snprintf(text, size, "segment %llu begun", (unsigned long long)event->u.wal.segment);
        return true;
    case SCOPE_EVENT_ERROR:
        *style = HUE_STALL | STYLE_BOLD;
        snprintf(what, size, "error");
        snprintf(text, size, "%s", event->u.text);
        return true;
    case SCOPE_EVENT_MARKER:
        *style = HUE_TEXT | STYLE_BOLD;
        snprintf(what, size, "marker");
        snprintf(text, size, "%s", event->u.text);
        return true;
    case SCOPE_EVENT_NONE:
    case SCOPE_EVENT_FLUSH_BEGIN:
    case SCOPE_EVENT_COMPACT_SCHEDULED:
    case SCOPE_EVENT_COMPACT_BEGIN:
    case SCOPE_EVENT_STALL_BEGIN:
    case SCOPE_EVENT_TABLE_ADD:
    case SCOPE_EVENT_TABLE_MOVE:
    case SCOPE_EVENT_TABLE_REMOVE:
        break;
    }
    return false;
}

static void log_draw(const struct moment *moment, const struct pane *pane) {
    char note[64] = "";
    if (moment->log_scroll > 0) {
        snprintf(note, sizeof(note), "%d newer above", moment->log_scroll);
    }
    section_title(pane, SECTION_LOG, note);
    int y = 1, skip = moment->log_scroll;
    for (size_t i = history_event_find(moment->history, moment->at + 1e-9); i-- > 0;) {
        const struct scope_event *event = history_event(moment->history, i);
        char what[128], text[128], when[UNITS_TEXT];
        style_bits style = HUE_TEXT;
        if (y >= pane->h) {
            break;
        }
        if (!say(event, &style, what, text, sizeof(text)) || skip-- > 0) {
            continue;
        }
        units_clock(history_event_time(moment->history, i), 1, when, sizeof(when));
        pane_right(pane, TIME_COLUMNS, y, HUE_DIM, when);
        pane_text(pane, TIME_COLUMNS + 2, y, style, what);
        bool job = event->type == SCOPE_EVENT_FLUSH_END || event->type == SCOPE_EVENT_COMPACT_END;
        pane_fitted(pane, WHAT_COLUMNS + 6, y, pane->w, job ? (unsigned)HUE_TEXT : style, text);
        y++;
    }
    if (y == 1) {
        pane_text(pane, 0, 1, HUE_DIM,
                  skip < moment->log_scroll ? "Nothing older." : "No events yet.");
    }
}

const struct section section_log = {"Events", "what happened, the newest first", log_known,
                                    log_measure, log_draw};
