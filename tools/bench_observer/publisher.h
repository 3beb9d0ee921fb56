/* publisher.h: the synthetic publisher in a process of its own, told through a pipe what to do.
 *
 * Threads:    one.
 * Ownership:  start makes a process that stop ends. */
#ifndef BENCH_PUBLISHER_H
#define BENCH_PUBLISHER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct publisher {
    pid_t pid;
    int to, from; /* pipes */
    const char *name;
};

/* False, with a word on stderr, when the segment could not be made. */
bool publisher_start(struct publisher *publisher, const char *name, unsigned interval_ms,
                     unsigned tables);
/* Publishes so many samples at once, and waits until they are out. */
void publisher_steps(struct publisher *publisher, unsigned steps);
/* From now on a sample each interval; or none, after what runs has ended. */
void publisher_live(struct publisher *publisher, bool on);
/* A plain copy of the segment. */
bool publisher_copy(const struct publisher *publisher, const char *path);
void publisher_stop(struct publisher *publisher);

/* A metrics CSV of a made-up run. */
bool publisher_write_csv(const char *path, unsigned rows);

#endif
