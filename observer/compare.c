#include "compare.h"

#include <math.h>
#include <stdio.h>

#include "obs_check.h"
#include "source_open.h"

struct source *compare_source_open(const struct args *args, const struct args_source *wanted,
                                   struct history *history, char *error, size_t error_size) {
    switch (wanted->kind) {
    case ARGS_CSV:
        return source_csv_open(wanted->name, args->live, (double)args->interval_ms / 1e3, history,
                               args->verbose, error, error_size);
    case ARGS_SEGMENT_FILE:
        return source_shm_open_file(wanted->name, history, args->verbose, error, error_size);
    case ARGS_FILE: {
        struct source_file_options options = {args->live, (double)args->interval_ms / 1e3,
                                              args->verbose};
        return source_file_open(wanted->name, &options, history, error, error_size);
    }
    case ARGS_DRIVER:
        break;
    }
    snprintf(error, error_size, "out of memory");
    return source_shm_open(wanted->name, args->any_owner, history, args->verbose);
}

bool compare_open(struct compare *compare, const struct args *args, struct view *view, char *error,
                  size_t error_size) {
    OBS_ASSERT(args->sources >= 1 && args->sources <= VIEW_RUNS_MAX);
    *compare = (struct compare){.align = args->align};
    view->side_by_side = args->side_by_side;
    for (unsigned i = 1; i < args->sources; i++) {
        struct compare_run *run = &compare->run[compare->count];
        snprintf(error, error_size, "out of memory");
        run->history = history_create();
        run->source = run->history == NULL ? NULL
                                           : compare_source_open(args, &args->source[i],
                                                                 run->history, error, error_size);
        if (run->source == NULL) {
            history_destroy(run->history);
            compare_close(compare);
            return false;
        }
        view_init(&run->described, run->history, view->theme);
        view->other[compare->count++] =
            (struct view_run){.history = run->history, .status = run->described.status};
    }
    view->others = compare->count;
    return true;
}

void compare_close(struct compare *compare) {
    for (unsigned i = 0; i < compare->count; i++) {
        source_close(compare->run[i].source);
        history_destroy(compare->run[i].history);
    }
    compare->count = 0;
}

/* By wall clock only where both clocks are known. */
static double offset_of(const struct compare *compare, const struct view *view,
                        const struct view_status *status) {
    double first = view->status.start_real_s, other = status->start_real_s;
    bool wall = compare->align == ARGS_ALIGN_WALL && first >= 0 && other >= 0;
    return wall ? other - first : 0;
}

bool compare_poll(struct compare *compare, struct view *view, double now_s, double *next_s) {
    bool changed = false;
    for (unsigned i = 0; i < compare->count; i++) {
        struct compare_run *run = &compare->run[i];
        if (now_s >= run->next_poll_s) {
            changed = source_poll(run->source, now_s) || changed;
            run->next_poll_s = now_s + run->source->poll_s;
            changed = changed || run->source->generation != run->generation;
            run->generation = run->source->generation;
            source_describe(run->source, &run->described, now_s);
            view->other[i].status = run->described.status;
        }
        double offset_s = offset_of(compare, view, &view->other[i].status);
        changed = changed || fabs(offset_s - view->other[i].offset_s) > 1e-6;
        view->other[i].offset_s = offset_s;
        *next_s = fmin(*next_s, run->next_poll_s);
    }
    return changed;
}

bool compare_static(const struct compare *compare) {
    bool all = true;
    for (unsigned i = 0; i < compare->count; i++) {
        all = all && compare->run[i].source->static_data;
    }
    return all;
}

bool compare_ended(const struct compare *compare) {
    bool all = true;
    for (unsigned i = 0; i < compare->count; i++) {
        all = all && compare->run[i].source->ended;
    }
    return all;
}

double compare_end(const struct view *view) {
    double end = history_end(view->history);
    for (unsigned i = 0; i < view->others; i++) {
        end = fmax(end, history_end(view->other[i].history) + view->other[i].offset_s);
    }
    return end;
}
