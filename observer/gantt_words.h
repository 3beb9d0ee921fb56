/* gantt_words.h: what is said of jobs and stalls: in a bar, at the crosshair, under the mouse.
 *
 * Threads:    any; no state but what is passed in. */
#ifndef OBS_GANTT_WORDS_H
#define OBS_GANTT_WORDS_H

#include "gantt.h"
#include "marks.h"
#include "panel.h"

enum { GANTT_WORDS = 3, GANTT_WORDS_SIZE = 160 };

void gantt_lane_name(const struct gantt_lane *lane, char *text, size_t size); /* "L0 → L1" */

/* A job as it was at `until` in fewer and fewer words, such as "3.2 → 2.9 MiB, 48 MiB/s". Returns
 * how many texts there are: 0 when nothing is known. */
size_t gantt_job_words(const struct gantt_job *job, double until,
                       char text[GANTT_WORDS][GANTT_WORDS_SIZE]);

/* Of jobs under way, of which one is given: "L0 → L1 running 1.2 s" or "2 running". */
void gantt_running_words(const struct gantt_job *job, unsigned count, double until, char *text,
                         size_t size);

/* Title and lines; hover->at is the caller's. */
void gantt_hover_bar(const struct gantt *gantt, const struct gantt_bar *bar,
                     const struct gantt_lane *lane, double until, struct panel_hover *hover);
void gantt_hover_stall(const struct mark_span *stall, struct panel_hover *hover);

/* What helps against a stall of a cause, in a few words. */
const char *gantt_stall_advice(enum scope_stall cause);

#endif
