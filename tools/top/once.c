/* once.c: one frame as plain text, for scripts, mails and tests. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "run.h"
#include "top_check.h"

static const double WAIT_S = 3.0;    /* for the second sample, without which nothing has a rate */
static const double GIVE_UP_S = 1.0; /* for a driver that is not there */

static void frame_size(const struct top_args *args, int *columns, int *rows) {
    struct winsize size;
    *columns = args->columns;
    *rows = args->rows;
    if (*columns > 0) {
        return;
    }
    bool known = isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 &&
                 size.ws_col > 0 && size.ws_row > 1;
    *columns = known ? size.ws_col : 80;
    *rows = known ? size.ws_row - 1 : 24; /* the prompt that follows has its row */
}

static bool print_grid(const struct grid *grid) {
    size_t size = (size_t)grid->columns * 4 + 1;
    char *text = malloc(size);
    if (text == NULL) {
        return false;
    }
    int last = grid->rows - 1;
    while (last > 0 && grid_row_text(grid, last, text, size) == 0) {
        last--; /* blank rows at the end say nothing */
    }
    for (int y = 0; y <= last; y++) {
        grid_row_text(grid, y, text, size);
        puts(text);
    }
    free(text);
    return fflush(stdout) == 0 && !ferror(stdout);
}

static void wait_for_data(struct run *run) {
    double begun = run_clock();
    for (;;) {
        double now_s = run_clock();
        run_poll(run, now_s);
        size_t samples = history_count(run->history);
        bool enough =
            samples >= 2 || (samples > 0 && run->source->ended) || run->source->static_data;
        double limit = samples > 0 ? WAIT_S : GIVE_UP_S;
        if (enough || now_s - begun > limit) {
            return;
        }
        struct timespec nap = {0, 20 * 1000 * 1000};
        nanosleep(&nap, NULL);
    }
}

static int nothing_to_show(const struct run *run) {
    const struct view *view = &run->view;
    if (view->choice_count > 0) {
        fprintf(stderr, "lsm-top: %s: name one of them\n", view->headline);
        for (int i = 0; i < view->choice_count; i++) {
            fprintf(stderr, "  %s\n", view->choices[i]);
        }
        return 1;
    }
    fprintf(stderr, "lsm-top: nothing to show: %s%s%s\n", view->headline,
            view->detail[0] != '\0' ? ". " : "", view->detail);
    return 1;
}

int once_run(struct run *run) {
    int columns = 0, rows = 0;
    frame_size(run->args, &columns, &rows);
    if (!grid_resize(&run->grid, columns, rows)) {
        fprintf(stderr, "lsm-top: out of memory\n");
        return 1;
    }
    wait_for_data(run);
    if (history_count(run->history) == 0) {
        return nothing_to_show(run);
    }
    run->view.status.viewer_cpu = -1.0; /* of a single frame it would say nothing */
    run_draw(run, false);
    if (!print_grid(&run->grid)) {
        fprintf(stderr, "lsm-top: cannot write the frame\n");
        return 1;
    }
    return 0;
}
