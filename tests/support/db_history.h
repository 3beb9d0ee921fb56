/* db_history.h: a sequence of writes that follows from a seed, so that a process that did not do
 * them knows what each of them was; and which of its prefixes a database holds.
 *
 *     struct history h; history_init(&h, seed, steps);
 *     for (i = 0; i < steps; i++) history_apply(&h, db, i)            by whoever writes
 *     survivors = history_match(&h, db, acknowledged, attempted)       after the crash
 *
 * A step is one put, one delete, or one batch; every value is unique, so that no two states look
 * alike unless they are. Threads: one. */
#ifndef DB_HISTORY_H
#define DB_HISTORY_H

#include "lsm.h"
#include "model.h"

struct history {
    uint64_t seed;
    unsigned steps;
    uint64_t *seq_after; /* the model's sequence after so many steps; steps + 1 of them */
    struct model model;
    enum lsm_durability only; /* DEFAULT: each step draws its own */
};

void history_init(struct history *history, uint64_t seed, unsigned steps);
void history_free(struct history *history);
enum lsm_durability history_durability(const struct history *history, unsigned step);
/* Writes step number `step`. */
int history_apply(const struct history *history, struct lsm_db *db, unsigned step);
/* The largest number of steps, `low` to `high`, after which the database would look as it does; -1
 * when there is none: it holds something that never was. */
long history_match(const struct history *history, struct lsm_db *db, unsigned low, unsigned high);

#endif
