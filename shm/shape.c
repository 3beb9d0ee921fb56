/* shape.c: the current list of tables: one big slot, twice, used in turn, so that a whole shape is
 * always there to be read while the next one is being written. Slots go by slot.h.
 *
 *   shape := seq | time | event_head | count | total | 0 | 0 | 0 | table[count] (8 words each) */
#include "scope.h"

#include "scope_check.h"
#include "segment.h"
#include "slot.h"

enum {
    AT_TIME,
    AT_EVENT_HEAD,
    AT_COUNT,
    AT_TOTAL,
    AT_TABLES = SCOPE_SHAPE_HEAD_WORDS,
    READ_ATTEMPTS = 8, /* a reader fails once only when two shapes were published meanwhile */
};
_Static_assert(SCOPE_MAX_TABLES == SCOPE_SHAPE_TABLES_MAX, "scope.h and layout.h must agree");

void scope_publish_shape(struct scope_writer *writer, const struct scope_shape *shape) {
    if (writer->forked) {
        return;
    }
    uint64_t count = shape->count < SCOPE_MAX_TABLES ? shape->count : SCOPE_MAX_TABLES;
    uint64_t total = shape->total > shape->count ? shape->total : shape->count;
    uint64_t record = writer->next_shape;
    _Atomic uint64_t *slot = scope_slot(&writer->parts.shape, record);
    scope_slot_begin(slot, record);
    scope_slot_put(slot, AT_TIME, shape->time_ns);
    scope_slot_put(slot, AT_EVENT_HEAD, shape->event_head);
    scope_slot_put(slot, AT_COUNT, count);
    scope_slot_put(slot, AT_TOTAL, total);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t words[SCOPE_SHAPE_TABLE_WORDS];
        scope_table_encode(&shape->tables[i], words);
        for (uint64_t w = 0; w < SCOPE_SHAPE_TABLE_WORDS; w++) {
            scope_slot_put(slot, AT_TABLES + i * SCOPE_SHAPE_TABLE_WORDS + w, words[w]);
        }
    }
    scope_slot_end(slot, record);
    writer->next_shape = record + 1;
    scope_head_store(&writer->parts.heads->shape_head, record + 1);
}

/* Copies record `wanted`; false when it was overwritten meanwhile. */
static bool copy_shape(const struct scope_ring_map *ring, uint64_t wanted,
                       struct scope_shape *shape) {
    const _Atomic uint64_t *slot = scope_slot(ring, wanted);
    uint64_t before = scope_slot_open(slot);
    if (before != 2 * wanted + 2) {
        return false;
    }
    struct scope_shape found = {.time_ns = scope_slot_get(slot, AT_TIME),
                                .event_head = scope_slot_get(slot, AT_EVENT_HEAD),
                                .total = scope_slot_get(slot, AT_TOTAL),
                                .count = scope_slot_get(slot, AT_COUNT),
                                .tables = shape->tables};
    /* Bounded before it is believed: it says how far to read. */
    found.count = found.count < SCOPE_MAX_TABLES ? found.count : SCOPE_MAX_TABLES;
    found.total = found.total > found.count ? found.total : found.count;
    for (uint64_t i = 0; i < found.count; i++) {
        uint64_t words[SCOPE_SHAPE_TABLE_WORDS];
        for (uint64_t w = 0; w < SCOPE_SHAPE_TABLE_WORDS; w++) {
            words[w] = scope_slot_get(slot, AT_TABLES + i * SCOPE_SHAPE_TABLE_WORDS + w);
        }
        (void)scope_table_decode(words, &found.tables[i]);
    }
    if (scope_slot_close(slot) != before) {
        return false;
    }
    *shape = found;
    return true;
}

enum scope_poll scope_read_shape(const struct scope_segment *segment, struct scope_shape *shape) {
    SCOPE_ASSERT(shape->tables != NULL);
    for (unsigned attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
        uint64_t head = scope_head_load(&segment->parts.heads->shape_head);
        if (head == 0 || head > SCOPE_RECORD_MAX) {
            return SCOPE_POLL_EMPTY;
        }
        if (copy_shape(&segment->parts.shape, head - 1, shape)) {
            return SCOPE_POLL_RECORD;
        }
    }
    return SCOPE_POLL_LAPPED;
}
