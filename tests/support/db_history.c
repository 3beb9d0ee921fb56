/* db_history.c: see db_history.h. */
#include "db_history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HISTORY_KEYS = 80, HISTORY_OPS_MAX = 12, HISTORY_VALUE_MAX = 6000 };

struct history_op {
    char key[16];
    bool tombstone;
    uint64_t tag, size;
};
struct history_step {
    struct history_op ops[HISTORY_OPS_MAX];
    unsigned count;
    bool batch;
    enum lsm_durability durability;
};

static void draw_op(struct rng *rng, struct history_op *op) {
    *op = (struct history_op){.tombstone = rng_chance(rng, 20), .tag = rng_next(rng)};
    snprintf(op->key, sizeof op->key, "key%03u", (unsigned)rng_below(rng, HISTORY_KEYS));
    op->size = rng_below(rng, rng_chance(rng, 3) ? HISTORY_VALUE_MAX : 300);
}

static void draw_step(const struct history *history, unsigned index, struct history_step *step) {
    struct rng rng = {history->seed ^ (index + 1) * UINT64_C(0xd1342543de82ef95)};
    uint64_t durability = rng_below(&rng, 100);
    step->batch = rng_chance(&rng, 20);
    step->count = step->batch ? (unsigned)rng_range(&rng, 1, HISTORY_OPS_MAX) : 1;
    step->durability = history->only != LSM_DURABILITY_DEFAULT ? history->only
                       : durability < 12                       ? LSM_BUFFERED
                       : durability < 24                       ? LSM_SYNC
                                                               : LSM_PROCESS;
    for (unsigned i = 0; i < step->count; i++) {
        draw_op(&rng, &step->ops[i]);
    }
}

void history_init(struct history *history, uint64_t seed, unsigned steps) {
    *history = (struct history){.seed = seed, .steps = steps};
    history->seq_after = calloc(steps + 1, sizeof *history->seq_after);
    if (history->seq_after == NULL) {
        abort();
    }
    uint64_t seq = 0;
    for (unsigned i = 0; i < steps; i++) {
        struct history_step step;
        draw_step(history, i, &step);
        for (unsigned j = 0; j < step.count; j++) {
            const struct history_op *op = &step.ops[j];
            struct model_version v = {
                .seq = ++seq, .tag = op->tag, .size = op->size, .tombstone = op->tombstone};
            model_add(&history->model, op->key, strlen(op->key), &v);
        }
        history->seq_after[i + 1] = seq;
    }
}

void history_free(struct history *history) {
    free(history->seq_after);
    model_free(&history->model);
}

enum lsm_durability history_durability(const struct history *history, unsigned index) {
    struct history_step step;
    draw_step(history, index, &step);
    return step.durability;
}

static int apply_batch(const struct history_step *step, struct lsm_db *db,
                       const struct lsm_write_options *options) {
    uint8_t value[HISTORY_VALUE_MAX];
    struct lsm_batch *batch = NULL;
    int rc = lsm_batch_create(&batch);
    for (unsigned i = 0; i < step->count && rc == 0; i++) {
        const struct history_op *op = &step->ops[i];
        value_fill(value, op->tag, op->size);
        rc = op->tombstone ? lsm_batch_delete(batch, op->key, strlen(op->key))
                           : lsm_batch_put(batch, op->key, strlen(op->key), value, op->size);
    }
    if (rc == 0) {
        rc = lsm_write(db, options, batch);
    }
    lsm_batch_destroy(batch);
    return rc;
}

int history_apply(const struct history *history, struct lsm_db *db, unsigned index) {
    uint8_t value[HISTORY_VALUE_MAX];
    struct history_step step;
    draw_step(history, index, &step);
    struct lsm_write_options options = {.durability = step.durability};
    if (step.batch) {
        return apply_batch(&step, db, &options);
    }
    const struct history_op *op = &step.ops[0];
    if (op->tombstone) {
        return lsm_delete(db, &options, op->key, strlen(op->key));
    }
    value_fill(value, op->tag, op->size);
    return lsm_put(db, &options, op->key, strlen(op->key), value, op->size);
}

/* ---- what is there ---- */

struct held {
    char key[16];
    uint8_t *value;
    size_t size;
};

static bool is_state(const struct model *model, uint64_t seq, const struct held *held,
                     unsigned count) {
    unsigned n = 0;
    for (long i = model_next_live(model, 0, seq); i >= 0; i = model_next_live(model, i + 1, seq)) {
        const struct model_key *key = &model->keys[i];
        if (n == count || strlen(held[n].key) != key->size ||
            memcmp(held[n].key, key->key, key->size) != 0 ||
            !value_is(held[n].value, held[n].size, model_at(key, seq))) {
            return false;
        }
        n++;
    }
    return n == count;
}

/* Everything the database holds, forward; false on an error or an impossible key. */
static bool gather(struct lsm_db *db, struct held held[HISTORY_KEYS], unsigned *count) {
    struct lsm_iter *iter = NULL;
    bool fine = lsm_iter_create(db, NULL, &iter) == 0;
    unsigned n = 0;
    if (fine) {
        lsm_iter_first(iter);
    }
    while (fine && lsm_iter_valid(iter)) {
        struct lsm_key key = lsm_iter_key(iter), value = lsm_iter_value(iter);
        fine = n < HISTORY_KEYS && key.size < sizeof held[0].key;
        if (fine) {
            snprintf(held[n].key, sizeof held[n].key, "%.*s", (int)key.size,
                     (const char *)key.data);
            held[n].size = value.size;
            held[n].value = malloc(value.size + 1);
            fine = held[n].value != NULL;
            memcpy(held[n++].value, value.data, value.size);
            lsm_iter_next(iter);
        }
    }
    fine = fine && lsm_iter_status(iter) == 0;
    lsm_iter_destroy(iter);
    *count = n;
    return fine;
}

/* What an iterator shows, a get finds. */
static bool gets_agree(const struct model *model, uint64_t seq, struct lsm_db *db) {
    for (size_t i = 0; i < model->count; i++) {
        const struct model_version *v = model_at(&model->keys[i], seq);
        struct lsm_value value;
        int rc = lsm_get(db, NULL, model->keys[i].key, model->keys[i].size, &value);
        bool found = v != NULL && !v->tombstone;
        bool fine = found ? rc == 0 && value_is(value.data, value.size, v) : rc == LSM_NOT_FOUND;
        if (rc == 0) {
            lsm_value_release(&value);
        }
        if (!fine) {
            return false;
        }
    }
    return true;
}

long history_match(const struct history *history, struct lsm_db *db, unsigned low, unsigned high) {
    struct held held[HISTORY_KEYS];
    unsigned count = 0;
    bool fine = gather(db, held, &count);
    long found = -1;
    for (long k = (long)high; fine && found < 0 && k >= (long)low; k--) {
        if (is_state(&history->model, history->seq_after[k], held, count)) {
            found = k;
        }
    }
    for (unsigned i = 0; i < count; i++) {
        free(held[i].value);
    }
    return found >= 0 && gets_agree(&history->model, history->seq_after[found], db) ? found : -1;
}
