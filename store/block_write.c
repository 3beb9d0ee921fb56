#include "block_write.h"

#include <stdlib.h>

#include "bytes.h"
#include "check.h"

struct lsm_gathered {
    size_t at; /* of the key in raw; the value follows */
    uint64_t seq;
    uint32_t key_size, value_size;
    enum lsm_type type;
};

/* How a block of certain sums is laid out. */
struct layout {
    uint32_t prefix_size;
    uint32_t suffix_size; /* 0: they differ */
    uint32_t tag_size, size_width, offset_size;
    size_t size;
};

void lsm_block_builder_init(struct lsm_block_builder *builder) {
    *builder = (struct lsm_block_builder){0};
}

void lsm_block_builder_free(struct lsm_block_builder *builder) {
    free(builder->own);
    free(builder->gathered);
    free(builder->raw);
    lsm_block_builder_init(builder);
}

void lsm_block_builder_reset(struct lsm_block_builder *builder) {
    builder->data = NULL;
    builder->size = 0;
    builder->raw_size = 0;
    builder->sums = (struct lsm_block_sums){0};
}

static uint32_t rest_of(uint32_t key_size) {
    return key_size > LSM_BLOCK_WINDOW ? key_size - LSM_BLOCK_WINDOW : 0;
}

static inline void add_to_sums(struct lsm_block_sums *sums, const struct lsm_entry *entry,
                               uint32_t shared) {
    uint32_t size = entry->key_size;
    if (sums->entries == 0) {
        shared = size;
        sums->shared = size;
        sums->key_min = size;
        sums->seq_min = entry->seq;
    }
    sums->entries++;
    sums->tombstones += entry->type == LSM_TYPE_DELETE;
    if (shared < sums->shared) { /* seldom, as the two that follow: a branch is foreseen */
        sums->shared = shared;
    }
    if (size < sums->key_min) {
        sums->key_min = size;
    }
    if (size > sums->key_max) {
        sums->key_max = size;
    }
    sums->seq_min = entry->seq < sums->seq_min ? entry->seq : sums->seq_min;
    sums->seq_max = entry->seq > sums->seq_max ? entry->seq : sums->seq_max;
    sums->rests += rest_of(size);
    sums->values += entry->value_size;
}

/* A rest is what its key has behind prefix and window: with a prefix every key is at least that
 * long, so what is taken away is the same from each. */
static struct layout lay_out(const struct lsm_block_sums *sums) {
    struct layout layout = {.offset_size = 2, .tag_size = 1};
    uint32_t longest = rest_of(sums->key_min);
    layout.prefix_size = sums->shared < longest ? sums->shared : longest;
    if (sums->key_min == sums->key_max) {
        layout.suffix_size = sums->key_min - layout.prefix_size;
    } else {
        layout.size_width = sums->key_max - layout.prefix_size > UINT8_MAX ? 2 : 1;
    }
    uint64_t tag_max = (sums->seq_max - sums->seq_min) << LSM_BLOCK_TYPE_BITS | LSM_TYPE_PUT;
    if (tag_max > UINT8_MAX) {
        layout.tag_size = (71u - (uint32_t)__builtin_clzll(tag_max)) / 8;
    }
    uint64_t n = sums->entries;
    uint64_t size = sizeof(struct lsm_block_header) +
                    n * (LSM_BLOCK_WINDOW + layout.tag_size + layout.size_width) +
                    layout.prefix_size + sums->rests - n * layout.prefix_size + sums->values;
    if (size + (n + 1) * layout.offset_size > UINT16_MAX) {
        layout.offset_size = 4;
    }
    layout.size = (size_t)(size + (n + 1) * layout.offset_size);
    return layout;
}

size_t lsm_block_builder_size_with(const struct lsm_block_builder *builder,
                                   const struct lsm_entry *entry, uint32_t shared) {
    struct lsm_block_sums sums = builder->sums;
    add_to_sums(&sums, entry, shared);
    return lay_out(&sums).size;
}

bool lsm_block_builder_fits(const struct lsm_block_builder *builder, const struct lsm_entry *entry,
                            uint32_t shared, size_t limit) {
    /* An entry takes at most its window, tag, size and offset beside its bytes, a block its header
     * and one more offset. Most entries fit so with room to spare. */
    enum { ENTRY_MOST = LSM_BLOCK_WINDOW + 8 + 2 + 4, BLOCK_MOST = LSM_BLOCK_HEADER + 4 };
    size_t most = BLOCK_MOST + (builder->sums.entries + (size_t)1) * ENTRY_MOST +
                  builder->raw_size + entry->key_size + (size_t)entry->value_size;
    return __builtin_expect(most <= limit, 1) ||
           lsm_block_builder_size_with(builder, entry, shared) <= limit;
}

size_t lsm_block_builder_size(const struct lsm_block_builder *builder) {
    return builder->sums.entries == 0 ? 0 : lay_out(&builder->sums).size;
}

static bool reserve(uint8_t **data, size_t *capacity, size_t needed) {
    if (__builtin_expect(needed <= *capacity, 1)) {
        return true;
    }
    /* An oversized block gets what it needs and no more: doubling 64 MiB helps nobody. */
    size_t room = needed > LSM_BLOCK_BYTES_MAX ? needed : needed * 2;
    uint8_t *grown = realloc(*data, room);
    if (grown == NULL) {
        return false;
    }
    *data = grown;
    *capacity = room;
    return true;
}

static bool reserve_gathered(struct lsm_block_builder *builder) {
    if (__builtin_expect(builder->sums.entries < builder->gathered_capacity, 1)) {
        return true;
    }
    uint32_t capacity = builder->gathered_capacity == 0 ? 64 : builder->gathered_capacity * 2;
    struct lsm_gathered *grown = realloc(builder->gathered, capacity * sizeof *grown);
    if (grown == NULL) {
        return false;
    }
    builder->gathered = grown;
    builder->gathered_capacity = capacity;
    return true;
}

bool lsm_block_builder_add(struct lsm_block_builder *builder, const struct lsm_entry *entry,
                           uint32_t shared) {
    LSM_ASSERT(entry->key_size >= 1 && entry->key_size <= LSM_KEY_SIZE_MAX);
    LSM_ASSERT(entry->value_size <= LSM_VALUE_SIZE_MAX && entry->seq <= LSM_SEQ_MAX);
    LSM_ASSERT(builder->size == 0);
    LSM_ASSERT(builder->sums.entries == 0 || shared <= entry->key_size);
    size_t bytes = entry->key_size + (size_t)entry->value_size;
    if (!reserve_gathered(builder) ||
        !reserve(&builder->raw, &builder->raw_capacity, builder->raw_size + bytes)) {
        return false;
    }
    uint8_t *p = builder->raw + builder->raw_size;
    builder->gathered[builder->sums.entries] = (struct lsm_gathered){
        .at = builder->raw_size,
        .seq = entry->seq,
        .key_size = entry->key_size,
        .value_size = (uint32_t)entry->value_size,
        .type = entry->type,
    };
    lsm_copy_short(p, entry->key, entry->key_size);
    if (entry->value_size != 0) {
        memcpy(p + entry->key_size, entry->value, (size_t)entry->value_size);
    }
    builder->last_at = builder->raw_size;
    builder->last_size = entry->key_size;
    builder->raw_size += bytes;
    add_to_sums(&builder->sums, entry, shared);
    return true;
}

/* Writes the low `size` bytes of v, at most 8, and maybe zeros behind them, but nothing at or
 * behind `end`: what lies behind is written later. */
static inline void store_uint(uint8_t *p, uint64_t v, uint32_t size, const uint8_t *end) {
    if (__builtin_expect((size_t)(end - p) >= sizeof v, 1)) {
        lsm_store64(p, v);
        return;
    }
    for (uint32_t i = 0; i < size; i++) {
        p[i] = (uint8_t)(v >> (8 * i));
    }
}

static inline uint32_t window_of(const uint8_t *suffix, uint32_t size) {
    uint32_t window = 0;
    if (__builtin_expect(size >= LSM_BLOCK_WINDOW, 1)) {
        return __builtin_bswap32(lsm_load32(suffix));
    }
    memcpy(&window, suffix, size);
    return __builtin_bswap32(window);
}

/* Writes an entry at `p` and its window; returns the entry's end. */
static inline uint8_t *put_entry(const struct lsm_block_builder *builder,
                                 const struct layout *layout, const struct lsm_gathered *entry,
                                 uint8_t *window, uint8_t *p, const uint8_t *end) {
    const uint8_t *suffix = builder->raw + entry->at + layout->prefix_size;
    uint32_t suffix_size = entry->key_size - layout->prefix_size;
    lsm_store32(window, window_of(suffix, suffix_size));
    uint64_t tag =
        (entry->seq - builder->sums.seq_min) << LSM_BLOCK_TYPE_BITS | (uint64_t)entry->type;
    store_uint(p, tag, layout->tag_size, end);
    p += layout->tag_size;
    if (layout->size_width != 0) {
        store_uint(p, suffix_size, layout->size_width, end);
        p += layout->size_width;
    }
    uint32_t skipped = suffix_size < LSM_BLOCK_WINDOW ? suffix_size : LSM_BLOCK_WINDOW;
    size_t rest = suffix_size - skipped + (size_t)entry->value_size;
    memcpy(p, suffix + skipped, rest);
    return p + rest;
}

static inline void put_offset(uint8_t *offsets, uint32_t i, size_t value, bool wide) {
    if (wide) {
        lsm_store32(offsets + (size_t)i * 4, (uint32_t)value);
    } else {
        lsm_store16(offsets + (size_t)i * 2, (uint16_t)value);
    }
}

void lsm_block_builder_finish_at(struct lsm_block_builder *builder, uint8_t *data) {
    const struct lsm_block_sums *sums = &builder->sums;
    LSM_ASSERT(sums->entries >= 1 && builder->size == 0);
    struct layout layout = lay_out(sums);
    bool wide = layout.offset_size == 4;
    uint64_t widths =
        layout.tag_size | layout.size_width << LSM_BLOCK_SIZE_SHIFT | (wide ? LSM_BLOCK_WIDE : 0u);
    struct lsm_block_header header = {
        .entries = sums->entries,
        .prefix_size = (uint16_t)layout.prefix_size,
        .suffix_size = (uint16_t)layout.suffix_size,
        .seq_widths = sums->seq_min << 8 | widths,
    };
    memcpy(data, &header, sizeof header);
    uint8_t *windows = data + sizeof header;
    uint8_t *offsets = windows + (size_t)sums->entries * LSM_BLOCK_WINDOW;
    uint8_t *p = offsets + ((size_t)sums->entries + 1) * layout.offset_size;
    memcpy(p, builder->raw, layout.prefix_size);
    p += layout.prefix_size;
    for (uint32_t i = 0; i < sums->entries; i++) {
        put_offset(offsets, i, (size_t)(p - data), wide);
        p = put_entry(builder, &layout, &builder->gathered[i],
                      windows + (size_t)i * LSM_BLOCK_WINDOW, p, data + layout.size);
    }
    put_offset(offsets, sums->entries, (size_t)(p - data), wide);
    builder->data = data;
    builder->size = (size_t)(p - data);
    LSM_ASSERT(builder->size == layout.size);
    LSM_ASSERT(builder->size >= LSM_BLOCK_LENGTH_MIN && builder->size <= LSM_BLOCK_LENGTH_MAX);
}

bool lsm_block_builder_finish(struct lsm_block_builder *builder) {
    LSM_ASSERT(builder->sums.entries >= 1);
    if (!reserve(&builder->own, &builder->own_capacity, lsm_block_builder_size(builder))) {
        return false;
    }
    lsm_block_builder_finish_at(builder, builder->own);
    return true;
}
