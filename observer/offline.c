/* offline.c: a finished run: one picture of it, and a video, each frame of which shows the data up
 * to its moment. The frames are the rows, or follow a clock of their own at a pace that was asked
 * for. Neither picture nor video needs a display or waits for any clock. */
#include <math.h>
#include <stdio.h>

#include "canvas.h"
#include "obs_check.h"
#include "progress.h"
#include "session.h"
#include "stop.h"

/* The moments of a video. */
struct frames {
    const struct session *session;
    size_t count;
    double begin_s, end_s;
    double step_s; /* 0: the rows */
};

static void frames_plan(const struct session *session, struct frames *frames) {
    const struct args *args = session->args;
    size_t first = session->source->first_row, rows = history_count(session->history);
    OBS_ASSERT(first < rows);
    *frames = (struct frames){.session = session,
                              .count = rows - first,
                              .begin_s = history_time(session->history, first),
                              .end_s = compare_end(&session->view)};
    if (args->speed > 0 || !session->source->rows_are_frames || session->view.others > 0) {
        frames->step_s = (args->speed > 0 ? args->speed : 1) / session_fps(session);
        frames->count = (size_t)ceil((frames->end_s - frames->begin_s) / frames->step_s - 1e-9) + 1;
    }
}

static double frame_time(const struct frames *frames, size_t frame) {
    if (frames->step_s <= 0) {
        return history_time(frames->session->history, frames->session->source->first_row + frame);
    }
    return fmin(frames->begin_s + (double)frame * frames->step_s, frames->end_s);
}

static void frames_draw(struct session *session, struct canvas *canvas) {
    struct view *view = &session->view;
    struct frames frames;
    struct progress progress;
    frames_plan(session, &frames);
    progress_begin(&progress, frames.count, steady_now());
    double elapsed_s = view->status.elapsed_s;
    for (size_t i = 0; i < frames.count && !stop_requested(); i++) {
        view->until_s = frame_time(&frames, i);
        view->status.elapsed_s = view->until_s;
        view_draw(view, canvas);
        session_record_picture(session, canvas, 0);
        if (video_failed(session->video)) {
            break;
        }
        progress_tell(&progress, i + 1, steady_now());
    }
    progress_end(&progress);
    view->until_s = -1;
    view->status.elapsed_s = elapsed_s;
}

static bool video_make(struct session *session) {
    const struct args *args = session->args;
    char error[512] = "";
    int width = args->width & ~1, height = args->height & ~1;
    double scale = view_scale(&session->view, session->scale, width, height);
    struct canvas *canvas =
        canvas_raster_create(width, height, scale, args->font, error, sizeof(error));
    if (canvas == NULL || !session_record(session, args->save_video, width, height, session->scale,
                                          false, error, sizeof(error))) {
        fprintf(stderr, "lsm-observer: %s\n", error);
        canvas_destroy(canvas);
        return false;
    }
    frames_draw(session, canvas);
    canvas_destroy(canvas);
    return session_record_end(session, 0);
}

int run_offline(struct session *session) {
    const struct args *args = session->args;
    double now_s = steady_now();
    session_poll(session, now_s);
    session->view.frame_exact = true;
    session->view.clock_s = now_s;
    session->view.status.viewer_cpu = -1; /* a finished run costs nobody anything */
    if (history_count(session->history) <= session->source->first_row) {
        fprintf(stderr, "lsm-observer: there is no sample to show\n");
        return 1;
    }
    bool done = true;
    if (args->output != NULL) {
        done = session_output(session);
    }
    if (done && args->save_video != NULL) {
        done = video_make(session);
    }
    if (args->output == NULL && args->save_video == NULL && args->record == NULL) {
        printf("%s: %zu rows, %.1f s; --output and --save-video make pictures of it\n",
               session->view.status.name,
               history_count(session->history) - session->source->first_row,
               history_end(session->history));
    }
    return done ? 0 : 1;
}
