/* tree_hover.c: what is told of the table, the tables or the memtables under the mouse. */
#include "tree_draw.h"

#include <math.h>
#include <stdio.h>

#include "units.h"

static void tell(struct panel_hover *hover, const char *name, const char *text) {
    if (hover->lines < PANEL_HOVER_LINES) {
        snprintf(hover->line[hover->lines].name, sizeof hover->line[0].name, "%s", name);
        snprintf(hover->line[hover->lines].text, sizeof hover->line[0].text, "%s", text);
        hover->lines++;
    }
}

static void tell_keys(const struct tree_layout *layout, uint64_t lo, uint64_t hi,
                      struct panel_hover *hover) {
    char text[112];
    if (layout->positions <= 0.0) {
        tell(hover, "keys", "all of them");
        return;
    }
    double from = (double)(lo - layout->lo) / layout->positions * 100.0;
    double to = (double)(hi - layout->lo) / layout->positions * 100.0;
    snprintf(text, sizeof text, "%.2f to %.2f %% of the range", from, to);
    tell(hover, "keys", text);
}

static void tell_entries(uint64_t entries, uint64_t tombstones, struct panel_hover *hover) {
    char number[UNITS_TEXT], share[UNITS_TEXT], text[2 * UNITS_TEXT + 8];
    units_grouped((double)entries, number, sizeof number);
    tell(hover, "entries", number);
    units_grouped((double)tombstones, number, sizeof number);
    units_percent(entries > 0 ? (double)tombstones / (double)entries : 0.0, share, sizeof share);
    snprintf(text, sizeof text, "%s (%s)", number, share);
    tell(hover, "tombstones", tombstones > 0 ? text : "none");
}

static void tell_age(const struct tree_picture *picture, const struct scope_table *table,
                     struct panel_hover *hover) {
    char age[UNITS_TEXT];
    double born;
    if (history_table_born(picture->scene->history, table->id, &born)) {
        units_duration(fmax(0.0, picture->scene->moment - born), age, sizeof age);
        tell(hover, "age", age);
    } else {
        tell(hover, "age", "older than the run");
    }
}

static void tell_job(const struct tree_picture *picture, const struct scope_table *table,
                     struct panel_hover *hover) {
    const struct tree_job *job = tree_motion_job_of(picture->motion, table);
    char text[112];
    if (!table->busy) {
        return;
    }
    if (job == NULL) {
        snprintf(text, sizeof text, "input of a compaction");
    } else if (job->told) {
        uint32_t number = job->number;
        snprintf(text, sizeof text, "input of L%u → L%u, job %u", job->from, job->to, number);
    } else {
        snprintf(text, sizeof text, "input of L%u → L%u", job->from, job->to);
    }
    tell(hover, "job", text);
}

static void tell_table(const struct tree_picture *picture, size_t index,
                       struct panel_hover *hover) {
    const struct scope_table *table = &picture->shape->tables[index];
    char text[112];
    snprintf(hover->title, sizeof hover->title, "%06llu.sst", (unsigned long long)table->id);
    snprintf(text, sizeof text, "L%u", table->level);
    tell(hover, "level", text);
    tell_keys(picture->layout, table->lo, table->hi, hover);
    units_bytes((double)table->bytes, text, sizeof text);
    tell(hover, "size", text);
    tell_entries(table->entries, table->tombstones, hover);
    tell_age(picture, table, hover);
    tell_job(picture, table, hover);
}

static void tell_tables(const struct tree_picture *picture, const struct tree_hit *hit,
                        struct panel_hover *hover) {
    uint64_t lo = UINT64_MAX, hi = 0, bytes = 0, entries = 0, tombstones = 0;
    char text[UNITS_TEXT];
    for (size_t i = 0; i < picture->shape->count; i++) {
        const struct scope_table *table = &picture->shape->tables[i];
        if (tree_layout_hits(picture->layout, picture->shape, hit, i)) {
            lo = table->lo < lo ? table->lo : lo;
            hi = table->hi > hi ? table->hi : hi;
            bytes += table->bytes;
            entries += table->entries;
            tombstones += table->tombstones;
        }
    }
    units_grouped((double)hit->tables, text, sizeof text);
    snprintf(hover->title, sizeof hover->title, "%s tables here", text);
    snprintf(text, sizeof text, "L%u", hit->level);
    tell(hover, "level", text);
    tell_keys(picture->layout, lo, hi, hover);
    units_bytes((double)bytes, text, sizeof text);
    tell(hover, "size", text);
    tell_entries(entries, tombstones, hover);
}

static void tell_memtables(const struct tree_memtables *memtables, struct panel_hover *hover) {
    char bytes[UNITS_TEXT], limit[UNITS_TEXT], text[112];
    snprintf(hover->title, sizeof hover->title, "memtables");
    units_bytes(memtables->bytes, bytes, sizeof bytes);
    units_bytes(memtables->limit, limit, sizeof limit);
    snprintf(text, sizeof text, "%s of %s", bytes, limit);
    tell(hover, "active", memtables->limit > 0.0 ? text : bytes);
    units_bytes(memtables->sealed_bytes, bytes, sizeof bytes);
    snprintf(text, sizeof text, "%u, %s", memtables->sealed, bytes);
    tell(hover, "sealed", memtables->sealed > 0 ? text : "none");
}

bool tree_hover(const struct tree_picture *picture, struct panel_hover *hover) {
    struct tree_hit hit = tree_layout_hit(picture->layout, picture->shape, picture->scene->pointer);
    *hover = (struct panel_hover){.at = hit.at};
    switch (hit.kind) {
    case TREE_HIT_TABLE:
        tell_table(picture, hit.table, hover);
        return true;
    case TREE_HIT_TABLES:
        tell_tables(picture, &hit, hover);
        return true;
    case TREE_HIT_ACTIVE:
        tell_memtables(&picture->memtables, hover);
        return true;
    case TREE_HIT_NONE:
        break;
    }
    return false;
}
