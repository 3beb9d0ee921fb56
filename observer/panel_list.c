/* panel_list.c: the panels there are. */
#include "panel.h"

#include <string.h>

static const struct panel *const list[] = {
    &panel_throughput,
    &panel_memtable,
    &panel_levels,
    &panel_latency,
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
