#include "progress.h"

#include "driver_check.h"

static const char *const kind_names[KINDS] = {"put", "get", "delete", "scan"};

void driver_workload_text(struct driver_page *page, const struct driver_args *args) {
    struct driver_text text;
    bool any = false;
    for (unsigned k = 0; k < KINDS; k++) {
        uint64_t rate = args->rate_milli[k];
        if (rate == 0) {
            continue;
        }
        driver_page_add(page, "%s%s %s", any ? ", " : "", kind_names[k],
                        rate == DRIVER_RATE_MAX ? "max"
                                                : driver_text_rate(&text, (double)rate / 1000.0));
        any = true;
    }
    if (!any) {
        driver_page_add(page, "no operations");
    }
}

void driver_greeting(struct driver_page *page, const struct driver_args *args,
                     const struct lsm_stats *stats, int existed) {
    struct driver_text t1, t2;
    driver_page_add(page, "lsm-driver %s: %s, %s, durability %s, %s\n", LSM_VERSION, args->data_dir,
                    stats->io_backend == LSM_IO_URING ? "io_uring" : "posix I/O",
                    driver_durability_name(args->durability),
                    args->async_compaction ? "background compaction"
                                           : "compaction in the writer's thread");
    if (existed) {
        driver_page_add(page,
                        "  continuing the database that is there (%s table%s, %s); --fresh "
                        "starts from an empty one\n",
                        driver_text_count(&t1, stats->tables), stats->tables == 1 ? "" : "s",
                        driver_text_bytes(&t2, stats->table_bytes));
    }
    driver_page_add(page, "  workload: ");
    driver_workload_text(page, args);
    driver_page_add(page, " for %s; %s keys (%s), values of %s, seed %llu, %llu thread%s\n",
                    driver_text_ns(&t1, args->duration_ns), driver_text_count(&t2, args->key_space),
                    driver_dist_name(args->key_dist),
                    driver_text_bytes(&(struct driver_text){""}, args->value_bytes),
                    (unsigned long long)args->seed, (unsigned long long)args->threads,
                    args->threads == 1 ? "" : "s");
    driver_page_add(page, "  watch it: lsm-observer --attach %s\n", args->name);
}

void driver_progress(struct driver_page *page, const struct driver_args *args,
                     const struct lsm_stats *before, const struct lsm_stats *now,
                     uint64_t interval_ns, uint64_t since_start_ns) {
    const uint64_t done[KINDS] = {now->puts - before->puts, now->gets - before->gets,
                                  now->deletes - before->deletes, now->scans - before->scans};
    struct driver_text text;
    DRIVER_ASSERT(interval_ns > 0 && now->levels <= LSM_LEVELS_MAX);
    driver_page_add(page, "[%.1fs]", (double)since_start_ns / 1e9);
    for (unsigned k = 0; k < KINDS; k++) {
        if (args->rate_milli[k] > 0 || done[k] > 0) {
            driver_page_add(page, " %s %s", kind_names[k],
                            driver_text_rate(&text, (double)done[k] * 1e9 / (double)interval_ns));
        }
    }
    driver_page_add(page, " | memtable %s | tables", driver_text_bytes(&text, now->memtable_bytes));
    unsigned deepest = 0;
    for (unsigned i = 0; i < now->levels; i++) {
        deepest = now->level[i].tables > 0 ? i : deepest;
    }
    for (unsigned i = 0; i <= deepest; i++) {
        driver_page_add(page, " L%u %llu", i, (unsigned long long)now->level[i].tables);
    }
    driver_page_add(page, " | flushes %llu, compactions %llu", (unsigned long long)now->flushes,
                    (unsigned long long)now->compactions);
    if (now->stall_active != LSM_STALL_NONE) {
        driver_page_add(page, " | STALL: %s", lsm_stall_name(now->stall_active));
    }
}
