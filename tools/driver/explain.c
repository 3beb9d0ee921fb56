/* explain.c: what happened, in a few sentences, each with the knob to turn. */
#include "driver_check.h"
#include "result.h"

static void explain_stalls(struct driver_page *page, const struct driver_result *r) {
    DRIVER_ASSERT(r->longest_stall.stall < LSM_STALL_COUNT);
    struct driver_text t1, t2;
    const struct lsm_event *longest = &r->longest_stall;
    uint64_t total = 0;
    for (unsigned c = 1; c < LSM_STALL_COUNT; c++) {
        total += r->end.stall_ns[c] - r->base.stall_ns[c];
    }
    if (longest->duration_ns == 0) {
        driver_page_add(page, "  No write was held up");
        driver_page_add(page, total == 0 ? ".\n" : " for long: %s in all.\n",
                        driver_text_ns(&t1, total));
        return;
    }
    /* A stall may span several jobs; the engine knows the longest, the event when it was. */
    uint64_t lasted = r->end.stall_ns_max[longest->stall] > r->base.stall_ns_max[longest->stall] &&
                              r->end.stall_ns_max[longest->stall] > longest->duration_ns
                          ? r->end.stall_ns_max[longest->stall]
                          : longest->duration_ns;
    uint64_t began = longest->time_ns - longest->duration_ns;
    double at = began > r->start_ns ? (double)(began - r->start_ns) / 1e9 : 0.0;
    if (longest->stall == LSM_STALL_INLINE) {
        driver_page_add(page,
                        "  The largest stall lasted %s, %.1f s into the run: without "
                        "--async-compaction the writer itself flushes and compacts, and every "
                        "write behind it waits.\n",
                        driver_text_ns(&t1, lasted), at);
    } else {
        driver_page_add(page,
                        "  The largest stall lasted %s, %.1f s into the run. Its cause: %s.\n",
                        driver_text_ns(&t1, lasted), at, lsm_stall_name(longest->stall));
    }
    driver_page_add(page, "  Stalls took %s in all, %.1f %% of the run. To have fewer: %s.\n",
                    driver_text_ns(&t2, total), 100.0 * (double)total / (double)r->elapsed_ns,
                    driver_stall_remedy(longest->stall));
}

static void explain_writing(struct driver_page *page, const struct driver_result *r) {
    struct driver_text t1, t2;
    uint64_t user = r->end.user_bytes_written - r->base.user_bytes_written;
    uint64_t flushed = r->end.flush_bytes - r->base.flush_bytes;
    uint64_t compacted = r->end.compaction_bytes_written - r->base.compaction_bytes_written;
    if (user == 0) {
        driver_page_add(page, "  Nothing was written.\n");
        return;
    }
    uint64_t flushes = r->end.flushes - r->base.flushes;
    if (flushes == 0) {
        driver_page_add(page,
                        "  Everything written still fits the memtable (%s): nothing was "
                        "flushed. A smaller --memtable-max-bytes or a longer run shows more.\n",
                        driver_text_bytes(&t1, r->args->memtable_bytes));
        return;
    }
    driver_page_add(page,
                    "  A memtable was flushed every %s. Each byte written cost %.1f bytes of "
                    "tables: %.1f by flushes, %.1f by compactions.",
                    driver_text_ns(&t2, r->elapsed_ns / flushes),
                    (double)(flushed + compacted) / (double)user, (double)flushed / (double)user,
                    (double)compacted / (double)user);
    if (compacted > 4 * flushed) {
        driver_page_add(page, " A larger --memtable-max-bytes would merge more before anything is "
                              "written, a larger --level-ratio would mean fewer levels.");
    }
    driver_page_add(page, "\n");
    if (r->end.compaction_pending_bytes > user / 4 && r->end.compaction_pending_bytes > 1000000) {
        driver_page_add(page,
                        "  At the end %s still waited for compaction: the tree was not in "
                        "balance at this rate.\n",
                        driver_text_bytes(&t1, r->end.compaction_pending_bytes));
    }
}

static void explain_reads(struct driver_page *page, const struct driver_result *r) {
    uint64_t gets = r->end.gets - r->base.gets;
    uint64_t checks = r->end.bloom_checks - r->base.bloom_checks;
    uint64_t spared = r->end.bloom_negatives - r->base.bloom_negatives;
    if (gets == 0 || checks == 0) {
        return;
    }
    driver_page_add(page,
                    "  A get searched %.2f tables on average; the bloom filters spared %.0f %% of "
                    "the tables it might have had to search.",
                    (double)(r->end.table_probes - r->base.table_probes) / (double)gets,
                    100.0 * (double)spared / (double)checks);
    uint64_t hits = r->end.get_hits - r->base.get_hits;
    if (hits * 2 < gets) {
        driver_page_add(page, " Most gets asked for keys that were never put (--load or a smaller "
                              "--key-space-size changes that).");
    }
    driver_page_add(page, "\n");
}

static void explain_deletes(struct driver_page *page, const struct driver_result *r) {
    struct driver_text t1;
    uint64_t deletes = r->end.deletes - r->base.deletes;
    uint64_t dropped = r->end.tombstones_dropped - r->base.tombstones_dropped;
    if (deletes == 0) {
        return;
    }
    if (dropped == 0 && r->args->tombstone_retention_s * 1000000000u > r->elapsed_ns) {
        driver_page_add(page,
                        "  No tombstone was dropped: each is kept for %llu s at least "
                        "(--tombstone-retention-seconds 0 lets compaction drop them).\n",
                        (unsigned long long)r->args->tombstone_retention_s);
    } else {
        driver_page_add(page, "  Compactions dropped %s tombstones for good.\n",
                        driver_text_count(&t1, dropped));
    }
}

void driver_explain(struct driver_page *page, const struct driver_result *r) {
    DRIVER_ASSERT(r->elapsed_ns > 0);
    driver_page_add(page, "\nWhat happened\n");
    explain_stalls(page, r);
    explain_writing(page, r);
    explain_reads(page, r);
    explain_deletes(page, r);
}
