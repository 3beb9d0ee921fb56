#include "driver_args.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "driver_check.h"
#include "lsm.h"
#include "scope.h"

const struct driver_arg *driver_arg_find(const char *name) {
    for (size_t i = 0; i < driver_arg_count; i++) {
        if (driver_arg_table[i].name != NULL && strcmp(driver_arg_table[i].name, name) == 0) {
            return &driver_arg_table[i];
        }
    }
    return NULL;
}

/* The field of a table row: the offsets come from offsetof, so the alignment is the field's own. */
static void *field(struct driver_args *args, const struct driver_arg *arg) {
    DRIVER_ASSERT(arg->offset < sizeof *args);
    return (unsigned char *)args + arg->offset;
}

static bool fail(char error[256], const struct driver_arg *arg, const char *text,
                 const char *what) {
    (void)snprintf(error, 256, "--%s: '%.60s' %s", arg->name, text, what);
    return false;
}

static bool out_of_range(char error[256], const struct driver_arg *arg, const char *text) {
    (void)snprintf(error, 256, "--%s: %.60s is out of range (%s)", arg->name, text, arg->range);
    return false;
}

static bool set_number(struct driver_args *args, const struct driver_arg *arg, const char *text,
                       char error[256]) {
    static const struct {
        bool (*parse)(const char *text, uint64_t *value);
        const char *what;
    } how[] = {
        [ARG_COUNT] = {driver_parse_count, "is not a whole number (such as 2000, 2k, 1M)"},
        [ARG_SIZE] = {driver_parse_size, "is not a size in bytes (such as 4096, 64KiB, 8MB)"},
        [ARG_RATE] = {driver_parse_rate, "is not a rate (such as 2000, 2.5k, max)"},
        [ARG_SECONDS] = {driver_parse_seconds, "is not a time in seconds (such as 60, 1.5, 2m)"},
        [ARG_MILLIS] = {driver_parse_millis, "is not a time in milliseconds (such as 250, 1s)"},
    };
    DRIVER_ASSERT(arg->type < sizeof how / sizeof how[0] && how[arg->type].parse != NULL);
    uint64_t value;
    if (text[0] == '-' && text[1] >= '0' && text[1] <= '9') {
        return out_of_range(error, arg, text);
    }
    if (!how[arg->type].parse(text, &value)) {
        return fail(error, arg, text, how[arg->type].what);
    }
    bool unpaced = arg->type == ARG_RATE && value == DRIVER_RATE_MAX;
    if (!unpaced && (value < arg->min || value > arg->max)) {
        return out_of_range(error, arg, text);
    }
    *(uint64_t *)field(args, arg) = value;
    return true;
}

static bool set_fraction(struct driver_args *args, const struct driver_arg *arg, const char *text,
                         char error[256]) {
    double value;
    if (text[0] == '-' && text[1] >= '0' && text[1] <= '9') {
        return out_of_range(error, arg, text);
    }
    if (!driver_parse_fraction(text, &value)) {
        return fail(error, arg, text, "is not a number (such as 0.01)");
    }
    bool fpr = arg->offset == offsetof(struct driver_args, bloom_fpr);
    /* Zero is a choice of its own: no filter. */
    bool good = fpr ? (!(value > 0.0) || (value >= 0.000001 && value <= 0.5))
                    : (value >= 0.01 && value <= 5.0);
    if (!good) {
        return out_of_range(error, arg, text);
    }
    *(double *)field(args, arg) = value;
    return true;
}

static bool set_choice(struct driver_args *args, const struct driver_arg *arg, const char *text,
                       char error[256]) {
    char names[128] = "";
    for (const struct driver_choice *c = arg->choices; c->name != NULL; c++) {
        if (strcmp(c->name, text) == 0) {
            *(unsigned *)field(args, arg) = c->value;
            return true;
        }
        size_t used = strlen(names);
        (void)snprintf(names + used, sizeof names - used, "%s%s", used > 0 ? ", " : "", c->name);
    }
    (void)snprintf(error, 256, "--%s: '%.60s' is none of %s", arg->name, text, names);
    return false;
}

/* A plain number counts samples; with a unit of time it is a time, converted once the sampling
 * interval is known. */
static bool set_history(struct driver_args *args, const struct driver_arg *arg, const char *text,
                        char error[256]) {
    uint64_t value;
    if (driver_parse_count(text, &value)) {
        if (value < arg->min || value > arg->max) {
            return out_of_range(error, arg, text);
        }
        args->history_samples = value;
        args->history_ns = 0;
        return true;
    }
    if (!driver_parse_seconds(text, &value)) {
        return fail(error, arg, text, "is neither a number of samples nor a time (such as 2h)");
    }
    if (value == 0) {
        return out_of_range(error, arg, text);
    }
    args->history_ns = value;
    args->history_samples = 0;
    return true;
}

bool driver_arg_set(struct driver_args *args, const struct driver_arg *arg, const char *text,
                    char error[256]) {
    switch (arg->type) {
    case ARG_FLAG:
        *(bool *)field(args, arg) = true;
        return true;
    case ARG_TEXT:
    case ARG_CSV:
        if (text[0] == '\0') {
            return fail(error, arg, text, "is empty");
        }
        *(const char **)field(args, arg) = text;
        return true;
    case ARG_COUNT:
    case ARG_SIZE:
    case ARG_RATE:
    case ARG_SECONDS:
    case ARG_MILLIS:
        return set_number(args, arg, text, error);
    case ARG_FRACTION:
        return set_fraction(args, arg, text, error);
    case ARG_CHOICE:
        return set_choice(args, arg, text, error);
    case ARG_HISTORY:
        return set_history(args, arg, text, error);
    }
    DRIVER_ASSERT(!"an option type without a setter");
    return false;
}

static void set_defaults(struct driver_args *args) {
    char error[256];
    *args = (struct driver_args){.weight = {1, 1, 1, 1}};
    for (size_t i = 0; i < driver_arg_count; i++) {
        const struct driver_arg *arg = &driver_arg_table[i];
        if (arg->name != NULL && arg->initial != NULL) {
            bool good = driver_arg_set(args, arg, arg->initial, error);
            DRIVER_ASSERT(good);
        }
    }
}

/* Each worker keeps a value of its own. */
#define VALUES_MAX (1ull << 30)

enum { LONG_BASE = 1000 }; /* above every character that getopt may return */

static void fill_getopt(struct option *options, size_t room) {
    DRIVER_ASSERT(room > driver_arg_count);
    size_t n = 0;
    for (size_t i = 0; i < driver_arg_count; i++) {
        const struct driver_arg *arg = &driver_arg_table[i];
        if (arg->name != NULL) {
            int has = arg->type == ARG_FLAG  ? no_argument
                      : arg->type == ARG_CSV ? optional_argument
                                             : required_argument;
            options[n++] = (struct option){arg->name, has, NULL, LONG_BASE + (int)i};
        }
    }
    options[n] = (struct option){0};
}

/* Why getopt refused, in one line. */
static void refuse(int code, int argc, char **argv, char error[256]) {
    const char *word = optind > 0 && optind <= argc ? argv[optind - 1] : "?";
    if (optopt >= LONG_BASE) {
        const char *name = driver_arg_table[optopt - LONG_BASE].name;
        (void)snprintf(error, 256, code == ':' ? "--%s needs a value" : "--%s takes no value",
                       name);
    } else if (optopt != 0) {
        (void)snprintf(error, 256, "unknown option '-%c'; options are written out, see --help",
                       optopt);
    } else {
        (void)snprintf(error, 256, "unknown or ambiguous option '%.80s'; see --help", word);
    }
}

/* Whether the option that getopt just took was written out: it takes abbreviations, which change
 * their meaning when an option is added. One line in `error` otherwise. */
static bool written_out(const struct driver_arg *arg, char **argv, char error[256]) {
    DRIVER_ASSERT(optind >= 2 || optarg == NULL || optarg != argv[optind - 1]);
    bool own_word = optarg != NULL && optarg == argv[optind - 1];
    const char *word = argv[optind - (own_word ? 2 : 1)];
    size_t length = strcspn(word, "=");
    if (length == strlen(arg->name) + 2) {
        return true;
    }
    (void)snprintf(error, 256, "unknown option '%.*s'; did you mean --%s?",
                   length < 80 ? (int)length : 80, word, arg->name);
    return false;
}

/* What only the options together can tell. */
static bool check_together(struct driver_args *args, char error[256]) {
    uint64_t durability_bit = 1ull << (size_t)(driver_arg_find("durability") - driver_arg_table);
    if (args->wal_flush_every_write) {
        if ((args->given & durability_bit) != 0 && args->durability != LSM_SYNC) {
            (void)snprintf(error, 256, "--wal-flush-every-write means --durability sync, not %s",
                           driver_durability_name(args->durability));
            return false;
        }
        args->durability = LSM_SYNC;
    }
    if (args->history_ns != 0) {
        uint64_t samples = args->history_ns / args->sample_ns;
        const struct driver_arg *arg = driver_arg_find("history");
        if (samples > arg->max) {
            (void)snprintf(error, 256,
                           "--history: that is %llu samples of --sample-ms; at most %llu",
                           (unsigned long long)samples, (unsigned long long)arg->max);
            return false;
        }
    }
    if (args->value_bytes > VALUES_MAX / args->threads) {
        (void)snprintf(error, 256, "--value-size-bytes times --threads must not exceed 1 GiB");
        return false;
    }
    if (!scope_name_valid(args->name, false)) {
        (void)snprintf(error, 256,
                       "--name: '%.60s' is not 1 to 48 letters, digits, '.', '_' or '-' "
                       "(neither beginning with '.' nor ending in .crashed)",
                       args->name);
        return false;
    }
    return true;
}

bool driver_args_parse(int argc, char **argv, struct driver_args *args, char error[256]) {
    struct option options[65];
    fill_getopt(options, sizeof options / sizeof options[0]);
    set_defaults(args);
    opterr = 0;
    optind = 0; /* 0, not 1: glibc then forgets everything of an earlier parse */
    for (;;) {
        optopt = 0;
        int code = getopt_long(argc, argv, ":h", options, NULL);
        if (code == -1) {
            break;
        }
        if (code == 'h') {
            args->help = true;
            continue;
        }
        if (code < LONG_BASE) {
            refuse(code, argc, argv, error);
            return false;
        }
        const struct driver_arg *arg = &driver_arg_table[code - LONG_BASE];
        if (!written_out(arg, argv, error)) {
            return false;
        }
        const char *text = optarg;
        if (arg->type == ARG_CSV && text == NULL) {
            /* getopt knows only --out-csv=FILE; people and the reference write two words. */
            bool word = optind < argc && argv[optind][0] != '-' && argv[optind][0] != '\0';
            text = word ? argv[optind++] : DRIVER_DEFAULT_CSV;
        }
        if (!driver_arg_set(args, arg, text, error)) {
            return false;
        }
        args->given |= 1ull << (code - LONG_BASE);
    }
    if (args->help || args->version) {
        return true;
    }
    if (optind < argc) {
        (void)snprintf(error, 256, "unexpected argument '%.80s'; see --help", argv[optind]);
        return false;
    }
    if (args->preset != NULL && !driver_preset_apply(args, error)) {
        return false;
    }
    return check_together(args, error);
}

void driver_args_help(FILE *out) {
    (void)fputs("Usage: lsm-driver [OPTIONS]\n\n"
                "Runs an LSM storage engine under a chosen workload and publishes what happens "
                "inside it,\nfor lsm-observer to show.\n",
                out);
    for (size_t i = 0; i < driver_arg_count; i++) {
        const struct driver_arg *arg = &driver_arg_table[i];
        if (arg->name == NULL) {
            (void)fprintf(out, "\n%s\n", arg->help);
            continue;
        }
        char left[64];
        (void)snprintf(left, sizeof left, "--%s%s%s", arg->name, arg->metavar != NULL ? " " : "",
                       arg->metavar != NULL ? arg->metavar : "");
        (void)fprintf(out, "  %-32s %s", left, arg->help);
        if (arg->initial != NULL) {
            (void)fprintf(out, " [%s]", arg->initial);
        }
        (void)fputc('\n', out);
    }
    (void)fputs("\nPresets\n", out);
    driver_preset_help(out);
    (void)fputs("\nA line typed while it runs becomes a named marker. Ctrl-C ends the run with its "
                "summary, a\nsecond one at once. Exit status: 0, 1 when the engine failed, 2 for a "
                "wrong option or a\ndirectory, file or name that cannot be used (nothing is "
                "touched then).\n",
                out);
}

static uint32_t power_of_two(uint64_t at_least) {
    uint32_t slots = 16;
    while (slots < at_least && slots < (1u << 24)) {
        slots *= 2;
    }
    return slots;
}

void driver_history_slots(const struct driver_args *args, uint32_t *samples, uint32_t *events,
                          uint32_t *seconds) {
    *samples = *events = *seconds = 0;
    if (args->history_samples == 0 && args->history_ns == 0) {
        return;
    }
    uint64_t wanted = args->history_samples;
    uint64_t span_ns = args->history_samples * args->sample_ns;
    if (args->history_ns != 0) {
        span_ns = args->history_ns;
        wanted = (span_ns + args->sample_ns - 1) / args->sample_ns;
    }
    /* Four events to a sample, as in the default rings; a second each for the latencies, but not
     * more slots than the samples have: an interval of minutes would ask for millions. */
    *samples = power_of_two(wanted);
    *events = power_of_two(4ull * *samples);
    uint64_t whole = span_ns / 1000000000u + 1;
    uint64_t most = *samples > 65536u ? *samples : 65536u;
    *seconds = power_of_two(whole < most ? whole : most);
    DRIVER_ASSERT(*samples >= 16 && *events >= *samples && *seconds >= 16);
}
