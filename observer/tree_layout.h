/* tree_layout.h: where the levels and tables of a tree lie.
 *
 * A row a level, L0 on top of the others and the memtables above it. Across: the key range of all
 * tables. A table is as wide as its keys and as high as its bytes are of the largest table of its
 * level. Tables of a level that overlap lie on lanes above each other: those of L0 are piled in the
 * order of their age, the newest on top, up to the number that starts a compaction.
 *
 * Tables too narrow to be seen one by one are told by columns of a pixel (tree_bins), and so are
 * rows with more overlapping tables than there is room for (`piled`).
 *
 * Threads:    any, one a layout.
 * Ownership:  a layout keeps no pointer to what it was made from.
 * Units:      logical pixels; edges of tables lie on whole device pixels. */
#ifndef OBS_TREE_LAYOUT_H
#define OBS_TREE_LAYOUT_H

#include "canvas.h"
#include "scope.h"

enum { TREE_BINS_MAX = 8192, TREE_LANES_MAX = 64 };

struct tree_input {
    const struct scope_shape *shape;
    struct rect plot;
    double pixel;        /* a device pixel */
    bool memtables;      /* leave room for them */
    unsigned deepest;    /* levels 0 .. deepest have a row */
    uint32_t into;       /* bit l: a job writes to level l, so it is not drawn as an empty one */
    double l0_slots;     /* tables of L0 that fill its row; more make them lower */
    uint64_t moment_ns;  /* ages are counted from here, on the clock of created_ns */
    double age_oldest_s; /* age at which youth is 0 */
};

struct tree_item {
    double x0, x1, y0, y1;
    double lane_y0, lane_y1; /* the room it could have: what a pointer may hit */
    float youth;             /* 1 just made .. 0 old, on a log scale */
    bool narrow;             /* told by a column, not drawn by itself */
    bool moving;             /* left to whoever animates it */
};

struct tree_row {
    struct rect box;
    bool thin;            /* nothing in it */
    bool piled;           /* columns as high as tables overlap */
    unsigned lanes;       /* 1: no table overlaps another */
    size_t first, tables; /* of the shape: member[first ..] */
    uint64_t bytes;       /* theirs */
    double bytes_top;     /* table bytes that fill a lane */
    unsigned depth;       /* most tables over one pixel */
};

struct tree_layout {
    struct rect plot;
    double pixel;
    struct rect active, sealed; /* memtables; no height: no room was asked for */
    unsigned rows;              /* row[l] is level l */
    struct tree_row row[SCOPE_MAX_LEVELS];
    uint64_t lo;      /* the key at the left edge */
    double positions; /* of keys across the plot; 0: there is one key only */
    size_t count;
    uint32_t member[SCOPE_MAX_TABLES];       /* indices of tables, level by level */
    struct tree_item item[SCOPE_MAX_TABLES]; /* in the shape's order */
};

/* REQUIRES: shape, at most SCOPE_MAX_TABLES tables, deepest < SCOPE_MAX_LEVELS. */
void tree_layout_make(const struct tree_input *input, struct tree_layout *layout);
/* The left edge of a key, unsnapped, within the plot. */
double tree_layout_x(const struct tree_layout *layout, uint64_t position);
/* Where a table that is not in the layout would stand alone in its level's row. */
struct rect tree_layout_alone(const struct tree_layout *layout, const struct scope_table *table);

/* One device pixel column of a row: the tables over it that are not drawn by themselves. */
struct tree_bin {
    uint32_t begun, depth;       /* whose left edge is here; over it */
    uint32_t busy;               /* of the latter: inputs of a job */
    double bytes, youth, hollow; /* sums over `depth`; hollow: shares of tombstones */
};
/* Returns the number of columns, at most TREE_BINS_MAX: beyond that many, the plot's last columns
 * hold the rest. Every narrow table of the row, in a piled row every table, begins in exactly one.
 */
size_t tree_layout_bins(const struct tree_layout *layout, const struct scope_shape *shape,
                        unsigned level, struct tree_bin *bins);

/* Height that a number of bytes takes in a lane of `room`. */
double tree_layout_height(const struct tree_layout *layout, unsigned level, uint64_t bytes,
                          double room);

enum tree_hit_kind { TREE_HIT_NONE, TREE_HIT_TABLE, TREE_HIT_TABLES, TREE_HIT_ACTIVE };
struct tree_hit {
    enum tree_hit_kind kind;
    unsigned level;
    size_t table; /* index in the shape: the table, or the first of them */
    size_t tables;
    struct rect at;
};
struct tree_hit tree_layout_hit(const struct tree_layout *layout, const struct scope_shape *shape,
                                struct point point);
/* Is this table one of the tables that a TREE_HIT_TABLES stands for? */
bool tree_layout_hits(const struct tree_layout *layout, const struct scope_shape *shape,
                      const struct tree_hit *hit, size_t table);

#endif
