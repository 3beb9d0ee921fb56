/* table.c: the list as an aligned table for people. */
#include "ls.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NAME, STATE, ENGINE, AGE, SIZE, INTERVAL, PID, COMMAND, COLUMNS, CELL = 1024, GAP = 2 };

struct row {
    char cell[COLUMNS][CELL];
};

static const char *const titles[COLUMNS] = {"NAME", "STATE",    "ENGINE", "AGE",
                                            "SIZE", "INTERVAL", "PID",    "COMMAND"};

static uint64_t now_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* "42s", "3m05s", "2h14m", "5d03h". */
static void put_duration(char *text, size_t size, uint64_t ns) {
    unsigned long long s = ns / 1000000000u;
    if (s < 60) {
        (void)snprintf(text, size, "%llus", s);
    } else if (s < 3600) {
        (void)snprintf(text, size, "%llum%02llus", s / 60, s % 60);
    } else if (s < 86400) {
        (void)snprintf(text, size, "%lluh%02llum", s / 3600, s / 60 % 60);
    } else {
        (void)snprintf(text, size, "%llud%02lluh", s / 86400, s / 3600 % 24);
    }
}

static void put_size(char *text, size_t size, uint64_t bytes) {
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 999.5 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        value /= 1000;
        unit++;
    }
    (void)snprintf(text, size, unit > 0 && value < 9.95 ? "%.1f %s" : "%.0f %s", value,
                   units[unit]);
}

static void put_interval(char *text, size_t size, uint64_t ns) {
    if (ns == 0) {
        (void)snprintf(text, size, "-");
    } else if (ns % 1000000000u == 0) {
        (void)snprintf(text, size, "%llu s", (unsigned long long)(ns / 1000000000u));
    } else {
        (void)snprintf(text, size, "%g ms", (double)ns / 1e6);
    }
}

static void fill_row(struct row *row, const struct scope_listing *listing) {
    (void)snprintf(row->cell[NAME], CELL, "%s", listing->name);
    (void)snprintf(row->cell[STATE], CELL, "%s", ls_state(listing));
    put_size(row->cell[SIZE], CELL, listing->bytes);
    if (listing->status != 0) {
        (void)snprintf(row->cell[ENGINE], CELL, "-");
        (void)snprintf(row->cell[AGE], CELL, "-");
        (void)snprintf(row->cell[INTERVAL], CELL, "-");
        (void)snprintf(row->cell[PID], CELL, "-");
        char reason[CELL - 2];
        ls_reason(listing, reason, sizeof(reason));
        (void)snprintf(row->cell[COMMAND], CELL, "(%s)", reason);
        return;
    }
    const struct scope_info *info = &listing->info;
    if (listing->liveness == SCOPE_STALLED || listing->liveness == SCOPE_CRASHED) {
        char since[32];
        put_duration(since, sizeof(since), listing->heartbeat_age_ns);
        (void)snprintf(row->cell[STATE], CELL, "%s %s ago", ls_state(listing), since);
    }
    (void)snprintf(row->cell[ENGINE], CELL, "%s%s%s",
                   info->engine_name[0] ? info->engine_name : "-",
                   info->engine_version[0] ? " " : "", info->engine_version);
    uint64_t now = now_ns();
    put_duration(row->cell[AGE], CELL, now > info->start_mono_ns ? now - info->start_mono_ns : 0);
    put_interval(row->cell[INTERVAL], CELL, info->sample_interval_ns);
    (void)snprintf(row->cell[PID], CELL, "%llu", (unsigned long long)info->pid);
    (void)snprintf(row->cell[COMMAND], CELL, "%s", info->command[0] ? info->command : "-");
}

/* Columns a text takes: its characters. What comes out of a segment is valid UTF-8. */
static size_t width_of(const char *text) {
    size_t width = 0;
    for (; *text != 0; text++) {
        width += ((unsigned char)*text & 0xc0) != 0x80 ? 1 : 0;
    }
    return width;
}

/* The last cell, cut to the room that is left: three dots say so. */
static void print_cut(FILE *out, const char *text, size_t room) {
    if (width_of(text) <= room) {
        (void)fprintf(out, "%s\n", text);
        return;
    }
    size_t keep = room > 3 ? room - 3 : 0;
    size_t bytes = 0;
    for (size_t seen = 0; text[bytes] != 0; bytes++) {
        seen += ((unsigned char)text[bytes] & 0xc0) != 0x80 ? 1 : 0;
        if (seen > keep) {
            break;
        }
    }
    (void)fprintf(out, "%.*s...\n", (int)bytes, text);
}

static void print_row(FILE *out, const struct row *row, const size_t widths[COLUMNS],
                      size_t width) {
    size_t used = 0;
    for (size_t c = 0; c + 1 < COLUMNS; c++) {
        size_t pad = widths[c] - width_of(row->cell[c]);
        bool number = c == AGE || c == SIZE || c == INTERVAL || c == PID;
        (void)fprintf(out, "%*s%s%*s", (int)(number ? pad : 0), "", row->cell[c],
                      (int)(number ? GAP : pad + GAP), "");
        used += widths[c] + GAP;
    }
    /* A command is never squeezed to nothing: on a very narrow screen the line wraps instead. */
    size_t room = width == 0 ? CELL : width > used + 16 ? width - used : 16;
    print_cut(out, row->cell[COMMAND], room);
}

void ls_table(FILE *out, const struct scope_listing *list, size_t count, size_t width) {
    if (count == 0) {
        (void)fprintf(out, "no segments: nothing publishes on this machine\n");
        return;
    }
    struct row *rows = calloc(count + 1, sizeof(*rows));
    if (rows == NULL) {
        (void)fprintf(stderr, "lsm-ls: out of memory\n");
        return;
    }
    size_t widths[COLUMNS] = {0};
    for (size_t r = 0; r <= count; r++) {
        for (size_t c = 0; r == 0 && c < COLUMNS; c++) {
            (void)snprintf(rows[0].cell[c], CELL, "%s", titles[c]);
        }
        if (r > 0) {
            fill_row(&rows[r], &list[r - 1]);
        }
        for (size_t c = 0; c < COLUMNS; c++) {
            size_t cell = width_of(rows[r].cell[c]);
            widths[c] = cell > widths[c] ? cell : widths[c];
        }
    }
    for (size_t r = 0; r <= count; r++) {
        print_row(out, &rows[r], widths, width);
    }
    free(rows);
}
