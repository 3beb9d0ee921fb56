#include "session_mark.h"

#include <stdio.h>
#include <string.h>

#include "obs_check.h"

/* Cuts at a whole character: a marker's text is UTF-8. */
static void text_fill(char *to, size_t size, const char *from) {
    size_t length = strlen(from);
    if (length >= size) {
        length = size - 1;
        while (length > 0 && ((unsigned char)from[length] & 0xc0) == 0x80) {
            length--;
        }
    }
    memcpy(to, from, length);
    to[length] = '\0';
}

void session_mark(struct session *session, double seconds, const char *text) {
    OBS_ASSERT(session != NULL && text != NULL);
    struct scope_event event = {.type = SCOPE_EVENT_MARKER};
    session->view.marks_made++;
    if (text[0] != '\0') {
        text_fill(event.u.text, sizeof event.u.text, text);
    } else {
        snprintf(event.u.text, sizeof event.u.text, "marker %u", session->view.marks_made);
    }
    event.time_ns = seconds > 0.0 ? (uint64_t)(seconds * 1e9) : 0;
    history_append_event(session->history, seconds, &event);
    if (session->marks == SESSION_MARKS_MAX) {
        memmove(&session->mark[0], &session->mark[1],
                sizeof session->mark[0] * (SESSION_MARKS_MAX - 1));
        session->marks--;
        session->marks_told -= session->marks_told > 0;
    }
    struct session_own_mark *own = &session->mark[session->marks++];
    own->seconds = seconds;
    snprintf(own->text, sizeof own->text, "%s", event.u.text);
    session_marks_tell(session);
}

void session_marks_tell(struct session *session) {
    if (session->recording == NULL || !record_writes(session->recording)) {
        return;
    }
    for (; session->marks_told < session->marks; session->marks_told++) {
        const struct session_own_mark *own = &session->mark[session->marks_told];
        record_mark(session->recording, own->seconds, own->text);
    }
}
