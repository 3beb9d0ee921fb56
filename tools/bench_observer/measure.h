/* measure.h: running something and saying what it cost.
 *
 * Threads:    one.
 * Errors:     false, with a word on stderr. Times in seconds, memory in units of 2^20. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct bench {
    const char *build; /* directory of the programs */
    char observer[512];
};

bool bench_init(struct bench *bench, const char *build);
/* A line of the report. A target below 0: none. `below`: the value should be at most the target,
 * else at least. */
void bench_tell(const struct bench *bench, const char *what, double value, const char *unit,
                double target, bool below);
/* A file of this benchmark's own, in the build directory. */
void bench_path(const struct bench *bench, const char *file, char *path, size_t size);

struct frame_costs {
    double cpu_s, wall_s;          /* a full frame, after a new sample */
    double attach_cpu_s, attach_s; /* from the attach call to the first picture */
    double memory_mb;              /* resident, shared memory apart */
};
/* Attaches, draws, and tells, in a child. */
bool measure_frames(const char *segment, int width, int height, struct frame_costs *costs);

struct run_costs {
    double cpu_s, wall_s, memory_mb; /* its children's CPU counts; memory is the largest of them */
};
pid_t measure_start(const char *const arguments[]);
bool measure_end(pid_t pid, struct run_costs *costs);
/* Medians of five runs. */
bool measure_runs(const char *const arguments[], struct run_costs *costs);

/* The share of a core that a viewer with a window takes: the median of five stretches of 2 s, on
 * an Xvfb of its own. */
bool measure_viewer_share(const char *build, const char *segment, double *share);

#endif
