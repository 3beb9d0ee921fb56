/* table_cache.c: the open tables, at most about so many. Eight shards by table number, each under a
 * lock that is never held across I/O. The least used go first: a table that was asked for since it
 * last came up for closing gets another round. Pinned ones stay. */
#include <stdlib.h>

#include "check.h"
#include "manifest.h"
#include "table_direct.h"

enum {
    SHARDS = 8,
    BUCKETS_MIN = 16,
    OPENING_MAX = 4, /* of a shard; more are opened without being noted */
};

struct shard {
    _Alignas(128) pthread_mutex_t lock;
    /* All guarded by lock. */
    struct lsm_table **buckets;
    uint32_t bucket_count; /* power of two, at least the limit */
    struct lsm_table *oldest, *newest;
    uint32_t count, limit;
    uint32_t pinned; /* by metas: at most half of the limit */
    /* Tables that somebody is opening, and that others wait for rather than open them too. */
    uint64_t opening[OPENING_MAX];
    uint32_t opening_count;
    struct lsm_cond opened; /* one of them is open, or cannot be opened */
};

struct lsm_tables {
    struct shard shard[SHARDS];
    struct lsm_io *io;
    struct lsm_block_cache *cache;
    struct lsm_page_pool *pool;
    char *directory;
    bool map;            /* tables are mapped when opened */
    uint64_t fresh_from; /* tables from this number on were written by this process */
};

static struct shard *shard_of(struct lsm_tables *tables, uint64_t id) {
    return &tables->shard[id % SHARDS];
}

static struct lsm_table **slot_of(struct shard *shard, uint64_t id) {
    struct lsm_table **slot = &shard->buckets[id / SHARDS & (shard->bucket_count - 1)];
    while (*slot != NULL && (*slot)->id != id) {
        slot = &(*slot)->chain;
    }
    return slot;
}

/* False: out of memory. Nothing is held then. */
static bool shard_init(struct shard *shard, uint32_t limit) {
    shard->limit = limit;
    shard->bucket_count = BUCKETS_MIN;
    while (shard->bucket_count < limit) {
        shard->bucket_count *= 2;
    }
    shard->buckets = calloc(shard->bucket_count, sizeof(struct lsm_table *));
    if (shard->buckets == NULL) {
        return false;
    }
    int rc = pthread_mutex_init(&shard->lock, NULL);
    LSM_ASSERT(rc == 0);
    lsm_cond_init(&shard->opened);
    return true;
}

static void shard_end(struct shard *shard) {
    struct lsm_table *table = shard->oldest;
    while (table != NULL) {
        struct lsm_table *newer = table->newer;
        LSM_ASSERT(atomic_load_explicit(&table->refs, memory_order_relaxed) == 1);
        lsm_table_release(table);
        table = newer;
    }
    LSM_ASSERT(shard->opening_count == 0);
    free(shard->buckets);
    lsm_cond_destroy(&shard->opened);
    pthread_mutex_destroy(&shard->lock);
}

int lsm_tables_create(struct lsm_io *io, const char *directory, uint32_t open_max,
                      struct lsm_block_cache *cache, struct lsm_tables **tables,
                      struct lsm_fault *fault) {
    LSM_ASSERT(open_max >= 1 && open_max <= UINT32_MAX / 4 && cache != NULL);
    size_t ready = 0;
    char *copy = strdup(directory);
    struct lsm_tables *made = aligned_alloc(128, sizeof *made);
    if (made == NULL || copy == NULL) {
        goto fail;
    }
    memset(made, 0, sizeof *made);
    made->io = io;
    made->cache = cache;
    made->directory = copy;
    for (; ready < SHARDS; ready++) {
        if (!shard_init(&made->shard[ready], (open_max + SHARDS - 1) / SHARDS)) {
            goto fail;
        }
    }
    *tables = made;
    return 0;
fail:
    while (ready-- > 0) {
        shard_end(&made->shard[ready]);
    }
    free(made);
    free(copy);
    return lsm_fail(fault, LSM_ERR_MEMORY, "%s: no memory for the table cache", directory);
}

void lsm_tables_map(struct lsm_tables *tables, uint64_t fresh_from) {
    tables->map = true;
    tables->fresh_from = fresh_from;
}

void lsm_tables_use_pool(struct lsm_tables *tables, struct lsm_page_pool *pool) {
    tables->pool = pool;
}

void lsm_tables_destroy(struct lsm_tables *tables) {
    if (tables == NULL) {
        return;
    }
    for (size_t i = 0; i < SHARDS; i++) {
        shard_end(&tables->shard[i]);
    }
    free(tables->directory);
    free(tables);
}

static void list_remove(struct shard *shard, struct lsm_table *table) {
    *(table->older != NULL ? &table->older->newer : &shard->oldest) = table->newer;
    *(table->newer != NULL ? &table->newer->older : &shard->newest) = table->older;
}

static void list_append(struct shard *shard, struct lsm_table *table) {
    table->newer = NULL;
    table->older = shard->newest;
    *(shard->newest != NULL ? &shard->newest->newer : &shard->oldest) = table;
    shard->newest = table;
}

static void unlink_table(struct shard *shard, struct lsm_table **slot) {
    struct lsm_table *table = *slot;
    LSM_ASSERT(shard->count >= 1);
    *slot = table->chain;
    list_remove(shard, table);
    shard->count--;
}

/* Takes out what is over the limit and used by nobody; returns it chained, to be released without
 * the lock. Each table comes up at most twice. */
static struct lsm_table *trim(struct shard *shard) {
    struct lsm_table *out = NULL;
    for (uint32_t steps = 2 * shard->count; shard->count > shard->limit && steps > 0; steps--) {
        struct lsm_table *table = shard->oldest;
        bool used = atomic_load_explicit(&table->refs, memory_order_relaxed) > 1;
        if (table->marked || used) {
            table->marked = false;
            list_remove(shard, table);
            list_append(shard, table);
            continue;
        }
        unlink_table(shard, slot_of(shard, table->id));
        table->chain = out;
        out = table;
    }
    return out;
}

static void release_chain(struct lsm_table *table) {
    while (table != NULL) {
        struct lsm_table *next = table->chain;
        lsm_table_release(table);
        table = next;
    }
}

static bool is_opening(const struct shard *shard, uint64_t id) {
    for (uint32_t i = 0; i < shard->opening_count; i++) {
        if (shard->opening[i] == id) {
            return true;
        }
    }
    return false;
}

/* The open table with a reference for the caller; NULL: it is not open, and the caller opens it:
 * *noted tells whether others wait for that. */
static struct lsm_table *find(struct lsm_tables *tables, struct shard *shard, uint64_t id,
                              bool *noted) {
    struct lsm_table *table;
    pthread_mutex_lock(&shard->lock);
    while ((table = *slot_of(shard, id)) == NULL && is_opening(shard, id)) {
        (void)lsm_cond_wait(tables->io, &shard->opened, &shard->lock, 0);
    }
    *noted = false;
    if (table != NULL) {
        table->marked = true;
        atomic_fetch_add_explicit(&table->refs, 1, memory_order_relaxed);
    } else if (shard->opening_count < OPENING_MAX && lsm_io_has_threads(tables->io)) {
        /* Without threads a wait runs other work on top of this: it would wait for itself. */
        shard->opening[shard->opening_count++] = id;
        *noted = true;
    }
    pthread_mutex_unlock(&shard->lock);
    return table;
}

static void end_opening(struct shard *shard, uint64_t id) {
    pthread_mutex_lock(&shard->lock);
    uint32_t i = 0;
    while (shard->opening[i] != id) {
        i++;
        LSM_ASSERT(i < shard->opening_count);
    }
    shard->opening[i] = shard->opening[--shard->opening_count];
    pthread_mutex_unlock(&shard->lock);
    lsm_cond_broadcast(&shard->opened);
}

bool lsm_tables_is_opening(struct lsm_tables *tables, uint64_t id) {
    struct shard *shard = shard_of(tables, id);
    pthread_mutex_lock(&shard->lock);
    bool opening = is_opening(shard, id);
    pthread_mutex_unlock(&shard->lock);
    return opening;
}

/* Keeps a newly opened table, unless another thread was faster; the caller's reference moves to
 * what is returned. */
static struct lsm_table *keep(struct shard *shard, struct lsm_table *table) {
    struct lsm_table *closing = NULL;
    pthread_mutex_lock(&shard->lock);
    struct lsm_table **slot = slot_of(shard, table->id);
    struct lsm_table *there = *slot;
    if (there != NULL) {
        atomic_fetch_add_explicit(&there->refs, 1, memory_order_relaxed);
    } else {
        atomic_fetch_add_explicit(&table->refs, 1, memory_order_relaxed);
        *slot = table;
        table->chain = NULL;
        list_append(shard, table);
        shard->count++;
        closing = trim(shard);
    }
    pthread_mutex_unlock(&shard->lock);
    release_chain(closing);
    if (there != NULL) {
        lsm_table_release(table);
        return there;
    }
    return table;
}

static int open_table(struct lsm_tables *tables, const struct lsm_table_meta *meta,
                      struct lsm_table **table, struct lsm_fault *fault) {
    char path[LSM_PATH_MAX];
    lsm_file_name(path, tables->directory, LSM_NAME_TABLE, meta->id);
    int rc = tables->map
                 ? lsm_table_open_mapped(tables->io, path, meta->id, tables->cache, tables->pool,
                                         meta, table, fault)
                 : lsm_table_open(tables->io, path, meta->id, tables->cache, meta, table, fault);
    if (rc == 0) {
        (*table)->fresh = tables->map && meta->id >= tables->fresh_from;
        lsm_table_look_whether_cold(*table);
    }
    return rc;
}

int lsm_tables_get(struct lsm_tables *tables, const struct lsm_table_meta *meta,
                   struct lsm_table **table, struct lsm_fault *fault) {
    struct shard *shard = shard_of(tables, meta->id);
    bool noted;
    int rc = 0;
    *table = find(tables, shard, meta->id, &noted);
    if (*table == NULL) {
        struct lsm_table *opened;
        rc = open_table(tables, meta, &opened, fault);
        if (rc == 0) {
            *table = keep(shard, opened);
        }
        if (noted) {
            end_opening(shard, meta->id);
        }
    }
    return rc;
}

void lsm_tables_pin(struct lsm_tables *tables, struct lsm_table_meta *meta,
                    struct lsm_table *table) {
    struct shard *shard = shard_of(tables, meta->id);
    LSM_ASSERT(meta->id == table->id);
    pthread_mutex_lock(&shard->lock);
    if (atomic_load_explicit(&meta->open, memory_order_relaxed) == NULL &&
        shard->pinned < shard->limit / 2) {
        shard->pinned++;
        atomic_fetch_add_explicit(&table->refs, 1, memory_order_relaxed);
        atomic_store_explicit(&meta->open, table, memory_order_release);
    }
    pthread_mutex_unlock(&shard->lock);
}

bool lsm_tables_open_ahead(struct lsm_tables *tables, struct lsm_table_meta *meta) {
    struct lsm_table *table;
    struct lsm_fault ignored;
    if (lsm_tables_get(tables, meta, &table, &ignored) != 0) {
        return false;
    }
    lsm_tables_pin(tables, meta, table);
    lsm_table_release(table);
    return true;
}

void lsm_tables_unpin(struct lsm_tables *tables, struct lsm_table_meta *meta) {
    struct lsm_table *table = atomic_exchange_explicit(&meta->open, NULL, memory_order_acquire);
    if (table != NULL) {
        struct shard *shard = shard_of(tables, meta->id);
        pthread_mutex_lock(&shard->lock);
        LSM_ASSERT(shard->pinned > 0);
        shard->pinned--;
        pthread_mutex_unlock(&shard->lock);
        lsm_table_release(table);
    }
}

void lsm_tables_evict(struct lsm_tables *tables, uint64_t id) {
    struct shard *shard = shard_of(tables, id);
    pthread_mutex_lock(&shard->lock);
    struct lsm_table **slot = slot_of(shard, id);
    struct lsm_table *table = *slot;
    if (table != NULL) {
        unlink_table(shard, slot);
    }
    pthread_mutex_unlock(&shard->lock);
    if (table != NULL) {
        atomic_store_explicit(&table->obsolete, true, memory_order_relaxed);
        lsm_table_release(table);
    }
}
