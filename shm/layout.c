/* layout.c: where the parts of a segment lie, and the fingerprint of their structures. */
#include "segment.h"

#include <stddef.h>

#include "scope_check.h"

uint64_t scope_fingerprint(void) {
    /* Everything a reader takes for granted; a metric is not among it. FNV-1a over the numbers. */
    static const uint64_t facts[] = {
        sizeof(struct scope_header),
        offsetof(struct scope_header, instance_id),
        offsetof(struct scope_header, inode),
        offsetof(struct scope_header, dictionary),
        offsetof(struct scope_header, shape),
        offsetof(struct scope_header, writer_offset),
        offsetof(struct scope_header, heartbeat_offset),
        offsetof(struct scope_header, name),
        offsetof(struct scope_header, command),
        offsetof(struct scope_header, description),
        sizeof(struct scope_dict_entry),
        offsetof(struct scope_dict_entry, name),
        offsetof(struct scope_dict_entry, help),
        offsetof(struct scope_writer_line, shape_head),
        offsetof(struct scope_heartbeat_line, state),
        SCOPE_LINE,
        SCOPE_LEVELS,
        SCOPE_METRICS_MAX,
        SCOPE_SAMPLE_WORDS,
        SCOPE_SAMPLE_SLOT,
        SCOPE_EVENT_WORDS,
        SCOPE_EVENT_SLOT,
        SCOPE_HISTS,
        SCOPE_BUCKETS,
        SCOPE_HIST_WORDS,
        SCOPE_HIST_SLOT,
        SCOPE_SHAPE_HEAD_WORDS,
        SCOPE_SHAPE_TABLE_WORDS,
        SCOPE_SHAPE_TABLES_MAX,
        SCOPE_SHAPE_SLOT,
    };
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
        for (unsigned byte = 0; byte < 8; byte++) {
            hash = (hash ^ (facts[i] >> (8 * byte) & 0xff)) * UINT64_C(0x100000001b3);
        }
    }
    return hash;
}

static struct scope_ring_map ring_map(void *base, const struct scope_region *region) {
    SCOPE_ASSERT(region->offset % SCOPE_LINE == 0 && region->slot_size % SCOPE_LINE == 0);
    SCOPE_ASSERT(region->count > 0 && (region->count & (region->count - 1)) == 0);
    return (struct scope_ring_map){
        .slots = (_Atomic uint64_t *)base + region->offset / 8,
        .slot_words = region->slot_size / 8,
        .count = region->count,
    };
}

void scope_parts_set(struct scope_parts *parts, void *base, const struct scope_header *header) {
    parts->rings[SCOPE_RING_SAMPLES] = ring_map(base, &header->samples);
    parts->rings[SCOPE_RING_EVENTS] = ring_map(base, &header->events);
    parts->rings[SCOPE_RING_HISTOGRAMS] = ring_map(base, &header->histograms);
    parts->shape = ring_map(base, &header->shape);
    /* Lines as an array: the offset is a multiple of a line, so alignment is kept. */
    parts->heads = (struct scope_writer_line *)base + header->writer_offset / SCOPE_LINE;
    parts->beat = (struct scope_heartbeat_line *)base + header->heartbeat_offset / SCOPE_LINE;
}

_Atomic uint64_t *scope_head_of(const struct scope_parts *parts, enum scope_ring ring) {
    switch (ring) {
    case SCOPE_RING_SAMPLES:
        return &parts->heads->sample_head;
    case SCOPE_RING_EVENTS:
        return &parts->heads->event_head;
    case SCOPE_RING_HISTOGRAMS:
        return &parts->heads->histogram_head;
    }
    scope_assert_failed("ring", __FILE__, __LINE__);
}
