/* history_event_pack.h: a block of events, packed.
 *
 * An event is a list of words, each told by its difference to the block's first event where that
 * makes it small, in as many bytes as that takes, so that each can be unpacked alone:
 *
 *   block := base offset:u16[128] event*
 *   base  := ns:u64 clock:u64 job:u64 table:u64 segment:u64
 *   event := type:u8, a length of 4 bits for each word (low half first), the words' bytes
 *   words := time, clock, the time's rest, levels, job, link, and what the type tells
 *
 * Time is nanoseconds of the run; clock is the publisher's less that; the rest is 0 where
 * nanoseconds tell the time exactly.
 *
 * Threads:    pure functions on what they are given. */
#ifndef OBS_HISTORY_EVENT_PACK_H
#define OBS_HISTORY_EVENT_PACK_H

#include "scope.h"

enum { HISTORY_EVENT_ROWS = 128 };

/* One event in the clear. */
struct history_event_row {
    struct scope_event event;
    double seconds; /* since the run's start */
    double until;   /* the latest `seconds` of this event and all before it: not packed */
    uint32_t link;  /* how far back the previous event stands that took a table in the same job; 0:
                       none */
};

/* Allocates; NULL when memory is out. Members of `u` that do not count for the type are lost. */
uint8_t *history_events_pack(const struct history_event_row row[HISTORY_EVENT_ROWS]);
/* One of them. Leaves `until` alone. */
void history_event_unpack(const uint8_t *packed, unsigned index, struct history_event_row *row);

#endif
