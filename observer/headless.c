/* headless.c: a live source without a window: a video while it runs, a picture at its end. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "canvas.h"
#include "obs_check.h"
#include "session.h"
#include "stop.h"

static void sleep_until(double until_s) {
    double left = until_s - steady_now();
    if (left <= 0) {
        return;
    }
    struct timespec pause = {.tv_sec = (time_t)left};
    pause.tv_nsec = (long)((left - (double)pause.tv_sec) * 1e9);
    nanosleep(&pause, NULL); /* a signal ends it early, which is what is wanted */
}

/* Only a picture, and no time asked for: as soon as there is something to see. */
static bool snapshot_ready(const struct session *session) {
    const struct args *args = session->args;
    return args->output != NULL && args->save_video == NULL && args->duration_s <= 0 &&
           history_count(session->history) > session->source->first_row + 1;
}

static bool loop_over(const struct session *session, double now_s) {
    return session_over(session, now_s) || snapshot_ready(session) ||
           (session_ended(session) && session_has_data(session));
}

/* Starts the video with the first data; a frame that says "waiting" is of no use to anyone. */
static bool frame_make(struct session *session, struct canvas *canvas, bool changed, bool *moving,
                       double now_s) {
    if (session->video == NULL) {
        char error[512] = "";
        if (!session_record(session, session->args->save_video, session->args->width & ~1,
                            session->args->height & ~1, session->scale, true, error,
                            sizeof(error))) {
            fprintf(stderr, "lsm-observer: %s\n", error);
            return false;
        }
        session->view.status.recording = false; /* what is recorded need not say so */
        changed = true;
    }
    if (changed || *moving) {
        session->view.clock_s = now_s;
        *moving = view_draw(&session->view, canvas);
        session_record_picture(session, canvas, now_s);
    }
    video_tick(session->video, now_s);
    return !video_failed(session->video);
}

/* What is waited for: without a window nothing else would tell. */
static void waiting_say(const struct session *session, const char *prefix) {
    const struct view *view = &session->view;
    if (view->choice_count > 0) { /* no keys and no mouse to choose with */
        fprintf(stderr, "lsm-observer: %s%s. Name one:", prefix, view->headline);
        for (int i = 0; i < view->choice_count; i++) {
            int length = (int)strcspn(view->choices[i], " ");
            fprintf(stderr, "%s --attach %.*s", i > 0 ? " or" : "", length, view->choices[i]);
        }
        fputc('\n', stderr);
        return;
    }
    fprintf(stderr, "lsm-observer: %s%s%s%s\n", prefix, view->headline,
            view->detail[0] != '\0' ? ". " : "", view->detail);
}

static bool live_loop(struct session *session, struct canvas *canvas) {
    double fps = session_fps(session);
    bool changed = false, moving = false, said = false;
    double next_s = steady_now();
    for (;;) {
        double now_s = steady_now();
        changed = session_poll(session, now_s) || changed;
        if (canvas != NULL && session_has_data(session)) {
            if (!frame_make(session, canvas, changed, &moving, now_s)) {
                return false;
            }
            changed = false;
        }
        if (loop_over(session, now_s)) {
            return true;
        }
        if (!said && !session_has_data(session) && now_s > session->started_s + 1) {
            waiting_say(session, "");
            said = true;
        }
        next_s += canvas != NULL ? 1 / fps : session->source->poll_s;
        double limit = session->args->duration_s;
        if (limit > 0 && next_s > session->started_s + limit) {
            next_s = session->started_s + limit;
        }
        /* After a stop of the whole process the clock starts from here; no burst of frames. */
        next_s = next_s < now_s - 1 ? now_s : next_s;
        sleep_until(next_s);
    }
}

static void summary_print(const struct session *session) {
    const struct view_status *status = &session->view.status;
    size_t rows = history_count(session->history);
    rows = rows > session->source->first_row ? rows - session->source->first_row : 0;
    printf("%s: %s, %zu samples over %.1f s, %.0f lost, %zu events, viewer %.2f s of CPU\n",
           status->name, view_state_name(status->state), rows, history_end(session->history),
           status->samples_lost, history_event_count(session->history), cpu_seconds());
    fflush(stdout);
}

int run_headless(struct session *session) {
    const struct args *args = session->args;
    struct canvas *canvas = NULL;
    char error[512] = "";
    if (args->save_video != NULL) {
        int width = args->width & ~1, height = args->height & ~1;
        double scale = view_scale(&session->view, session->scale, width, height);
        canvas = canvas_raster_create(width, height, scale, args->font, error, sizeof(error));
        if (canvas == NULL) {
            fprintf(stderr, "lsm-observer: %s\n", error);
            return 1;
        }
        if (args->speed > 0) {
            fprintf(stderr, "lsm-observer: the run goes on: its video has its pace, until it ends, "
                            "--duration or Ctrl-C; --speed is for finished runs\n");
        }
    }
    bool done = live_loop(session, canvas);
    if (session->video != NULL) {
        done = session_record_end(session, steady_now()) && done;
    }
    canvas_destroy(canvas);
    if (!session_has_data(session)) {
        waiting_say(session, "nothing to show: ");
        return args->output != NULL || args->save_video != NULL || !stop_requested() ? 1 : 0;
    }
    if (done && args->output != NULL) {
        session->view.clock_s = steady_now();
        done = session_output(session);
    }
    if (args->output == NULL && args->save_video == NULL) {
        summary_print(session);
    }
    return done ? 0 : 1;
}
