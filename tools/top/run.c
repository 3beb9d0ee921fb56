/* run.c: see run.h. */
#include "run.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "source_open.h"
#include "top_check.h"

double run_clock(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A word is a file when there is one of that name, or when no driver is called so. */
static bool is_file(const char *word) {
    static const char *const endings[] = {".lsr", ".csv", ".seg"};
    struct stat status;
    if (strchr(word, '/') != NULL || stat(word, &status) == 0) {
        return true;
    }
    size_t length = strlen(word);
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        size_t ending = strlen(endings[i]);
        if (length > ending && strcmp(word + length - ending, endings[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* A file is known by its content. */
static struct source *open_source(const struct top_args *args, struct history *history, char *error,
                                  size_t error_size) {
    double interval_s = (double)args->interval_ms / 1e3;
    if (args->csv != NULL) {
        return source_csv_open(args->csv, args->live, interval_s, history, false, error,
                               error_size);
    }
    bool word_is_file = args->word != NULL && is_file(args->word);
    const char *file = args->segment != NULL ? args->segment : word_is_file ? args->word : NULL;
    if (file != NULL) {
        struct source_file_options options = {.interval_s = interval_s};
        return source_file_open(file, &options, history, error, error_size);
    }
    snprintf(error, error_size, "out of memory");
    const char *name = args->attach != NULL ? args->attach : args->word;
    return source_shm_open(name, args->any_owner, history, false);
}

bool run_open(struct run *run, const struct top_args *args, char *error, size_t error_size) {
    TOP_ASSERT(run != NULL && args != NULL);
    *run = (struct run){.args = args};
    run->history = history_create();
    if (run->history == NULL) {
        snprintf(error, error_size, "out of memory");
        return false;
    }
    run->source = open_source(args, run->history, error, error_size);
    if (run->source == NULL) {
        history_destroy(run->history);
        return false;
    }
    run->view.history = run->history;
    bool whole = run->source->static_data && !args->has_span;
    viewer_init(&run->viewer, whole ? 0.0 : args->span);
    cpu_init(&run->cpu);
    return true;
}

void run_close(struct run *run) {
    source_close(run->source);
    history_destroy(run->history);
    tails_free(&run->tails);
    grid_free(&run->grid);
    *run = (struct run){.args = NULL};
}

bool run_poll(struct run *run, double now_s) {
    cpu_read(&run->cpu, now_s);
    if (now_s < run->next_poll_s) {
        return false;
    }
    bool changed = source_poll(run->source, now_s);
    run->next_poll_s = now_s + run->source->poll_s;
    if (run->source->generation != run->generation) {
        run->generation = run->source->generation;
        viewer_restart(&run->viewer); /* a moment of the last run means nothing in this one */
        changed = true;
    }
    source_describe(run->source, &run->view, now_s);
    run->view.status.viewer_cpu = run->cpu.share;
    return changed;
}

bool run_switch(struct run *run, const char *name) {
    struct source *source = source_shm_open(name, run->args->any_owner, run->history, false);
    if (source == NULL) {
        return false;
    }
    source_close(run->source);
    history_clear(run->history);
    run->source = source;
    run->generation = source->generation;
    run->next_poll_s = 0.0;
    run->view = (struct view){.history = run->history};
    viewer_restart(&run->viewer);
    return true;
}

void run_draw(struct run *run, bool keys) {
    tails_update(&run->tails, run->history);
    grid_clear(&run->grid);
    struct frame_input input = {.history = run->history,
                                .view = &run->view,
                                .viewer = &run->viewer,
                                .tails = &run->tails,
                                .keys = keys};
    frame_draw(&input, &run->grid);
}
