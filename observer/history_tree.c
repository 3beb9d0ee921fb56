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
    free(tree->job);
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
        uint32_t *job = realloc(tree->job, capacity * sizeof(*job));
        if (job == NULL) {
            return false;
        }
        tree->job = job;
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

static void add(struct history_tree *tree, const struct scope_table *table, bool busy,
                uint32_t job) {
    if (!reserve(tree, tree->count + 1)) {
        return;
    }
    size_t at = slot_of(tree, table->id);
    if (tree->slot[at] != 0) {
        return;
    }
    tree->table[tree->count] = *table;
    tree->table[tree->count].busy = busy;
    tree->job[tree->count] = busy ? job : 0;
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
        tree->job[index] = tree->job[last];
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
        add(tree, &shape->tables[i], shape->tables[i].busy, 0);
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

static const struct history_job *job_find(const struct history_jobs *jobs, uint32_t job) {
    if (job == 0 || jobs->slots == 0) {
        return NULL;
    }
    const struct history_job *found = job_slot(jobs, job);
    return found->job == 0 ? NULL : found;
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

void history_jobs_learn(struct history_jobs *jobs, const struct scope_event *event,
                        uint64_t position, uint32_t index, uint32_t *chain) {
    bool begins = event->type == SCOPE_EVENT_COMPACT_BEGIN;
    bool ends = event->type == SCOPE_EVENT_COMPACT_END;
    bool takes = event->type == SCOPE_EVENT_TABLE_REMOVE || event->type == SCOPE_EVENT_TABLE_MOVE;
    *chain = 0;
    if (event->job == 0 || !(begins || ends || takes)) {
        return;
    }
    struct history_job *job = job_make(jobs, event->job);
    if (job == NULL) {
        return;
    }
    if (takes) {
        *chain = job->chain;
        job->chain = index + 1;
        return;
    }
    job->level_from = event->level_from;
    job->level_to = event->level_to;
    if (begins) {
        job->begin = position + 1;
    } else {
        job->end = position + 1;
        job->failed = event->u.job_info.status != 0;
    }
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

static bool runs_at(const struct history_replay *replay, uint32_t number, uint64_t position) {
    const struct history_job *job = job_find(replay->jobs, number);
    return job != NULL && job->begin <= position && (job->end == 0 || job->end > position);
}

/* ---- what events do -------------------------------------------------------------------------- */

static void mark(struct history_tree *tree, uint64_t id, bool busy, uint32_t job) {
    size_t at = history_tree_find(tree, id);
    if (at < tree->count) {
        tree->table[at].busy = busy;
        tree->job[at] = busy ? job : 0;
    }
}

static void mark_inputs(struct history_tree *tree, const struct history_replay *replay,
                        const struct history_job *job, bool busy) {
    for (uint32_t i = job->chain; i != 0; i = replay->events->chain[i - 1]) {
        OBS_ASSERT(i <= replay->events->count);
        mark(tree, replay->events->event[i - 1].u.table.id, busy, job->job);
    }
}

static bool of_levels(const struct history_job *job, const struct scope_table *table) {
    return table->level == job->level_from || table->level == job->level_to;
}

/* Takes the marks that only a shape told and that can be this job's. */
static void unmark_told(struct history_tree *tree, const struct history_job *job) {
    for (size_t i = 0; i < tree->count; i++) {
        if (tree->table[i].busy && (tree->job[i] == 0 || tree->job[i] == job->job) &&
            of_levels(job, &tree->table[i])) {
            tree->table[i].busy = false;
            tree->job[i] = 0;
        }
    }
}

static void begin(struct history_tree *tree, const struct history_replay *replay,
                  const struct history_job *job) {
    mark_inputs(tree, replay, job, true);
    if (job->end != 0 || job->chain != 0 || replay->newest == NULL) {
        return;
    }
    for (size_t i = 0; i < replay->newest->count; i++) {
        const struct scope_table *table = &replay->newest->tables[i];
        if (table->busy && of_levels(job, table)) {
            mark(tree, table->id, true, job->job);
        }
    }
}

void history_tree_apply(struct history_tree *tree, const struct history_replay *replay,
                        uint64_t position) {
    const struct scope_event *event = &replay->events->event[position - replay->events->base];
    if (event->type == SCOPE_EVENT_TABLE_ADD) {
        add(tree, &event->u.table, false, 0);
    } else if (event->type == SCOPE_EVENT_TABLE_REMOVE) {
        drop(tree, event->u.table.id);
    } else if (event->type == SCOPE_EVENT_TABLE_MOVE) {
        size_t at = history_tree_find(tree, event->u.table.id);
        if (at < tree->count) {
            tree->table[at].level = event->u.table.level;
        }
    } else if (event->type == SCOPE_EVENT_COMPACT_BEGIN || event->type == SCOPE_EVENT_COMPACT_END) {
        const struct history_job *job = job_find(replay->jobs, event->job);
        if (job != NULL && event->type == SCOPE_EVENT_COMPACT_BEGIN) {
            begin(tree, replay, job);
        } else if (job != NULL) {
            mark_inputs(tree, replay, job, false);
            if (job->failed) {
                unmark_told(tree, job);
            }
        }
    }
}

void history_tree_undo(struct history_tree *tree, const struct history_replay *replay,
                       uint64_t position) {
    const struct scope_event *event = &replay->events->event[position - replay->events->base];
    if (event->type == SCOPE_EVENT_TABLE_ADD) {
        drop(tree, event->u.table.id);
    } else if (event->type == SCOPE_EVENT_TABLE_REMOVE) {
        add(tree, &event->u.table, runs_at(replay, event->job, position), event->job);
    } else if (event->type == SCOPE_EVENT_TABLE_MOVE) {
        size_t at = history_tree_find(tree, event->u.table.id);
        if (at < tree->count) {
            tree->table[at].level = event->level_from;
            mark(tree, event->u.table.id, runs_at(replay, event->job, position), event->job);
        }
    } else if (event->type == SCOPE_EVENT_COMPACT_BEGIN || event->type == SCOPE_EVENT_COMPACT_END) {
        const struct history_job *job = job_find(replay->jobs, event->job);
        if (job != NULL && event->type == SCOPE_EVENT_COMPACT_END) {
            mark_inputs(tree, replay, job, runs_at(replay, event->job, position));
        } else if (job != NULL) {
            mark_inputs(tree, replay, job, false);
            if (job->end == 0 || job->failed) {
                unmark_told(tree, job);
            }
        }
    }
}
