/* history_dictionary.c: what a source tells of its own metrics. */
#include <stdio.h>
#include <stdlib.h>

#include "obs_check.h"
#include "history_store.h"

/* As many as a sample can hold. */
struct history_dictionary {
    size_t count;
    struct scope_metric metric[SCOPE_MAX_METRICS];
    char name[SCOPE_MAX_METRICS][48];
    char help[SCOPE_MAX_METRICS][128];
};

static bool is_known(const struct history *history, uint32_t id) {
    size_t count = 0;
    const struct scope_metric *metric = scope_builtin_metrics(&count);
    for (size_t i = 0; i < count; i++) {
        if (metric[i].id == id) {
            return true;
        }
    }
    metric = history_own_metrics(history, &count);
    for (size_t i = 0; i < count; i++) {
        if (metric[i].id == id) {
            return true;
        }
    }
    return false;
}

void history_describe(struct history *history, const struct scope_metric *metric) {
    OBS_ASSERT(history != NULL && metric != NULL);
    if (is_known(history, metric->id)) {
        return;
    }
    if (history->dictionary == NULL) {
        history->dictionary = calloc(1, sizeof(*history->dictionary));
    }
    struct history_dictionary *dictionary = history->dictionary;
    if (dictionary == NULL || dictionary->count == SCOPE_MAX_METRICS) {
        return;
    }
    size_t at = dictionary->count++;
    struct scope_metric *kept = &dictionary->metric[at];
    if (metric->name[0] != '\0') {
        snprintf(dictionary->name[at], sizeof(dictionary->name[at]), "%s", metric->name);
    } else {
        snprintf(dictionary->name[at], sizeof(dictionary->name[at]), "metric.%u", metric->id);
    }
    snprintf(dictionary->help[at], sizeof(dictionary->help[at]), "%s", metric->help);
    *kept = *metric;
    kept->name = dictionary->name[at];
    kept->help = dictionary->help[at];
}

const struct scope_metric *history_own_metrics(const struct history *history, size_t *count) {
    *count = history->dictionary == NULL ? 0 : history->dictionary->count;
    return history->dictionary == NULL ? NULL : history->dictionary->metric;
}

void history_dictionary_clear(struct history *history) {
    free(history->dictionary);
    history->dictionary = NULL;
}
