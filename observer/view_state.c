/* view_state.c: how a source fares, in words; apart from what draws, for viewers that do not. */
#include "obs_check.h"
#include "view.h"

const char *view_state_name(enum view_state state) {
    static const char *const names[] = {
        [VIEW_WAITING] = "waiting",  [VIEW_LIVE] = "live",       [VIEW_STALLED] = "not responding",
        [VIEW_CLOSED] = "ended",     [VIEW_CRASHED] = "crashed", [VIEW_FILE] = "file",
        [VIEW_FOLLOW] = "following", [VIEW_LOST] = "lost",
    };
    OBS_ASSERT((size_t)state < sizeof names / sizeof names[0]);
    return names[state];
}
