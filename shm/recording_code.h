/* recording_code.h: records as bytes, and back: what recording_format.h describes.
 *
 * Threads:    none of it keeps state but in its arguments.
 * Trust:      the decoding half believes nothing; false means that the bytes make no sense. */
#ifndef SCOPE_RECORDING_CODE_H
#define SCOPE_RECORDING_CODE_H

#include "recording_format.h"
#include "scope.h"
#include "segment.h"

/* A buffer that is appended to. Its room was made beforehand: see the *_BYTES_MAX. */
struct recording_out {
    uint8_t *bytes;
    size_t size, room;
};

/* What is left of some bytes. `bad` once more was asked for than there was. */
struct recording_in {
    const uint8_t *at, *end;
    bool bad;
};

/* What both sides know of the records before, within a chunk. All zero at its beginning. */
struct recording_before {
    uint64_t time_ns;
    uint64_t next_event;
    uint64_t present[2];
    uint64_t value[SCOPE_MAX_METRICS];
    uint64_t step[SCOPE_MAX_METRICS];
};

/* Which words are counters: bit w % 64 of word w / 64. Of the dictionary. */
struct recording_counters {
    uint64_t bits[2];
};
void recording_counters_set(struct recording_counters *counters, unsigned word);

enum {
    RECORDING_RECORD_HEAD_MAX = 1 + RECORDING_VARINT_MAX,
    RECORDING_SAMPLE_BYTES_MAX = RECORDING_VARINT_MAX * (1 + SCOPE_MAX_METRICS) + 17 + 14,
    RECORDING_WORDS_BYTES_MAX = 1 + 8 + 8 * SCOPE_EVENT_WORDS,
    RECORDING_HISTOGRAMS_BYTES_MAX =
        RECORDING_VARINT_MAX * 2 + 1 +
        SCOPE_HISTOGRAMS * (RECORDING_VARINT_MAX * (1 + SCOPE_HIST_BUCKETS) + 2),
    RECORDING_SHAPE_BYTES_MAX =
        RECORDING_VARINT_MAX * 4 + SCOPE_MAX_TABLES * (1 + 4 + 8 * SCOPE_SHAPE_TABLE_WORDS),
};

void recording_put_byte(struct recording_out *out, uint8_t value);
void recording_put_varint(struct recording_out *out, uint64_t value);
void recording_put_text(struct recording_out *out, const char *text);
uint8_t recording_get_byte(struct recording_in *in);
uint64_t recording_get_varint(struct recording_in *in);
/* Valid, cut and terminated as scope_text_copy does. */
void recording_get_text(struct recording_in *in, char *text, size_t size);

/* Each puts the fields of a record behind its time. */
void recording_put_sample(struct recording_out *out, struct recording_before *before,
                          const struct recording_counters *counters,
                          const struct scope_sample *sample);
bool recording_get_sample(struct recording_in *in, struct recording_before *before,
                          const struct recording_counters *counters, struct scope_sample *sample);
void recording_put_event(struct recording_out *out, const struct scope_event *event);
bool recording_get_event(struct recording_in *in, uint64_t time_ns, struct scope_event *event);
void recording_put_histograms(struct recording_out *out, const struct scope_histograms *histograms);
bool recording_get_histograms(struct recording_in *in, uint64_t time_ns,
                              struct scope_histograms *histograms);
void recording_put_shape(struct recording_out *out, const struct scope_shape *shape);
/* `shape->tables` has room for SCOPE_MAX_TABLES. */
bool recording_get_shape(struct recording_in *in, uint64_t time_ns, struct scope_shape *shape);

/* ---- the INFO chunk's body ---- */

enum {
    RECORDING_INFO_BYTES_MAX = 16 * RECORDING_VARINT_MAX + 64 + 32 + 32 + 1024 + 256 +
                               SCOPE_MAX_METRICS * (6 * RECORDING_VARINT_MAX + 48 + 128),
};
void recording_put_info(struct recording_out *out, const struct scope_info *info,
                        const struct scope_dictionary *dictionary);
bool recording_get_info(struct recording_in *in, struct scope_info *info,
                        struct scope_dictionary *dictionary, struct recording_counters *counters);

#endif
