/* dictionary.c: the metrics: the built-in table, and a segment's own, found by id. */
#include "scope.h"

#include <string.h>

#include "scope_check.h"
#include "segment.h"

#define ONE_LEVEL(id, level, name, unit, kind, help)                                               \
    {(id) + (level), SCOPE_UNIT_##unit, SCOPE_KIND_##kind, "l" #level "." name, help},
#define METRIC(id, symbol, name, unit, kind, help)                                                 \
    {(id), SCOPE_UNIT_##unit, SCOPE_KIND_##kind, name, help},
#define LEVEL_METRIC(id, symbol, name, unit, kind, help)                                           \
    ONE_LEVEL(id, 0, name, unit, kind, help)                                                       \
    ONE_LEVEL(id, 1, name, unit, kind, help)                                                       \
    ONE_LEVEL(id, 2, name, unit, kind, help)                                                       \
    ONE_LEVEL(id, 3, name, unit, kind, help)                                                       \
    ONE_LEVEL(id, 4, name, unit, kind, help)                                                       \
    ONE_LEVEL(id, 5, name, unit, kind, help)                                                       \
    ONE_LEVEL(id, 6, name, unit, kind, help)                                                       \
    ONE_LEVEL(id, 7, name, unit, kind, help)

static const struct scope_metric builtin[] = {
#include "sample.def"
};

enum { BUILTIN_COUNT = sizeof(builtin) / sizeof(builtin[0]) };
_Static_assert((int)BUILTIN_COUNT <= (int)SCOPE_METRICS_MAX,
               "the built-in metrics must fit a sample");
_Static_assert(SCOPE_LEVELS == 8, "LEVEL_METRIC above lists the levels");
_Static_assert(SCOPE_MAX_METRICS == SCOPE_METRICS_MAX, "scope.h and layout.h must agree");
_Static_assert(SCOPE_MAX_LEVELS == SCOPE_LEVELS, "scope.h and layout.h must agree");

const struct scope_metric *scope_builtin_metrics(size_t *count) {
    SCOPE_ASSERT(count != NULL);
    *count = BUILTIN_COUNT;
    return builtin;
}

const char *scope_unit_name(enum scope_unit unit) {
    switch (unit) {
    case SCOPE_UNIT_COUNT:
        return "count";
    case SCOPE_UNIT_OPS:
        return "ops";
    case SCOPE_UNIT_BYTES:
        return "bytes";
    case SCOPE_UNIT_NANOSECONDS:
        return "ns";
    case SCOPE_UNIT_PER_SECOND:
        return "per second";
    case SCOPE_UNIT_ENUM:
        return "enum";
    case SCOPE_UNIT_RATIO_PPM:
        return "ppm";
    default:
        return "unknown";
    }
}

const char *scope_stall_name(enum scope_stall stall) {
    switch (stall) {
    case SCOPE_STALL_NONE:
        return "none";
    case SCOPE_STALL_L0_SLOW:
        return "L0 filling up";
    case SCOPE_STALL_L0_STOP:
        return "L0 full";
    case SCOPE_STALL_MEMTABLE:
        return "memtables full";
    case SCOPE_STALL_DEBT_SLOW:
        return "compaction debt growing";
    case SCOPE_STALL_DEBT_STOP:
        return "compaction debt too large";
    case SCOPE_STALL_INLINE:
        return "flushing in the writer's thread";
    case SCOPE_STALLS:
    default:
        return "unknown";
    }
}

void scope_dictionary_init(struct scope_dictionary *dictionary) {
    memset(dictionary, 0, sizeof(*dictionary));
    for (size_t i = 0; i < SCOPE_DIRECT_IDS; i++) {
        dictionary->direct[i] = -1;
    }
}

bool scope_dictionary_add(struct scope_dictionary *dictionary, const struct scope_metric *metric,
                          uint64_t word) {
    size_t at = dictionary->count;
    SCOPE_ASSERT(at <= SCOPE_METRICS_MAX);
    if (at == SCOPE_METRICS_MAX || word >= SCOPE_METRICS_MAX) {
        return false;
    }
    for (size_t i = 0; i < at; i++) {
        if (dictionary->metric[i].id == metric->id || dictionary->word[i] == word) {
            return false;
        }
    }
    scope_text_copy(dictionary->name[at], sizeof(dictionary->name[at]), metric->name,
                    sizeof(dictionary->name[at]));
    scope_text_copy(dictionary->help[at], sizeof(dictionary->help[at]), metric->help,
                    sizeof(dictionary->help[at]));
    dictionary->word[at] = (uint16_t)word;
    dictionary->metric[at] = *metric;
    dictionary->metric[at].name = dictionary->name[at];
    dictionary->metric[at].help = dictionary->help[at];
    if (metric->id < SCOPE_DIRECT_IDS) {
        dictionary->direct[metric->id] = (int16_t)word;
    }
    dictionary->count = at + 1;
    return true;
}

int scope_dictionary_word(const struct scope_dictionary *dictionary, uint32_t id) {
    if (id < SCOPE_DIRECT_IDS) {
        return dictionary->direct[id];
    }
    for (size_t i = 0; i < dictionary->count; i++) {
        if (dictionary->metric[i].id == id) {
            return dictionary->word[i];
        }
    }
    return -1;
}
