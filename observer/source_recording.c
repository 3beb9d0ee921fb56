/* source_recording.c: a recording, taken over whole at the first poll; one that is still being
 * written is followed to its end.
 *
 * Events keep the numbers they had in their publisher's ring, by which shapes are placed among
 * them. A viewer's own marker has none: it gets the next one, and everything behind it moves up. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "obs_check.h"
#include "recording.h"
#include "source.h"
#include "units.h"

static const double FOLLOW_S = 0.25;
enum { RECORDS_PER_POLL = 1 << 18 }; /* while it is written: a poll hands back the reins */

struct recording_source {
    struct source source; /* first: the two pointers are one */
    char *path;
    struct scope_recording *recording;
    struct scope_info info;
    struct scope_recording_status status;
    uint32_t metric_id[SCOPE_MAX_METRICS]; /* by word; 0: none */
    uint64_t lost;                         /* samples the recorder missed */
    bool read;                             /* the first poll is done */
    bool failed;                           /* reading on makes no sense */
    char problem[160];

    uint64_t *own; /* before which event numbers own markers stand; sorted */
    size_t own_count, own_room;
    uint64_t next_number;
};

static struct recording_source *recording_of(struct source *source) {
    return (struct recording_source *)source;
}

static double run_seconds(const struct recording_source *from, uint64_t time_ns) {
    return (double)((int64_t)(time_ns - from->info.start_mono_ns)) / 1e9;
}

/* ---- records into the history ---------------------------------------------------------------- */

static void sample_take(struct recording_source *from, const struct scope_sample *sample) {
    struct history_value values[SCOPE_MAX_METRICS];
    size_t count = 0;
    for (unsigned word = 0; word < SCOPE_MAX_METRICS; word++) {
        bool present = (sample->present[word / 64] >> (word % 64)) & 1u;
        if (present && from->metric_id[word] != 0) {
            values[count++] = (struct history_value){from->metric_id[word], sample->value[word]};
        }
    }
    history_append(from->source.history, run_seconds(from, sample->time_ns), values, count);
}

/* How many own markers stand before the event of that number. */
static uint64_t own_before(const struct recording_source *from, uint64_t number) {
    size_t count = from->own_count;
    while (count > 0 && from->own[count - 1] >= number) {
        count--;
    }
    return count;
}

static void own_add(struct recording_source *from) {
    if (from->own_count == from->own_room) {
        size_t room = from->own_room == 0 ? 16 : 2 * from->own_room;
        uint64_t *grown = realloc(from->own, room * sizeof(*grown));
        if (grown == NULL) {
            return; /* the trees before it are then not known: better than no marker */
        }
        from->own = grown;
        from->own_room = room;
    }
    from->own[from->own_count++] = from->next_number;
}

static void event_take(struct recording_source *from, const struct scope_record *record) {
    uint64_t number = record->u.event.number;
    if (number == SCOPE_EVENT_OWN) {
        own_add(from);
        number = from->next_number + from->own_count - 1;
    } else {
        from->next_number = number + 1;
        number += from->own_count;
    }
    history_number_events(from->source.history, number);
    history_append_event(from->source.history, run_seconds(from, record->time_ns),
                         record->u.event.event);
}

static void shape_take(struct recording_source *from, const struct scope_shape *told) {
    struct scope_shape shape = *told;
    shape.event_head += own_before(from, shape.event_head);
    history_set_shape(from->source.history, &shape);
}

static void record_take(struct recording_source *from, const struct scope_record *record) {
    struct history *history = from->source.history;
    switch (record->kind) {
    case SCOPE_RECORD_SAMPLE:
        sample_take(from, record->u.sample);
        break;
    case SCOPE_RECORD_EVENT:
        event_take(from, record);
        break;
    case SCOPE_RECORD_HISTOGRAMS:
        history_append_histograms(history, run_seconds(from, record->time_ns),
                                  record->u.histograms);
        break;
    case SCOPE_RECORD_SHAPE:
        shape_take(from, record->u.shape);
        break;
    case SCOPE_RECORD_GAP:
        if (record->u.gap.ring == SCOPE_RING_SAMPLES) {
            from->lost += record->u.gap.lost;
            history_append_gap(history, record->u.gap.lost);
        }
        break;
    }
}

/* The rows of a CSV are counted from a row of zeros that the CSV does not have. It came along into
 * the recording, and is told by saying nothing but that no operation was done. */
static size_t own_first(const struct recording_source *from) {
    const struct history *history = from->source.history;
    if (strcmp(from->info.engine_name, "csv") != 0 || history_count(history) < 2 ||
        history_time(history, 0) > 0) {
        return 0;
    }
    size_t count = 0;
    const struct scope_metric *metric = scope_builtin_metrics(&count);
    for (size_t i = 0; i < count; i++) {
        uint32_t id = metric[i].id;
        bool op = id == SCOPE_M_OPS_PUT || id == SCOPE_M_OPS_GET || id == SCOPE_M_OPS_DELETE;
        uint64_t value;
        if (history_value_at(history, id, 0, &value) && (!op || value != 0)) {
            return 0; /* a row of the CSV's own, at the run's very beginning */
        }
    }
    return 1;
}

/* Takes over what there is. True when there was anything. */
static bool records_take(struct recording_source *from) {
    struct scope_record record;
    struct scope_error_detail error = {0};
    bool changed = false;
    for (int i = 0; from->source.static_data || i < RECORDS_PER_POLL; i++) {
        int next = scope_recording_next(from->recording, &record, &error);
        if (next == SCOPE_NEXT_END) {
            break;
        }
        changed = true;
        if (next == SCOPE_NEXT_RECORD) {
            record_take(from, &record);
        } else {
            fprintf(stderr, "lsm-observer: %s\n", error.text);
            history_append_gap(from->source.history, 1); /* how many stood there nobody knows */
        }
    }
    scope_recording_status(from->recording, &from->status);
    from->source.first_row = own_first(from);
    return changed;
}

static bool recording_poll(struct source *source, double now_s) {
    (void)now_s;
    struct recording_source *from = recording_of(source);
    if (from->failed || (source->static_data && from->read)) {
        return false;
    }
    if (source->static_data) {
        from->read = true;
        (void)records_take(from);
        return true;
    }
    struct scope_error_detail error = {0};
    bool writing = from->status.writing, first = !from->read;
    if (scope_recording_refresh(from->recording, &error) != SCOPE_OK) {
        fprintf(stderr, "lsm-observer: %s\n", error.text);
        snprintf(from->problem, sizeof(from->problem), "%.159s", error.text);
        from->failed = source->ended = true;
        return true;
    }
    from->read = true;
    bool changed = records_take(from);
    source->ended = !from->status.writing && !changed;
    return changed || first || writing != from->status.writing;
}

/* ---- describing ------------------------------------------------------------------------------ */

static void notice_fill(const struct recording_source *from, struct view_status *view) {
    const struct scope_recording_status *status = &from->status;
    view->notice[0] = '\0';
    if (from->problem[0] != '\0') {
        snprintf(view->notice, sizeof(view->notice), "%s", from->problem);
    } else if (status->damaged > 0) {
        snprintf(view->notice, sizeof(view->notice), "damaged, lines break there: %.110s",
                 status->problem);
    } else if (!status->complete && !status->writing) {
        snprintf(view->notice, sizeof(view->notice),
                 "cut short: the recording was not closed, this is what it holds");
    } else if (status->complete && status->end == SCOPE_CRASHED) {
        snprintf(view->notice, sizeof(view->notice), "the driver died: this is its run up to then");
    }
}

static void recording_describe(struct source *source, struct view *view, double now_s) {
    (void)now_s;
    const struct recording_source *from = recording_of(source);
    const struct scope_info *info = &from->info;
    struct view_status *status = &view->status;
    const char *slash = strrchr(from->path, '/');
    snprintf(status->name, sizeof(status->name), "%.79s", slash != NULL ? slash + 1 : from->path);
    snprintf(status->engine, sizeof(status->engine), "%s%s%s", info->engine_name,
             info->engine_version[0] != '\0' ? " " : "", info->engine_version);
    units_reword(info->description, status->description, sizeof(status->description));
    snprintf(status->command, sizeof(status->command), "%.1023s", info->command);
    view->choice_count = 0;
    view->headline[0] = view->detail[0] = '\0';
    status->state = from->status.writing ? VIEW_FOLLOW : VIEW_FILE;
    status->start_real_s = (double)info->start_real_ns / 1e9;
    status->elapsed_s = history_end(source->history);
    status->samples_lost = (double)from->lost;
    status->sampler_cpu = source_sampler_share(source->history);
    uint64_t last = 0;
    status->sampler_ns =
        history_latest(source->history, SCOPE_M_SAMPLER_LAST_NS, &last) ? (double)last : -1;
    notice_fill(from, status);
    if (history_count(source->history) == 0) {
        snprintf(view->headline, sizeof(view->headline), "No sample in this recording%s",
                 from->status.writing ? " yet" : "");
        snprintf(view->detail, sizeof(view->detail), "%.200s", from->path);
    }
}

/* ---- life ------------------------------------------------------------------------------------ */

static void recording_choose(struct source *source, int index) {
    (void)source;
    (void)index;
}

static void recording_close(struct source *source) {
    struct recording_source *from = recording_of(source);
    scope_recording_close(from->recording);
    free(from->own);
    free(from->path);
    free(from);
}

static const struct source_ops recording_ops = {recording_poll, recording_describe,
                                                recording_choose, recording_close};

struct source *source_recording_open(const char *path, struct history *history, bool verbose,
                                     char *error, size_t error_size) {
    OBS_ASSERT(path != NULL && history != NULL);
    struct recording_source *from = calloc(1, sizeof(*from));
    if (from == NULL || (from->path = strdup(path)) == NULL) {
        free(from);
        snprintf(error, error_size, "out of memory");
        return NULL;
    }
    from->source = (struct source){.ops = &recording_ops,
                                   .kind = SOURCE_RECORDING,
                                   .history = history,
                                   .poll_s = FOLLOW_S,
                                   .verbose = verbose};
    struct scope_error_detail detail = {0};
    if (scope_recording_open(path, &from->recording, &detail) != SCOPE_OK) {
        snprintf(error, error_size, "%s", detail.text); /* names the file */
        recording_close(&from->source);
        return NULL;
    }
    scope_recording_info(from->recording, &from->info);
    scope_recording_status(from->recording, &from->status);
    from->source.static_data = from->source.ended = !from->status.writing;
    size_t count = 0;
    const struct scope_metric *metrics = scope_recording_metrics(from->recording, &count);
    for (size_t i = 0; i < count; i++) {
        int word = scope_recording_word(from->recording, metrics[i].id);
        OBS_ASSERT(word >= 0 && word < SCOPE_MAX_METRICS);
        from->metric_id[word] = metrics[i].id;
        history_describe(history, &metrics[i]);
    }
    if (verbose) {
        fprintf(stderr, "lsm-observer: %s: %llu records in %llu chunks%s\n", path,
                (unsigned long long)from->status.records, (unsigned long long)from->status.chunks,
                from->status.complete  ? ""
                : from->status.writing ? ", being written"
                                       : ", cut short");
    }
    return &from->source;
}
