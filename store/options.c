/* options.c: the defaults, and what is allowed. The one place that knows either. */
#include "db.h"
#include "table_format.h"

static_assert((int)LSM_COMPRESSION_NONE == (int)LSM_CODEC_NONE &&
                  (int)LSM_COMPRESSION_LZ4 == (int)LSM_CODEC_LZ4 &&
                  (int)LSM_COMPRESSION_ZSTD == (int)LSM_CODEC_ZSTD,
              "an option is the codec that is persisted");

struct lsm_options lsm_options_default(void) {
    return (struct lsm_options){
        .create_if_missing = true,
        .durability = LSM_PROCESS,
        .async_compaction = true,
        .max_levels = 7,
        .memtable_bytes = UINT64_C(64) << 20,
        .memtables_max = 3,
        .table_bytes = UINT64_C(64) << 20,
        .block_bytes = 4 << 10,
        .bloom_fpr = 0.01,
        .cache_bytes = UINT64_C(128) << 20,
        .tables_open_max = 1000,
        .l0_trigger = 4,
        .l0_slowdown = 12,
        .l0_stop = 20,
        .level_ratio = 10,
        .debt_slowdown_bytes = UINT64_C(64) << 30,
        .debt_stop_bytes = UINT64_C(256) << 30,
        .background_threads = 2,
        .map_tables = true,
        .policy = LSM_LEVELED,
        .io_backend = LSM_IO_AUTO,
    };
}

static int check_range(const char *name, uint64_t value, uint64_t low, uint64_t high,
                       struct lsm_fault *fault) {
    if (value >= low && value <= high) {
        return 0;
    }
    return lsm_fail(fault, LSM_ERR_ARGUMENT, "%s is %llu: %llu to %llu are allowed", name,
                    (unsigned long long)value, (unsigned long long)low, (unsigned long long)high);
}

static int check_numbers(const struct lsm_options *o, struct lsm_fault *fault) {
    const struct {
        const char *name;
        uint64_t value, low, high;
    } rules[] = {
        {"max_levels", o->max_levels, 2, LSM_LEVELS_MAX},
        {"memtable_bytes", o->memtable_bytes, 4096, UINT64_C(4) << 30},
        {"memtables_max", o->memtables_max, 2, LSM_MEMTABLES_LIMIT},
        {"table_bytes", o->table_bytes, 4096, UINT64_C(4) << 30},
        {"block_bytes", o->block_bytes, 512, 1 << 20},
        {"cache_bytes", o->cache_bytes, 0, UINT64_C(1) << 40},
        {"tables_open_max", o->tables_open_max, 16, 1000000},
        {"l0_trigger", o->l0_trigger, 1, 1000},
        {"l0_slowdown", o->l0_slowdown, o->l0_trigger, 100000},
        {"l0_stop", o->l0_stop, o->l0_slowdown, 100000},
        {"level_ratio", o->level_ratio, 2, 100},
        {"debt_slowdown_bytes", o->debt_slowdown_bytes, 1, UINT64_MAX},
        {"debt_stop_bytes", o->debt_stop_bytes, o->debt_slowdown_bytes, UINT64_MAX},
        {"compaction_rate", o->compaction_rate, 0, UINT64_C(1) << 50},
        {"background_threads", o->background_threads, 1, 64},
        {"durability", (uint64_t)o->durability, LSM_BUFFERED, LSM_SYNC},
        {"policy", (uint64_t)o->policy, LSM_LEVELED, LSM_LAZY_LEVELED},
        {"io_backend", (uint64_t)o->io_backend, LSM_IO_AUTO, LSM_IO_POSIX},
    };
    int rc = 0;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0] && rc == 0; i++) {
        rc = check_range(rules[i].name, rules[i].value, rules[i].low, rules[i].high, fault);
    }
    return rc;
}

int lsm_options_check(const struct lsm_options *options, struct lsm_options *effective,
                      struct lsm_fault *fault) {
    struct lsm_options o = options != NULL ? *options : lsm_options_default();
    /* A raised trigger moves limits that were left at their defaults along with it. */
    struct lsm_options standard = lsm_options_default();
    if (o.l0_slowdown == standard.l0_slowdown && o.l0_slowdown < 3 * o.l0_trigger) {
        o.l0_slowdown = 3 * o.l0_trigger;
    }
    if (o.l0_stop == standard.l0_stop && o.l0_stop < 5 * o.l0_trigger) {
        o.l0_stop = 5 * o.l0_trigger;
    }
    int rc = check_numbers(&o, fault);
    if (rc != 0) {
        return rc;
    }
    for (uint32_t l = 0; l < LSM_LEVELS_MAX && rc == 0; l++) {
        rc = check_range("compression", (uint64_t)o.compression[l], LSM_COMPRESSION_NONE,
                         LSM_COMPRESSION_ZSTD, fault);
    }
    if (rc != 0) {
        return rc;
    }
    /* Written so that a NaN is refused too. */
    if (!(o.bloom_fpr == 0 || (o.bloom_fpr >= 0.000001 && o.bloom_fpr <= 0.5))) {
        return lsm_fail(fault, LSM_ERR_ARGUMENT,
                        "bloom_fpr is %g: 0 (no filter) or 0.000001 to 0.5 are allowed",
                        o.bloom_fpr);
    }
    if (o.level1_bytes == 0) {
        uint64_t unit = o.memtable_bytes > o.table_bytes ? o.memtable_bytes : o.table_bytes;
        o.level1_bytes = o.l0_trigger * unit;
    }
    *effective = o;
    return 0;
}
