/* The help card: every key, by groups, and how to read the picture. As many columns as the window
 * has room for; what finds none, the reading guide first, is left to --help. */
#include "overlay.h"

#include <math.h>
#include <string.h>

#include "chart.h"
#include "obs_check.h"

static const double TITLE = 24.0;  /* height of a group's heading */
static const double SYMBOL = 36.0; /* a mark and its meaning */
enum { GROUPS_MAX = 8, COLUMNS_MAX = 3 };

/* How to read the picture: each mark as it is drawn, and its meaning. */
enum legend { LEGEND_FLUSH, LEGEND_COMPACTION, LEGEND_STALL, LEGEND_MARKER, LEGENDS };
static const char *const legend_text[LEGENDS] = {
    "flush: a memtable became a table in L0",
    "compaction: tables merged and moved down",
    "stall: writes were delayed or stopped",
    "marker: a note, typed at the driver or with M",
};
static const char legend_title[] = "How to read the picture";

static void draw_legend(struct canvas *canvas, const struct theme *theme, enum legend which,
                        double x, double middle) {
    const double w = 24.0, h = 12.0;
    double top = canvas_snap(canvas, middle - h / 2.0);
    switch (which) {
    case LEGEND_FLUSH:
        canvas_fill_rect(canvas, (struct rect){x + w / 2.0 - 1.0, top + 2.0, 2.0, h - 2.0}, 0.0,
                         theme->flush);
        canvas_fill_rect(canvas, (struct rect){x, top + h, w, 1.0}, 0.0, theme->axis);
        break;
    case LEGEND_COMPACTION: {
        struct point bracket[4] = {{x + 3.0, top + 8.0},
                                   {x + 3.0, top + 3.0},
                                   {x + w - 3.0, top + 3.0},
                                   {x + w - 3.0, top + 8.0}};
        canvas_polyline(canvas, bracket, 4, 1.5, theme->compaction, NULL, 0);
        break;
    }
    case LEGEND_STALL: {
        struct rect band = {x + 3.0, top - 1.0, w - 6.0, h + 2.0};
        canvas_fill_rect(canvas, band, 0.0, theme_fade(theme->stall, 0.16));
        canvas_hatch(canvas, band, 6.0, 1.0, theme_fade(theme->stall, 0.55));
        break;
    }
    case LEGEND_MARKER:
        canvas_line(canvas, (struct point){x + w / 2.0, top - 1.0},
                    (struct point){x + w / 2.0, top + h + 1.0}, 1.0, theme->marker);
        break;
    case LEGENDS:
        OBS_ASSERT(false);
    }
}

struct group {
    const char *title;
    size_t first, count; /* keys; the legend's are marks */
    bool legend;
};

/* What shrinks when the window is small. */
struct spacing {
    double pad, columns, keys, groups;
};
static const struct spacing roomy = {20.0, 32.0, 14.0, 10.0};
static const struct spacing tight = {10.0, 16.0, 10.0, 4.0};

struct card {
    struct spacing gap;
    struct group group[GROUPS_MAX];
    size_t groups;
    size_t columns;
    int column[GROUPS_MAX];  /* of each group */
    double keys[GROUPS_MAX]; /* the widest keys of each group, or, where there is room, column */
    double width[COLUMNS_MAX];
    double row;
    struct rect at;
};

static size_t find_groups(struct group *groups) {
    size_t count, found = 0;
    const struct view_key *keys = view_keys(&count);
    for (size_t i = 0; i < count; i++) {
        if (found == 0 || strcmp(groups[found - 1].title, keys[i].group) != 0) {
            OBS_ASSERT(found + 1 < GROUPS_MAX);
            groups[found++] = (struct group){.title = keys[i].group, .first = i};
        }
        groups[found - 1].count++;
    }
    return found;
}

static double group_height(const struct group *group, double row) {
    return TITLE + (double)group->count * row;
}

/* Groups go into columns in their order; a column is full when it is as high as its share. */
static double fill_columns(struct card *card, double row) {
    double total = 0.0, tallest = 0.0, height = 0.0;
    for (size_t i = 0; i < card->groups; i++) {
        total += group_height(&card->group[i], row) + card->gap.groups;
    }
    int column = 0;
    for (size_t i = 0; i < card->groups; i++) {
        double own = group_height(&card->group[i], row);
        double share = total / (double)card->columns;
        if (i > 0 && height + own / 2.0 > share && column + 1 < (int)card->columns) {
            column++;
            height = 0.0;
        }
        height += (height > 0.0 ? card->gap.groups : 0.0) + own;
        card->column[i] = column;
        tallest = fmax(tallest, height);
    }
    return tallest;
}

static void measure_group(struct canvas *canvas, const struct group *group, double *keys_width,
                          double *does_width) {
    size_t count;
    const struct view_key *keys = view_keys(&count);
    *keys_width = *does_width = 0.0;
    for (size_t i = 0; i < group->count; i++) {
        const struct view_key *key = &keys[group->first + i];
        double wide =
            group->legend ? SYMBOL : canvas_text_width(canvas, FONT_STRONG, false, key->keys);
        const char *does = group->legend ? legend_text[i] : key->does;
        *keys_width = fmax(*keys_width, wide);
        *does_width = fmax(*does_width, canvas_text_width(canvas, FONT_AXIS, false, does));
    }
}

static void measure_columns(struct canvas *canvas, struct card *card) {
    double does[GROUPS_MAX], widest[COLUMNS_MAX] = {0.0};
    memset(card->width, 0, sizeof card->width);
    for (size_t g = 0; g < card->groups; g++) {
        measure_group(canvas, &card->group[g], &card->keys[g], &does[g]);
        double *column = &widest[card->column[g]];
        *column = card->group[g].legend ? *column : fmax(*column, card->keys[g]);
    }
    for (size_t g = 0; g < card->groups; g++) {
        const struct group *group = &card->group[g];
        double *width = &card->width[card->column[g]];
        if (!group->legend && card->gap.pad >= roomy.pad) {
            card->keys[g] = widest[card->column[g]];
        }
        double gap = group->legend ? 0.0 : card->gap.keys;
        *width = fmax(*width, canvas_text_width(canvas, FONT_TITLE, false, group->title));
        *width = fmax(*width, card->keys[g] + gap + does[g]);
    }
}

/* True when the card fits the window with rows this high. */
static bool try_card(struct canvas *canvas, struct card *card, size_t columns, double row) {
    double width = canvas_width(canvas), height = canvas_height(canvas);
    card->columns = columns;
    card->row = row;
    card->at.h = fill_columns(card, row) + 2.0 * card->gap.pad - 4.0;
    measure_columns(canvas, card);
    card->at.w = 2.0 * card->gap.pad + card->gap.columns * ((double)columns - 1.0);
    for (size_t c = 0; c < columns; c++) {
        card->at.w += card->width[c];
    }
    card->at.x = canvas_snap(canvas, fmax(0.0, (width - card->at.w) / 2.0));
    card->at.y = canvas_snap(canvas, fmax(0.0, (height - card->at.h) / 2.0));
    return card->at.w <= width - 8.0 && card->at.h <= height - 8.0;
}

static void choose_card(struct canvas *canvas, struct card *card) {
    size_t groups = find_groups(card->group);
    card->group[groups] = (struct group){legend_title, 0, LEGENDS, true};
    card->gap = canvas_height(canvas) < 480.0 || canvas_width(canvas) < 800.0 ? tight : roomy;
    for (size_t with = 2; with-- > 0;) { /* with the legend, then without */
        card->groups = groups + with;
        for (double row = 22.0; row >= 15.0; row -= 1.0) {
            for (size_t columns = 2; columns <= COLUMNS_MAX; columns++) {
                if (try_card(canvas, card, columns, row)) {
                    return;
                }
            }
        }
    }
    (void)try_card(canvas, card, 2, 14.0); /* as much of it as there is room for */
}

static void draw_group(struct canvas *canvas, const struct theme *theme, const struct card *card,
                       const struct group *group, double x, double keys_width, double y) {
    size_t count;
    const struct view_key *keys = view_keys(&count);
    canvas_text(canvas, FONT_TITLE, x, chart_baseline(canvas, FONT_TITLE, y + TITLE / 2.0 - 3.0),
                TEXT_LEFT, false, theme->text, group->title);
    for (size_t i = 0; i < group->count; i++) {
        double middle = y + TITLE + ((double)i + 0.5) * card->row;
        double baseline = chart_baseline(canvas, FONT_AXIS, middle);
        if (group->legend) {
            draw_legend(canvas, theme, (enum legend)i, x, middle);
            canvas_text(canvas, FONT_AXIS, x + SYMBOL, baseline, TEXT_LEFT, false, theme->axis,
                        legend_text[i]);
            continue;
        }
        const struct view_key *key = &keys[group->first + i];
        canvas_text(canvas, FONT_STRONG, x, baseline, TEXT_LEFT, false,
                    theme_mix(theme->op[0], theme->text, 0.35), key->keys);
        canvas_text(canvas, FONT_AXIS, x + keys_width + card->gap.keys, baseline, TEXT_LEFT, false,
                    theme->axis, key->does);
    }
}

void overlay_help(struct canvas *canvas, const struct theme *theme) {
    OBS_ASSERT(canvas != NULL && theme != NULL);
    struct card card = {.groups = 0};
    choose_card(canvas, &card);
    canvas_fill_rect(canvas, (struct rect){0.0, 0.0, canvas_width(canvas), canvas_height(canvas)},
                     0.0, theme->scrim);
    canvas_fill_rect(canvas, card.at, 8.0, theme->card);
    canvas_stroke_rect(canvas, card.at, 8.0, 1.0, theme->grid);
    double x = card.at.x + card.gap.pad;
    for (size_t c = 0; c < card.columns; c++) {
        double y = card.at.y + card.gap.pad;
        for (size_t g = 0; g < card.groups; g++) {
            if (card.column[g] == (int)c) {
                draw_group(canvas, theme, &card, &card.group[g], x, card.keys[g], y);
                y += group_height(&card.group[g], card.row) + card.gap.groups;
            }
        }
        x += card.width[c] + card.gap.columns;
    }
}
