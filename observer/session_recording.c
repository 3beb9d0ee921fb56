/* session_recording.c: a session's recording of its run; how it goes is told on stderr and in the
 * picture. */
#include <stdio.h>
#include <time.h>

#include "obs_check.h"
#include "session.h"
#include "session_mark.h"

static void tell(struct session *session, double now_s, const char *error) {
    fprintf(stderr, "lsm-observer: recording: %s\n", error);
    session_toast(session, now_s, "no recording: %.140s", error);
    session->failed = true;
}

bool session_recording_begin(struct session *session, const char *path, double now_s) {
    OBS_ASSERT(session->recording == NULL);
    char error[320] = "";
    session->recording = record_open(path, session->source, error, sizeof(error));
    if (session->recording == NULL) {
        tell(session, now_s, error);
        return false;
    }
    session->marks_told = 0;
    session->next_poll_s = session->first_poll_s = 0; /* what is there already goes in at once */
    return true;
}

void session_recording_poll(struct session *session, double now_s) {
    char error[320] = "";
    bool began = session->recording != NULL && !record_writes(session->recording);
    if (session->recording != NULL &&
        !record_poll(session->recording, session->source, &session->view, error, sizeof(error))) {
        tell(session, now_s, error);
    }
    if (began && session->source->kind == SOURCE_CSV) {
        session->marks_told = session->marks; /* recorded from the history, which has them */
    }
    session_marks_tell(session);
    /* Who sits at a window is told; a picture or a video need not speak of it. */
    if (session->view.interactive) {
        session->recording_shown = session->recording != NULL && record_writes(session->recording);
        session->view.status.recording = session->video != NULL || session->recording_shown;
    }
}

bool session_recording_end(struct session *session, double now_s) {
    char error[320] = "", path[512];
    if (session->recording == NULL) {
        return true;
    }
    snprintf(path, sizeof(path), "%s", record_path(session->recording));
    bool done = record_close(session->recording, error, sizeof(error));
    session->recording = NULL;
    if (session->recording_shown) {
        session->view.status.recording = session->video != NULL;
        session->recording_shown = false;
    }
    if (error[0] != '\0') {
        tell(session, now_s, error);
    } else if (done) {
        session_toast(session, now_s, "saved recording %.140s", path);
    }
    return done;
}

void session_recording_toggle(struct session *session, double now_s) {
    if (session->recording != NULL) {
        (void)session_recording_end(session, now_s);
        return;
    }
    char path[64];
    time_t now = time(NULL);
    struct tm local;
    localtime_r(&now, &local);
    strftime(path, sizeof(path), "lsmscope-%Y%m%d-%H%M%S.lsr", &local);
    if (session_recording_begin(session, path, now_s)) {
        session_toast(session, now_s, "recording the run to %.140s", path);
    }
}
