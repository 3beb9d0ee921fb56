/* run.h: what is watched: the source, what it has told so far, and what the user wants to see of
 * it. The two programs in one, live.c and once.c, drive it.
 *
 * Threads:    one thread.
 * Times:      a steady clock in seconds. */
#ifndef TOP_RUN_H
#define TOP_RUN_H

#include "cpu.h"
#include "frame.h"
#include "source.h"
#include "top_args.h"

struct run {
    const struct top_args *args;
    struct history *history;
    struct source *source;
    struct view view; /* what the source says of itself */
    struct viewer viewer;
    struct tails tails;
    struct cpu_meter cpu;
    struct grid grid;
    double next_poll_s;
    unsigned generation;
};

double run_clock(void);

/* False, and why in `error`. */
bool run_open(struct run *run, const struct top_args *args, char *error, size_t error_size);
void run_close(struct run *run);
/* Polls the source when it is due. True when a new picture is worth drawing. */
bool run_poll(struct run *run, double now_s);
/* Watches the driver of that name instead. False when memory is out. */
bool run_switch(struct run *run, const char *name);
/* Draws the frame into run->grid, which has its size. */
void run_draw(struct run *run, bool keys);

/* The two ways to run; they return the exit status. */
int live_run(struct run *run);
int once_run(struct run *run);

#endif
