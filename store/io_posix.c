/* io_posix.c: the backend of plain calls, for where io_uring is forbidden. A request is done when
 * it is started: one in flight for each thread. */
#include "io_backend.h"

#include <errno.h>
#include <stdlib.h>

#include "check.h"

static int posix_queue_create(struct lsm_io *io, unsigned depth, bool own_thread,
                              struct lsm_queue **queue) {
    (void)own_thread;
    struct lsm_queue *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return -ENOMEM;
    }
    made->io = io;
    made->depth = depth;
    *queue = made;
    return 0;
}

static void posix_queue_destroy(struct lsm_queue *queue) {
    free(queue);
}

static void posix_queue_run(struct lsm_queue *queue, unsigned min) {
    /* At most a depth's worth ahead of what is waited for: whoever reaps can use it meanwhile. */
    unsigned ahead = queue->depth;
    while (queue->pending.count > 0 && (queue->done.count < min || ahead > 0)) {
        struct lsm_request *request = lsm_request_take(&queue->pending);
        lsm_io_depth_add(queue->io, 1);
        int64_t result = lsm_request_by_call(request, lsm_file_fd(request->file));
        lsm_io_depth_sub(queue->io, 1);
        atomic_fetch_add_explicit(&queue->io->counters.submits, 1, memory_order_relaxed);
        lsm_request_finish(queue, request, result);
        ahead -= ahead > 0 ? 1 : 0;
    }
}

static void posix_destroy(struct lsm_io *io) {
    free(io);
}

static const struct lsm_io_ops posix_ops = {
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
    .queue_create = posix_queue_create,
    .queue_destroy = posix_queue_destroy,
    .queue_run = posix_queue_run,
    .now_ns = lsm_clock_now_ns,
    .unix_ms = lsm_clock_unix_ms,
    .sleep_ns = lsm_clock_sleep_ns,
    .cond_wait = lsm_clock_cond_wait,
    .destroy = posix_destroy,
};

int lsm_posix_create(struct lsm_io **io) {
    struct lsm_io *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return -ENOMEM;
    }
    lsm_io_setup(made, &posix_ops, LSM_IO_POSIX, true);
    int rc = lsm_io_fill_pools(made);
    if (rc != 0) {
        lsm_io_destroy(made);
        return rc;
    }
    *io = made;
    return 0;
}
