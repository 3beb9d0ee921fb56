/* report.c: the closing summary. */
#include <string.h>

#include "driver_check.h"
#include "result.h"

static const char *const kind_names[KINDS] = {"put", "get", "delete", "scan"};

void driver_latency_subtract(struct lsm_latency *after, const struct lsm_latency *before) {
    for (unsigned b = 0; b < LSM_LATENCY_BUCKETS; b++) {
        uint64_t old = before->count[b];
        after->count[b] = after->count[b] > old ? after->count[b] - old : 0;
    }
}

uint64_t driver_latency_total(const struct lsm_latency *latency) {
    uint64_t total = 0;
    for (unsigned b = 0; b < LSM_LATENCY_BUCKETS; b++) {
        total += latency->count[b];
    }
    return total;
}

static void add_latency(struct driver_page *page, const struct lsm_latency *latency,
                        const char *kind) {
    static const double quantiles[] = {0.5, 0.99, 0.999};
    struct driver_text text;
    for (unsigned i = 0; i < 3; i++) {
        uint64_t ns = lsm_latency_quantile(latency, quantiles[i]);
        /* Interpolating within the last bucket may pass the exact maximum. */
        ns = latency->max_ns > 0 && ns > latency->max_ns ? latency->max_ns : ns;
        driver_page_add(page, " %9s", driver_text_ns(&text, ns));
    }
    driver_page_add(page, " %9s  %s\n", driver_text_ns(&text, latency->max_ns), kind);
}

static void add_kind(struct driver_page *page, const struct driver_result *r, unsigned k) {
    uint64_t rate = r->args->rate_milli[k];
    struct driver_text count, per_second, asked;
    if (rate == 0 && r->done[k] == 0) {
        return;
    }
    (void)driver_text_count(&count, r->done[k]);
    (void)driver_text_rate(&per_second, (double)r->done[k] * 1e9 / (double)r->elapsed_ns);
    bool paced = rate != DRIVER_RATE_MAX;
    if (paced) {
        (void)driver_text_rate(&asked, (double)rate / 1000.0);
    }
    driver_page_add(page, "  %-7s %14s %13s %13s", kind_names[k], count.s, per_second.s,
                    paced ? asked.s : "max");
    if (paced && driver_latency_total(&r->response[k]) > 0) {
        add_latency(page, &r->response[k], "response");
        driver_page_add(page, "  %-7s %14s %13s %13s", "", "", "", "");
    }
    add_latency(page, &r->service[k], "service");
}

static void add_operations(struct driver_page *page, const struct driver_result *r) {
    struct driver_text count, per_second, time;
    uint64_t total = 0;
    for (unsigned k = 0; k < KINDS; k++) {
        total += r->done[k];
    }
    (void)driver_text_rate(&per_second, (double)total * 1e9 / (double)r->elapsed_ns);
    driver_page_add(
        page, "\n%s after %s: %s operations, %s\n\n", r->interrupted ? "Interrupted" : "Finished",
        driver_text_ns(&time, r->elapsed_ns), driver_text_count(&count, total), per_second.s);
    if (total > 0) {
        driver_page_add(page, "  %-7s %14s %13s %13s %9s %9s %9s %9s\n", "", "operations", "rate",
                        "asked", "p50", "p99", "p99.9", "max");
        for (unsigned k = 0; k < KINDS; k++) {
            add_kind(page, r, k);
        }
        driver_page_add(page, "  (response: from when an operation was due; service: inside the "
                              "engine)\n\n");
    }
    if (r->refused > 0) {
        driver_page_add(page, "  Refused      %s writes: the disk was full\n",
                        driver_text_count(&count, r->refused));
    }
}

static void add_engine(struct driver_page *page, const struct driver_result *r) {
    const struct lsm_stats *a = &r->base;
    const struct lsm_stats *b = &r->end;
    struct driver_text t1, t2, t3;
    driver_page_add(page, "  Flushes      %s, %s\n",
                    driver_text_count(&t1, b->flushes - a->flushes),
                    driver_text_bytes(&t2, b->flush_bytes - a->flush_bytes));
    driver_page_add(
        page, "  Compactions  %s, read %s, wrote %s",
        driver_text_count(&t1, b->compactions - a->compactions),
        driver_text_bytes(&t2, b->compaction_bytes_read - a->compaction_bytes_read),
        driver_text_bytes(&t3, b->compaction_bytes_written - a->compaction_bytes_written));
    if (b->tombstones_dropped > a->tombstones_dropped) {
        driver_page_add(page, ", %s tombstones dropped",
                        driver_text_count(&t1, b->tombstones_dropped - a->tombstones_dropped));
    }
    uint64_t user = b->user_bytes_written - a->user_bytes_written;
    uint64_t tables =
        b->flush_bytes - a->flush_bytes + b->compaction_bytes_written - a->compaction_bytes_written;
    uint64_t log = b->wal_bytes - a->wal_bytes;
    driver_page_add(page, "\n  Bytes        %s put and deleted, log %s, tables %s\n",
                    driver_text_bytes(&t1, user), driver_text_bytes(&t2, log),
                    driver_text_bytes(&t3, tables));
    if (user > 0) {
        driver_page_add(page,
                        "  Write amplification  %.2f (table bytes per byte written; %.2f with the "
                        "log)\n",
                        (double)tables / (double)user, (double)(tables + log) / (double)user);
    }
}

static void add_stalls(struct driver_page *page, const struct driver_result *r) {
    struct driver_text t1, t2;
    uint64_t total = 0;
    for (unsigned c = 1; c < LSM_STALL_COUNT; c++) {
        total += r->end.stall_ns[c] - r->base.stall_ns[c];
    }
    if (total == 0) {
        driver_page_add(page, "  Stalls       none\n");
        return;
    }
    driver_page_add(page, "  Stalls       %s in all", driver_text_ns(&t2, total));
    if (r->end.stalls > r->base.stalls) {
        driver_page_add(page, " (%s)", driver_text_count(&t1, r->end.stalls - r->base.stalls));
    }
    for (unsigned c = 1; c < LSM_STALL_COUNT; c++) {
        uint64_t ns = r->end.stall_ns[c] - r->base.stall_ns[c];
        if (ns > 0) {
            driver_page_add(page, "; %s %s (longest %s)", lsm_stall_name((enum lsm_stall)c),
                            driver_text_ns(&t1, ns), driver_text_ns(&t2, r->end.stall_ns_max[c]));
        }
    }
    driver_page_add(page, "\n");
}

static void add_levels(struct driver_page *page, const struct lsm_stats *s) {
    struct driver_text t1;
    DRIVER_ASSERT(s->levels <= LSM_LEVELS_MAX);
    driver_page_add(page, "  Levels      ");
    for (unsigned i = 0; i < s->levels; i++) {
        driver_page_add(page, "%s L%u %llu", i > 0 ? "," : "", i,
                        (unsigned long long)s->level[i].tables);
        if (s->level[i].tables > 0) {
            driver_page_add(page, " (%s)", driver_text_bytes(&t1, s->level[i].bytes));
        }
    }
    driver_page_add(page, " tables\n");
}

static void add_reads(struct driver_page *page, const struct driver_result *r) {
    uint64_t gets = r->end.gets - r->base.gets;
    if (gets == 0) {
        return;
    }
    uint64_t hits = r->end.cache_hits - r->base.cache_hits;
    uint64_t misses = r->end.cache_misses - r->base.cache_misses;
    driver_page_add(page, "  Reads        %.1f %% found, %.2f tables searched per get",
                    100.0 * (double)(r->end.get_hits - r->base.get_hits) / (double)gets,
                    (double)(r->end.table_probes - r->base.table_probes) / (double)gets);
    if (hits + misses > 0) {
        driver_page_add(page, ", %.1f %% of blocks from the cache",
                        100.0 * (double)hits / (double)(hits + misses));
    }
    driver_page_add(page, "\n");
}

static void add_watching(struct driver_page *page, const struct driver_result *r) {
    struct driver_text t1, t2, t3;
    driver_page_add(page, "  Watching     %.2f %% of a core, %s per sample, %s samples\n",
                    100.0 * (double)r->watch_ns / (double)r->elapsed_ns,
                    driver_text_ns(&t1, r->samples > 0 ? r->watch_ns / r->samples : 0),
                    driver_text_count(&t2, r->samples));
    if (r->args->record != NULL) {
        driver_page_add(page, "  Recording    %s samples, %s events, %s in %s%s\n",
                        driver_text_count(&t1, r->recorded.samples),
                        driver_text_count(&t2, r->recorded.events),
                        driver_text_bytes(&t3, r->recorded.bytes), r->args->record,
                        r->record_error != NULL ? ", cut short" : "");
    }
    if (r->args->out_csv == NULL) {
        return;
    }
    driver_page_add(page, "  CSV          %s rows in %s", driver_text_count(&t1, r->csv_rows),
                    r->args->out_csv);
    if (r->csv_error != 0) {
        driver_page_add(page, ", then it could not be written: %s", strerror(r->csv_error));
    }
    driver_page_add(page, "\n");
}

void driver_report(struct driver_page *page, const struct driver_result *r) {
    DRIVER_ASSERT(r->elapsed_ns > 0);
    add_operations(page, r);
    add_engine(page, r);
    add_stalls(page, r);
    add_levels(page, &r->end);
    add_reads(page, r);
    add_watching(page, r);
}
