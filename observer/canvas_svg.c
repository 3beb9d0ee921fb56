/* Text in an SVG stays text: it can be searched, selected and edited.
 *
 * cairo itself draws the letters as outlines. So a string leaves a tiny rectangle of a shape that
 * nothing else has at its place in the drawing order, the file is collected in memory, and at the
 * end each of these rectangles is replaced by its text element. */
#include "canvas_internal.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "obs_check.h"

static const double mark_x = 0.125, mark_y = 0.25, mark_w = 0.5, mark_h = 0.0625;
static const char mark_path[] = "d=\"M 0.125 0.25 L 0.625 0.25 L 0.625 0.3125 L 0.125 0.3125 Z";

cairo_status_t svg_collect(void *closure, const unsigned char *data, unsigned int length) {
    struct svg_page *page = closure;
    if (page->size + length + 1 > page->room) {
        size_t room = (page->size + length + 1) * 2;
        char *bigger = realloc(page->data, room);
        if (bigger == NULL) {
            page->failed = true;
            return CAIRO_STATUS_NO_MEMORY;
        }
        page->data = bigger;
        page->room = room;
    }
    memcpy(page->data + page->size, data, length);
    page->size += length;
    page->data[page->size] = '\0';
    return CAIRO_STATUS_SUCCESS;
}

/* Takes over text->utf8. Coordinates arrive in logical units. */
void svg_text_mark(struct canvas *canvas, const struct svg_text *text) {
    struct svg_page *page = &canvas->svg;
    OBS_ASSERT(canvas->kind == CANVAS_SVG);
    if (text->utf8 == NULL) {
        page->failed = true;
        return;
    }
    if (page->text_count == page->text_room) {
        size_t room = page->text_room == 0 ? 256 : page->text_room * 2;
        struct svg_text *bigger = realloc(page->texts, room * sizeof *bigger);
        if (bigger == NULL) {
            page->failed = true;
            free(text->utf8);
            return;
        }
        page->texts = bigger;
        page->text_room = room;
    }
    struct svg_text *kept = &page->texts[page->text_count++];
    *kept = *text;
    kept->x *= canvas->scale;
    kept->y *= canvas->scale;
    cairo_save(canvas->cairo);
    cairo_reset_clip(canvas->cairo);
    cairo_identity_matrix(canvas->cairo);
    cairo_set_source_rgb(canvas->cairo, (double)text->color.r, (double)text->color.g,
                         (double)text->color.b);
    cairo_rectangle(canvas->cairo, mark_x, mark_y, mark_w, mark_h);
    cairo_fill(canvas->cairo);
    cairo_restore(canvas->cairo);
}

static void write_escaped(FILE *file, const char *text) {
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '&':
            fputs("&amp;", file);
            break;
        case '<':
            fputs("&lt;", file);
            break;
        case '>':
            fputs("&gt;", file);
            break;
        case '"':
            fputs("&quot;", file);
            break;
        default:
            if ((unsigned char)*text >= 0x20) { /* control characters are not XML */
                fputc(*text, file);
            }
        }
    }
}

static void write_text(const struct canvas *canvas, FILE *file, const struct svg_text *text) {
    static const char *const anchors[] = {"start", "middle", "end"};
    fprintf(file, "<text x=\"%.2f\" y=\"%.2f\" font-family=\"", text->x, text->y);
    write_escaped(file, canvas->fonts.family);
    fprintf(file, ", DejaVu Sans, sans-serif\" font-size=\"%.2f\"",
            font_role_size(text->role) * canvas->scale);
    if (font_role_is_bold(text->role)) {
        fputs(" font-weight=\"bold\"", file);
    }
    if (text->align != TEXT_LEFT) {
        fprintf(file, " text-anchor=\"%s\"", anchors[text->align]);
    }
    if (text->tabular) {
        fputs(" style=\"font-variant-numeric:tabular-nums\"", file);
    }
    fprintf(file, " fill=\"#%02lx%02lx%02lx\"", lroundf(text->color.r * 255.0f),
            lroundf(text->color.g * 255.0f), lroundf(text->color.b * 255.0f));
    if (text->color.a < 1.0f) {
        fprintf(file, " fill-opacity=\"%.3f\"", (double)text->color.a);
    }
    fputs(" xml:space=\"preserve\">", file);
    write_escaped(file, text->utf8);
    fputs("</text>\n", file);
}

/* Copies the collected file and puts each text where its mark stands. */
static void write_page(const struct canvas *canvas, FILE *file) {
    const struct svg_page *page = &canvas->svg;
    size_t next = 0;
    const char *at = page->data;
    while (true) {
        const char *mark = next < page->text_count ? strstr(at, mark_path) : NULL;
        if (mark == NULL) {
            break;
        }
        const char *element = mark;
        while (element > at && *element != '<') {
            element--;
        }
        fwrite(at, 1, (size_t)(element - at), file);
        write_text(canvas, file, &page->texts[next++]);
        const char *end = strchr(mark, '>');
        OBS_ASSERT(end != NULL);
        at = end + 1;
    }
    const char *close = strstr(at, "</svg>");
    size_t rest = close != NULL ? (size_t)(close - at) : strlen(at);
    fwrite(at, 1, rest, file);
    /* A cairo that wrote the marks differently: the text is then above everything, but there. */
    for (; next < page->text_count; next++) {
        write_text(canvas, file, &page->texts[next]);
    }
    fputs(at + rest, file);
}

bool svg_write(struct canvas *canvas, char *error, size_t error_size) {
    if (canvas->svg.failed || canvas->svg.data == NULL) {
        snprintf(error, error_size, "%s: out of memory", canvas->path);
        return false;
    }
    FILE *file = fopen(canvas->path, "wbe");
    if (file == NULL) {
        snprintf(error, error_size, "%s: %s", canvas->path, strerror(errno));
        return false;
    }
    write_page(canvas, file);
    bool bad = ferror(file) != 0;
    errno = 0;
    bad = fclose(file) != 0 || bad;
    if (bad) {
        snprintf(error, error_size, "%s: %s", canvas->path,
                 errno != 0 ? strerror(errno) : "could not be written whole");
    }
    return !bad;
}

void svg_destroy(struct svg_page *page) {
    for (size_t i = 0; i < page->text_count; i++) {
        free(page->texts[i].utf8);
    }
    free(page->texts);
    free(page->data);
    memset(page, 0, sizeof *page);
}
