/* history_pack.c: see history_pack.h for the three packings. */
#include "history_pack.h"

#include <stdlib.h>
#include <string.h>

#include "obs_check.h"

enum {
    ROWS = HISTORY_BLOCK_ROWS,
    BITMAP_BYTES = ROWS / 8,
    EXCEPTION_BYTES = sizeof(uint64_t) + 1, /* its value, its row */
    SPARE_BYTES = sizeof(uint64_t),         /* bits are read eight bytes at a time */
    WIDTH_FAST = 56, /* up to it, eight bytes from a whole byte on hold all bits of a number */
};
_Static_assert(ROWS <= UINT8_MAX + 1, "a row's number must fit an exception");

static unsigned bits_of(uint64_t number) {
    return number == 0 ? 0 : 64 - (unsigned)__builtin_clzll(number);
}

static uint64_t zigzag(uint64_t step) {
    return step << 1 ^ (uint64_t)((int64_t)step >> 63);
}

static uint64_t unzigzag(uint64_t folded) {
    return folded >> 1 ^ (0 - (folded & 1));
}

static size_t bits_bytes(unsigned width) {
    return (size_t)width * ROWS / 8;
}

/* ---- choosing -------------------------------------------------------------------------------- */

struct plan {
    enum history_packing packing;
    unsigned width, exceptions;
    uint64_t base;
    size_t bytes;
};

/* The width that makes bits and exceptions together smallest. */
static struct plan zigzag_plan(const uint16_t count_of_bits[65]) {
    struct plan best = {.packing = HISTORY_PACK_ZIGZAG, .bytes = SIZE_MAX};
    unsigned above = 0;
    for (int width = 64; width >= 0; width--) {
        size_t bytes = bits_bytes((unsigned)width) + (size_t)above * EXCEPTION_BYTES;
        if (bytes < best.bytes) {
            best.width = (unsigned)width;
            best.exceptions = above;
            best.bytes = bytes;
        }
        above += count_of_bits[width];
    }
    return best;
}

static struct plan plan_of(const uint64_t value[ROWS]) {
    uint64_t low = value[0], high = value[0];
    int64_t step_low = INT64_MAX, step_high = INT64_MIN;
    uint16_t count_of_bits[65] = {0};
    for (unsigned i = 1; i < ROWS; i++) {
        uint64_t step = value[i] - value[i - 1];
        low = value[i] < low ? value[i] : low;
        high = value[i] > high ? value[i] : high;
        step_low = (int64_t)step < step_low ? (int64_t)step : step_low;
        step_high = (int64_t)step > step_high ? (int64_t)step : step_high;
        count_of_bits[bits_of(zigzag(step))]++;
    }
    struct plan best = {.packing = HISTORY_PACK_VALUES, .base = low, .width = bits_of(high - low)};
    best.bytes = bits_bytes(best.width);
    unsigned width = bits_of((uint64_t)step_high - (uint64_t)step_low);
    if (bits_bytes(width) < best.bytes) {
        best = (struct plan){.packing = HISTORY_PACK_STEPS,
                             .base = (uint64_t)step_low,
                             .width = width,
                             .bytes = bits_bytes(width)};
    }
    struct plan folded = zigzag_plan(count_of_bits);
    return folded.bytes < best.bytes ? folded : best;
}

/* ---- packing --------------------------------------------------------------------------------- */

struct bit_writer {
    uint8_t *at;
    uint64_t pending;
    unsigned filled;
};

static void bits_put(struct bit_writer *writer, uint64_t number, unsigned width) {
    writer->pending |= number << writer->filled;
    writer->filled += width;
    if (writer->filled >= 64) {
        memcpy(writer->at, &writer->pending, sizeof(writer->pending));
        writer->at += sizeof(writer->pending);
        writer->filled -= 64;
        writer->pending = writer->filled == 0 ? 0 : number >> (width - writer->filled);
    }
}

/* What stands for a row in the bits, before exceptions are taken out. */
static uint64_t number_of(const struct plan *plan, const uint64_t *value, unsigned row) {
    if (plan->packing == HISTORY_PACK_VALUES) {
        return value[row] - plan->base;
    }
    if (row == 0) {
        return 0; /* the first value is in the struct */
    }
    uint64_t step = value[row] - value[row - 1];
    return plan->packing == HISTORY_PACK_STEPS ? step - plan->base : zigzag(step);
}

static void data_write(uint8_t *data, const struct plan *plan, const uint64_t *value) {
    struct bit_writer writer = {.at = data};
    uint8_t *exception = data + bits_bytes(plan->width);
    uint8_t *row_of = exception + plan->exceptions * sizeof(uint64_t);
    for (unsigned i = 0; i < ROWS; i++) {
        uint64_t number = number_of(plan, value, i);
        if (plan->exceptions > 0 && bits_of(number) > plan->width) {
            memcpy(exception, &number, sizeof(number));
            exception += sizeof(number);
            *row_of++ = (uint8_t)i;
            number = 0;
        }
        if (plan->width > 0) {
            bits_put(&writer, number, plan->width);
        }
    }
    OBS_ASSERT(writer.filled == 0);
}

/* Absent values repeat their neighbours: a step of 0 costs least. */
static enum history_presence absent_fill(uint64_t *value, const uint64_t *present) {
    unsigned seen = 0;
    for (unsigned word = 0; word < HISTORY_BLOCK_WORDS; word++) {
        seen += (unsigned)__builtin_popcountll(present[word]);
    }
    if (seen == 0 || seen == ROWS) {
        return seen == 0 ? HISTORY_ABSENT : HISTORY_PRESENT;
    }
    unsigned first = 0;
    while (!((present[first / 64] >> (first % 64)) & 1u)) {
        first++;
    }
    uint64_t last = value[first];
    for (unsigned i = 0; i < ROWS; i++) {
        if ((present[i / 64] >> (i % 64)) & 1u) {
            last = value[i];
        } else {
            value[i] = last;
        }
    }
    return HISTORY_MIXED;
}

bool history_block_pack(struct history_block *block, uint64_t value[ROWS],
                        const uint64_t present[HISTORY_BLOCK_WORDS]) {
    *block = (struct history_block){.presence = HISTORY_ABSENT};
    enum history_presence presence = absent_fill(value, present);
    if (presence == HISTORY_ABSENT) {
        return true;
    }
    struct plan plan = plan_of(value);
    size_t bitmap = presence == HISTORY_MIXED ? BITMAP_BYTES : 0;
    uint8_t *data = NULL;
    if (bitmap + plan.bytes > 0) {
        data = malloc(bitmap + plan.bytes + SPARE_BYTES);
        if (data == NULL) {
            return false;
        }
        memcpy(data, present, bitmap);
        data_write(data + bitmap, &plan, value);
        memset(data + bitmap + plan.bytes, 0, SPARE_BYTES);
    }
    *block = (struct history_block){
        .first = value[0],
        .last = value[ROWS - 1],
        .base = plan.base,
        .data = data,
        .exceptions = (uint16_t)plan.exceptions,
        .width = (uint8_t)plan.width,
        .packing = (uint8_t)plan.packing,
        .presence = (uint8_t)presence,
    };
    return true;
}

/* ---- unpacking ------------------------------------------------------------------------------- */

static void bits_read(const uint8_t *data, unsigned width, uint64_t *number) {
    uint64_t mask = width == 64 ? UINT64_MAX : ((uint64_t)1 << width) - 1;
    if (width <= WIDTH_FAST) {
        for (unsigned i = 0; i < ROWS; i++) {
            uint64_t word;
            memcpy(&word, data + (size_t)i * width / 8, sizeof(word));
            number[i] = word >> (i * width % 8) & mask;
        }
        return;
    }
    for (unsigned i = 0; i < ROWS; i++) {
        size_t at = (size_t)i * width / 8;
        unsigned skip = i * width % 8;
        uint64_t word;
        memcpy(&word, data + at, sizeof(word));
        number[i] = word >> skip;
        if (skip > 0) {
            number[i] |= (uint64_t)data[at + sizeof(word)] << (64 - skip);
        }
        number[i] &= mask;
    }
}

static void zigzag_read(const struct history_block *block, const uint8_t *data, uint64_t *value) {
    const uint8_t *exception = data + bits_bytes(block->width);
    const uint8_t *row_of = exception + block->exceptions * sizeof(uint64_t);
    for (unsigned i = 0; i < block->exceptions; i++) {
        memcpy(&value[row_of[i]], exception + i * sizeof(uint64_t), sizeof(uint64_t));
    }
    uint64_t sum = value[0] = block->first;
    for (unsigned i = 1; i < ROWS; i++) {
        value[i] = sum += unzigzag(value[i]);
    }
}

void history_block_unpack(const struct history_block *block, uint64_t value[ROWS]) {
    if (block->presence == HISTORY_ABSENT) {
        memset(value, 0, ROWS * sizeof(*value));
        return;
    }
    const uint8_t *data = block->data;
    if (data != NULL && block->presence == HISTORY_MIXED) {
        data += BITMAP_BYTES;
    }
    if (block->width > 0) {
        bits_read(data, block->width, value);
    } else {
        memset(value, 0, ROWS * sizeof(*value));
    }
    if (block->packing == HISTORY_PACK_VALUES) {
        for (unsigned i = 0; i < ROWS; i++) {
            value[i] += block->base;
        }
    } else if (block->packing == HISTORY_PACK_STEPS) {
        uint64_t sum = value[0] = block->first;
        for (unsigned i = 1; i < ROWS; i++) {
            value[i] = sum += value[i] + block->base;
        }
    } else {
        zigzag_read(block, data, value);
    }
}

bool history_block_present(const struct history_block *block, unsigned row) {
    OBS_ASSERT(row < ROWS);
    if (block->presence != HISTORY_MIXED) {
        return block->presence == HISTORY_PRESENT;
    }
    uint64_t word;
    memcpy(&word, block->data + row / 64 * sizeof(word), sizeof(word));
    return (word >> (row % 64)) & 1u;
}

size_t history_block_bytes(const struct history_block *block) {
    if (block->data == NULL) {
        return 0;
    }
    return (block->presence == HISTORY_MIXED ? BITMAP_BYTES : 0) + bits_bytes(block->width) +
           (size_t)block->exceptions * EXCEPTION_BYTES + SPARE_BYTES;
}

void history_block_free(struct history_block *block) {
    free(block->data);
    block->data = NULL;
}
