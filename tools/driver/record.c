#include "driver_record.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "driver_check.h"

enum { DRAIN_NS = 100000000 };

int driver_record_open(struct driver_record *r, const char *path,
                       struct scope_error_detail *error) {
    *r = (struct driver_record){.path = path};
    return path == NULL ? 0 : scope_recorder_open(path, &r->recorder, error);
}

static void fail(struct driver_record *r, const struct scope_error_detail *detail) {
    if (!atomic_load_explicit(&r->failed, memory_order_relaxed)) {
        r->error = *detail;
        /* Release: who sees the flag sees the reason. */
        atomic_store_explicit(&r->failed, true, memory_order_release);
    }
}

/* False when it is time to stop. */
static bool rest(struct driver_record *r) {
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += DRAIN_NS;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    (void)pthread_mutex_lock(&r->lock);
    int rc = 0;
    while (!r->stop && rc != ETIMEDOUT) {
        rc = pthread_cond_timedwait(&r->wake, &r->lock, &until);
    }
    bool go_on = !r->stop;
    (void)pthread_mutex_unlock(&r->lock);
    return go_on;
}

static void *record_main(void *context) {
    struct driver_record *r = context;
    scope_viewer_yield(); /* this thread alone */
    do {
        if (scope_follower_drain(r->follower) != SCOPE_OK) {
            fail(r, scope_recorder_error(r->recorder));
            return NULL;
        }
    } while (rest(r));
    return NULL;
}

static int thread_start(struct driver_record *r) {
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&r->wake, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    (void)pthread_mutex_init(&r->lock, NULL);
    int rc = pthread_create(&r->thread, NULL, record_main, r);
    r->started = rc == 0;
    if (rc != 0) {
        (void)pthread_cond_destroy(&r->wake);
        (void)pthread_mutex_destroy(&r->lock);
    }
    return rc;
}

int driver_record_start(struct driver_record *r, const char *name,
                        struct scope_error_detail *error) {
    if (r->recorder == NULL) {
        return 0;
    }
    DRIVER_ASSERT(r->segment == NULL && !r->started);
    int rc = scope_attach(name, false, &r->segment, error);
    if (rc == SCOPE_OK) {
        rc = scope_follower_create(r->segment, r->recorder, &r->follower, error);
    }
    if (rc == SCOPE_OK && thread_start(r) != 0) {
        (void)snprintf(error->text, sizeof error->text, "cannot start a thread");
        rc = SCOPE_ERR_SYSTEM;
    }
    return rc;
}

static void thread_stop(struct driver_record *r) {
    (void)pthread_mutex_lock(&r->lock);
    r->stop = true;
    (void)pthread_cond_signal(&r->wake);
    (void)pthread_mutex_unlock(&r->lock);
    int rc = pthread_join(r->thread, NULL);
    DRIVER_ASSERT(rc == 0);
    (void)pthread_cond_destroy(&r->wake);
    (void)pthread_mutex_destroy(&r->lock);
    r->started = false;
}

void driver_record_close(struct driver_record *r) {
    struct scope_error_detail error = {.code = 0};
    enum scope_liveness end = SCOPE_LIVE;
    if (r->recorder == NULL) {
        return;
    }
    if (r->started) {
        thread_stop(r);
    }
    if (r->follower != NULL) {
        end = scope_segment_liveness(r->segment);
        (void)scope_follower_finish(r->follower); /* the close below tells a failure */
        scope_follower_destroy(r->follower);
        r->follower = NULL;
    }
    if (scope_recorder_close(r->recorder, end, &r->totals, &error) != SCOPE_OK) {
        fail(r, &error);
    }
    r->recorder = NULL;
    if (r->segment != NULL) {
        scope_detach(r->segment);
        r->segment = NULL;
    }
}
