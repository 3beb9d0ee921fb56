/* source_shm.c: a driver's segment, followed from before its start to after its end.
 *
 *   looking --one live driver, or a choice--> attached --closed, crashed, damaged--> over
 *                                                ^                                   |
 *                                                +---another instance, same name-----+
 *
 * What was seen stays on screen until a new run replaces it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach.h"
#include "obs_check.h"
#include "source.h"
#include "units.h"

enum {
    RECORDS_PER_POLL = 1 << 20, /* more than any ring of usual size; bounds a poll all the same */
    RECORDS_UNLOAD = 2048,      /* some MB of rings, read through: no need to hold them */
};

static const double LOOK_S = 0.25;        /* between looks for a driver */
static const double SHAPE_S = 0.25;       /* between reads of the shape */
static const double POLL_SLOWEST_S = 0.1; /* a stalled or dead driver is noticed this soon */
static const double POLL_FASTEST_S = 1.0 / 30;

struct shm_source {
    struct source source; /* first: the two pointers are one */
    char wanted[80];      /* empty: any */
    bool named;           /* `wanted` was asked for, not found */
    bool any_owner;       /* another user's segment will do */
    bool from_file;       /* never looks for another */

    struct scope_segment *segment; /* NULL: not attached */
    struct scope_info info;
    struct scope_cursor samples, events, histograms;
    struct history_value values[SCOPE_MAX_METRICS];
    uint32_t metric_id[SCOPE_MAX_METRICS]; /* by word; 0: none */
    struct scope_shape shape;
    uint64_t shape_time_ns;
    double shape_read_s;
    enum scope_liveness liveness;
    bool damaged;
    uint64_t lost_told;
    uint64_t read;           /* records of all rings */
    uint64_t stalled_told_s; /* whole seconds on screen */

    double looked_s;
    struct attach_found found;
    int attach_status; /* of the last try */
    char attach_error[200];
};

static struct shm_source *shm_of(struct source *source) {
    return (struct shm_source *)source;
}

static void tell(const struct shm_source *shm, const char *what) {
    if (shm->source.verbose) {
        fprintf(stderr, "lsm-observer: %s '%s' (instance %016llx)\n", what, shm->wanted,
                (unsigned long long)shm->info.instance_id);
    }
}

/* ---- attaching ------------------------------------------------------------------------------- */

static double interval_poll_s(const struct scope_info *info) {
    double half = (double)info->sample_interval_ns / 1e9 / 2;
    half = half < POLL_SLOWEST_S ? half : POLL_SLOWEST_S;
    return half > POLL_FASTEST_S ? half : POLL_FASTEST_S;
}

/* Takes over an attached segment; what another run left in the history goes. */
static void segment_adopt(struct shm_source *shm, struct scope_segment *segment) {
    OBS_ASSERT(segment != NULL);
    if (shm->segment != NULL) {
        scope_detach(shm->segment);
        history_clear(shm->source.history);
        shm->source.generation++;
    }
    shm->segment = segment;
    shm->source.segment = segment;
    scope_segment_info(segment, &shm->info);
    scope_cursor_init(&shm->samples, segment, SCOPE_RING_SAMPLES);
    scope_cursor_init(&shm->events, segment, SCOPE_RING_EVENTS);
    scope_cursor_init(&shm->histograms, segment, SCOPE_RING_HISTOGRAMS);
    memset(shm->metric_id, 0, sizeof(shm->metric_id));
    size_t count = 0;
    const struct scope_metric *metrics = scope_segment_metrics(segment, &count);
    for (size_t i = 0; i < count; i++) {
        int word = scope_metric_word(segment, metrics[i].id);
        if (word >= 0 && word < SCOPE_MAX_METRICS) {
            shm->metric_id[word] = metrics[i].id;
            history_describe(shm->source.history, &metrics[i]);
        }
    }
    shm->shape_time_ns = 0;
    shm->shape_read_s = 0;
    shm->lost_told = 0;
    shm->damaged = false;
    shm->liveness = scope_segment_liveness(segment);
    shm->source.poll_s = interval_poll_s(&shm->info);
    shm->source.ended = false;
    tell(shm, "attached to");
}

static bool try_attach(struct shm_source *shm, const char *name) {
    struct scope_segment *segment = NULL;
    struct scope_error_detail detail = {0};
    shm->attach_status = scope_attach(name, shm->any_owner, &segment, &detail);
    if (shm->attach_status != SCOPE_OK) {
        snprintf(shm->attach_error, sizeof(shm->attach_error), "%.199s",
                 detail.text[0] != '\0' ? detail.text : scope_strerror(shm->attach_status));
        return false;
    }
    if (shm->wanted != name) {
        snprintf(shm->wanted, sizeof(shm->wanted), "%s", name);
    }
    segment_adopt(shm, segment);
    return true;
}

/* Nothing attached yet: by name, or the only live one. True when something changed. */
static bool look(struct shm_source *shm, double now_s) {
    if (shm->looked_s > 0 && now_s - shm->looked_s < LOOK_S) {
        return false;
    }
    bool first = shm->looked_s <= 0;
    shm->looked_s = now_s;
    if (shm->wanted[0] != '\0') {
        int before = shm->attach_status;
        if (try_attach(shm, shm->wanted)) {
            return true;
        }
        struct attach_found others; /* of whom one may have been meant */
        bool more = attach_find(&others) && memcmp(&others, &shm->found, sizeof(others)) != 0;
        shm->found = more ? others : shm->found;
        return more || shm->attach_status != before || first;
    }
    struct attach_found found;
    if (!attach_find(&found)) {
        return first;
    }
    bool changed = first || memcmp(&found, &shm->found, sizeof(found)) != 0;
    shm->found = found;
    if (found.live_count == 1) {
        char name[sizeof(shm->wanted)];
        snprintf(name, sizeof(name), "%s", found.live[0].name);
        changed = try_attach(shm, name) || changed;
    }
    return changed;
}

/* The run is over: a new one under the same name, or, when none was asked for by name, the only
 * live one there is. */
static bool look_again(struct shm_source *shm, double now_s) {
    if (shm->from_file || now_s - shm->looked_s < LOOK_S) {
        return false;
    }
    shm->looked_s = now_s;
    if (scope_segment_replaced(shm->segment)) {
        return try_attach(shm, shm->wanted);
    }
    bool over = shm->liveness == SCOPE_CLOSED || shm->liveness == SCOPE_CRASHED || shm->damaged;
    if (shm->named || !over) {
        return false;
    }
    struct attach_found found;
    if (!attach_find(&found) || found.live_count == 0) {
        return false;
    }
    if (found.live_count == 1 && strcmp(found.live[0].name, shm->wanted) != 0) {
        char name[sizeof(shm->wanted)];
        snprintf(name, sizeof(name), "%s", found.live[0].name);
        return try_attach(shm, name);
    }
    return false;
}

/* ---- reading --------------------------------------------------------------------------------- */

static double run_seconds(const struct shm_source *shm, uint64_t time_ns) {
    return (double)((int64_t)(time_ns - shm->info.start_mono_ns)) / 1e9;
}

static void sample_take(struct shm_source *shm, const struct scope_sample *sample) {
    size_t count = 0;
    for (unsigned word = 0; word < SCOPE_MAX_METRICS; word++) {
        bool present = (sample->present[word / 64] >> (word % 64)) & 1u;
        if (present && shm->metric_id[word] != 0) {
            shm->values[count++] =
                (struct history_value){shm->metric_id[word], sample->value[word]};
        }
    }
    history_append(shm->source.history, run_seconds(shm, sample->time_ns), shm->values, count);
}

static void record_count(struct shm_source *shm) {
    if (++shm->read % RECORDS_UNLOAD == 0) {
        scope_segment_unload(shm->segment);
    }
}

static bool samples_drain(struct shm_source *shm) {
    bool changed = false;
    struct scope_sample sample;
    for (int i = 0; i < RECORDS_PER_POLL; i++) {
        enum scope_poll poll = scope_poll_sample(&shm->samples, &sample);
        if (poll == SCOPE_POLL_EMPTY) {
            break;
        }
        record_count(shm);
        changed = true;
        if (poll == SCOPE_POLL_RECORD) {
            sample_take(shm, &sample);
        }
        if (shm->samples.lost > shm->lost_told) {
            history_append_gap(shm->source.history, shm->samples.lost - shm->lost_told);
            shm->lost_told = shm->samples.lost;
        }
    }
    return changed;
}

static bool events_drain(struct shm_source *shm) {
    bool changed = false;
    struct scope_event event;
    for (int i = 0; i < RECORDS_PER_POLL; i++) {
        enum scope_poll poll = scope_poll_event(&shm->events, &event);
        if (poll == SCOPE_POLL_EMPTY) {
            break;
        }
        record_count(shm);
        if (poll == SCOPE_POLL_RECORD) {
            history_number_events(shm->source.history, shm->events.next - 1);
            history_append_event(shm->source.history, run_seconds(shm, event.time_ns), &event);
        }
        changed = true;
    }
    return changed;
}

static bool histograms_drain(struct shm_source *shm) {
    bool changed = false;
    struct scope_histograms histograms;
    for (int i = 0; i < RECORDS_PER_POLL; i++) {
        enum scope_poll poll = scope_poll_histograms(&shm->histograms, &histograms);
        if (poll == SCOPE_POLL_EMPTY) {
            break;
        }
        record_count(shm);
        if (poll == SCOPE_POLL_RECORD) {
            history_append_histograms(shm->source.history, run_seconds(shm, histograms.time_ns),
                                      &histograms);
        }
        changed = true;
    }
    return changed;
}

static bool shape_take(struct shm_source *shm, double now_s) {
    if (now_s - shm->shape_read_s < SHAPE_S) {
        return false;
    }
    shm->shape_read_s = now_s;
    if (scope_read_shape(shm->segment, &shm->shape) != SCOPE_POLL_RECORD ||
        shm->shape.time_ns == shm->shape_time_ns) {
        return false;
    }
    shm->shape_time_ns = shm->shape.time_ns;
    history_set_shape(shm->source.history, &shm->shape);
    return true;
}

static bool liveness_take(struct shm_source *shm) {
    enum scope_liveness liveness = scope_segment_liveness(shm->segment);
    bool damaged = scope_segment_damaged(shm->segment);
    bool changed = liveness != shm->liveness || damaged != shm->damaged;
    shm->liveness = liveness;
    shm->damaged = damaged;
    uint64_t stalled_s =
        liveness == SCOPE_STALLED ? scope_segment_heartbeat_age_ns(shm->segment) / 1000000000u : 0;
    bool ticked = stalled_s != shm->stalled_told_s;
    shm->stalled_told_s = stalled_s;
    if (changed) {
        tell(shm, damaged ? "segment damaged:" : scope_liveness_name(liveness));
    }
    shm->source.ended =
        damaged || liveness == SCOPE_CLOSED || liveness == SCOPE_CRASHED || liveness == SCOPE_COPY;
    return changed || ticked;
}

static bool shm_poll(struct source *source, double now_s) {
    struct shm_source *shm = shm_of(source);
    bool changed = false;
    if (shm->segment == NULL) {
        changed = look(shm, now_s);
        if (shm->segment == NULL) {
            return changed;
        }
    }
    /* Liveness first: what a writer published before it closed is then still drained below. */
    changed = liveness_take(shm) || changed;
    if (!shm->damaged) {
        changed = samples_drain(shm) || changed;
        changed = events_drain(shm) || changed;
        changed = histograms_drain(shm) || changed;
        changed = shape_take(shm, now_s) || changed;
    }
    return look_again(shm, now_s) || changed;
}

/* ---- describing ------------------------------------------------------------------------------ */

static enum view_state state_of(const struct shm_source *shm) {
    if (shm->damaged) {
        return VIEW_LOST;
    }
    switch (shm->liveness) {
    case SCOPE_LIVE:
        return VIEW_LIVE;
    case SCOPE_STALLED:
        return VIEW_STALLED;
    case SCOPE_CLOSED:
        return VIEW_CLOSED;
    case SCOPE_CRASHED:
        return VIEW_CRASHED;
    case SCOPE_COPY:
        break;
    }
    return VIEW_FILE;
}

double source_sampler_share(const struct history *history) {
    size_t count = history_count(history);
    if (count < 2) {
        return -1;
    }
    double end = history_time(history, count - 1);
    size_t from = history_find(history, end - 2.0);
    from = from < count - 1 ? from : count - 2;
    uint64_t before = 0, after = 0;
    if (!history_value_at(history, SCOPE_M_SAMPLER_CPU_NS, from, &before) ||
        !history_value_at(history, SCOPE_M_SAMPLER_CPU_NS, count - 1, &after) || after < before) {
        return -1;
    }
    return (double)(after - before) / 1e9 / (end - history_time(history, from));
}

static void notice_fill(const struct shm_source *shm, struct view_status *status) {
    status->notice[0] = '\0';
    if (shm->from_file) {
        return;
    }
    if (status->state == VIEW_CRASHED) {
        snprintf(status->notice, sizeof(status->notice),
                 "the driver died: this is what it left; waiting for the next '%.48s'",
                 shm->wanted);
    } else if (status->state == VIEW_CLOSED) {
        snprintf(status->notice, sizeof(status->notice), "waiting for the next '%.48s'",
                 shm->wanted);
    } else if (status->state == VIEW_STALLED) {
        snprintf(status->notice, sizeof(status->notice),
                 "no heartbeat for %llu s: stopped, swapping, or a hung disk",
                 (unsigned long long)shm->stalled_told_s);
    } else if (status->state == VIEW_LOST) {
        snprintf(status->notice, sizeof(status->notice),
                 "the segment was cut short while we watched; waiting for the next '%.48s'",
                 shm->wanted);
    }
}

static void attached_describe(const struct shm_source *shm, struct view *view, double now_s) {
    struct view_status *status = &view->status;
    const struct history *history = shm->source.history;
    status->state = state_of(shm);
    snprintf(status->name, sizeof(status->name), "%s",
             shm->wanted[0] != '\0' ? shm->wanted : shm->info.name);
    snprintf(status->engine, sizeof(status->engine), "%s %s", shm->info.engine_name,
             shm->info.engine_version);
    units_reword(shm->info.description, status->description, sizeof(status->description));
    snprintf(status->command, sizeof(status->command), "%.1023s", shm->info.command);
    status->elapsed_s = history_end(history);
    if (status->state == VIEW_LIVE) { /* it goes on between samples */
        double since_s = now_s - (double)shm->info.start_mono_ns / 1e9;
        status->elapsed_s = since_s > status->elapsed_s ? since_s : status->elapsed_s;
    }
    status->start_real_s = (double)shm->info.start_real_ns / 1e9;
    status->samples_lost = (double)shm->samples.lost;
    status->sampler_cpu = source_sampler_share(history);
    uint64_t last = 0;
    status->sampler_ns =
        history_latest(history, SCOPE_M_SAMPLER_LAST_NS, &last) ? (double)last : -1;
    notice_fill(shm, status);
    if (history_count(history) == 0) {
        snprintf(view->headline, sizeof(view->headline), "Attached to '%.48s'", status->name);
        snprintf(view->detail, sizeof(view->detail), "It has not published a sample yet.");
    }
}

/* Whoever mistyped a name sees the right one. */
static void others_name(const struct attach_found *found, char *text, size_t size) {
    for (int i = 0; i < found->live_count && i < 3; i++) {
        size_t used = strlen(text);
        snprintf(text + used, size - used, "%s%.40s", i == 0 ? ". Running now: " : ", ",
                 found->live[i].name);
    }
}

static void waiting_describe(const struct shm_source *shm, struct view *view) {
    struct view_status *status = &view->status;
    status->state = VIEW_WAITING;
    status->elapsed_s = 0;
    status->start_real_s = status->sampler_cpu = status->sampler_ns = -1;
    status->samples_lost = 0;
    status->engine[0] = status->description[0] = status->notice[0] = '\0';
    snprintf(status->name, sizeof(status->name), "%s", shm->wanted);
    if (shm->wanted[0] != '\0') {
        snprintf(view->headline, sizeof(view->headline), "Waiting for '%.48s'", shm->wanted);
        if (shm->attach_status == SCOPE_OK || shm->attach_status == SCOPE_ERR_NOT_FOUND) {
            snprintf(view->detail, sizeof(view->detail), "Start it with: lsm-driver --name %.48s",
                     shm->wanted);
            others_name(&shm->found, view->detail, sizeof(view->detail));
        } else {
            snprintf(view->detail, sizeof(view->detail), "%.199s", shm->attach_error);
        }
        return;
    }
    const struct attach_found *found = &shm->found;
    if (found->live_count > 1) {
        snprintf(view->headline, sizeof(view->headline), "%d drivers are running",
                 found->live_count);
        snprintf(view->detail, sizeof(view->detail),
                 "Choose one with its number, the arrow keys and Enter, or the mouse.");
        view->choice_count = found->live_count;
        for (int i = 0; i < found->live_count; i++) {
            snprintf(view->choices[i], sizeof(view->choices[i]), "%.159s", found->live[i].label);
        }
        return;
    }
    snprintf(view->headline, sizeof(view->headline), "Waiting for a driver");
    if (found->unreadable[0] != '\0') {
        snprintf(view->detail, sizeof(view->detail), "'%s' cannot be read: %.120s",
                 found->unreadable, scope_strerror(found->unreadable_status));
    } else if (found->leftover[0] != '\0') {
        snprintf(view->detail, sizeof(view->detail),
                 "Start one with: lsm-driver. An ended run can still be seen: --attach %s",
                 found->leftover);
    } else {
        snprintf(view->detail, sizeof(view->detail), "Start one with: lsm-driver");
    }
}

static void shm_describe(struct source *source, struct view *view, double now_s) {
    const struct shm_source *shm = shm_of(source);
    view->choice_count = 0;
    view->headline[0] = view->detail[0] = '\0';
    if (shm->segment != NULL) {
        attached_describe(shm, view, now_s);
    } else {
        waiting_describe(shm, view);
    }
    if (view->choice_selected >= view->choice_count) {
        view->choice_selected = view->choice_count > 0 ? view->choice_count - 1 : 0;
    }
}

/* ---- life ------------------------------------------------------------------------------------ */

static void shm_choose(struct source *source, int index) {
    struct shm_source *shm = shm_of(source);
    if (shm->segment != NULL || index < 0 || index >= shm->found.live_count) {
        return;
    }
    char name[sizeof(shm->wanted)];
    snprintf(name, sizeof(name), "%s", shm->found.live[index].name);
    if (try_attach(shm, name)) {
        shm->named = true; /* a choice is as good as --attach */
    } else {
        shm->looked_s = 0; /* it ended meanwhile: look anew at once */
    }
}

static void shm_close(struct source *source) {
    struct shm_source *shm = shm_of(source);
    if (shm->segment != NULL) {
        scope_detach(shm->segment);
    }
    free(shm->shape.tables);
    free(shm);
}

static const struct source_ops shm_ops = {shm_poll, shm_describe, shm_choose, shm_close};

static struct shm_source *shm_create(struct history *history, bool verbose) {
    OBS_ASSERT(history != NULL);
    struct shm_source *shm = calloc(1, sizeof(*shm));
    if (shm == NULL) {
        return NULL;
    }
    shm->shape.tables = calloc(SCOPE_MAX_TABLES, sizeof(*shm->shape.tables));
    if (shm->shape.tables == NULL) {
        free(shm);
        return NULL;
    }
    shm->source = (struct source){
        .ops = &shm_ops,
        .history = history,
        .poll_s = LOOK_S,
        .verbose = verbose,
    };
    return shm;
}

struct source *source_shm_open(const char *name, bool any_owner, struct history *history,
                               bool verbose) {
    struct shm_source *shm = shm_create(history, verbose);
    if (shm == NULL) {
        return NULL;
    }
    shm->any_owner = any_owner;
    if (name != NULL) {
        snprintf(shm->wanted, sizeof(shm->wanted), "%.79s", name);
        shm->named = true;
    }
    return &shm->source;
}

struct source *source_shm_open_file(const char *path, struct history *history, bool verbose,
                                    char *error, size_t error_size) {
    OBS_ASSERT(path != NULL);
    struct shm_source *shm = shm_create(history, verbose);
    if (shm == NULL) {
        snprintf(error, error_size, "out of memory");
        return NULL;
    }
    struct scope_segment *segment = NULL;
    struct scope_error_detail detail = {0};
    int status = scope_attach_file(path, &segment, &detail);
    if (status != SCOPE_OK) {
        /* The detail names the file. */
        snprintf(error, error_size, "%s",
                 detail.text[0] != '\0' ? detail.text : scope_strerror(status));
        shm_close(&shm->source);
        return NULL;
    }
    shm->from_file = true;
    const char *slash = strrchr(path, '/');
    snprintf(shm->wanted, sizeof(shm->wanted), "%.79s", slash != NULL ? slash + 1 : path);
    segment_adopt(shm, segment);
    shm->source.static_data = shm->liveness == SCOPE_COPY || shm->liveness == SCOPE_CRASHED;
    return &shm->source;
}
