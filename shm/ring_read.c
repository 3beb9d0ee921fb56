/* ring_read.c: the reader's side of the rings: table R of slot.h, and what becomes of a reader that
 * the writer overtook. Loads only, from memory that may be damaged or hostile: no number found
 * there decides an address, and none can make a cursor stand still or go back. */
#include "scope.h"

#include <string.h>

#include "scope_check.h"
#include "segment.h"
#include "slot.h"

static uint64_t bounded(uint64_t record) {
    return record < SCOPE_RECORD_MAX ? record : SCOPE_RECORD_MAX;
}

/* The oldest record plus 1/16 of the ring; while that much room is still free, the first record. */
static uint64_t start_at(const struct scope_ring_map *ring, uint64_t head) {
    uint64_t reach = ring->count - ring->count / 16;
    return head > reach ? head - reach : 0;
}

uint64_t scope_ring_head(const struct scope_segment *segment, enum scope_ring ring) {
    return bounded(scope_head_load(scope_head_of(&segment->parts, ring)));
}

void scope_cursor_init(struct scope_cursor *cursor, const struct scope_segment *segment,
                       enum scope_ring ring) {
    SCOPE_ASSERT(ring <= SCOPE_RING_HISTOGRAMS);
    uint64_t head = scope_ring_head(segment, ring);
    *cursor = (struct scope_cursor){
        .segment = segment,
        .ring = ring,
        .next = start_at(&segment->parts.rings[ring], head),
    };
}

/* Copies the words of a sample: the mask first, then only what it names. */
static void copy_sample(const _Atomic uint64_t *slot, uint64_t *words) {
    words[0] = scope_slot_get(slot, 0);
    for (unsigned half = 0; half < SCOPE_PRESENCE_WORDS; half++) {
        uint64_t present = scope_slot_get(slot, 1 + half);
        if (half == SCOPE_PRESENCE_WORDS - 1) {
            present &= (UINT64_C(1) << (SCOPE_METRICS_MAX % 64)) - 1;
        }
        words[1 + half] = present;
        for (uint64_t left = present; left != 0; left &= left - 1) {
            unsigned at = 1 + SCOPE_PRESENCE_WORDS + half * 64 + (unsigned)__builtin_ctzll(left);
            words[at] = scope_slot_get(slot, at);
        }
    }
}

/* R1 to R3 for record `wanted`. When overtaken, *seen is the newest sequence word met. */
static enum scope_poll read_slot(const struct scope_ring_map *ring, bool sample, uint64_t wanted,
                                 uint64_t *words, uint64_t word_count, uint64_t *seen) {
    const _Atomic uint64_t *slot = scope_slot(ring, wanted);
    uint64_t before = scope_slot_open(slot);
    if (before < 2 * wanted + 2 || before / 2 > SCOPE_RECORD_MAX) {
        return SCOPE_POLL_EMPTY; /* not there yet; or no sequence word that a writer ever stored */
    }
    *seen = before;
    if (before > 2 * wanted + 2) {
        return SCOPE_POLL_LAPPED;
    }
    if (sample) {
        copy_sample(slot, words);
    } else {
        for (uint64_t i = 0; i < word_count; i++) {
            words[i] = scope_slot_get(slot, i);
        }
    }
    uint64_t after = scope_slot_close(slot);
    *seen = after > before ? after : before;
    return after == before ? SCOPE_POLL_RECORD : SCOPE_POLL_LAPPED;
}

/* Moves an overtaken cursor to where a late joiner would start, and counts what that skips. */
static void resynchronise(struct scope_cursor *cursor, uint64_t seen) {
    const struct scope_ring_map *ring = &cursor->segment->parts.rings[cursor->ring];
    uint64_t head = scope_ring_head(cursor->segment, cursor->ring);
    /* The sequence word may be newer than the head that was read: record seen/2 - 1 is finished, or
     * seen/2 begun, and either says that the head is at least seen/2. */
    uint64_t known = bounded(seen / 2);
    uint64_t start = start_at(ring, head > known ? head : known);
    uint64_t next = start > cursor->next ? start : cursor->next + 1;
    if (cursor->polled) {
        cursor->lost += next - cursor->next;
    }
    cursor->next = next;
}

static enum scope_poll poll_words(struct scope_cursor *cursor, enum scope_ring ring,
                                  uint64_t *words, uint64_t word_count) {
    SCOPE_ASSERT(cursor->segment != NULL && cursor->ring == ring);
    const struct scope_ring_map *map = &cursor->segment->parts.rings[ring];
    bool sample = ring == SCOPE_RING_SAMPLES;
    uint64_t seen = 0;
    if (cursor->next >= SCOPE_RECORD_MAX) {
        return SCOPE_POLL_EMPTY;
    }
    enum scope_poll poll = read_slot(map, sample, cursor->next, words, word_count, &seen);
    if (poll == SCOPE_POLL_LAPPED && !cursor->polled) {
        /* What went by before the first poll was never this cursor's: start again, once. */
        resynchronise(cursor, seen);
        poll = cursor->next < SCOPE_RECORD_MAX
                   ? read_slot(map, sample, cursor->next, words, word_count, &seen)
                   : SCOPE_POLL_EMPTY;
    }
    cursor->polled = true;
    if (poll == SCOPE_POLL_RECORD) {
        cursor->next++;
    } else if (poll == SCOPE_POLL_LAPPED) {
        resynchronise(cursor, seen);
    }
    return poll;
}

enum scope_poll scope_poll_sample(struct scope_cursor *cursor, struct scope_sample *sample) {
    uint64_t words[SCOPE_SAMPLE_WORDS] = {0};
    enum scope_poll poll = poll_words(cursor, SCOPE_RING_SAMPLES, words, SCOPE_SAMPLE_WORDS);
    if (poll == SCOPE_POLL_RECORD) {
        sample->time_ns = words[0];
        memcpy(sample->present, words + 1, sizeof(sample->present));
        memcpy(sample->value, words + 1 + SCOPE_PRESENCE_WORDS, sizeof(sample->value));
    }
    return poll;
}

enum scope_poll scope_poll_event(struct scope_cursor *cursor, struct scope_event *event) {
    uint64_t words[SCOPE_EVENT_WORDS];
    enum scope_poll poll = poll_words(cursor, SCOPE_RING_EVENTS, words, SCOPE_EVENT_WORDS);
    if (poll == SCOPE_POLL_RECORD) {
        scope_event_decode(words, event);
    }
    return poll;
}

enum scope_poll scope_poll_histograms(struct scope_cursor *cursor,
                                      struct scope_histograms *histograms) {
    uint64_t words[SCOPE_HIST_WORDS];
    enum scope_poll poll = poll_words(cursor, SCOPE_RING_HISTOGRAMS, words, SCOPE_HIST_WORDS);
    if (poll == SCOPE_POLL_RECORD) {
        scope_hist_decode(words, histograms);
    }
    return poll;
}
