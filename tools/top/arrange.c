/* arrange.c: see arrange.h. Operations lie across the top, the rest in two or three columns under
 * them, the log across the bottom where the terminal is tall. */
#include "arrange.h"

#include <string.h>

#include "top_check.h"

enum {
    GAP = 2,
    THREE_COLUMNS_FROM = 150,
    LOG_FROM_ROWS = 36,
    OPS_SHARE = 3, /* at most a third of the rows */
};

void arrange_rows(const struct section_rows *need, int count, int room, int *rows) {
    TOP_ASSERT(count >= 0 && count <= SECTIONS);
    for (int i = 0; i < count; i++) {
        rows[i] = need[i].least <= room ? need[i].least : 0;
        room -= rows[i];
    }
    for (int stage = 0; stage < 2; stage++) {
        bool given = true;
        while (given && room > 0) {
            given = false;
            for (int i = 0; i < count && room > 0; i++) {
                int most = stage == 0 ? need[i].want : need[i].most;
                if (rows[i] > 0 && rows[i] < most) {
                    rows[i]++;
                    room--;
                    given = true;
                }
            }
        }
    }
}

static void add(struct arrangement *arrangement, enum section_id id, int x, int y, int w, int h) {
    TOP_ASSERT(arrangement->count < SECTIONS);
    arrangement->place[arrangement->count++] = (struct place){id, x, y, w, h};
}

/* What the sections of a column take, from top to bottom; those that know nothing are left out. */
static void add_column(const struct moment *moment, struct arrangement *arrangement,
                       const enum section_id *ids, int count, int x, int y, int w, int h) {
    struct section_rows need[SECTIONS];
    enum section_id shown[SECTIONS];
    int rows[SECTIONS], known = 0;
    for (int i = 0; i < count; i++) {
        const struct section *section = section_of(ids[i]);
        if (section->known(moment)) {
            need[known] = section->measure(moment, w);
            shown[known++] = ids[i];
        }
    }
    /* A blank row under each but the last, where there is room for more than the least. */
    int least = 0;
    for (int i = 0; i < known; i++) {
        least += need[i].want;
    }
    int blank = known > 1 && least + known - 1 <= h ? 1 : 0;
    arrange_rows(need, known, h - blank * (known - 1), rows);
    for (int i = 0; i < known; i++) {
        if (rows[i] > 0) {
            add(arrangement, shown[i], x, y, w, rows[i]);
            y += rows[i] + blank;
        }
    }
}

struct column {
    enum section_id id[4];
    int count;
};
static const struct column two[] = {
    {{SECTION_LEVELS, SECTION_LATENCY, SECTION_STALLS}, 3},
    {{SECTION_MEMORY, SECTION_JOBS, SECTION_COST, SECTION_IO}, 4},
};
static const struct column three[] = {
    {{SECTION_LEVELS, SECTION_MEMORY}, 2},
    {{SECTION_LATENCY, SECTION_COST, SECTION_STALLS}, 3},
    {{SECTION_JOBS, SECTION_IO}, 2},
};

void arrange(const struct moment *moment, int columns, int rows, struct arrangement *arrangement) {
    TOP_ASSERT(columns > 0 && rows > 0);
    arrangement->count = 0;
    bool tall = rows >= LOG_FROM_ROWS;
    const struct section *ops = section_of(SECTION_OPS);
    struct section_rows need = ops->measure(moment, columns);
    int most = rows / OPS_SHARE > need.least ? rows / OPS_SHARE : need.least;
    int height = need.most < most ? need.most : most;
    height = rows < LOG_FROM_ROWS * 3 / 4 ? need.least : height;
    add(arrangement, SECTION_OPS, 0, 0, columns, height);
    int y = height + (tall ? 1 : 0), left = rows - y;
    int log = tall && section_of(SECTION_LOG)->known(moment) ? left / 4 : 0;
    left -= log > 0 ? log + 1 : 0;
    int n = columns >= THREE_COLUMNS_FROM ? 3 : 2;
    const struct column *column = n == 3 ? three : two;
    int width = (columns - GAP * (n - 1)) / n;
    for (int c = 0; c < n; c++) {
        int x = c * (width + GAP);
        int w = c + 1 == n ? columns - x : width;
        add_column(moment, arrangement, column[c].id, column[c].count, x, y, w, left);
    }
    if (log > 0) {
        add(arrangement, SECTION_LOG, 0, y + left + 1, columns, log);
    }
}
