/* section_io.c: bandwidths, what the cache and the filters spare, and what the process takes. */
#include <math.h>
#include <stdio.h>

#include "meters.h"
#include "section.h"
#include "units.h"

static bool io_known(const struct moment *moment) {
    return history_has(moment->history, SCOPE_M_IO_READ_BYTES) ||
           history_has(moment->history, SCOPE_M_PROCESS_CPU_NS) ||
           history_has(moment->history, SCOPE_M_CACHE_HITS);
}

/* part / (part + rest) of the increases over the last second, else over the span. */
static bool share_now(const struct moment *moment, uint32_t part_id, uint32_t rest_id,
                      double *share) {
    double part = 0.0, rest = 0.0;
    if (!moment_now(moment, part_id, &part) || !moment_now(moment, rest_id, &rest)) {
        return false;
    }
    if (part + rest <= 0.0 && (!moment_mean(moment, part_id, &part) ||
                               !moment_mean(moment, rest_id, &rest) || part + rest <= 0.0)) {
        return false;
    }
    *share = part / (part + rest);
    return true;
}

static void add_share(struct meters *meters, const char *label, double share) {
    struct meter *meter = meters_add(meters, label, HUE_TEXT);
    snprintf(meter->value, sizeof(meter->value), share > 0.99995 ? "100 %%" : "%.*f %%",
             share < 0.9 ? 0 : 1, share * 100.0);
}

/* Of the filters' probes, those that spared reading a table. */
static void add_bloom(struct meters *meters, const struct moment *moment) {
    double checks = 0.0, spared = 0.0;
    if (moment_mean(moment, SCOPE_M_BLOOM_CHECKS, &checks) && checks > 0.0 &&
        moment_mean(moment, SCOPE_M_BLOOM_NEGATIVES, &spared)) {
        add_share(meters, "spared", fmin(1.0, spared / checks));
    }
}

static void add_depth(struct meters *meters, const struct moment *moment) {
    double depth = 0.0, most = 0.0;
    if (moment_value(moment, SCOPE_M_IO_DEPTH, &depth)) {
        struct meter *meter = meters_add(meters, "depth", HUE_TEXT);
        bool known = moment_value(moment, SCOPE_M_IO_DEPTH_MAX, &most);
        snprintf(meter->value, sizeof(meter->value), known ? "%.0f, max %.0f" : "%.0f", depth,
                 most);
    }
}

static void add_process(struct meters *meters, const struct moment *moment) {
    double rate = 0.0;
    if (moment_now(moment, SCOPE_M_PROCESS_CPU_NS, &rate)) {
        struct meter *meter = meters_add(meters, "cpu", HUE_TEXT);
        units_percent(rate * 1e-9, meter->value, sizeof(meter->value));
        meter->trend = true;
        meter->id = SCOPE_M_PROCESS_CPU_NS;
        meter->form = HISTORY_RATE;
    }
    meters_bytes(meters, moment, "memory", HUE_TEXT, SCOPE_M_PROCESS_RSS);
}

static void collect(const struct moment *moment, struct meters *meters) {
    double share = 0.0;
    *meters = (struct meters){.count = 0};
    meters_bandwidth(meters, moment, "read", HUE_GET, SCOPE_M_IO_READ_BYTES);
    meters_bandwidth(meters, moment, "written", HUE_PUT, SCOPE_M_IO_WRITE_BYTES);
    meters_bandwidth(meters, moment, "flush", HUE_FLUSH, SCOPE_M_FLUSH_BYTES);
    meters_rate(meters, moment, "syncs", HUE_PUT, SCOPE_M_IO_SYNCS);
    meters_bandwidth(meters, moment, "merge r", HUE_COMPACTION, SCOPE_M_COMPACTION_BYTES_READ);
    meters_bandwidth(meters, moment, "merge w", HUE_COMPACTION, SCOPE_M_COMPACTION_BYTES_WRITTEN);
    add_process(meters, moment);
    if (share_now(moment, SCOPE_M_CACHE_HITS, SCOPE_M_CACHE_MISSES, &share)) {
        add_share(meters, "cache", share);
    }
    add_bloom(meters, moment);
    add_depth(meters, moment);
}

static struct section_rows io_measure(const struct moment *moment, int columns) {
    struct meters meters;
    collect(moment, &meters);
    int least = meters_rows_least(&meters, columns);
    return (struct section_rows){1 + (least < 4 ? least : 4), 1 + least, 1 + 2 * meters.count};
}

static void io_draw(const struct moment *moment, const struct pane *pane) {
    double backend = 0.0;
    bool known = moment_value(moment, SCOPE_M_IO_BACKEND, &backend);
    section_title(pane, SECTION_IO, !known ? "" : backend > 0.0 ? "plain calls" : "io_uring");
    if (!io_known(moment)) {
        section_absent(pane);
        return;
    }
    struct meters meters;
    collect(moment, &meters);
    struct pane rest = pane_part(pane, 0, 1, pane->w, pane->h - 1);
    meters_draw(&meters, moment, &rest);
}

const struct section section_io = {"I/O and process",
                                   "bandwidths; cache hits; reads the filters spared; CPU",
                                   io_known, io_measure, io_draw};
