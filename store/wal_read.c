#include "check.h"
#include "checksum.h"
#include "manifest.h"
#include "wal.h"
#include "wal_format.h"

#include <inttypes.h>
#include <stdlib.h>

/* Recovery in two passes. The first reads every segment's page, for the newest marks: what they
 * cover must be intact. The second walks the frames, chain by chain (one chain for each process
 * that wrote): inside a chain the first thing missing ends it. */

enum page_state { PAGE_UNUSED, PAGE_BAD, PAGE_GOOD };

struct segment {
    uint64_t number, size, first, previous;
    enum page_state state;
    uint64_t mark_first, mark_offset; /* the newest mark; offset 0: none */
};

enum { WINDOW_BYTES = 1 << 20 };

/* A piece of the file at hand, in memory. */
struct window {
    struct lsm_file *file;
    uint8_t *bytes;
    uint64_t start, length, room;
};

struct replay {
    struct lsm_io *io;
    const char *directory;
    char path[LSM_PATH_MAX]; /* of the segment at hand */
    struct segment *segments;
    size_t count;
    uint64_t next_seq;
    struct window window;
    lsm_wal_visit visit;
    void *context;
    struct lsm_wal_recovered *recovered;
    struct lsm_fault *fault;
    /* The chain at hand. */
    uint64_t chain;    /* its first segment; 0 none */
    uint64_t previous; /* its newest segment read */
    bool whole;        /* that one ended with a seal: nothing is missing so far */
};

/* ---- reading bytes ---- */

/* Makes [offset, offset + need) of the file, which has `size` bytes, available; *p points to it. */
static int look(struct replay *r, uint64_t size, uint64_t offset, uint64_t need,
                const uint8_t **p) {
    struct window *w = &r->window;
    LSM_ASSERT(need <= size && offset <= size - need);
    if (offset < w->start || offset + need > w->start + w->length) {
        if (need > w->room) {
            uint8_t *larger = realloc(w->bytes, need);
            if (larger == NULL) {
                return lsm_fail(r->fault, LSM_ERR_MEMORY, "%s: no memory for %" PRIu64 " bytes",
                                r->path, need);
            }
            w->bytes = larger;
            w->room = need;
        }
        uint64_t length = size - offset < w->room ? size - offset : w->room;
        w->length = 0;
        int rc = lsm_file_read(w->file, offset, w->bytes, length, r->fault);
        if (rc != 0) {
            return rc;
        }
        w->start = offset;
        w->length = length;
    }
    *p = w->bytes + (offset - w->start);
    return 0;
}

static int open_segment(struct replay *r, struct segment *s) {
    lsm_file_name(r->path, r->directory, LSM_NAME_WAL, s->number);
    r->window.start = 0;
    r->window.length = 0;
    int rc = lsm_file_open(r->io, r->path, LSM_FILE_READ, &r->window.file, r->fault);
    if (rc == 0) {
        rc = lsm_file_size(r->window.file, &s->size, r->fault);
    }
    return rc;
}

static void close_segment(struct replay *r) {
    lsm_file_close(r->window.file);
    r->window.file = NULL;
}

/* Adds to cut_bytes what was written from `offset` on: up to the last byte that is not zero. */
static int count_cut(struct replay *r, const struct segment *s, uint64_t offset) {
    uint64_t end = offset, at = offset;
    int rc = 0;
    while (rc == 0 && at < s->size) {
        uint64_t n = s->size - at < WINDOW_BYTES ? s->size - at : WINDOW_BYTES;
        const uint8_t *p = NULL;
        rc = look(r, s->size, at, n, &p);
        for (uint64_t i = n; rc == 0 && i > 0; i--) {
            if (p[i - 1] != 0) {
                end = at + i;
                break;
            }
        }
        at += n;
    }
    r->recovered->cut_bytes += end - offset;
    return rc;
}

/* ---- pages ---- */

static void read_marks(const uint8_t *page, struct segment *s) {
    for (uint64_t i = 0; i < LSM_WAL_MARKS; i++) {
        uint64_t at = LSM_WAL_MARK_STEP * (1 + i);
        const uint8_t *mark = page + at;
        uint64_t sum = lsm_checksum(lsm_wal_domain(s->number, at), mark + LSM_MARK_AT_SEGMENT,
                                    LSM_WAL_MARK_BYTES - LSM_MARK_AT_SEGMENT);
        uint64_t offset = lsm_load64(mark + LSM_MARK_AT_OFFSET);
        if (sum == lsm_load64(mark + LSM_MARK_AT_CHECKSUM) &&
            lsm_load64(mark + LSM_MARK_AT_SEGMENT) == s->number && offset > s->mark_offset) {
            s->mark_offset = offset;
            s->mark_first = lsm_load64(mark + LSM_MARK_AT_FIRST);
        }
    }
}

static bool is_zero(const uint8_t *p, size_t size) {
    uint8_t all = 0;
    for (size_t i = 0; i < size; i++) {
        all = (uint8_t)(all | p[i]);
    }
    return all == 0;
}

static int read_page(struct replay *r, struct segment *s) {
    uint8_t page[LSM_WAL_PAGE_BYTES] = {0}; /* of a file cut short: the rest reads as zeros */
    int rc = open_segment(r, s);
    uint64_t length = rc == 0 && s->size < sizeof page ? s->size : sizeof page;
    if (rc == 0 && length > 0) {
        rc = lsm_file_read(r->window.file, 0, page, length, r->fault);
    }
    close_segment(r);
    if (rc != 0) {
        return rc;
    }
    read_marks(page, s);
    s->state = PAGE_BAD;
    if (is_zero(page, LSM_WAL_HEADER_BYTES)) {
        s->state = PAGE_UNUSED;
    } else if (memcmp(page, LSM_WAL_MAGIC, 8) == 0 &&
               lsm_load64(page + LSM_WAL_AT_CHECKSUM) ==
                   lsm_checksum(lsm_wal_domain(s->number, 0), page, LSM_WAL_AT_CHECKSUM)) {
        if (lsm_load16(page + LSM_WAL_AT_MAJOR) != LSM_WAL_MAJOR) {
            return lsm_fail(r->fault, LSM_ERR_VERSION, "%s: format %u, this version reads %d",
                            r->path, lsm_load16(page + LSM_WAL_AT_MAJOR), LSM_WAL_MAJOR);
        }
        s->first = lsm_load64(page + LSM_WAL_AT_FIRST);
        s->previous = lsm_load64(page + LSM_WAL_AT_PREVIOUS);
        bool sane = lsm_load64(page + LSM_WAL_AT_NUMBER) == s->number && s->first <= s->number &&
                    s->first > 0 && s->previous < s->number &&
                    (s->previous == 0) == (s->first == s->number);
        s->state = sane ? PAGE_GOOD : PAGE_BAD;
    }
    return 0;
}

/* Whether a recorded sync covers `offset` of segment `number`, be the segment there or not. */
static bool is_covered(const struct replay *r, uint64_t number, uint64_t offset) {
    for (size_t i = 0; i < r->count; i++) {
        const struct segment *s = &r->segments[i];
        if (s->mark_offset != 0 && s->mark_first <= number &&
            (number < s->number || (number == s->number && offset < s->mark_offset))) {
            return true;
        }
    }
    return false;
}

/* ---- frames ---- */

struct frame {
    uint64_t size; /* with padding; 0: no intact frame here */
    enum lsm_frame_kind kind;
    const uint8_t *payload;
    uint64_t length, seq, unix_s;
    uint32_t count;
};

static int read_frame(struct replay *r, const struct segment *s, uint64_t offset,
                      struct frame *frame) {
    const uint8_t *p = NULL;
    *frame = (struct frame){0};
    if (s->size < LSM_FRAME_BYTES || offset > s->size - LSM_FRAME_BYTES) {
        return 0;
    }
    int rc = look(r, s->size, offset, LSM_FRAME_BYTES, &p);
    if (rc != 0) {
        return rc;
    }
    uint64_t length = lsm_load32(p + LSM_FRAME_AT_LENGTH);
    uint64_t sum = lsm_load64(p + LSM_FRAME_AT_CHECKSUM);
    uint64_t size = lsm_frame_size(length);
    if (sum == 0 || length > LSM_FRAME_PAYLOAD_MAX || size > s->size - offset) {
        return 0;
    }
    rc = look(r, s->size, offset, size, &p);
    if (rc != 0 || lsm_frame_sum(s->number, offset, p, length) != sum) {
        return rc;
    }
    uint64_t tagged = lsm_load64(p + LSM_FRAME_AT_SEQ);
    *frame = (struct frame){.size = size,
                            .kind = (enum lsm_frame_kind)(tagged >> 56),
                            .payload = p + LSM_FRAME_BYTES,
                            .length = length,
                            .seq = tagged & LSM_SEQ_MAX,
                            .unix_s = lsm_load64(p + LSM_FRAME_AT_TIME),
                            .count = lsm_load32(p + LSM_FRAME_AT_COUNT)};
    return 0;
}

static int visit_group(struct replay *r, uint64_t offset, const struct frame *frame) {
    if (frame->seq < r->next_seq || frame->count == 0 || frame->count > LSM_SEQ_MAX - frame->seq) {
        return lsm_fail(r->fault, LSM_ERR_CORRUPT,
                        "%s: offset %" PRIu64 ": sequence %" PRIu64 " of %" PRIu32
                        " operations where at least %" PRIu64 " was due",
                        r->path, offset, frame->seq, frame->count, r->next_seq);
    }
    int rc = r->visit(r->context, frame->unix_s, frame->seq, frame->payload, frame->length,
                      frame->count, r->fault);
    if (rc == 0) {
        struct lsm_wal_recovered *sum = r->recovered;
        r->next_seq = frame->seq + frame->count;
        sum->frames++;
        sum->operations += frame->count;
        sum->bytes += frame->size;
        sum->last_seq = r->next_seq - 1;
        sum->time_s = frame->unix_s > sum->time_s ? frame->unix_s : sum->time_s;
    }
    return rc;
}

/* Visits the frames of an open segment; *end is where the first one is missing or, past the seal,
 * none is to come. */
static int visit_frames(struct replay *r, const struct segment *s, uint64_t *end) {
    uint64_t offset = LSM_WAL_PAGE_BYTES;
    struct frame frame;
    int rc = read_frame(r, s, offset, &frame);
    r->whole = false;
    while (rc == 0 && frame.size != 0 && !r->whole) {
        if (frame.kind == LSM_FRAME_SEAL && frame.length == 0) {
            r->whole = true;
        } else if (frame.kind == LSM_FRAME_GROUP) {
            rc = visit_group(r, offset, &frame);
        } else {
            rc = lsm_fail(r->fault, LSM_ERR_CORRUPT, "%s: offset %" PRIu64 ": unknown frame kind",
                          r->path, offset);
        }
        offset += frame.size;
        if (rc == 0 && !r->whole) {
            rc = read_frame(r, s, offset, &frame);
        }
    }
    *end = offset;
    return rc;
}

/* ---- segments ---- */

static int damaged(struct replay *r, uint64_t number, uint64_t offset, const char *what) {
    lsm_file_name(r->path, r->directory, LSM_NAME_WAL, number);
    return lsm_fail(r->fault, LSM_ERR_CORRUPT, "%s: offset %" PRIu64 ": %s, though it was synced",
                    r->path, offset, what);
}

/* A segment of which nothing is used. */
static int pass_over(struct replay *r, struct segment *s) {
    int rc = open_segment(r, s);
    if (rc == 0) {
        rc = count_cut(r, s, 0);
    }
    close_segment(r);
    return rc;
}

static int replay_segment(struct replay *r, struct segment *s) {
    uint64_t end = 0;
    int rc = open_segment(r, s);
    if (rc == 0) {
        rc = visit_frames(r, s, &end);
    }
    if (rc == 0 && !r->whole && is_covered(r, s->number, end)) {
        rc = damaged(r, s->number, end, "a bad frame");
    }
    if (rc == 0 && end < s->size) {
        rc = count_cut(r, s, end);
    }
    if (rc == 0 && end > LSM_WAL_PAGE_BYTES) {
        /* A process that was killed leaves bytes that are only in the page cache. Whoever goes on
         * from them must not make later writes durable before these. */
        rc = lsm_file_sync(r->window.file, r->fault);
    }
    close_segment(r);
    r->previous = s->number;
    return rc;
}

/* Decides whether a segment goes on with the chain, begins one, or comes after a gap. */
static int step(struct replay *r, struct segment *s, uint64_t from) {
    if (s->state != PAGE_GOOD) {
        /* An unused page may be a spare that came too late and lies between others' numbers; if it
         * was more than that, the next segment's `previous` tells. */
        if (s->state == PAGE_BAD ? is_covered(r, s->number, 0) : s->mark_offset != 0) {
            return damaged(r, s->number, 0, "a bad header");
        }
        return pass_over(r, s);
    }
    bool begins = s->first == s->number || (s->first != r->chain && s->previous < from);
    bool follows = s->first == r->chain && s->previous == r->previous && r->whole;
    if (!begins && !follows) {
        if (s->previous != r->previous && is_covered(r, s->previous, 0)) {
            return damaged(r, s->previous, 0, "the segment is missing");
        }
        r->chain = s->first;
        r->whole = false;
        return pass_over(r, s);
    }
    r->chain = s->first;
    return replay_segment(r, s);
}

int lsm_wal_replay(struct lsm_io *io, const char *directory, const uint64_t *numbers, size_t count,
                   uint64_t from, uint64_t expected_seq, lsm_wal_visit visit, void *context,
                   struct lsm_wal_recovered *recovered, struct lsm_fault *fault) {
    *recovered = (struct lsm_wal_recovered){0};
    struct replay *r = calloc(1, sizeof *r);
    struct segment *segments = calloc(count + 1, sizeof *segments);
    uint8_t *window = malloc(WINDOW_BYTES);
    int rc = 0;
    if (r == NULL || segments == NULL || window == NULL) {
        rc = lsm_fail(fault, LSM_ERR_MEMORY, "%s: no memory to replay the log", directory);
        free(window);
        goto done;
    }
    *r = (struct replay){.io = io,
                         .directory = directory,
                         .segments = segments,
                         .next_seq = expected_seq > 0 ? expected_seq : 1,
                         .window = {.bytes = window, .room = WINDOW_BYTES},
                         .visit = visit,
                         .context = context,
                         .recovered = recovered,
                         .fault = fault};
    for (size_t i = 0; i < count; i++) {
        LSM_ASSERT(i == 0 || numbers[i] > numbers[i - 1]);
        if (numbers[i] >= from) {
            segments[r->count++].number = numbers[i];
        }
    }
    for (size_t i = 0; i < r->count && rc == 0; i++) {
        rc = read_page(r, &segments[i]);
    }
    for (size_t i = 0; i < r->count && rc == 0; i++) {
        rc = step(r, &segments[i], from);
    }
    free(r->window.bytes);
done:
    free(segments);
    free(r);
    return rc;
}
