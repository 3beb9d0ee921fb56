/* recording_open.c: a recording's description, and where its chunks are: from the index when the
 * recorder closed in good order, else by going from head to head, and past what is damaged to the
 * next head that its checksum proves to be one. */
#include "recording_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scope_check.h"

enum { SEARCH_BYTES = 1 << 16 };

bool recording_pread(int fd, void *bytes, size_t size, uint64_t offset) {
    uint8_t *to = bytes;
    size_t done = 0;
    while (done < size) {
        ssize_t n = pread(fd, to + done, size - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        done += (size_t)n;
    }
    return true;
}

int recording_damaged(struct scope_recording *recording, uint64_t offset, const char *what,
                      struct scope_error_detail *error) {
    struct scope_error_detail detail;
    int rc = scope_fail(&detail, SCOPE_ERR_NOT_A_SEGMENT, "%.150s: at offset %llu: %s",
                        recording->path, (unsigned long long)offset, what);
    struct scope_recording_status *status = &recording->status;
    if (status->damaged++ == 0) {
        memcpy(status->problem, detail.text, sizeof(status->problem));
    }
    if (error != NULL) {
        *error = detail;
    }
    return rc;
}

/* ---- places --------------------------------------------------------------------------------- */

static bool place_add(struct scope_recording *recording, struct recording_place place) {
    if (recording->places == RECORDING_CHUNKS_MAX) {
        return false;
    }
    if (recording->places == recording->place_room) {
        size_t room = recording->place_room == 0 ? 256 : 2 * recording->place_room;
        struct recording_place *grown = realloc(recording->place, room * sizeof(*grown));
        if (grown == NULL) {
            return false;
        }
        recording->place = grown;
        recording->place_room = room;
    }
    uint64_t before = recording->places > 0 ? recording->place[recording->places - 1].reach_ns : 0;
    if (place.size == 0) {
        place.first_ns = place.last_ns = before; /* a damaged stretch: where it stands */
    }
    place.reach_ns = place.last_ns > before ? place.last_ns : before;
    recording->place[recording->places++] = place;
    struct scope_recording_status *status = &recording->status;
    if (place.size > 0) {
        bool first = status->chunks == 0;
        status->first_ns =
            first || place.first_ns < status->first_ns ? place.first_ns : status->first_ns;
        status->last_ns =
            first || place.last_ns > status->last_ns ? place.last_ns : status->last_ns;
        status->chunks++;
        status->records += place.records;
    }
    return true;
}

static void places_clear(struct scope_recording *recording) {
    recording->places = 0;
    recording->status.chunks = recording->status.records = 0;
    recording->status.first_ns = recording->status.last_ns = 0;
}

static bool plausible(uint64_t size, uint64_t records, uint64_t first_ns, uint64_t last_ns) {
    return size > 0 && size <= RECORDING_BODY_MAX && records > 0 &&
           records <= RECORDING_RECORDS_MAX && first_ns <= last_ns;
}

/* ---- by index ------------------------------------------------------------------------------- */

static bool index_entry(struct recording_in *in, uint64_t end, struct recording_place *place) {
    uint64_t step = recording_get_varint(in), size = recording_get_varint(in);
    uint64_t records = recording_get_varint(in);
    place->first_ns += recording_unzigzag(recording_get_varint(in));
    place->last_ns = place->first_ns + recording_get_varint(in);
    if (in->bad || step == 0 || step > end - place->offset || step % RECORDING_ALIGN != 0 ||
        !plausible(size, records, place->first_ns, place->last_ns)) {
        return false;
    }
    place->offset += step;
    place->size = (uint32_t)size;
    place->records = (uint32_t)records;
    return RECORDING_CHUNK_BYTES + recording_padded(size) <= end - place->offset;
}

static bool index_parse(struct scope_recording *recording, uint64_t index_offset,
                        const uint8_t *body, size_t size) {
    struct recording_in in = {.at = body, .end = body + size};
    uint8_t state = recording_get_byte(&in);
    uint64_t chunks = recording_get_varint(&in);
    struct recording_place place = {.offset = 0};
    for (uint64_t i = 0; !in.bad && i < chunks; i++) {
        if (!index_entry(&in, index_offset, &place) || !place_add(recording, place)) {
            return false;
        }
    }
    recording->status.end = (enum scope_liveness)state;
    return !in.bad && state <= SCOPE_COPY;
}

/* The body of the index chunk that fills the file from `index_offset` to `end`, proved; malloc'ed.
 * NULL when there is none. */
static uint8_t *index_body(const struct scope_recording *recording, uint64_t index_offset,
                           uint64_t end, size_t *size) {
    uint8_t head[RECORDING_CHUNK_BYTES];
    struct recording_chunk chunk;
    if (index_offset > end || !recording_pread(recording->fd, head, sizeof(head), index_offset) ||
        !recording_chunk_decode(head, index_offset, &chunk) || chunk.kind != RECORDING_INDEX ||
        chunk.size == 0 || chunk.size > RECORDING_INDEX_MAX ||
        RECORDING_CHUNK_BYTES + recording_padded(chunk.size) != end - index_offset) {
        return NULL;
    }
    size_t padded = (size_t)recording_padded(chunk.size);
    uint8_t *body = malloc(padded);
    if (body != NULL &&
        (!recording_pread(recording->fd, body, padded, index_offset + RECORDING_CHUNK_BYTES) ||
         recording_sum(body, padded) != chunk.body_sum)) {
        free(body);
        return NULL;
    }
    *size = chunk.size;
    return body;
}

/* The tail, where a recorder put one: where the index is. */
static bool tail_read(const struct scope_recording *recording, uint64_t *index_offset) {
    uint8_t tail[RECORDING_TAIL_BYTES];
    uint64_t size = recording->status.bytes, told = 0;
    return size >= RECORDING_HEAD_BYTES + sizeof(tail) &&
           recording_pread(recording->fd, tail, sizeof(tail), size - sizeof(tail)) &&
           recording_tail_decode(tail, index_offset, &told) && told == size;
}

/* True when the file ends as a recorder ends it. */
static bool find_by_index(struct scope_recording *recording) {
    uint64_t index_offset = 0;
    size_t size = 0;
    uint8_t *body = NULL;
    if (tail_read(recording, &index_offset)) {
        body = index_body(recording, index_offset, recording->status.bytes - RECORDING_TAIL_BYTES,
                          &size);
    }
    recording->status.complete = body != NULL && index_parse(recording, index_offset, body, size);
    if (!recording->status.complete) {
        places_clear(recording);
    }
    free(body);
    return recording->status.complete;
}

/* ---- by scan -------------------------------------------------------------------------------- */

/* The first offset from `from` on at which a chunk's head stands; the file's size when none. */
static uint64_t search(const struct scope_recording *recording, uint64_t from) {
    static const uint64_t step = RECORDING_ALIGN;
    uint64_t size = recording->status.bytes;
    uint8_t *bytes = malloc(SEARCH_BYTES);
    uint64_t at = from;
    while (bytes != NULL && at + RECORDING_CHUNK_BYTES <= size) {
        uint64_t left = size - at;
        size_t n = left < SEARCH_BYTES ? (size_t)left : SEARCH_BYTES;
        if (!recording_pread(recording->fd, bytes, n, at)) {
            break;
        }
        size_t i = 0;
        for (; i + RECORDING_CHUNK_BYTES <= n; i += step) {
            struct recording_chunk chunk;
            if (recording_chunk_decode(bytes + i, at + i, &chunk)) {
                free(bytes);
                return at + i;
            }
        }
        at += i;
    }
    free(bytes);
    return size;
}

/* Takes note of every whole chunk from `scanned` on. */
static int find_by_scan(struct scope_recording *recording, struct scope_error_detail *error) {
    uint64_t size = recording->status.bytes, at = recording->scanned;
    while (at + RECORDING_CHUNK_BYTES <= size) {
        uint8_t head[RECORDING_CHUNK_BYTES];
        struct recording_chunk chunk;
        if (!recording_pread(recording->fd, head, sizeof(head), at)) {
            break;
        }
        struct recording_place place = {.offset = at};
        if (!recording_chunk_decode(head, at, &chunk)) {
            uint64_t next = search(recording, at + RECORDING_ALIGN);
            if (next == size) {
                break; /* the rest of a chunk that was cut short, or is being written */
            }
            at = next;
        } else {
            uint64_t whole = RECORDING_CHUNK_BYTES + recording_padded(chunk.size);
            if (whole > size - at || chunk.kind == RECORDING_INDEX) {
                break;
            }
            at += whole;
            if (chunk.kind != RECORDING_RECORDS) {
                recording->scanned = at;
                continue;
            }
            if (plausible(chunk.size, chunk.records, chunk.first_ns, chunk.last_ns)) {
                place.size = chunk.size;
                place.records = chunk.records;
                place.first_ns = chunk.first_ns;
                place.last_ns = chunk.last_ns;
            }
        }
        if (!place_add(recording, place)) {
            return scope_fail(error, SCOPE_ERR_MEMORY, "%.150s: at offset %llu: too many chunks",
                              recording->path, (unsigned long long)at);
        }
        recording->scanned = at;
    }
    recording->status.cut_at = recording->scanned;
    return SCOPE_OK;
}

/* A recorder that was watched closed: the chunks are known, its last word is in the index. */
static void closing_find(struct scope_recording *recording) {
    struct scope_recording_status *status = &recording->status;
    uint64_t index_offset = 0;
    size_t size = 0;
    if (!tail_read(recording, &index_offset) || index_offset != recording->scanned) {
        return;
    }
    uint8_t *body =
        index_body(recording, index_offset, status->bytes - RECORDING_TAIL_BYTES, &size);
    if (body != NULL && body[0] <= SCOPE_COPY) {
        status->complete = true;
        status->writing = false;
        status->end = (enum scope_liveness)body[0];
    }
    free(body);
}

int scope_recording_refresh(struct scope_recording *recording, struct scope_error_detail *error) {
    struct stat st;
    struct scope_recording_status *status = &recording->status;
    if (status->complete) {
        return SCOPE_OK;
    }
    /* Asked first: what a recorder wrote before it let go is then still found. */
    status->writing = scope_lock_is_held(recording->fd);
    if (fstat(recording->fd, &st) != 0) {
        return scope_fail_errno(error, "fstat", recording->path, errno);
    }
    if ((uint64_t)st.st_size < recording->scanned) {
        return scope_fail(error, SCOPE_ERR_DAMAGED, "%.150s: the file was cut short or begun anew",
                          recording->path);
    }
    status->bytes = (uint64_t)st.st_size;
    int rc = find_by_scan(recording, error);
    if (rc == SCOPE_OK) {
        closing_find(recording);
    }
    return rc;
}

/* ---- open ----------------------------------------------------------------------------------- */

bool scope_recording_is(const void *bytes, size_t size) {
    return size >= sizeof(uint64_t) && recording_load64(bytes) == RECORDING_MAGIC;
}

static int head_check(struct scope_recording *recording, struct scope_error_detail *error) {
    uint8_t head[RECORDING_HEAD_BYTES], right[RECORDING_HEAD_BYTES];
    const char *path = recording->path;
    if (recording->status.bytes == 0) {
        return scope_fail(error, SCOPE_ERR_NOT_A_SEGMENT, "%.150s: the file is empty", path);
    }
    if (!recording_pread(recording->fd, head, sizeof(head), 0) ||
        !scope_recording_is(head, sizeof(head))) {
        return scope_fail(error, SCOPE_ERR_NOT_A_SEGMENT,
                          "%.150s: %llu bytes are no recording: was it copied whole?", path,
                          (unsigned long long)recording->status.bytes);
    }
    recording_head_encode(right);
    uint32_t version = recording_load32(head + 8);
    if (recording_load64(head + RECORDING_HEAD_SUM_AT) !=
        recording_sum(head, RECORDING_HEAD_SUM_AT)) {
        return recording_damaged(recording, 0, "the file's head is damaged", error);
    }
    if ((version & UINT16_MAX) != RECORDING_MAJOR) {
        return scope_fail(
            error, SCOPE_ERR_VERSION,
            "%.150s: a recording of version %u.%u, and this program reads %d: open it "
            "with the release that made it",
            path, version & UINT16_MAX, version >> 16, RECORDING_MAJOR);
    }
    return SCOPE_OK;
}

/* Without it nothing can be made of what follows. */
static const char *no_description(const struct scope_recording *recording,
                                  const struct recording_chunk *chunk) {
    uint64_t need = RECORDING_HEAD_BYTES + RECORDING_CHUNK_BYTES + (chunk ? chunk->size : 0);
    return recording->status.bytes < need
               ? "cut off within the run's description: nothing of the run is in it"
               : "the run's description is damaged: without it nothing can be shown";
}

static int info_read(struct scope_recording *recording, struct scope_error_detail *error) {
    uint8_t head[RECORDING_CHUNK_BYTES];
    struct recording_chunk chunk;
    uint64_t at = RECORDING_HEAD_BYTES;
    if (!recording_pread(recording->fd, head, sizeof(head), at) ||
        !recording_chunk_decode(head, at, &chunk) || chunk.kind != RECORDING_INFO ||
        chunk.size > RECORDING_BODY_MAX) {
        return recording_damaged(recording, at, no_description(recording, NULL), error);
    }
    size_t padded = (size_t)recording_padded(chunk.size);
    uint8_t *body = malloc(padded + 1);
    if (body == NULL) {
        return scope_fail(error, SCOPE_ERR_MEMORY, "%.150s: out of memory", recording->path);
    }
    struct recording_in in = {.at = body, .end = body + chunk.size};
    bool right =
        recording_pread(recording->fd, body, padded, at + RECORDING_CHUNK_BYTES) &&
        recording_sum(body, padded) == chunk.body_sum &&
        recording_get_info(&in, &recording->info, &recording->dictionary, &recording->counters);
    free(body);
    if (!right) {
        return recording_damaged(recording, at, no_description(recording, &chunk), error);
    }
    recording->scanned = at + RECORDING_CHUNK_BYTES + padded;
    return SCOPE_OK;
}

int recording_open_fd(int fd, const char *path, struct scope_recording **recording,
                      struct scope_error_detail *error) {
    struct stat st;
    *recording = NULL;
    struct scope_recording *r = calloc(1, sizeof(*r));
    if (r == NULL) {
        (void)close(fd);
        return scope_fail(error, SCOPE_ERR_MEMORY, "%.150s: out of memory", path);
    }
    r->fd = fd;
    (void)snprintf(r->path, sizeof(r->path), "%s", path);
    int rc = SCOPE_OK;
    if (fstat(fd, &st) != 0) {
        rc = scope_fail_errno(error, "fstat", path, errno);
    } else if (!S_ISREG(st.st_mode)) {
        rc = scope_fail(error, SCOPE_ERR_NOT_A_SEGMENT, "%.150s: not a regular file", path);
    }
    if (rc == SCOPE_OK) {
        r->status.bytes = (uint64_t)st.st_size;
        rc = head_check(r, error);
    }
    if (rc == SCOPE_OK) {
        rc = info_read(r, error);
    }
    if (rc == SCOPE_OK && !find_by_index(r)) {
        rc = scope_recording_refresh(r, error);
    }
    if (rc != SCOPE_OK) {
        scope_recording_close(r);
        return rc;
    }
    r->info.total_bytes = r->status.bytes;
    *recording = r;
    return SCOPE_OK;
}

int scope_recording_open(const char *path, struct scope_recording **recording,
                         struct scope_error_detail *error) {
    SCOPE_ASSERT(path != NULL && recording != NULL);
    *recording = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        return scope_fail_errno(error, "opening", path, errno);
    }
    return recording_open_fd(fd, path, recording, error);
}

void scope_recording_close(struct scope_recording *recording) {
    if (recording == NULL) {
        return;
    }
    for (size_t i = 0; i < sizeof(recording->loaded) / sizeof(recording->loaded[0]); i++) {
        free(recording->loaded[i].bytes);
        free(recording->loaded[i].record);
        free(recording->loaded[i].sample);
    }
    free(recording->shape.tables);
    free(recording->place);
    (void)close(recording->fd);
    free(recording);
}

/* ---- what is known -------------------------------------------------------------------------- */

void scope_recording_info(const struct scope_recording *recording, struct scope_info *info) {
    *info = recording->info;
}

void scope_recording_status(const struct scope_recording *recording,
                            struct scope_recording_status *status) {
    *status = recording->status;
}

const struct scope_metric *scope_recording_metrics(const struct scope_recording *recording,
                                                   size_t *count) {
    *count = recording->dictionary.count;
    return recording->dictionary.metric;
}

int scope_recording_word(const struct scope_recording *recording, uint32_t id) {
    return scope_dictionary_word(&recording->dictionary, id);
}
