/* section.h: the parts of the picture. Each draws one subject into the pane it is given, small or
 * large: a section adapts to its room, from a few rows to the whole terminal.
 *
 * Threads:    one thread. The first row of a pane is the section's title. */
#ifndef TOP_SECTION_H
#define TOP_SECTION_H

#include "grid.h"
#include "moment.h"

/* Rows, the title counted: the fewest that make sense, those that show everything once, and the
 * most that can be put to use. */
struct section_rows {
    int least, want, most;
};

struct section {
    const char *name;
    const char *about; /* one line for the help */
    /* False: the source knows nothing of it, and the overview leaves it out. */
    bool (*known)(const struct moment *moment);
    struct section_rows (*measure)(const struct moment *moment, int columns);
    void (*draw)(const struct moment *moment, const struct pane *pane);
};

/* In the order of their keys, 1 to 9. */
enum section_id {
    SECTION_OPS,
    SECTION_LATENCY,
    SECTION_MEMORY,
    SECTION_LEVELS,
    SECTION_JOBS,
    SECTION_STALLS,
    SECTION_COST,
    SECTION_IO,
    SECTION_LOG,
    SECTIONS
};
const struct section *section_of(enum section_id id);

/* The title's rule, with the section's key and name, and a note at its right end ("": none).
 * Returns the columns that are taken at the left. */
int section_title(const struct pane *pane, enum section_id id, const char *note);
/* A column's heading on the title's rule, ending before column `end`. */
void section_heading(const struct pane *pane, int end, const char *text);
/* What an enlarged section says when the source knows nothing of it. */
void section_absent(const struct pane *pane);

extern const struct section section_ops, section_latency, section_memory, section_levels,
    section_jobs, section_stalls, section_cost, section_io, section_log;

#endif
