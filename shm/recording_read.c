/* recording_read.c: a recording's records in the order of time. A chunk is read, proved and taken
 * apart whole, its records are put in order, and the next chunk is looked into as soon as it may
 * hold something earlier: so what was recorded late by less than a chunk comes in its place. */
#include "recording_read.h"

#include <stdlib.h>

#include "scope_check.h"

/* ---- a chunk into memory -------------------------------------------------------------------- */

static bool reserve(void **array, size_t *room, size_t need, size_t each) {
    if (need <= *room) {
        return true;
    }
    size_t more = *room == 0 ? 64 : 2 * *room;
    more = more < need ? need : more;
    void *grown = realloc(*array, more * each);
    if (grown == NULL) {
        return false;
    }
    *array = grown;
    *room = more;
    return true;
}

/* Reads and proves the chunk; NULL, or what is wrong with it. */
static const char *chunk_read(struct scope_recording *recording,
                              const struct recording_place *place,
                              struct recording_loaded *loaded) {
    size_t padded = (size_t)recording_padded(place->size);
    size_t whole = RECORDING_CHUNK_BYTES + padded;
    void *bytes = loaded->bytes;
    if (place->size == 0) {
        return "a stretch without a whole chunk: skipped";
    }
    if (!reserve(&bytes, &loaded->room, whole, 1)) {
        return "out of memory";
    }
    loaded->bytes = bytes;
    struct recording_chunk chunk;
    if (!recording_pread(recording->fd, loaded->bytes, whole, place->offset)) {
        return "the file ends within a chunk";
    }
    if (!recording_chunk_decode(loaded->bytes, place->offset, &chunk) ||
        chunk.kind != RECORDING_RECORDS || chunk.size != place->size ||
        chunk.records != place->records) {
        return "a chunk's head is damaged";
    }
    if (recording_sum(loaded->bytes + RECORDING_CHUNK_BYTES, padded) != chunk.body_sum) {
        return "a chunk's checksum does not fit";
    }
    return NULL;
}

static int earlier(const void *a, const void *b) {
    const struct recording_record *x = a, *y = b;
    if (x->time_ns != y->time_ns) {
        return x->time_ns < y->time_ns ? -1 : 1;
    }
    return x->order < y->order ? -1 : x->order > y->order;
}

/* One record: its type, time and place; a sample is taken apart at once, for it depends on the one
 * before. False: nonsense, or no memory. */
static bool record_parse(const struct scope_recording *recording, struct recording_in *in,
                         struct recording_before *before, struct recording_loaded *loaded) {
    const uint8_t *body = loaded->bytes + RECORDING_CHUNK_BYTES;
    uint8_t type = recording_get_byte(in);
    uint64_t size = recording_get_varint(in);
    if (in->bad || size > (uint64_t)(in->end - in->at)) {
        return false;
    }
    struct recording_in fields = {.at = in->at, .end = in->at + size};
    in->at += size;
    if (type < RECORDING_SAMPLE || type > RECORDING_GAP) {
        return true; /* of a later version */
    }
    before->time_ns += recording_unzigzag(recording_get_varint(&fields));
    struct recording_record record = {.time_ns = before->time_ns,
                                      .number = SCOPE_EVENT_OWN,
                                      .order = (uint32_t)loaded->count,
                                      .type = type};
    if (type == RECORDING_SAMPLE) {
        void *samples = loaded->sample;
        if (!reserve(&samples, &loaded->sample_room, loaded->samples + 1,
                     sizeof(*loaded->sample))) {
            return false;
        }
        loaded->sample = samples;
        struct scope_sample *sample = &loaded->sample[loaded->samples];
        if (!recording_get_sample(&fields, before, &recording->counters, sample)) {
            return false;
        }
        sample->time_ns = record.time_ns;
        record.number = loaded->samples++;
    } else if (type == RECORDING_EVENT) {
        record.number = before->next_event + recording_unzigzag(recording_get_varint(&fields));
        before->next_event = record.number + 1;
    }
    record.at = (uint32_t)(fields.at - body);
    record.size = (uint32_t)(fields.end - fields.at);
    loaded->record[loaded->count++] = record;
    return !fields.bad;
}

static const char *chunk_parse(const struct scope_recording *recording,
                               const struct recording_place *place,
                               struct recording_loaded *loaded) {
    void *records = loaded->record;
    if (!reserve(&records, &loaded->record_room, place->records, sizeof(*loaded->record))) {
        return "out of memory";
    }
    loaded->record = records;
    struct recording_before before = {0};
    const uint8_t *body = loaded->bytes + RECORDING_CHUNK_BYTES;
    struct recording_in in = {.at = body, .end = body + place->size};
    for (uint32_t i = 0; i < place->records; i++) {
        if (!record_parse(recording, &in, &before, loaded)) {
            return "a record makes no sense";
        }
    }
    qsort(loaded->record, loaded->count, sizeof(*loaded->record), earlier);
    return NULL;
}

static int load(struct scope_recording *recording, struct recording_loaded *loaded,
                struct scope_error_detail *error) {
    SCOPE_ASSERT(!loaded->any && recording->next_place < recording->places);
    const struct recording_place *place = &recording->place[recording->next_place++];
    loaded->offset = place->offset;
    loaded->count = loaded->next = loaded->samples = 0;
    const char *problem = chunk_read(recording, place, loaded);
    if (problem == NULL) {
        problem = chunk_parse(recording, place, loaded);
    }
    if (problem != NULL) {
        return recording_damaged(recording, place->offset, problem, error);
    }
    loaded->any = loaded->count > 0;
    return SCOPE_OK;
}

/* ---- records out ---------------------------------------------------------------------------- */

static bool gap_get(struct recording_in *in, struct scope_record *record) {
    unsigned ring = recording_get_byte(in);
    record->kind = SCOPE_RECORD_GAP;
    record->u.gap.ring = ring <= SCOPE_RING_HISTOGRAMS ? (enum scope_ring)ring : SCOPE_RING_SAMPLES;
    record->u.gap.lost = recording_get_varint(in);
    return !in->bad && ring <= SCOPE_RING_HISTOGRAMS;
}

static bool shape_get(struct scope_recording *recording, struct recording_in *in,
                      struct scope_record *record) {
    struct scope_shape *shape = &recording->shape;
    if (shape->tables == NULL) {
        shape->tables = calloc(SCOPE_MAX_TABLES, sizeof(*shape->tables));
    }
    record->kind = SCOPE_RECORD_SHAPE;
    record->u.shape = shape;
    return shape->tables != NULL && recording_get_shape(in, record->time_ns, shape);
}

static bool record_get(struct scope_recording *recording, const struct recording_loaded *loaded,
                       const struct recording_record *from, struct scope_record *record) {
    const uint8_t *at = loaded->bytes + RECORDING_CHUNK_BYTES + from->at;
    struct recording_in in = {.at = at, .end = at + from->size};
    record->time_ns = from->time_ns;
    switch ((enum recording_type)from->type) {
    case RECORDING_SAMPLE:
        record->kind = SCOPE_RECORD_SAMPLE;
        record->u.sample = &loaded->sample[from->number];
        return true;
    case RECORDING_EVENT:
    case RECORDING_EVENT_OWN:
        record->kind = SCOPE_RECORD_EVENT;
        record->u.event.event = &recording->event;
        record->u.event.number = from->number;
        return recording_get_event(&in, from->time_ns, &recording->event);
    case RECORDING_HISTOGRAMS:
        record->kind = SCOPE_RECORD_HISTOGRAMS;
        record->u.histograms = &recording->histograms;
        return recording_get_histograms(&in, from->time_ns, &recording->histograms);
    case RECORDING_SHAPE:
        return shape_get(recording, &in, record);
    case RECORDING_GAP:
        break;
    }
    return gap_get(&in, record);
}

/* The loaded chunk that holds the earliest record. NULL and 0: the end. */
static int earliest(struct scope_recording *recording, struct recording_loaded **found,
                    struct scope_error_detail *error) {
    struct recording_loaded *older = &recording->loaded[0], *newer = &recording->loaded[1];
    *found = NULL;
    while (!older->any) {
        if (newer->any) {
            struct recording_loaded swap = *older;
            *older = *newer;
            *newer = swap;
        } else if (recording->next_place == recording->places) {
            return SCOPE_OK;
        } else {
            int rc = load(recording, older, error);
            if (rc != SCOPE_OK) {
                return rc;
            }
        }
    }
    uint64_t time_ns = older->record[older->next].time_ns;
    while (!newer->any && recording->next_place < recording->places &&
           recording->place[recording->next_place].first_ns < time_ns) {
        int rc = load(recording, newer, error);
        if (rc != SCOPE_OK) {
            return rc;
        }
    }
    *found = newer->any && newer->record[newer->next].time_ns < time_ns ? newer : older;
    return SCOPE_OK;
}

int scope_recording_next(struct scope_recording *recording, struct scope_record *record,
                         struct scope_error_detail *error) {
    for (;;) {
        struct recording_loaded *loaded = NULL;
        int rc = earliest(recording, &loaded, error);
        if (rc != SCOPE_OK || loaded == NULL) {
            return rc != SCOPE_OK ? rc : SCOPE_NEXT_END;
        }
        const struct recording_record *from = &loaded->record[loaded->next++];
        loaded->any = loaded->next < loaded->count;
        if (from->time_ns < recording->from_ns) {
            continue;
        }
        if (!record_get(recording, loaded, from, record)) {
            return recording_damaged(recording, loaded->offset, "a record makes no sense", error);
        }
        return SCOPE_NEXT_RECORD;
    }
}

void scope_recording_seek(struct scope_recording *recording, uint64_t time_ns) {
    size_t low = 0, high = recording->places;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (recording->place[middle].reach_ns >= time_ns) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    recording->next_place = low;
    recording->from_ns = time_ns;
    recording->loaded[0].any = recording->loaded[1].any = false;
}
