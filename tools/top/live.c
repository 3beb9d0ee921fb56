/* live.c: the loop of the full-screen program: it draws when there is something new or a key was
 * pressed, and sleeps in between. */
#include <stdio.h>
#include <stdlib.h>

#include <math.h>

#include "attach.h"
#include "run.h"
#include "screen.h"
#include "top_check.h"

static const double CHOOSER_LOOK_S = 0.5;

struct loop {
    struct run *run;
    bool stale;         /* the picture is older than what is known */
    double next_draw_s; /* not before: --interval-ms */
    double next_look_s; /* for drivers, while their list is open */
    bool quit;
};

static int choices_on_screen(const struct run *run) {
    struct frame_input input = {
        .history = run->history, .view = &run->view, .viewer = &run->viewer, .tails = &run->tails};
    return frame_choices(&input);
}

static void drivers_open(struct loop *loop) {
    struct viewer *viewer = &loop->run->viewer;
    viewer->choosing = !viewer->choosing;
    viewer->help = false;
    viewer->selected = 0;
    loop->next_look_s = 0.0;
}

static void drivers_look(struct loop *loop, double now_s) {
    struct viewer *viewer = &loop->run->viewer;
    if (viewer->choosing && now_s >= loop->next_look_s) {
        loop->next_look_s = now_s + CHOOSER_LOOK_S;
        loop->stale = attach_find(&viewer->found) || loop->stale;
        int last = viewer->found.live_count - 1;
        viewer->selected = viewer->selected > last && last >= 0 ? last : viewer->selected;
    }
}

static void chosen(struct loop *loop) {
    struct run *run = loop->run;
    struct viewer *viewer = &run->viewer;
    if (viewer->choosing) {
        viewer->choosing = false;
        run_switch(run, viewer->found.live[viewer->selected].name);
    } else {
        source_choose(run->source, viewer->selected);
        run->next_poll_s = 0.0;
    }
    viewer->selected = 0;
}

static void take_keys(struct loop *loop) {
    struct run *run = loop->run;
    for (int key = screen_key(); key >= 0 && !loop->quit; key = screen_key()) {
        enum viewer_wish wish =
            viewer_take(&run->viewer, run->history, key, choices_on_screen(run));
        if (wish == WISH_DRIVERS) {
            drivers_open(loop);
        } else if (wish == WISH_CHOSEN) {
            chosen(loop);
        }
        loop->quit = wish == WISH_QUIT;
        if (wish != WISH_NOTHING) {
            loop->stale = true;
            loop->next_draw_s = 0.0; /* a key is answered at once */
        }
    }
}

static bool draw(struct loop *loop, double now_s) {
    struct run *run = loop->run;
    int columns = 0, rows = 0;
    screen_size(&columns, &rows);
    if (!grid_resize(&run->grid, columns, rows)) {
        return false;
    }
    run_draw(run, true);
    screen_put(&run->grid);
    loop->stale = false;
    loop->next_draw_s = now_s + (double)run->args->interval_ms / 1e3;
    return true;
}

/* Until the next thing that has its time. */
static double rest_s(const struct loop *loop, double now_s) {
    double next = loop->run->next_poll_s;
    next = loop->stale ? fmin(next, loop->next_draw_s) : next;
    next = loop->run->viewer.choosing ? fmin(next, loop->next_look_s) : next;
    return fmax(0.0, next - now_s);
}

int live_run(struct run *run) {
    const struct top_args *args = run->args;
    char error[256] = "";
    const char *no_color = getenv("NO_COLOR");
    bool color = !args->no_color && (no_color == NULL || no_color[0] == '\0');
    enum hues_theme theme = args->has_theme ? args->theme : hues_guess_theme(getenv("COLORFGBG"));
    if (!screen_open(color, theme, error, sizeof(error))) {
        fprintf(stderr, "lsm-top: %s\n", error);
        return 1;
    }
    struct loop loop = {.run = run, .stale = true};
    bool there = true, memory = true;
    while (!loop.quit && there && memory && !screen_stop_asked()) {
        screen_suspend_if_asked();
        if (screen_resize_asked()) {
            loop.stale = true;
            loop.next_draw_s = 0.0;
        }
        double now_s = run_clock();
        loop.stale = run_poll(run, now_s) || loop.stale;
        drivers_look(&loop, now_s);
        if (loop.stale && now_s >= loop.next_draw_s) {
            memory = draw(&loop, now_s);
        }
        there = screen_wait(rest_s(&loop, run_clock()));
        if (there) {
            take_keys(&loop);
        }
    }
    screen_close();
    if (!memory) {
        fprintf(stderr, "lsm-top: out of memory\n");
    }
    return memory && there && !screen_hangup_asked() ? 0 : 1;
}
