/* session.h: one run of the observer: its source, its history, its view, and the video under way.
 * With others beside it, which are compared. The loops (window.c, headless.c, offline.c) drive it.
 *
 * Threads:    one thread (the video's own apart).
 * Times:      a steady clock in seconds. */
#ifndef OBS_SESSION_H
#define OBS_SESSION_H

#include "args.h"
#include "compare.h"
#include "cpu.h"
#include "record.h"
#include "source.h"
#include "video.h"

/* A marker that this viewer put into its run. */
struct session_own_mark {
    double seconds;
    char text[88];
};
enum { SESSION_MARKS_MAX = 128 }; /* older ones are kept in the picture, not for a recording */

struct session {
    const struct args *args;
    struct history *history;
    struct source *source;
    struct compare compare; /* the other runs */
    struct view view;
    struct cpu_meter cpu;
    double scale;
    double started_s;
    double first_poll_s; /* when the first source is due */
    double next_poll_s;  /* when any is */
    double toast_until_s;
    unsigned generation;

    struct video *video; /* NULL: not recording */
    char video_path[512];
    struct canvas *video_canvas; /* when the window has another size than the video; else NULL */
    double video_scale, video_fps;
    bool video_done;          /* the one asked for on the command line was made */
    struct record *recording; /* of the run, not of the picture; NULL: none */
    bool recording_shown;     /* the window says that it is on */
    /* Those a recording is told of as soon as it is begun, be it after them; and how many it was.
     */
    struct session_own_mark mark[SESSION_MARKS_MAX];
    size_t marks, marks_told;
    bool failed; /* something asked for could not be made: exit 1 */
};

double steady_now(void);

/* False, and why in `error`. */
bool session_open(struct session *session, const struct args *args, char *error, size_t error_size);
/* Finishes a video under way. */
void session_close(struct session *session);

/* Polls the source when it is due and brings the status up to date. True when a new picture is
 * worth drawing. */
bool session_poll(struct session *session, double now_s);
bool session_has_data(const struct session *session);
/* Of all runs: everything is there after the first poll; nothing more is expected. */
bool session_static(const struct session *session);
bool session_ended(const struct session *session);
/* True when the time asked for is over, or a signal came. */
bool session_over(const struct session *session, double now_s);

/* Says something at the bottom of the picture for three seconds. */
void session_toast(struct session *session, double now_s, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Frames a second of this session's videos. */
double session_fps(const struct session *session);
/* Starts a video of the given size. False, and why in `error`. */
bool session_record(struct session *session, const char *path, int width, int height, double scale,
                    bool realtime, char *error, size_t error_size);
/* Hands what `canvas` shows to the video, or draws it anew in the video's own size. */
void session_record_picture(struct session *session, struct canvas *canvas, double now_s);
/* Ends the video and tells about it, on stdout or stderr. False: it failed. */
bool session_record_end(struct session *session, double now_s);

/* A recording of the first source, from now on: begun, fed by session_poll, ended. Each tells what
 * went wrong, on stderr and in the picture. (session_recording.c) */
bool session_recording_begin(struct session *session, const char *path, double now_s);
void session_recording_poll(struct session *session, double now_s);
/* Begins one under a name that tells the time, or ends the one under way. */
void session_recording_toggle(struct session *session, double now_s);
/* Completes it. False when it failed, now or before. Without one: true. */
bool session_recording_end(struct session *session, double now_s);

/* Writes --output. False: it failed, and stderr says why. */
bool session_output(struct session *session);

/* The loops. Each returns the exit status. */
int run_window(struct session *session);
int run_headless(struct session *session);
int run_offline(struct session *session);

/* True when a window could be opened; if not, `error` says why and what to do instead. */
bool window_possible(char *error, size_t error_size);

#endif
