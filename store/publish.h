/* publish.h: puts an open database into a shared-memory segment, with one call.
 *
 *     struct lsm_publish *p;
 *     lsm_publish_start(db, "mydb", NULL, &p, NULL);
 *     ...                              observers attach and detach as they like
 *     lsm_publish_stop(p);
 *
 * A sampler thread gathers the counters every interval; the engine's own paths do nothing for it
 * that they would not do anyway. This, publish.c and publish_values.c alone know the shared
 * memory.
 *
 * Threads:    start and stop from one thread; the callbacks run in the sampler thread.
 * Ownership:  the publisher borrows the database: stop before lsm_close. */
#ifndef LSM_PUBLISH_H
#define LSM_PUBLISH_H

#include "lsm.h"
#include "scope.h"

#ifdef __cplusplus
extern "C" {
#endif

struct lsm_publish;

struct lsm_publish_options {
    uint64_t sample_interval_ns;       /* default 250 ms; 1 ms to 1 hour */
    uint32_t samples, events, seconds; /* ring slots, 0: the defaults of scope.h */
    const char *description;           /* one line for viewers; may be NULL */
    bool linger;                       /* leave the segment after the stop */
    /* Called for each sample after the engine's own values are set: add metrics (scope_sample_set)
     * that only the program knows. May be NULL. */
    void (*fill)(void *context, const struct scope_writer *writer, struct scope_sample *sample);
    /* Called once a second: response-time counts of one operation since the start, buckets as in
     * scope.h. False: none. `max_ns` is of the last second. May be NULL. */
    bool (*response)(void *context, enum scope_op op, uint64_t count[SCOPE_HIST_BUCKETS],
                     uint64_t *max_ns);
    /* Called after each published sample with what was published: the CSV sink. May be NULL. */
    void (*sampled)(void *context, const struct scope_writer *writer,
                    const struct scope_sample *sample, const struct lsm_stats *stats);
    void *context;
};
struct lsm_publish_options lsm_publish_options_default(void);

/* `options` may be NULL. Errors are enum scope_error; `detail` may be NULL. */
LSM_CHECKED int lsm_publish_start(struct lsm_db *db, const char *name,
                                  const struct lsm_publish_options *options,
                                  struct lsm_publish **publish, struct scope_error_detail *detail);
/* Publishes a last sample, closes the segment, ends the sampler. NULL is ignored, and so is what a
 * forked child has from its parent. */
void lsm_publish_stop(struct lsm_publish *publish);
/* Puts a named marker into the event ring. Any thread. */
void lsm_publish_marker(struct lsm_publish *publish, const char *text);
/* CPU time of the sampler and heartbeat threads so far. */
uint64_t lsm_publish_cpu_ns(const struct lsm_publish *publish);

#ifdef __cplusplus
}
#endif

#endif
