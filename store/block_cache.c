#include "block_cache.h"

#include <pthread.h>
#include <stdlib.h>

#include "check.h"

enum {
    SHARDS = 16,
    BUCKETS_MIN = 64,
    SPARES_MAX = 128,       /* two batches of blocks */
    SPARE_ROOM_MAX = 8192,  /* and at most a mebibyte */
    SPARE_ROOM_STEP = 1024, /* so that blocks of about the same size can follow each other */
};

struct shard {
    _Alignas(128) pthread_mutex_t lock;
    /* All guarded by lock. */
    struct lsm_block **buckets;
    size_t bucket_count; /* power of two */
    size_t count;
    uint64_t bytes, capacity;
    struct lsm_block *oldest, *newest;
    struct lsm_block *hand; /* where eviction goes on; NULL: at the oldest */
};

struct lsm_block_cache {
    struct shard shard[SHARDS];
    _Alignas(128) _Atomic uint64_t bytes; /* of all living blocks, kept or only pinned */

    pthread_mutex_t spare_lock;
    struct lsm_block *spare; /* free ones, by chain; guarded by spare_lock, like their number */
    uint32_t spare_count;
};

static uint64_t charge(const struct lsm_block *block) {
    return sizeof *block + block->length;
}

static uint64_t hash_of(uint64_t table_id, uint64_t offset) {
    uint64_t h = (table_id * UINT64_C(0x9e3779b97f4a7c15)) ^ offset;
    h = (h ^ h >> 32) * UINT64_C(0xd6e8feb86659fd93);
    return h ^ h >> 32;
}

static struct shard *shard_of(struct lsm_block_cache *cache, uint64_t hash) {
    return &cache->shard[hash >> 60];
}
static_assert(SHARDS == 16, "the shard is the hash's upper four bits");

struct lsm_block_cache *lsm_block_cache_create(uint64_t bytes) {
    struct lsm_block_cache *cache = aligned_alloc(128, sizeof *cache);
    if (cache == NULL) {
        return NULL;
    }
    memset(cache, 0, sizeof *cache);
    int mutex = pthread_mutex_init(&cache->spare_lock, NULL);
    LSM_ASSERT(mutex == 0);
    size_t ready = 0;
    for (; ready < SHARDS; ready++) {
        struct shard *shard = &cache->shard[ready];
        shard->buckets = calloc(BUCKETS_MIN, sizeof(struct lsm_block *));
        if (shard->buckets == NULL) {
            break;
        }
        shard->bucket_count = BUCKETS_MIN;
        shard->capacity = bytes / SHARDS;
        int rc = pthread_mutex_init(&shard->lock, NULL);
        LSM_ASSERT(rc == 0); /* fails for lack of resources only where a mutex has any */
    }
    if (ready == SHARDS) {
        return cache;
    }
    while (ready-- > 0) {
        free(cache->shard[ready].buckets);
        pthread_mutex_destroy(&cache->shard[ready].lock);
    }
    pthread_mutex_destroy(&cache->spare_lock);
    free(cache);
    return NULL;
}

void lsm_block_cache_destroy(struct lsm_block_cache *cache) {
    if (cache == NULL) {
        return;
    }
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &cache->shard[i];
        struct lsm_block *block = shard->oldest;
        while (block != NULL) {
            struct lsm_block *newer = block->newer;
            lsm_block_unref(block);
            block = newer;
        }
        free(shard->buckets);
        pthread_mutex_destroy(&shard->lock);
    }
    LSM_ASSERT(atomic_load_explicit(&cache->bytes, memory_order_relaxed) == 0);
    while (cache->spare != NULL) {
        struct lsm_block *next = cache->spare->chain;
        free(cache->spare);
        cache->spare = next;
    }
    pthread_mutex_destroy(&cache->spare_lock);
    free(cache);
}

uint64_t lsm_block_cache_bytes(const struct lsm_block_cache *cache) {
    return atomic_load_explicit(&cache->bytes, memory_order_relaxed);
}

/* ---- blocks ---- */

static void release_pin(struct lsm_pin *pin) {
    lsm_block_unref((struct lsm_block *)(void *)pin);
}

/* A spare of at least `room` bytes, or NULL. Only the first is looked at: nearly all blocks of a
 * database have room for the same. */
static struct lsm_block *take_spare(struct lsm_block_cache *cache, uint32_t room) {
    pthread_mutex_lock(&cache->spare_lock);
    struct lsm_block *block = cache->spare;
    if (block != NULL && block->room >= room) {
        cache->spare = block->chain;
        cache->spare_count--;
    } else {
        block = NULL;
    }
    pthread_mutex_unlock(&cache->spare_lock);
    return block;
}

static void free_block(struct lsm_block *block) {
    struct lsm_block_cache *cache = block->cache;
    bool kept = false;
    if (block->room <= SPARE_ROOM_MAX) {
        pthread_mutex_lock(&cache->spare_lock);
        kept = cache->spare_count < SPARES_MAX;
        if (kept) {
            block->chain = cache->spare;
            cache->spare = block;
            cache->spare_count++;
        }
        pthread_mutex_unlock(&cache->spare_lock);
    }
    if (!kept) {
        free(block);
    }
}

struct lsm_block *lsm_block_create(struct lsm_block_cache *cache, uint64_t table_id,
                                   uint64_t offset, uint32_t length) {
    LSM_ASSERT(cache != NULL && length >= LSM_BLOCK_LENGTH_MIN);
    uint32_t room = (length + SPARE_ROOM_STEP - 1) / SPARE_ROOM_STEP * SPARE_ROOM_STEP;
    struct lsm_block *block = room <= SPARE_ROOM_MAX ? take_spare(cache, room) : NULL;
    if (block == NULL) {
        block = malloc(sizeof *block + room);
        if (block == NULL) {
            return NULL;
        }
        block->room = room;
    }
    *block = (struct lsm_block){.pin = {release_pin},
                                .length = length,
                                .room = block->room,
                                .cache = cache,
                                .table_id = table_id,
                                .offset = offset};
    atomic_init(&block->refs, 1);
    atomic_fetch_add_explicit(&cache->bytes, charge(block), memory_order_relaxed);
    return block;
}

void lsm_block_unref(struct lsm_block *block) {
    /* Release: what this thread read of the block is before its end. Acquire: the last one frees
     * after everybody's reads. */
    uint32_t before = atomic_fetch_sub_explicit(&block->refs, 1, memory_order_acq_rel);
    LSM_ASSERT(before >= 1);
    if (before == 1) {
        atomic_fetch_sub_explicit(&block->cache->bytes, charge(block), memory_order_relaxed);
        free_block(block);
    }
}

/* ---- one shard, under its lock ---- */

static struct lsm_block **slot_of(struct shard *shard, uint64_t hash, uint64_t table_id,
                                  uint64_t offset) {
    struct lsm_block **slot = &shard->buckets[hash & (shard->bucket_count - 1)];
    while (*slot != NULL && ((*slot)->offset != offset || (*slot)->table_id != table_id)) {
        slot = &(*slot)->chain;
    }
    return slot;
}

/* Takes the block out; the cache's reference is the caller's now. */
static void unlink_block(struct shard *shard, struct lsm_block **slot) {
    struct lsm_block *block = *slot;
    *slot = block->chain;
    if (shard->hand == block) {
        shard->hand = block->newer;
    }
    *(block->older != NULL ? &block->older->newer : &shard->oldest) = block->newer;
    *(block->newer != NULL ? &block->newer->older : &shard->newest) = block->older;
    LSM_ASSERT(shard->count >= 1 && shard->bytes >= charge(block));
    shard->count--;
    shard->bytes -= charge(block);
}

/* Doubles the buckets when chains grow; without memory they just stay long. */
static void grow_buckets(struct shard *shard) {
    size_t count = shard->bucket_count * 2;
    struct lsm_block **buckets = calloc(count, sizeof *buckets);
    if (buckets == NULL) {
        return;
    }
    for (struct lsm_block *block = shard->oldest; block != NULL; block = block->newer) {
        struct lsm_block **slot = &buckets[hash_of(block->table_id, block->offset) & (count - 1)];
        block->chain = *slot;
        *slot = block;
    }
    free(shard->buckets);
    shard->buckets = buckets;
    shard->bucket_count = count;
}

/* Evicts until `bytes` fit; what goes is chained into *evicted, to be released without the lock.
 * Each block is passed at most twice: once to lose its mark, once to go; what stays then is pinned.
 */
static bool make_room(struct shard *shard, uint64_t bytes, struct lsm_block **evicted) {
    if (bytes > shard->capacity) {
        return false;
    }
    size_t steps = 2 * shard->count;
    while (shard->bytes + bytes > shard->capacity && steps-- > 0) {
        struct lsm_block *block = shard->hand != NULL ? shard->hand : shard->oldest;
        if (block == NULL) {
            break;
        }
        shard->hand = block->newer;
        bool pinned = atomic_load_explicit(&block->refs, memory_order_relaxed) > 1;
        if (block->marked || pinned) {
            block->marked = false;
            continue;
        }
        uint64_t hash = hash_of(block->table_id, block->offset);
        struct lsm_block **slot = slot_of(shard, hash, block->table_id, block->offset);
        LSM_ASSERT(*slot == block);
        unlink_block(shard, slot);
        block->chain = *evicted;
        *evicted = block;
    }
    return shard->bytes + bytes <= shard->capacity;
}

static void link_block(struct shard *shard, uint64_t hash, struct lsm_block *block) {
    if (shard->count >= shard->bucket_count) {
        grow_buckets(shard);
    }
    struct lsm_block **bucket = &shard->buckets[hash & (shard->bucket_count - 1)];
    block->chain = *bucket;
    *bucket = block;
    block->newer = NULL;
    block->older = shard->newest;
    *(shard->newest != NULL ? &shard->newest->newer : &shard->oldest) = block;
    shard->newest = block;
    shard->count++;
    shard->bytes += charge(block);
    atomic_fetch_add_explicit(&block->refs, 1, memory_order_relaxed);
}

/* ---- the cache ---- */

struct lsm_block *lsm_block_cache_find(struct lsm_block_cache *cache, uint64_t table_id,
                                       uint64_t offset) {
    uint64_t hash = hash_of(table_id, offset);
    struct shard *shard = shard_of(cache, hash);
    pthread_mutex_lock(&shard->lock);
    struct lsm_block *block = *slot_of(shard, hash, table_id, offset);
    if (block != NULL) {
        block->marked = true;
        atomic_fetch_add_explicit(&block->refs, 1, memory_order_relaxed);
    }
    pthread_mutex_unlock(&shard->lock);
    return block;
}

struct lsm_block *lsm_block_cache_insert(struct lsm_block_cache *cache, struct lsm_block *block) {
    LSM_ASSERT(block->cache == cache);
    uint64_t hash = hash_of(block->table_id, block->offset);
    struct shard *shard = shard_of(cache, hash);
    struct lsm_block *evicted = NULL;
    pthread_mutex_lock(&shard->lock);
    struct lsm_block *there = *slot_of(shard, hash, block->table_id, block->offset);
    if (there != NULL) {
        LSM_ASSERT(there != block);
        atomic_fetch_add_explicit(&there->refs, 1, memory_order_relaxed);
    } else if (make_room(shard, charge(block), &evicted)) {
        link_block(shard, hash, block);
    }
    pthread_mutex_unlock(&shard->lock);
    while (evicted != NULL) {
        struct lsm_block *next = evicted->chain;
        lsm_block_unref(evicted);
        evicted = next;
    }
    if (there != NULL) {
        lsm_block_unref(block);
        return there;
    }
    return block;
}

void lsm_block_cache_drop(struct lsm_block_cache *cache, uint64_t table_id, uint64_t offset) {
    uint64_t hash = hash_of(table_id, offset);
    struct shard *shard = shard_of(cache, hash);
    pthread_mutex_lock(&shard->lock);
    struct lsm_block **slot = slot_of(shard, hash, table_id, offset);
    struct lsm_block *block = *slot;
    if (block != NULL) {
        unlink_block(shard, slot);
    }
    pthread_mutex_unlock(&shard->lock);
    if (block != NULL) {
        lsm_block_unref(block);
    }
}
