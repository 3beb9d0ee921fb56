/* io_fd.c: files of both production backends: descriptors, allocation, mappings. Data itself goes
 * through the queues. */
#include "io_backend.h"
#include "pages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

static int open_fd(const char *path, unsigned flags) {
    int access = O_RDONLY;
    if ((flags & LSM_FILE_WRITE) != 0) {
        access = (flags & LSM_FILE_READ) != 0 ? O_RDWR : O_WRONLY;
    }
    int create = (flags & LSM_FILE_CREATE) != 0 ? O_CREAT | O_EXCL : 0;
    int fd = -1;
    do {
        fd = open(path, access | create | O_CLOEXEC, 0666); /* less the umask */
    } while (fd < 0 && errno == EINTR);
    return fd < 0 ? -errno : fd;
}

/* Set after the open: a file system without direct I/O would create the file and then fail. */
static bool make_direct(int fd) {
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_DIRECT) == 0;
}

int lsm_fd_open(struct lsm_io *io, const char *path, unsigned flags, struct lsm_file **file) {
    int rc = -ENOMEM;
    struct lsm_fd_file *made = calloc(1, sizeof *made);
    char *copy = strdup(path);
    if (made == NULL || copy == NULL) {
        goto fail;
    }
    rc = open_fd(path, flags);
    if (rc < 0) {
        goto fail;
    }
    made->fd = rc;
    made->base.io = io;
    made->base.path = copy;
    made->base.direct = (flags & LSM_FILE_DIRECT) != 0 && make_direct(made->fd);
    *file = &made->base;
    return 0;
fail:
    free(copy);
    free(made);
    return rc;
}

void lsm_fd_close(struct lsm_file *file) {
    struct lsm_fd_file *fd_file = (struct lsm_fd_file *)(void *)file;
    if (fd_file->fd >= 0) {
        /* Not repeated on EINTR: Linux has closed it. What mattered was synced, with its errors. */
        (void)close(fd_file->fd);
    }
    free(file->path);
    free(fd_file);
}

int lsm_fd_size(struct lsm_file *file, uint64_t *size) {
    struct stat status;
    if (fstat(lsm_file_fd(file), &status) != 0) {
        return -errno;
    }
    LSM_ASSERT(status.st_size >= 0);
    *size = (uint64_t)status.st_size;
    return 0;
}

int lsm_fd_truncate(struct lsm_file *file, uint64_t size) {
    int rc = 0;
    do {
        rc = ftruncate(lsm_file_fd(file), (off_t)size);
    } while (rc != 0 && errno == EINTR);
    return rc == 0 ? 0 : -errno;
}

int lsm_fd_sync(struct lsm_file *file) {
    int rc = 0;
    do {
        rc = fdatasync(lsm_file_fd(file));
    } while (rc != 0 && errno == EINTR);
    return rc == 0 ? 0 : -errno;
}

static uint64_t round_up(uint64_t n) {
    return (n + LSM_DIRECT_ALIGN - 1) / LSM_DIRECT_ALIGN * LSM_DIRECT_ALIGN;
}

/* Extends the file from `from` to at least `to` with zeros that are written, not promised. Whole
 * blocks, so that it serves direct files too; the caller cuts the excess. */
static int write_zeros(int fd, uint64_t from, uint64_t to) {
    enum { CHUNK = 1 << 20 };
    uint8_t *zeros = aligned_alloc(LSM_DIRECT_ALIGN, CHUNK);
    if (zeros == NULL) {
        return -ENOMEM;
    }
    memset(zeros, 0, CHUNK);
    int rc = 0;
    while (from < to && rc == 0) {
        uint64_t left = round_up(to - from);
        ssize_t n = pwrite(fd, zeros, left < CHUNK ? (size_t)left : CHUNK, (off_t)from);
        if (n > 0) {
            from += (uint64_t)n;
        } else if (n == 0 || errno != EINTR) {
            rc = n == 0 ? -EIO : -errno;
        }
    }
    free(zeros);
    return rc;
}

static int allocate_by_writing(struct lsm_file *file, uint64_t before, uint64_t size) {
    if (size <= before) {
        return 0;
    }
    /* The rest of the last block has its space already: only zeros of whole blocks are written. A
     * hole below the old end stays one: to fill it would be to write over somebody's bytes. */
    uint64_t start = round_up(before);
    int rc = start > before ? lsm_fd_truncate(file, start) : 0;
    if (rc == 0) {
        rc = write_zeros(lsm_file_fd(file), start, size);
    }
    return rc == 0 ? lsm_fd_truncate(file, size) : rc;
}

int lsm_fd_allocate(struct lsm_file *file, uint64_t size) {
    uint64_t before = 0;
    int rc = lsm_fd_size(file, &before);
    if (rc != 0 || size == 0) {
        return rc;
    }
    do {
        rc = fallocate(lsm_file_fd(file), 0, 0, (off_t)size) == 0 ? 0 : -errno;
    } while (rc == -EINTR);
    if (rc == -EOPNOTSUPP || rc == -ENOSYS) {
        rc = allocate_by_writing(file, before, size);
    }
    if (rc != 0) {
        /* A part may be allocated: a failed attempt must not leave the disk fuller than before. */
        uint64_t now = 0;
        if (lsm_fd_size(file, &now) == 0 && now >= before) {
            (void)lsm_fd_truncate(file, before);
        }
    }
    return rc;
}

/* Makes every page present and writable without changing a byte, whoever else writes there. */
static void touch(uint8_t *address, uint64_t size) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (uint64_t at = 0; at < size; at += page) {
        (void)__atomic_fetch_or(address + at, 0, __ATOMIC_RELAXED);
    }
}

static int populate(uint8_t *address, uint64_t size) {
    int rc = 0;
    do {
        rc = madvise(address, size, MADV_POPULATE_WRITE) == 0 ? 0 : -errno;
    } while (rc == -EINTR || rc == -EAGAIN);
    if (rc == -EINVAL) { /* before Linux 5.14 */
        touch(address, size);
        return 0;
    }
    /* What touching would answer with SIGBUS comes as EFAULT, which says nothing to a reader. */
    return rc == -EFAULT || rc == -EHWPOISON ? -EIO : rc;
}

/* Whole pages, as the kernel maps them anyway: a race detector forgets at unmapping only the whole
 * pages that it is told of, and would take the last one's next owner for a second user of it. */
static uint64_t whole_pages(uint64_t size) {
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    return (size + page - 1) / page * page;
}

int lsm_fd_map(struct lsm_file *file, uint64_t size, enum lsm_map_pieces pieces,
               uint8_t **address) {
    LSM_ASSERT(size > 0);
    uint64_t file_size = 0;
    int rc = lsm_fd_size(file, &file_size);
    if (rc != 0) {
        return rc;
    }
    if (file_size < size) {
        return -EINVAL; /* pages past the end of a file are SIGBUS */
    }
    void *mapped =
        mmap(NULL, whole_pages(size), PROT_READ | PROT_WRITE, MAP_SHARED, lsm_file_fd(file), 0);
    if (mapped == MAP_FAILED) {
        return -errno;
    }
    if (pieces == LSM_MAP_HUGE) {
        (void)madvise(mapped, size, MADV_HUGEPAGE); /* before the file's first page is there */
    }
    rc = populate(mapped, size);
    /* A forked child must not write into its parent's log. Where it cannot be had, the handle's own
     * check remains. */
    (void)madvise(mapped, size, MADV_DONTFORK);
    if (rc != 0) {
        (void)munmap(mapped, whole_pages(size));
        return rc;
    }
    *address = mapped;
    return 0;
}

int lsm_fd_map_read(struct lsm_file *file, uint64_t size, uint8_t **address) {
    LSM_ASSERT(size > 0);
    void *mapped = mmap(NULL, whole_pages(size), PROT_READ, MAP_SHARED, lsm_file_fd(file), 0);
    if (mapped == MAP_FAILED) {
        return -errno;
    }
    /* Keys come in no order that read-ahead could guess. */
    (void)madvise(mapped, size, MADV_RANDOM);
    (void)madvise(mapped, size, MADV_DONTFORK);
    *address = mapped;
    return 0;
}

static int populate_read(uint8_t *address, uint64_t size) {
    int rc = 0;
    do {
        rc = madvise(address, size, MADV_POPULATE_READ) == 0 ? 0 : -errno;
    } while (rc == -EINTR || rc == -EAGAIN);
    if (rc == -EINVAL) { /* before Linux 5.14: each page when it is touched */
        return 0;
    }
    return rc == -EFAULT || rc == -EHWPOISON ? -EIO : rc;
}

int lsm_fd_populate(uint8_t *address, uint64_t size) {
    (void)madvise(address, size, MADV_NORMAL); /* from one end to the other: read ahead */
    return populate_read(address, size);
}

/* The advice is for whole huge pages: what makes a border in the middle of one (the kernel keeps
 * advised and other memory apart) is never mapped whole, though it lies in the page cache whole. */
int lsm_fd_bring(uint8_t *address, uint64_t size, uint64_t offset, uint64_t length,
                 enum lsm_map_pieces pieces) {
    const uint64_t page = LSM_DIRECT_ALIGN - 1, huge = LSM_HUGE_PAGE - 1;
    uint64_t from = offset & ~huge, to = (offset + length + huge) & ~huge;
    to = to < size ? to : size;
    if (pieces == LSM_MAP_HUGE) {
        (void)madvise(address + from, to - from, MADV_HUGEPAGE);
    }
    from = offset & ~page;
    return populate_read(address + from, offset + length - from);
}

/* One page at each of so many places: all pages of 64 MiB would take the kernel a millisecond. A
 * file that is not the caller's own and cannot be written counts as present throughout. */
bool lsm_fd_is_cold(const uint8_t *address, uint64_t size) {
    enum { PLACES = 64, FEW = PLACES / 16 };
    uint64_t pages = whole_pages(size) / LSM_DIRECT_ALIGN;
    unsigned present = 0;
    for (unsigned i = 0; i < PLACES && present <= FEW; i++) {
        const uint8_t *page = address + pages * i / PLACES * LSM_DIRECT_ALIGN;
        unsigned char vector = 1;
        int rc = mincore((void *)(uintptr_t)page, 1, &vector);
        present += rc != 0 || (vector & 1) != 0;
    }
    return present <= FEW;
}

/* In pieces, because the kernel reads no more than a device request or two for one call. */
void lsm_fd_will_need(struct lsm_file *file, uint64_t offset, uint64_t length) {
    enum { PIECE = 512 << 10 };
    uint64_t end = offset + length;
    for (; offset < end; offset += PIECE) {
        uint64_t piece = end - offset < PIECE ? end - offset : PIECE;
        (void)posix_fadvise(lsm_file_fd(file), (off_t)offset, (off_t)piece, POSIX_FADV_WILLNEED);
    }
}

void lsm_fd_unmap(struct lsm_file *file, uint8_t *address, uint64_t size) {
    (void)file;
    int rc = munmap(address, whole_pages(size));
    LSM_ASSERT(rc == 0);
}
