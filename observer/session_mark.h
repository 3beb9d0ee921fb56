/* session_mark.h: a viewer's own marker.
 *
 * Threads:    the session's. */
#ifndef OBS_SESSION_MARK_H
#define OBS_SESSION_MARK_H

#include "session.h"

/* Puts a marker at `seconds` of the first run, as the driver's markers are: into this viewer's
 * pictures and videos, and into the recording that it writes, or begins later, as a recording has
 * all of its run. An empty text counts: "marker 3". */
void session_mark(struct session *session, double seconds, const char *text);
/* Gives the recording those it does not have, if it has begun. */
void session_marks_tell(struct session *session);

#endif
