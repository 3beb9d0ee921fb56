/* fuzz_wal.c: any bytes as log segments. libFuzzer's entry point; wal_test drives it as well, with
 * mutations of real segments. */
#include <stdlib.h>

#include "check.h"
#include "manifest.h"
#include "sim_io.h"
#include "wal.h"
#include "wal_format.h"

int fuzz_wal(const uint8_t *data, size_t size);
void fuzz_wal_mutations(uint64_t seed, unsigned rounds);

enum { FUZZ_SEGMENT_BYTES = 8192, FUZZ_SEGMENTS = 3 };

static int fuzz_visit(void *context, uint64_t unix_s, uint64_t seq, const uint8_t *payload,
                      uint64_t size, uint32_t count, struct lsm_pin *pin, struct lsm_fault *fault) {
    uint64_t *next = context;
    const uint8_t *p = payload, *end = payload + size;
    struct lsm_entry entry = {0};
    uint64_t sum = 0;
    (void)unix_s, (void)pin, (void)fault;
    LSM_ASSERT(seq >= *next && count > 0 && seq + count - 1 <= LSM_SEQ_MAX);
    *next = seq + count;
    while (p != NULL && p < end) {
        p = lsm_op_decode(p, end, &entry);
        if (p != NULL) {
            LSM_ASSERT(p <= end && entry.key_size > 0);
            LSM_ASSERT(entry.key + entry.key_size + entry.value_size <= end);
            sum += entry.key[entry.key_size - 1];
            sum += entry.value_size > 0 ? entry.value[entry.value_size - 1] : 0u;
        }
    }
    return sum == UINT64_MAX ? LSM_ERR_BUSY : 0; /* so that the reads are made */
}

static void write_segment(struct lsm_io *io, uint64_t number, const uint8_t *data, size_t size) {
    char path[LSM_PATH_MAX];
    struct lsm_file *file = NULL;
    struct lsm_fault fault;
    lsm_file_name(path, "/", LSM_NAME_WAL, number);
    int rc =
        lsm_file_open(io, path, LSM_FILE_READ | LSM_FILE_WRITE | LSM_FILE_CREATE, &file, &fault);
    LSM_ASSERT(rc == 0);
    if (size > 0) {
        rc = lsm_file_write(file, 0, data, size, &fault);
        LSM_ASSERT(rc == 0);
    }
    lsm_file_close(file);
}

/* The bytes are cut into segments 1, 2, 3, of which the last may be short. */
int fuzz_wal(const uint8_t *data, size_t size) {
    struct lsm_io *io = sim_create(1);
    uint64_t numbers[FUZZ_SEGMENTS], next = 1;
    size_t count = 0, at = 0;
    struct lsm_wal_recovered recovered;
    struct lsm_fault fault = {0};
    while (count < FUZZ_SEGMENTS && (at < size || count == 0)) {
        size_t n = size - at < FUZZ_SEGMENT_BYTES ? size - at : FUZZ_SEGMENT_BYTES;
        write_segment(io, count + 1, data + at, n);
        numbers[count] = count + 1;
        count++;
        at += n;
    }
    int rc = lsm_wal_replay(io, "/", numbers, count, 0, 0, fuzz_visit, &next, &recovered, &fault);
    LSM_ASSERT(rc == 0 || rc == LSM_ERR_CORRUPT || rc == LSM_ERR_VERSION);
    LSM_ASSERT(rc == 0 || fault.text[0] != '\0');
    LSM_ASSERT(recovered.bytes + recovered.cut_bytes <= size);
    lsm_wal_old_free(recovered.old);
    lsm_io_destroy(io);
    return 0;
}

#ifdef LSM_FUZZ_MAIN
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return fuzz_wal(data, size);
}
#else

/* ---- mutations of real segments ---- */

static uint64_t fuzz_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Three chained segments with marks, as the writer makes them. */
static void real_segments(uint8_t bytes[FUZZ_SEGMENTS * FUZZ_SEGMENT_BYTES]) {
    struct lsm_io *io = sim_create(1);
    struct lsm_wal *wal = NULL;
    struct lsm_fault fault;
    const struct lsm_wal_start start = {.number = 1, .segment_bytes = FUZZ_SEGMENT_BYTES};
    int rc = lsm_wal_create(io, "/", &start, &wal, &fault);
    for (uint64_t seq = 1; rc == 0 && seq <= 60; seq++) {
        uint64_t size = lsm_op_bytes(5, seq, LSM_TYPE_PUT) + lsm_op_bytes(5, 0, LSM_TYPE_DELETE);
        if (seq % 20 == 1 && seq > 1) {
            rc = lsm_wal_rotate(wal, seq / 20 + 1, size, &fault);
            LSM_ASSERT(rc == 0);
        }
        static const uint8_t value[64];
        const struct lsm_wal_group group = {.payload_bytes = size,
                                            .seq = 2 * seq,
                                            .unix_s = 1,
                                            .count = 2,
                                            .synced = seq % 25 == 0};
        uint8_t *p = lsm_wal_begin(wal, &group);
        p = lsm_op_encode(p, LSM_TYPE_PUT, (const uint8_t *)"fuzzy", 5, value, seq);
        (void)lsm_op_encode(p, LSM_TYPE_DELETE, (const uint8_t *)"wuzzy", 5, NULL, 0);
        lsm_wal_commit(wal);
        if (seq % 25 == 0) {
            rc = lsm_wal_sync(wal, lsm_wal_position(wal), &fault);
        }
    }
    LSM_ASSERT(rc == 0);
    for (uint64_t i = 0; i < FUZZ_SEGMENTS; i++) {
        char path[LSM_PATH_MAX];
        struct lsm_file *file = NULL;
        lsm_file_name(path, "/", LSM_NAME_WAL, i + 1);
        rc = lsm_file_open(io, path, LSM_FILE_READ, &file, &fault);
        LSM_ASSERT(rc == 0);
        rc = lsm_file_read(file, 0, bytes + i * FUZZ_SEGMENT_BYTES, FUZZ_SEGMENT_BYTES, &fault);
        LSM_ASSERT(rc == 0);
        lsm_file_close(file);
    }
    lsm_wal_close(wal);
    lsm_io_destroy(io);
}

/* Gives some frame of a mutated segment a checksum that fits, so that what is behind it is read. */
static void mend_frame(uint8_t *bytes, uint64_t *state) {
    uint64_t number = 1 + fuzz_random(state) % FUZZ_SEGMENTS;
    uint8_t *segment = bytes + (number - 1) * FUZZ_SEGMENT_BYTES;
    uint64_t offset = LSM_WAL_PAGE_BYTES, steps = fuzz_random(state) % 20;
    struct lsm_frame frame = {0};
    for (uint64_t step = 0; step <= steps; step++) {
        uint8_t *p = segment + offset;
        const uint8_t *payload = lsm_frame_get_head(p, segment + FUZZ_SEGMENT_BYTES, &frame);
        uint64_t head = payload != NULL ? (uint64_t)(payload - p) : 0;
        if (payload == NULL || frame.length > FUZZ_SEGMENT_BYTES - offset - head) {
            return;
        }
        if (step == steps) {
            lsm_store32(p, lsm_frame_sum(number, offset, frame.seq, p, head + frame.length));
        }
        offset += lsm_frame_size(offset, head, frame.length, frame.flags);
        if (offset > FUZZ_SEGMENT_BYTES - LSM_FRAME_SEAL_BYTES) {
            return;
        }
        frame.seq += frame.count;
    }
}

void fuzz_wal_mutations(uint64_t seed, unsigned rounds) {
    enum { SIZE = FUZZ_SEGMENTS * FUZZ_SEGMENT_BYTES };
    static uint8_t real[SIZE], bytes[SIZE];
    uint64_t state = seed | 1;
    real_segments(real);
    for (unsigned round = 0; round < rounds; round++) {
        memcpy(bytes, real, SIZE);
        uint64_t changes = 1 + fuzz_random(&state) % 6;
        for (uint64_t i = 0; i < changes; i++) {
            uint64_t place = fuzz_random(&state) % SIZE;
            if (fuzz_random(&state) % 2 == 0) { /* where there is something */
                place = place / FUZZ_SEGMENT_BYTES * FUZZ_SEGMENT_BYTES + LSM_WAL_PAGE_BYTES +
                        place % 1024;
            }
            bytes[place] = (uint8_t)fuzz_random(&state);
        }
        if (round % 3 != 0) {
            mend_frame(bytes, &state);
        }
        size_t size = round % 4 == 0 ? fuzz_random(&state) % SIZE : SIZE;
        (void)fuzz_wal(bytes, size);
    }
}
#endif
