/* recording_write.c: the recorder: records gather in a body, a body becomes a chunk, and a chunk
 * goes to the file in one write. What a failed write left of a chunk is cut off again, so that the
 * file ends where its last whole chunk does. */
#include "recording.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recording_code.h"
#include "scope_check.h"

#define HOLD_NS 800000000u /* the age at which what is held is written out */

enum { INDEX_ENTRY_BYTES_MAX = 5 * RECORDING_VARINT_MAX };

struct scope_recorder {
    int fd;
    bool created; /* by us */
    bool begun;
    struct scope_error_detail error; /* code 0: none */
    char path[SCOPE_PATH_MAX];
    struct recording_counters counters;
    struct scope_recorder_totals totals;

    /* The chunk being gathered: room for its head, then the body. */
    uint8_t *bytes;
    struct recording_out body;
    struct recording_before before;
    uint32_t records;
    uint64_t first_ns, last_ns;
    uint64_t held_since_ns; /* by our clock: when the first of them was given */

    /* The index, as it will be written; and the entry before the next one. */
    struct recording_out index;
    uint64_t chunks;
    uint64_t index_offset, index_first_ns;
};

/* ---- the file ------------------------------------------------------------------------------- */

static int sticky(struct scope_recorder *recorder, const char *what, int number) {
    return scope_fail_errno(&recorder->error, what, recorder->path, number);
}

static int write_all(struct scope_recorder *recorder, const uint8_t *bytes, size_t size) {
    size_t done = 0;
    while (done < size) {
        ssize_t n = write(recorder->fd, bytes + done, size - done);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            int number = n < 0 ? errno : EIO;
            char what[64];
            (void)snprintf(what, sizeof(what), "writing at offset %llu",
                           (unsigned long long)recorder->totals.bytes);
            if (done > 0 && ftruncate(recorder->fd, (off_t)recorder->totals.bytes) != 0) {
                number = errno;
            }
            return sticky(recorder, what, number);
        }
        done += (size_t)n;
    }
    recorder->totals.bytes += size;
    return SCOPE_OK;
}

static bool index_reserve(struct scope_recorder *recorder) {
    struct recording_out *index = &recorder->index;
    if (index->room - index->size >= INDEX_ENTRY_BYTES_MAX) {
        return true;
    }
    size_t room = index->room == 0 ? 4096 : 2 * index->room;
    uint8_t *grown = realloc(index->bytes, room);
    if (grown == NULL) {
        return false;
    }
    index->bytes = grown;
    index->room = room;
    return true;
}

static void index_add(struct scope_recorder *recorder, const struct recording_chunk *chunk) {
    struct recording_out *index = &recorder->index;
    recording_put_varint(index, chunk->offset - recorder->index_offset);
    recording_put_varint(index, chunk->size);
    recording_put_varint(index, chunk->records);
    recording_put_varint(index, recording_zigzag(chunk->first_ns - recorder->index_first_ns));
    recording_put_varint(index, chunk->last_ns - chunk->first_ns);
    recorder->index_offset = chunk->offset;
    recorder->index_first_ns = chunk->first_ns;
    recorder->chunks++;
}

/* Writes the body that stands behind the room for a head in `bytes`. */
static int write_chunk(struct scope_recorder *recorder, enum recording_kind kind, uint8_t *bytes,
                       size_t size) {
    uint64_t padded = recording_padded(size);
    uint8_t *body = bytes + RECORDING_CHUNK_BYTES;
    memset(body + size, 0, (size_t)(padded - size));
    struct recording_chunk chunk = {
        .offset = recorder->totals.bytes,
        .kind = kind,
        .size = (uint32_t)size,
        .records = kind == RECORDING_RECORDS ? recorder->records : 0,
        .first_ns = kind == RECORDING_RECORDS ? recorder->first_ns : 0,
        .last_ns = kind == RECORDING_RECORDS ? recorder->last_ns : 0,
        .body_sum = recording_sum(body, (size_t)padded),
    };
    recording_chunk_encode(&chunk, bytes);
    if (kind == RECORDING_RECORDS && !index_reserve(recorder)) {
        return sticky(recorder, "the index", ENOMEM);
    }
    int rc = write_all(recorder, bytes, RECORDING_CHUNK_BYTES + (size_t)padded);
    if (rc == SCOPE_OK) {
        recorder->totals.chunk_bytes += RECORDING_CHUNK_BYTES + padded - size;
        if (kind == RECORDING_RECORDS) {
            index_add(recorder, &chunk);
        }
    }
    return rc;
}

/* ---- open, begin ---------------------------------------------------------------------------- */

/* True when nothing is lost by writing over it: an empty file, or a recording. */
static bool may_go(int fd, uint64_t size) {
    uint8_t bytes[RECORDING_HEAD_BYTES];
    size_t n = size < sizeof(bytes) ? (size_t)size : sizeof(bytes);
    return size == 0 || (pread(fd, bytes, n, 0) == (ssize_t)n && scope_recording_is(bytes, n));
}

static int open_file(const char *path, bool *created, struct scope_error_detail *error) {
    int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    int fd = open(path, flags | O_EXCL, 0666);
    *created = fd >= 0;
    if (fd < 0 && errno == EEXIST) {
        fd = open(path, flags, 0666);
    }
    if (fd < 0) {
        return scope_fail_errno(error, "opening", path, errno);
    }
    struct stat st;
    int rc = SCOPE_OK;
    if (fstat(fd, &st) != 0) {
        rc = scope_fail_errno(error, "fstat", path, errno);
    } else if (!S_ISREG(st.st_mode)) {
        rc = scope_fail(error, SCOPE_ERR_ARGUMENT, "%s: not a regular file", path);
    } else if (!may_go(fd, (uint64_t)st.st_size)) {
        rc = scope_fail(error, SCOPE_ERR_ARGUMENT,
                        "%s: there is a file that is no recording; it is left as it is", path);
    } else if (scope_lock_take(fd, SCOPE_LOCK_WRITER) == SCOPE_LOCK_HELD_ELSEWHERE) {
        /* A file system without locks is no reason not to record. */
        rc = scope_fail(error, SCOPE_ERR_IN_USE, "%s: another recorder is writing it", path);
    }
    if (rc != SCOPE_OK) {
        (void)close(fd);
        return rc;
    }
    return fd;
}

int scope_recorder_open(const char *path, struct scope_recorder **recorder,
                        struct scope_error_detail *error) {
    SCOPE_ASSERT(path != NULL && recorder != NULL);
    *recorder = NULL;
    if (strlen(path) >= SCOPE_PATH_MAX) {
        return scope_fail(error, SCOPE_ERR_ARGUMENT, "%.80s...: the path is too long", path);
    }
    bool created = false;
    int fd = open_file(path, &created, error);
    if (fd < 0) {
        return fd;
    }
    struct scope_recorder *r = calloc(1, sizeof(*r));
    uint8_t *bytes = malloc(RECORDING_CHUNK_BYTES + RECORDING_BODY_MAX);
    if (r == NULL || bytes == NULL) {
        free(r);
        free(bytes);
        if (created) {
            (void)unlink(path);
        }
        (void)close(fd);
        return scope_fail(error, SCOPE_ERR_MEMORY, "%s: out of memory", path);
    }
    r->fd = fd;
    r->created = created;
    r->bytes = bytes;
    r->body = (struct recording_out){.bytes = bytes + RECORDING_CHUNK_BYTES,
                                     .room = RECORDING_BODY_MAX - RECORDING_ALIGN};
    memcpy(r->path, path, strlen(path) + 1);
    *recorder = r;
    return SCOPE_OK;
}

static int add_metrics(struct scope_recorder *recorder, const struct scope_recorder_run *run,
                       struct scope_dictionary *dictionary) {
    scope_dictionary_init(dictionary);
    for (size_t i = 0; i < run->metric_count; i++) {
        uint64_t word = run->words != NULL ? run->words[i] : i;
        if (run->metrics[i].id == 0 || !scope_dictionary_add(dictionary, &run->metrics[i], word)) {
            return scope_fail(&recorder->error, SCOPE_ERR_ARGUMENT,
                              "%s: metric %u does not fit the dictionary", recorder->path,
                              run->metrics[i].id);
        }
        if (run->metrics[i].kind == SCOPE_KIND_COUNTER) {
            recording_counters_set(&recorder->counters, (unsigned)word);
        }
    }
    return SCOPE_OK;
}

static int write_info(struct scope_recorder *recorder, const struct scope_recorder_run *run) {
    _Static_assert((int)RECORDING_INFO_BYTES_MAX < (int)RECORDING_BODY_MAX, "a body holds it");
    struct scope_dictionary *dictionary = malloc(sizeof(*dictionary));
    if (dictionary == NULL) {
        return sticky(recorder, "the dictionary", ENOMEM);
    }
    int rc = add_metrics(recorder, run, dictionary);
    if (rc == SCOPE_OK) {
        recording_put_info(&recorder->body, run->info, dictionary);
        rc = write_chunk(recorder, RECORDING_INFO, recorder->bytes, recorder->body.size);
        recorder->body.size = 0;
    }
    free(dictionary);
    return rc;
}

int scope_recorder_begin(struct scope_recorder *recorder, const struct scope_recorder_run *run,
                         struct scope_error_detail *error) {
    SCOPE_ASSERT(!recorder->begun && run->info != NULL);
    SCOPE_ASSERT(run->metrics != NULL || run->metric_count == 0);
    uint8_t head[RECORDING_HEAD_BYTES];
    recording_head_encode(head);
    recorder->begun = true;
    int rc = SCOPE_OK;
    if (ftruncate(recorder->fd, 0) != 0) {
        rc = sticky(recorder, "emptying", errno);
    }
    if (rc == SCOPE_OK) {
        rc = write_all(recorder, head, sizeof(head));
    }
    if (rc == SCOPE_OK) {
        rc = write_info(recorder, run);
    }
    if (rc != SCOPE_OK && error != NULL) {
        *error = recorder->error;
    }
    return rc;
}

/* ---- records -------------------------------------------------------------------------------- */

int scope_recorder_flush(struct scope_recorder *recorder) {
    if (recorder->error.code != 0 || recorder->records == 0) {
        return recorder->error.code;
    }
    int rc = write_chunk(recorder, RECORDING_RECORDS, recorder->bytes, recorder->body.size);
    recorder->body.size = 0;
    recorder->records = 0;
    recorder->before = (struct recording_before){0};
    return rc;
}

int scope_recorder_tick(struct scope_recorder *recorder) {
    bool due = recorder->records > 0 && scope_now_ns() - recorder->held_since_ns >= HOLD_NS;
    return due ? scope_recorder_flush(recorder) : recorder->error.code;
}

/* Starts a record of at most `most` bytes of fields; false when nothing can be written any more.
 * Its size is not known yet: the fields go to `fields`, at the end of the body's room. */
static bool record_open(struct scope_recorder *recorder, uint64_t time_ns, size_t most,
                        struct recording_out *fields) {
    SCOPE_ASSERT(recorder->begun);
    struct recording_out *body = &recorder->body;
    size_t need = 2 * (most + RECORDING_VARINT_MAX) + RECORDING_RECORD_HEAD_MAX;
    SCOPE_ASSERT(need <= body->room);
    bool full = body->size >= RECORDING_BODY_USUAL || recorder->records >= RECORDING_RECORDS_MAX ||
                need > body->room - body->size;
    if (recorder->error.code != 0 || (full && scope_recorder_flush(recorder) != SCOPE_OK)) {
        return false;
    }
    if (recorder->records == 0) {
        recorder->held_since_ns = scope_now_ns();
        recorder->first_ns = recorder->last_ns = time_ns;
    }
    recorder->first_ns = time_ns < recorder->first_ns ? time_ns : recorder->first_ns;
    recorder->last_ns = time_ns > recorder->last_ns ? time_ns : recorder->last_ns;
    size_t room = most + RECORDING_VARINT_MAX;
    *fields = (struct recording_out){.bytes = body->bytes + body->room - room, .room = room};
    recording_put_varint(fields, recording_zigzag(time_ns - recorder->before.time_ns));
    recorder->before.time_ns = time_ns;
    return true;
}

static int record_close(struct scope_recorder *recorder, enum recording_type type,
                        const struct recording_out *fields) {
    struct recording_out *body = &recorder->body;
    recording_put_byte(body, (uint8_t)type);
    recording_put_varint(body, fields->size);
    SCOPE_ASSERT(body->bytes + body->size + fields->size <= body->bytes + body->room);
    memmove(body->bytes + body->size, fields->bytes, fields->size);
    body->size += fields->size;
    recorder->records++;
    return SCOPE_OK;
}

int scope_recorder_sample(struct scope_recorder *recorder, const struct scope_sample *sample) {
    struct recording_out fields;
    if (!record_open(recorder, sample->time_ns, RECORDING_SAMPLE_BYTES_MAX, &fields)) {
        return recorder->error.code;
    }
    struct scope_sample known = *sample;
    known.present[1] &= (UINT64_C(1) << (SCOPE_MAX_METRICS % 64)) - 1;
    recording_put_sample(&fields, &recorder->before, &recorder->counters, &known);
    recorder->totals.samples++;
    return record_close(recorder, RECORDING_SAMPLE, &fields);
}

int scope_recorder_event(struct scope_recorder *recorder, const struct scope_event *event,
                         uint64_t number) {
    struct recording_out fields;
    bool own = number == SCOPE_EVENT_OWN;
    if (!record_open(recorder, event->time_ns, RECORDING_VARINT_MAX + RECORDING_WORDS_BYTES_MAX,
                     &fields)) {
        return recorder->error.code;
    }
    if (!own) {
        recording_put_varint(&fields, recording_zigzag(number - recorder->before.next_event));
        recorder->before.next_event = number + 1;
    }
    recording_put_event(&fields, event);
    recorder->totals.events++;
    return record_close(recorder, own ? RECORDING_EVENT_OWN : RECORDING_EVENT, &fields);
}

int scope_recorder_histograms(struct scope_recorder *recorder,
                              const struct scope_histograms *histograms) {
    struct recording_out fields;
    if (!record_open(recorder, histograms->time_ns, RECORDING_HISTOGRAMS_BYTES_MAX, &fields)) {
        return recorder->error.code;
    }
    recording_put_histograms(&fields, histograms);
    recorder->totals.histograms++;
    return record_close(recorder, RECORDING_HISTOGRAMS, &fields);
}

int scope_recorder_shape(struct scope_recorder *recorder, const struct scope_shape *shape) {
    struct recording_out fields;
    uint64_t count = shape->count < SCOPE_MAX_TABLES ? shape->count : SCOPE_MAX_TABLES;
    size_t most =
        RECORDING_VARINT_MAX * 3 + (size_t)count * (RECORDING_SHAPE_BYTES_MAX / SCOPE_MAX_TABLES);
    if (!record_open(recorder, shape->time_ns, most, &fields)) {
        return recorder->error.code;
    }
    recording_put_shape(&fields, shape);
    recorder->totals.shapes++;
    return record_close(recorder, RECORDING_SHAPE, &fields);
}

int scope_recorder_gap(struct scope_recorder *recorder, enum scope_ring ring, uint64_t lost,
                       uint64_t time_ns) {
    struct recording_out fields;
    if (!record_open(recorder, time_ns, 1 + RECORDING_VARINT_MAX, &fields)) {
        return recorder->error.code;
    }
    recording_put_byte(&fields, (uint8_t)ring);
    recording_put_varint(&fields, lost);
    recorder->totals.lost += lost;
    return record_close(recorder, RECORDING_GAP, &fields);
}

/* ---- the end -------------------------------------------------------------------------------- */

const struct scope_error_detail *scope_recorder_error(const struct scope_recorder *recorder) {
    return recorder->error.code != 0 ? &recorder->error : NULL;
}

void scope_recorder_totals(const struct scope_recorder *recorder,
                           struct scope_recorder_totals *totals) {
    *totals = recorder->totals;
}

static int write_index(struct scope_recorder *recorder, enum scope_liveness end) {
    size_t size = 1 + RECORDING_VARINT_MAX + recorder->index.size;
    uint8_t *bytes = malloc(RECORDING_CHUNK_BYTES + size + RECORDING_ALIGN);
    if (bytes == NULL || size > RECORDING_INDEX_MAX || recorder->chunks > RECORDING_CHUNKS_MAX) {
        free(bytes);
        return sticky(recorder, "the index", ENOMEM);
    }
    struct recording_out out = {.bytes = bytes + RECORDING_CHUNK_BYTES, .room = size};
    recording_put_byte(&out, (uint8_t)end);
    recording_put_varint(&out, recorder->chunks);
    if (recorder->index.size > 0) {
        memcpy(out.bytes + out.size, recorder->index.bytes, recorder->index.size);
        out.size += recorder->index.size;
    }
    uint64_t offset = recorder->totals.bytes;
    int rc = write_chunk(recorder, RECORDING_INDEX, bytes, out.size);
    if (rc == SCOPE_OK) {
        recorder->totals.chunk_bytes += out.size;
        uint8_t tail[RECORDING_TAIL_BYTES];
        recording_tail_encode(offset, recorder->totals.bytes + sizeof(tail), tail);
        rc = write_all(recorder, tail, sizeof(tail));
    }
    free(bytes);
    return rc;
}

int scope_recorder_close(struct scope_recorder *recorder, enum scope_liveness end,
                         struct scope_recorder_totals *totals, struct scope_error_detail *error) {
    if (recorder == NULL) {
        return SCOPE_OK;
    }
    int rc = recorder->error.code;
    if (recorder->begun) {
        rc = scope_recorder_flush(recorder);
        rc = rc == SCOPE_OK ? write_index(recorder, end) : rc;
    } else if (recorder->created) {
        (void)unlink(recorder->path);
    }
    if (close(recorder->fd) != 0 && rc == SCOPE_OK) {
        rc = sticky(recorder, "closing", errno);
    }
    if (rc != SCOPE_OK && error != NULL) {
        *error = recorder->error;
    }
    if (totals != NULL) {
        *totals = recorder->totals;
    }
    free(recorder->index.bytes);
    free(recorder->bytes);
    free(recorder);
    return rc;
}
