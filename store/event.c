/* event.c: tells listeners what happened, in order, one call at a time, outside the locks.
 *
 * Events are queued under the database's lock, so that their order is the order of things; they are
 * delivered by whoever comes past next, without that lock, so that a slow listener delays no
 * reader. */
#include <stdlib.h>

#include "check.h"
#include "db.h"

void lsm_event_queue(struct lsm_db *db, const struct lsm_event *event) {
    struct lsm_queued_event *queued = malloc(sizeof *queued);
    if (queued == NULL) {
        return;
    }
    queued->event = *event;
    queued->event.time_ns = lsm_io_now_ns(db->io);
    queued->text[0] = '\0';
    if (event->text != NULL) {
        snprintf(queued->text, sizeof queued->text, "%s", event->text);
    }
    queued->next = NULL;
    *db->events_tail = queued;
    db->events_tail = &queued->next;
}

void lsm_event_text(struct lsm_db *db, enum lsm_event_type type, int status, const char *text) {
    pthread_mutex_lock(&db->lock);
    lsm_event_queue(db, &(struct lsm_event){.type = type, .status = status, .text = text});
    pthread_mutex_unlock(&db->lock);
}

static struct lsm_queued_event *take_events(struct lsm_db *db) {
    pthread_mutex_lock(&db->lock);
    struct lsm_queued_event *events = db->events;
    db->events = NULL;
    db->events_tail = &db->events;
    pthread_mutex_unlock(&db->lock);
    return events;
}

void lsm_events_deliver(struct lsm_db *db) {
    /* Taken before the queue is emptied: two deliverers cannot swap their batches. */
    pthread_mutex_lock(&db->deliver_lock);
    struct lsm_queued_event *events = take_events(db);
    while (events != NULL) {
        struct lsm_queued_event *next = events->next;
        events->event.text = events->text;
        for (size_t i = 0; i < LSM_LISTENERS_MAX; i++) {
            if (db->listeners[i].listener != NULL) {
                db->listeners[i].listener(db->listeners[i].context, &events->event);
            }
        }
        free(events);
        events = next;
    }
    pthread_mutex_unlock(&db->deliver_lock);
}

int lsm_listener_add(struct lsm_db *db, lsm_listener listener, void *context) {
    int rc = lsm_enter(db);
    if (rc != 0 || listener == NULL) {
        return rc != 0 ? rc : LSM_ERR_ARGUMENT;
    }
    rc = LSM_ERR_BUSY;
    pthread_mutex_lock(&db->deliver_lock);
    for (size_t i = 0; i < LSM_LISTENERS_MAX && rc != 0; i++) {
        if (db->listeners[i].listener == NULL) {
            db->listeners[i].listener = listener;
            db->listeners[i].context = context;
            rc = 0;
        }
    }
    pthread_mutex_unlock(&db->deliver_lock);
    return rc;
}

void lsm_listener_remove(struct lsm_db *db, lsm_listener listener, void *context) {
    if (lsm_enter(db) != 0) {
        return;
    }
    pthread_mutex_lock(&db->deliver_lock);
    for (size_t i = 0; i < LSM_LISTENERS_MAX; i++) {
        if (db->listeners[i].listener == listener && db->listeners[i].context == context) {
            db->listeners[i].listener = NULL;
        }
    }
    pthread_mutex_unlock(&db->deliver_lock);
}
