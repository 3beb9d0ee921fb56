/* model.h: what a database must hold: a sorted map in memory that forgets no version.
 *
 * Values are not kept but named: a tag and a size from which value_fill makes the same bytes again.
 * So versions are small, and any moment of the past can be asked for by its sequence.
 *
 * Threads:    one.
 * Errors:     memory that runs out aborts. */
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct model_version {
    uint64_t seq;
    uint64_t tag, size; /* of the value */
    bool tombstone;
    uint64_t from_s, until_s; /* Unix time just before and just after the write */
};

struct model_key {
    uint8_t *key;
    size_t size;
    struct model_version *versions; /* oldest first */
    size_t count, room;
};

struct model {
    struct model_key *keys; /* sorted as the database sorts them */
    size_t count, room;
    uint64_t last_seq;
};

void model_free(struct model *model);
/* Adds a version; its sequence must be above the key's earlier ones. */
void model_add(struct model *model, const void *key, size_t key_size,
               const struct model_version *version);
/* Forgets every version above seq, as a crash may. */
void model_cut(struct model *model, uint64_t seq);
/* The version a reader at seq meets, deletes included; NULL: none. */
const struct model_version *model_find(const struct model *model, const void *key, size_t key_size,
                                       uint64_t seq);
const struct model_version *model_at(const struct model_key *key, uint64_t seq);
/* Index of the first key at or above; count when there is none. */
size_t model_lower_bound(const struct model *model, const void *key, size_t key_size);
/* From index on (or back), the next key that a reader at seq sees with a value: its index, or -1.
 */
long model_next_live(const struct model *model, long index, uint64_t seq);
long model_prev_live(const struct model *model, long index, uint64_t seq);

/* The bytes of a value. */
void value_fill(uint8_t *bytes, uint64_t tag, uint64_t size);
bool value_is(const void *bytes, uint64_t size, const struct model_version *version);

/* Random numbers that depend on nothing but the seed. */
struct rng {
    uint64_t state;
};
uint64_t rng_next(struct rng *rng);
uint64_t rng_below(struct rng *rng, uint64_t n);                  /* 0 to n - 1 */
uint64_t rng_range(struct rng *rng, uint64_t low, uint64_t high); /* both included */
bool rng_chance(struct rng *rng, uint64_t percent);

#endif
