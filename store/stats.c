/* stats.c: gathers what is counted in many places into one struct. */
#include "check.h"
#include "compact.h"

static void add_counters(const struct lsm_db *db, struct lsm_stats *s) {
    const struct lsm_counters *c = db->counters;
    s->puts = lsm_counters_sum(c, LSM_C_PUTS);
    s->gets = lsm_counters_sum(c, LSM_C_GETS);
    s->deletes = lsm_counters_sum(c, LSM_C_DELETES);
    s->scans = lsm_counters_sum(c, LSM_C_SCANS);
    s->scan_steps = lsm_counters_sum(c, LSM_C_SCAN_STEPS);
    s->get_hits = lsm_counters_sum(c, LSM_C_GET_HITS);
    s->user_bytes_written = lsm_counters_sum(c, LSM_C_USER_BYTES_WRITTEN);
    s->user_bytes_read = lsm_counters_sum(c, LSM_C_USER_BYTES_READ);
    s->cache_hits = lsm_counters_sum(c, LSM_C_CACHE_HITS);
    s->cache_misses = lsm_counters_sum(c, LSM_C_CACHE_MISSES);
    s->bloom_checks = lsm_counters_sum(c, LSM_C_BLOOM_CHECKS);
    s->bloom_negatives = lsm_counters_sum(c, LSM_C_BLOOM_NEGATIVES);
    s->bloom_false_positives = lsm_counters_sum(c, LSM_C_BLOOM_FALSE_POSITIVES);
    s->table_probes = lsm_counters_sum(c, LSM_C_TABLE_PROBES);
}

static void add_io(const struct lsm_db *db, struct lsm_stats *s) {
    const struct lsm_io_counters *io = lsm_io_counters(db->io);
    s->io_reads = atomic_load_explicit(&io->reads, memory_order_relaxed);
    s->io_writes = atomic_load_explicit(&io->writes, memory_order_relaxed);
    s->io_read_bytes = atomic_load_explicit(&io->read_bytes, memory_order_relaxed);
    s->io_write_bytes = atomic_load_explicit(&io->write_bytes, memory_order_relaxed);
    s->io_syncs = atomic_load_explicit(&io->syncs, memory_order_relaxed);
    s->io_depth = atomic_load_explicit(&io->depth, memory_order_relaxed);
    s->io_depth_max = atomic_load_explicit(&io->depth_max, memory_order_relaxed);
    s->io_backend = lsm_io_backend(db->io);
}

/* REQUIRES: lock held. */
static void add_tree(struct lsm_db *db, struct lsm_stats *s) {
    const struct lsm_version *version = db->view->version;
    s->memtable_bytes = lsm_memtable_bytes(db->active.table);
    s->memtable_limit = db->options.memtable_bytes;
    s->memtable_entries = lsm_memtable_entries(db->active.table);
    s->sealed_count = db->sealed_count;
    for (uint32_t i = 0; i < db->sealed_count; i++) {
        s->sealed_bytes += lsm_memtable_bytes(db->sealed[i].table);
    }
    s->levels = db->options.max_levels;
    for (uint32_t l = 0; l < LSM_LEVELS_MAX; l++) {
        s->level[l].tables = version->level[l].count;
        s->level[l].bytes = version->level[l].bytes;
        s->tables += version->level[l].count;
        s->table_bytes += version->level[l].bytes;
        uint64_t target = l >= db->options.max_levels ? 0
                          : l == 0                    ? db->options.l0_trigger
                                                      : lsm_level_target(db, version, l);
        s->level[l].target = target == UINT64_MAX ? 0 : target; /* the last level has none */
    }
    s->compaction_pending_bytes = lsm_debt(db, version);
    s->compactions_running = db->compactions_running;
    s->snapshots = db->snapshot_count;
    s->stall_active = db->stall.active;
    for (size_t i = 0; i < LSM_STALL_COUNT; i++) {
        s->stall_ns[i] = lsm_stall_ns(db, (enum lsm_stall)i);
    }
}

void lsm_stats_read(const struct lsm_db *const_db, struct lsm_stats *stats) {
    *stats = (struct lsm_stats){0};
    if (lsm_enter(const_db) != 0) {
        return;
    }
    struct lsm_db *db = (struct lsm_db *)(uintptr_t)const_db; /* its lock changes */
    struct lsm_wal_stats wal;
    add_counters(db, stats);
    add_io(db, stats);
    pthread_mutex_lock(&db->lock);
    add_tree(db, stats);
    pthread_mutex_unlock(&db->lock);
    lsm_wal_stats(db->wal, &wal);
    stats->wal_bytes = wal.bytes;
    stats->wal_syncs = wal.syncs;
    stats->wal_rotations = wal.rotations;
    stats->wal_live_bytes = wal.live_bytes;
    stats->flushes = atomic_load_explicit(&db->flushes, memory_order_relaxed);
    stats->flush_bytes = atomic_load_explicit(&db->flush_bytes, memory_order_relaxed);
    stats->compactions = atomic_load_explicit(&db->compactions, memory_order_relaxed);
    stats->compaction_bytes_read =
        atomic_load_explicit(&db->compaction_bytes_read, memory_order_relaxed);
    stats->compaction_bytes_written =
        atomic_load_explicit(&db->compaction_bytes_written, memory_order_relaxed);
    stats->compaction_wait_ns = atomic_load_explicit(&db->compaction_wait_ns, memory_order_relaxed);
    stats->tombstones_dropped = atomic_load_explicit(&db->tombstones_dropped, memory_order_relaxed);
    stats->stalls = atomic_load_explicit(&db->stall.count, memory_order_relaxed);
    for (size_t i = 0; i < LSM_STALL_COUNT; i++) {
        stats->stall_ns_max[i] = atomic_load_explicit(&db->stall.ns_max[i], memory_order_relaxed);
    }
    stats->cache_bytes = lsm_block_cache_bytes(db->cache);
    stats->obsolete_bytes = atomic_load_explicit(&db->obsolete_bytes, memory_order_relaxed);
    stats->iterators = atomic_load_explicit(&db->iterators, memory_order_relaxed);
    stats->last_sequence = atomic_load_explicit(&db->visible, memory_order_relaxed);
    stats->recovered_bytes = db->recovered_bytes;
    stats->recovery_cut_bytes = db->recovery_cut_bytes;
}

void lsm_latency_read(const struct lsm_db *db, enum lsm_op op, bool reset_max,
                      struct lsm_latency *latency) {
    *latency = (struct lsm_latency){0};
    if (lsm_enter(db) == 0 && op < LSM_OP_COUNT) {
        lsm_counters_latency(db->counters, op, reset_max, latency);
    }
}
