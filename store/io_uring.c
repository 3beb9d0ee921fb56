/* io_uring.c: the production backend. Each queue is a ring of its own.
 *
 * An engine thread's ring is SINGLE_ISSUER with DEFER_TASKRUN: completions are then worked off only
 * when this thread asks, which saves interrupting it. Every look for completions therefore enters
 * the kernel with GETEVENTS. A borrowed ring changes threads between uses, so it has neither flag.
 */
#include "io_backend.h"

#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

struct uring_queue {
    struct lsm_queue base;
    struct io_uring ring;
    struct lsm_request_list staged; /* of the running: the kernel has not taken them yet */
    int broken;                     /* the kernel refused the ring itself: nothing is submitted */
};

static struct uring_queue *uring_of(struct lsm_queue *queue) {
    return (struct uring_queue *)(void *)queue;
}

/* ---- creation ---- */

/* Flags that older kernels do not know, newest first: dropped one by one on EINVAL. */
static const unsigned optional_flags[] = {
    IORING_SETUP_DEFER_TASKRUN, /* 6.1; needs SINGLE_ISSUER */
    IORING_SETUP_SINGLE_ISSUER, /* 6.0 */
    IORING_SETUP_COOP_TASKRUN,  /* 5.19 */
    IORING_SETUP_SUBMIT_ALL,    /* 5.18 */
    IORING_SETUP_CLAMP,         /* 5.6 */
};

static int ring_init(struct io_uring *ring, unsigned depth, bool own_thread) {
    unsigned flags = IORING_SETUP_CLAMP | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN;
    if (own_thread) {
        flags |= IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
    }
    int rc = -EINVAL;
    size_t count = sizeof optional_flags / sizeof optional_flags[0];
    for (size_t dropped = 0; rc == -EINVAL && dropped <= count; dropped++) {
        struct io_uring_params params;
        memset(&params, 0, sizeof params);
        params.flags = flags;
        rc = io_uring_queue_init_params(depth, ring, &params);
        /* Before 5.6 a read or write with a plain buffer is not known, and completions could be
         * dropped: such a ring is no use. */
        unsigned needed = IORING_FEAT_NODROP | IORING_FEAT_RW_CUR_POS;
        if (rc == 0 && (params.features & needed) != needed) {
            io_uring_queue_exit(ring);
            rc = -ENOSYS;
        }
        if (rc == -EINVAL && dropped < count) {
            flags &= ~optional_flags[dropped];
        }
    }
    return rc;
}

/* The kernel gives the memory of a ring that is gone to the next one, of whatever thread. liburing
 * maps it by system calls of its own, which a race detector does not see; this count, stepped after
 * a ring is made and before one is given back, orders the two in terms that it knows. */
static _Atomic unsigned rings;

static int uring_queue_create(struct lsm_io *io, unsigned depth, bool own_thread,
                              struct lsm_queue **queue) {
    struct uring_queue *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return -ENOMEM;
    }
    int rc = ring_init(&made->ring, depth, own_thread);
    if (rc != 0) {
        free(made);
        return rc;
    }
    (void)atomic_fetch_add_explicit(&rings, 1, memory_order_acquire);
    made->base.io = io;
    made->base.depth = depth;
    *queue = &made->base;
    return 0;
}

static void uring_queue_destroy(struct lsm_queue *queue) {
    struct uring_queue *uring = uring_of(queue);
    LSM_ASSERT(queue->running == 0);
    (void)atomic_fetch_sub_explicit(&rings, 1, memory_order_release);
    io_uring_queue_exit(&uring->ring);
    free(uring);
}

/* ---- submission ---- */

static void prepare(struct io_uring_sqe *sqe, struct lsm_request *request) {
    int fd = lsm_file_fd(request->file);
    uint8_t *at = request->buffer;
    unsigned left = request->length - request->done;
    uint64_t offset = request->offset + request->done;
    switch (request->op) {
    case LSM_REQUEST_READ:
        io_uring_prep_read(sqe, fd, at + request->done, left, offset);
        break;
    case LSM_REQUEST_WRITE:
        io_uring_prep_write(sqe, fd, at + request->done, left, offset);
        break;
    case LSM_REQUEST_SYNC:
        io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC);
        break;
    }
    io_uring_sqe_set_data(sqe, request);
}

/* Pending requests into the submission ring, as far as the depth goes. */
static void stage(struct uring_queue *uring) {
    struct lsm_queue *queue = &uring->base;
    while (queue->pending.count > 0 && queue->running < queue->depth) {
        struct io_uring_sqe *sqe = io_uring_get_sqe(&uring->ring);
        if (sqe == NULL) {
            break; /* what is staged already must go first */
        }
        struct lsm_request *request = lsm_request_take(&queue->pending);
        prepare(sqe, request);
        lsm_request_append(&uring->staged, request);
        queue->running++;
    }
}

/* The kernel will not take what is staged: it was never started, so it can be answered. */
static void fail_staged(struct uring_queue *uring, int rc) {
    uring->broken = rc;
    while (uring->staged.count > 0) {
        lsm_request_append(&uring->base.done, lsm_request_take(&uring->staged));
        uring->base.done.last->result = rc;
        uring->base.running--;
    }
}

/* Hands what is staged to the kernel and waits for `wait` completions: one system call. */
static void submit(struct uring_queue *uring, unsigned wait) {
    struct lsm_queue *queue = &uring->base;
    unsigned staged = uring->staged.count;
    /* Counted before, so that a completion another thread sees cannot precede it. */
    if (staged > 0) {
        lsm_io_depth_add(queue->io, staged);
    }
    atomic_fetch_add_explicit(&queue->io->counters.submits, 1, memory_order_relaxed);
    int rc = wait > 0 ? io_uring_submit_and_wait(&uring->ring, wait)
                      : io_uring_submit_and_get_events(&uring->ring);
    unsigned taken = rc > 0 ? (unsigned)rc : 0;
    LSM_ASSERT(taken <= staged);
    for (unsigned i = 0; i < taken; i++) {
        (void)lsm_request_take(&uring->staged); /* the kernel has it: its address is in the SQE */
    }
    if (staged > taken) {
        lsm_io_depth_sub(queue->io, staged - taken);
    }
    LSM_ASSERT(rc != -EEXIST); /* an engine thread's queue was used by another thread */
    bool passing = rc == -EINTR || rc == -EAGAIN || rc == -EBUSY || rc == -ETIME;
    if (rc < 0 && !passing) {
        fail_staged(uring, rc);
    }
}

/* ---- completion ---- */

/* Takes all completions off the ring, and only then acts on them. */
static void harvest(struct uring_queue *uring) {
    struct lsm_queue *queue = &uring->base;
    struct io_uring_cqe *cqes[32];
    for (;;) {
        unsigned count = io_uring_peek_batch_cqe(&uring->ring, cqes, 32);
        if (count == 0) {
            break;
        }
        struct lsm_request *requests[32];
        int results[32];
        for (unsigned i = 0; i < count; i++) {
            requests[i] = io_uring_cqe_get_data(cqes[i]);
            results[i] = cqes[i]->res;
        }
        io_uring_cq_advance(&uring->ring, count);
        LSM_ASSERT(queue->running >= count);
        queue->running -= count;
        lsm_io_depth_sub(queue->io, count);
        for (unsigned i = 0; i < count; i++) {
            lsm_request_finish(queue, requests[i], results[i]);
        }
    }
}

/* A ring the kernel refuses to enter: what is pending fails with its reason. What still runs has
 * buffers in the kernel's hands, so it is waited for. */
static void run_broken(struct uring_queue *uring, unsigned min) {
    struct lsm_queue *queue = &uring->base;
    while (queue->pending.count > 0) {
        lsm_request_append(&queue->done, lsm_request_take(&queue->pending));
        queue->done.last->result = uring->broken;
    }
    harvest(uring);
    while (queue->done.count < min && queue->running > 0) {
        lsm_clock_sleep_ns(queue->io, 1000000);
        (void)io_uring_get_events(&uring->ring);
        harvest(uring);
    }
}

static void uring_queue_run(struct lsm_queue *queue, unsigned min) {
    struct uring_queue *uring = uring_of(queue);
    bool polled = false;
    /* At least one entry, for what was pushed and to see what has completed. */
    while (uring->broken == 0 && queue->pending.count + queue->running > 0 &&
           (!polled || queue->done.count < min)) {
        stage(uring);
        unsigned wanted = queue->done.count < min ? min - queue->done.count : 0;
        /* While more wait for room, the device must not run dry before it is given them. */
        unsigned most = queue->pending.count > 0 ? (queue->running + 1) / 2 : queue->running;
        submit(uring, wanted < most ? wanted : most);
        harvest(uring);
        polled = true;
    }
    if (uring->broken != 0) {
        run_broken(uring, min);
        return;
    }
    /* What waited for room, or goes on after a short transfer, need not wait for the next reap. */
    if (queue->pending.count > 0 || uring->staged.count > 0) {
        stage(uring);
        submit(uring, 0);
        harvest(uring);
    }
    if (uring->broken != 0) {
        run_broken(uring, min);
    }
}

static void uring_destroy(struct lsm_io *io) {
    free(io);
}

static const struct lsm_io_ops uring_ops = {
    .open = lsm_fd_open,
    .close = lsm_fd_close,
    .size = lsm_fd_size,
    .allocate = lsm_fd_allocate,
    .truncate = lsm_fd_truncate,
    .sync_here = lsm_fd_sync,
    .map = lsm_fd_map,
    .map_read = lsm_fd_map_read,
    .unmap = lsm_fd_unmap,
    .will_need = lsm_fd_will_need,
    .mkdir = lsm_names_mkdir,
    .rmdir = lsm_names_rmdir,
    .unlink = lsm_names_unlink,
    .rename = lsm_names_rename,
    .link = lsm_names_link,
    .sync_dir = lsm_names_sync_dir,
    .list = lsm_names_list,
    .lock = lsm_names_lock,
    .unlock = lsm_names_unlock,
    .queue_create = uring_queue_create,
    .queue_destroy = uring_queue_destroy,
    .queue_run = uring_queue_run,
    .now_ns = lsm_clock_now_ns,
    .unix_ms = lsm_clock_unix_ms,
    .sleep_ns = lsm_clock_sleep_ns,
    .cond_wait = lsm_clock_cond_wait,
    .destroy = uring_destroy,
};

int lsm_uring_create(struct lsm_io **io) {
    struct lsm_io *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return -ENOMEM;
    }
    lsm_io_setup(made, &uring_ops, LSM_IO_URING, true);
    int rc = lsm_io_fill_pools(made);
    if (rc != 0) {
        lsm_io_destroy(made);
        return rc;
    }
    *io = made;
    return 0;
}
