/* section.c: see section.h. */
#include "section.h"

#include "top_check.h"

const struct section *section_of(enum section_id id) {
    static const struct section *const sections[SECTIONS] = {
        &section_ops,    &section_latency, &section_memory, &section_levels, &section_jobs,
        &section_stalls, &section_cost,    &section_io,     &section_log,
    };
    TOP_ASSERT(id < SECTIONS);
    return sections[id];
}

int section_title(const struct pane *pane, enum section_id id, const char *note) {
    pane_rule(pane, 0, pane->w, 0);
    int x = pane_print(pane, 0, 0, HUE_DIM, "%d ", (int)id + 1);
    x = pane_print(pane, x, 0, HUE_TEXT | STYLE_BOLD, "%s ", section_of(id)->name);
    int room = pane->w - x - 1;
    if (note[0] != '\0' && room > 2) {
        int width = text_columns(note) < room ? text_columns(note) : room;
        pane_text(pane, pane->w - width - 1, 0, HUE_DIM, " ");
        pane_fitted(pane, pane->w - width, 0, width, HUE_DIM, note);
    }
    return x;
}

void section_heading(const struct pane *pane, int end, const char *text) {
    int x = end - text_columns(text);
    pane_text(pane, x - 1, 0, HUE_DIM, " ");
    pane_text(pane, x, 0, HUE_DIM, text);
    if (end < pane->w) {
        pane_text(pane, end, 0, HUE_DIM, " ");
    }
}

void section_absent(const struct pane *pane) {
    pane_text(pane, 0, 1, HUE_DIM, "This source does not tell.");
}
