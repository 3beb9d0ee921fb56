/* panel_list.c: the panels there are. */
#include "panel.h"

#include <stdio.h>
#include <string.h>

static const struct panel *const list[] = {
    &panel_throughput, &panel_memtable,      &panel_levels, &panel_latency, &panel_compactions,
    &panel_tree,       &panel_amplification, &panel_io,     &panel_numbers,
};

const struct panel *const *panel_list(size_t *count) {
    *count = sizeof list / sizeof list[0];
    return list;
}

const struct panel *panel_find(const char *name, size_t length) {
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        if (strlen(list[i]->name) == length && memcmp(list[i]->name, name, length) == 0) {
            return list[i];
        }
    }
    return NULL;
}

int panel_rank(const struct panel *panel) {
    /* What a window with room for one thing should show, for two, and so on. */
    static const char *const kept[] = {"throughput",    "tree",    "levels",
                                       "memtable",      "latency", "compactions",
                                       "amplification", "io",      "numbers"};
    int rank = 0;
    while (rank < (int)(sizeof kept / sizeof kept[0]) && strcmp(kept[rank], panel->name) != 0) {
        rank++;
    }
    return rank;
}

bool panel_parse(const char *text, const struct panel **chosen, size_t *count, char *why,
                 size_t why_size) {
    const struct panel *found[VIEW_PANELS_MAX];
    size_t used = 0, length;
    do {
        length = strcspn(text, ",");
        const struct panel *panel = panel_find(text, length);
        if (panel == NULL) {
            int shown = length < 40 ? (int)length : 40;
            snprintf(why, why_size, "there is no panel '%.*s'", shown, text);
            return false;
        }
        for (size_t i = 0; i < used; i++) {
            if (found[i] == panel) {
                snprintf(why, why_size, "%s stands there twice", panel->name);
                return false;
            }
        }
        found[used++] = panel; /* never more than there are, since none comes twice */
        text += length + 1;
    } while (text[-1] == ',');
    memcpy(chosen, found, used * sizeof found[0]);
    *count = used;
    return true;
}
