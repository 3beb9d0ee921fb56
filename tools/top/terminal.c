/* terminal.c: see terminal.h. Apart from screen.c because term.h takes everyday words for its own.
 */
#include "terminal.h"

#include <curses.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <unistd.h>

static bool describe(const char *kind) {
    int known = 0;
    return setupterm(kind, STDOUT_FILENO, &known) == OK;
}

static const char *capability(const char *name) {
    const char *string = tigetstr(name);
    return string == (char *)-1 ? NULL : string;
}

/* "xterm-direct" for "xterm-256color". */
static bool find_twin(const char *kind, char *twin, size_t size) {
    const char *promise = getenv("COLORTERM");
    bool exact =
        promise != NULL && (strcmp(promise, "truecolor") == 0 || strcmp(promise, "24bit") == 0);
    const char *tail = strstr(kind, "-256color");
    int length = (int)(tail != NULL ? (size_t)(tail - kind) : strlen(kind));
    if (!exact || snprintf(twin, size, "%.*s-direct", length, kind) >= (int)size ||
        !describe(twin)) {
        return false;
    }
    (void)del_curterm(cur_term);
    return true;
}

/* Without the delays that terminals of old needed. */
static void append(char *text, size_t size, const char *string) {
    size_t used = strlen(text);
    while (string != NULL && *string != '\0' && used + 1 < size) {
        const char *end = string[0] == '$' && string[1] == '<' ? strchr(string, '>') : NULL;
        if (end != NULL) {
            string = end + 1;
        } else {
            text[used++] = *string++;
        }
    }
    text[used] = '\0';
}

bool terminal_find(bool color, struct terminal *terminal, char *error, size_t error_size) {
    static const char *const undo[] = {"sgr0", "op", "rmkx", "cnorm", "rmcup"};
    const char *kind = getenv("TERM");
    *terminal = (struct terminal){.kind = ""};
    if (kind == NULL || strlen(kind) >= sizeof(terminal->kind) || !describe(kind)) {
        snprintf(error, error_size, "the terminal type '%.60s' is not known here: set TERM",
                 kind != NULL ? kind : "");
        return false;
    }
    bool places = capability("cup") != NULL;
    for (size_t i = 0; i < sizeof(undo) / sizeof(undo[0]); i++) {
        append(terminal->restore, sizeof(terminal->restore), capability(undo[i]));
    }
    (void)del_curterm(cur_term);
    if (!places) {
        snprintf(error, error_size, "a terminal of type '%.60s' cannot place its cursor", kind);
        return false;
    }
    if (!color || !find_twin(kind, terminal->kind, sizeof(terminal->kind))) {
        snprintf(terminal->kind, sizeof(terminal->kind), "%s", kind);
    }
    return true;
}
