/* csv_parse.c: see csv_parse.h for the grammar. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "obs_check.h"
#include "csv_parse.h"

enum { PLAIN_DIGITS = 19 }; /* so many fit 64 bits, whatever they are */

struct text {
    const char *at;
    size_t length;
};

static struct text line_of(const char *line, size_t length) {
    if (length > 0 && line[length - 1] == '\r') {
        length--;
    }
    return (struct text){line, length};
}

static struct text trim(struct text text) {
    while (text.length > 0 && (text.at[0] == ' ' || text.at[0] == '\t')) {
        text.at++;
        text.length--;
    }
    while (text.length > 0 &&
           (text.at[text.length - 1] == ' ' || text.at[text.length - 1] == '\t')) {
        text.length--;
    }
    return text;
}

/* Cuts the next field off `rest`. False when the line is used up: an empty rest after a comma is
 * still one (empty) field, which `*more` keeps track of. */
static bool field_next(struct text *rest, bool *more, struct text *field) {
    if (!*more) {
        return false;
    }
    size_t end = 0;
    bool quoted = false;
    while (end < rest->length && (quoted || rest->at[end] != ',')) {
        quoted = rest->at[end] == '"' ? !quoted : quoted;
        end++;
    }
    *field = trim((struct text){rest->at, end});
    if (field->length >= 2 && field->at[0] == '"' && field->at[field->length - 1] == '"') {
        field->at++;
        field->length -= 2;
    }
    *more = end < rest->length;
    rest->at += *more ? end + 1 : end;
    rest->length -= *more ? end + 1 : end;
    return true;
}

static bool text_is(struct text text, const char *word) {
    return text.length == strlen(word) && memcmp(text.at, word, text.length) == 0;
}

/* `prefix` followed by decimal digits and nothing else. */
static bool text_numbered(struct text text, const char *prefix, unsigned *number) {
    size_t skip = strlen(prefix);
    if (text.length <= skip || text.length > skip + 3 || memcmp(text.at, prefix, skip) != 0) {
        return false;
    }
    unsigned value = 0;
    for (size_t i = skip; i < text.length; i++) {
        if (!isdigit((unsigned char)text.at[i])) {
            return false;
        }
        value = value * 10 + (unsigned)(text.at[i] - '0');
    }
    *number = value;
    return true;
}

static struct csv_column column_of(struct text name, unsigned *level) {
    static const struct {
        const char *name;
        enum csv_role role;
    } known[] = {
        {"ts_ms", CSV_TIME},  {"ops_total", CSV_TOTAL}, {"ops_put", CSV_PUT},
        {"ops_get", CSV_GET}, {"ops_del", CSV_DELETE},  {"memtable_bytes", CSV_MEMTABLE},
        {"event", CSV_EVENT},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (text_is(name, known[i].name)) {
            return (struct csv_column){.role = known[i].role};
        }
    }
    struct csv_column column = {.role = CSV_IGNORED};
    if (text_numbered(name, "sst_count_L", level)) {
        column.role = CSV_LEVEL_COUNT;
    } else if (text_numbered(name, "sst_bytes_L", level)) {
        column.role = CSV_LEVEL_BYTES;
    }
    column.level = *level < SCOPE_MAX_LEVELS ? *level : SCOPE_MAX_LEVELS - 1;
    return column;
}

bool csv_header_parse(const char *line, size_t length, struct csv_header *header,
                      char error[CSV_ERROR_MAX]) {
    OBS_ASSERT(line != NULL && header != NULL);
    *header = (struct csv_header){0};
    if (length >= 3 && memcmp(line, "\xEF\xBB\xBF", 3) == 0) {
        line += 3; /* a byte order mark that spreadsheets leave behind */
        length -= 3;
    }
    struct text rest = line_of(line, length), field;
    bool more = true;
    unsigned seen[CSV_EVENT + 1] = {0};
    while (field_next(&rest, &more, &field)) {
        if (header->columns == CSV_COLUMNS_MAX) {
            snprintf(error, CSV_ERROR_MAX, "more than %d columns", CSV_COLUMNS_MAX);
            return false;
        }
        unsigned level = 0;
        struct csv_column column = column_of(field, &level);
        bool leveled = column.role == CSV_LEVEL_COUNT || column.role == CSV_LEVEL_BYTES;
        if (!leveled && column.role != CSV_IGNORED && seen[column.role] > 0) {
            snprintf(error, CSV_ERROR_MAX, "column '%.*s' appears twice", (int)field.length,
                     field.at);
            return false;
        }
        seen[column.role]++;
        if (leveled && level + 1 > header->levels) {
            header->levels = level + 1;
        }
        header->column[header->columns++] = column;
    }
    header->has_event = seen[CSV_EVENT] > 0;
    if (seen[CSV_TIME] == 0) {
        snprintf(error, CSV_ERROR_MAX, "no column 'ts_ms': not a metrics CSV?");
        return false;
    }
    if (seen[CSV_PUT] + seen[CSV_GET] + seen[CSV_DELETE] + seen[CSV_MEMTABLE] +
            seen[CSV_LEVEL_COUNT] + seen[CSV_LEVEL_BYTES] ==
        0) {
        snprintf(error, CSV_ERROR_MAX, "no column to show (ops_put, memtable_bytes, sst_count_L0)");
        return false;
    }
    return true;
}

/* Digits, with a fraction that is dropped if a tool wrote one. Empty is absent. */
static bool number_parse(struct text field, struct csv_number *number) {
    *number = (struct csv_number){0};
    if (field.length == 0) {
        return true;
    }
    size_t i = 0;
    for (; i < field.length && isdigit((unsigned char)field.at[i]); i++) {
        uint64_t digit = (uint64_t)(field.at[i] - '0');
        if (number->value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        number->value = number->value * 10 + digit;
    }
    bool whole = i > 0;
    if (i < field.length && field.at[i] == '.') {
        i++;
        while (i < field.length && isdigit((unsigned char)field.at[i])) {
            i++;
        }
    }
    number->known = whole && i == field.length;
    return number->known;
}

/* The usual field, digits and nothing else, or nothing at all, cut off `rest` like field_next does.
 * False, with nothing changed, when it looks any different. */
static bool plain_next(struct text *rest, bool *more, struct csv_number *number) {
    const char *at = rest->at;
    size_t most = rest->length < PLAIN_DIGITS ? rest->length : PLAIN_DIGITS, i = 0;
    uint64_t value = 0;
    while (i < most && (unsigned char)(at[i] - '0') < 10) {
        value = value * 10 + (uint64_t)(at[i] - '0');
        i++;
    }
    bool last = i == rest->length;
    if (!last && at[i] != ',') {
        return false;
    }
    *number = (struct csv_number){.known = i > 0, .value = value};
    *more = !last;
    i += last ? 0 : 1;
    rest->at += i;
    rest->length -= i;
    return true;
}

/* Adds to a level: several columns of the file may be folded into one. Saturates. */
static void level_add(struct csv_number *level, struct csv_number number) {
    if (number.known) {
        level->known = true;
        level->value =
            level->value > UINT64_MAX - number.value ? UINT64_MAX : level->value + number.value;
    }
}

static void row_set(struct csv_row *row, struct csv_column column, struct csv_number number) {
    switch (column.role) {
    case CSV_TIME:
        row->time_ms = number.value;
        break;
    case CSV_TOTAL:
        row->total = number;
        break;
    case CSV_PUT:
        row->put = number;
        break;
    case CSV_GET:
        row->get = number;
        break;
    case CSV_DELETE:
        row->delete = number;
        break;
    case CSV_MEMTABLE:
        row->memtable = number;
        break;
    case CSV_LEVEL_COUNT:
        level_add(&row->tables[column.level], number);
        break;
    case CSV_LEVEL_BYTES:
        level_add(&row->bytes[column.level], number);
        break;
    case CSV_EVENT:
    case CSV_IGNORED:
        break;
    }
}

/* For messages: what a field looks like, cut, with unprintable bytes replaced. */
static void field_show(struct text field, char shown[32]) {
    size_t n = field.length < 24 ? field.length : 24;
    for (size_t i = 0; i < n; i++) {
        shown[i] = isprint((unsigned char)field.at[i]) ? field.at[i] : '?';
    }
    shown[n] = '\0';
}

/* Another field than plain digits. */
static bool field_take(struct csv_column column, size_t at, struct text field, struct csv_row *row,
                       char error[CSV_ERROR_MAX]) {
    struct csv_number number;
    if (column.role == CSV_EVENT) {
        row->event = field.at;
        row->event_length = field.length;
    }
    if (column.role == CSV_EVENT || column.role == CSV_IGNORED) {
        return true;
    }
    if (!number_parse(field, &number) || (column.role == CSV_TIME && !number.known)) {
        char shown[32];
        field_show(field, shown);
        snprintf(error, CSV_ERROR_MAX, "field %zu is '%s', not a number", at, shown);
        return false;
    }
    row_set(row, column, number);
    return true;
}

bool csv_row_parse(const struct csv_header *header, const char *line, size_t length,
                   struct csv_row *row, char error[CSV_ERROR_MAX]) {
    OBS_ASSERT(header != NULL && header->columns > 0 && row != NULL);
    *row = (struct csv_row){0};
    struct text rest = line_of(line, length), field;
    bool more = true;
    size_t count = 0;
    while (more) {
        struct csv_column column = {.role = CSV_IGNORED};
        if (count < header->columns) {
            column = header->column[count];
        }
        struct csv_number number;
        bool ends = count >= header->columns || column.role == CSV_EVENT;
        struct text before = rest;
        if (!ends && plain_next(&rest, &more, &number) &&
            (number.known || column.role != CSV_TIME)) {
            row_set(row, column, number);
            count++;
            continue;
        }
        rest = before;
        more = true;
        (void)field_next(&rest, &more, &field);
        if (count == header->columns) {
            snprintf(error, CSV_ERROR_MAX, "more than the header's %zu fields", header->columns);
            return false;
        }
        if (!field_take(column, ++count, field, row, error)) {
            return false;
        }
    }
    if (count < header->columns) {
        snprintf(error, CSV_ERROR_MAX, "%zu fields, the header has %zu", count, header->columns);
        return false;
    }
    return true;
}

/* compact_L<n>_L<m>[_scheduled] */
static bool compaction_parse(struct text name, struct scope_event *event) {
    static const char scheduled[] = "_scheduled";
    size_t tail = sizeof(scheduled) - 1;
    event->type = SCOPE_EVENT_COMPACT_END;
    if (name.length > tail && memcmp(name.at + name.length - tail, scheduled, tail) == 0) {
        event->type = SCOPE_EVENT_COMPACT_SCHEDULED;
        name.length -= tail;
    }
    static const char prefix[] = "compact_L";
    if (name.length < sizeof(prefix) || memcmp(name.at, prefix, sizeof(prefix) - 1) != 0) {
        return false;
    }
    const char *middle =
        memchr(name.at + sizeof(prefix) - 1, '_', name.length - sizeof(prefix) + 1);
    if (middle == NULL) {
        return false;
    }
    unsigned from = 0, to = 0;
    size_t head = (size_t)(middle - name.at);
    if (!text_numbered((struct text){name.at, head}, prefix, &from) ||
        !text_numbered((struct text){middle, name.length - head}, "_L", &to)) {
        return false;
    }
    event->level_from = (uint8_t)(from < SCOPE_MAX_LEVELS ? from : SCOPE_MAX_LEVELS - 1);
    event->level_to = (uint8_t)(to < SCOPE_MAX_LEVELS ? to : SCOPE_MAX_LEVELS - 1);
    return true;
}

/* A marker's text is UTF-8 cut at a character; unprintable bytes are replaced. */
static void marker_of(struct text name, struct scope_event *event) {
    *event = (struct scope_event){.type = SCOPE_EVENT_MARKER};
    size_t room = sizeof(event->u.text) - 1;
    size_t n = name.length < room ? name.length : room;
    while (n < name.length && n > 0 && ((unsigned char)name.at[n] & 0xC0) == 0x80) {
        n--;
    }
    for (size_t i = 0; i < n; i++) {
        event->u.text[i] = iscntrl((unsigned char)name.at[i]) ? '?' : name.at[i];
    }
}

size_t csv_events_parse(const char *text, size_t length,
                        struct scope_event events[CSV_EVENTS_MAX]) {
    OBS_ASSERT(text != NULL || length == 0);
    size_t count = 0, from = 0;
    while (from < length && count < CSV_EVENTS_MAX) {
        size_t to = from;
        while (to < length && text[to] != ';') {
            to++;
        }
        struct text name = trim((struct text){text + from, to - from});
        from = to + 1;
        if (name.length == 0) {
            continue;
        }
        struct scope_event event = {0};
        if (text_is(name, "flush")) {
            event.type = SCOPE_EVENT_FLUSH_END;
        } else if (!compaction_parse(name, &event)) {
            marker_of(name, &event);
        }
        events[count++] = event;
    }
    return count;
}
