/* main.c: lsm-ls: the segments on this machine, and the removal of dead ones. */
#include "ls.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "layout.h"

enum { EXIT_FINE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static const char help[] =
    "usage: lsm-ls [--clean] [--json]\n"
    "\n"
    "Lists the segments in /dev/shm into which storage engines publish what they do.\n"
    "\n"
    "  --clean     remove segments that are closed or crashed, black boxes included\n"
    "  --json      print the list as JSON\n"
    "  --help      this text\n"
    "  --version   version of this program and of the segments it reads\n"
    "\n"
    "States: live; stalled (the writer is stopped or hangs); closed (ended in good order);\n"
    "crashed (died: the segment is a black box of its last minutes); copy (a plain copy of a\n"
    "segment file). What cannot be read is listed with the reason.\n"
    "\n"
    "Exit: 0 fine, 1 the list or a removal failed, 2 wrong usage.\n";

const char *ls_state(const struct scope_listing *listing) {
    switch (listing->status) {
    case 0:
        return scope_liveness_name(listing->liveness);
    case SCOPE_ERR_PERMISSION:
        return "private";
    case SCOPE_ERR_VERSION:
        return "version";
    case SCOPE_ERR_NOT_A_SEGMENT:
        return "foreign";
    case SCOPE_ERR_DAMAGED:
        return "damaged";
    default:
        return "unreadable";
    }
}

void ls_reason(const struct scope_listing *listing, char *text, size_t size) {
    /* Once more, for the detail; it may have changed since, and then the list's word stands. */
    struct scope_error_detail detail = {0};
    struct scope_segment *segment;
    const char *reason = scope_strerror(listing->status);
    if (scope_attach(listing->name, true, &segment, &detail) == 0) {
        scope_detach(segment);
    } else if (detail.code == listing->status && detail.text[0] != 0) {
        reason = detail.text;
    }
    (void)snprintf(text, size, "%s", reason);
}

static size_t terminal_width(void) {
    struct winsize size;
    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) {
        return 0;
    }
    return size.ws_col;
}

static int run(bool clean, bool json) {
    struct scope_listing *list = NULL;
    size_t count = 0;
    int rc = scope_sigbus_guard();
    rc = rc != 0 ? rc : scope_list(&list, &count);
    if (rc != 0) {
        (void)fprintf(stderr, "lsm-ls: cannot list /dev/shm: %s\n", scope_strerror(rc));
        return EXIT_FAILED;
    }
    int result = EXIT_FINE;
    if (clean) {
        result = ls_clean(json ? stderr : stdout, list, count);
        free(list);
        list = NULL;
        count = 0;
        if (json && scope_list(&list, &count) != 0) {
            result = EXIT_FAILED;
        }
    }
    if (json) {
        ls_json(stdout, list, count);
    } else if (!clean) {
        ls_table(stdout, list, count, terminal_width());
    }
    free(list);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        (void)fprintf(stderr, "lsm-ls: cannot write the list\n");
        result = EXIT_FAILED;
    }
    return result;
}

int main(int argc, char **argv) {
    static const struct option options[] = {
        {"clean", no_argument, NULL, 'c'}, {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},  {"version", no_argument, NULL, 'V'},
        {NULL, no_argument, NULL, 0},
    };
    bool clean = false;
    bool json = false;
    int option;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            clean = true;
            break;
        case 'j':
            json = true;
            break;
        case 'h':
            (void)fputs(help, stdout);
            return EXIT_FINE;
        case 'V':
            (void)printf("lsm-ls %s, segments of version %d.%d\n", SCOPE_VERSION,
                         SCOPE_VERSION_MAJOR, SCOPE_VERSION_MINOR);
            return EXIT_FINE;
        default:
            (void)fprintf(stderr, "lsm-ls: see lsm-ls --help\n");
            return EXIT_USAGE;
        }
    }
    if (optind < argc) {
        (void)fprintf(stderr, "lsm-ls: '%s' is not an option: see lsm-ls --help\n", argv[optind]);
        return EXIT_USAGE;
    }
    return run(clean, json);
}
