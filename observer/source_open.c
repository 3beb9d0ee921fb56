#include "source_open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "csv_parse.h"
#include "obs_check.h"
#include "recording.h"

enum { SEGMENT_MAGIC_BYTES = 8 };
static const char segment_magic[] = "lsmscope"; /* as the first bytes of a segment read */

/* The beginning of the file, at most `size` bytes. Below 0: `error` says why not. */
static ssize_t beginning_read(const char *path, char *bytes, size_t size, char *error,
                              size_t error_size) {
    struct stat status;
    ssize_t got = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &status) != 0) {
        snprintf(error, error_size, "%s: %s", path, strerror(errno));
    } else if (!S_ISREG(status.st_mode)) {
        snprintf(error, error_size, "%s: %s", path,
                 S_ISDIR(status.st_mode) ? "a directory: name a file in it"
                 : S_ISFIFO(status.st_mode)
                     ? "a pipe, not a regular file: save what it brings in a "
                       "file, and open that"
                     : "not a regular file");
    } else {
        got = pread(fd, bytes, size, 0);
        if (got < 0) {
            snprintf(error, error_size, "%s: reading: %s", path, strerror(errno));
        } else if (got == 0) {
            snprintf(error, error_size,
                     "%s: the file is empty (a CSV that is still to come can be waited for: "
                     "--csv FILE --live)",
                     path);
            got = -1;
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    return got;
}

/* Its first line is a header that the CSV source can use. */
static bool is_csv(const char *bytes, size_t size) {
    const char *feed = memchr(bytes, '\n', size);
    struct csv_header *header = malloc(sizeof(*header));
    char problem[CSV_ERROR_MAX];
    bool csv =
        header != NULL &&
        csv_header_parse(bytes, feed != NULL ? (size_t)(feed - bytes) : size, header, problem);
    free(header);
    return csv;
}

struct source *source_file_open(const char *path, const struct source_file_options *options,
                                struct history *history, char *error, size_t error_size) {
    OBS_ASSERT(path != NULL && options != NULL && history != NULL);
    if (options->live && access(path, F_OK) != 0 && errno == ENOENT) {
        return source_csv_open(path, true, options->interval_s, history, options->verbose, error,
                               error_size);
    }
    char *bytes = malloc(CSV_LINE_MAX);
    if (bytes == NULL) {
        snprintf(error, error_size, "%s: out of memory", path);
        return NULL;
    }
    struct source *source = NULL;
    ssize_t got = beginning_read(path, bytes, CSV_LINE_MAX, error, error_size);
    size_t size = got > 0 ? (size_t)got : 0;
    if (scope_recording_is(bytes, size)) {
        source = source_recording_open(path, history, options->verbose, error, error_size);
    } else if (size >= SEGMENT_MAGIC_BYTES &&
               memcmp(bytes, segment_magic, SEGMENT_MAGIC_BYTES) == 0) {
        source = source_shm_open_file(path, history, options->verbose, error, error_size);
    } else if (size > 0 && is_csv(bytes, size)) {
        source = source_csv_open(path, options->live, options->interval_s, history,
                                 options->verbose, error, error_size);
    } else if (size > 0) {
        snprintf(
            error, error_size,
            "%s: neither a recording (.lsr), nor a copy of a segment, nor a metrics CSV (whose "
            "first line names ts_ms and ops_put or other columns of the driver's --out-csv)",
            path);
    }
    free(bytes);
    return source;
}
