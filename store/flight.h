/* flight.h: requests of several users on one queue.
 *
 * A compaction reads several tables and writes another through one queue, and a completion comes
 * back to whoever reaps. So each of them embeds a flight, and reaping notes the completion on it.
 * While a table writer or a read-ahead is open, the queue carries nothing else.
 *
 * Threads:    the queue's.
 * Ownership:  a flight and its buffer must stay until it has landed. */
#ifndef LSM_FLIGHT_H
#define LSM_FLIGHT_H

#include "check.h"
#include "io.h"

struct lsm_flight {
    struct lsm_request request;
    bool in_air;
};

static inline void lsm_flight_land(struct lsm_request *request) {
    struct lsm_flight *flight = request->user;
    LSM_ASSERT(flight != NULL && &flight->request == request && flight->in_air);
    flight->in_air = false;
}

/* Hands the request to the queue. It starts with the next lsm_flight_start or _wait. */
static inline void lsm_flight_push(struct lsm_queue *queue, struct lsm_flight *flight) {
    LSM_ASSERT(!flight->in_air);
    flight->request.user = flight;
    flight->in_air = true;
    lsm_queue_push(queue, &flight->request);
}

/* Starts what was pushed, without waiting. */
static inline void lsm_flight_start(struct lsm_queue *queue) {
    struct lsm_request *request;
    while ((request = lsm_queue_reap(queue, 0)) != NULL) {
        lsm_flight_land(request);
    }
}

/* Waits for one flight; others may land meanwhile. */
static inline void lsm_flight_wait(struct lsm_queue *queue, struct lsm_flight *flight) {
    while (flight->in_air) {
        struct lsm_request *request = lsm_queue_reap(queue, 1);
        LSM_ASSERT(request != NULL);
        lsm_flight_land(request);
    }
}

#endif
