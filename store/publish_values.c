/* publish_values.c: the engine's counters and gauges as metrics of a sample. */
#include "publish_values.h"

struct value {
    uint32_t id;
    uint64_t value;
};

static void set_all(const struct scope_writer *writer, struct scope_sample *sample,
                    const struct value *values, size_t n) {
    for (size_t i = 0; i < n; i++) {
        scope_sample_set(writer, sample, values[i].id, values[i].value);
    }
}

static void set_operations(const struct scope_writer *writer, struct scope_sample *sample,
                           const struct lsm_stats *s) {
    const struct value values[] = {
        {SCOPE_M_OPS_PUT, s->puts},
        {SCOPE_M_OPS_GET, s->gets},
        {SCOPE_M_OPS_DELETE, s->deletes},
        {SCOPE_M_OPS_SCAN, s->scans},
        {SCOPE_M_OPS_SCAN_STEPS, s->scan_steps},
        {SCOPE_M_GET_HITS, s->get_hits},
        {SCOPE_M_USER_BYTES_WRITTEN, s->user_bytes_written},
        {SCOPE_M_USER_BYTES_READ, s->user_bytes_read},
        {SCOPE_M_MEMTABLE_BYTES, s->memtable_bytes},
        {SCOPE_M_MEMTABLE_LIMIT, s->memtable_limit},
        {SCOPE_M_SEALED_BYTES, s->sealed_bytes},
        {SCOPE_M_SEALED_COUNT, s->sealed_count},
        {SCOPE_M_MEMTABLE_ENTRIES, s->memtable_entries},
        {SCOPE_M_CACHE_HITS, s->cache_hits},
        {SCOPE_M_CACHE_MISSES, s->cache_misses},
        {SCOPE_M_CACHE_BYTES, s->cache_bytes},
        {SCOPE_M_BLOOM_CHECKS, s->bloom_checks},
        {SCOPE_M_BLOOM_NEGATIVES, s->bloom_negatives},
        {SCOPE_M_BLOOM_FALSE_POSITIVES, s->bloom_false_positives},
        {SCOPE_M_TABLE_PROBES, s->table_probes},
        {SCOPE_M_SNAPSHOTS, s->snapshots},
        {SCOPE_M_ITERATORS, s->iterators},
        {SCOPE_M_LAST_SEQUENCE, s->last_sequence},
    };
    set_all(writer, sample, values, sizeof values / sizeof values[0]);
}

static void set_background(const struct scope_writer *writer, struct scope_sample *sample,
                           const struct lsm_stats *s) {
    const struct value values[] = {
        {SCOPE_M_WAL_BYTES, s->wal_bytes},
        {SCOPE_M_WAL_SYNCS, s->wal_syncs},
        {SCOPE_M_WAL_ROTATIONS, s->wal_rotations},
        {SCOPE_M_WAL_LIVE_BYTES, s->wal_live_bytes},
        {SCOPE_M_FLUSHES, s->flushes},
        {SCOPE_M_FLUSH_BYTES, s->flush_bytes},
        {SCOPE_M_COMPACTIONS, s->compactions},
        {SCOPE_M_COMPACTION_BYTES_READ, s->compaction_bytes_read},
        {SCOPE_M_COMPACTION_BYTES_WRITTEN, s->compaction_bytes_written},
        {SCOPE_M_COMPACTIONS_RUNNING, s->compactions_running},
        {SCOPE_M_COMPACTION_PENDING_BYTES, s->compaction_pending_bytes},
        {SCOPE_M_TOMBSTONES_DROPPED, s->tombstones_dropped},
        {SCOPE_M_STALL_ACTIVE, (uint64_t)s->stall_active},
        {SCOPE_M_STALLS, s->stalls},
        {SCOPE_M_STALL_NS_L0_SLOW, s->stall_ns[LSM_STALL_L0_SLOW]},
        {SCOPE_M_STALL_NS_L0_STOP, s->stall_ns[LSM_STALL_L0_STOP]},
        {SCOPE_M_STALL_NS_MEMTABLE, s->stall_ns[LSM_STALL_MEMTABLE]},
        {SCOPE_M_STALL_NS_DEBT_SLOW, s->stall_ns[LSM_STALL_DEBT_SLOW]},
        {SCOPE_M_STALL_NS_DEBT_STOP, s->stall_ns[LSM_STALL_DEBT_STOP]},
        {SCOPE_M_STALL_NS_INLINE, s->stall_ns[LSM_STALL_INLINE]},
        {SCOPE_M_IO_READS, s->io_reads},
        {SCOPE_M_IO_WRITES, s->io_writes},
        {SCOPE_M_IO_READ_BYTES, s->io_read_bytes},
        {SCOPE_M_IO_WRITE_BYTES, s->io_write_bytes},
        {SCOPE_M_IO_SYNCS, s->io_syncs},
        {SCOPE_M_IO_DEPTH, s->io_depth},
        {SCOPE_M_IO_DEPTH_MAX, s->io_depth_max},
        {SCOPE_M_IO_BACKEND, s->io_backend == LSM_IO_URING ? 0 : 1},
        {SCOPE_M_TABLES, s->tables},
        {SCOPE_M_TABLE_BYTES, s->table_bytes},
        {SCOPE_M_OBSOLETE_BYTES, s->obsolete_bytes},
    };
    set_all(writer, sample, values, sizeof values / sizeof values[0]);
    for (uint32_t l = 0; l < s->levels; l++) {
        scope_sample_set(writer, sample, SCOPE_M_LEVEL_TABLES + l, s->level[l].tables);
        scope_sample_set(writer, sample, SCOPE_M_LEVEL_BYTES + l, s->level[l].bytes);
        if (s->level[l].target > 0) {
            scope_sample_set(writer, sample, SCOPE_M_LEVEL_TARGET + l, s->level[l].target);
        }
    }
}

void lsm_publish_values(const struct scope_writer *writer, struct scope_sample *sample,
                        const struct lsm_stats *stats) {
    set_operations(writer, sample, stats);
    set_background(writer, sample, stats);
}
