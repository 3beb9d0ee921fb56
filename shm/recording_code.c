/* recording_code.c: records as bytes, and back. See recording_format.h for the grammar. */
#include "recording_code.h"

#include "scope_check.h"

enum {
    EVENT_CREATED = 9, /* words of an event that is about a table, and of a table */
    TABLE_CREATED = 7,
    PRESENT_WORDS = 2,
};

void recording_counters_set(struct recording_counters *counters, unsigned word) {
    SCOPE_ASSERT(word < SCOPE_MAX_METRICS);
    counters->bits[word / 64] |= UINT64_C(1) << (word % 64);
}

static bool bit_of(const uint64_t *bits, unsigned word) {
    return (bits[word / 64] >> (word % 64) & 1u) != 0;
}

/* ---- bytes ---------------------------------------------------------------------------------- */

void recording_put_byte(struct recording_out *out, uint8_t value) {
    SCOPE_ASSERT(out->size < out->room);
    out->bytes[out->size++] = value;
}

static void put_bytes(struct recording_out *out, const void *bytes, size_t size) {
    SCOPE_ASSERT(size <= out->room - out->size);
    memcpy(out->bytes + out->size, bytes, size);
    out->size += size;
}

void recording_put_varint(struct recording_out *out, uint64_t value) {
    while (value >= 0x80) {
        recording_put_byte(out, (uint8_t)(value | 0x80));
        value >>= 7;
    }
    recording_put_byte(out, (uint8_t)value);
}

void recording_put_text(struct recording_out *out, const char *text) {
    size_t length = strlen(text);
    recording_put_varint(out, length);
    put_bytes(out, text, length);
}

uint8_t recording_get_byte(struct recording_in *in) {
    if (in->bad || in->at == in->end) {
        in->bad = true;
        return 0;
    }
    return *in->at++;
}

uint64_t recording_get_varint(struct recording_in *in) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = recording_get_byte(in);
        if (shift == 63 && byte > 1) {
            break; /* more than 64 bits */
        }
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return value;
        }
    }
    in->bad = true;
    return 0;
}

static const uint8_t *get_bytes(struct recording_in *in, size_t size) {
    if (in->bad || size > (size_t)(in->end - in->at)) {
        in->bad = true;
        return NULL;
    }
    const uint8_t *at = in->at;
    in->at += size;
    return at;
}

void recording_get_text(struct recording_in *in, char *text, size_t size) {
    uint64_t length = recording_get_varint(in);
    const uint8_t *bytes = length <= SIZE_MAX / 2 ? get_bytes(in, (size_t)length) : NULL;
    in->bad = in->bad || bytes == NULL;
    scope_text_copy(text, size, bytes != NULL ? (const char *)bytes : "",
                    bytes != NULL ? (size_t)length : 0);
}

/* ---- words ---------------------------------------------------------------------------------- */

static unsigned length_of(uint64_t word) {
    return word == 0 ? 0 : (64u - (unsigned)__builtin_clzll(word) + 7) / 8;
}

static void put_words(struct recording_out *out, const uint64_t *words, unsigned count) {
    while (count > 0 && words[count - 1] == 0) {
        count--;
    }
    recording_put_byte(out, (uint8_t)count);
    for (unsigned i = 0; i < count; i += 2) {
        unsigned high = i + 1 < count ? length_of(words[i + 1]) : 0;
        recording_put_byte(out, (uint8_t)(length_of(words[i]) | high << 4));
    }
    for (unsigned i = 0; i < count; i++) {
        uint8_t bytes[8];
        recording_store64(bytes, words[i]);
        put_bytes(out, bytes, length_of(words[i]));
    }
}

/* Fills `count` words; those that are not told are 0. */
static bool get_words(struct recording_in *in, uint64_t *words, unsigned count) {
    memset(words, 0, count * sizeof(words[0]));
    unsigned told = recording_get_byte(in);
    const uint8_t *lengths = get_bytes(in, (told + 1) / 2);
    if (lengths == NULL || told > count) {
        return false;
    }
    for (unsigned i = 0; i < told; i++) {
        unsigned length = (unsigned)lengths[i / 2] >> (i % 2 * 4) & 15u;
        const uint8_t *from = length <= 8 ? get_bytes(in, length) : NULL;
        if (from == NULL) {
            return false;
        }
        for (unsigned b = 0; b < length; b++) {
            words[i] |= (uint64_t)from[b] << (8 * b);
        }
    }
    return true;
}

/* ---- samples -------------------------------------------------------------------------------- */

static uint64_t foreseen(const struct recording_before *before,
                         const struct recording_counters *counters, unsigned word) {
    uint64_t step = bit_of(counters->bits, word) ? before->step[word] : 0;
    return before->value[word] + step;
}

static void remember(struct recording_before *before, unsigned word, uint64_t value) {
    before->step[word] = value - before->value[word];
    before->value[word] = value;
}

void recording_put_sample(struct recording_out *out, struct recording_before *before,
                          const struct recording_counters *counters,
                          const struct scope_sample *sample) {
    bool same = memcmp(sample->present, before->present, sizeof(before->present)) == 0;
    recording_put_byte(out, same ? 0 : 1);
    for (unsigned half = 0; !same && half < PRESENT_WORDS; half++) {
        uint8_t bytes[8];
        recording_store64(bytes, sample->present[half]);
        put_bytes(out, bytes, sizeof(bytes));
    }
    memcpy(before->present, sample->present, sizeof(before->present));
    uint64_t difference[SCOPE_MAX_METRICS];
    uint8_t changed[(SCOPE_MAX_METRICS + 7) / 8] = {0};
    unsigned count = 0;
    for (unsigned word = 0; word < SCOPE_MAX_METRICS; word++) {
        if (bit_of(sample->present, word)) {
            difference[count] = sample->value[word] - foreseen(before, counters, word);
            remember(before, word, sample->value[word]);
            changed[count / 8] |= (uint8_t)((difference[count] != 0) << (count % 8));
            count++;
        }
    }
    put_bytes(out, changed, (count + 7) / 8);
    for (unsigned i = 0; i < count; i++) {
        if (difference[i] != 0) {
            recording_put_varint(out, recording_zigzag(difference[i]));
        }
    }
}

bool recording_get_sample(struct recording_in *in, struct recording_before *before,
                          const struct recording_counters *counters, struct scope_sample *sample) {
    bool same = recording_get_byte(in) == 0;
    for (unsigned half = 0; !same && half < PRESENT_WORDS; half++) {
        const uint8_t *bytes = get_bytes(in, 8);
        before->present[half] = bytes != NULL ? recording_load64(bytes) : 0;
    }
    if (before->present[1] >> (SCOPE_MAX_METRICS % 64) != 0) {
        return false; /* words that no sample has */
    }
    memset(sample, 0, sizeof(*sample));
    memcpy(sample->present, before->present, sizeof(sample->present));
    unsigned count = (unsigned)__builtin_popcountll(before->present[0]) +
                     (unsigned)__builtin_popcountll(before->present[1]);
    const uint8_t *changed = get_bytes(in, (count + 7) / 8);
    unsigned at = 0;
    for (unsigned word = 0; changed != NULL && word < SCOPE_MAX_METRICS; word++) {
        if (bit_of(sample->present, word)) {
            bool differs = ((unsigned)changed[at / 8] >> (at % 8) & 1u) != 0;
            uint64_t value = foreseen(before, counters, word);
            value += differs ? recording_unzigzag(recording_get_varint(in)) : 0;
            remember(before, word, value);
            sample->value[word] = value;
            at++;
        }
    }
    return !in->bad;
}

/* ---- events --------------------------------------------------------------------------------- */

static bool about_table(uint64_t type) {
    return type >= SCOPE_EVENT_TABLE_ADD && type <= SCOPE_EVENT_TABLE_REMOVE;
}

/* words[0], the time, stands in every record and is not told again. */
void recording_put_event(struct recording_out *out, const struct scope_event *event) {
    uint64_t words[SCOPE_EVENT_WORDS];
    scope_event_encode(event, words);
    if (about_table(words[1] & 0xff)) {
        words[EVENT_CREATED] = recording_zigzag(words[EVENT_CREATED] - words[0]);
    }
    put_words(out, words + 1, SCOPE_EVENT_WORDS - 1);
}

bool recording_get_event(struct recording_in *in, uint64_t time_ns, struct scope_event *event) {
    uint64_t words[SCOPE_EVENT_WORDS] = {time_ns};
    if (!get_words(in, words + 1, SCOPE_EVENT_WORDS - 1)) {
        return false;
    }
    if (about_table(words[1] & 0xff)) {
        words[EVENT_CREATED] = recording_unzigzag(words[EVENT_CREATED]) + time_ns;
    }
    scope_event_decode(words, event);
    return true;
}

/* ---- histograms ----------------------------------------------------------------------------- */

static void put_counts(struct recording_out *out, const uint64_t count[SCOPE_HIST_BUCKETS]) {
    unsigned first = 0, end = SCOPE_HIST_BUCKETS;
    while (first < end && count[first] == 0) {
        first++;
    }
    while (end > first && count[end - 1] == 0) {
        end--;
    }
    recording_put_byte(out, (uint8_t)(first < end ? first : 0));
    recording_put_byte(out, (uint8_t)(end - first));
    for (unsigned i = first; i < end; i++) {
        recording_put_varint(out, count[i]);
    }
}

void recording_put_histograms(struct recording_out *out,
                              const struct scope_histograms *histograms) {
    uint8_t mask = 0;
    for (unsigned h = 0; h < SCOPE_HISTOGRAMS; h++) {
        uint64_t any = histograms->max_ns[h];
        for (unsigned i = 0; i < SCOPE_HIST_BUCKETS; i++) {
            any |= histograms->count[h][i];
        }
        mask |= (uint8_t)((any != 0) << h);
    }
    recording_put_varint(out, histograms->interval_ns);
    recording_put_byte(out, mask);
    for (unsigned h = 0; h < SCOPE_HISTOGRAMS; h++) {
        if (((unsigned)mask >> h & 1u) != 0) {
            recording_put_varint(out, histograms->max_ns[h]);
            put_counts(out, histograms->count[h]);
        }
    }
}

bool recording_get_histograms(struct recording_in *in, uint64_t time_ns,
                              struct scope_histograms *histograms) {
    memset(histograms, 0, sizeof(*histograms));
    histograms->time_ns = time_ns;
    histograms->interval_ns = recording_get_varint(in);
    unsigned mask = recording_get_byte(in);
    for (unsigned h = 0; h < SCOPE_HISTOGRAMS; h++) {
        if ((mask >> h & 1u) == 0) {
            continue;
        }
        histograms->max_ns[h] = recording_get_varint(in);
        unsigned first = recording_get_byte(in), n = recording_get_byte(in);
        if (first + n > SCOPE_HIST_BUCKETS) {
            return false;
        }
        for (unsigned i = 0; i < n; i++) {
            histograms->count[h][first + i] = recording_get_varint(in);
        }
    }
    return !in->bad;
}

/* ---- shapes --------------------------------------------------------------------------------- */

void recording_put_shape(struct recording_out *out, const struct scope_shape *shape) {
    uint64_t count = shape->count < SCOPE_MAX_TABLES ? shape->count : SCOPE_MAX_TABLES;
    recording_put_varint(out, shape->event_head);
    recording_put_varint(out, shape->total > count ? shape->total : count);
    recording_put_varint(out, count);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t words[SCOPE_SHAPE_TABLE_WORDS];
        scope_table_encode(&shape->tables[i], words);
        words[TABLE_CREATED] = recording_zigzag(words[TABLE_CREATED] - shape->time_ns);
        put_words(out, words, SCOPE_SHAPE_TABLE_WORDS);
    }
}

bool recording_get_shape(struct recording_in *in, uint64_t time_ns, struct scope_shape *shape) {
    SCOPE_ASSERT(shape->tables != NULL);
    shape->time_ns = time_ns;
    shape->event_head = recording_get_varint(in);
    shape->total = recording_get_varint(in);
    shape->count = recording_get_varint(in);
    if (in->bad || shape->count > SCOPE_MAX_TABLES || shape->total < shape->count) {
        return false;
    }
    for (uint64_t i = 0; i < shape->count; i++) {
        uint64_t words[SCOPE_SHAPE_TABLE_WORDS];
        if (!get_words(in, words, SCOPE_SHAPE_TABLE_WORDS)) {
            return false;
        }
        words[TABLE_CREATED] = recording_unzigzag(words[TABLE_CREATED]) + time_ns;
        if (!scope_table_decode(words, &shape->tables[i])) {
            return false;
        }
    }
    return true;
}

/* ---- the run's description ------------------------------------------------------------------ */

void recording_put_info(struct recording_out *out, const struct scope_info *info,
                        const struct scope_dictionary *dictionary) {
    const uint64_t numbers[] = {
        info->instance_id,        info->pid,     info->start_mono_ns, info->start_real_ns,
        info->sample_interval_ns, info->samples, info->events,        info->seconds};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        recording_put_varint(out, numbers[i]);
    }
    recording_put_text(out, info->name);
    recording_put_text(out, info->engine_name);
    recording_put_text(out, info->engine_version);
    recording_put_text(out, info->command);
    recording_put_text(out, info->description);
    recording_put_varint(out, dictionary->count);
    for (size_t i = 0; i < dictionary->count; i++) {
        const struct scope_metric *metric = &dictionary->metric[i];
        recording_put_varint(out, metric->id);
        recording_put_varint(out, (uint64_t)metric->unit);
        recording_put_varint(out, (uint64_t)metric->kind);
        recording_put_varint(out, dictionary->word[i]);
        recording_put_text(out, metric->name);
        recording_put_text(out, metric->help);
    }
}

static bool get_metric(struct recording_in *in, struct scope_dictionary *dictionary,
                       struct recording_counters *counters) {
    char name[48], help[128];
    uint64_t id = recording_get_varint(in), unit = recording_get_varint(in);
    uint64_t kind = recording_get_varint(in), word = recording_get_varint(in);
    recording_get_text(in, name, sizeof(name));
    recording_get_text(in, help, sizeof(help));
    if (in->bad || id == 0 || id > UINT32_MAX || unit > UINT16_MAX || kind > UINT16_MAX) {
        return false;
    }
    /* Units and kinds of a later minor are shown as plain counts and gauges. */
    struct scope_metric metric = {
        .id = (uint32_t)id,
        .unit = unit <= SCOPE_UNIT_RATIO_PPM ? (enum scope_unit)unit : SCOPE_UNIT_COUNT,
        .kind = kind == SCOPE_KIND_COUNTER ? SCOPE_KIND_COUNTER : SCOPE_KIND_GAUGE,
        .name = name,
        .help = help,
    };
    if (!scope_dictionary_add(dictionary, &metric, word)) {
        return false;
    }
    if (metric.kind == SCOPE_KIND_COUNTER) {
        recording_counters_set(counters, (unsigned)word);
    }
    return true;
}

bool recording_get_info(struct recording_in *in, struct scope_info *info,
                        struct scope_dictionary *dictionary, struct recording_counters *counters) {
    memset(info, 0, sizeof(*info));
    uint64_t *const numbers[] = {
        &info->instance_id,        &info->pid,     &info->start_mono_ns, &info->start_real_ns,
        &info->sample_interval_ns, &info->samples, &info->events,        &info->seconds};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        *numbers[i] = recording_get_varint(in);
    }
    recording_get_text(in, info->name, sizeof(info->name));
    recording_get_text(in, info->engine_name, sizeof(info->engine_name));
    recording_get_text(in, info->engine_version, sizeof(info->engine_version));
    recording_get_text(in, info->command, sizeof(info->command));
    recording_get_text(in, info->description, sizeof(info->description));
    info->major = RECORDING_MAJOR;
    info->minor = RECORDING_MINOR;
    scope_dictionary_init(dictionary);
    uint64_t count = recording_get_varint(in);
    for (uint64_t i = 0; i < count; i++) {
        if (in->bad || !get_metric(in, dictionary, counters)) {
            return false;
        }
    }
    return !in->bad;
}
