/* section_stalls.c: when writes had to wait, for how long, and why. */
#include <stdio.h>

#include "section.h"
#include "units.h"

struct cause {
    enum scope_stall stall;
    uint32_t id;
};
static const struct cause all_causes[] = {
    {SCOPE_STALL_L0_SLOW, SCOPE_M_STALL_NS_L0_SLOW},
    {SCOPE_STALL_L0_STOP, SCOPE_M_STALL_NS_L0_STOP},
    {SCOPE_STALL_MEMTABLE, SCOPE_M_STALL_NS_MEMTABLE},
    {SCOPE_STALL_DEBT_SLOW, SCOPE_M_STALL_NS_DEBT_SLOW},
    {SCOPE_STALL_DEBT_STOP, SCOPE_M_STALL_NS_DEBT_STOP},
    {SCOPE_STALL_INLINE, SCOPE_M_STALL_NS_INLINE},
};
enum {
    CAUSES = sizeof(all_causes) / sizeof(all_causes[0]),
    TOTALS_FROM = 10,
    WHEN_COLUMNS = 7,
    CAUSE_COLUMNS = 32,
    VALUE_COLUMNS = 9,
    BAR_FROM = 56,
};

static bool stalls_known(const struct moment *moment) {
    return history_has(moment->history, SCOPE_M_STALLS) || moment->jobs->stall_count > 0;
}

static int causes_seen(const struct moment *moment) {
    int seen = 0;
    for (int i = 0; i < CAUSES; i++) {
        seen += moment_ever(moment, all_causes[i].id) ? 1 : 0;
    }
    return seen;
}

static struct section_rows stalls_measure(const struct moment *moment, int columns) {
    (void)columns;
    int events = (int)moment->jobs->stall_count;
    int causes = causes_seen(moment);
    int want = events > 3 ? 3 : events > 0 ? events : causes > 0 ? causes : 1;
    return (struct section_rows){2, 1 + want, 1 + want + (events > 3 ? 2 + causes + events : 0)};
}

static double total_seconds(const struct moment *moment) {
    double sum = 0.0, ns = 0.0;
    for (int i = 0; i < CAUSES; i++) {
        sum += moment_value(moment, all_causes[i].id, &ns) ? ns * 1e-9 : 0.0;
    }
    return sum;
}

/* Short stretches are counted, not told as events: time there may be without a number. */
static void make_note(const struct moment *moment, int room, char *note, size_t size) {
    char number[UNITS_TEXT] = "", total[UNITS_TEXT], share[UNITS_TEXT];
    double count = 0.0, seconds = total_seconds(moment);
    note[0] = '\0';
    if (seconds <= 0.0) {
        return;
    }
    if (moment_value(moment, SCOPE_M_STALLS, &count) && count > 0.0) {
        units_grouped(count, number, sizeof(number));
    }
    units_duration(seconds, total, sizeof(total));
    units_percent(moment->at > 0.0 ? seconds / moment->at : 0.0, share, sizeof(share));
    bool counted = number[0] != '\0';
    snprintf(note, size, "%s%s%s: %s", number, counted ? ", in all " : "", total, share);
    if (counted && text_columns(note) > room) {
        snprintf(note, size, "%s, %s: %s", number, total, share);
    }
}

/* A name that is cut off tells less than a shorter one. */
static const char *cause_fitted(enum scope_stall cause, int room) {
    const char *name = scope_stall_name(cause);
    if (text_columns(name) <= room) {
        return name;
    }
    switch (cause) {
    case SCOPE_STALL_DEBT_SLOW:
        return "debt growing";
    case SCOPE_STALL_DEBT_STOP:
        return "debt too large";
    case SCOPE_STALL_INLINE:
        return "writer flushes";
    case SCOPE_STALL_NONE:
    case SCOPE_STALL_L0_SLOW:
    case SCOPE_STALL_L0_STOP:
    case SCOPE_STALL_MEMTABLE:
    case SCOPE_STALLS:
        break;
    }
    return name;
}

static void draw_stall(const struct pane *pane, int y, const struct job_stall *stall) {
    char when[UNITS_TEXT], length[UNITS_TEXT];
    units_clock(stall->t0, 0, when, sizeof(when));
    units_duration(stall->t1 - stall->t0, length, sizeof(length));
    bool begun = stall->open && stall->t1 - stall->t0 <= 0.0; /* no length to tell yet */
    style_bits style = HUE_STALL | (stall->open ? STYLE_BOLD : 0u);
    pane_right(pane, WHEN_COLUMNS, y, HUE_DIM, when);
    int room = pane->w - WHEN_COLUMNS - 15;
    pane_fitted(pane, WHEN_COLUMNS + 1, y, room, style, cause_fitted(stall->cause, room));
    int x = pane_right(pane, pane->w, y, HUE_TEXT | (stall->open ? STYLE_BOLD : 0u),
                       begun ? "" : length);
    if (stall->open) {
        pane_right(pane, x - 1, y, HUE_STALL | STYLE_BOLD, "now");
    }
}

/* A bar for each cause's share of the stalled time. Returns the row after them. */
static int draw_totals(const struct moment *moment, const struct pane *pane, int y) {
    double all = total_seconds(moment);
    for (int i = 0; i < CAUSES && all > 0.0; i++) {
        double ns = 0.0;
        if (!moment_value(moment, all_causes[i].id, &ns) || !(ns > 0.0)) {
            continue;
        }
        char text[UNITS_TEXT];
        units_duration(ns * 1e-9, text, sizeof(text));
        bool bar = pane->w >= BAR_FROM;
        int room = bar ? CAUSE_COLUMNS - 1 : pane->w - VALUE_COLUMNS;
        pane_fitted(pane, 0, y, room, HUE_DIM, cause_fitted(all_causes[i].stall, room));
        if (bar) {
            spark_bar(pane, CAUSE_COLUMNS, y, pane->w - CAUSE_COLUMNS - VALUE_COLUMNS, HUE_STALL,
                      ns * 1e-9 / all);
        }
        pane_right(pane, pane->w, y, HUE_TEXT, text);
        y++;
    }
    return y;
}

static void stalls_draw(const struct moment *moment, const struct pane *pane) {
    const struct jobs *jobs = moment->jobs;
    char note[3 * UNITS_TEXT + 16];
    int beside = text_columns(section_stalls.name) + 4; /* its key, and a blank on each side */
    make_note(moment, pane->w - beside, note, sizeof(note));
    section_title(pane, SECTION_STALLS, note);
    if (!stalls_known(moment)) {
        section_absent(pane);
        return;
    }
    int y = 1, causes = causes_seen(moment);
    if (causes > 0 && (jobs->stall_count == 0 || pane->h >= TOTALS_FROM)) {
        y = draw_totals(moment, pane, y) + 1;
    } else if (jobs->stall_count == 0) {
        pane_text(pane, 0, y, HUE_DIM, "Writes never had to wait.");
    }
    for (size_t i = 0; i < jobs->stall_count && y < pane->h; i++) {
        draw_stall(pane, y++, &jobs->stall[i]);
    }
}

const struct section section_stalls = {"Write stalls", "when writes had to wait, and why",
                                       stalls_known, stalls_measure, stalls_draw};
