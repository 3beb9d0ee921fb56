/* io_queue.c: request queues: lists, short transfers, pools of borrowed queues, and the calls that
 * read, write and sync a file as a whole through them. */
#include "io_backend.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "check.h"
#include "pages.h"

/* ---- lists ---- */

void lsm_request_append(struct lsm_request_list *list, struct lsm_request *request) {
    request->next = NULL;
    if (list->first == NULL) {
        list->first = request;
    } else {
        list->last->next = request;
    }
    list->last = request;
    list->count++;
}

void lsm_request_prepend(struct lsm_request_list *list, struct lsm_request *request) {
    request->next = list->first;
    if (list->first == NULL) {
        list->last = request;
    }
    list->first = request;
    list->count++;
}

struct lsm_request *lsm_request_take(struct lsm_request_list *list) {
    struct lsm_request *request = list->first;
    if (request != NULL) {
        LSM_ASSERT(list->count > 0);
        list->first = request->next;
        list->count--;
        request->next = NULL;
    }
    return request;
}

/* ---- one request ---- */

void lsm_io_depth_add(struct lsm_io *io, unsigned n) {
    struct lsm_io_counters *counters = &io->counters;
    uint64_t depth = atomic_fetch_add_explicit(&counters->depth, n, memory_order_relaxed) + n;
    uint64_t max = atomic_load_explicit(&counters->depth_max, memory_order_relaxed);
    while (depth > max &&
           !atomic_compare_exchange_weak_explicit(&counters->depth_max, &max, depth,
                                                  memory_order_relaxed, memory_order_relaxed)) {
    }
}

void lsm_io_depth_sub(struct lsm_io *io, unsigned n) {
    uint64_t before = atomic_fetch_sub_explicit(&io->counters.depth, n, memory_order_relaxed);
    LSM_ASSERT(before >= n);
}

static void complete(struct lsm_queue *queue, struct lsm_request *request, int result) {
    struct lsm_io_counters *counters = &queue->io->counters;
    request->result = result;
    if (result == 0) {
        switch (request->op) {
        case LSM_REQUEST_READ:
            atomic_fetch_add_explicit(&counters->reads, 1, memory_order_relaxed);
            atomic_fetch_add_explicit(&counters->read_bytes, request->length, memory_order_relaxed);
            break;
        case LSM_REQUEST_WRITE:
            atomic_fetch_add_explicit(&counters->writes, 1, memory_order_relaxed);
            atomic_fetch_add_explicit(&counters->write_bytes, request->length,
                                      memory_order_relaxed);
            break;
        case LSM_REQUEST_SYNC:
            atomic_fetch_add_explicit(&counters->syncs, 1, memory_order_relaxed);
            break;
        }
    }
    lsm_request_append(&queue->done, request);
}

void lsm_request_finish(struct lsm_queue *queue, struct lsm_request *request, int64_t result) {
    if (result == -EINTR || result == -EAGAIN) {
        lsm_request_prepend(&queue->pending, request);
        return;
    }
    if (result < 0 || request->op == LSM_REQUEST_SYNC) {
        /* A sync is never tried again: after a failure the kernel has forgotten what was dirty. */
        complete(queue, request, result < 0 ? (int)result : 0);
        return;
    }
    LSM_ASSERT(result <= (int64_t)(request->length - request->done));
    uint32_t before = request->done;
    request->done += (uint32_t)result;
    if (request->done == request->length) {
        complete(queue, request, 0);
        return;
    }
    bool read = request->op == LSM_REQUEST_READ;
    if (request->file->direct && request->done % LSM_DIRECT_ALIGN != 0) {
        /* A direct read stops between blocks only where the file ends. A direct write that did is
         * repeated from the block's start, where it can be. */
        request->done -= read ? 0 : request->done % LSM_DIRECT_ALIGN;
        if (read) {
            complete(queue, request, -ENODATA);
            return;
        }
    }
    if (request->done <= before) {
        complete(queue, request, read ? -ENODATA : -EIO);
        return;
    }
    lsm_request_prepend(&queue->pending, request);
}

int64_t lsm_request_by_call(struct lsm_request *request, int fd) {
    uint8_t *at = request->buffer;
    size_t left = request->length - request->done;
    off_t offset = (off_t)(request->offset + request->done);
    ssize_t result = 0;
    switch (request->op) {
    case LSM_REQUEST_READ:
        result = pread(fd, at + request->done, left, offset);
        break;
    case LSM_REQUEST_WRITE:
        result = pwrite(fd, at + request->done, left, offset);
        break;
    case LSM_REQUEST_SYNC:
        result = fdatasync(fd);
        break;
    }
    return result < 0 ? -errno : result;
}

/* ---- queues ---- */

static int create(struct lsm_io *io, unsigned depth, bool own_thread, struct lsm_queue **queue,
                  struct lsm_fault *fault) {
    LSM_ASSERT(depth > 0 && depth <= LSM_QUEUE_DEPTH_MAX);
    int rc = io->ops->queue_create(io, depth, own_thread, queue);
    return rc == 0 ? 0 : lsm_fail_errno(fault, rc, "create", "I/O queue");
}

int lsm_queue_create(struct lsm_io *io, unsigned depth, struct lsm_queue **queue,
                     struct lsm_fault *fault) {
    return create(io, depth, true, queue, fault);
}

int lsm_queue_create_plain(struct lsm_io *io, unsigned depth, struct lsm_queue **queue,
                           struct lsm_fault *fault) {
    return create(io, depth, false, queue, fault);
}

void lsm_queue_destroy(struct lsm_queue *queue) {
    if (queue != NULL) {
        LSM_ASSERT(lsm_queue_in_flight(queue) == 0);
        if (queue->staging != NULL) {
            lsm_pages_unmap(queue->staging, LSM_STAGING_BYTES);
        }
        queue->io->ops->queue_destroy(queue);
    }
}

uint8_t *lsm_queue_staging(struct lsm_queue *queue) {
    if (queue->staging == NULL) {
        queue->staging = lsm_pages_map_huge(LSM_STAGING_BYTES, true);
    }
    return queue->staging;
}

unsigned lsm_queue_in_flight(const struct lsm_queue *queue) {
    return queue->pending.count + queue->running + queue->done.count;
}

void lsm_queue_push(struct lsm_queue *queue, struct lsm_request *request) {
    LSM_ASSERT(request->file != NULL && request->file->io == queue->io);
    request->done = 0;
    request->result = 0;
    bool sync = request->op == LSM_REQUEST_SYNC;
    if (!sync && request->offset > (uint64_t)INT64_MAX - request->length) {
        complete(queue, request, -EINVAL); /* the offset came from damaged metadata */
    } else if (!sync && request->length == 0) {
        complete(queue, request, 0);
    } else {
        lsm_request_append(&queue->pending, request);
    }
}

struct lsm_request *lsm_queue_reap(struct lsm_queue *queue, unsigned min) {
    unsigned unfinished = queue->pending.count + queue->running;
    bool starting = queue->pending.count > 0;
    bool short_of = queue->done.count < min || queue->done.count == 0;
    if (unfinished > 0 && (starting || short_of)) {
        unsigned all = unfinished + queue->done.count;
        queue->io->ops->queue_run(queue, min < all ? min : all);
        LSM_ASSERT(queue->done.count >= min || queue->pending.count + queue->running == 0);
    }
    return lsm_request_take(&queue->done);
}

/* ---- pools ---- */

static void pool_setup(struct lsm_queue_pool *pool, unsigned limit, unsigned depth) {
    int rc = pthread_mutex_init(&pool->mutex, NULL);
    LSM_ASSERT(rc == 0);
    lsm_cond_init(&pool->freed);
    pool->free = NULL;
    pool->made = 0;
    pool->out = 0;
    pool->limit = limit;
    pool->depth = depth;
}

static void pool_empty(struct lsm_queue_pool *pool) {
    LSM_ASSERT(pool->out == 0);
    while (pool->free != NULL) {
        struct lsm_queue *queue = pool->free;
        pool->free = queue->next;
        lsm_queue_destroy(queue);
    }
    lsm_cond_destroy(&pool->freed);
    pthread_mutex_destroy(&pool->mutex);
}

static struct lsm_queue *pool_take(struct lsm_io *io, struct lsm_queue_pool *pool) {
    pthread_mutex_lock(&pool->mutex);
    struct lsm_queue *queue = NULL;
    for (;;) {
        queue = pool->free;
        if (queue != NULL) {
            pool->free = queue->next;
            break;
        }
        /* When no more can be made, one comes back: the first was made with the io. */
        if (pool->made < pool->limit &&
            io->ops->queue_create(io, pool->depth, false, &queue) == 0) {
            pool->made++;
            break;
        }
        (void)lsm_cond_wait(io, &pool->freed, &pool->mutex, 0);
    }
    pool->out++;
    pthread_mutex_unlock(&pool->mutex);
    queue->next = NULL;
    LSM_ASSERT(lsm_queue_in_flight(queue) == 0);
    return queue;
}

static void pool_give(struct lsm_queue_pool *pool, struct lsm_queue *queue) {
    LSM_ASSERT(lsm_queue_in_flight(queue) == 0);
    pthread_mutex_lock(&pool->mutex);
    LSM_ASSERT(pool->out > 0);
    pool->out--;
    queue->next = pool->free;
    pool->free = queue;
    lsm_cond_signal(&pool->freed);
    pthread_mutex_unlock(&pool->mutex);
}

struct lsm_queue *lsm_queue_borrow(struct lsm_io *io) {
    return pool_take(io, &io->borrowed);
}

void lsm_queue_return(struct lsm_io *io, struct lsm_queue *queue) {
    LSM_ASSERT(queue != NULL && queue->io == io);
    pool_give(&io->borrowed, queue);
}

void lsm_io_setup(struct lsm_io *io, const struct lsm_io_ops *ops, enum lsm_io_backend backend,
                  bool threads) {
    io->ops = ops;
    io->backend = backend;
    io->threads = threads;
    pool_setup(&io->borrowed, LSM_BORROWED_MAX, LSM_BORROWED_DEPTH);
    pool_setup(&io->whole, LSM_WHOLE_MAX, LSM_WHOLE_DEPTH);
}

int lsm_io_fill_pools(struct lsm_io *io) {
    struct lsm_queue_pool *pools[2] = {&io->borrowed, &io->whole};
    for (unsigned i = 0; i < 2; i++) {
        struct lsm_queue *queue = NULL;
        int rc = io->ops->queue_create(io, pools[i]->depth, false, &queue);
        if (rc != 0) {
            return rc;
        }
        queue->next = NULL;
        pools[i]->free = queue;
        pools[i]->made = 1;
    }
    return 0;
}

void lsm_io_destroy(struct lsm_io *io) {
    if (io != NULL) {
        pool_empty(&io->borrowed);
        pool_empty(&io->whole);
        io->ops->destroy(io);
    }
}

/* ---- whole reads, writes and syncs ---- */

static int fail_transfer(struct lsm_fault *fault, const struct lsm_file *file, int rc,
                         enum lsm_request_op op, size_t length, uint64_t offset) {
    if (rc == -ENODATA) {
        return lsm_fail(fault, LSM_ERR_CORRUPT,
                        "%s: the file ends within the %zu bytes at offset %" PRIu64, file->path,
                        length, offset);
    }
    char what[96];
    snprintf(what, sizeof what, "%s %zu bytes at offset %" PRIu64,
             op == LSM_REQUEST_READ ? "read" : "write", length, offset);
    return lsm_fail_errno(fault, rc, what, file->path);
}

/* Cut into chunks, so that a large transfer keeps several in flight. 0 or negative errno. */
static int transfer(struct lsm_file *file, enum lsm_request_op op, uint64_t offset, uint8_t *buffer,
                    size_t length) {
    struct lsm_request requests[LSM_WHOLE_DEPTH];
    struct lsm_request *idle = NULL;
    for (unsigned i = 0; i < LSM_WHOLE_DEPTH; i++) {
        requests[i] = (struct lsm_request){.op = op, .file = file, .next = idle};
        idle = &requests[i];
    }
    struct lsm_queue *queue = pool_take(file->io, &file->io->whole);
    size_t pushed = 0;
    int rc = 0;
    while ((pushed < length && rc == 0) || lsm_queue_in_flight(queue) > 0) {
        while (idle != NULL && pushed < length && rc == 0) {
            struct lsm_request *request = idle;
            idle = request->next;
            size_t left = length - pushed;
            request->offset = offset + pushed;
            request->buffer = buffer + pushed;
            request->length = (uint32_t)(left < LSM_WHOLE_CHUNK ? left : LSM_WHOLE_CHUNK);
            pushed += request->length;
            lsm_queue_push(queue, request);
        }
        struct lsm_request *request = lsm_queue_reap(queue, 1);
        LSM_ASSERT(request != NULL);
        rc = rc != 0 ? rc : request->result; /* the first failure; what is in flight comes back */
        request->next = idle;
        idle = request;
    }
    pool_give(&file->io->whole, queue);
    return rc;
}

int lsm_request_outcome(const struct lsm_request *request, struct lsm_fault *fault) {
    int rc = request->result;
    if (rc == 0 || request->op != LSM_REQUEST_SYNC) {
        return rc == 0 ? 0
                       : fail_transfer(fault, request->file, rc, request->op, request->length,
                                       request->offset);
    }
    /* A full disk too: what a failed sync has lost nobody knows, so it is never merely NO_SPACE. */
    lsm_fail_errno(fault, rc, "sync", request->file->path);
    fault->code = LSM_ERR_IO;
    return LSM_ERR_IO;
}

int lsm_file_read(struct lsm_file *file, uint64_t offset, void *buffer, size_t length,
                  struct lsm_fault *fault) {
    LSM_ASSERT(buffer != NULL || length == 0);
    bool fits = offset <= (uint64_t)INT64_MAX && length <= (uint64_t)INT64_MAX - offset;
    int rc = fits ? transfer(file, LSM_REQUEST_READ, offset, buffer, length) : -ENODATA;
    return rc == 0 ? 0 : fail_transfer(fault, file, rc, LSM_REQUEST_READ, length, offset);
}

int lsm_file_write(struct lsm_file *file, uint64_t offset, const void *buffer, size_t length,
                   struct lsm_fault *fault) {
    LSM_ASSERT(buffer != NULL || length == 0);
    bool fits = offset <= (uint64_t)INT64_MAX && length <= (uint64_t)INT64_MAX - offset;
    /* A request's buffer serves both ways; a write only reads it. */
    uint8_t *bytes = (uint8_t *)(uintptr_t)buffer;
    int rc = fits ? transfer(file, LSM_REQUEST_WRITE, offset, bytes, length) : -EFBIG;
    return rc == 0 ? 0 : fail_transfer(fault, file, rc, LSM_REQUEST_WRITE, length, offset);
}

int lsm_file_sync(struct lsm_file *file, struct lsm_fault *fault) {
    struct lsm_queue *queue = pool_take(file->io, &file->io->whole);
    struct lsm_request request = {.op = LSM_REQUEST_SYNC, .file = file};
    lsm_queue_push(queue, &request);
    const struct lsm_request *done = lsm_queue_reap(queue, 1);
    LSM_ASSERT(done == &request);
    pool_give(&file->io->whole, queue);
    return lsm_request_outcome(&request, fault);
}

int lsm_file_sync_here(struct lsm_file *file, struct lsm_fault *fault) {
    struct lsm_io *io = file->io;
    struct lsm_request request = {.op = LSM_REQUEST_SYNC, .file = file};
    if (io->ops->sync_here == NULL) {
        return lsm_file_sync(file, fault);
    }
    lsm_io_depth_add(io, 1);
    request.result = io->ops->sync_here(file);
    lsm_io_depth_sub(io, 1);
    if (request.result == 0) {
        atomic_fetch_add_explicit(&io->counters.syncs, 1, memory_order_relaxed);
    }
    return lsm_request_outcome(&request, fault);
}
