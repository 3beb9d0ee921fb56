/* history_histograms.c: one-second histograms.
 *
 * They are kept packed (7 KB each would be 100 MB for four hours, nearly all of it zeros) and
 * expanded into a few slots, in turn, when they are asked for. */
#include <stdlib.h>
#include <string.h>

#include "obs_check.h"
#include "history_store.h"

enum {
    CELLS = SCOPE_HISTOGRAMS * SCOPE_HIST_BUCKETS,
    NUMBER_MAX = 10, /* bytes of a number */
    PACKED_MAX = (2 + SCOPE_HISTOGRAMS) * NUMBER_MAX + 1 + CELLS * (2 + 1 + 1 + NUMBER_MAX),
    COUNT_LONG = 15, /* in place of an exponent: a number follows */
};

static void seconds_free(struct history *history, size_t from, size_t to) {
    for (size_t i = from; i < to; i++) {
        free(history->second[i].packed);
    }
}

static bool seconds_room(struct history *history) {
    if (history->second_count == HISTORY_SECONDS_MAX) {
        size_t by = HISTORY_SECONDS_MAX / 8, keep = history->second_count - by;
        seconds_free(history, 0, by);
        memmove(history->second, history->second + by, keep * sizeof(*history->second));
        history->second_count = keep;
    }
    if (history->second_count < history->second_capacity) {
        return true;
    }
    size_t capacity = history->second_capacity == 0 ? 64 : history->second_capacity * 2;
    struct history_second *second = realloc(history->second, capacity * sizeof(*second));
    if (second == NULL) {
        return false;
    }
    history->second = second;
    history->second_capacity = capacity;
    return true;
}

/* A number, seven bits a byte, the lowest first. */
static uint8_t *number_write(uint8_t *at, uint64_t number) {
    for (; number >= 0x80; number >>= 7) {
        *at++ = (uint8_t)(number | 0x80);
    }
    *at++ = (uint8_t)number;
    return at;
}

static const uint8_t *number_read(const uint8_t *at, uint64_t *number) {
    *number = 0;
    for (unsigned shift = 0;; shift += 7) {
        OBS_ASSERT(shift < 70);
        *number |= (uint64_t)(*at & 0x7F) << shift;
        if ((*at++ & 0x80) == 0) {
            return at;
        }
    }
}

/* A count of four significant bits, as a segment rounds them, is one byte: exponent, mantissa. */
static uint8_t *count_write(uint8_t *at, uint64_t count) {
    unsigned bits = 64 - (unsigned)__builtin_clzll(count);
    unsigned exponent = bits > 4 ? bits - 4 : 0;
    if (exponent < COUNT_LONG && count >> exponent << exponent == count) {
        *at++ = (uint8_t)(exponent << 4 | count >> exponent);
        return at;
    }
    *at++ = COUNT_LONG << 4;
    return number_write(at, count);
}

static const uint8_t *count_read(const uint8_t *at, uint64_t *count) {
    unsigned exponent = *at >> 4;
    *count = (uint64_t)(*at++ & 0xF) << exponent;
    return exponent == COUNT_LONG ? number_read(at, count) : at;
}

static uint64_t cell_of(const struct scope_histograms *histograms, unsigned cell) {
    return histograms->count[cell / SCOPE_HIST_BUCKETS][cell % SCOPE_HIST_BUCKETS];
}

/* time, interval, the maxima; then for each run of buckets that are not empty: how many empty ones
 * lie before it, plus 1; its length; its counts; at the end 0. */
static bool second_pack(struct history_second *second, const struct scope_histograms *from) {
    uint8_t packed[PACKED_MAX], *at = packed;
    at = number_write(at, from->time_ns);
    at = number_write(at, from->interval_ns);
    for (unsigned i = 0; i < SCOPE_HISTOGRAMS; i++) {
        at = number_write(at, from->max_ns[i]);
    }
    for (unsigned cell = 0, before = 0; cell < CELLS; cell++) {
        unsigned end = cell;
        while (end < CELLS && cell_of(from, end) > 0) {
            end++;
        }
        if (end == cell) {
            continue;
        }
        at = number_write(at, cell - before + 1);
        at = number_write(at, end - cell);
        for (; cell < end; cell++) {
            at = count_write(at, cell_of(from, cell));
        }
        before = end;
    }
    *at++ = 0;
    size_t size = (size_t)(at - packed);
    OBS_ASSERT(size <= PACKED_MAX);
    second->packed = malloc(size);
    if (second->packed == NULL) {
        return false;
    }
    memcpy(second->packed, packed, size);
    return true;
}

static void second_unpack(const struct history_second *second, struct scope_histograms *to) {
    const uint8_t *at = second->packed;
    *to = (struct scope_histograms){0};
    at = number_read(at, &to->time_ns);
    at = number_read(at, &to->interval_ns);
    for (unsigned i = 0; i < SCOPE_HISTOGRAMS; i++) {
        at = number_read(at, &to->max_ns[i]);
    }
    uint64_t skip;
    unsigned cell = 0;
    for (at = number_read(at, &skip); skip > 0; at = number_read(at, &skip)) {
        uint64_t length;
        at = number_read(at, &length);
        cell += (unsigned)skip - 1;
        OBS_ASSERT(cell + length <= CELLS);
        for (uint64_t end = cell + length; cell < end; cell++) {
            at = count_read(at, &to->count[cell / SCOPE_HIST_BUCKETS][cell % SCOPE_HIST_BUCKETS]);
        }
    }
}

void history_append_histograms(struct history *history, double seconds,
                               const struct scope_histograms *histograms) {
    OBS_ASSERT(history != NULL && histograms != NULL);
    bool newer =
        history->second_count == 0
            ? seconds > -1e18 && seconds < 1e18
            : seconds > history->second[history->second_count - 1].seconds && seconds < 1e18;
    if (!newer || !seconds_room(history)) {
        return;
    }
    struct history_second second = {.seconds = seconds};
    if (second_pack(&second, histograms)) {
        history->second[history->second_count++] = second;
        history_see_clock(history, seconds, histograms->time_ns);
    }
}

size_t history_histogram_count(const struct history *history) {
    return history->second_count;
}

const struct scope_histograms *history_histogram(const struct history *history, size_t index,
                                                 double *seconds) {
    OBS_ASSERT(index < history->second_count);
    const struct history_second *second = &history->second[index];
    struct history_expanded *expanded = history->expanded;
    struct scope_histograms *slot = &expanded->slot[expanded->next];
    expanded->next = (expanded->next + 1) % HISTORY_EXPANDED;
    second_unpack(second, slot);
    if (seconds != NULL) {
        *seconds = second->seconds;
    }
    return slot;
}

/* ---- life ------------------------------------------------------------------------------------ */

void history_histograms_clear(struct history *history) {
    seconds_free(history, 0, history->second_count);
    history->second_count = 0;
}

void history_histograms_destroy(struct history *history) {
    history_histograms_clear(history);
    free(history->second);
}
