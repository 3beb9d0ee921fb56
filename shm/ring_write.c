/* ring_write.c: the writer's side of the rings: table W of slot.h for each kind of record. Stores
 * only: nothing here can wait for a reader, or know that there is one. */
#include "scope.h"

#include <string.h>

#include "scope_check.h"
#include "segment.h"
#include "slot.h"

void scope_sample_set(const struct scope_writer *writer, struct scope_sample *sample, uint32_t id,
                      uint64_t value) {
    int word = scope_dictionary_word(&writer->dictionary, id);
    if (word >= 0) {
        SCOPE_ASSERT(word < SCOPE_METRICS_MAX);
        sample->value[word] = value;
        sample->present[word / 64] |= UINT64_C(1) << (word % 64);
    }
}

/* Only the words that are present are stored: a reader learns from the mask which to look at. */
void scope_publish_sample(struct scope_writer *writer, const struct scope_sample *sample) {
    if (writer->forked) {
        return;
    }
    uint64_t record = writer->next_sample;
    _Atomic uint64_t *slot = scope_slot(&writer->parts.rings[SCOPE_RING_SAMPLES], record);
    scope_slot_begin(slot, record);
    scope_slot_put(slot, 0, sample->time_ns);
    for (unsigned half = 0; half < SCOPE_PRESENCE_WORDS; half++) {
        uint64_t present = sample->present[half];
        if (half == SCOPE_PRESENCE_WORDS - 1) {
            present &= (UINT64_C(1) << (SCOPE_METRICS_MAX % 64)) - 1;
        }
        scope_slot_put(slot, 1 + half, present);
        for (uint64_t left = present; left != 0; left &= left - 1) {
            unsigned word = half * 64 + (unsigned)__builtin_ctzll(left);
            scope_slot_put(slot, 1 + SCOPE_PRESENCE_WORDS + word, sample->value[word]);
        }
    }
    scope_slot_end(slot, record);
    writer->next_sample = record + 1;
    scope_head_store(&writer->parts.heads->sample_head, record + 1);
}
_Static_assert(SCOPE_METRICS_MAX % 64 != 0, "the mask of the last presence word");

void scope_publish_histograms(struct scope_writer *writer,
                              const struct scope_histograms *histograms) {
    if (writer->forked) {
        return;
    }
    uint64_t words[SCOPE_HIST_WORDS];
    scope_hist_encode(histograms, writer->residue, words);
    uint64_t record = writer->next_histogram;
    _Atomic uint64_t *slot = scope_slot(&writer->parts.rings[SCOPE_RING_HISTOGRAMS], record);
    scope_slot_begin(slot, record);
    for (unsigned i = 0; i < SCOPE_HIST_WORDS; i++) {
        scope_slot_put(slot, i, words[i]);
    }
    scope_slot_end(slot, record);
    writer->next_histogram = record + 1;
    scope_head_store(&writer->parts.heads->histogram_head, record + 1);
}

uint64_t scope_publish_event(struct scope_writer *writer, const struct scope_event *event) {
    if (writer->forked) {
        return 0;
    }
    uint64_t words[SCOPE_EVENT_WORDS];
    scope_event_encode(event, words);
    (void)pthread_mutex_lock(&writer->event_lock);
    uint64_t record = writer->next_event;
    _Atomic uint64_t *slot = scope_slot(&writer->parts.rings[SCOPE_RING_EVENTS], record);
    scope_slot_begin(slot, record);
    for (unsigned i = 0; i < SCOPE_EVENT_WORDS; i++) {
        scope_slot_put(slot, i, words[i]);
    }
    scope_slot_end(slot, record);
    writer->next_event = record + 1;
    scope_head_store(&writer->parts.heads->event_head, record + 1);
    (void)pthread_mutex_unlock(&writer->event_lock);
    return record;
}

uint64_t scope_event_head(const struct scope_writer *writer) {
    return writer->forked ? 0 : scope_head_load(&writer->parts.heads->event_head);
}
