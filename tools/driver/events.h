/* events.h: what the engine reports, kept for the terminal, the CSV and the summary.
 *
 * The listener runs in the engine's threads, one call at a time, while writers may wait for it: it
 * only copies. The main thread takes lines out and prints them, the sampler takes the CSV's words.
 *
 * Threads:    any.
 * Ownership:  driver_events_close frees all; the engine must no longer call. */
#ifndef DRIVER_EVENTS_H
#define DRIVER_EVENTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lsm.h"

enum { DRIVER_EVENTS_QUEUE = 512 };

/* A line for the log: an event of the engine, or (type 0) words of our own. */
struct driver_logged {
    struct lsm_event event;
    char text[200]; /* event.text points nowhere after the call: the copy */
};

struct driver_events {
    pthread_mutex_t lock;
    bool async;          /* decides the CSV's words for compactions */
    unsigned space_told; /* bit t: an event of type t has said that the disk is full */
    bool csv_on;         /* words are collected only while someone takes them */
    char *csv;           /* words since the last row, joined by ';' */
    size_t csv_used, csv_size;
    struct driver_logged queue[DRIVER_EVENTS_QUEUE];
    uint64_t head, tail;            /* next to write, next to take */
    uint64_t dropped;               /* lines that found the queue full since the last take */
    struct lsm_event longest_stall; /* of those that ended in this run; duration 0: none */
};

void driver_events_init(struct driver_events *events, bool async);
void driver_events_close(struct driver_events *events);
void driver_events_listener(void *context, const struct lsm_event *event);
/* A line of our own for the log. */
void driver_events_say(struct driver_events *events, uint64_t time_ns, const char *text);
/* The oldest waiting line; false when there is none. *dropped: how many are missing before it. */
bool driver_events_take(struct driver_events *events, struct driver_logged *line,
                        uint64_t *dropped);
/* The clock starts: forgets the longest stall and the lines of the load, errors and notices apart;
 * collects words for the CSV from now on. */
void driver_events_begin_run(struct driver_events *events, bool csv_on);
/* The words since the last call, to be freed by the caller; NULL when there are none. */
char *driver_events_take_csv(struct driver_events *events);
struct lsm_event driver_events_longest_stall(struct driver_events *events);

/* "[1.2s] FLUSH: ...", without newline. */
void driver_event_format(const struct driver_logged *line, uint64_t start_ns, char *text,
                         size_t size);

#endif
