/* derived.h: series that follow from several metrics and events: one number a sample.
 *
 * Counters are absolute, so a ratio over a stretch of time is the quotient of two differences: no
 * lost sample and no zoom changes it. "Recent" means the last DERIVED_RECENT_S seconds up to a
 * sample, or since the oldest sample known when that is less. Where the divisor did not move, or a
 * metric is absent, there is no number (NAN).
 *
 *   WRITE_AMP         (wal.bytes + flush.bytes + compaction.bytes_written) / user.bytes_written,
 *                     since the engine's start: what the device is asked to write for each byte
 *                     that the user gave. (The usual definition; logs are often left out of it.)
 *   WRITE_AMP_RECENT  the same over the recent stretch: what writing costs now.
 *   READ_AMP          get.table_probes / ops.get, recent: tables that an average get searched.
 *   SPACE_AMP         tables.bytes / the bytes of the largest level from 1 on. Such a level is one
 *                     sorted run, so what is live cannot be much less; that of a full tree is its
 *                     last level, which makes this the customary estimate. It is an upper bound:
 *                     keys that lie in one level only are counted as if they were copies.
 *   SCORE             the highest level score: bytes / target, in level 0 tables / trigger. Above 1
 *                     the level waits for a compaction.
 *   SCORE_LEVEL       the level that has it.
 *   FLUSH_RATE, COMPACT_OUT_RATE, COMPACT_IN_RATE
 *                     bytes a second. A job's bytes are known when it ends; they are spread evenly
 *                     over the time it took, so that a long merge is a plateau and not a spike at
 *                     its end, and a sum over time is what was moved. A job that still runs adds
 *                     nothing yet. Moves without rewriting count nothing. Before the oldest event
 *                     known, and without events, the counters' own steps.
 *   CACHE_HIT         cache.hits / (hits + misses), recent.
 *   BLOOM_SPARED      bloom.negatives / bloom.checks, recent: probes that spared reading a table.
 *   BLOOM_FALSE       bloom.false_positives / (false_positives + negatives), recent: of the keys
 *                     that a table did not have, the share its filter let through.
 *   SYNC_RATE         io.syncs a second, recent; without them wal.syncs.
 *   STALLED           time in write stalls of any cause per time, recent: 0 to 1.
 *   INLINE            the part of it that writers spent flushing and compacting themselves, recent.
 *   CPU               process.cpu per second, recent: cores in use.
 *
 * Numbers are computed once a sample and kept, so that a frame only reads them.
 *
 * Threads:    one thread, the one that draws.
 * Ownership:  kept for the four histories asked last. */
#ifndef OBS_DERIVED_H
#define OBS_DERIVED_H

#include "history.h"

#define DERIVED_RECENT_S 10.0

enum derived {
    DERIVED_WRITE_AMP,
    DERIVED_WRITE_AMP_RECENT,
    DERIVED_READ_AMP,
    DERIVED_SPACE_AMP,
    DERIVED_SCORE,
    DERIVED_SCORE_LEVEL,
    DERIVED_FLUSH_RATE,
    DERIVED_COMPACT_OUT_RATE,
    DERIVED_COMPACT_IN_RATE,
    DERIVED_CACHE_HIT,
    DERIVED_BLOOM_SPARED,
    DERIVED_BLOOM_FALSE,
    DERIVED_SYNC_RATE,
    DERIVED_STALLED,
    DERIVED_INLINE,
    DERIVED_CPU,
    DERIVED_SERIES,
};

/* One number for each sample of the history, NAN where there is none; NULL when memory is out.
 * Valid until the next call for the same series and the next append. */
const float *derived_numbers(const struct history *history, enum derived series);

/* Could the source ever tell it? */
bool derived_known(const struct history *history, enum derived series);

/* The number at a sample, or of the nearest before that has it, at most 16 back. */
bool derived_at(const struct history *history, enum derived series, size_t index, double *number);

/* The largest number of the samples [first, end) that are not newer than `until`; 0: none. */
double derived_max(const struct history *history, enum derived series, size_t first, size_t end,
                   double until);

/* The score of one level at a sample, as SCORE above; false when target or size are unknown. */
bool derived_level_score(const struct history *history, unsigned level, size_t index,
                         double *score);

#endif
