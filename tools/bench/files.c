#include "files.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *place) {
    (void)st, (void)type;
    if (place->level > 0) {
        (void)remove(path);
    }
    return 0;
}

bool bench_files_remove(const char *dir, bool itself) {
    (void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    if (itself) {
        return rmdir(dir) == 0;
    }
    DIR *left = opendir(dir);
    int names = 0;
    while (left != NULL && readdir(left) != NULL) {
        names++;
    }
    if (left != NULL) {
        (void)closedir(left);
    }
    return names == 2; /* . and .. */
}

static bool ends_with(const char *name, const char *suffix) {
    size_t ending = strlen(suffix);
    size_t length = strlen(name);
    return ending > 0 && length >= ending && strcmp(name + length - ending, suffix) == 0;
}

/* Calls visit for each regular file. */
static void each_file(const char *dir, void (*visit)(void *, int, const char *), void *context) {
    DIR *open_dir = opendir(dir);
    if (open_dir == NULL) {
        return;
    }
    for (const struct dirent *e = readdir(open_dir); e != NULL; e = readdir(open_dir)) {
        if (e->d_type == DT_REG) {
            visit(context, dirfd(open_dir), e->d_name);
        }
    }
    (void)closedir(open_dir);
}

struct measure {
    struct bench_files *files;
    const char *wal_suffix;
};

static void add_size(void *context, int dir, const char *name) {
    const struct measure *m = context;
    struct stat st;
    if (fstatat(dir, name, &st, 0) != 0) {
        return;
    }
    if (ends_with(name, m->wal_suffix)) {
        m->files->log += 512.0 * (double)st.st_blocks;
    } else {
        m->files->tables += (double)st.st_size;
    }
}

void bench_files_measure(const char *dir, const char *wal_suffix, struct bench_files *files) {
    struct measure m = {.files = files, .wal_suffix = wal_suffix};
    *files = (struct bench_files){0};
    each_file(dir, add_size, &m);
}

struct residency {
    double pages, resident;
    bool unknown;
};

enum { DROP_STEP = 1 << 30 };

/* Holes (a preallocated map) are pages that were never there. */
static void count_resident(struct residency *r, int fd, uint64_t size) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (uint64_t at = 0; at < size; at += DROP_STEP) {
        size_t length = size - at < DROP_STEP ? (size_t)(size - at) : DROP_STEP;
        size_t pages = (length + page - 1) / page;
        unsigned char *in_core = malloc(pages);
        void *map = mmap(NULL, length, PROT_READ, MAP_SHARED, fd, (off_t)at);
        if (map == MAP_FAILED || in_core == NULL || mincore(map, length, in_core) != 0) {
            r->unknown = true;
        } else {
            for (size_t i = 0; i < pages; i++) {
                r->resident += in_core[i] & 1;
            }
        }
        if (map != MAP_FAILED) {
            (void)munmap(map, length);
        }
        free(in_core);
    }
}

static void drop(void *context, int dir, const char *name) {
    struct residency *r = context;
    struct stat st;
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        r->unknown = true;
        return;
    }
    if (fsync(fd) != 0 || fstat(fd, &st) != 0 ||
        posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0) {
        r->unknown = true;
    } else {
        r->pages += (double)st.st_blocks * 512 / (double)sysconf(_SC_PAGESIZE);
        count_resident(r, fd, (uint64_t)st.st_size);
    }
    (void)close(fd);
}

double bench_files_drop(const char *dir) {
    struct residency r = {0};
    each_file(dir, drop, &r);
    return r.unknown ? -1 : r.pages > 0 ? r.resident / r.pages : 0;
}

/* Holes are passed over. */
static void warm(void *context, int dir, const char *name) {
    enum { STEP = 1 << 20 };
    char *buffer = context;
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    off_t from = fd >= 0 ? lseek(fd, 0, SEEK_DATA) : -1;
    while (from >= 0) {
        off_t end = lseek(fd, from, SEEK_HOLE);
        while (from < end && pread(fd, buffer, STEP, from) > 0) {
            from += STEP;
        }
        from = lseek(fd, end, SEEK_DATA);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
}

void bench_files_warm(const char *dir) {
    char *buffer = malloc(1 << 20);
    if (buffer != NULL) {
        each_file(dir, warm, buffer);
    }
    free(buffer);
}
