/* gantt_lanes.h: where the lanes, rows and bars of the jobs lie in a panel's plot.
 *
 * Threads:    one.
 * Ownership:  the bars are kept here, of the latest lanes only.
 * Units:      logical pixels. */
#ifndef OBS_GANTT_LANES_H
#define OBS_GANTT_LANES_H

#include "gantt.h"
#include "gantt_words.h"
#include "panel.h"

/* The narrowest bar. */
#define GANTT_TICK 2.0

struct gantt_lanes {
    struct gantt_frame frame;
    bool stalls; /* a lane for them, above the others */
    size_t count;
    double height;
};

/* False: there is nothing to show. */
bool gantt_lanes_make(const struct scene *scene, const struct panel_place *place,
                      struct gantt_lanes *lanes);
/* The jobs that ran from t0 to t1: in the same bars, so the lanes made before are then void. */
void gantt_lanes_at(const struct scene *scene, double t0, double t1, struct gantt_frame *frame);
/* The part of a lane in which bars are drawn. `rows`: how many lie above each other. */
struct rect gantt_row_rect(const struct panel_place *place, const struct gantt_lanes *lanes,
                           size_t lane, size_t row, size_t rows);
struct rect gantt_bar_rect(const struct scene *scene, const struct panel_place *place,
                           const struct gantt_lanes *lanes, const struct gantt_bar *bar);

/* Writes the longest of the texts that fits into a bar, else that fits into `room` right of it. */
void gantt_write(const struct scene *scene, const struct rect *bar, double room,
                 char text[GANTT_WORDS][GANTT_WORDS_SIZE], size_t count, struct color inside,
                 struct color beside);

#endif
