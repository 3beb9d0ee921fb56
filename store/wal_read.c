#include "check.h"
#include "checksum.h"
#include "manifest.h"
#include "wal_frame.h"
#include "wal_old.h"

#include <inttypes.h>
#include <stdlib.h>

/* Recovery in two passes. The first reads every segment's page, for the newest marks: what they
 * cover must be intact. The second walks the frames, chain by chain (one chain for each process
 * that wrote): inside a chain the first thing missing ends it. */

enum page_state { PAGE_UNUSED, PAGE_BAD, PAGE_GOOD };

struct segment {
    uint64_t number, size, first, previous;
    enum page_state state;
    uint64_t after;                   /* newest sequence that its process began from */
    uint64_t mark_first, mark_offset; /* the newest mark; offset 0: none */
    bool searched;                    /* for marks among the frames */
};

struct replay {
    struct lsm_io *io;
    const char *directory;
    char path[LSM_PATH_MAX]; /* of the segment at hand */
    struct segment *segments;
    size_t count;
    uint64_t known_seq; /* tables hold all up to this one */
    uint64_t next_seq;
    struct lsm_wal_old *old; /* the segment at hand */
    lsm_wal_visit visit;
    void *context;
    struct lsm_wal_recovered *recovered;
    struct lsm_fault *fault;
    /* The chain at hand. */
    uint64_t chain;            /* its first segment; 0 none */
    uint64_t previous;         /* its newest segment read */
    bool whole;                /* that one ended with a seal: nothing is missing so far */
    struct lsm_wal_old **link; /* where the next segment replayed goes */
};

/* ---- reading bytes ---- */

static int open_segment(struct replay *r, struct segment *s) {
    lsm_file_name(r->path, r->directory, LSM_NAME_WAL, s->number);
    int rc = lsm_wal_old_open(r->io, r->path, &r->old, r->fault);
    s->size = rc == 0 ? r->old->size : 0;
    return rc;
}

static void close_segment(struct replay *r) {
    lsm_wal_old_free(r->old);
    r->old = NULL;
}

static bool is_zero(const uint8_t *p, size_t size) {
    uint8_t all = 0;
    for (size_t i = 0; i < size; i++) {
        all = (uint8_t)(all | p[i]);
    }
    return all == 0;
}

/* Adds to cut_bytes what was written from `offset` on: up to the last byte that is not zero. A
 * spare is zero from end to end, so it is looked at in strides that fit the widest vectors. */
static void count_cut(struct replay *r, uint64_t offset) {
    enum { STRIDE = 256 };
    const uint8_t *bytes = r->old->bytes;
    uint64_t end = r->old->size;
    while (end > offset && end - offset >= STRIDE && is_zero(bytes + end - STRIDE, STRIDE)) {
        end -= STRIDE;
    }
    while (end > offset && bytes[end - 1] == 0) {
        end--;
    }
    r->recovered->cut_bytes += end > offset ? end - offset : 0;
}

/* ---- pages ---- */

/* Takes note of the mark at `at`, if there is one. */
static void read_mark(const uint8_t *mark, uint64_t at, struct segment *s) {
    uint64_t offset = lsm_load64(mark + LSM_MARK_AT_OFFSET);
    if (lsm_load64(mark + LSM_MARK_AT_SEGMENT) != s->number || offset <= s->mark_offset) {
        return;
    }
    uint64_t sum = lsm_checksum(lsm_wal_domain(s->number, at), mark + LSM_MARK_AT_SEGMENT,
                                LSM_MARK_BYTES - LSM_MARK_AT_SEGMENT);
    if (sum == lsm_load64(mark + LSM_MARK_AT_CHECKSUM)) {
        s->mark_offset = offset;
        s->mark_first = lsm_load64(mark + LSM_MARK_AT_FIRST);
    }
}

static int read_page(struct replay *r, struct segment *s) {
    uint8_t page[LSM_WAL_PAGE_BYTES] = {0}; /* of a file cut short: the rest reads as zeros */
    struct lsm_file *file = NULL;
    lsm_file_name(r->path, r->directory, LSM_NAME_WAL, s->number);
    int rc = lsm_file_open(r->io, r->path, LSM_FILE_READ, &file, r->fault);
    if (rc == 0) {
        rc = lsm_file_size(file, &s->size, r->fault);
    }
    uint64_t length = s->size < sizeof page ? s->size : sizeof page;
    if (rc == 0 && length > 0) {
        rc = lsm_file_read(file, 0, page, length, r->fault);
    }
    lsm_file_close(file);
    if (rc != 0) {
        return rc;
    }
    for (uint64_t i = 0; i < LSM_WAL_MARKS; i++) {
        read_mark(page + LSM_WAL_MARK_STEP * (1 + i), LSM_WAL_MARK_STEP * (1 + i), s);
    }
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
        s->after = lsm_load64(page + LSM_WAL_AT_AFTER);
        bool sane = lsm_load64(page + LSM_WAL_AT_NUMBER) == s->number && s->first <= s->number &&
                    s->first > 0 && s->previous < s->number &&
                    (s->previous == 0) == (s->first == s->number);
        s->state = sane ? PAGE_GOOD : PAGE_BAD;
    }
    return 0;
}

/* Looks for marks from `offset` on. */
static void search_marks(const struct replay *r, struct segment *s, uint64_t offset) {
    offset += -offset % LSM_MARK_ALIGN;
    for (; offset < s->size && s->size - offset >= LSM_MARK_BYTES; offset += LSM_MARK_ALIGN) {
        read_mark(r->old->bytes + offset, offset, s);
    }
}

/* Whether a recorded sync covers `offset` of segment `number`, be the segment there or not. The
 * marks of segments that are behind it, or are it, count: those among their frames are looked for
 * now. A spare that was never used has none. The segment at hand, if any, is closed. */
static int find_covered(struct replay *r, uint64_t number, uint64_t offset, bool *covered) {
    int rc = 0;
    *covered = false;
    for (size_t i = 0; i < r->count && rc == 0 && !*covered; i++) {
        struct segment *s = &r->segments[i];
        if (s->number < number) {
            continue;
        }
        if (!s->searched && s->state != PAGE_UNUSED) {
            rc = open_segment(r, s);
            if (rc == 0) {
                search_marks(r, s, s->number == number ? offset : 0);
                s->searched = true;
            }
            close_segment(r);
        }
        *covered = s->mark_offset != 0 && s->mark_first <= number &&
                   (number < s->number || offset < s->mark_offset);
    }
    return rc;
}

/* ---- frames ---- */

static int visit_group(struct replay *r, uint64_t offset, const struct lsm_frame_place *place) {
    const struct lsm_frame *frame = &place->frame;
    if (frame->seq < r->next_seq || frame->count == 0 || frame->count > LSM_SEQ_MAX - frame->seq) {
        return lsm_fail(r->fault, LSM_ERR_CORRUPT,
                        "%s: offset %" PRIu64 ": sequence %" PRIu64 " of %" PRIu32
                        " operations where at least %" PRIu64 " was due",
                        r->path, offset, frame->seq, frame->count, r->next_seq);
    }
    int rc = r->visit(r->context, frame->unix_s, frame->seq, place->payload, frame->length,
                      frame->count, &r->old->hold.pin, r->fault);
    if (rc == 0) {
        struct lsm_wal_recovered *sum = r->recovered;
        r->next_seq = frame->seq + frame->count;
        sum->frames++;
        sum->operations += frame->count;
        sum->bytes += place->size;
        sum->last_seq = r->next_seq - 1;
        sum->time_s = frame->unix_s > sum->time_s ? frame->unix_s : sum->time_s;
    }
    return rc;
}

/* Visits the frames of an open segment; *end is where the first one is missing or, past the seal,
 * none is to come. */
static int visit_frames(struct replay *r, const struct segment *s, uint64_t *end) {
    uint64_t offset = LSM_WAL_PAGE_BYTES;
    struct lsm_frame_place place = {0};
    int rc = 0;
    lsm_frame_read(r->old->bytes, s->size, s->number, offset, &place);
    r->whole = false;
    while (rc == 0 && place.size != 0 && !r->whole) {
        if ((place.frame.flags & LSM_FRAME_SEAL) != 0) {
            r->whole = true;
        } else {
            rc = visit_group(r, offset, &place);
        }
        offset += place.size;
        if (rc == 0 && !r->whole) {
            lsm_frame_next(&place);
            lsm_frame_read(r->old->bytes, s->size, s->number, offset, &place);
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
        count_cut(r, 0);
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
    if (rc == 0) {
        count_cut(r, end);
    }
    if (rc == 0 && end > LSM_WAL_PAGE_BYTES) {
        r->old->number = s->number;
        r->old->end = end;
        *r->link = r->old;
        r->link = &r->old->next;
    } else {
        lsm_wal_old_free(r->old);
    }
    r->old = NULL;
    r->previous = s->number;
    bool covered = false;
    if (rc == 0 && !r->whole) {
        rc = find_covered(r, s->number, end, &covered);
    }
    return rc == 0 && covered ? damaged(r, s->number, end, "a bad frame") : rc;
}

/* What a later process wrote counts only if what it began from is there. */
static bool goes_on(const struct replay *r, const struct segment *s) {
    uint64_t found = r->next_seq - 1;
    return s->first != s->number || s->after <= (found > r->known_seq ? found : r->known_seq);
}

/* A segment that is not to be replayed: the end of its chain, unless a sync says that what comes
 * before, `number`, was there. */
static int break_chain(struct replay *r, struct segment *s, uint64_t number, const char *what) {
    bool covered = false;
    int rc = find_covered(r, number, 0, &covered);
    if (rc == 0 && covered) {
        rc = damaged(r, number, 0, what);
    }
    return rc == 0 ? pass_over(r, s) : rc;
}

/* Decides whether a segment goes on with the chain, begins one, or comes after a gap. */
static int step(struct replay *r, struct segment *s, uint64_t from) {
    if (s->state == PAGE_BAD) {
        return break_chain(r, s, s->number, "a bad header");
    }
    if (s->state == PAGE_UNUSED) {
        /* It may be a spare that came too late and lies between others' numbers; if it was more
         * than that, the next segment's `previous` tells. */
        return s->mark_offset != 0 ? damaged(r, s->number, 0, "a bad header") : pass_over(r, s);
    }
    bool begins = s->first == s->number || (s->first != r->chain && s->previous < from);
    bool follows = s->first == r->chain && s->previous == r->previous && r->whole;
    if (begins && goes_on(r, s)) {
        follows = true;
    } else if (begins) {
        r->chain = s->first;
        r->previous = s->number;
        r->whole = false;
        return break_chain(r, s, s->number, "what it goes on from is missing");
    }
    if (!follows) {
        bool missing = s->previous != r->previous;
        r->chain = s->first;
        r->whole = false;
        return missing ? break_chain(r, s, s->previous, "the segment is missing") : pass_over(r, s);
    }
    r->chain = s->first;
    return replay_segment(r, s);
}

int lsm_wal_replay(struct lsm_io *io, const char *directory, const uint64_t *numbers, size_t count,
                   uint64_t from, uint64_t known_seq, lsm_wal_visit visit, void *context,
                   struct lsm_wal_recovered *recovered, struct lsm_fault *fault) {
    *recovered = (struct lsm_wal_recovered){0};
    struct replay *r = calloc(1, sizeof *r);
    struct segment *segments = calloc(count + 1, sizeof *segments);
    int rc = 0;
    if (r == NULL || segments == NULL) {
        rc = lsm_fail(fault, LSM_ERR_MEMORY, "%s: no memory to replay the log", directory);
        goto done;
    }
    *r = (struct replay){.io = io,
                         .directory = directory,
                         .segments = segments,
                         .known_seq = known_seq,
                         .next_seq = 1,
                         .link = &recovered->old,
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
    if (rc != 0) {
        lsm_wal_old_free(recovered->old);
        recovered->old = NULL;
    }
done:
    free(segments);
    free(r);
    return rc;
}
