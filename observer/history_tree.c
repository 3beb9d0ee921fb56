/* history_tree.c: an open-addressed set, and what each event does to it. */
#include "history_tree.h"

#include <stdlib.h>
#include <string.h>

#include "obs_check.h"

enum { SLOTS_FIRST = 64 };

static size_t mix(uint64_t key) {
    key = (key ^ key >> 32) * UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(key >> 20);
}

/* ---- the set --------------------------------------------------------------------------------- */

void history_tree_free(struct history_tree *tree) {
    free(tree->table);
    free(tree->slot);
    *tree = (struct history_tree){0};
}

static size_t slot_of(const struct history_tree *tree, uint64_t id) {
    size_t mask = tree->slots - 1, at = mix(id) & mask;
    while (tree->slot[at] != 0 && tree->table[tree->slot[at] - 1].id != id) {
        at = (at + 1) & mask;
    }
    return at;
}

size_t history_tree_find(const struct history_tree *tree, uint64_t id) {
    if (tree->slots == 0) {
        return tree->count;
    }
    uint32_t found = tree->slot[slot_of(tree, id)];
    return found == 0 ? tree->count : found - 1;
}

/* Room for `count` tables with at most half of the slots in use. */
static bool reserve(struct history_tree *tree, size_t count) {
    if (count > tree->capacity) {
        size_t capacity = count + count / 2;
        struct scope_table *table = realloc(tree->table, capacity * sizeof(*table));
        if (table == NULL) {
            return false;
        }
        tree->table = table;
        tree->capacity = capacity;
    }
    if (tree->slots >= 2 * count) {
        return true;
    }
    size_t slots = tree->slots == 0 ? SLOTS_FIRST : tree->slots;
    while (slots < 2 * tree->capacity) {
        slots *= 2;
    }
    uint32_t *slot = calloc(slots, sizeof(*slot));
    if (slot == NULL) {
        return false;
    }
    free(tree->slot);
    tree->slot = slot;
    tree->slots = slots;
    for (size_t i = 0; i < tree->count; i++) {
        slot[slot_of(tree, tree->table[i].id)] = (uint32_t)i + 1;
    }
    return true;
}

static void add(struct history_tree *tree, const struct scope_table *table) {
    if (!reserve(tree, tree->count + 1)) {
        return;
    }
    size_t at = slot_of(tree, table->id);
    if (tree->slot[at] != 0) {
        return;
    }
    tree->table[tree->count] = *table;
    tree->slot[at] = (uint32_t)++tree->count;
}

/* Empties a slot and closes the gap it leaves in the chains that pass over it. */
static void slot_empty(struct history_tree *tree, size_t at) {
    size_t mask = tree->slots - 1, next = at;
    for (;;) {
        tree->slot[at] = 0;
        size_t home;
        do {
            next = (next + 1) & mask;
            if (tree->slot[next] == 0) {
                return;
            }
            home = mix(tree->table[tree->slot[next] - 1].id) & mask;
            /* It may stay when its home lies after the gap, on the way to it. */
        } while (at <= next ? (at < home && home <= next) : (at < home || home <= next));
        tree->slot[at] = tree->slot[next];
        at = next;
    }
}

static void drop(struct history_tree *tree, uint64_t id) {
    size_t at = tree->slots == 0 ? 0 : slot_of(tree, id);
    if (tree->slots == 0 || tree->slot[at] == 0) {
        return;
    }
    size_t index = tree->slot[at] - 1, last = tree->count - 1;
    slot_empty(tree, at);
    if (index != last) {
        size_t moved = slot_of(tree, tree->table[last].id);
        tree->table[index] = tree->table[last];
        tree->slot[moved] = (uint32_t)index + 1;
    }
    tree->count = last;
}

bool history_tree_load(struct history_tree *tree, const struct scope_shape *shape) {
    tree->count = 0;
    if (tree->slots > 0) {
        memset(tree->slot, 0, tree->slots * sizeof(*tree->slot));
    }
    if (!reserve(tree, shape->count)) {
        return false;
    }
    for (size_t i = 0; i < shape->count; i++) {
        add(tree, &shape->tables[i]);
    }
    return true;
}

/* ---- jobs ------------------------------------------------------------------------------------ */

static struct history_job *job_slot(const struct history_jobs *jobs, uint32_t job) {
    size_t mask = jobs->slots - 1, at = mix(job) & mask;
    while (jobs->job[at].job != 0 && jobs->job[at].job != job) {
        at = (at + 1) & mask;
    }
    return &jobs->job[at];
}

static struct history_job *job_make(struct history_jobs *jobs, uint32_t job) {
    if (2 * (jobs->count + 1) > jobs->slots) {
        struct history_jobs grown = {.slots = jobs->slots == 0 ? SLOTS_FIRST : 2 * jobs->slots};
        grown.job = calloc(grown.slots, sizeof(*grown.job));
        if (grown.job == NULL) {
            return NULL;
        }
        for (size_t i = 0; i < jobs->slots; i++) {
            if (jobs->job[i].job != 0) {
                *job_slot(&grown, jobs->job[i].job) = jobs->job[i];
            }
        }
        grown.count = jobs->count;
        free(jobs->job);
        *jobs = grown;
    }
    struct history_job *made = job_slot(jobs, job);
    if (made->job == 0) {
        made->job = job;
        jobs->count++;
    }
    return made;
}

uint32_t history_jobs_learn(struct history_jobs *jobs, const struct scope_event *event,
                            uint64_t position, uint32_t index) {
    bool begins = event->type == SCOPE_EVENT_COMPACT_BEGIN;
    bool ends = event->type == SCOPE_EVENT_COMPACT_END;
    bool takes = event->type == SCOPE_EVENT_TABLE_REMOVE || event->type == SCOPE_EVENT_TABLE_MOVE;
    if (event->job == 0 || !(begins || ends || takes)) {
        return 0;
    }
    struct history_job *job = job_make(jobs, event->job);
    if (job == NULL) {
        return 0;
    }
    if (takes) {
        uint32_t link = job->chain == 0 ? 0 : index + 1 - job->chain;
        job->chain = index + 1;
        return link;
    }
    job->level_from = event->level_from;
    job->level_to = event->level_to;
    if (begins) {
        job->begin = position + 1;
    } else {
        job->end = position + 1;
        job->failed = event->u.job_info.status != 0;
    }
    return 0;
}

void history_jobs_clear(struct history_jobs *jobs) {
    if (jobs->slots > 0) {
        memset(jobs->job, 0, jobs->slots * sizeof(*jobs->job));
    }
    jobs->count = 0;
}

void history_jobs_free(struct history_jobs *jobs) {
    free(jobs->job);
    *jobs = (struct history_jobs){0};
}

/* The set at `position` holds what the events before it did. */
static bool runs_at(const struct history_job *job, uint64_t position) {
    bool told = job->begin != 0 || job->end != 0;
    return told && job->begin <= position && (job->end == 0 || job->end > position);
}

/* ---- what events do -------------------------------------------------------------------------- */

static void move(struct history_tree *tree, uint64_t id, uint8_t level) {
    size_t at = history_tree_find(tree, id);
    if (at < tree->count) {
        tree->table[at].level = level;
    }
}

void history_tree_apply(struct history_tree *tree, const struct scope_event *event) {
    if (event->type == SCOPE_EVENT_TABLE_ADD) {
        add(tree, &event->u.table);
    } else if (event->type == SCOPE_EVENT_TABLE_REMOVE) {
        drop(tree, event->u.table.id);
    } else if (event->type == SCOPE_EVENT_TABLE_MOVE) {
        move(tree, event->u.table.id, event->u.table.level);
    }
}

void history_tree_undo(struct history_tree *tree, const struct scope_event *event) {
    if (event->type == SCOPE_EVENT_TABLE_ADD) {
        drop(tree, event->u.table.id);
    } else if (event->type == SCOPE_EVENT_TABLE_REMOVE) {
        add(tree, &event->u.table);
    } else if (event->type == SCOPE_EVENT_TABLE_MOVE) {
        move(tree, event->u.table.id, event->level_from);
    }
}

/* ---- which tables are busy ------------------------------------------------------------------- */

static void mark(struct history_tree *tree, uint64_t id) {
    size_t at = history_tree_find(tree, id);
    if (at < tree->count) {
        tree->table[at].busy = true;
    }
}

static bool of_levels(const struct history_job *job, const struct scope_table *table) {
    return table->level == job->level_from || table->level == job->level_to;
}

static void mark_inputs(struct history_tree *tree, const struct history_replay *replay,
                        const struct history_job *job) {
    for (uint32_t i = job->chain, link = 0; i != 0; i = link > 0 && link < i ? i - link : 0) {
        const struct history *history = replay->history;
        const struct history_event_row *row =
            history_event_row(history, history->events.base + i - 1);
        mark(tree, row->event.u.table.id);
        link = row->link; /* to one that is forgotten: the end */
    }
    bool untold = job->chain == 0 && (job->end == 0 || job->failed);
    if (!untold || replay->newest == NULL || !runs_at(job, replay->newest_position)) {
        return;
    }
    for (size_t i = 0; i < replay->newest->count; i++) {
        const struct scope_table *table = &replay->newest->tables[i];
        if (table->busy && of_levels(job, table)) {
            mark(tree, table->id);
        }
    }
}

void history_tree_mark(struct history_tree *tree, const struct history_replay *replay,
                       uint64_t position) {
    const struct history_jobs *jobs = replay->jobs;
    bool known = false;
    for (size_t i = 0; i < jobs->slots && !known; i++) {
        known = jobs->job[i].begin != 0 || jobs->job[i].end != 0;
    }
    if (!known) {
        return; /* a source without jobs: what its shapes told holds */
    }
    for (size_t i = 0; i < tree->count; i++) {
        tree->table[i].busy = false;
    }
    for (size_t i = 0; i < jobs->slots; i++) {
        if (jobs->job[i].job != 0 && runs_at(&jobs->job[i], position)) {
            mark_inputs(tree, replay, &jobs->job[i]);
        }
    }
}
