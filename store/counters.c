/* counters.c: a slot of counters for each thread and database.
 *
 * The calling thread finds its slot in a small thread-local cache, keyed by the counters' number,
 * which is never used twice: a stale entry can only miss. Behind the cache each thread keeps a list
 * of the slots it holds; when the thread ends they are given back, if their counters still live. */
#include "counters.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

struct lsm_counters {
    uint64_t id;                             /* from 1, never used twice in this process */
    _Atomic(struct lsm_counter_slot *) head; /* grows only; release pairs with the sums' acquire */
    struct lsm_counters *next;               /* in the registry */
    _Atomic uint64_t latency_max[LSM_OP_COUNT]; /* what resets took from the slots */
    struct lsm_counter_slot shared;             /* for threads that found no memory */
};

/* What one thread holds. Only that thread touches the list. */
struct holding {
    uint64_t id;
    struct lsm_counter_slot *slot;
    struct holding *next;
};

enum { CACHE_ENTRIES = 8 };
struct cache_entry {
    uint64_t id; /* 0: empty */
    struct lsm_counter_slot *slot;
};
static _Thread_local struct cache_entry slot_cache[CACHE_ENTRIES];

/* Guards the registry of living counters and who has which slot. */
static pthread_mutex_t registry_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct lsm_counters *registry;
static uint64_t last_id;

static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t holdings_key;
static bool key_made;

/* REQUIRES: registry_mutex. */
static bool alive(uint64_t id) {
    for (const struct lsm_counters *c = registry; c != NULL; c = c->next) {
        if (c->id == id) {
            return true;
        }
    }
    return false;
}

static void give_back_all(void *first) {
    struct holding *holding = first;
    /* A later destructor of this thread may count again: it must not find what is given back. */
    memset(slot_cache, 0, sizeof slot_cache);
    pthread_mutex_lock(&registry_mutex);
    while (holding != NULL) {
        struct holding *next = holding->next;
        if (alive(holding->id)) {
            atomic_store_explicit(&holding->slot->taken, false, memory_order_release);
        }
        free(holding);
        holding = next;
    }
    pthread_mutex_unlock(&registry_mutex);
}

static void before_fork(void) {
    pthread_mutex_lock(&registry_mutex);
}
static void after_fork(void) {
    pthread_mutex_unlock(&registry_mutex);
}

static void make_key(void) {
    key_made = pthread_key_create(&holdings_key, give_back_all) == 0;
    /* A child may open databases of its own: nobody has the lock there. Fails only without memory;
     * then a fork had better come at another moment. */
    (void)pthread_atfork(before_fork, after_fork, after_fork);
}

struct lsm_counters *lsm_counters_create(void) {
    struct lsm_counters *counters = aligned_alloc(_Alignof(struct lsm_counters), sizeof *counters);
    if (counters == NULL) {
        return NULL;
    }
    memset(counters, 0, sizeof *counters);
    atomic_init(&counters->shared.taken, true);
    counters->shared.shared = true;
    atomic_init(&counters->head, &counters->shared);
    pthread_once(&key_once, make_key);
    pthread_mutex_lock(&registry_mutex);
    counters->id = ++last_id;
    counters->next = registry;
    registry = counters;
    pthread_mutex_unlock(&registry_mutex);
    return counters;
}

void lsm_counters_destroy(struct lsm_counters *counters) {
    if (counters == NULL) {
        return;
    }
    pthread_mutex_lock(&registry_mutex);
    struct lsm_counters **link = &registry;
    while (*link != counters) {
        LSM_ASSERT(*link != NULL);
        link = &(*link)->next;
    }
    *link = counters->next;
    pthread_mutex_unlock(&registry_mutex);
    struct lsm_counter_slot *slot = atomic_load_explicit(&counters->head, memory_order_acquire);
    while (slot != NULL) {
        struct lsm_counter_slot *next = slot->next;
        if (slot != &counters->shared) {
            free(slot);
        }
        slot = next;
    }
    free(counters);
}

struct lsm_counter_slot *lsm_counters_first(struct lsm_counters *counters) {
    /* Acquire pairs with the release of whoever added the slot: it is whole. */
    return atomic_load_explicit(&counters->head, memory_order_acquire);
}

/* A slot nobody has, or a new one; NULL when memory is out. REQUIRES: registry_mutex. */
static struct lsm_counter_slot *take_slot(struct lsm_counters *counters) {
    struct lsm_counter_slot *head = atomic_load_explicit(&counters->head, memory_order_relaxed);
    for (struct lsm_counter_slot *slot = head; slot != NULL; slot = slot->next) {
        /* Pairs with the release of the thread that gave it back: its plain ticks are ours now. */
        if (!atomic_load_explicit(&slot->taken, memory_order_acquire)) {
            atomic_store_explicit(&slot->taken, true, memory_order_relaxed);
            return slot;
        }
    }
    struct lsm_counter_slot *slot = aligned_alloc(_Alignof(struct lsm_counter_slot), sizeof *slot);
    if (slot == NULL) {
        return NULL;
    }
    memset(slot, 0, sizeof *slot);
    atomic_init(&slot->taken, true);
    slot->next = head;
    atomic_store_explicit(&counters->head, slot, memory_order_release);
    return slot;
}

/* Forgets what this thread held of counters that are gone. REQUIRES: registry_mutex. */
static struct holding *prune(struct holding *first) {
    struct holding **link = &first;
    while (*link != NULL) {
        struct holding *holding = *link;
        if (alive(holding->id)) {
            link = &holding->next;
        } else {
            *link = holding->next;
            free(holding);
        }
    }
    return first;
}

static struct lsm_counter_slot *hold_slot(struct lsm_counters *counters) {
    struct holding *holding = malloc(sizeof *holding);
    if (holding == NULL || !key_made) {
        free(holding);
        return &counters->shared;
    }
    pthread_mutex_lock(&registry_mutex);
    struct lsm_counter_slot *slot = take_slot(counters);
    struct holding *rest = prune(pthread_getspecific(holdings_key));
    if (slot != NULL) {
        *holding = (struct holding){.id = counters->id, .slot = slot, .next = rest};
        if (pthread_setspecific(holdings_key, holding) == 0) {
            pthread_mutex_unlock(&registry_mutex);
            return slot;
        }
        /* The thread's end would not be noticed: leave the slot to another. The list stayed what
         * it was, for setting a key that has a value needs no memory. */
        atomic_store_explicit(&slot->taken, false, memory_order_release);
    } else {
        (void)pthread_setspecific(holdings_key, rest);
    }
    pthread_mutex_unlock(&registry_mutex);
    free(holding);
    return &counters->shared;
}

__attribute__((noinline)) static struct lsm_counter_slot *find_slot(struct lsm_counters *counters) {
    struct lsm_counter_slot *slot = NULL;
    if (key_made) {
        for (struct holding *h = pthread_getspecific(holdings_key); h != NULL; h = h->next) {
            if (h->id == counters->id) {
                slot = h->slot;
                break;
            }
        }
    }
    if (slot == NULL) {
        slot = hold_slot(counters);
    }
    if (slot != &counters->shared) { /* else memory may be back the next time */
        slot_cache[counters->id % CACHE_ENTRIES] = (struct cache_entry){counters->id, slot};
    }
    return slot;
}

struct lsm_counter_slot *lsm_counters_slot(struct lsm_counters *counters) {
    const struct cache_entry *entry = &slot_cache[counters->id % CACHE_ENTRIES];
    if (__builtin_expect(entry->id == counters->id, 1)) {
        return entry->slot;
    }
    return find_slot(counters);
}

uint64_t lsm_counters_sum(const struct lsm_counters *counters, enum lsm_counter counter) {
    LSM_ASSERT(counter < LSM_C_COUNT);
    uint64_t sum = 0;
    /* Pairs with the release in take_slot. */
    const struct lsm_counter_slot *slot =
        atomic_load_explicit(&counters->head, memory_order_acquire);
    for (; slot != NULL; slot = slot->next) {
        sum += atomic_load_explicit(&slot->value[counter], memory_order_relaxed);
    }
    return sum;
}

static void raise_max(_Atomic uint64_t *max, uint64_t ns) {
    uint64_t known = atomic_load_explicit(max, memory_order_relaxed);
    while (ns > known && !atomic_compare_exchange_weak_explicit(
                             max, &known, ns, memory_order_relaxed, memory_order_relaxed)) {
    }
}

/* The slot's maximum; a reset keeps it among those since the open. */
static uint64_t slot_max(struct lsm_counters *counters, struct lsm_counter_slot *slot,
                         enum lsm_op op, bool reset) {
    uint64_t max = atomic_load_explicit(&slot->latency_max[op], memory_order_relaxed);
    if (reset) {
        raise_max(&counters->latency_max[op], max); /* before: a reader may look in between */
        /* What is stored just after the exchange counts for the next reader: nothing is lost. */
        max = atomic_exchange_explicit(&slot->latency_max[op], 0, memory_order_relaxed);
        raise_max(&counters->latency_max[op], max);
    }
    return max;
}

void lsm_counters_latency(struct lsm_counters *counters, enum lsm_op op, bool reset_max,
                          struct lsm_latency *latency) {
    LSM_ASSERT(op < LSM_OP_COUNT);
    memset(latency, 0, sizeof *latency);
    struct lsm_counter_slot *slot = atomic_load_explicit(&counters->head, memory_order_acquire);
    for (; slot != NULL; slot = slot->next) {
        for (unsigned i = 0; i < LSM_LATENCY_BUCKETS; i++) {
            latency->count[i] += atomic_load_explicit(&slot->latency[op][i], memory_order_relaxed);
        }
        uint64_t max = slot_max(counters, slot, op, reset_max);
        latency->max_ns = max > latency->max_ns ? max : latency->max_ns;
    }
    if (!reset_max) {
        uint64_t max = atomic_load_explicit(&counters->latency_max[op], memory_order_relaxed);
        latency->max_ns = max > latency->max_ns ? max : latency->max_ns;
    }
}

void lsm_count_latency(struct lsm_counter_slot *slot, enum lsm_op op, uint64_t ns,
                       uint64_t weight) {
    LSM_ASSERT(op < LSM_OP_COUNT);
    _Atomic uint64_t *bucket = &slot->latency[op][lsm_bucket_of(ns)];
    uint64_t count = atomic_load_explicit(bucket, memory_order_relaxed);
    atomic_store_explicit(bucket, count + weight, memory_order_relaxed);
    if (ns > atomic_load_explicit(&slot->latency_max[op], memory_order_relaxed)) {
        atomic_store_explicit(&slot->latency_max[op], ns, memory_order_relaxed);
    }
}
