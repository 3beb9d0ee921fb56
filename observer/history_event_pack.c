#include "history_event_pack.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "obs_check.h"

enum {
    COMMON_WORDS = 6, /* time, clock, the time's rest, levels, job, link */
    TEXT_WORDS = 11,
    WORDS_MAX = COMMON_WORDS + TEXT_WORDS,
    EVENT_MAX = 1 + (WORDS_MAX + 1) / 2 + WORDS_MAX * 8, /* bytes */
    SPARE = 8, /* bytes behind a block: words are read eight bytes at a time */
};
_Static_assert(sizeof(((struct scope_event *)0)->u.text) == TEXT_WORDS * 8, "a text's words");

#define NS_LIMIT 9e18 /* times beyond it, and no number, are told by the rest alone */

/* What words are told as a difference to. */
struct base {
    uint64_t ns, clock, job, table, segment;
};
enum { OFFSETS_AT = sizeof(struct base), EVENTS_AT = OFFSETS_AT + HISTORY_EVENT_ROWS * 2 };

static uint64_t zigzag(uint64_t difference) {
    return difference << 1 ^ (0 - (difference >> 63));
}

static uint64_t unzigzag(uint64_t code) {
    return code >> 1 ^ (0 - (code & 1));
}

static uint64_t bits_of(double number) {
    uint64_t bits;
    memcpy(&bits, &number, sizeof(bits));
    return bits;
}

/* How many words the type tells. */
static unsigned payload_words(enum scope_event_type type) {
    switch (type) {
    case SCOPE_EVENT_FLUSH_BEGIN:
    case SCOPE_EVENT_FLUSH_END:
    case SCOPE_EVENT_COMPACT_SCHEDULED:
    case SCOPE_EVENT_COMPACT_BEGIN:
    case SCOPE_EVENT_COMPACT_END:
    case SCOPE_EVENT_TABLE_ADD:
    case SCOPE_EVENT_TABLE_MOVE:
    case SCOPE_EVENT_TABLE_REMOVE:
        return 7;
    case SCOPE_EVENT_STALL_BEGIN:
    case SCOPE_EVENT_STALL_END:
    case SCOPE_EVENT_WAL_ROTATE:
        return 2;
    case SCOPE_EVENT_ERROR:
    case SCOPE_EVENT_MARKER:
        return TEXT_WORDS;
    case SCOPE_EVENT_NONE:
        break;
    }
    return 0;
}

static bool tells_table(enum scope_event_type type) {
    return type == SCOPE_EVENT_TABLE_ADD || type == SCOPE_EVENT_TABLE_MOVE ||
           type == SCOPE_EVENT_TABLE_REMOVE;
}

/* ---- words ----------------------------------------------------------------------------------- */

static void table_words(const struct scope_event *event, const struct base *base, uint64_t *to) {
    const struct scope_table *table = &event->u.table;
    to[0] = zigzag(table->id - base->table);
    to[1] = table->bytes;
    to[2] = table->entries;
    to[3] = table->tombstones;
    to[4] = table->lo;
    to[5] = table->hi - table->lo;
    to[6] = zigzag(event->time_ns - table->created_ns);
}

static void table_of(const uint64_t *words, const struct base *base, struct scope_event *event) {
    struct scope_table *table = &event->u.table;
    table->id = base->table + unzigzag(words[0]);
    table->bytes = words[1];
    table->entries = words[2];
    table->tombstones = words[3];
    table->lo = words[4];
    table->hi = words[4] + words[5];
    table->created_ns = event->time_ns - unzigzag(words[6]);
}

static void payload_take(const struct scope_event *event, const struct base *base, uint64_t *to) {
    unsigned count = payload_words(event->type);
    if (tells_table(event->type)) {
        table_words(event, base, to);
    } else if (count == TEXT_WORDS) {
        memcpy(to, event->u.text, sizeof(event->u.text));
    } else if (event->type == SCOPE_EVENT_WAL_ROTATE) {
        to[0] = zigzag(event->u.wal.segment - base->segment);
        to[1] = event->u.wal.bytes;
    } else if (count == 2) {
        to[0] = (uint64_t)event->u.stall.cause;
        to[1] = event->u.stall.duration_ns;
    } else if (count > 0) {
        to[0] = (uint64_t)event->u.job_info.inputs | (uint64_t)event->u.job_info.outputs << 32;
        to[1] = event->u.job_info.bytes_in;
        to[2] = event->u.job_info.bytes_out;
        to[3] = event->u.job_info.entries_in;
        to[4] = event->u.job_info.entries_out;
        to[5] = event->u.job_info.duration_ns;
        to[6] = (uint32_t)event->u.job_info.status;
    }
}

static void payload_give(const uint64_t *words, const struct base *base,
                         struct scope_event *event) {
    unsigned count = payload_words(event->type);
    if (tells_table(event->type)) {
        table_of(words, base, event);
    } else if (count == TEXT_WORDS) {
        memcpy(event->u.text, words, sizeof(event->u.text));
    } else if (event->type == SCOPE_EVENT_WAL_ROTATE) {
        event->u.wal.segment = base->segment + unzigzag(words[0]);
        event->u.wal.bytes = words[1];
    } else if (count == 2) {
        event->u.stall.cause = (enum scope_stall)words[0];
        event->u.stall.duration_ns = words[1];
    } else if (count > 0) {
        event->u.job_info.inputs = (uint32_t)words[0];
        event->u.job_info.outputs = (uint32_t)(words[0] >> 32);
        event->u.job_info.bytes_in = words[1];
        event->u.job_info.bytes_out = words[2];
        event->u.job_info.entries_in = words[3];
        event->u.job_info.entries_out = words[4];
        event->u.job_info.duration_ns = words[5];
        event->u.job_info.status = (int32_t)(uint32_t)words[6];
    }
}

static int64_t ns_of(const struct history_event_row *row) {
    double scaled = row->seconds * 1e9;
    return scaled > -NS_LIMIT && scaled < NS_LIMIT ? llround(scaled) : 0;
}

static void row_words(const struct history_event_row *row, const struct base *base, uint64_t *to) {
    const struct scope_event *event = &row->event;
    int64_t ns = ns_of(row);
    uint64_t clock = event->time_ns - (uint64_t)ns;
    bool table = tells_table(event->type);
    to[0] = zigzag((uint64_t)ns - base->ns);
    to[1] = zigzag(clock - base->clock);
    to[2] = bits_of(row->seconds) ^ bits_of((double)ns / 1e9);
    to[3] = (uint64_t)event->level_from | (uint64_t)event->level_to << 8;
    if (table) {
        to[3] |= (uint64_t)event->u.table.level << 16 | (uint64_t)event->u.table.busy << 24;
    }
    to[4] = zigzag(event->job - base->job);
    to[5] = row->link;
    payload_take(event, base, to + COMMON_WORDS);
}

static void row_of(const uint64_t *words, const struct base *base, enum scope_event_type type,
                   struct history_event_row *row) {
    struct scope_event *event = &row->event;
    memset(event, 0, sizeof(*event));
    uint64_t ns = base->ns + unzigzag(words[0]);
    uint64_t seconds = bits_of((double)(int64_t)ns / 1e9) ^ words[2];
    memcpy(&row->seconds, &seconds, sizeof(seconds));
    row->link = (uint32_t)words[5];
    event->type = type;
    event->time_ns = base->clock + unzigzag(words[1]) + ns;
    event->job = (uint32_t)(base->job + unzigzag(words[4]));
    event->level_from = (uint8_t)words[3];
    event->level_to = (uint8_t)(words[3] >> 8);
    payload_give(words + COMMON_WORDS, base, event);
    if (tells_table(type)) {
        event->u.table.level = (uint8_t)(words[3] >> 16);
        event->u.table.busy = (words[3] >> 24 & 1) != 0;
    }
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static unsigned bytes_of(uint64_t word) {
    return word == 0 ? 0 : (71 - (unsigned)__builtin_clzll(word)) / 8;
}

static uint8_t *event_write(uint8_t *at, uint8_t type, const uint64_t *words, unsigned count) {
    *at++ = type;
    uint8_t *lengths = at;
    at += (count + 1) / 2;
    memset(lengths, 0, (count + 1) / 2);
    for (unsigned i = 0; i < count; i++) {
        unsigned length = bytes_of(words[i]);
        lengths[i / 2] |= (uint8_t)(length << (i % 2 * 4));
        memcpy(at, &words[i], sizeof(words[i])); /* what is too much, the next one overwrites */
        at += length;
    }
    return at;
}

static void event_read(const uint8_t *at, uint64_t *words, unsigned count) {
    static const uint64_t mask[] = {0,          0xFF,         0xFFFF,         0xFFFFFF,
                                    0xFFFFFFFF, 0xFFFFFFFFFF, 0xFFFFFFFFFFFF, 0xFFFFFFFFFFFFFF,
                                    UINT64_MAX};
    const uint8_t *lengths = at;
    at += (count + 1) / 2;
    for (unsigned i = 0; i < count; i++) {
        unsigned length = lengths[i / 2] >> (i % 2 * 4) & 0xF;
        OBS_ASSERT(length <= 8);
        memcpy(&words[i], at, sizeof(words[i]));
        words[i] &= mask[length];
        at += length;
    }
}

static struct base base_of(const struct history_event_row *row) {
    struct base base = {.ns = (uint64_t)ns_of(row), .job = row[0].event.job};
    base.clock = row[0].event.time_ns - base.ns;
    for (unsigned i = HISTORY_EVENT_ROWS; i-- > 0;) {
        if (tells_table(row[i].event.type)) {
            base.table = row[i].event.u.table.id;
        } else if (row[i].event.type == SCOPE_EVENT_WAL_ROTATE) {
            base.segment = row[i].event.u.wal.segment;
        }
    }
    return base;
}

uint8_t *history_events_pack(const struct history_event_row row[HISTORY_EVENT_ROWS]) {
    uint8_t packed[EVENTS_AT + HISTORY_EVENT_ROWS * EVENT_MAX + SPARE], *at = packed + EVENTS_AT;
    _Static_assert(sizeof(packed) <= UINT16_MAX, "offsets of 16 bits");
    struct base base = base_of(row);
    memcpy(packed, &base, sizeof(base));
    for (unsigned i = 0; i < HISTORY_EVENT_ROWS; i++) {
        uint64_t words[WORDS_MAX];
        enum scope_event_type type = row[i].event.type;
        uint16_t offset = (uint16_t)(at - packed);
        memcpy(packed + OFFSETS_AT + i * sizeof(offset), &offset, sizeof(offset));
        row_words(&row[i], &base, words);
        at = event_write(at, (uint8_t)type, words, COMMON_WORDS + payload_words(type));
    }
    size_t size = (size_t)(at - packed);
    OBS_ASSERT(size + SPARE <= sizeof(packed));
    uint8_t *kept = malloc(size + SPARE);
    if (kept != NULL) {
        memcpy(kept, packed, size);
        memset(kept + size, 0, SPARE);
    }
    return kept;
}

void history_event_unpack(const uint8_t *packed, unsigned index, struct history_event_row *row) {
    OBS_ASSERT(index < HISTORY_EVENT_ROWS);
    struct base base;
    uint16_t offset;
    uint64_t words[WORDS_MAX];
    memcpy(&base, packed, sizeof(base));
    memcpy(&offset, packed + OFFSETS_AT + index * sizeof(offset), sizeof(offset));
    enum scope_event_type type = (enum scope_event_type)packed[offset];
    event_read(packed + offset + 1, words, COMMON_WORDS + payload_words(type));
    row_of(words, &base, type, row);
}
