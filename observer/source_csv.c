/* source_csv.c: a metrics CSV, read whole or followed while it grows.
 *
 * Following means: a line counts once its line feed is there; a file that shrank, was replaced or
 * begins differently is another run and starts over; a missing file is waited for. The operations
 * in a row are those of its own window, the history wants running totals: they are added up here. A
 * row of zeros is put one interval before the first row, so that the first window shows as well. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "obs_check.h"
#include "csv_parse.h"
#include "source.h"

enum {
    READ_CHUNK = 256 * 1024,
    BEGINNING_MAX = 512, /* bytes compared to notice that a file was rewritten in place */
    REPORTS_MAX = 10,    /* bad rows told one by one */
    QUIET_MIN_S = 5,     /* no new rows for this long is worth saying */
    POLL_BYTES_MAX = 64 * 1024 * 1024, /* a poll hands back the reins after this much */
};

struct csv_sample {
    struct csv_row row;
    size_t event_count;
    struct scope_event event[CSV_EVENTS_MAX];
};

struct csv_source {
    struct source source; /* first: the two pointers are one */
    char *path;
    bool follow;
    int fd; /* -1: not open */
    dev_t device;
    ino_t inode;
    uint64_t offset;               /* bytes taken over */
    char beginning[BEGINNING_MAX]; /* the first bytes, as they were taken over */
    size_t beginning_length;
    char line[CSV_LINE_MAX]; /* the line being assembled */
    size_t line_length;
    bool line_too_long;   /* skipping to its end */
    uint64_t line_number; /* of the line being assembled, from 1 */

    bool header_known, header_bad;
    struct csv_header header;
    char problem[CSV_ERROR_MAX + 64]; /* the header's, or of the newest bad row */
    uint64_t bad_rows;

    uint64_t rows; /* taken over, the pending first one included */
    uint64_t first_ms, last_ms;
    double lead_s;                   /* time of the first row: one interval */
    struct csv_sample pending, next; /* next: the row being taken over */
    uint64_t total_put, total_get, total_delete;
    uint64_t memtable_before;
    bool memtable_known;

    double row_seen_s; /* when the last row came; below 0 never */
    long quiet_told_s; /* the whole seconds last shown */
    bool gone;         /* the path leads nowhere now */
    char open_problem[160];
};

static struct csv_source *csv_of(struct source *source) {
    return (struct csv_source *)source;
}

/* ---- rows into the history ------------------------------------------------------------------- */

static void value_add(struct history_value *values, size_t *count, uint32_t id, uint64_t value) {
    values[*count] = (struct history_value){id, value};
    (*count)++;
}

static void counter_add(struct history_value *values, size_t *count, uint32_t id,
                        struct csv_number number, uint64_t *total) {
    if (number.known) {
        *total += number.value; /* wraps like any counter; the history takes a step back as anew */
        value_add(values, count, id, *total);
    }
}

static void events_append(struct csv_source *csv, const struct csv_sample *sample, double seconds) {
    for (size_t i = 0; i < sample->event_count; i++) {
        struct scope_event event = sample->event[i];
        event.time_ns = (uint64_t)(seconds * 1e9);
        history_append_event(csv->source.history, seconds, &event);
    }
    struct csv_number now = sample->row.memtable;
    uint64_t before = csv->memtable_before;
    bool halved =
        csv->memtable_known && now.known && now.value < before && now.value < before - now.value;
    if (!csv->header.has_event && halved) {
        struct scope_event flush = {.type = SCOPE_EVENT_FLUSH_END,
                                    .time_ns = (uint64_t)(seconds * 1e9)};
        history_append_event(csv->source.history, seconds, &flush);
    }
    if (now.known) {
        csv->memtable_before = now.value;
        csv->memtable_known = true;
    }
}

static void sample_append(struct csv_source *csv, const struct csv_sample *sample, double seconds) {
    struct history_value values[8 + 2 * SCOPE_MAX_LEVELS];
    size_t count = 0;
    const struct csv_row *row = &sample->row;
    counter_add(values, &count, SCOPE_M_OPS_PUT, row->put, &csv->total_put);
    counter_add(values, &count, SCOPE_M_OPS_GET, row->get, &csv->total_get);
    counter_add(values, &count, SCOPE_M_OPS_DELETE, row->delete, &csv->total_delete);
    if (row->memtable.known) {
        value_add(values, &count, SCOPE_M_MEMTABLE_BYTES, row->memtable.value);
    }
    struct csv_number tables = {0}, bytes = {0};
    for (uint32_t level = 0; level < SCOPE_MAX_LEVELS; level++) {
        if (row->tables[level].known) {
            value_add(values, &count, SCOPE_M_LEVEL_TABLES + level, row->tables[level].value);
            tables = (struct csv_number){true, tables.value + row->tables[level].value};
        }
        if (row->bytes[level].known) {
            value_add(values, &count, SCOPE_M_LEVEL_BYTES + level, row->bytes[level].value);
            bytes = (struct csv_number){true, bytes.value + row->bytes[level].value};
        }
    }
    if (tables.known) {
        value_add(values, &count, SCOPE_M_TABLES, tables.value);
    }
    if (bytes.known) {
        value_add(values, &count, SCOPE_M_TABLE_BYTES, bytes.value);
    }
    OBS_ASSERT(count <= sizeof(values) / sizeof(values[0]));
    history_append(csv->source.history, seconds, values, count);
    events_append(csv, sample, seconds);
}

/* A first row without any operation is the run's beginning itself: its window was empty. */
static bool row_is_beginning(const struct csv_row *row) {
    bool known = row->put.known || row->get.known || row->delete.known;
    return known && row->put.value == 0 && row->get.value == 0 && row->delete.value == 0;
}

/* The row of zeros that the first window is counted from, then the first row. */
static void first_append(struct csv_source *csv) {
    struct history_value zeros[3];
    size_t count = 0;
    const struct csv_row *row = &csv->pending.row;
    bool beginning = row_is_beginning(row);
    csv->source.first_row = beginning ? 0 : 1;
    if (beginning) {
        csv->lead_s = 0;
        sample_append(csv, &csv->pending, 0);
        return;
    }
    if (row->put.known) {
        value_add(zeros, &count, SCOPE_M_OPS_PUT, 0);
    }
    if (row->get.known) {
        value_add(zeros, &count, SCOPE_M_OPS_GET, 0);
    }
    if (row->delete.known) {
        value_add(zeros, &count, SCOPE_M_OPS_DELETE, 0);
    }
    history_append(csv->source.history, 0, zeros, count);
    sample_append(csv, &csv->pending, csv->lead_s);
}

static void row_problem(struct csv_source *csv, const char *what) {
    csv->bad_rows++;
    snprintf(csv->problem, sizeof(csv->problem), "line %llu skipped: %s",
             (unsigned long long)csv->line_number, what);
    if (csv->bad_rows <= REPORTS_MAX) {
        fprintf(stderr, "lsm-observer: %s: line %llu: %s; row skipped\n", csv->path,
                (unsigned long long)csv->line_number, what);
    }
}

static void row_take(struct csv_source *csv, const char *line, size_t length) {
    struct csv_sample *next = &csv->next;
    char error[CSV_ERROR_MAX];
    if (!csv_row_parse(&csv->header, line, length, &next->row, error)) {
        row_problem(csv, error);
        return;
    }
    uint64_t time_ms = next->row.time_ms;
    if (csv->rows > 0 && time_ms <= csv->last_ms) {
        row_problem(csv, "its time is not after the row before");
        return;
    }
    next->event_count = csv_events_parse(next->row.event, next->row.event_length, next->event);
    next->row.event = NULL; /* pointed into the line */
    if (csv->rows == 0) {
        /* Its window's length is known once the second row tells the interval. */
        csv->first_ms = time_ms;
        csv->pending = *next;
    } else {
        if (csv->rows == 1) {
            csv->lead_s = (double)(time_ms - csv->first_ms) / 1e3;
            first_append(csv);
        }
        sample_append(csv, next, csv->lead_s + (double)(time_ms - csv->first_ms) / 1e3);
    }
    csv->last_ms = time_ms;
    csv->rows++;
}

/* ---- lines ----------------------------------------------------------------------------------- */

static bool line_blank(const char *line, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r') {
            return false;
        }
    }
    return true;
}

static void line_take(struct csv_source *csv, const char *line, size_t length) {
    if (csv->header_bad || line_blank(line, length)) {
        return;
    }
    char error[CSV_ERROR_MAX] = "";
    if (csv->header_known) {
        row_take(csv, line, length);
        return;
    }
    csv->header_known = csv_header_parse(line, length, &csv->header, error);
    csv->header_bad = !csv->header_known;
    if (csv->header_bad) {
        snprintf(csv->problem, sizeof(csv->problem), "line %llu: %s",
                 (unsigned long long)csv->line_number, error);
    }
}

static void line_too_long(struct csv_source *csv) {
    if (csv->header_known) {
        row_problem(csv, "longer than 64 KiB");
    } else if (!csv->header_bad) {
        csv->header_bad = true;
        snprintf(csv->problem, sizeof(csv->problem),
                 "line %llu: longer than 64 KiB: not a metrics CSV?",
                 (unsigned long long)csv->line_number);
    }
}

/* A line's last piece. Whole lines, which nearly all are, are not copied. */
static void line_end(struct csv_source *csv, const char *piece, size_t length) {
    if (csv->line_too_long || length > sizeof(csv->line) - csv->line_length) {
        line_too_long(csv);
    } else if (csv->line_length == 0) {
        line_take(csv, piece, length);
    } else {
        memcpy(csv->line + csv->line_length, piece, length);
        line_take(csv, csv->line, csv->line_length + length);
    }
    csv->line_too_long = false;
    csv->line_length = 0;
    csv->line_number++;
}

static void bytes_take(struct csv_source *csv, const char *bytes, size_t length) {
    size_t from = 0;
    while (from < length) {
        const char *feed = memchr(bytes + from, '\n', length - from);
        if (feed != NULL) {
            size_t piece = (size_t)(feed - bytes) - from;
            line_end(csv, bytes + from, piece);
            from += piece + 1;
            continue;
        }
        size_t piece = length - from;
        if (csv->line_too_long || piece > sizeof(csv->line) - csv->line_length) {
            csv->line_too_long = true;
        } else {
            memcpy(csv->line + csv->line_length, bytes + from, piece);
            csv->line_length += piece;
        }
        from = length;
    }
}

/* ---- the file -------------------------------------------------------------------------------- */

static void file_close(struct csv_source *csv) {
    if (csv->fd >= 0) {
        close(csv->fd);
        csv->fd = -1;
    }
}

/* Forgets what was read: another run begins. */
static void run_reset(struct csv_source *csv) {
    bool had = csv->rows > 0;
    csv->offset = 0;
    csv->beginning_length = 0;
    csv->line_length = 0;
    csv->line_too_long = false;
    csv->line_number = 1;
    csv->header_known = csv->header_bad = false;
    csv->problem[0] = '\0';
    csv->bad_rows = csv->rows = 0;
    csv->total_put = csv->total_get = csv->total_delete = 0;
    csv->memtable_known = false;
    csv->row_seen_s = -1;
    if (had) {
        history_clear(csv->source.history);
        csv->source.generation++;
    }
}

static bool file_open(struct csv_source *csv) {
    OBS_ASSERT(csv->fd < 0);
    csv->open_problem[0] = '\0';
    int fd = open(csv->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) {
        snprintf(csv->open_problem, sizeof(csv->open_problem), "%s", strerror(errno));
    } else if (!S_ISREG(status.st_mode)) {
        snprintf(csv->open_problem, sizeof(csv->open_problem), "not a regular file");
    } else {
        csv->fd = fd;
        csv->device = status.st_dev;
        csv->inode = status.st_ino;
        return true;
    }
    if (fd >= 0) {
        close(fd);
    }
    return false;
}

static ssize_t read_at(int fd, void *buffer, size_t size, uint64_t offset) {
    ssize_t got;
    do {
        got = pread(fd, buffer, size, (off_t)offset);
    } while (got < 0 && errno == EINTR);
    return got;
}

/* Reads on to the end as it is now. False when reading failed. */
static bool file_read(struct csv_source *csv, uint64_t limit) {
    char *chunk = malloc(READ_CHUNK);
    if (chunk == NULL) {
        snprintf(csv->open_problem, sizeof(csv->open_problem), "out of memory");
        return false;
    }
    uint64_t taken = 0;
    ssize_t got = 0;
    while (taken < limit && (got = read_at(csv->fd, chunk, READ_CHUNK, csv->offset)) > 0) {
        size_t length = (size_t)got;
        if (csv->beginning_length < BEGINNING_MAX) {
            size_t room = BEGINNING_MAX - csv->beginning_length;
            size_t keep = length < room ? length : room;
            memcpy(csv->beginning + csv->beginning_length, chunk, keep);
            csv->beginning_length += keep;
        }
        csv->offset += length;
        taken += length;
        bytes_take(csv, chunk, length);
    }
    if (got < 0) {
        snprintf(csv->open_problem, sizeof(csv->open_problem), "reading: %s", strerror(errno));
    }
    free(chunk);
    return got >= 0;
}

/* True when what was taken over is no longer what the open file begins with. */
static bool file_rewritten(const struct csv_source *csv) {
    struct stat status;
    if (fstat(csv->fd, &status) != 0) {
        return false;
    }
    if ((uint64_t)status.st_size < csv->offset) {
        return true;
    }
    char now[BEGINNING_MAX];
    ssize_t got = read_at(csv->fd, now, csv->beginning_length, 0);
    return got != (ssize_t)csv->beginning_length ||
           memcmp(now, csv->beginning, csv->beginning_length) != 0;
}

/* Opens, reopens or starts over, as the file at the path demands. False: nothing to read. */
static bool file_follow(struct csv_source *csv) {
    struct stat status;
    csv->gone = stat(csv->path, &status) != 0;
    if (csv->fd >= 0 && !csv->gone &&
        (status.st_dev != csv->device || status.st_ino != csv->inode)) {
        file_close(csv); /* replaced; what the old one still had was read at the last poll */
    }
    if (csv->fd >= 0) {
        if (file_rewritten(csv)) {
            run_reset(csv);
        }
        return true;
    }
    if (!file_open(csv)) {
        return false;
    }
    run_reset(csv);
    return true;
}

/* ---- the source ------------------------------------------------------------------------------ */

static double quiet_after(const struct csv_source *csv) {
    double usual = csv->rows > 1
                       ? 3 * (double)(csv->last_ms - csv->first_ms) / 1e3 / (double)(csv->rows - 1)
                       : 0;
    return usual > QUIET_MIN_S ? usual : QUIET_MIN_S;
}

static bool csv_poll(struct source *source, double now_s) {
    struct csv_source *csv = csv_of(source);
    if (!csv->follow) {
        return false;
    }
    uint64_t rows = csv->rows, bad = csv->bad_rows;
    unsigned generation = source->generation;
    bool was_gone = csv->gone, was_open = csv->fd >= 0, was_bad = csv->header_bad;
    if (file_follow(csv)) {
        file_read(csv, POLL_BYTES_MAX);
    }
    bool changed = csv->rows != rows || csv->bad_rows != bad || source->generation != generation ||
                   was_gone != csv->gone || was_bad != csv->header_bad ||
                   was_open != (csv->fd >= 0);
    if (csv->rows != rows && csv->rows > 0) {
        csv->row_seen_s = now_s;
    }
    double quiet = csv->row_seen_s < 0 ? 0 : now_s - csv->row_seen_s;
    long whole = quiet >= quiet_after(csv) ? (long)quiet : 0;
    changed = changed || whole != csv->quiet_told_s;
    csv->quiet_told_s = whole;
    return changed;
}

static void notice_tell(const struct csv_source *csv, struct view_status *status) {
    if (csv->gone && csv->fd >= 0) {
        snprintf(status->notice, sizeof(status->notice),
                 "the file is gone: waiting for it to come back");
    } else if (csv->quiet_told_s > 0) {
        snprintf(status->notice, sizeof(status->notice),
                 "no new rows for %ld s: same path? driver ended?", csv->quiet_told_s);
    } else if (csv->bad_rows > 0) {
        snprintf(status->notice, sizeof(status->notice), "%.150s", csv->problem);
    } else if (csv->header_known && csv->header.levels > SCOPE_MAX_LEVELS) {
        snprintf(status->notice, sizeof(status->notice), "levels from L%d on are shown as one",
                 SCOPE_MAX_LEVELS - 1);
    } else {
        status->notice[0] = '\0';
    }
}

static void csv_describe(struct source *source, struct view *view, double now_s) {
    (void)now_s;
    const struct csv_source *csv = csv_of(source);
    struct view_status *status = &view->status;
    const char *slash = strrchr(csv->path, '/');
    snprintf(status->name, sizeof(status->name), "%.79s", slash != NULL ? slash + 1 : csv->path);
    status->engine[0] = '\0';
    /* The path, where it tells more than the name. */
    snprintf(status->description, sizeof(status->description), "%.255s",
             slash != NULL ? csv->path : "");
    view->choice_count = 0;
    view->headline[0] = view->detail[0] = '\0';
    bool data = history_count(source->history) > 0;
    status->state = !csv->follow ? VIEW_FILE : data ? VIEW_FOLLOW : VIEW_WAITING;
    status->start_real_s = data ? (double)csv->first_ms / 1e3 - csv->lead_s : -1;
    status->samples_lost = -1;
    status->sampler_cpu = status->sampler_ns = -1;
    status->elapsed_s = history_end(source->history);
    notice_tell(csv, status);
    if (data) {
        return;
    }
    if (csv->header_bad) {
        snprintf(view->headline, sizeof(view->headline), "This file cannot be shown");
        snprintf(view->detail, sizeof(view->detail), "%.100s, %.140s", csv->path, csv->problem);
    } else if (csv->fd < 0) {
        snprintf(view->headline, sizeof(view->headline), "Waiting for %.100s", csv->path);
        snprintf(view->detail, sizeof(view->detail),
                 "%.90s. It appears when a driver writes it: lsm-driver --out-csv %.90s",
                 csv->open_problem, csv->path);
    } else {
        snprintf(view->headline, sizeof(view->headline), "Waiting for the first rows");
        snprintf(view->detail, sizeof(view->detail), "%.200s has none yet", csv->path);
    }
}

static void csv_choose(struct source *source, int index) {
    (void)source;
    (void)index;
}

static void csv_close(struct source *source) {
    struct csv_source *csv = csv_of(source);
    file_close(csv);
    free(csv->path);
    free(csv);
}

static const struct source_ops csv_ops = {csv_poll, csv_describe, csv_choose, csv_close};

/* Reads the whole file once. A last line without a line feed counts if it is whole. */
static bool static_read(struct csv_source *csv, char *error, size_t error_size) {
    if (!file_open(csv) || !file_read(csv, UINT64_MAX)) {
        snprintf(error, error_size, "%s: %s", csv->path, csv->open_problem);
        return false;
    }
    if (csv->line_length > 0 || csv->line_too_long) {
        line_end(csv, "", 0);
    }
    if (csv->header_bad || !csv->header_known) {
        snprintf(error, error_size, "%s: %s", csv->path,
                 csv->header_bad ? csv->problem : "the file is empty");
        return false;
    }
    if (csv->rows == 0) {
        snprintf(error, error_size, "%s: no rows yet, only a header%s", csv->path,
                 csv->bad_rows > 0 ? " and malformed lines" : "");
        return false;
    }
    if (csv->rows == 1) {
        csv->lead_s = 1; /* a single row tells no interval */
        first_append(csv);
    }
    if (csv->bad_rows > REPORTS_MAX) {
        fprintf(stderr, "lsm-observer: %s: %llu rows skipped in all\n", csv->path,
                (unsigned long long)csv->bad_rows);
    }
    file_close(csv);
    return true;
}

struct source *source_csv_open(const char *path, bool follow, double interval_s,
                               struct history *history, bool verbose, char *error,
                               size_t error_size) {
    OBS_ASSERT(path != NULL && history != NULL);
    struct csv_source *csv = calloc(1, sizeof(*csv));
    if (csv == NULL || (csv->path = strdup(path)) == NULL) {
        free(csv);
        snprintf(error, error_size, "out of memory");
        return NULL;
    }
    csv->source = (struct source){
        .ops = &csv_ops,
        .kind = SOURCE_CSV,
        .history = history,
        .poll_s = interval_s,
        .first_row = 1,
        .verbose = verbose,
        .static_data = !follow,
        .rows_are_frames = !follow,
        .ended = !follow,
    };
    csv->follow = follow;
    csv->fd = -1;
    csv->line_number = 1;
    csv->row_seen_s = -1;
    if (!follow && !static_read(csv, error, error_size)) {
        csv_close(&csv->source);
        return NULL;
    }
    return &csv->source;
}
