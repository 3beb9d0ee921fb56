/* driver_args.h: what the user asked for: every option, its default, its range, its help.
 *
 * One table (args_table.c) makes the parser, the range checks and --help, so that they cannot
 * disagree. A preset is a list of options that apply where the user did not say otherwise,
 * whatever the order on the command line.
 *
 * Threads:    parse once, then read-only.
 * Ownership:  strings point into argv, which must live on. */
#ifndef DRIVER_ARGS_H
#define DRIVER_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "number.h"

/* Kinds of operations, in the order of enum lsm_op and enum scope_op. */
enum driver_kind { KIND_PUT, KIND_GET, KIND_DELETE, KIND_SCAN, KINDS };

enum driver_dist { DIST_UNIFORM, DIST_ZIPF, DIST_SEQUENTIAL, DIST_LATEST };

#define DRIVER_DEFAULT_CSV "/tmp/lsm_metrics.csv"

struct driver_args {
    /* engine */
    const char *data_dir;
    bool async_compaction;
    uint64_t memtable_bytes;
    uint64_t table_bytes;
    double bloom_fpr;
    uint64_t max_levels;
    bool wal_flush_every_write;
    uint64_t tombstone_retention_s;
    uint64_t l0_trigger;
    uint64_t level_ratio;
    unsigned policy; /* enum lsm_policy */
    uint64_t compaction_rate;
    unsigned compression; /* enum lsm_compression, of every level */
    unsigned durability;  /* enum lsm_durability, after driver_args_parse never DEFAULT */
    unsigned io_backend;  /* enum lsm_io_backend */
    bool fresh;
    /* workload */
    uint64_t duration_ns;
    uint64_t rate_milli[KINDS]; /* 0: none of this kind; DRIVER_RATE_MAX: unpaced */
    uint64_t key_space;
    uint64_t value_bytes;
    unsigned key_dist; /* enum driver_dist */
    double zipf_skew;
    uint64_t threads;
    uint64_t seed;
    const char *preset;     /* NULL: none */
    bool load;              /* fill an empty database with the key space before the run */
    bool inserts;           /* from a preset: puts add keys beyond the key space */
    bool modify;            /* from a preset: a put reads its key first */
    unsigned weight[KINDS]; /* shares of the unpaced kinds among each other */
    /* sampling and output */
    uint64_t sample_ns;
    const char *out_csv; /* NULL: no CSV */
    const char *record;  /* NULL: no recording */
    const char *name;
    uint64_t history_samples; /* 0: the default rings */
    uint64_t history_ns;      /* when given as a duration; 0 otherwise */
    bool linger;
    const char *markers_from; /* NULL: a terminal on stdin only */
    bool explain;
    bool quiet;
    bool help, version;
    uint64_t given; /* bit i: option i of the table was on the command line */
};

/* True, or false and one line (without newline) in `error`. Help and version are parsed like any
 * other: the caller looks at them first. `argv` is permuted as getopt does. */
bool driver_args_parse(int argc, char **argv, struct driver_args *args, char error[256]);
void driver_args_help(FILE *out);
/* "uniform", "zipf", ... */
const char *driver_dist_name(unsigned dist);
const char *driver_durability_name(unsigned durability);

/* Slots of the three rings for args->history_*: powers of two, 0 0 0 for the defaults. */
void driver_history_slots(const struct driver_args *args, uint32_t *samples, uint32_t *events,
                          uint32_t *seconds);

/* ---- between args.c, args_table.c and preset.c ----------------------------------------------- */

enum driver_arg_type {
    ARG_FLAG,
    ARG_TEXT,
    ARG_COUNT,
    ARG_SIZE,
    ARG_RATE,
    ARG_SECONDS, /* stored in ns */
    ARG_MILLIS,  /* stored in ns */
    ARG_FRACTION,
    ARG_CHOICE,
    ARG_CSV,     /* text, optional */
    ARG_HISTORY, /* count or duration */
};

struct driver_choice {
    const char *name;
    unsigned value;
};

struct driver_arg {
    const char *name; /* NULL: a heading, `help` is its text */
    enum driver_arg_type type;
    size_t offset;              /* of the field in struct driver_args */
    uint64_t min, max;          /* in the stored unit */
    const char *range;          /* the range in words */
    const char *initial;        /* the default as one would type it; NULL none */
    const char *metavar, *help; /* for --help */
    const struct driver_choice *choices;
};

extern const struct driver_arg driver_arg_table[];
extern const size_t driver_arg_count;

/* Sets one option from text. False and one line in `error`. */
bool driver_arg_set(struct driver_args *args, const struct driver_arg *arg, const char *text,
                    char error[256]);
const struct driver_arg *driver_arg_find(const char *name);
/* Applies args->preset where `given` has no say. False and one line when there is no such. */
bool driver_preset_apply(struct driver_args *args, char error[256]);
void driver_preset_help(FILE *out);

#endif
