/* io.c: the seam's front: calls of the backend with errors in words, clocks, threads, creation. */
#include "io_backend.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

/* ---- files ---- */

int lsm_file_open(struct lsm_io *io, const char *path, unsigned flags, struct lsm_file **file,
                  struct lsm_fault *fault) {
    LSM_ASSERT((flags & (LSM_FILE_READ | LSM_FILE_WRITE)) != 0);
    LSM_ASSERT((flags & LSM_FILE_CREATE) == 0 || (flags & LSM_FILE_WRITE) != 0);
    int rc = io->ops->open(io, path, flags, file);
    if (rc != 0) {
        return lsm_fail_errno(fault, rc, (flags & LSM_FILE_CREATE) != 0 ? "create" : "open", path);
    }
    return 0;
}

void lsm_file_close(struct lsm_file *file) {
    if (file != NULL) {
        file->io->ops->close(file);
    }
}

const char *lsm_file_path(const struct lsm_file *file) {
    return file->path;
}

bool lsm_file_is_direct(const struct lsm_file *file) {
    return file->direct;
}

int lsm_file_size(struct lsm_file *file, uint64_t *size, struct lsm_fault *fault) {
    int rc = file->io->ops->size(file, size);
    return rc == 0 ? 0 : lsm_fail_errno(fault, rc, "size", file->path);
}

/* File systems count in signed 64 bits: larger numbers come from damaged metadata. */
static bool offset_ok(uint64_t offset) {
    return offset <= (uint64_t)INT64_MAX;
}

int lsm_file_allocate(struct lsm_file *file, uint64_t size, struct lsm_fault *fault) {
    int rc = offset_ok(size) ? file->io->ops->allocate(file, size) : -EFBIG;
    if (rc != 0) {
        char what[64];
        snprintf(what, sizeof what, "allocate %" PRIu64 " bytes", size);
        return lsm_fail_errno(fault, rc, what, file->path);
    }
    return 0;
}

int lsm_file_truncate(struct lsm_file *file, uint64_t size, struct lsm_fault *fault) {
    int rc = offset_ok(size) ? file->io->ops->truncate(file, size) : -EFBIG;
    if (rc != 0) {
        char what[64];
        snprintf(what, sizeof what, "truncate to %" PRIu64 " bytes", size);
        return lsm_fail_errno(fault, rc, what, file->path);
    }
    return 0;
}

int lsm_file_map(struct lsm_file *file, uint64_t size, enum lsm_map_pieces pieces,
                 uint8_t **address, struct lsm_fault *fault) {
    int rc =
        size != 0 && size <= SIZE_MAX ? file->io->ops->map(file, size, pieces, address) : -EINVAL;
    if (rc != 0) {
        char what[64];
        snprintf(what, sizeof what, "map %" PRIu64 " bytes", size);
        return lsm_fail_errno(fault, rc, what, file->path);
    }
    return 0;
}

bool lsm_io_maps(const struct lsm_io *io) {
    return io->ops->map_read != NULL;
}

bool lsm_file_map_read(struct lsm_file *file, uint64_t size, uint8_t **address) {
    const struct lsm_io_ops *ops = file->io->ops;
    return lsm_io_maps(file->io) && size != 0 && size <= SIZE_MAX &&
           ops->map_read(file, size, address) == 0;
}

int lsm_file_populate(struct lsm_file *file, uint8_t *address, uint64_t size,
                      struct lsm_fault *fault) {
    int rc =
        lsm_fd_populate(address, size); /* only files with descriptors are mapped for reading */
    return rc == 0 ? 0 : lsm_fail_errno(fault, rc, "read", file->path);
}

int lsm_file_bring(struct lsm_file *file, uint8_t *address, uint64_t size, uint64_t offset,
                   uint64_t length, enum lsm_map_pieces pieces, struct lsm_fault *fault) {
    LSM_ASSERT(lsm_io_maps(file->io) && length > 0 && offset <= size && length <= size - offset);
    int rc = lsm_fd_bring(address, size, offset, length, pieces);
    return rc == 0 ? 0 : lsm_fail_errno(fault, rc, "read", file->path);
}

bool lsm_file_is_cold(struct lsm_file *file, const uint8_t *address, uint64_t size) {
    (void)file;
    return lsm_fd_is_cold(address, size);
}

void lsm_file_will_need(struct lsm_file *file, uint64_t offset, uint64_t length) {
    if (file->io->ops->will_need != NULL && !file->direct) {
        file->io->ops->will_need(file, offset, length);
    }
}

void lsm_file_unmap(struct lsm_file *file, uint8_t *address, uint64_t size) {
    LSM_ASSERT(address != NULL);
    file->io->ops->unmap(file, address, size);
}

/* ---- names ---- */

int lsm_io_mkdir(struct lsm_io *io, const char *path, struct lsm_fault *fault) {
    int rc = io->ops->mkdir(io, path);
    return rc == 0 ? 0 : lsm_fail_errno(fault, rc, "create directory", path);
}

int lsm_io_rmdir(struct lsm_io *io, const char *path, struct lsm_fault *fault) {
    int rc = io->ops->rmdir(io, path);
    return rc == 0 ? 0 : lsm_fail_errno(fault, rc, "remove directory", path);
}

int lsm_io_unlink(struct lsm_io *io, const char *path, struct lsm_fault *fault) {
    int rc = io->ops->unlink(io, path);
    return rc == 0 ? 0 : lsm_fail_errno(fault, rc, "remove", path);
}

/* "rename to B" or "link to B", for the words of an error about A. */
static int fail_pair(struct lsm_fault *fault, int rc, const char *verb, const char *from,
                     const char *to) {
    char what[sizeof fault->text / 2];
    snprintf(what, sizeof what, "%s to %s", verb, to);
    return lsm_fail_errno(fault, rc, what, from);
}

int lsm_io_rename(struct lsm_io *io, const char *from, const char *to, struct lsm_fault *fault) {
    int rc = io->ops->rename(io, from, to);
    return rc == 0 ? 0 : fail_pair(fault, rc, "rename", from, to);
}

int lsm_file_rename(struct lsm_file *file, const char *to, struct lsm_fault *fault) {
    char *path = strdup(to);
    if (path == NULL) {
        return lsm_fail(fault, LSM_ERR_MEMORY, "%s: no memory for another name", file->path);
    }
    int rc = lsm_io_rename(file->io, file->path, to, fault);
    if (rc != 0) {
        free(path);
        return rc;
    }
    free(file->path);
    file->path = path;
    return 0;
}

int lsm_io_link(struct lsm_io *io, const char *from, const char *to, struct lsm_fault *fault) {
    int rc = io->ops->link(io, from, to);
    return rc == 0 ? 0 : fail_pair(fault, rc, "link", from, to);
}

int lsm_io_sync_dir(struct lsm_io *io, const char *path, struct lsm_fault *fault) {
    int rc = io->ops->sync_dir(io, path);
    if (rc != 0) {
        lsm_fail_errno(fault, rc, "sync directory", path);
        fault->code = LSM_ERR_IO; /* as in lsm_file_sync: final, a full disk too */
        return LSM_ERR_IO;
    }
    atomic_fetch_add_explicit(&io->counters.syncs, 1, memory_order_relaxed);
    return 0;
}

int lsm_io_list(struct lsm_io *io, const char *path, void (*visit)(void *context, const char *name),
                void *context, struct lsm_fault *fault) {
    int rc = io->ops->list(io, path, visit, context);
    if (rc == -ENOENT) {
        return lsm_fail(fault, LSM_NOT_FOUND, "%s: no such directory", path);
    }
    return rc == 0 ? 0 : lsm_fail_errno(fault, rc, "list", path);
}

int lsm_io_lock(struct lsm_io *io, const char *path, struct lsm_file **lock,
                struct lsm_fault *fault) {
    long holder_pid = 0;
    int rc = io->ops->lock(io, path, lock, &holder_pid);
    if (rc == -EAGAIN && holder_pid > 0) {
        return lsm_fail(fault, LSM_ERR_LOCKED, "%s: held by process %ld", path, holder_pid);
    }
    if (rc == -EAGAIN) {
        return lsm_fail(fault, LSM_ERR_LOCKED, "%s: held by another process", path);
    }
    return rc == 0 ? 0 : lsm_fail_errno(fault, rc, "lock", path);
}

void lsm_io_unlock(struct lsm_io *io, struct lsm_file *lock) {
    LSM_ASSERT(lock != NULL && lock->io == io);
    io->ops->unlock(io, lock);
}

/* ---- time, threads, waiting ---- */

uint64_t lsm_io_now_ns(struct lsm_io *io) {
    return io->ops->now_ns(io);
}

uint64_t lsm_io_unix_s(struct lsm_io *io) {
    return io->ops->unix_ms(io) / 1000;
}

uint64_t lsm_io_unix_ms(struct lsm_io *io) {
    return io->ops->unix_ms(io);
}

void lsm_io_sleep_ns(struct lsm_io *io, uint64_t ns) {
    io->ops->sleep_ns(io, ns);
}

bool lsm_io_has_threads(struct lsm_io *io) {
    return io->threads;
}

int lsm_io_spawn(struct lsm_io *io, const char *name, void *(*body)(void *), void *argument,
                 pthread_t *thread, struct lsm_fault *fault) {
    if (!io->threads) {
        return lsm_fail(fault, LSM_ERR_UNSUPPORTED, "%s: this backend has no threads", name);
    }
    /* Signals are the program's: its own threads shall get them. What a fault of this very thread
     * raises must stay deliverable to it. */
    sigset_t ours;
    sigset_t before;
    sigfillset(&ours);
    static const int own_faults[] = {SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
    for (size_t i = 0; i < sizeof own_faults / sizeof own_faults[0]; i++) {
        sigdelset(&ours, own_faults[i]);
    }
    pthread_sigmask(SIG_SETMASK, &ours, &before);
    int rc = pthread_create(thread, NULL, body, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        return lsm_fail_errno(fault, -rc, "start thread", name);
    }
    char short_name[16]; /* the kernel's limit, NUL included */
    snprintf(short_name, sizeof short_name, "%s", name);
    (void)pthread_setname_np(*thread, short_name); /* only for those who look */
    return 0;
}

void lsm_io_set_runner(struct lsm_io *io, bool (*run_one)(void *context), void *context) {
    io->run_one = run_one;
    io->run_context = context;
}

void lsm_cond_init(struct lsm_cond *cond) {
    pthread_condattr_t attributes;
    int rc = pthread_condattr_init(&attributes);
    LSM_ASSERT(rc == 0);
    rc = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    LSM_ASSERT(rc == 0);
    rc = pthread_cond_init(&cond->cond, &attributes);
    LSM_ASSERT(rc == 0);
    pthread_condattr_destroy(&attributes);
}

void lsm_cond_destroy(struct lsm_cond *cond) {
    pthread_cond_destroy(&cond->cond);
}

bool lsm_cond_wait(struct lsm_io *io, struct lsm_cond *cond, pthread_mutex_t *mutex,
                   uint64_t deadline_ns) {
    return io->ops->cond_wait(io, cond, mutex, deadline_ns);
}

void lsm_cond_signal(struct lsm_cond *cond) {
    pthread_cond_signal(&cond->cond);
}

void lsm_cond_broadcast(struct lsm_cond *cond) {
    pthread_cond_broadcast(&cond->cond);
}

unsigned lsm_io_choose(struct lsm_io *io, unsigned n) {
    LSM_ASSERT(n > 0);
    if (io->choices == 0) {
        return 0;
    }
    /* splitmix64 */
    io->choices += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t z = io->choices;
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (unsigned)((z ^ (z >> 31)) % n);
}

/* ---- backends ---- */

const struct lsm_io_counters *lsm_io_counters(const struct lsm_io *io) {
    return &io->counters;
}

enum lsm_io_backend lsm_io_backend(const struct lsm_io *io) {
    return io->backend;
}

int lsm_io_create(enum lsm_io_backend backend, struct lsm_io **io, char notice[256],
                  struct lsm_fault *fault) {
    notice[0] = '\0';
    int rc = 0;
    if (backend != LSM_IO_POSIX) {
        rc = lsm_uring_create(io);
        if (rc == 0) {
            return 0;
        }
        if (backend == LSM_IO_URING) {
            return lsm_fail(fault, LSM_ERR_UNSUPPORTED, "io_uring is not to be had here: %s",
                            strerrordesc_np(-rc));
        }
    }
    int uring_rc = rc;
    rc = lsm_posix_create(io);
    if (rc != 0) {
        return lsm_fail_errno(fault, rc, "create", "posix backend");
    }
    if (uring_rc != 0) {
        bool forbidden = uring_rc == -EPERM || uring_rc == -EACCES;
        snprintf(notice, 256, "io_uring is %s here (%s): plain reads and writes are used",
                 forbidden ? "forbidden" : "not to be had", strerrordesc_np(-uring_rc));
    }
    return 0;
}
