/* viewer.h: what the user has chosen to see: which moment, which span, which section; and the keys
 * that change it.
 *
 * Threads:    one thread. */
#ifndef TOP_VIEWER_H
#define TOP_VIEWER_H

#include "attach.h"
#include "history.h"
#include "section.h"
#include "top_keys.h"

enum { SECTION_NONE = -1 };

/* What the program has to do because of a key. */
enum viewer_wish { WISH_NOTHING, WISH_REDRAW, WISH_QUIT, WISH_DRIVERS, WISH_CHOSEN };

struct viewer {
    double at;   /* the newest time shown; below 0: follow */
    bool paused; /* `at` was taken by a pause, not by looking back */
    double span; /* seconds; 0: the whole run */
    int large;   /* the section that has the whole screen, or SECTION_NONE */
    int log_scroll;
    bool help;
    bool choosing; /* the list of drivers is open, asked for by a key */
    struct attach_found found;
    int selected; /* in whatever list is on screen */
};

void viewer_init(struct viewer *viewer, double span);
/* Another run has taken the place of the one that was looked at. */
void viewer_restart(struct viewer *viewer);
/* `key`: a character or an enum top_key. `choices`: entries of the list on screen, 0 without
 * one. WISH_CHOSEN: viewer->selected was decided for. */
enum viewer_wish viewer_take(struct viewer *viewer, const struct history *history, int key,
                             int choices);

struct viewer_key_help {
    const char *keys, *does;
};
const struct viewer_key_help *viewer_keys(size_t *count);

#endif
