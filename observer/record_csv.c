/* record_csv.c: the rows of a CSV as a recording. Its clock has no beginning of its own: second 0
 * of the history is time 0 of the recording. */
#include <math.h>
#include <stdio.h>

#include "obs_check.h"
#include "record.h"
#include "recording.h"

static uint64_t time_of(double seconds) {
    return seconds > 0 ? (uint64_t)llround(seconds * 1e9) : 0;
}

static void info_fill(struct scope_info *info, const struct history *history,
                      const struct view_status *status) {
    size_t rows = history_count(history);
    snprintf(info->name, sizeof(info->name), "%.63s", status->name);
    snprintf(info->engine_name, sizeof(info->engine_name), "csv");
    snprintf(info->description, sizeof(info->description), "%.255s", status->description);
    info->instance_id = 1;
    info->start_real_ns = time_of(status->start_real_s);
    if (rows > 1) {
        double span = history_time(history, rows - 1) - history_time(history, 0);
        info->sample_interval_ns = time_of(span / (double)(rows - 1));
    }
}

static void sample_fill(struct scope_sample *sample, const struct history *history, size_t row) {
    size_t count = 0;
    const struct scope_metric *metrics = scope_builtin_metrics(&count);
    OBS_ASSERT(count <= SCOPE_MAX_METRICS);
    *sample = (struct scope_sample){.time_ns = time_of(history_time(history, row))};
    for (size_t word = 0; word < count; word++) {
        if (history_value_at(history, metrics[word].id, row, &sample->value[word])) {
            sample->present[word / 64] |= UINT64_C(1) << (word % 64);
        }
    }
}

int record_csv(struct scope_recorder *recorder, const struct history *history,
               const struct view_status *status, struct scope_error_detail *error) {
    struct scope_info info = {.name = ""};
    info_fill(&info, history, status);
    struct scope_recorder_run run = {.info = &info};
    run.metrics = scope_builtin_metrics(&run.metric_count);
    int rc = scope_recorder_begin(recorder, &run, error);
    size_t row = 0, rows = history_count(history);
    size_t at = 0, events = history_event_count(history);
    while (rc == SCOPE_OK && (row < rows || at < events)) {
        bool sample = row < rows && (at == events ||
                                     history_time(history, row) <= history_event_time(history, at));
        if (sample) {
            struct scope_sample values;
            sample_fill(&values, history, row++);
            rc = scope_recorder_sample(recorder, &values);
        } else {
            struct scope_event event = *history_event(history, at);
            event.time_ns = time_of(history_event_time(history, at));
            rc = scope_recorder_event(recorder, &event, at++);
        }
    }
    if (rc != SCOPE_OK && scope_recorder_error(recorder) != NULL) {
        *error = *scope_recorder_error(recorder);
    }
    return rc;
}
