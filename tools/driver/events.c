#include "events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver_check.h"
#include "text.h"

enum { STALL_SHOWN_NS = 1000000 }; /* shorter delays are counted, but not worth a line */

static void lock(struct driver_events *events) {
    int rc = pthread_mutex_lock(&events->lock);
    DRIVER_ASSERT(rc == 0);
}

static void unlock(struct driver_events *events) {
    int rc = pthread_mutex_unlock(&events->lock);
    DRIVER_ASSERT(rc == 0);
}

void driver_events_init(struct driver_events *events, bool async) {
    memset(events, 0, sizeof *events);
    int rc = pthread_mutex_init(&events->lock, NULL);
    DRIVER_ASSERT(rc == 0);
    events->async = async;
}

void driver_events_close(struct driver_events *events) {
    free(events->csv);
    events->csv = NULL;
    (void)pthread_mutex_destroy(&events->lock);
}

/* Under the lock. A word that memory has no room for is lost: the row it belongs to is not. */
static void add_word(struct driver_events *events, const char *word) {
    size_t length = strlen(word);
    size_t needed = events->csv_used + length + 2;
    if (needed > events->csv_size) {
        size_t size = needed < 256 ? 256 : needed * 2;
        char *grown = realloc(events->csv, size);
        if (grown == NULL) {
            return;
        }
        events->csv = grown;
        events->csv_size = size;
    }
    if (events->csv_used > 0) {
        events->csv[events->csv_used++] = ';';
    }
    memcpy(events->csv + events->csv_used, word, length + 1);
    events->csv_used += length;
    DRIVER_ASSERT(events->csv_used < events->csv_size);
}

static void collect_csv(struct driver_events *events, const struct lsm_event *event) {
    char word[64];
    if (event->type == LSM_EVENT_FLUSH_END && event->status == 0) {
        add_word(events, "flush");
    } else if (event->type == LSM_EVENT_COMPACT_END && event->status == 0 && !events->async) {
        (void)snprintf(word, sizeof word, "compact_L%u_L%u", event->level_from, event->level_to);
        add_word(events, word);
    } else if (event->type == LSM_EVENT_COMPACT_SCHEDULED && events->async) {
        (void)snprintf(word, sizeof word, "compact_L%u_L%u_scheduled", event->level_from,
                       event->level_to);
        add_word(events, word);
    }
}

/* Which events deserve a line. A writer that flushes for itself stalls at every flush: the FLUSH
 * line says that already. */
static bool is_logged(const struct lsm_event *event) {
    switch (event->type) {
    case LSM_EVENT_FLUSH_END:
    case LSM_EVENT_COMPACT_END:
    case LSM_EVENT_ERROR:
    case LSM_EVENT_NOTICE:
        return true;
    case LSM_EVENT_COMPACT_SCHEDULED:
        return false; /* its COMPACT line follows; the CSV has the word */
    case LSM_EVENT_STALL_END:
        return event->stall != LSM_STALL_INLINE && event->duration_ns >= STALL_SHOWN_NS;
    case LSM_EVENT_FLUSH_BEGIN:
    case LSM_EVENT_COMPACT_BEGIN:
    case LSM_EVENT_STALL_BEGIN:
    case LSM_EVENT_WAL_ROTATE:
    case LSM_EVENT_TABLE_ADD:
    case LSM_EVENT_TABLE_MOVE:
    case LSM_EVENT_TABLE_REMOVE:
        return false;
    }
    return false;
}

/* Under the lock. On a full disk the engine tries again and again, and each attempt says the same:
 * one line of a kind is enough until a flush has found room. */
static bool is_repeated(struct driver_events *events, const struct lsm_event *event) {
    if (event->type == LSM_EVENT_FLUSH_END && event->status == 0) {
        events->space_told = 0;
    }
    if (event->status != LSM_ERR_NO_SPACE) {
        return false;
    }
    unsigned bit = 1u << (unsigned)event->type;
    bool told = (events->space_told & bit) != 0;
    events->space_told |= bit;
    return told;
}

/* Under the lock. */
static void enqueue(struct driver_events *events, const struct lsm_event *event, const char *text) {
    if (events->head - events->tail == DRIVER_EVENTS_QUEUE) {
        events->dropped++;
        return;
    }
    struct driver_logged *line = &events->queue[events->head % DRIVER_EVENTS_QUEUE];
    line->event = *event;
    line->event.text = NULL;
    (void)snprintf(line->text, sizeof line->text, "%s", text != NULL ? text : "");
    events->head++;
}

/* Under the lock. In the synchronous mode every flush and compaction holds up the writer whose
 * thread it runs in, whether or not the engine calls that a stall of its own. */
static void note_stall(struct driver_events *events, const struct lsm_event *event) {
    bool job = event->type == LSM_EVENT_FLUSH_END || event->type == LSM_EVENT_COMPACT_END;
    if ((event->type != LSM_EVENT_STALL_END && (!job || events->async)) ||
        event->duration_ns <= events->longest_stall.duration_ns) {
        return;
    }
    events->longest_stall = *event;
    events->longest_stall.text = NULL;
    if (job) {
        events->longest_stall.stall = LSM_STALL_INLINE;
    }
}

void driver_events_listener(void *context, const struct lsm_event *event) {
    struct driver_events *events = context;
    lock(events);
    if (events->csv_on) {
        collect_csv(events, event);
    }
    note_stall(events, event);
    if (is_logged(event) && !is_repeated(events, event)) {
        enqueue(events, event, event->text);
    }
    unlock(events);
}

void driver_events_say(struct driver_events *events, uint64_t time_ns, const char *text) {
    struct lsm_event event = {.time_ns = time_ns};
    lock(events);
    enqueue(events, &event, text);
    unlock(events);
}

bool driver_events_take(struct driver_events *events, struct driver_logged *line,
                        uint64_t *dropped) {
    lock(events);
    bool found = events->tail < events->head;
    *dropped = 0;
    if (found) {
        *line = events->queue[events->tail % DRIVER_EVENTS_QUEUE];
        events->tail++;
    } else {
        /* Lines are dropped at the young end of a full queue, so they are missing here. */
        *dropped = events->dropped;
        events->dropped = 0;
    }
    unlock(events);
    return found;
}

void driver_events_begin_run(struct driver_events *events, bool csv_on) {
    lock(events);
    events->csv_on = csv_on;
    events->csv_used = 0;
    events->longest_stall = (struct lsm_event){.duration_ns = 0};
    /* The flushes and compactions of the load are not the run's: only what was noticed stays. */
    uint64_t kept = events->tail;
    for (uint64_t i = events->tail; i < events->head; i++) {
        const struct driver_logged *line = &events->queue[i % DRIVER_EVENTS_QUEUE];
        if (line->event.type == LSM_EVENT_NOTICE || line->event.type == LSM_EVENT_ERROR) {
            events->queue[kept % DRIVER_EVENTS_QUEUE] = *line;
            kept++;
        }
    }
    events->head = kept;
    events->dropped = 0;
    unlock(events);
}

char *driver_events_take_csv(struct driver_events *events) {
    lock(events);
    char *words = NULL;
    if (events->csv_used > 0) {
        words = events->csv;
        events->csv = NULL;
        events->csv_used = events->csv_size = 0;
    }
    unlock(events);
    return words;
}

struct lsm_event driver_events_longest_stall(struct driver_events *events) {
    lock(events);
    struct lsm_event longest = events->longest_stall;
    unlock(events);
    return longest;
}

static const char *tables(uint32_t count) {
    return count == 1 ? "table" : "tables";
}

static void format_job(struct driver_page *page, const struct lsm_event *e) {
    struct driver_text in, out, time, count;
    (void)driver_text_bytes(&in, e->bytes_in);
    (void)driver_text_bytes(&out, e->bytes_out);
    (void)driver_text_ns(&time, e->duration_ns);
    if (e->type == LSM_EVENT_FLUSH_END) {
        (void)driver_text_count(&count, e->entries_in > 0 ? e->entries_in : e->entries_out);
        driver_page_add(page, "FLUSH: %s entries, %s -> %s in L0, %s", count.s, in.s, out.s,
                        time.s);
    } else {
        driver_page_add(page, "COMPACT L%u->L%u: %u %s, %s -> %u %s, %s, %s", e->level_from,
                        e->level_to, e->inputs, tables(e->inputs), in.s, e->outputs,
                        tables(e->outputs), out.s, time.s);
    }
    if (e->status != 0) {
        driver_page_add(page, " FAILED: %s", lsm_strerror(e->status));
    }
}

void driver_event_format(const struct driver_logged *line, uint64_t start_ns, char *text,
                         size_t size) {
    const struct lsm_event *e = &line->event;
    struct driver_page page = {.text = text, .size = size};
    struct driver_text time;
    if (e->time_ns >= start_ns) {
        driver_page_add(&page, "[%.1fs] ", (double)(e->time_ns - start_ns) / 1e9);
    } else {
        driver_page_add(&page, "[start] ");
    }
    switch ((int)e->type) {
    case LSM_EVENT_FLUSH_END:
    case LSM_EVENT_COMPACT_END:
        format_job(&page, e);
        break;
    case LSM_EVENT_STALL_END:
        driver_page_add(&page, "STALL: writes held up for %s: %s",
                        driver_text_ns(&time, e->duration_ns), lsm_stall_name(e->stall));
        break;
    case LSM_EVENT_ERROR:
        driver_page_add(&page, "ERROR: %s", line->text);
        break;
    case LSM_EVENT_NOTICE:
        driver_page_add(&page, "NOTICE: %s", line->text);
        break;
    default:
        driver_page_add(&page, "%s", line->text);
        break;
    }
}
