/* status.c: the status line: what is watched and how it fares at the left, what watching costs at
 * the right. When room is short the least important things go first. */
#include <stdio.h>
#include <string.h>

#include "frame.h"
#include "top_check.h"
#include "units.h"

enum { ITEMS_MAX = 16, ITEM_GAP = 2 };

struct item {
    char text[288];
    style_bits style;
    int rank; /* the highest go first */
    bool right;
};
struct items {
    struct item item[ITEMS_MAX];
    int count;
};

static void add(struct items *items, int rank, bool right, style_bits style, const char *text) {
    if (text[0] != '\0' && items->count < ITEMS_MAX) {
        struct item *item = &items->item[items->count++];
        *item = (struct item){.style = style, .rank = rank, .right = right};
        snprintf(item->text, sizeof(item->text), "%s", text);
    }
}

static style_bits state_style(enum view_state state) {
    static const enum hue hues[] = {
        [VIEW_WAITING] = HUE_DIM, [VIEW_LIVE] = HUE_LIVE,     [VIEW_STALLED] = HUE_FLUSH,
        [VIEW_CLOSED] = HUE_DIM,  [VIEW_CRASHED] = HUE_STALL, [VIEW_FILE] = HUE_DIM,
        [VIEW_FOLLOW] = HUE_LIVE, [VIEW_LOST] = HUE_STALL,
    };
    TOP_ASSERT((size_t)state < sizeof(hues) / sizeof(hues[0]));
    return hues[state];
}

static void add_rates(struct items *items, const struct moment *moment) {
    static const struct {
        const char *name;
        uint32_t id;
    } kinds[] = {{"put", SCOPE_M_OPS_PUT},
                 {"get", SCOPE_M_OPS_GET},
                 {"del", SCOPE_M_OPS_DELETE},
                 {"scan", SCOPE_M_OPS_SCAN}};
    for (unsigned i = 0; i < SCOPE_OPS; i++) {
        double rate = 0.0;
        if (moment_ever(moment, kinds[i].id) && moment_now(moment, kinds[i].id, &rate)) {
            char number[UNITS_TEXT], text[UNITS_TEXT + 8];
            units_rate(rate, number, sizeof(number));
            snprintf(text, sizeof(text), "%s %s", kinds[i].name, number);
            add(items, 9 + (int)i, false, HUE_PUT + i, text);
        }
    }
}

static void add_left(struct items *items, const struct view *view, const struct moment *moment,
                     bool paused) {
    const struct view_status *s = &view->status;
    style_bits style = state_style(s->state);
    bool alarm = s->state == VIEW_CRASHED || s->state == VIEW_LOST || s->state == VIEW_STALLED;
    char elapsed[UNITS_TEXT] = "";
    if (s->state != VIEW_WAITING && s->elapsed_s >= 0.0) {
        units_clock(s->elapsed_s, 0, elapsed, sizeof(elapsed));
    }
    add(items, 0, false, HUE_TEXT | STYLE_BOLD, s->name);
    add(items, 0, false, style | (alarm ? STYLE_BOLD : 0u), view_state_name(s->state));
    add(items, 1, false, HUE_FLUSH | STYLE_BOLD, paused ? "paused" : "");
    add(items, 2, false, HUE_TEXT, elapsed);
    add(items, 3, false, HUE_FLUSH, s->notice);
    add(items, 13, false, HUE_DIM, s->engine);
    if (s->state != VIEW_WAITING) {
        add_rates(items, moment);
    }
    add(items, 14, false, HUE_DIM, s->notice[0] == '\0' ? s->description : "");
}

static void add_right(struct items *items, const struct view_status *s) {
    char text[2 * UNITS_TEXT + 24], number[UNITS_TEXT], each[UNITS_TEXT];
    if (s->state == VIEW_WAITING) {
        return;
    }
    if (s->samples_lost >= 0.0) {
        bool lost = s->samples_lost > 0.0;
        units_grouped(s->samples_lost, number, sizeof(number));
        snprintf(text, sizeof(text), "%s lost", number);
        add(items, lost ? 2 : 8, true, lost ? HUE_FLUSH | STYLE_BOLD : (unsigned)HUE_DIM, text);
    }
    if (s->viewer_cpu >= 0.0) {
        units_percent(s->viewer_cpu, number, sizeof(number));
        snprintf(text, sizeof(text), "top %s", number);
        add(items, 7, true, HUE_DIM, text);
    }
    if (s->sampler_cpu >= 0.0) {
        units_percent(s->sampler_cpu, number, sizeof(number));
        if (s->sampler_ns >= 0.0) {
            units_duration(s->sampler_ns * 1e-9, each, sizeof(each));
            snprintf(text, sizeof(text), "sampling %s, %s", number, each);
        } else {
            snprintf(text, sizeof(text), "sampling %s", number);
        }
        add(items, 6, true, HUE_DIM, text);
    }
}

static int columns_of(const struct items *items) {
    int sum = 2; /* the dot */
    for (int i = 0; i < items->count; i++) {
        sum += text_columns(items->item[i].text) + (i > 0 ? ITEM_GAP : 0);
    }
    return sum;
}

/* Drops the least important until the rest fits. The name, at the last, is cut. */
static void fit(struct items *items, int room) {
    while (columns_of(items) > room) {
        int worst = 0;
        for (int i = 1; i < items->count; i++) {
            worst = items->item[i].rank >= items->item[worst].rank ? i : worst;
        }
        int rank = items->item[worst].rank;
        if (rank == 0) {
            return;
        }
        /* A notice is worth half a line. */
        bool notice =
            rank == 3 && columns_of(items) - text_columns(items->item[worst].text) < room - 16;
        if (notice) {
            return;
        }
        memmove(&items->item[worst], &items->item[worst + 1],
                sizeof(items->item[0]) * (size_t)(items->count - worst - 1));
        items->count--;
    }
}

void status_draw(const struct view *view, const struct moment *moment, bool paused,
                 const struct pane *pane) {
    struct items items = {.count = 0};
    add_left(&items, view, moment, paused);
    add_right(&items, &view->status);
    fit(&items, pane->w);
    pane_glyph(pane, 0, 0, state_style(view->status.state),
               view->status.state == VIEW_WAITING ? 0x25cb : 0x25cf);
    int x = 2, end = pane->w;
    for (int i = 0; i < items.count; i++) {
        if (items.item[i].right) {
            end = pane_right(pane, end, 0, items.item[i].style, items.item[i].text) - ITEM_GAP;
        }
    }
    for (int i = 0; i < items.count; i++) {
        const struct item *item = &items.item[i];
        if (!item->right) {
            x = pane_fitted(pane, x, 0, end - x, item->style, item->text) + ITEM_GAP;
        }
    }
}
