/* session.c: see session.h. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "canvas.h"
#include "obs_check.h"
#include "export.h"
#include "session.h"
#include "stop.h"

static const double TOAST_S = 3.0;
enum { FPS_ROWS = 2, FPS_SMOOTH = 30 };

double steady_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* What is shown, and how, as the command line says. */
static void view_arrange(struct view *view, const struct args *args) {
    if (args->panels > 0) {
        memcpy(view->panel, args->panel, args->panels * sizeof(args->panel[0]));
        view->panels = args->panels;
    }
    view->layout = args->layout;
    view->show_command = args->show_command;
    snprintf(view->caption, sizeof(view->caption), "%s",
             args->caption != NULL ? args->caption : "");
}

bool session_open(struct session *session, const struct args *args, char *error,
                  size_t error_size) {
    OBS_ASSERT(session != NULL && args != NULL);
    *session = (struct session){.args = args, .scale = args->scale > 0 ? args->scale : 1};
    if (args->save_video != NULL && !video_possible(args->save_video, error, error_size)) {
        return false;
    }
    session->history = history_create();
    if (session->history == NULL) {
        snprintf(error, error_size, "out of memory");
        return false;
    }
    session->source =
        compare_source_open(args, &args->source[0], session->history, error, error_size);
    if (session->source == NULL) {
        history_destroy(session->history);
        return false;
    }
    view_init(&session->view, session->history, args->theme);
    view_arrange(&session->view, args);
    if (!compare_open(&session->compare, args, &session->view, error, error_size)) {
        source_close(session->source);
        history_destroy(session->history);
        return false;
    }
    session->view.status.frames_repeated = -1;
    cpu_init(&session->cpu);
    session->started_s = steady_now();
    if (args->record != NULL && !session_recording_begin(session, args->record, -1)) {
        session_close(session);
        error[0] = '\0'; /* told */
        return false;
    }
    return true;
}

void session_close(struct session *session) {
    if (session->video != NULL) {
        session_record_end(session, steady_now());
    }
    (void)session_recording_end(session, steady_now());
    compare_close(&session->compare);
    source_close(session->source);
    history_destroy(session->history);
    *session = (struct session){0};
}

bool session_poll(struct session *session, double now_s) {
    bool changed = false;
    if (session->toast_until_s > 0 && now_s >= session->toast_until_s) {
        session->toast_until_s = 0;
        session->view.toast[0] = '\0';
        changed = true;
    }
    cpu_read(&session->cpu, now_s);
    if (now_s < session->next_poll_s) {
        return changed;
    }
    struct view *view = &session->view;
    if (now_s >= session->first_poll_s) {
        changed = source_poll(session->source, now_s) || changed;
        session->first_poll_s = now_s + session->source->poll_s;
    }
    session->next_poll_s = session->first_poll_s;
    if (session->source->generation != session->generation) {
        session->generation = session->source->generation;
        session->marks = session->marks_told = 0;
        view_fit(view); /* another run: the stretch that was looked at means nothing in it */
        view->limits = (struct view_limits){0};
        changed = true;
    }
    source_describe(session->source, view, now_s);
    session_recording_poll(session, now_s);
    changed = compare_poll(&session->compare, view, now_s, &session->next_poll_s) || changed;
    view->status.viewer_cpu = session->cpu.share;
    return changed;
}

bool session_has_data(const struct session *session) {
    return history_count(session->history) > 0;
}

bool session_static(const struct session *session) {
    return session->source->static_data && compare_static(&session->compare);
}

bool session_ended(const struct session *session) {
    return session->source->ended && compare_ended(&session->compare);
}

bool session_over(const struct session *session, double now_s) {
    double limit = session->args->duration_s;
    return stop_requested() || (limit > 0 && now_s - session->started_s >= limit);
}

void session_toast(struct session *session, double now_s, const char *format, ...) {
    va_list list;
    va_start(list, format);
    vsnprintf(session->view.toast, sizeof(session->view.toast), format, list);
    va_end(list);
    session->toast_until_s = now_s + TOAST_S;
}

/* ---- video ----------------------------------------------------------------------------------- */

double session_fps(const struct session *session) {
    const struct args *args = session->args;
    bool rows = session->source->rows_are_frames && args->speed <= 0 && session->compare.count == 0;
    return args->fps > 0 ? args->fps : rows ? FPS_ROWS : FPS_SMOOTH;
}

/* What was asked for, where it suits this file: the one that a key begins may be another kind. */
static const char *session_codec(const struct session *session, const char *path) {
    const char *name = session->args->codec, *dot = strrchr(path, '.');
    const struct codec *codec = name != NULL ? codec_find(name) : NULL;
    return codec != NULL && dot != NULL && codec_suits(codec, dot) ? name : NULL;
}

bool session_record(struct session *session, const char *path, int width, int height, double scale,
                    bool realtime, char *error, size_t error_size) {
    OBS_ASSERT(session->video == NULL);
    double fps = session_fps(session);
    struct video_options options = {
        .path = path,
        .width = width,
        .height = height,
        .codec = session_codec(session, path),
        .quality = session->args->quality,
        .fps = fps,
        .realtime = realtime,
    };
    session->video = video_start(&options, error, error_size);
    if (session->video == NULL) {
        return false;
    }
    snprintf(session->video_path, sizeof(session->video_path), "%s", path);
    session->video_scale = scale;
    session->video_fps = fps;
    session->view.status.recording = realtime;
    session->view.status.frames_repeated = 0;
    return true;
}

/* The picture in the video's own size, which the window has left. */
static struct canvas *video_canvas(struct session *session) {
    if (session->video_canvas == NULL) {
        char error[160];
        int width = video_width(session->video), height = video_height(session->video);
        session->video_canvas = canvas_raster_create(
            width, height, view_scale(&session->view, session->video_scale, width, height),
            session->args->font, error, sizeof(error));
    }
    if (session->video_canvas != NULL) {
        struct view view = session->view;
        view.cursor_x = view.cursor_y = -1; /* its place would be another one here */
        view_draw(&view, session->video_canvas);
    }
    return session->video_canvas;
}

void session_record_picture(struct session *session, struct canvas *canvas, double now_s) {
    OBS_ASSERT(session->video != NULL && canvas != NULL);
    int width = 0, height = 0, stride = 0;
    const uint32_t *pixels = canvas_pixels(canvas, &width, &height, &stride);
    bool fits = (width & ~1) == video_width(session->video) &&
                (height & ~1) == video_height(session->video);
    if (!fits) {
        canvas = video_canvas(session);
        if (canvas == NULL) {
            return; /* memory is out: the last frame is repeated */
        }
        pixels = canvas_pixels(canvas, &width, &height, &stride);
    }
    video_picture(session->video, pixels, stride, now_s);
    session->view.status.frames_repeated = (double)video_repeated(session->video);
}

bool session_record_end(struct session *session, double now_s) {
    OBS_ASSERT(session->video != NULL);
    char error[512] = "";
    uint64_t frames = 0, repeated = 0;
    bool done = video_finish(session->video, now_s, &frames, &repeated, error, sizeof(error));
    session->video = NULL;
    canvas_destroy(session->video_canvas);
    session->video_canvas = NULL;
    session->view.status.recording = false;
    session->view.status.frames_repeated = -1;
    if (!done) {
        fprintf(stderr, "lsm-observer: %s\n", error);
        session_toast(session, now_s, "video failed: %.140s", error);
        return false;
    }
    printf("wrote %s: %llu frames, %.1f s", session->video_path, (unsigned long long)frames,
           (double)frames / session->video_fps);
    if (repeated > 0) {
        printf(", %llu repeated because the encoder was slow", (unsigned long long)repeated);
    }
    printf("\n");
    fflush(stdout);
    session_toast(session, now_s, "saved video %.140s", session->video_path);
    return true;
}

bool session_output(struct session *session) {
    const struct args *args = session->args;
    OBS_ASSERT(args->output != NULL);
    char error[256] = "";
    struct picture_options options = {args->width, args->height, session->scale, args->font};
    if (!export_picture(&session->view, &options, args->output, error, sizeof(error))) {
        fprintf(stderr, "lsm-observer: %s\n", error);
        return false;
    }
    printf("wrote %s\n", args->output);
    fflush(stdout);
    return true;
}
