/* message.c: the screens that stand for the sections: help, waiting, the drivers to choose from, a
 * terminal that is too small. */
#include <stdio.h>

#include "arrange.h"
#include "frame.h"

enum { MARGIN = 4, KEYS_COLUMNS = 14 };

void message_draw_small(const struct pane *pane) {
    pane_print(pane, 0, 0, HUE_TEXT | STYLE_BOLD, "lsm-top needs %dx%d", TOP_COLUMNS_MIN,
               TOP_ROWS_MIN);
    pane_print(pane, 0, 1, HUE_DIM, "this is %dx%d: enlarge it, or q", pane->w, pane->h);
}

void message_draw_help(const struct pane *pane) {
    size_t count = 0;
    const struct viewer_key_help *keys = viewer_keys(&count);
    int y = 0;
    pane_rule(pane, 0, pane->w, y);
    pane_text(pane, 0, y++, HUE_TEXT | STYLE_BOLD, "Keys ");
    for (size_t i = 0; i < count; i++) {
        pane_text(pane, 2, y, HUE_FLUSH, keys[i].keys);
        pane_fitted(pane, 2 + KEYS_COLUMNS, y++, pane->w, HUE_TEXT, keys[i].does);
    }
    pane_rule(pane, 0, pane->w, y);
    pane_text(pane, 0, y++, HUE_TEXT | STYLE_BOLD, "Sections ");
    for (int i = 0; i < SECTIONS; i++) {
        const struct section *section = section_of((enum section_id)i);
        pane_print(pane, 2, y, HUE_FLUSH, "%d", i + 1);
        int x = pane_text(pane, 4, y, HUE_TEXT, section->name);
        pane_fitted(pane, x < 22 ? 22 : x + 1, y++, pane->w, HUE_DIM, section->about);
    }
}

/* A text over as many rows as it takes, broken between words. Returns the row after it. */
static int wrapped(const struct pane *pane, int x, int y, style_bits style, const char *text) {
    int room = pane->w - x - MARGIN, column = 0;
    while (*text != '\0') {
        char word[256];
        size_t length = 0;
        while (text[length] != '\0' && text[length] != ' ' && length + 1 < sizeof(word)) {
            word[length] = text[length];
            length++;
        }
        word[length] = '\0';
        int width = text_columns(word);
        if (column > 0 && column + width > room) {
            y++;
            column = 0;
        }
        pane_text(pane, x + column, y, style, word);
        column += width + 1;
        text += length;
        text += *text == ' ' ? 1 : 0;
    }
    return y + 1;
}

static void draw_choice(const struct pane *pane, int y, int index, bool selected,
                        const char *text) {
    style_bits style = selected ? HUE_TEXT | STYLE_REVERSE : (unsigned)HUE_TEXT;
    struct pane row = pane_part(pane, MARGIN, y, pane->w - 2 * MARGIN, 1);
    for (int x = 0; selected && x < row.w; x++) {
        pane_glyph(&row, x, 0, style, ' ');
    }
    if (index < 9) {
        pane_print(&row, 1, 0, style, "%d", index + 1);
    }
    pane_fitted(&row, 4, 0, row.w - 5, style, text);
}

void message_draw_waiting(const struct view *view, int selected, const struct pane *pane) {
    int y = pane->h / 3 - view->choice_count / 2;
    y = y < 1 ? 1 : y;
    y = wrapped(pane, MARGIN, y, HUE_TEXT | STYLE_BOLD, view->headline) + 1;
    y = wrapped(pane, MARGIN, y, HUE_DIM, view->detail) + 1;
    for (int i = 0; i < view->choice_count; i++) {
        draw_choice(pane, y++, i, i == selected, view->choices[i]);
    }
}

void message_draw_drivers(const struct attach_found *found, int selected, const struct pane *pane) {
    int y = pane->h / 3 - found->live_count / 2;
    y = y < 1 ? 1 : y;
    bool none = found->live_count == 0;
    pane_text(pane, MARGIN, y, HUE_TEXT | STYLE_BOLD,
              none ? "No driver is running" : "Drivers on this machine");
    y = wrapped(pane, MARGIN, y + 2, HUE_DIM,
                none ? "Start one with: lsm-driver. Esc goes back."
                     : "Choose one with its number, or with the arrow keys and Enter; Esc goes "
                       "back.") +
        1;
    for (int i = 0; i < found->live_count; i++) {
        draw_choice(pane, y++, i, i == selected, found->live[i].label);
    }
}
