#include "numbers.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "chart.h"
#include "obs_check.h"
#include "units.h"

static const char *const group_names[NUMBERS_GROUPS] = {
    [NUMBERS_OPERATIONS] = "operations",
    [NUMBERS_MEMTABLE] = "memtable",
    [NUMBERS_WAL] = "write-ahead log",
    [NUMBERS_FLUSH] = "flush",
    [NUMBERS_COMPACTION] = "compaction",
    [NUMBERS_STALLS] = "write stalls",
    [NUMBERS_IO] = "input and output",
    [NUMBERS_CACHE] = "cache and filters",
    [NUMBERS_SPACE] = "space",
    [NUMBERS_LEVELS] = "levels",
    [NUMBERS_PROCESS] = "process",
    [NUMBERS_WORKLOAD] = "workload",
    [NUMBERS_OTHER] = "the engine's own",
};

/* Groups by the first word of a metric's name, so that a new metric finds its place. */
static const struct {
    const char *word;
    enum numbers_group group;
} words[] = {
    {"ops", NUMBERS_OPERATIONS},        {"get", NUMBERS_OPERATIONS},  {"user", NUMBERS_OPERATIONS},
    {"memtable", NUMBERS_MEMTABLE},     {"wal", NUMBERS_WAL},         {"flush", NUMBERS_FLUSH},
    {"compaction", NUMBERS_COMPACTION}, {"stall", NUMBERS_STALLS},    {"io", NUMBERS_IO},
    {"cache", NUMBERS_CACHE},           {"bloom", NUMBERS_CACHE},     {"tables", NUMBERS_SPACE},
    {"snapshots", NUMBERS_SPACE},       {"iterators", NUMBERS_SPACE}, {"sequence", NUMBERS_SPACE},
    {"process", NUMBERS_PROCESS},       {"sampler", NUMBERS_PROCESS}, {"target", NUMBERS_WORKLOAD},
    {"schedule", NUMBERS_WORKLOAD}};

/* What is worth its room first; the others follow in the dictionary's order. */
static const uint32_t important[] = {SCOPE_M_OPS_PUT,
                                     SCOPE_M_OPS_GET,
                                     SCOPE_M_STALL_ACTIVE,
                                     SCOPE_M_COMPACTION_PENDING_BYTES,
                                     SCOPE_M_MEMTABLE_BYTES,
                                     SCOPE_M_TABLES,
                                     SCOPE_M_TABLE_BYTES,
                                     SCOPE_M_COMPACTION_BYTES_WRITTEN,
                                     SCOPE_M_FLUSH_BYTES,
                                     SCOPE_M_WAL_BYTES,
                                     SCOPE_M_OPS_DELETE,
                                     SCOPE_M_OPS_SCAN,
                                     SCOPE_M_IO_READ_BYTES,
                                     SCOPE_M_IO_WRITE_BYTES,
                                     SCOPE_M_CACHE_HITS,
                                     SCOPE_M_CACHE_MISSES,
                                     SCOPE_M_COMPACTIONS_RUNNING,
                                     SCOPE_M_PROCESS_CPU_NS,
                                     SCOPE_M_PROCESS_RSS,
                                     SCOPE_M_FLUSHES,
                                     SCOPE_M_COMPACTIONS,
                                     SCOPE_M_STALLS,
                                     SCOPE_M_USER_BYTES_WRITTEN,
                                     SCOPE_M_USER_BYTES_READ,
                                     SCOPE_M_IO_DEPTH,
                                     SCOPE_M_WAL_SYNCS};

const char *numbers_group_name(enum numbers_group group) {
    OBS_ASSERT(group < NUMBERS_GROUPS);
    return group_names[group];
}

static enum numbers_group group_of(const char *name) {
    size_t length = strcspn(name, "._");
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strlen(words[i].word) == length && memcmp(words[i].word, name, length) == 0) {
            return words[i].group;
        }
    }
    return NUMBERS_OTHER;
}

static int rank_of(uint32_t id, size_t order) {
    for (size_t i = 0; i < sizeof important / sizeof important[0]; i++) {
        if (important[i] == id) {
            return (int)i;
        }
    }
    return 100 + (int)order;
}

/* ---- collecting ---------------------------------------------------------------------------- */

bool numbers_sample(const struct scene *scene, size_t *index) {
    double t = nextafter(fmin(scene->moment, scene->until), INFINITY);
    size_t after = history_find(scene->history, t);
    *index = after > 0 ? after - 1 : 0;
    return after > 0;
}

static bool in_matrix(uint32_t id) {
    return id >= SCOPE_M_LEVEL_TABLES && id < SCOPE_M_LEVEL_TARGET + SCOPE_MAX_LEVELS;
}

/* ---- time that writes were held ------------------------------------------------------------ */

/* The engine counts it when it is over: a sample may tell of more than its own interval, which then
 * lay in those before it. So at most all of an interval was held, and what is above that flows
 * back. A writer is held behind the one that holds the commit lock, so times do not add up. */
static bool is_held_time(uint32_t id) {
    return id >= SCOPE_M_STALL_NS_L0_SLOW && id <= SCOPE_M_STALL_NS_INLINE;
}

#define ALL_OF_IT 1e9 /* nanoseconds a second */

/* The rate at a sample; how far ahead it looks for the end of a wait is bounded. */
static double held_rate(const struct scene *scene, uint32_t id, size_t index) {
    enum { AHEAD = 1024 };
    const struct history *history = scene->history;
    size_t count = history_count(history), end = index + AHEAD < count ? index + AHEAD : count;
    double over = 0.0, rate = NAN, number; /* over: ns that lie before the sample at hand */
    for (size_t i = end; i > index; i--) {
        double t = history_time(history, i - 1);
        if (t > scene->until || i < 2 ||
            !history_number(history, id, HISTORY_RATE, i - 1, &number)) {
            over = 0.0;
            rate = NAN;
            continue;
        }
        double step = t - history_time(history, i - 2), held = number * step + over;
        rate = fmin(held / step, ALL_OF_IT);
        over = fmax(held - ALL_OF_IT * step, 0.0);
    }
    return rate;
}

void numbers_row_span(const struct scene *scene, struct numbers_row *row) {
    bool counter = row->metric->kind == SCOPE_KIND_COUNTER;
    struct history_bin bin;
    double end = nextafter(fmin(scene->t1, scene->until), INFINITY);
    if (row->metric->unit == SCOPE_UNIT_ENUM || end <= scene->t0) {
        return;
    }
    memset(&bin, 0, sizeof bin);
    history_bins(scene->history, row->metric->id, counter ? HISTORY_RATE : HISTORY_LEVEL, scene->t0,
                 end, 1, &bin);
    if (bin.count > 0) {
        row->mean = bin.sum / (double)bin.count;
        row->most = bin.max;
        if (is_held_time(row->metric->id)) {
            row->mean = fmin(row->mean, ALL_OF_IT);
            row->most = fmin(row->most, ALL_OF_IT);
        }
    }
}

static bool collect_row(const struct scene *scene, size_t index, struct numbers_row *row) {
    uint32_t id = row->metric->id;
    bool counter = row->metric->kind == SCOPE_KIND_COUNTER;
    double number;
    row->now = row->mean = row->most = row->total = NAN;
    if (!history_has(scene->history, id) ||
        !chart_value(scene, id, HISTORY_LEVEL, index, &number)) {
        return false;
    }
    if (counter) {
        row->total = number;
        row->now = chart_value(scene, id, HISTORY_RATE, index, &number) ? number : (double)NAN;
        double held = is_held_time(id) ? held_rate(scene, id, index) : (double)NAN;
        row->now = isnan(held) ? row->now : held;
    } else {
        row->now = number;
    }
    return true;
}

static void collect_one(const struct scene *scene, size_t index, const struct scope_metric *metric,
                        size_t order, enum numbers_group group, struct numbers_row *rows,
                        size_t *count) {
    if (*count == NUMBERS_ROWS_MAX || in_matrix(metric->id) || group_of(metric->name) != group) {
        return;
    }
    struct numbers_row *row = &rows[*count];
    *row =
        (struct numbers_row){.metric = metric, .group = group, .rank = rank_of(metric->id, order)};
    *count += collect_row(scene, index, row) ? 1 : 0;
}

size_t numbers_collect(const struct scene *scene, struct numbers_row *rows) {
    size_t metrics = 0, own = 0, count = 0, index = 0;
    const struct scope_metric *metric = scope_builtin_metrics(&metrics);
    const struct scope_metric *own_metric = history_own_metrics(scene->history, &own);
    if (!numbers_sample(scene, &index)) {
        return 0;
    }
    for (int group = 0; group < NUMBERS_GROUPS; group++) {
        for (size_t i = 0; i < metrics; i++) {
            collect_one(scene, index, &metric[i], i, (enum numbers_group)group, rows, &count);
        }
        for (size_t i = 0; i < own; i++) {
            collect_one(scene, index, &own_metric[i], metrics + i, (enum numbers_group)group, rows,
                        &count);
        }
    }
    return count;
}

/* ---- names --------------------------------------------------------------------------------- */

/* How a word of a metric's name is written for people; "": not at all. */
static const char *plain(const char *word, size_t length) {
    static const struct {
        const char *word, *plain;
    } table[] = {{"ops", ""},    {"wal", "WAL"},    {"io", "I/O"},
                 {"cpu", "CPU"}, {"rss", "memory"}, {"l0", "L0"}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strlen(table[i].word) == length && memcmp(table[i].word, word, length) == 0) {
            return table[i].plain;
        }
    }
    return NULL;
}

void numbers_label(const char *name, bool bare, char *text, size_t size) {
    OBS_ASSERT(name != NULL && size > 0);
    size_t used = 0;
    const char *rest = strpbrk(name, ".");
    const char *word = bare && rest != NULL ? rest + 1 : name;
    text[0] = '\0';
    while (*word != '\0' && used + 1 < size) {
        size_t length = strcspn(word, "._");
        const char *written = plain(word, length);
        int put = written != NULL ? snprintf(text + used, size - used, "%s%s",
                                             used > 0 && written[0] != '\0' ? " " : "", written)
                                  : snprintf(text + used, size - used, "%s%.*s",
                                             used > 0 ? " " : "", (int)length, word);
        used += put > 0 ? (size_t)put : 0;
        word += length;
        word += *word != '\0' ? 1 : 0;
    }
}

bool numbers_shorten(char *text) {
    /* The unit beside the figure says bytes as well. */
    static const struct {
        const char *whole, *brief;
    } table[] = {{" bytes", ""},
                 {"bytes ", ""},
                 {"compactions ", "comp. "},
                 {"compaction ", "comp. "},
                 {"memtable ", "mem. "},
                 {"obsolete", "obsol."},
                 {"pending", "pend."},
                 {"written", "writ."},
                 {"publisher", "publ."}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char *at = strstr(text, table[i].whole);
        if (at != NULL) {
            size_t whole = strlen(table[i].whole), brief = strlen(table[i].brief);
            memmove(at + brief, at + whole, strlen(at + whole) + 1);
            memcpy(at, table[i].brief, brief);
            return true;
        }
    }
    return false;
}

/* ---- figures ------------------------------------------------------------------------------- */

/* Three significant figures of the largest. */
static int decimals_for(double value) {
    return value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
}

static struct numbers_unit scaled(double most, double base, double first, double step,
                                  const char *const *units, size_t count, const char *suffix) {
    struct numbers_unit unit = {.divisor = base};
    size_t at = 0;
    double limit = first;
    while (at + 1 < count && most / unit.divisor >= limit) {
        unit.divisor *= step;
        at++;
        limit = step * 0.9995;
    }
    unit.decimals = decimals_for(most / unit.divisor);
    snprintf(unit.text, sizeof unit.text, "%s%s", units[at], suffix);
    return unit;
}

struct numbers_unit numbers_unit_for(const struct scope_metric *metric, bool rate, double most) {
    static const char *const si[] = {"", "k", "M", "G", "T"};
    static const char *const iec[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    static const char *const time[] = {"ns", "µs", "ms", "s"};
    static const char *const percent[] = {"%"};
    const char *suffix = rate ? "/s" : "";
    most = isfinite(most) ? fabs(most) : 0.0;
    switch (metric->unit) {
    case SCOPE_UNIT_BYTES:
        return scaled(most, 1.0, 1024.0 * 0.9995, 1024.0, iec, 6, suffix);
    case SCOPE_UNIT_NANOSECONDS: /* a rate of time is a share of it */
        return rate ? scaled(most, 1e7, 1.0, 1.0, percent, 1, "")
                    : scaled(most, 1.0, 999.5, 1000.0, time, 4, "");
    case SCOPE_UNIT_RATIO_PPM:
        return scaled(most, 1e4, 1.0, 1.0, percent, 1, "");
    case SCOPE_UNIT_PER_SECOND:
        return scaled(most, 1.0, 99999.5, 1000.0, si, 5, "/s");
    case SCOPE_UNIT_COUNT:
    case SCOPE_UNIT_OPS:
    case SCOPE_UNIT_ENUM:
        break;
    }
    return scaled(most, 1.0, 99999.5, 1000.0, si, 5, suffix);
}

void numbers_figure(double value, const struct numbers_unit *unit, struct numbers_figure *figure) {
    *figure = (struct numbers_figure){.whole = ""};
    if (!isfinite(value)) {
        return;
    }
    double shown = value / unit->divisor, power = pow(10.0, unit->decimals);
    bool counted = unit->divisor <= 1.0 && fabs(shown - round(shown)) < 1e-9;
    counted = counted || fabs(value) <= 0.0; /* nothing is plainly nothing */
    /* Rounded before it is taken apart: 9.996 is 10.00, not 9 and .100. */
    double all = round(fabs(shown) * power), whole = floor(all / power);
    units_grouped(shown < 0.0 ? -whole : whole, figure->whole, sizeof figure->whole);
    if (unit->decimals > 0 && !counted) {
        snprintf(figure->fraction, sizeof figure->fraction, ".%0*d", unit->decimals,
                 (int)(all - whole * power));
    }
}

bool numbers_word(const struct scope_metric *metric, double value, const char **word) {
    static const char *const backends[] = {"io_uring", "posix"};
    if (metric->unit != SCOPE_UNIT_ENUM || !(value >= 0.0 && value < 64.0)) {
        return false;
    }
    unsigned number = (unsigned)value;
    if (metric->id == SCOPE_M_STALL_ACTIVE && number < SCOPE_STALLS) {
        *word = number == 0 ? "none" : scope_stall_name((enum scope_stall)number);
        return true;
    }
    if (metric->id == SCOPE_M_IO_BACKEND && number < 2) {
        *word = backends[number];
        return true;
    }
    return false;
}
