/* offline.c: a finished run: one picture of it, and a video of one frame a row, each showing the
 * data up to its moment. Neither needs a display nor waits for any clock. */
#include <stdio.h>
#include <unistd.h>

#include "canvas.h"
#include "obs_check.h"
#include "session.h"
#include "stop.h"

static void progress_show(size_t frame, size_t frames) {
    if (isatty(STDERR_FILENO) && (frame % 10 == 0 || frame == frames)) {
        fprintf(stderr, "\rframe %zu of %zu%s", frame, frames, frame == frames ? "\n" : "");
    }
}

/* One frame a row. */
static void frames_draw(struct session *session, struct canvas *canvas) {
    struct view *view = &session->view;
    const struct history *history = session->history;
    size_t first = session->source->first_row, count = history_count(history);
    OBS_ASSERT(first < count);
    double elapsed_s = view->status.elapsed_s;
    for (size_t row = first; row < count && !stop_requested(); row++) {
        view->until_s = history_time(history, row);
        view->status.elapsed_s = view->until_s;
        view_draw(view, canvas);
        session_record_picture(session, canvas, 0);
        if (video_failed(session->video)) {
            break;
        }
        progress_show(row - first + 1, count - first);
    }
    view->until_s = -1;
    view->status.elapsed_s = elapsed_s;
}

static bool video_make(struct session *session) {
    const struct args *args = session->args;
    char error[512] = "";
    int width = args->width & ~1, height = args->height & ~1;
    struct canvas *canvas =
        canvas_raster_create(width, height, session->scale, args->font, error, sizeof(error));
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
    if (args->output == NULL && args->save_video == NULL) {
        printf("%s: %zu rows, %.1f s; --output and --save-video make pictures of it\n",
               session->view.status.name,
               history_count(session->history) - session->source->first_row,
               history_end(session->history));
    }
    return done ? 0 : 1;
}
