/* event_codec.c: events and tables as words of a slot, and back.
 *
 *   event := time | type:8 level_from:8 level_to:8 0:8 job:32 | payload (13 words)
 *   payload of a job    := inputs:32 outputs:32 | bytes_in | bytes_out | entries_in | entries_out
 *                          | duration | status:32
 *           of a stall  := cause | duration
 *           of the log  := segment | bytes
 *           of a table  := table
 *           of a text   := 88 bytes, zero-filled
 *   table := id | level:8 busy:8 0:48 | bytes | entries | tombstones | lo | hi | created
 *
 * Unused words are zero. The decoder believes nothing: a record may come from a damaged or hostile
 * segment, or from a later version with types of its own. */
#include "segment.h"

#include <string.h>

#include "scope_check.h"

enum { PAYLOAD = 2, TEXT_BYTES = 88 };
_Static_assert(PAYLOAD + SCOPE_SHAPE_TABLE_WORDS <= SCOPE_EVENT_WORDS, "a table fits an event");
_Static_assert(PAYLOAD + TEXT_BYTES / 8 <= SCOPE_EVENT_WORDS, "a text fits an event");
_Static_assert(sizeof(((struct scope_event *)0)->u.text) == TEXT_BYTES, "text bytes");

enum payload {
    PAYLOAD_UNKNOWN,
    PAYLOAD_JOB,
    PAYLOAD_STALL,
    PAYLOAD_WAL,
    PAYLOAD_TABLE,
    PAYLOAD_TEXT
};

static enum payload payload_of(uint64_t type) {
    switch (type) {
    case SCOPE_EVENT_FLUSH_BEGIN:
    case SCOPE_EVENT_FLUSH_END:
    case SCOPE_EVENT_COMPACT_SCHEDULED:
    case SCOPE_EVENT_COMPACT_BEGIN:
    case SCOPE_EVENT_COMPACT_END:
        return PAYLOAD_JOB;
    case SCOPE_EVENT_STALL_BEGIN:
    case SCOPE_EVENT_STALL_END:
        return PAYLOAD_STALL;
    case SCOPE_EVENT_WAL_ROTATE:
        return PAYLOAD_WAL;
    case SCOPE_EVENT_TABLE_ADD:
    case SCOPE_EVENT_TABLE_MOVE:
    case SCOPE_EVENT_TABLE_REMOVE:
        return PAYLOAD_TABLE;
    case SCOPE_EVENT_ERROR:
    case SCOPE_EVENT_MARKER:
        return PAYLOAD_TEXT;
    default:
        return PAYLOAD_UNKNOWN;
    }
}

void scope_table_encode(const struct scope_table *table, uint64_t words[SCOPE_SHAPE_TABLE_WORDS]) {
    words[0] = table->id;
    words[1] = (uint64_t)table->level | (table->busy ? UINT64_C(1) << 8 : 0);
    words[2] = table->bytes;
    words[3] = table->entries;
    words[4] = table->tombstones;
    words[5] = table->lo;
    words[6] = table->hi;
    words[7] = table->created_ns;
}

bool scope_table_decode(const uint64_t words[SCOPE_SHAPE_TABLE_WORDS], struct scope_table *table) {
    uint64_t level = words[1] & 0xff;
    table->id = words[0];
    table->level = (uint8_t)(level < SCOPE_LEVELS ? level : SCOPE_LEVELS - 1);
    table->busy = (words[1] >> 8 & 0xff) != 0;
    table->bytes = words[2];
    table->entries = words[3];
    table->tombstones = words[4];
    table->lo = words[5];
    table->hi = words[6];
    table->created_ns = words[7];
    return level < SCOPE_LEVELS;
}

static void encode_job(const struct scope_event *event, uint64_t *words) {
    words[0] = (uint64_t)event->u.job_info.inputs | (uint64_t)event->u.job_info.outputs << 32;
    words[1] = event->u.job_info.bytes_in;
    words[2] = event->u.job_info.bytes_out;
    words[3] = event->u.job_info.entries_in;
    words[4] = event->u.job_info.entries_out;
    words[5] = event->u.job_info.duration_ns;
    words[6] = (uint32_t)event->u.job_info.status;
}

static void decode_job(const uint64_t *words, struct scope_event *event) {
    event->u.job_info.inputs = (uint32_t)words[0];
    event->u.job_info.outputs = (uint32_t)(words[0] >> 32);
    event->u.job_info.bytes_in = words[1];
    event->u.job_info.bytes_out = words[2];
    event->u.job_info.entries_in = words[3];
    event->u.job_info.entries_out = words[4];
    event->u.job_info.duration_ns = words[5];
    event->u.job_info.status = (int32_t)(uint32_t)words[6];
}

void scope_event_encode(const struct scope_event *event, uint64_t words[SCOPE_EVENT_WORDS]) {
    memset(words, 0, SCOPE_EVENT_WORDS * sizeof(words[0]));
    uint64_t *payload = words + PAYLOAD;
    bool levels = false;
    switch (payload_of((uint64_t)event->type)) {
    case PAYLOAD_JOB:
        encode_job(event, payload);
        levels = true;
        break;
    case PAYLOAD_STALL:
        payload[0] = (uint64_t)event->u.stall.cause;
        payload[1] = event->u.stall.duration_ns;
        break;
    case PAYLOAD_WAL:
        payload[0] = event->u.wal.segment;
        payload[1] = event->u.wal.bytes;
        break;
    case PAYLOAD_TABLE:
        scope_table_encode(&event->u.table, payload);
        levels = true;
        break;
    case PAYLOAD_TEXT: {
        char text[TEXT_BYTES];
        scope_text_copy(text, sizeof(text), event->u.text, sizeof(event->u.text));
        memcpy(payload, text, sizeof(text));
        break;
    }
    case PAYLOAD_UNKNOWN:
        break;
    }
    words[0] = event->time_ns;
    words[1] = ((uint64_t)event->type & 0xff) | (uint64_t)event->job << 32;
    if (levels) {
        words[1] |= (uint64_t)event->level_from << 8 | (uint64_t)event->level_to << 16;
    }
}

void scope_event_decode(const uint64_t words[SCOPE_EVENT_WORDS], struct scope_event *event) {
    memset(event, 0, sizeof(*event));
    const uint64_t *payload = words + PAYLOAD;
    uint64_t type = words[1] & 0xff;
    uint8_t level_from = (uint8_t)(words[1] >> 8);
    uint8_t level_to = (uint8_t)(words[1] >> 16);
    bool known = level_from < SCOPE_LEVELS && level_to < SCOPE_LEVELS;
    switch (payload_of(type)) {
    case PAYLOAD_JOB:
        decode_job(payload, event);
        break;
    case PAYLOAD_STALL:
        known = known && payload[0] < SCOPE_STALLS;
        event->u.stall.cause =
            payload[0] < SCOPE_STALLS ? (enum scope_stall)payload[0] : SCOPE_STALL_NONE;
        event->u.stall.duration_ns = payload[1];
        break;
    case PAYLOAD_WAL:
        event->u.wal.segment = payload[0];
        event->u.wal.bytes = payload[1];
        break;
    case PAYLOAD_TABLE:
        known = scope_table_decode(payload, &event->u.table) && known;
        break;
    case PAYLOAD_TEXT: {
        char text[TEXT_BYTES];
        memcpy(text, payload, sizeof(text));
        scope_text_copy(event->u.text, sizeof(event->u.text), text, sizeof(text));
        break;
    }
    case PAYLOAD_UNKNOWN:
        known = false;
        break;
    }
    event->time_ns = words[0];
    event->type = known ? (enum scope_event_type)type : SCOPE_EVENT_NONE;
    event->job = (uint32_t)(words[1] >> 32);
    event->level_from = known ? level_from : 0;
    event->level_to = known ? level_to : 0;
}
