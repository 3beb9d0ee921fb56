/* table_kit.h: what the tests of tables share: a seed, a place for files, a sorted model of
 * entries, and tables built from it.
 *
 * Threads:    one.
 * Errors:     whatever fails ends the test program with its reason. */
#ifndef TABLE_KIT_H
#define TABLE_KIT_H

#include "memtable.h"
#include "table.h"

/* LSM_TEST_SEED or a new one; printed with the command that repeats the run. */
uint64_t kit_seed(const char *program);

struct kit_rng {
    uint64_t state;
};
uint64_t kit_random(struct kit_rng *rng);
uint64_t kit_below(struct kit_rng *rng, uint64_t limit); /* [0, limit) */

/* Entries in entry order, with their bytes. */
struct kit_model {
    struct lsm_entry *entries;
    size_t count, capacity;
};
struct kit_shape {
    size_t keys;        /* distinct ones are at most this many */
    uint32_t versions;  /* of one key, at most */
    uint32_t key_max;   /* bytes */
    uint32_t value_max; /* bytes */
    uint64_t seq_base;  /* sequences lie above it */
    bool dense;         /* keys of an alphabet of three: long shared prefixes, keys that are others'
                           prefixes */
    const char *prefix; /* of every key; NULL none */
};
void kit_model_init(struct kit_model *model);
/* Adds random entries, sorts, removes doubles of (key, seq). */
void kit_model_fill(struct kit_model *model, struct kit_rng *rng, const struct kit_shape *shape);
void kit_model_add(struct kit_model *model, const char *key, size_t key_size, uint64_t seq,
                   enum lsm_type type, const void *value, size_t value_size);
void kit_model_sort(struct kit_model *model);
void kit_model_free(struct kit_model *model);
/* Index of the first entry at or after (key, seq), or count. */
size_t kit_model_find(const struct kit_model *model, const uint8_t *key, size_t key_size,
                      uint64_t seq);
/* A key that may or may not be there: one of the model's, a neighbour of one, or random. At most
 * 64 bytes more than the model's longest. */
size_t kit_model_probe(const struct kit_model *model, struct kit_rng *rng, uint8_t *key,
                       size_t room);
void kit_assert_equal(const struct lsm_entry *a, const struct lsm_entry *b);

/* Random moves of a source beside the model: both must agree after each. */
void kit_check_moves(struct lsm_source *source, const struct kit_model *model, struct kit_rng *rng,
                     size_t moves);
/* The whole model, forward and backward. */
void kit_check_walk(struct lsm_source *source, const struct kit_model *model, bool backward);

struct kit {
    struct lsm_io *io;
    struct lsm_queue *queue;
    struct lsm_block_cache *cache;
    struct lsm_tables *tables;
    struct lsm_counters *counters;
    struct lsm_counter_slot *slot;
    char directory[64];
    bool own_io;
};
/* A fresh directory on a real file system. */
void kit_open(struct kit *f, enum lsm_io_backend backend, uint64_t cache_bytes);
/* The same on an io of the caller's, in a directory that exists. */
void kit_open_on(struct kit *f, struct lsm_io *io, const char *directory, uint64_t cache_bytes);
void kit_close(struct kit *f); /* removes the directory when it made it */
void kit_path(const struct kit *f, uint64_t id, char path[128]);

struct lsm_table_writer_options kit_options(uint32_t block_bytes, double bloom_fpr);
/* Writes entries as table `id`; the meta is for kit_meta_free. */
int kit_try_build(struct kit *f, uint64_t id, const struct lsm_entry *entries, size_t count,
                  const struct lsm_table_writer_options *options, struct lsm_table_meta *meta,
                  struct lsm_fault *fault);
void kit_build(struct kit *f, uint64_t id, const struct lsm_entry *entries, size_t count,
               const struct lsm_table_writer_options *options, struct lsm_table_meta *meta);
void kit_meta_free(struct lsm_table_meta *meta);
struct lsm_table *kit_table(struct kit *f, const struct lsm_table_meta *meta);

/* Whole files, past the seam, for damage and golden bytes. The bytes are for free(). */
uint8_t *kit_slurp(const char *path, size_t *size);
void kit_spill(const char *path, const void *data, size_t size);

/* The model's entries in the order they were logged in, to be freed. */
const struct lsm_entry **kit_by_sequence(const struct kit_model *model);
/* lsm_memtable_get, which hashes the key for it. */
bool kit_get(struct lsm_memtable *table, const uint8_t *key, size_t key_size, uint64_t seq,
             struct lsm_entry *entry);

#endif
