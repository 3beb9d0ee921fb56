/* csv_parse.h: the text of a metrics CSV, line by line, as pure functions.
 *
 *   header := name ("," name)* EOL        columns in any order, found by name; unknown ones ignored
 *   row    := field ("," field)* EOL      as many fields as the header has names
 *   names  := ts_ms | ops_total | ops_put | ops_get | ops_del | memtable_bytes
 *           | sst_count_L<n> | sst_bytes_L<n> | event
 *   event  := name (";" name)*            flush | compact_L<n>_L<m> | compact_L<n>_L<m>_scheduled
 *   EOL    := LF | CR LF
 *
 * ts_ms is Unix time in milliseconds; ops_* count within the row's own window; the rest are values
 * at its end. An empty field is absent, not zero. Fields may stand in double quotes.
 *
 * Threads:    none of it keeps state.
 * Errors:     false, and `error` says what is wrong, without the line's number, which the caller
 *             knows. Input is untrusted: any bytes may come. */
#ifndef OBS_CSV_PARSE_H
#define OBS_CSV_PARSE_H

#include "scope.h"

enum {
    CSV_COLUMNS_MAX = 512,
    CSV_LINE_MAX = 64 * 1024, /* bytes; a longer line is malformed */
    CSV_EVENTS_MAX = 64,      /* in one row */
    CSV_ERROR_MAX = 160,
};

enum csv_role {
    CSV_IGNORED,
    CSV_TIME,
    CSV_TOTAL,
    CSV_PUT,
    CSV_GET,
    CSV_DELETE,
    CSV_MEMTABLE,
    CSV_LEVEL_COUNT,
    CSV_LEVEL_BYTES,
    CSV_EVENT,
};

struct csv_column {
    enum csv_role role;
    unsigned level; /* of CSV_LEVEL_*; levels beyond the last one we show are folded into it */
};

struct csv_header {
    size_t columns;
    bool has_event;
    unsigned levels; /* 1 + the highest in the file, before folding */
    struct csv_column column[CSV_COLUMNS_MAX];
};

/* A number that may be absent. */
struct csv_number {
    bool known;
    uint64_t value;
};

struct csv_row {
    uint64_t time_ms;
    struct csv_number total, put, get, delete, memtable;
    struct csv_number tables[SCOPE_MAX_LEVELS], bytes[SCOPE_MAX_LEVELS];
    const char *event; /* into the line; NULL when the file has no such column */
    size_t event_length;
};

/* `line` is without its line feed; a carriage return at the end is dropped. */
bool csv_header_parse(const char *line, size_t length, struct csv_header *header,
                      char error[CSV_ERROR_MAX]);
bool csv_row_parse(const struct csv_header *header, const char *line, size_t length,
                   struct csv_row *row, char error[CSV_ERROR_MAX]);
/* The events of a row's event field, without times. A name that is not known becomes a marker.
 * Returns how many were written, at most CSV_EVENTS_MAX. */
size_t csv_events_parse(const char *text, size_t length, struct scope_event events[CSV_EVENTS_MAX]);

#endif
