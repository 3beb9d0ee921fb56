/* io_backend.h: what the generic layer of the seam and its backends share. Private to io*.c and the
 * simulated backend of the tests.
 *
 * A backend embeds these structs first in its own. The generic layer owns the words of errors, the
 * pools of borrowed queues and the rules of short transfers; a backend moves requests from a
 * queue's pending list, by way of whatever it does, to lsm_request_finish.
 *
 * Threads:    a queue's lists belong to the thread that has the queue; the rest as in io.h.
 * Ownership:  an io, file or queue is allocated and freed by its backend. */
#ifndef LSM_IO_BACKEND_H
#define LSM_IO_BACKEND_H

#include "io.h"

/* Callers' threads share LSM_BORROWED_MAX rings of LSM_BORROWED_DEPTH requests. The calls that
 * read, write and sync a file as a whole have a pool of their own: they hold a queue without
 * waiting for anything else, so they may be made by a thread that has borrowed one, and never
 * deadlock. */
enum { LSM_BORROWED_MAX = 16, LSM_BORROWED_DEPTH = 128 };
enum { LSM_WHOLE_MAX = 8, LSM_WHOLE_DEPTH = 8, LSM_WHOLE_CHUNK = 1 << 20 };
enum { LSM_QUEUE_DEPTH_MAX = 4096 };

struct lsm_request_list {
    struct lsm_request *first, *last;
    unsigned count;
};
void lsm_request_append(struct lsm_request_list *list, struct lsm_request *request);
void lsm_request_prepend(struct lsm_request_list *list, struct lsm_request *request);
struct lsm_request *lsm_request_take(struct lsm_request_list *list); /* NULL when empty */

struct lsm_queue_pool {
    pthread_mutex_t mutex;
    struct lsm_cond freed;
    struct lsm_queue *free;
    unsigned made, out, limit, depth;
};

struct lsm_io {
    const struct lsm_io_ops *ops;
    enum lsm_io_backend backend;
    bool threads;
    struct lsm_io_counters counters;
    struct lsm_queue_pool borrowed, whole;
    bool (*run_one)(void *context); /* without threads */
    void *run_context;
    uint64_t
        choices; /* state of the scheduler's random choices; 0: none, first come first served */
};

struct lsm_file {
    struct lsm_io *io;
    char *path; /* malloc'd */
    bool direct;
};

struct lsm_queue {
    struct lsm_io *io;
    unsigned depth;
    unsigned running;                /* started by the backend, not yet finished or put back */
    struct lsm_request_list pending; /* pushed, or to be continued after a short transfer */
    struct lsm_request_list done;    /* for reap to hand out */
    uint8_t *staging;                /* NULL until it is asked for */
    struct lsm_queue *next;          /* in the pool */
};

/* A backend's create calls lsm_io_setup when its struct stands (false: out of memory), and its ops'
 * destroy frees what remains after lsm_io_destroy has emptied the pools. */
void lsm_io_setup(struct lsm_io *io, const struct lsm_io_ops *ops, enum lsm_io_backend backend,
                  bool threads);
/* Makes the first queue of each pool, so that borrowing cannot fail later. 0 or negative errno. */
int lsm_io_fill_pools(struct lsm_io *io);

/* For the counters: n requests more or fewer are in the device's hands. */
void lsm_io_depth_add(struct lsm_io *io, unsigned n);
void lsm_io_depth_sub(struct lsm_io *io, unsigned n);
/* One try at a request ended with `result`: bytes moved, or negative errno. It is done, or goes
 * back to the front of the pending list to be continued. */
void lsm_request_finish(struct lsm_queue *queue, struct lsm_request *request, int64_t result);
/* Does a request with plain system calls (one try); the result as above. */
int64_t lsm_request_by_call(struct lsm_request *request, int fd);

/* A number below n, by the seed; 0 where nothing is left to chance. */
unsigned lsm_io_choose(struct lsm_io *io, unsigned n);

/* ---- shared by both production backends ---- */

struct lsm_fd_file {
    struct lsm_file base;
    int fd;
    struct lsm_fd_file *next_lock; /* in the list of locks held by this process */
};
static inline int lsm_file_fd(const struct lsm_file *file) {
    const struct lsm_fd_file *fd_file = (const void *)file;
    return fd_file->fd;
}

int lsm_fd_open(struct lsm_io *io, const char *path, unsigned flags, struct lsm_file **file);
void lsm_fd_close(struct lsm_file *file);
int lsm_fd_size(struct lsm_file *file, uint64_t *size);
int lsm_fd_allocate(struct lsm_file *file, uint64_t size);
int lsm_fd_truncate(struct lsm_file *file, uint64_t size);
int lsm_fd_sync(struct lsm_file *file);
int lsm_fd_map(struct lsm_file *file, uint64_t size, enum lsm_map_pieces pieces, uint8_t **address);
int lsm_fd_map_read(struct lsm_file *file, uint64_t size, uint8_t **address);
int lsm_fd_populate(uint8_t *address, uint64_t size);
int lsm_fd_bring(uint8_t *address, uint64_t size, uint64_t offset, uint64_t length,
                 enum lsm_map_pieces pieces);
bool lsm_fd_is_cold(const uint8_t *address, uint64_t size);
void lsm_fd_will_need(struct lsm_file *file, uint64_t offset, uint64_t length);
void lsm_fd_unmap(struct lsm_file *file, uint8_t *address, uint64_t size);

int lsm_names_mkdir(struct lsm_io *io, const char *path);
int lsm_names_rmdir(struct lsm_io *io, const char *path);
int lsm_names_unlink(struct lsm_io *io, const char *path);
int lsm_names_rename(struct lsm_io *io, const char *from, const char *to);
int lsm_names_link(struct lsm_io *io, const char *from, const char *to);
int lsm_names_sync_dir(struct lsm_io *io, const char *path);
int lsm_names_list(struct lsm_io *io, const char *path, void (*visit)(void *, const char *),
                   void *context);
int lsm_names_lock(struct lsm_io *io, const char *path, struct lsm_file **lock, long *holder_pid);
void lsm_names_unlock(struct lsm_io *io, struct lsm_file *lock);

uint64_t lsm_clock_now_ns(struct lsm_io *io);
uint64_t lsm_clock_unix_ms(struct lsm_io *io);
void lsm_clock_sleep_ns(struct lsm_io *io, uint64_t ns);
bool lsm_clock_cond_wait(struct lsm_io *io, struct lsm_cond *cond, pthread_mutex_t *mutex,
                         uint64_t deadline_ns);

/* 0 or negative errno. */
int lsm_posix_create(struct lsm_io **io);
int lsm_uring_create(struct lsm_io **io);

#endif
