/* section_cost.c: amplification and debt, defined as in lsm-observer.
 *
 *   write   bytes written to the log and by flushes and compactions, over the bytes users wrote
 *   read    tables searched, over gets
 *   space   bytes of all tables, over those of the largest level from 1 on: such a level is one
 *           sorted run, so what is live cannot be much less. An upper bound.
 *
 * Write and read amplification are those of the whole run up to the moment, and in parentheses
 * those of the span: what it costs now. */
#include <stdio.h>

#include "meters.h"
#include "section.h"
#include "units.h"

static bool cost_known(const struct moment *moment) {
    return history_has(moment->history, SCOPE_M_USER_BYTES_WRITTEN) ||
           history_has(moment->history, SCOPE_M_COMPACTION_PENDING_BYTES);
}

typedef bool ask(const struct moment *moment, uint32_t id, double *value);

static bool write_amplification(const struct moment *moment, ask *ask_one, double *ratio) {
    double user = 0.0, log = 0.0, flushed = 0.0, compacted = 0.0;
    if (!ask_one(moment, SCOPE_M_USER_BYTES_WRITTEN, &user) || !(user > 0.0) ||
        !ask_one(moment, SCOPE_M_FLUSH_BYTES, &flushed) ||
        !ask_one(moment, SCOPE_M_COMPACTION_BYTES_WRITTEN, &compacted)) {
        return false;
    }
    ask_one(moment, SCOPE_M_WAL_BYTES, &log); /* some engines have none */
    *ratio = (log + flushed + compacted) / user;
    return true;
}

static bool read_amplification(const struct moment *moment, ask *ask_one, double *ratio) {
    double gets = 0.0, probes = 0.0;
    if (!ask_one(moment, SCOPE_M_OPS_GET, &gets) || !(gets > 0.0) ||
        !ask_one(moment, SCOPE_M_TABLE_PROBES, &probes)) {
        return false;
    }
    *ratio = probes / gets;
    return true;
}

static bool space_amplification(const struct moment *moment, double *ratio) {
    double all = 0.0, largest = 0.0;
    if (!moment_value(moment, SCOPE_M_TABLE_BYTES, &all)) {
        return false;
    }
    for (uint32_t l = 1; l < SCOPE_MAX_LEVELS; l++) {
        double bytes = 0.0;
        if (moment_value(moment, SCOPE_M_LEVEL_BYTES + l, &bytes)) {
            largest = bytes > largest ? bytes : largest;
        }
    }
    *ratio = largest > 0.0 ? all / largest : 0.0;
    return largest > 0.0;
}

static void add_pair(struct meters *meters, const char *label, bool known, double run, bool also,
                     double span) {
    if (known) {
        struct meter *meter = meters_add(meters, label, HUE_TEXT);
        char text[32] = "";
        if (also) {
            snprintf(text, sizeof(text), " (%.*f)", span < 9.995 ? 2 : 1, span);
        }
        snprintf(meter->value, sizeof(meter->value), "%.*f%s", run < 9.995 ? 2 : 1, run, text);
    }
}

static void collect(const struct moment *moment, struct meters *meters) {
    double run = 0.0, span = 0.0;
    *meters = (struct meters){.count = 0};
    bool known = write_amplification(moment, moment_value, &run);
    bool also = write_amplification(moment, moment_growth, &span);
    add_pair(meters, "write", known, run, also, span);
    known = read_amplification(moment, moment_value, &run);
    also = read_amplification(moment, moment_growth, &span);
    add_pair(meters, "read", known, run, also, span);
    known = space_amplification(moment, &run);
    add_pair(meters, "space", known, run, false, 0.0);
    meters_bytes(meters, moment, "debt", HUE_COMPACTION, SCOPE_M_COMPACTION_PENDING_BYTES);
}

static struct section_rows cost_measure(const struct moment *moment, int columns) {
    struct meters meters;
    collect(moment, &meters);
    int least = meters_rows_least(&meters, columns);
    return (struct section_rows){1 + least, 1 + least, 1 + meters.count};
}

static void cost_draw(const struct moment *moment, const struct pane *pane) {
    struct meters meters;
    collect(moment, &meters);
    char length[UNITS_TEXT], note[UNITS_TEXT + 24];
    units_clock(moment->span, 0, length, sizeof(length));
    snprintf(note, sizeof(note), moment->whole ? "of the run" : "of the run (last %s)", length);
    section_title(pane, SECTION_COST, meters.count > 0 ? note : "");
    if (!cost_known(moment)) {
        section_absent(pane);
        return;
    }
    struct pane rest = pane_part(pane, 0, 1, pane->w, pane->h - 1);
    meters_draw(&meters, moment, &rest);
}

const struct section section_cost = {"Amplification",
                                     "bytes written, tables read, space kept, for each asked",
                                     cost_known, cost_measure, cost_draw};
