/* fuzz_recording.c: any bytes as a recording. libFuzzer's entry point; recording_test drives it as
 * well, with mutations of a real one. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "recording_read.h"
#include "scope_check.h"

int fuzz_recording(const uint8_t *data, size_t size);
void fuzz_recording_mutations(const uint8_t *real, size_t size, uint64_t seed, unsigned rounds);

/* Uses what a viewer would use of a record. */
static uint64_t fuzz_touch(const struct scope_record *record) {
    uint64_t sum = record->time_ns;
    switch (record->kind) {
    case SCOPE_RECORD_SAMPLE:
        for (unsigned word = 0; word < SCOPE_MAX_METRICS; word++) {
            sum += record->u.sample->value[word];
        }
        return sum;
    case SCOPE_RECORD_EVENT:
        SCOPE_ASSERT(record->u.event.event->type <= SCOPE_EVENT_TABLE_REMOVE);
        SCOPE_ASSERT(record->u.event.event->level_to < SCOPE_MAX_LEVELS);
        return sum + record->u.event.number;
    case SCOPE_RECORD_HISTOGRAMS:
        return sum + scope_hist_quantile(record->u.histograms->count[0], 0.99);
    case SCOPE_RECORD_SHAPE:
        SCOPE_ASSERT(record->u.shape->count <= SCOPE_MAX_TABLES);
        for (uint64_t i = 0; i < record->u.shape->count; i++) {
            SCOPE_ASSERT(record->u.shape->tables[i].level < SCOPE_MAX_LEVELS);
        }
        return sum + record->u.shape->total;
    case SCOPE_RECORD_GAP:
        break;
    }
    SCOPE_ASSERT(record->u.gap.ring <= SCOPE_RING_HISTOGRAMS);
    return sum + record->u.gap.lost;
}

static void fuzz_read(struct scope_recording *recording) {
    struct scope_recording_status status;
    struct scope_record record;
    struct scope_error_detail error = {0};
    scope_recording_status(recording, &status);
    uint64_t records = 0, sum = 0;
    int rc;
    while ((rc = scope_recording_next(recording, &record, &error)) != SCOPE_NEXT_END) {
        SCOPE_ASSERT(rc == SCOPE_NEXT_RECORD || error.text[0] != '\0');
        if (rc == SCOPE_NEXT_RECORD) {
            SCOPE_ASSERT(++records <= status.records);
            sum += fuzz_touch(&record);
        }
    }
    scope_recording_seek(recording, status.first_ns + (status.last_ns - status.first_ns) / 2);
    rc = scope_recording_next(recording, &record, &error);
    SCOPE_ASSERT(sum != UINT64_MAX || rc <= 1); /* so that the reads are made */
}

int fuzz_recording(const uint8_t *data, size_t size) {
    struct scope_recording *recording = NULL;
    struct scope_error_detail error = {0};
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    SCOPE_ASSERT(fd >= 0 && (size == 0 || write(fd, data, size) == (ssize_t)size));
    int rc = recording_open_fd(fd, "fuzz.lsr", &recording, &error);
    SCOPE_ASSERT((rc == SCOPE_OK) == (recording != NULL));
    SCOPE_ASSERT(rc == SCOPE_OK || error.text[0] != '\0');
    if (recording != NULL) {
        fuzz_read(recording);
        rc = scope_recording_refresh(recording, &error);
        SCOPE_ASSERT(rc == SCOPE_OK);
        scope_recording_close(recording);
    }
    return 0;
}

#ifdef LSM_FUZZ_MAIN
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return fuzz_recording(data, size);
}
#else

/* ---- mutations of a real recording ---- */

static uint64_t fuzz_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Gives every chunk sums that fit, so that what is in it is believed so far. */
static void mend(uint8_t *bytes, size_t size) {
    struct recording_chunk chunk;
    uint64_t at = RECORDING_HEAD_BYTES;
    while (at + RECORDING_CHUNK_BYTES <= size) {
        uint8_t *head = bytes + at;
        chunk.offset = at;
        chunk.kind = head[RECORDING_CHUNK_KIND_AT];
        chunk.size = recording_load32(head + RECORDING_CHUNK_SIZE_AT);
        chunk.records = recording_load32(head + RECORDING_CHUNK_RECORDS_AT);
        chunk.first_ns = recording_load64(head + RECORDING_CHUNK_FIRST_AT);
        chunk.last_ns = recording_load64(head + RECORDING_CHUNK_LAST_AT);
        uint64_t padded = recording_padded(chunk.size);
        if (padded > size - at - RECORDING_CHUNK_BYTES) {
            return;
        }
        chunk.body_sum = recording_sum(head + RECORDING_CHUNK_BYTES, (size_t)padded);
        recording_chunk_encode(&chunk, head);
        at += RECORDING_CHUNK_BYTES + padded;
    }
}

void fuzz_recording_mutations(const uint8_t *real, size_t size, uint64_t seed, unsigned rounds) {
    uint64_t state = seed | 1;
    uint8_t *bytes = malloc(size);
    SCOPE_ASSERT(bytes != NULL && size > RECORDING_HEAD_BYTES);
    for (unsigned round = 0; round < rounds; round++) {
        memcpy(bytes, real, size);
        uint64_t changes = 1 + fuzz_random(&state) % 6;
        for (uint64_t i = 0; i < changes; i++) {
            uint64_t place = fuzz_random(&state) % size;
            if (fuzz_random(&state) % 4 == 0) { /* the run's description and the first chunk */
                place = fuzz_random(&state) % (size < 16384 ? size : 16384);
            }
            bytes[place] = (uint8_t)fuzz_random(&state);
        }
        if (round % 3 != 0) {
            mend(bytes, size);
        }
        (void)fuzz_recording(bytes, round % 4 == 0 ? fuzz_random(&state) % size : size);
    }
    free(bytes);
}
#endif
