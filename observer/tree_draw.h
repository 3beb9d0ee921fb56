/* tree_draw.h: the tree drawn: tables, what flows between them, the memtables above.
 *
 * Brightness is youth, height is size, the hollow foot of a table is its share of tombstones, an
 * outline in the compactions' colour is an input of a running job.
 *
 * Threads:    one thread draws.
 * Ownership:  a picture borrows everything for a frame. */
#ifndef OBS_TREE_DRAW_H
#define OBS_TREE_DRAW_H

#include "panel.h"
#include "tree_layout.h"
#include "tree_motion.h"

/* A table of which this share is tombstones is marked. */
#define TREE_HEAVY 0.30

struct tree_memtables {
    bool known;
    double bytes, limit; /* of the active one; limit 0: unknown */
    double sealed_bytes;
    unsigned sealed; /* waiting for their flush */
};

struct tree_picture {
    const struct scene *scene;
    const struct scope_shape *shape;
    struct tree_layout *layout;
    const struct tree_motion *motion;
    struct tree_memtables memtables;
    double now; /* seconds of the run: what flows is here */
};

struct color tree_level_color(const struct scene *scene, unsigned level, double youth);
double tree_hollow(const struct scope_table *table); /* share of tombstones */

/* tree_draw.c */
void tree_draw_tables(const struct tree_picture *picture);
void tree_draw_table(const struct tree_picture *picture, const struct scope_table *table,
                     struct rect at, double youth, double alpha);
/* tree_flow.c: above the tables */
void tree_draw_memtables(const struct tree_picture *picture);
void tree_draw_flows(const struct tree_picture *picture);
void tree_draw_changes(const struct tree_picture *picture);
/* tree_hover.c: what lies under the scene's pointer; false: nothing. */
bool tree_hover(const struct tree_picture *picture, struct panel_hover *hover);

#endif
