/* recording_follow.c: a segment into a recorder. The three rings are merged by time. The shape is
 * a keyframe: between two of them the table events tell every change, so it is written when it
 * changed and enough else was, and at the end. */
#include "recording.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "scope_check.h"
#include "segment.h"
#include "slot.h"

enum {
    RINGS = 3,
    RECORDS_PER_DRAIN = 1 << 20, /* bounds a drain, however fast the writer */
    READ_UNLOAD = 2048,          /* records after which read pages are let go of: some MB */
    SHAPE_TABLE_BYTES = 32,      /* about what a table takes */
    SHAPE_SHARE = 4, /* a shape is worth writing behind this many times its bytes of other things */
};
#define SHAPE_EVERY_NS UINT64_C(60000000000) /* or after this time */

struct scope_follower {
    const struct scope_segment *segment;
    struct scope_recorder *recorder;
    struct scope_cursor cursor[RINGS]; /* by enum scope_ring */
    uint64_t lost_told[RINGS];
    uint64_t read; /* records of all rings */
    /* The next record of each ring, where `time_ns` is known. */
    bool pending[RINGS];
    struct scope_sample sample;
    struct scope_event event;
    struct scope_histograms histograms;

    struct scope_shape shape;
    uint64_t shape_head; /* of the shape written last */
    uint64_t shape_bytes, bytes_after_shape;
    uint64_t shape_written_ns; /* our clock */
    bool shape_due;            /* events were lost: only the next shape tells what became of it */
};

int scope_attach_same(const struct scope_segment *segment, struct scope_segment **again,
                      struct scope_error_detail *error) {
    SCOPE_ASSERT(segment != NULL && again != NULL);
    *again = NULL;
    const char *name = segment->name[0] != '\0' ? segment->name : segment->info.name;
    char path[32];
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", segment->fd);
    /* Opened anew: a lock is asked about through a description of one's own. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return scope_fail_errno(error, "opening once more", name, errno);
    }
    return scope_attach_fd(fd, name, segment->name[0] != '\0' ? segment->name : NULL, true, again,
                           error);
}

static int begin(struct scope_follower *follower, struct scope_error_detail *error) {
    struct scope_info info;
    uint16_t words[SCOPE_MAX_METRICS];
    size_t count = 0;
    scope_segment_info(follower->segment, &info);
    const struct scope_metric *metrics = scope_segment_metrics(follower->segment, &count);
    SCOPE_ASSERT(count <= SCOPE_MAX_METRICS);
    for (size_t i = 0; i < count; i++) {
        words[i] = (uint16_t)scope_metric_word(follower->segment, metrics[i].id);
    }
    struct scope_recorder_run run = {&info, metrics, words, count};
    return scope_recorder_begin(follower->recorder, &run, error);
}

int scope_follower_create(const struct scope_segment *segment, struct scope_recorder *recorder,
                          struct scope_follower **follower, struct scope_error_detail *error) {
    SCOPE_ASSERT(segment != NULL && recorder != NULL && follower != NULL);
    *follower = NULL;
    struct scope_follower *f = calloc(1, sizeof(*f));
    struct scope_table *tables = calloc(SCOPE_MAX_TABLES, sizeof(*tables));
    if (f == NULL || tables == NULL) {
        free(f);
        free(tables);
        return scope_fail(error, SCOPE_ERR_MEMORY, "out of memory");
    }
    f->segment = segment;
    f->recorder = recorder;
    f->shape.tables = tables;
    for (unsigned ring = 0; ring < RINGS; ring++) {
        scope_cursor_init(&f->cursor[ring], segment, (enum scope_ring)ring);
    }
    int rc = begin(f, error);
    if (rc != SCOPE_OK) {
        scope_follower_destroy(f);
        return rc;
    }
    *follower = f;
    return SCOPE_OK;
}

void scope_follower_destroy(struct scope_follower *follower) {
    if (follower != NULL) {
        free(follower->shape.tables);
        free(follower);
    }
}

/* ---- the rings ------------------------------------------------------------------------------ */

static enum scope_poll poll_ring(struct scope_follower *follower, unsigned ring) {
    struct scope_cursor *cursor = &follower->cursor[ring];
    switch ((enum scope_ring)ring) {
    case SCOPE_RING_SAMPLES:
        return scope_poll_sample(cursor, &follower->sample);
    case SCOPE_RING_EVENTS:
        return scope_poll_event(cursor, &follower->event);
    case SCOPE_RING_HISTOGRAMS:
        break;
    }
    return scope_poll_histograms(cursor, &follower->histograms);
}

static uint64_t pending_time(const struct scope_follower *follower, unsigned ring) {
    switch ((enum scope_ring)ring) {
    case SCOPE_RING_SAMPLES:
        return follower->sample.time_ns;
    case SCOPE_RING_EVENTS:
        return follower->event.time_ns;
    case SCOPE_RING_HISTOGRAMS:
        break;
    }
    return follower->histograms.time_ns;
}

/* Gets the next record of a ring, where there is one. An overtaken cursor tries once more: what it
 * then finds empty is for the next drain. */
static void fetch(struct scope_follower *follower, unsigned ring) {
    enum scope_poll poll = poll_ring(follower, ring);
    if (poll == SCOPE_POLL_LAPPED) {
        poll = poll_ring(follower, ring);
    }
    follower->pending[ring] = poll == SCOPE_POLL_RECORD;
}

static int record_put(struct scope_follower *follower, unsigned ring) {
    struct scope_cursor *cursor = &follower->cursor[ring];
    uint64_t lost = cursor->lost - follower->lost_told[ring];
    follower->pending[ring] = false;
    if (lost > 0) {
        follower->lost_told[ring] = cursor->lost;
        follower->shape_due = follower->shape_due || ring == SCOPE_RING_EVENTS;
        (void)scope_recorder_gap(follower->recorder, (enum scope_ring)ring, lost,
                                 pending_time(follower, ring));
    }
    switch ((enum scope_ring)ring) {
    case SCOPE_RING_SAMPLES:
        return scope_recorder_sample(follower->recorder, &follower->sample);
    case SCOPE_RING_EVENTS:
        return scope_recorder_event(follower->recorder, &follower->event, cursor->next - 1);
    case SCOPE_RING_HISTOGRAMS:
        break;
    }
    return scope_recorder_histograms(follower->recorder, &follower->histograms);
}

static int rings_drain(struct scope_follower *follower) {
    for (unsigned i = 0; i < RECORDS_PER_DRAIN; i++) {
        unsigned first = RINGS;
        for (unsigned ring = 0; ring < RINGS; ring++) {
            if (!follower->pending[ring]) {
                fetch(follower, ring);
            }
            if (follower->pending[ring] &&
                (first == RINGS || pending_time(follower, ring) < pending_time(follower, first))) {
                first = ring;
            }
        }
        if (first == RINGS) {
            break;
        }
        int rc = record_put(follower, first);
        if (rc != SCOPE_OK) {
            return rc;
        }
        if (++follower->read % READ_UNLOAD == 0) {
            scope_segment_unload(follower->segment);
        }
    }
    return SCOPE_OK;
}

/* ---- the shape ------------------------------------------------------------------------------ */

static uint64_t bytes_so_far(const struct scope_follower *follower) {
    struct scope_recorder_totals totals;
    scope_recorder_totals(follower->recorder, &totals);
    return totals.bytes;
}

static bool shape_wanted(const struct scope_follower *follower, uint64_t head, bool last) {
    if (head == 0 || head == follower->shape_head) {
        return false;
    }
    return last || follower->shape_head == 0 || follower->shape_due ||
           bytes_so_far(follower) - follower->bytes_after_shape >=
               SHAPE_SHARE * follower->shape_bytes ||
           scope_now_ns() - follower->shape_written_ns >= SHAPE_EVERY_NS;
}

static int shape_drain(struct scope_follower *follower, bool last) {
    uint64_t head = scope_head_load(&follower->segment->parts.heads->shape_head);
    if (!shape_wanted(follower, head, last) ||
        scope_read_shape(follower->segment, &follower->shape) != SCOPE_POLL_RECORD) {
        return SCOPE_OK;
    }
    int rc = scope_recorder_shape(follower->recorder, &follower->shape);
    follower->shape_bytes = follower->shape.count * SHAPE_TABLE_BYTES;
    follower->bytes_after_shape = bytes_so_far(follower);
    follower->shape_written_ns = scope_now_ns();
    follower->shape_head = head;
    follower->shape_due = false;
    return rc;
}

int scope_follower_drain(struct scope_follower *follower) {
    int rc = rings_drain(follower);
    rc = rc == SCOPE_OK ? shape_drain(follower, false) : rc;
    return rc == SCOPE_OK ? scope_recorder_tick(follower->recorder) : rc;
}

int scope_follower_finish(struct scope_follower *follower) {
    int rc = rings_drain(follower);
    return rc == SCOPE_OK ? shape_drain(follower, true) : rc;
}
