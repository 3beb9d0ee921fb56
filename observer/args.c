/* args.c: see args.h. One table holds every option, its help and how its value is read. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "args.h"
#include "obs_check.h"
#include "panel.h"
#include "scope.h"

/* Reads one option's value. False: `error` says what would be right. */
typedef bool option_set(struct args *args, const char *value, char error[ARGS_ERROR_MAX]);

enum value_kind { VALUE_NONE, VALUE_NEEDED, VALUE_OPTIONAL };

struct option_spec {
    const char *name;
    enum value_kind kind;
    option_set *set;
    const char *value; /* as the help shows it */
    const char *help;
};

/* ---- values ---------------------------------------------------------------------------------- */

static bool number_in(const char *text, double low, double high, double *number) {
    char *end = NULL;
    errno = 0;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || errno != 0 || !isfinite(value) ||
        isspace((unsigned char)text[0]) || value < low || value > high) {
        return false;
    }
    *number = value;
    return true;
}

static bool ending_is(const char *path, const char *ending) {
    size_t length = strlen(path), tail = strlen(ending);
    return length > tail && strcasecmp(path + length - tail, ending) == 0;
}

static bool wrong(char error[ARGS_ERROR_MAX], const char *name, const char *value,
                  const char *right) {
    snprintf(error, ARGS_ERROR_MAX, "%s %.80s: %s", name, value, right);
    return false;
}

static bool source_add(struct args *args, enum args_kind kind, const char *name,
                       char error[ARGS_ERROR_MAX]) {
    if (args->sources == VIEW_RUNS_MAX) {
        snprintf(error, ARGS_ERROR_MAX, "%.80s: at most %d runs can be compared", name,
                 (int)VIEW_RUNS_MAX);
        return false;
    }
    args->source[args->sources++] = (struct args_source){kind, name};
    return true;
}

static bool set_attach(struct args *args, const char *value, char error[ARGS_ERROR_MAX]) {
    return scope_name_valid(value, true)
               ? source_add(args, ARGS_DRIVER, value, error)
               : wrong(error, "--attach", value, "not a driver's name (see lsm-ls)");
}

static bool set_segment(struct args *args, const char *value, char error[ARGS_ERROR_MAX]) {
    return strlen(value) > 0 ? source_add(args, ARGS_SEGMENT_FILE, value, error)
                             : wrong(error, "--segment", value, "a file is needed");
}

/* Without a value: the default file. */
static bool set_csv(struct args *args, const char *value, char error[ARGS_ERROR_MAX]) {
    value = value != NULL ? value : ARGS_CSV_DEFAULT;
    return strlen(value) > 0 ? source_add(args, ARGS_CSV, value, error)
                             : wrong(error, "--csv", "", "a file is needed");
}

static bool set_record(struct args *args, const char *value, char error[ARGS_ERROR_MAX]) {
    args->record = value;
    return strlen(value) > 0 || wrong(error, "--record", value, "a file is needed");
}

static bool set_output(struct args *args, const char *value, char error[ARGS_ERROR_MAX]) {
    args->output = value;
    return ending_is(value, ".png") || ending_is(value, ".svg") || ending_is(value, ".pdf") ||
           wrong(error, "--output", value, "the name must end in .png, .svg or .pdf");
}

static bool set_save_video(struct args *args, const char *value, char error[ARGS_ERROR_MAX]) {
    args->save_video = value;
    return ending_is(value, ".mp4") || ending_is(value, ".webm") || ending_is(value, ".gif") ||
           wrong(error, "--save-video", value, "the name must end in .mp4, .webm or .gif");
}

static bool set_interval(struct args *args, const char *value, char error[ARGS_ERROR_MAX]) {
    double number = 0;
    if (!number_in(value, 10, 3600000, &number) || number != floor(number)) {
        return wrong(error, "--interval-ms", value, "a whole number from 10 to 3600000 is needed");
    }
    args->interval_ms = (long)number;
    return true;
}

static bool set_fps(struct args *args, const char *value, char error[ARGS_ERROR_MAX]) {
    return number_in(value, 0.1, 60, &args->fps) ||
           wrong(error, "--fps", value, "a number from 0.1 to 60 is needed");
}

static bool set_speed(struct args *args, const char *value, char error[ARGS_ERROR_MAX]) {
    return number_in(value, 0.01, 10000, &args->speed) ||
           wrong(error, "--speed", value, "a number from 0.01 to 10000 is needed");
}

static bool set_codec(struct args *args, const char *value, char error[ARGS_ERROR_MAX]) {
    args->codec = value;
    return codec_find(value) != NULL || wrong(error, "--codec", value, codec_names());
}

static bool set_quality(struct args *args, const char *value, char error[ARGS_ERROR_MAX]) {
    return quality_find(value, &args->quality) ||
           wrong(error, "--quality", value, "low, good or best is needed");
}

static bool set_duration(struct args *args, const char *value, char error[ARGS_ERROR_MAX]) {
    return number_in(value, 0.1, 31536000, &args->duration_s) ||
           wrong(error, "--duration", value, "seconds from 0.1 to 31536000 are needed");
}

static bool set_scale(struct args *args, const char *value, char error[ARGS_ERROR_MAX]) {
    return number_in(value, 0.5, 4, &args->scale) ||
           wrong(error, "--scale", value, "a number from 0.5 to 4 is needed");
}

static bool set_size(struct args *args, const char *value, char error[ARGS_ERROR_MAX]) {
    char *end = NULL;
    errno = 0;
    long width = isdigit((unsigned char)value[0]) ? strtol(value, &end, 10) : 0, height = 0;
    if (end != NULL && (*end == 'x' || *end == 'X') && isdigit((unsigned char)end[1])) {
        height = strtol(end + 1, &end, 10);
    }
    if (end == NULL || *end != '\0' || errno != 0 || width < VIEW_WIDTH_LEAST || width > 7680 ||
        height < VIEW_HEIGHT_LEAST || height > 4320) {
        return wrong(error, "--size", value,
                     "WIDTHxHEIGHT from 320x200 to 7680x4320 is needed, as in 1280x720");
    }
    args->width = (int)width;
    args->height = (int)height;
    args->size_given = true;
    return true;
}

static bool set_align(struct args *args, const char *value, char error[ARGS_ERROR_MAX]) {
    args->align = strcmp(value, "wall") == 0 ? ARGS_ALIGN_WALL : ARGS_ALIGN_START;
    return strcmp(value, "wall") == 0 || strcmp(value, "start") == 0 ||
           wrong(error, "--align", value, "start or wall is needed");
}

static bool set_compare(struct args *args, const char *value, char error[ARGS_ERROR_MAX]) {
    args->side_by_side = strcmp(value, "side") == 0;
    return strcmp(value, "overlay") == 0 || strcmp(value, "side") == 0 ||
           wrong(error, "--compare", value, "overlay or side is needed");
}

static bool set_theme(struct args *args, const char *value, char error[ARGS_ERROR_MAX]) {
    args->theme = strcmp(value, "light") == 0 ? THEME_LIGHT : THEME_DARK;
    args->theme_given = true;
    return strcmp(value, "light") == 0 || strcmp(value, "dark") == 0 ||
           wrong(error, "--theme", value, "dark or light is needed");
}

static bool set_panels(struct args *args, const char *value, char error[ARGS_ERROR_MAX]) {
    char why[80];
    if (panel_parse(value, args->panel, &args->panels, why, sizeof(why))) {
        return true;
    }
    size_t count, used;
    const struct panel *const *list = panel_list(&count);
    snprintf(error, ARGS_ERROR_MAX, "--panels: %s; there are", why);
    for (size_t i = 0; i < count; i++) {
        used = strlen(error);
        snprintf(error + used, ARGS_ERROR_MAX - used, "%s %s", i > 0 ? "," : "", list[i]->name);
    }
    return false;
}

static bool set_layout(struct args *args, const char *value, char error[ARGS_ERROR_MAX]) {
    args->layout_given = true;
    return view_layout_parse(value, &args->layout) ||
           wrong(error, "--layout", value, "overview, stack or presenter is needed");
}

static bool set_no_config(struct args *args, const char *value, char error[ARGS_ERROR_MAX]) {
    (void)value, (void)error;
    args->no_config = true;
    return true;
}

static bool set_caption(struct args *args, const char *value, char error[ARGS_ERROR_MAX]) {
    args->caption = value;
    return strlen(value) < 200 || wrong(error, "--caption", value, "at most 199 bytes");
}

static bool set_show_command(struct args *args, const char *value, char error[ARGS_ERROR_MAX]) {
    (void)value, (void)error;
    args->show_command = true;
    return true;
}

static bool set_font(struct args *args, const char *value, char error[ARGS_ERROR_MAX]) {
    args->font = value;
    return strlen(value) > 0 || wrong(error, "--font", value, "a family or a file is needed");
}

static bool set_any_owner(struct args *args, const char *value, char error[ARGS_ERROR_MAX]) {
    (void)value, (void)error;
    args->any_owner = true;
    return true;
}

static bool set_live(struct args *args, const char *value, char error[ARGS_ERROR_MAX]) {
    (void)value, (void)error;
    args->live = true;
    return true;
}

static bool set_headless(struct args *args, const char *value, char error[ARGS_ERROR_MAX]) {
    (void)value, (void)error;
    args->headless = true;
    return true;
}

static bool set_verbose(struct args *args, const char *value, char error[ARGS_ERROR_MAX]) {
    (void)value, (void)error;
    args->verbose = true;
    return true;
}

/* HELP and VERSION have no setter: they end the parsing. */
static const struct option_spec options[] = {
    {"--attach", VALUE_NEEDED, set_attach, "NAME",
     "watch the driver of that name; wait for it if it is not there. Up to 4 sources of any kind "
     "are compared"},
    {"--any-owner", VALUE_NONE, set_any_owner, "", "also a driver of another user"},
    {"--segment", VALUE_NEEDED, set_segment, "FILE", "show a copy of a driver's segment"},
    {"--csv", VALUE_OPTIONAL, set_csv, "[FILE]",
     "show a metrics CSV (default " ARGS_CSV_DEFAULT ")"},
    {"--live", VALUE_NONE, set_live, "", "follow the CSV while it grows; wait for it if missing"},
    {"--interval-ms", VALUE_NEEDED, set_interval, "N",
     "look at a followed CSV every N ms (default 1000)"},
    {"--align", VALUE_NEEDED, set_align, "HOW",
     "compare from each run's start (start, the default) or by wall clock (wall)"},
    {"--compare", VALUE_NEEDED, set_compare, "HOW",
     "in the same plots (overlay, the default) or beside each other (side)"},
    {"--record", VALUE_NEEDED, set_record, "FILE.lsr",
     "record what is watched; of a finished file: make a recording of it and end"},
    {"--output", VALUE_NEEDED, set_output, "FILE", "write a picture: .png, .svg or .pdf"},
    {"--save-video", VALUE_NEEDED, set_save_video, "FILE", "write a video: .mp4, .webm or .gif"},
    {"--fps", VALUE_NEEDED, set_fps, "N", "video frames per second (default 30, of a CSV 2)"},
    {"--speed", VALUE_NEEDED, set_speed, "X",
     "a finished run's video at X times its pace (default 1; a CSV: a frame a row)"},
    {"--codec", VALUE_NEEDED, set_codec, "NAME",
     "h264 (default), h265 or av1 for .mp4; vp9 (default) or av1 for .webm"},
    {"--quality", VALUE_NEEDED, set_quality, "Q", "of the video: low, good (default) or best"},
    {"--headless", VALUE_NONE, set_headless, "", "open no window"},
    {"--duration", VALUE_NEEDED, set_duration, "S", "end after S seconds"},
    {"--size", VALUE_NEEDED, set_size, "WxH", "size in pixels (default 1280x720; videos even)"},
    {"--panels", VALUE_NEEDED, set_panels, "A,B,...", "show these panels, in this order"},
    {"--layout", VALUE_NEEDED, set_layout, "NAME",
     "overview (two columns), stack (one) or presenter (large type)"},
    {"--caption", VALUE_NEEDED, set_caption, "TEXT", "a line under the picture"},
    {"--show-command", VALUE_NONE, set_show_command, "",
     "the run's command line under the picture"},
    {"--no-config", VALUE_NONE, set_no_config, "", "neither read nor save how the window was left"},
    {"--theme", VALUE_NEEDED, set_theme, "NAME", "dark or light (default dark)"},
    {"--font", VALUE_NEEDED, set_font, "FONT", "a font family or file (default Inter)"},
    {"--scale", VALUE_NEEDED, set_scale, "X", "size of text and lines (default from the display)"},
    {"--verbose", VALUE_NONE, set_verbose, "", "tell on stderr what happens"},
    {"--help", VALUE_NONE, NULL, "", "this text"},
    {"--version", VALUE_NONE, NULL, "", "the version"},
};
enum { OPTION_COUNT = sizeof(options) / sizeof(options[0]) };

/* ---- the line -------------------------------------------------------------------------------- */

/* `word` is --name or --name=value; `*value` is what follows the equals sign, or NULL. */
static const struct option_spec *spec_of(const char *word, const char **value) {
    const char *equals = strchr(word, '=');
    size_t length = equals != NULL ? (size_t)(equals - word) : strlen(word);
    *value = equals != NULL ? equals + 1 : NULL;
    if (strcmp(word, "-h") == 0) {
        word = "--help";
        length = strlen(word);
    }
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (strlen(options[i].name) == length && memcmp(options[i].name, word, length) == 0) {
            return &options[i];
        }
    }
    return NULL;
}

/* Does the codec go into the file it is asked for? */
static bool video_settle(const struct args *args, char error[ARGS_ERROR_MAX]) {
    const struct codec *codec = args->codec != NULL ? codec_find(args->codec) : NULL;
    const char *dot = args->save_video != NULL ? strrchr(args->save_video, '.') : NULL;
    if (codec != NULL && dot != NULL && !codec_suits(codec, dot)) {
        snprintf(error, ARGS_ERROR_MAX, "--codec %s: does not go into a %.20s file", codec->name,
                 dot);
        return false;
    }
    return true;
}

/* The sources that the options add up to, and what follows from them. */
static bool args_settle(struct args *args, char error[ARGS_ERROR_MAX]) {
    bool csv = false;
    for (unsigned i = 0; i < args->sources; i++) {
        csv = csv || args->source[i].kind == ARGS_CSV || args->source[i].kind == ARGS_FILE;
    }
    if (args->live && !csv && args->sources > 0) {
        snprintf(error, ARGS_ERROR_MAX, "--live: follows a CSV, and there is no --csv");
        return false;
    }
    if (args->sources == 0) {
        args->source[args->sources++] = args->live
                                            ? (struct args_source){ARGS_CSV, ARGS_CSV_DEFAULT}
                                            : (struct args_source){ARGS_DRIVER, NULL};
    }
    return video_settle(args, error);
}

/* Takes the option at argv[*at] and, where it has one, its value. */
static bool option_take(int argc, char **argv, int *at, const struct option_spec *spec,
                        const char *value, struct args *args, char error[ARGS_ERROR_MAX]) {
    const char *next = *at + 1 < argc ? argv[*at + 1] : NULL;
    if (spec->kind == VALUE_NONE && value != NULL) {
        snprintf(error, ARGS_ERROR_MAX, "%s takes no value", spec->name);
        return false;
    }
    /* A file called -x is given as --output=-x: what begins with dashes is the next option. */
    bool usable = next != NULL && next[0] != '-';
    if (spec->kind == VALUE_NEEDED && value == NULL && next != NULL && next[0] == '-' &&
        next[1] != '-' && next[1] != '\0') {
        usable = true; /* a negative number: its own message is the better one */
    }
    if (spec->kind != VALUE_NONE && value == NULL && usable) {
        value = next;
        (*at)++;
    }
    if (spec->kind == VALUE_NEEDED && value == NULL) {
        snprintf(error, ARGS_ERROR_MAX, "%s needs a value: %s", spec->name, spec->value);
        return false;
    }
    return spec->set(args, value, error);
}

enum args_result args_parse(int argc, char **argv, struct args *args, char error[ARGS_ERROR_MAX]) {
    OBS_ASSERT(argc >= 1 && argv != NULL && args != NULL);
    *args = (struct args){.interval_ms = 1000, .width = 1280, .height = 720};
    for (int i = 1; i < argc; i++) {
        const char *value = NULL;
        const struct option_spec *spec = spec_of(argv[i], &value);
        if (spec == NULL && argv[i][0] != '-' && argv[i][0] != '\0') {
            if (!source_add(args, ARGS_FILE, argv[i], error)) {
                return ARGS_WRONG;
            }
            continue;
        }
        if (spec == NULL) {
            snprintf(error, ARGS_ERROR_MAX, "%.80s: no such option (see --help)", argv[i]);
            return ARGS_WRONG;
        }
        if (spec->set == NULL) {
            return strcmp(spec->name, "--help") == 0 ? ARGS_HELP : ARGS_VERSION;
        }
        if (!option_take(argc, argv, &i, spec, value, args, error)) {
            return ARGS_WRONG;
        }
    }
    return args_settle(args, error) ? ARGS_RUN : ARGS_WRONG;
}

void args_help(FILE *out) {
    fprintf(out,
            "lsm-observer: watch a log-structured merge tree at work\n\n"
            "  lsm-observer                         the only live driver, or wait for one\n"
            "  lsm-observer --attach demo           the driver called demo\n"
            "  lsm-observer --attach a --attach b   two drivers on one time axis\n"
            "  lsm-observer run.lsr                 a finished run: a recording, a CSV, a copy\n"
            "                                       of a segment, a black box (.crashed)\n"
            "  lsm-observer a.lsr b.lsr             two of them on one time axis\n"
            "  lsm-observer --record run.lsr        watch, and record what is watched\n"
            "  lsm-observer --csv run.csv --live    a CSV that is being written\n"
            "  lsm-observer --csv run.csv --output run.png\n"
            "  lsm-observer --headless --save-video run.mp4 --duration 60\n\n"
            "Options\n");
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        char left[40];
        snprintf(left, sizeof(left), "%s%s%s", options[i].name, options[i].value[0] ? " " : "",
                 options[i].value);
        fprintf(out, "  %-20s %s\n", left, options[i].help);
    }
    fprintf(out, "\nKeys in the window\n");
    size_t count = 0;
    const struct view_key *keys = view_keys(&count);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "  %-20s %s\n", keys[i].keys, keys[i].does);
    }
    fprintf(out,
            "\n--output alone takes the picture at once and ends; with --save-video or --duration "
            "it is\ntaken at the end. Neither needs a display. A CSV that is not followed gives "
            "one video frame\na row, unless --speed is given. The viewer runs at nice 10.\n"
            "Exit status: 0 done, 1 it failed, 2 the command line is wrong.\n");
}

void args_version(FILE *out) {
    fprintf(out, "lsm-observer %s\n", SCOPE_VERSION);
}
