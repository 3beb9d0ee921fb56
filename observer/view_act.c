/* What keys and the mouse do to a view, apart from time: which panels fill the window, what lies on
 * top, and the name of a marker while it is typed. */
#include "view.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "obs_check.h"
#include "view_span.h"

void view_pointer(struct view *view, double x, double y) {
    OBS_ASSERT(view != NULL);
    if (fabs(view->cursor_x - x) + fabs(view->cursor_y - y) > 0.0) {
        view->rest_since_s = -1.0;
        view->cursor_fixed = view->cursor_fixed && x < 0.0;
    }
    view->cursor_x = x;
    view->cursor_y = y;
}

int view_title_at(const struct view *view, double x, double y) {
    for (size_t i = 0; i < view->drawn.headers && view->headline[0] == '\0'; i++) {
        const struct rect *at = &view->drawn.header[i].at;
        if (x >= at->x && x < at->x + at->w && y >= at->y && y < at->y + at->h) {
            return view->drawn.header[i].panel;
        }
    }
    return -1;
}

void view_solo(struct view *view, int index) {
    bool valid = index >= 0 && index < (int)view->panels && index != view->solo;
    view->solo = valid ? index : -1;
}

void view_solo_step(struct view *view, int by) {
    int places = (int)view->panels + 1; /* one of them is: all panels */
    view->solo = (view->solo + 1 + by + places) % places - 1;
}

bool view_back(struct view *view) {
    if (view->prompting) {
        view->prompting = false;
    } else if (view->help) {
        view->help = false;
    } else if (view->explain) {
        view->explain = false;
    } else if (view->cursor_fixed) {
        view->cursor_fixed = false;
    } else if (view->solo >= 0) {
        view->solo = -1;
    } else {
        return false;
    }
    return true;
}

/* ---- a marker's name ----------------------------------------------------------------------- */

void view_prompt_begin(struct view *view) {
    double end = view_data_end(view);
    if (view->paused && view->shown_end_s >= 0.0) {
        end = fmin(end, view->shown_end_s);
    }
    if (!view_cursor_time(view, &view->prompt_s)) {
        view->prompt_s = end;
    }
    view->prompt_s = fmax(view_data_start(view), fmin(view->prompt_s, end));
    view->prompt[0] = '\0';
    view->prompting = true;
}

void view_prompt_type(struct view *view, const char *utf8) {
    OBS_ASSERT(view->prompting);
    size_t used = strlen(view->prompt), more = strlen(utf8);
    if (used + more < sizeof view->prompt && (unsigned char)utf8[0] >= 0x20) {
        memcpy(view->prompt + used, utf8, more + 1);
    }
}

void view_prompt_rub(struct view *view) {
    size_t length = strlen(view->prompt);
    while (length > 0 && ((unsigned char)view->prompt[length - 1] & 0xc0) == 0x80) {
        length--; /* the trailing bytes of a character */
    }
    view->prompt[length > 0 ? length - 1 : 0] = '\0';
}
