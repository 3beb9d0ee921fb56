/* io.h: the seam through which the engine reaches files, clocks and threads.
 *
 * Three backends: io_uring (production), posix (plain calls, where io_uring is forbidden), and sim
 * (tests): one thread, its own clock, a disk that forgets what was not synced when its power is
 * cut. Nothing in the engine may go around this file: what the simulation does not see, it does not
 * prove.
 *
 * Threads:    an io and its files may be used by any thread. A queue belongs to one thread at a
 *             time.
 * Ownership:  files and queues are the caller's until their close/return. A request and its buffer
 *             belong to the queue from push until it comes back from reap.
 * Errors:     negative errno of the operation in the low layer (requests, ops); the lsm_io_* and
 *             lsm_file_* functions turn it into an lsm_error with words. Short reads and writes are
 *             finished here, EINTR repeated; a read past the end of a file is LSM_ERR_CORRUPT,
 *             since lengths come from metadata.
 * Metrics:    every completed request is counted; the depth in flight is a published metric. */
#ifndef LSM_IO_H
#define LSM_IO_H

#include <pthread.h>
#include <stdatomic.h>
#include "status.h"

struct lsm_io;
struct lsm_file;
struct lsm_queue;

/* ---- requests ---- */

enum lsm_request_op { LSM_REQUEST_READ, LSM_REQUEST_WRITE, LSM_REQUEST_SYNC };

struct lsm_request {
    enum lsm_request_op op;
    struct lsm_file *file;
    uint64_t offset;
    void *buffer; /* not written through by WRITE */
    uint32_t length;
    int result; /* 0 when done in full, else negative errno (-ENODATA: the file ended early) */
    void *user;
    struct lsm_request *next; /* the queue's own */
    uint32_t done;            /* the queue's own: bytes so far */
};

/* Engine threads own a queue (SINGLE_ISSUER + DEFER_TASKRUN where the kernel has them): create it
 * in the thread that will use it. Callers' threads borrow a plain one from a bounded pool and give
 * it back. */
LSM_CHECKED int lsm_queue_create(struct lsm_io *io, unsigned depth, struct lsm_queue **queue,
                                 struct lsm_fault *fault);
/* A plain one of the caller's own, that may go from thread to thread, as an iterator does. */
LSM_CHECKED int lsm_queue_create_plain(struct lsm_io *io, unsigned depth, struct lsm_queue **queue,
                                       struct lsm_fault *fault);
void lsm_queue_destroy(struct lsm_queue *queue); /* REQUIRES: nothing in flight */
/* Waits for a free one; never NULL. A thread holds at most one: those that wait for a second while
 * holding a first could wait for each other. lsm_file_read, _write and _sync do not count. */
struct lsm_queue *lsm_queue_borrow(struct lsm_io *io);
void lsm_queue_return(struct lsm_io *io, struct lsm_queue *queue);
/* Queues a request; it is in flight at the latest when reap is called. More than the depth waits
 * inside. */
void lsm_queue_push(struct lsm_queue *queue, struct lsm_request *request);
/* Submits what was pushed in one system call, waits until at least `min` have completed since the
 * last reap (or none is left), and returns the next completed request, or NULL. Completed ones are
 * handed out one a call. */
struct lsm_request *lsm_queue_reap(struct lsm_queue *queue, unsigned min);
/* Aligned memory of LSM_STAGING_BYTES for direct reads by this queue, the queue's own; NULL: out of
 * memory. */
enum { LSM_STAGING_BYTES = 2 << 20 };
uint8_t *lsm_queue_staging(struct lsm_queue *queue);
unsigned lsm_queue_in_flight(const struct lsm_queue *queue); /* pushed and not yet reaped */
/* What came of a finished request: 0, or its error with words. */
LSM_CHECKED int lsm_request_outcome(const struct lsm_request *request, struct lsm_fault *fault);

/* ---- files ---- */

enum lsm_file_flags {
    LSM_FILE_READ = 1,
    LSM_FILE_WRITE = 2,
    LSM_FILE_CREATE = 4, /* must not exist */
    LSM_FILE_DIRECT = 8, /* past the page cache where the file system can; buffers, offsets, lengths
                            in LSM_DIRECT_ALIGN */
};
enum { LSM_DIRECT_ALIGN = 4096 };

/* A missing file is LSM_ERR_IO, never NOT_FOUND, which a reader could take for an absent key. */
LSM_CHECKED int lsm_file_open(struct lsm_io *io, const char *path, unsigned flags,
                              struct lsm_file **file, struct lsm_fault *fault);
void lsm_file_close(struct lsm_file *file); /* NULL is ignored */
const char *lsm_file_path(const struct lsm_file *file);
bool lsm_file_is_direct(const struct lsm_file *file);
LSM_CHECKED int lsm_file_size(struct lsm_file *file, uint64_t *size, struct lsm_fault *fault);
LSM_CHECKED int lsm_file_read(struct lsm_file *file, uint64_t offset, void *buffer, size_t length,
                              struct lsm_fault *fault);
LSM_CHECKED int lsm_file_write(struct lsm_file *file, uint64_t offset, const void *buffer,
                               size_t length, struct lsm_fault *fault);
/* Data and what is needed to find it. A failure is LSM_ERR_IO whatever the kernel said, a full disk
 * too: what a failed sync has lost nobody knows, so it is final and never retried. */
LSM_CHECKED int lsm_file_sync(struct lsm_file *file, struct lsm_fault *fault);
/* The same by a call of this thread's own, for the one file that a group of writers waits for. A
 * ring hands every sync to a worker of the kernel, which has to be woken, and then wakes this
 * thread. Measured with 8 threads of synchronous puts on 2 processors, medians of 7 alternating
 * runs while other work was done there: 34 000 puts a second instead of 11 000; of one pair on the
 * quiet machine: 41 000 instead of 37 000. */
LSM_CHECKED int lsm_file_sync_here(struct lsm_file *file, struct lsm_fault *fault);
/* Allocates blocks for [0, size) and makes the file that long; written zeros where fallocate is not
 * to be had. */
LSM_CHECKED int lsm_file_allocate(struct lsm_file *file, uint64_t size, struct lsm_fault *fault);
LSM_CHECKED int lsm_file_truncate(struct lsm_file *file, uint64_t size, struct lsm_fault *fault);
/* The pieces in which the kernel keeps a mapped file, and writes it back: each whole, whatever of
 * it has changed. Huge: of 2 MiB, where kernel and file system have them; less is spent on page
 * faults and address translation, but each sync writes 2 MiB. */
enum lsm_map_pieces { LSM_MAP_SMALL, LSM_MAP_HUGE };
/* Maps [0, size) shared, readable and writable, populated for writing so that the first touch does
 * not fault. */
LSM_CHECKED int lsm_file_map(struct lsm_file *file, uint64_t size, enum lsm_map_pieces pieces,
                             uint8_t **address, struct lsm_fault *fault);
/* Maps [0, size) for reading, nothing read ahead. False: this backend or this kernel cannot, and
 * requests are to be used. A page that cannot be read later is SIGBUS: see guard.h. */
bool lsm_file_map_read(struct lsm_file *file, uint64_t size, uint8_t **address);
bool lsm_io_maps(const struct lsm_io *io); /* files of this backend can be mapped for reading */
/* Makes a mapping for reading present, all at once; what cannot be read is an error, not SIGBUS. */
LSM_CHECKED int lsm_file_populate(struct lsm_file *file, uint8_t *address, uint64_t size,
                                  struct lsm_fault *fault);
/* The same for some bytes of it, of a mapping of [0, size). In huge pieces what must come from the
 * disk is more than was asked for, but comes faster. */
LSM_CHECKED int lsm_file_bring(struct lsm_file *file, uint8_t *address, uint64_t size,
                               uint64_t offset, uint64_t length, enum lsm_map_pieces pieces,
                               struct lsm_fault *fault);
/* Hardly anything of a mapping for reading is in the page cache, as far as samples tell. False
 * where the kernel does not tell. */
bool lsm_file_is_cold(struct lsm_file *file, const uint8_t *address, uint64_t size);
/* A hint: these bytes will be read soon, all of them. Starts reading them, waits for nothing. */
void lsm_file_will_need(struct lsm_file *file, uint64_t offset, uint64_t length);
/* Gives an open file another name; from then on errors speak of it. */
LSM_CHECKED int lsm_file_rename(struct lsm_file *file, const char *to, struct lsm_fault *fault);
/* Of either mapping. */
void lsm_file_unmap(struct lsm_file *file, uint8_t *address, uint64_t size);

/* ---- names ---- */

LSM_CHECKED int lsm_io_mkdir(struct lsm_io *io, const char *path,
                             struct lsm_fault *fault); /* there already: 0 */
LSM_CHECKED int lsm_io_rmdir(struct lsm_io *io, const char *path, struct lsm_fault *fault);
LSM_CHECKED int lsm_io_unlink(struct lsm_io *io, const char *path,
                              struct lsm_fault *fault); /* absent: 0 */
LSM_CHECKED int lsm_io_rename(struct lsm_io *io, const char *from, const char *to,
                              struct lsm_fault *fault);
LSM_CHECKED int lsm_io_link(struct lsm_io *io, const char *from, const char *to,
                            struct lsm_fault *fault);
LSM_CHECKED int lsm_io_sync_dir(struct lsm_io *io, const char *path, struct lsm_fault *fault);
/* Calls visit(context, name) for each name but . and .. ; LSM_NOT_FOUND when there is no such
 * directory. */
LSM_CHECKED int lsm_io_list(struct lsm_io *io, const char *path,
                            void (*visit)(void *context, const char *name), void *context,
                            struct lsm_fault *fault);
/* An exclusive lock on `path`, released by the kernel when the process dies, and not inherited
 * through fork by a child that outlives its parent's close. LOCKED names the holder's pid where it
 * is known. */
LSM_CHECKED int lsm_io_lock(struct lsm_io *io, const char *path, struct lsm_file **lock,
                            struct lsm_fault *fault);
void lsm_io_unlock(struct lsm_io *io, struct lsm_file *lock);

/* ---- time, threads, waiting ---- */

uint64_t lsm_io_now_ns(struct lsm_io *io); /* monotonic */
uint64_t lsm_io_unix_s(struct lsm_io *io); /* coarse and cheap: a few ns */
uint64_t lsm_io_unix_ms(struct lsm_io *io);
void lsm_io_sleep_ns(struct lsm_io *io, uint64_t ns);

/* False: spawn is not to be had, and whatever waits runs pending work itself, through the runner.
 */
bool lsm_io_has_threads(struct lsm_io *io);
LSM_CHECKED int lsm_io_spawn(struct lsm_io *io, const char *name, void *(*body)(void *),
                             void *argument, pthread_t *thread, struct lsm_fault *fault);
/* Without threads: called by a wait to run one piece of pending work; false when there is none. */
void lsm_io_set_runner(struct lsm_io *io, bool (*run_one)(void *context), void *context);

/* Condition of the seam. Waits may return early: callers loop. `deadline_ns` 0: none; true unless
 * it passed. */
struct lsm_cond {
    pthread_cond_t cond;
};
void lsm_cond_init(struct lsm_cond *cond);
void lsm_cond_destroy(struct lsm_cond *cond);
bool lsm_cond_wait(struct lsm_io *io, struct lsm_cond *cond, pthread_mutex_t *mutex,
                   uint64_t deadline_ns);
void lsm_cond_signal(struct lsm_cond *cond);
void lsm_cond_broadcast(struct lsm_cond *cond);

/* ---- backends ---- */

struct lsm_io_counters { /* relaxed; absolute since creation */
    _Atomic uint64_t reads, writes, read_bytes, write_bytes, syncs, submits;
    _Atomic uint64_t depth, depth_max;
};
const struct lsm_io_counters *lsm_io_counters(const struct lsm_io *io);
enum lsm_io_backend lsm_io_backend(const struct lsm_io *io);
/* AUTO: io_uring, else posix; then `notice` (256 bytes) says why, else it is "". */
LSM_CHECKED int lsm_io_create(enum lsm_io_backend backend, struct lsm_io **io, char notice[256],
                              struct lsm_fault *fault);
void lsm_io_destroy(struct lsm_io *io);

/* What a backend provides. Returns are 0 or negative errno. */
struct lsm_io_ops {
    int (*open)(struct lsm_io *io, const char *path, unsigned flags, struct lsm_file **file);
    void (*close)(struct lsm_file *file);
    int (*size)(struct lsm_file *file, uint64_t *size);
    int (*allocate)(struct lsm_file *file, uint64_t size);
    int (*truncate)(struct lsm_file *file, uint64_t size);
    int (*sync_here)(struct lsm_file *file); /* NULL: by a request */
    int (*map)(struct lsm_file *file, uint64_t size, enum lsm_map_pieces pieces, uint8_t **address);
    int (*map_read)(struct lsm_file *file, uint64_t size, uint8_t **address); /* may be NULL */
    void (*unmap)(struct lsm_file *file, uint8_t *address, uint64_t size);
    void (*will_need)(struct lsm_file *file, uint64_t offset, uint64_t length); /* may be NULL */
    int (*mkdir)(struct lsm_io *io, const char *path);
    int (*rmdir)(struct lsm_io *io, const char *path);
    int (*unlink)(struct lsm_io *io, const char *path);
    int (*rename)(struct lsm_io *io, const char *from, const char *to);
    int (*link)(struct lsm_io *io, const char *from, const char *to);
    int (*sync_dir)(struct lsm_io *io, const char *path);
    int (*list)(struct lsm_io *io, const char *path, void (*visit)(void *, const char *),
                void *context);
    int (*lock)(struct lsm_io *io, const char *path, struct lsm_file **lock, long *holder_pid);
    void (*unlock)(struct lsm_io *io, struct lsm_file *lock);
    int (*queue_create)(struct lsm_io *io, unsigned depth, bool own_thread,
                        struct lsm_queue **queue);
    void (*queue_destroy)(struct lsm_queue *queue);
    /* Starts every pushed request it can; then waits for at least min completions, appending them
     * to the done list. */
    void (*queue_run)(struct lsm_queue *queue, unsigned min);
    uint64_t (*now_ns)(struct lsm_io *io);
    uint64_t (*unix_ms)(struct lsm_io *io);
    void (*sleep_ns)(struct lsm_io *io, uint64_t ns);
    bool (*cond_wait)(struct lsm_io *io, struct lsm_cond *cond, pthread_mutex_t *mutex,
                      uint64_t deadline_ns);
    void (*destroy)(struct lsm_io *io);
};

#endif
