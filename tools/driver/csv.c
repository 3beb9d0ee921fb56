#include "csv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "driver_check.h"
#include "text.h"

/* The longest row without its events: 6 + 16 numbers of 20 digits and their commas. */
enum { ROW_ROOM = 512, HEADER_ROOM = 512 };

char *driver_csv_header_text(unsigned levels, size_t *size) {
    DRIVER_ASSERT(levels >= 1 && levels <= LSM_LEVELS_MAX);
    struct driver_page page = {.text = malloc(HEADER_ROOM), .size = HEADER_ROOM};
    if (page.text == NULL) {
        return NULL;
    }
    driver_page_add(&page, "ts_ms,ops_total,ops_put,ops_get,ops_del,memtable_bytes");
    for (unsigned i = 0; i < levels; i++) {
        driver_page_add(&page, ",sst_count_L%u", i);
    }
    for (unsigned i = 0; i < levels; i++) {
        driver_page_add(&page, ",sst_bytes_L%u", i);
    }
    driver_page_add(&page, ",event\n");
    DRIVER_ASSERT(page.cut == 0);
    *size = page.used;
    return page.text;
}

static unsigned long long wide(uint64_t value) {
    return value;
}

char *driver_csv_row_text(const struct driver_csv *csv, uint64_t unix_ms,
                          const struct lsm_stats *stats, const char *events, size_t *size) {
    DRIVER_ASSERT(csv->levels >= 1 && csv->levels <= LSM_LEVELS_MAX);
    size_t room = ROW_ROOM + (events != NULL ? strlen(events) : 0);
    struct driver_page page = {.text = malloc(room), .size = room};
    if (page.text == NULL) {
        return NULL;
    }
    uint64_t puts = stats->puts - csv->puts;
    uint64_t gets = stats->gets - csv->gets;
    uint64_t deletes = stats->deletes - csv->deletes;
    driver_page_add(&page, "%llu,%llu,%llu,%llu,%llu,%llu", wide(unix_ms),
                    wide(puts + gets + deletes), wide(puts), wide(gets), wide(deletes),
                    wide(stats->memtable_bytes));
    for (unsigned i = 0; i < csv->levels; i++) {
        driver_page_add(&page, ",%llu", wide(stats->level[i].tables));
    }
    for (unsigned i = 0; i < csv->levels; i++) {
        driver_page_add(&page, ",%llu", wide(stats->level[i].bytes));
    }
    driver_page_add(&page, ",%s\n", events != NULL ? events : "");
    DRIVER_ASSERT(page.cut == 0);
    *size = page.used;
    return page.text;
}

int driver_csv_open(struct driver_csv *csv, const char *path) {
    *csv = (struct driver_csv){.fd = -1, .path = path};
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0666);
    bool created = fd >= 0;
    if (fd < 0 && errno == EEXIST) {
        fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0 && errno == ENOENT) { /* a dangling symbolic link: make what it points at */
            fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
        }
    }
    if (fd < 0) {
        return errno;
    }
    struct stat st;
    int rc = 0;
    if (fstat(fd, &st) != 0) {
        rc = errno;
    } else if (S_ISREG(st.st_mode) && flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        rc = EWOULDBLOCK; /* any other refusal: a file system without locks */
    }
    if (rc != 0) {
        (void)close(fd);
        return rc;
    }
    csv->fd = fd;
    csv->created = created;
    csv->regular = S_ISREG(st.st_mode);
    return 0;
}

void driver_csv_abandon(struct driver_csv *csv) {
    if (csv->fd >= 0 && csv->created) {
        (void)unlink(csv->path);
    }
    driver_csv_close(csv);
}

static void give_up(struct driver_csv *csv, int error) {
    csv->error = error;
    (void)close(csv->fd);
    csv->fd = -1;
}

static void write_whole(struct driver_csv *csv, const char *text, size_t size) {
    off_t start = csv->regular ? lseek(csv->fd, 0, SEEK_CUR) : -1;
    size_t done = 0;
    while (done < size) {
        ssize_t n = write(csv->fd, text + done, size - done);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            int error = n < 0 ? errno : EIO;
            if (done > 0 && start >= 0) {
                /* Half a row is worse than none. */
                if (ftruncate(csv->fd, start) != 0) {
                    error = errno;
                }
            }
            give_up(csv, error);
            return;
        }
        done += (size_t)n;
    }
    csv->rows++;
}

void driver_csv_begin(struct driver_csv *csv, unsigned levels, const struct lsm_stats *base) {
    csv->levels = levels;
    csv->puts = base->puts;
    csv->gets = base->gets;
    csv->deletes = base->deletes;
    if (csv->fd < 0) {
        return;
    }
    if (csv->regular && ftruncate(csv->fd, 0) != 0) {
        give_up(csv, errno);
        return;
    }
    size_t size;
    char *text = driver_csv_header_text(levels, &size);
    if (text == NULL) {
        give_up(csv, ENOMEM);
        return;
    }
    write_whole(csv, text, size);
    free(text);
    csv->rows = 0;
}

void driver_csv_row(struct driver_csv *csv, uint64_t unix_ms, const struct lsm_stats *stats,
                    const char *events) {
    if (csv->fd < 0) {
        return;
    }
    size_t size;
    char *text = driver_csv_row_text(csv, unix_ms, stats, events, &size);
    if (text == NULL) {
        give_up(csv, ENOMEM);
        return;
    }
    write_whole(csv, text, size);
    free(text);
    csv->puts = stats->puts;
    csv->gets = stats->gets;
    csv->deletes = stats->deletes;
}

void driver_csv_close(struct driver_csv *csv) {
    if (csv->fd >= 0) {
        if (close(csv->fd) != 0 && csv->error == 0) {
            csv->error = errno;
        }
        csv->fd = -1;
    }
}
