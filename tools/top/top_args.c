/* top_args.c: see top_args.h. */
#include "top_args.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "top_check.h"
#include "viewer.h"

#define CSV_DEFAULT "/tmp/lsm_metrics.csv"
enum { COLUMNS_MAX = 1000, ROWS_MAX = 500 };

static const char help[] =
    "lsm-top: watch a log-structured merge tree at work, in a terminal\n"
    "\n"
    "  lsm-top                  the only live driver, or wait for one\n"
    "  lsm-top demo             the driver called demo\n"
    "  lsm-top run.lsr          a finished run: a recording, a metrics CSV, a copy of a segment\n"
    "  lsm-top --once           one frame as plain text\n"
    "\n"
    "Options\n"
    "  --attach NAME        watch the driver of that name; wait for it if it is not there\n"
    "  --any-owner          also a driver of another user\n"
    "  --segment FILE       show a copy of a driver's segment\n"
    "  --csv [FILE]         show a metrics CSV (default " CSV_DEFAULT ")\n"
    "  --live               follow the CSV while it grows; wait for it if missing\n"
    "  --span TIME          time the trends show: 30s, 5m, 2h, all (default 1m, of a file all)\n"
    "  --interval-ms N      draw at most every N ms; look at a followed CSV as often (default "
    "250)\n"
    "  --once               print one frame as plain text and end; needs no terminal\n"
    "  --size COLSxROWS     size of that frame (default the terminal's, else 80x24)\n"
    "  --ascii              draw with ASCII characters alone\n"
    "  --no-color           draw without colours (so does the environment variable NO_COLOR)\n"
    "  --theme NAME         dark or light: what the terminal's background is (default a guess)\n"
    "  --help               this text\n"
    "  --version            the version\n";

void top_args_help(FILE *out) {
    fputs(help, out);
    fprintf(out, "\nKeys\n");
    size_t count = 0;
    const struct viewer_key_help *keys = viewer_keys(&count);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "  %-20s %s\n", keys[i].keys, keys[i].does);
    }
    fprintf(out, "\nRuns at nice 10 and draws only what is new. Needs 80x24 characters.\n"
                 "Exit status: 0 done, 1 it failed, 2 the command line is wrong.\n");
}

static bool whole_number(const char *text, long low, long high, long *number) {
    char *end = NULL;
    errno = 0;
    long value = isdigit((unsigned char)text[0]) ? strtol(text, &end, 10) : 0;
    if (end == NULL || *end != '\0' || errno != 0 || value < low || value > high) {
        return false;
    }
    *number = value;
    return true;
}

static bool take_size(const char *text, struct top_args *args) {
    const char *x = strpbrk(text, "xX");
    char columns[16] = "";
    long width = 0, height = 0;
    if (x == NULL || (size_t)(x - text) >= sizeof(columns)) {
        return false;
    }
    memcpy(columns, text, (size_t)(x - text));
    if (!whole_number(columns, 1, COLUMNS_MAX, &width) ||
        !whole_number(x + 1, 1, ROWS_MAX, &height)) {
        return false;
    }
    args->columns = (int)width;
    args->rows = (int)height;
    return true;
}

static bool take_span(const char *text, struct top_args *args) {
    args->has_span = true;
    args->span = 0.0;
    if (strcmp(text, "all") == 0) {
        return true;
    }
    char *end = NULL;
    double value = isdigit((unsigned char)text[0]) ? strtod(text, &end) : 0.0;
    if (end == NULL || !isfinite(value)) {
        return false;
    }
    double unit = strcmp(end, "s") == 0 || *end == '\0' ? 1.0
                  : strcmp(end, "m") == 0               ? 60.0
                  : strcmp(end, "h") == 0               ? 3600.0
                                                        : 0.0;
    args->span = value * unit;
    return args->span >= 1.0 && args->span <= 31536000.0;
}

static bool take_theme(const char *text, struct top_args *args) {
    args->has_theme = true;
    args->theme = strcmp(text, "light") == 0 ? HUES_LIGHT : HUES_DARK;
    return strcmp(text, "light") == 0 || strcmp(text, "dark") == 0;
}

static bool wrong(char error[TOP_ARGS_ERROR], const char *name, const char *value,
                  const char *right) {
    snprintf(error, TOP_ARGS_ERROR, "%s %.80s: %s", name, value, right);
    return false;
}

enum { ATTACH = 1, OWNER, SEGMENT, CSV, LIVE, SPAN, INTERVAL, ONCE, SIZE, ASCII, MONO, THEME };
enum { HELP = 'h', VERSION = 'V' };

/* Options with a value. */
static bool take_value(int option, const char *value, struct top_args *args,
                       char error[TOP_ARGS_ERROR]) {
    switch (option) {
    case ATTACH:
        args->attach = value;
        return scope_name_valid(value, true) ||
               wrong(error, "--attach", value, "not a driver's name (see lsm-ls)");
    case SEGMENT:
        args->segment = value;
        return strlen(value) > 0 || wrong(error, "--segment", value, "a file is needed");
    case CSV:
        args->csv = value;
        return strlen(value) > 0 || wrong(error, "--csv", value, "a file is needed");
    case SPAN:
        return take_span(value, args) ||
               wrong(error, "--span", value, "a time from 1s is needed, as in 30s, 5m, 2h, or all");
    case INTERVAL:
        return whole_number(value, 10, 3600000, &args->interval_ms) ||
               wrong(error, "--interval-ms", value, "a whole number from 10 to 3600000 is needed");
    case SIZE:
        return take_size(value, args) ||
               wrong(error, "--size", value, "COLSxROWS up to 1000x500 is needed, as in 120x40");
    case THEME:
        return take_theme(value, args) || wrong(error, "--theme", value, "dark or light is needed");
    default:
        break;
    }
    TOP_ASSERT(false);
    return false;
}

static void take_flag(int option, struct top_args *args) {
    args->any_owner = args->any_owner || option == OWNER;
    args->live = args->live || option == LIVE;
    args->once = args->once || option == ONCE;
    args->ascii = args->ascii || option == ASCII;
    args->no_color = args->no_color || option == MONO;
}

/* The word that is no option, and what contradicts what. */
static bool settle(int argc, char **argv, struct top_args *args, char error[TOP_ARGS_ERROR]) {
    if (optind < argc) {
        args->word = argv[optind];
    }
    if (optind + 1 < argc) {
        snprintf(error, TOP_ARGS_ERROR, "%.80s and %.80s: one source at a time", argv[optind],
                 argv[optind + 1]);
        return false;
    }
    if (args->word != NULL && args->word[0] == '\0') {
        snprintf(error, TOP_ARGS_ERROR, "a driver's name or a file is needed, not an empty word");
        return false;
    }
    if (args->live && args->csv == NULL) {
        args->csv = args->word != NULL ? args->word : CSV_DEFAULT;
        args->word = NULL;
    }
    const char *given[4] = {args->attach != NULL ? "--attach" : NULL,
                            args->segment != NULL ? "--segment" : NULL,
                            args->csv != NULL ? "--csv" : NULL, args->word};
    const char *first = NULL;
    for (int i = 0; i < 4; i++) {
        if (given[i] != NULL && first != NULL) {
            snprintf(error, TOP_ARGS_ERROR, "%.80s and %.80s: one source at a time", first,
                     given[i]);
            return false;
        }
        first = given[i] != NULL ? given[i] : first;
    }
    return true;
}

enum top_args_result top_args_parse(int argc, char **argv, struct top_args *args,
                                    char error[TOP_ARGS_ERROR]) {
    static const struct option options[] = {
        {"attach", required_argument, NULL, ATTACH},
        {"any-owner", no_argument, NULL, OWNER},
        {"segment", required_argument, NULL, SEGMENT},
        {"csv", optional_argument, NULL, CSV},
        {"live", no_argument, NULL, LIVE},
        {"span", required_argument, NULL, SPAN},
        {"interval-ms", required_argument, NULL, INTERVAL},
        {"once", no_argument, NULL, ONCE},
        {"size", required_argument, NULL, SIZE},
        {"ascii", no_argument, NULL, ASCII},
        {"no-color", no_argument, NULL, MONO},
        {"theme", required_argument, NULL, THEME},
        {"help", no_argument, NULL, HELP},
        {"version", no_argument, NULL, VERSION},
        {NULL, no_argument, NULL, 0},
    };
    *args = (struct top_args){.interval_ms = 250, .span = 60.0};
    opterr = 0;
    optind = 0; /* start anew: tests parse many lines */
    int option;
    while ((option = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        const char *word = argv[optind - 1];
        if (option == HELP || option == VERSION) {
            return option == HELP ? TOP_ARGS_HELP : TOP_ARGS_VERSION;
        }
        if (option == ':') {
            snprintf(error, TOP_ARGS_ERROR, "%.80s needs a value (see --help)", word);
            return TOP_ARGS_WRONG;
        }
        if (option == '?') {
            bool extra = optopt > 0 && optopt < HELP && strchr(word, '=') != NULL;
            snprintf(error, TOP_ARGS_ERROR, "%.80s: %s (see --help)", word,
                     extra ? "takes no value" : "no such option");
            return TOP_ARGS_WRONG;
        }
        const char *value = optarg;
        if (option == CSV && value == NULL) {
            bool follows = optind < argc && argv[optind][0] != '-';
            value = follows ? argv[optind++] : CSV_DEFAULT;
        }
        if (value == NULL) {
            take_flag(option, args);
        } else if (!take_value(option, value, args, error)) {
            return TOP_ARGS_WRONG;
        }
    }
    return settle(argc, argv, args, error) ? TOP_ARGS_RUN : TOP_ARGS_WRONG;
}
