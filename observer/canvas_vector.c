#include "canvas_internal.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cairo-ft.h>
#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <fontconfig/fontconfig.h>

#include "obs_check.h"

static bool ends_with(const char *path, const char *ending) {
    size_t length = strlen(path), tail = strlen(ending);
    return length > tail && strcasecmp(path + length - tail, ending) == 0;
}

/* The very file that the raster canvas uses, so that both look alike. */
static cairo_scaled_font_t *open_font(const char *file, int index, double size) {
    FcPattern *pattern = FcPatternCreate();
    if (pattern == NULL) {
        return NULL;
    }
    FcPatternAddString(pattern, FC_FILE, (const FcChar8 *)file);
    FcPatternAddInteger(pattern, FC_INDEX, index);
    cairo_font_face_t *face = cairo_ft_font_face_create_for_pattern(pattern);
    FcPatternDestroy(pattern);
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    cairo_matrix_t matrix, identity;
    cairo_matrix_init_scale(&matrix, size, size);
    cairo_matrix_init_identity(&identity);
    cairo_scaled_font_t *font = cairo_scaled_font_create(face, &matrix, &identity, options);
    cairo_font_options_destroy(options);
    cairo_font_face_destroy(face);
    if (cairo_scaled_font_status(font) != CAIRO_STATUS_SUCCESS) {
        cairo_scaled_font_destroy(font);
        return NULL;
    }
    return font;
}

static bool open_fonts(struct canvas *canvas) {
    for (int role = 0; role < FONT_ROLES; role++) {
        bool bold = font_role_is_bold((enum font_role)role);
        canvas->vector_fonts[role] =
            open_font(bold ? canvas->fonts.bold : canvas->fonts.regular,
                      bold ? canvas->fonts.bold_index : canvas->fonts.regular_index,
                      font_role_size((enum font_role)role));
        if (canvas->vector_fonts[role] == NULL) {
            return false;
        }
    }
    return true;
}

/* A file that cannot be written is found out here, before anything is drawn. */
static bool path_is_writable(const char *path, char *error, size_t error_size) {
    FILE *file = fopen(path, "abe");
    if (file == NULL) {
        snprintf(error, error_size, "%s: %s", path, strerror(errno));
        return false;
    }
    fclose(file);
    return true;
}

struct canvas *canvas_vector_create(const char *path, int width, int height, double scale,
                                    const char *family, char *error, size_t error_size) {
    OBS_ASSERT(path != NULL && width > 0 && height > 0);
    bool svg = ends_with(path, ".svg");
    if (!svg && !ends_with(path, ".pdf")) {
        snprintf(error, error_size, "%s: the name must end in .svg or .pdf", path);
        return NULL;
    }
    if (!(scale >= 0.25 && scale <= 16.0)) {
        snprintf(error, error_size, "scale %g is out of range", scale);
        return NULL;
    }
    struct canvas *canvas = calloc(1, sizeof *canvas);
    if (canvas == NULL) {
        snprintf(error, error_size, "out of memory");
        return NULL;
    }
    canvas->kind = svg ? CANVAS_SVG : CANVAS_PDF;
    canvas->width = width;
    canvas->height = height;
    canvas->scale = scale;
    if (strlen(path) >= sizeof canvas->path) {
        snprintf(error, error_size, "the path is too long");
        goto fail;
    }
    snprintf(canvas->path, sizeof canvas->path, "%s", path);
    if (!font_find(family, &canvas->fonts, error, error_size) ||
        !path_is_writable(path, error, error_size)) {
        goto fail;
    }
    if (!open_fonts(canvas)) {
        snprintf(error, error_size, "%s: cairo cannot use this font", canvas->fonts.regular);
        goto fail;
    }
    canvas->surface =
        svg ? cairo_svg_surface_create_for_stream(svg_collect, &canvas->svg, width, height)
            : cairo_pdf_surface_create(path, width, height);
    canvas->cairo = cairo_create(canvas->surface);
    if (cairo_status(canvas->cairo) != CAIRO_STATUS_SUCCESS) {
        snprintf(error, error_size, "%s: %s", path,
                 cairo_status_to_string(cairo_status(canvas->cairo)));
        goto fail;
    }
    if (svg) {
        cairo_svg_surface_set_document_unit(canvas->surface, CAIRO_SVG_UNIT_PX);
    }
    cairo_scale(canvas->cairo, scale, scale);
    canvas_prepare(canvas);
    return canvas;

fail:
    canvas_destroy(canvas);
    return NULL;
}

void vector_destroy(struct canvas *canvas) {
    for (int role = 0; role < FONT_ROLES; role++) {
        if (canvas->vector_fonts[role] != NULL) {
            cairo_scaled_font_destroy(canvas->vector_fonts[role]);
            canvas->vector_fonts[role] = NULL;
        }
    }
}

bool vector_finish(struct canvas *canvas, char *error, size_t error_size) {
    cairo_show_page(canvas->cairo);
    cairo_surface_finish(canvas->surface);
    cairo_status_t status = cairo_status(canvas->cairo);
    if (status == CAIRO_STATUS_SUCCESS) {
        status = cairo_surface_status(canvas->surface);
    }
    if (status != CAIRO_STATUS_SUCCESS) {
        snprintf(error, error_size, "%s: %s", canvas->path, cairo_status_to_string(status));
        return false;
    }
    return canvas->kind == CANVAS_PDF || svg_write(canvas, error, error_size);
}

/* ---- text ---------------------------------------------------------------------------------- */

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static double glyph_advance(cairo_scaled_font_t *font, const cairo_glyph_t *glyph) {
    cairo_text_extents_t extents;
    cairo_scaled_font_glyph_extents(font, glyph, 1, &extents);
    return extents.x_advance;
}

static double digit_width(cairo_scaled_font_t *font) {
    double widest = 0.0;
    for (char c = '0'; c <= '9'; c++) {
        char text[2] = {c, '\0'};
        cairo_text_extents_t extents;
        cairo_scaled_font_text_extents(font, text, &extents);
        widest = fmax(widest, extents.x_advance);
    }
    return widest;
}

struct run {
    cairo_glyph_t *glyphs;
    cairo_text_cluster_t *clusters;
    cairo_text_cluster_flags_t flags;
    int glyph_count, cluster_count;
    double width;
};

static void run_free(struct run *run) {
    cairo_glyph_free(run->glyphs);
    cairo_text_cluster_free(run->clusters);
}

/* Glyphs from x = 0 on, digits in cells of equal width when tabular. */
static bool run_make(cairo_scaled_font_t *font, bool tabular, const char *utf8, struct run *run) {
    memset(run, 0, sizeof *run);
    cairo_status_t status =
        cairo_scaled_font_text_to_glyphs(font, 0.0, 0.0, utf8, -1, &run->glyphs, &run->glyph_count,
                                         &run->clusters, &run->cluster_count, &run->flags);
    if (status != CAIRO_STATUS_SUCCESS) {
        return false;
    }
    double cell = tabular ? digit_width(font) : 0.0;
    const char *text = utf8;
    int glyph = 0;
    for (int c = 0; c < run->cluster_count; c++) {
        bool digit = tabular && is_digit(*text);
        for (int g = 0; g < run->clusters[c].num_glyphs && glyph < run->glyph_count; g++, glyph++) {
            double advance = glyph_advance(font, &run->glyphs[glyph]);
            double taken = digit ? cell : advance;
            run->glyphs[glyph].x = run->width + (taken - advance) / 2.0;
            run->width += taken;
        }
        text += run->clusters[c].num_bytes;
    }
    return true;
}

void vector_text(struct canvas *canvas, enum font_role role, double x, double y,
                 enum text_align align, bool tabular, struct color color, const char *utf8) {
    if (canvas->kind == CANVAS_SVG) {
        struct svg_text text = {.x = x,
                                .y = y,
                                .role = role,
                                .align = align,
                                .tabular = tabular,
                                .color = color,
                                .utf8 = NULL};
        text.utf8 = strdup(utf8);
        svg_text_mark(canvas, &text);
        return;
    }
    cairo_scaled_font_t *font = canvas->vector_fonts[role];
    struct run run;
    if (!run_make(font, tabular, utf8, &run)) {
        return; /* not UTF-8: nothing sensible to show */
    }
    double shift = align == TEXT_CENTER ? run.width / 2.0 : align == TEXT_RIGHT ? run.width : 0.0;
    for (int i = 0; i < run.glyph_count; i++) {
        run.glyphs[i].x += x - shift;
        run.glyphs[i].y = y;
    }
    cairo_set_source_rgba(canvas->cairo, (double)color.r, (double)color.g, (double)color.b,
                          (double)color.a);
    cairo_set_font_face(canvas->cairo, cairo_scaled_font_get_font_face(font));
    cairo_set_font_size(canvas->cairo, font_role_size(role));
    /* With the clusters a PDF knows which characters the glyphs stand for: text can be searched. */
    cairo_show_text_glyphs(canvas->cairo, utf8, -1, run.glyphs, run.glyph_count, run.clusters,
                           run.cluster_count, run.flags);
    run_free(&run);
}

double vector_text_width(struct canvas *canvas, enum font_role role, bool tabular,
                         const char *utf8) {
    struct run run;
    if (!run_make(canvas->vector_fonts[role], tabular, utf8, &run)) {
        return 0.0;
    }
    double width = run.width;
    run_free(&run);
    return width;
}

double vector_text_ascent(struct canvas *canvas, enum font_role role) {
    cairo_font_extents_t extents;
    cairo_scaled_font_extents(canvas->vector_fonts[role], &extents);
    return extents.ascent;
}

double vector_text_descent(struct canvas *canvas, enum font_role role) {
    cairo_font_extents_t extents;
    cairo_scaled_font_extents(canvas->vector_fonts[role], &extents);
    return extents.descent;
}
