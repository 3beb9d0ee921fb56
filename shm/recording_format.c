/* recording_format.c: the fixed structures of a recording, and its checksum: XXH3-64, compiled in,
 * so that the library needs nothing but libc where it is linked. */
#include "recording_format.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "scope_check.h"

/* Odd, so that no two offsets mix alike. */
#define PLACE UINT64_C(0x9E3779B97F4A7C15)

uint64_t recording_sum(const void *data, size_t size) {
    return XXH3_64bits(data, size);
}

static uint64_t chunk_sum(const uint8_t bytes[RECORDING_CHUNK_BYTES], uint64_t offset) {
    return recording_sum(bytes, RECORDING_CHUNK_HEAD_SUM_AT) ^ offset * PLACE;
}

void recording_chunk_encode(const struct recording_chunk *chunk,
                            uint8_t bytes[RECORDING_CHUNK_BYTES]) {
    SCOPE_ASSERT(chunk->kind <= UINT8_MAX && chunk->offset % RECORDING_ALIGN == 0);
    memset(bytes, 0, RECORDING_CHUNK_BYTES);
    recording_store32(bytes, RECORDING_CHUNK);
    bytes[RECORDING_CHUNK_KIND_AT] = (uint8_t)chunk->kind;
    recording_store32(bytes + RECORDING_CHUNK_SIZE_AT, chunk->size);
    recording_store32(bytes + RECORDING_CHUNK_RECORDS_AT, chunk->records);
    recording_store64(bytes + RECORDING_CHUNK_FIRST_AT, chunk->first_ns);
    recording_store64(bytes + RECORDING_CHUNK_LAST_AT, chunk->last_ns);
    recording_store64(bytes + RECORDING_CHUNK_BODY_SUM_AT, chunk->body_sum);
    recording_store64(bytes + RECORDING_CHUNK_HEAD_SUM_AT, chunk_sum(bytes, chunk->offset));
}

bool recording_chunk_decode(const uint8_t bytes[RECORDING_CHUNK_BYTES], uint64_t offset,
                            struct recording_chunk *chunk) {
    if (recording_load32(bytes) != RECORDING_CHUNK ||
        recording_load64(bytes + RECORDING_CHUNK_HEAD_SUM_AT) != chunk_sum(bytes, offset)) {
        return false;
    }
    *chunk = (struct recording_chunk){
        .offset = offset,
        .kind = bytes[RECORDING_CHUNK_KIND_AT],
        .size = recording_load32(bytes + RECORDING_CHUNK_SIZE_AT),
        .records = recording_load32(bytes + RECORDING_CHUNK_RECORDS_AT),
        .first_ns = recording_load64(bytes + RECORDING_CHUNK_FIRST_AT),
        .last_ns = recording_load64(bytes + RECORDING_CHUNK_LAST_AT),
        .body_sum = recording_load64(bytes + RECORDING_CHUNK_BODY_SUM_AT),
    };
    return true;
}

void recording_head_encode(uint8_t bytes[RECORDING_HEAD_BYTES]) {
    memset(bytes, 0, RECORDING_HEAD_BYTES);
    recording_store64(bytes, RECORDING_MAGIC);
    recording_store32(bytes + 8, (uint32_t)RECORDING_MAJOR | (uint32_t)RECORDING_MINOR << 16);
    recording_store64(bytes + RECORDING_HEAD_SUM_AT, recording_sum(bytes, RECORDING_HEAD_SUM_AT));
}

void recording_tail_encode(uint64_t index_offset, uint64_t file_size,
                           uint8_t bytes[RECORDING_TAIL_BYTES]) {
    recording_store64(bytes, index_offset);
    recording_store64(bytes + RECORDING_TAIL_SIZE_AT, file_size);
    recording_store64(bytes + RECORDING_TAIL_SUM_AT, recording_sum(bytes, RECORDING_TAIL_SUM_AT));
    recording_store64(bytes + RECORDING_TAIL_MAGIC_AT, RECORDING_TAIL_MAGIC);
}

bool recording_tail_decode(const uint8_t bytes[RECORDING_TAIL_BYTES], uint64_t *index_offset,
                           uint64_t *file_size) {
    *index_offset = recording_load64(bytes);
    *file_size = recording_load64(bytes + RECORDING_TAIL_SIZE_AT);
    return recording_load64(bytes + RECORDING_TAIL_MAGIC_AT) == RECORDING_TAIL_MAGIC &&
           recording_load64(bytes + RECORDING_TAIL_SUM_AT) ==
               recording_sum(bytes, RECORDING_TAIL_SUM_AT);
}
