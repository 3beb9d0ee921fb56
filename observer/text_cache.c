#include "text_cache.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <SDL2/SDL_ttf.h>

#include "obs_check.h"

/* A window shows well under 200 pieces; 1024 leave room for strings that come and go. At scale 4 a
 * long string is about 100 kB, so memory is bounded as well. */
enum { PIECES_MAX = 1024, BUCKETS = 2048, BYTES_MAX = 16 * 1024 * 1024, PIECE_TEXT_MAX = 1024 };

struct entry {
    struct text_piece piece;
    struct entry *next_in_bucket;
    struct entry *newer, *older; /* by last use */
    enum font_role role;
    uint32_t hash;
    size_t length;
    size_t bytes; /* of text and coverage */
    char *text;   /* `length` bytes, then the coverage, in one allocation */
};

struct text_cache {
    TTF_Font *fonts[FONT_ROLES];
    TTF_Font *reference[2]; /* regular, bold: large, to measure with */
    double pixels[FONT_ROLES];
    int digit[FONT_ROLES];
    struct entry *buckets[BUCKETS];
    struct entry *newest, *oldest;
    size_t count, bytes;
    struct text_piece empty;
};

static const double REFERENCE_PIXELS = 256.0;

static uint32_t hash_text(enum font_role role, const char *text, size_t length) {
    uint32_t hash = 2166136261u ^ (uint32_t)role; /* FNV-1a */
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ (uint8_t)text[i]) * 16777619u;
    }
    return hash;
}

static void unlink_use(struct text_cache *cache, struct entry *entry) {
    *(entry->newer != NULL ? &entry->newer->older : &cache->newest) = entry->older;
    *(entry->older != NULL ? &entry->older->newer : &cache->oldest) = entry->newer;
    entry->newer = entry->older = NULL;
}

static void link_newest(struct text_cache *cache, struct entry *entry) {
    OBS_ASSERT(entry->newer == NULL && entry->older == NULL);
    entry->older = cache->newest;
    *(cache->newest != NULL ? &cache->newest->newer : &cache->oldest) = entry;
    cache->newest = entry;
}

static void drop(struct text_cache *cache, struct entry *entry) {
    struct entry **link = &cache->buckets[entry->hash % BUCKETS];
    while (*link != entry) {
        OBS_ASSERT(*link != NULL);
        link = &(*link)->next_in_bucket;
    }
    *link = entry->next_in_bucket;
    unlink_use(cache, entry);
    OBS_ASSERT(cache->count > 0 && cache->bytes >= entry->bytes);
    cache->count--;
    cache->bytes -= entry->bytes;
    free(entry->text);
    free(entry);
}

/* The width of the widest digit: figures of one number then never move. */
static int widest_digit(TTF_Font *font) {
    int widest = 1;
    for (Uint32 c = '0'; c <= '9'; c++) {
        int advance = 0;
        if (TTF_GlyphMetrics32(font, c, NULL, NULL, NULL, NULL, &advance) == 0 &&
            advance > widest) {
            widest = advance;
        }
    }
    return widest;
}

static TTF_Font *open_face(const struct font_files *files, bool bold, int pixels, char *error,
                           size_t error_size) {
    const char *file = bold ? files->bold : files->regular;
    TTF_Font *font =
        TTF_OpenFontIndex(file, pixels, bold ? files->bold_index : files->regular_index);
    if (font == NULL) {
        snprintf(error, error_size, "%s: %s", file, TTF_GetError());
    }
    return font;
}

struct text_cache *text_cache_create(const struct font_files *files, double scale, char *error,
                                     size_t error_size) {
    OBS_ASSERT(files != NULL && scale > 0.0);
    struct text_cache *cache = calloc(1, sizeof *cache);
    if (cache == NULL) {
        snprintf(error, error_size, "out of memory");
        return NULL;
    }
    if (TTF_Init() != 0) {
        snprintf(error, error_size, "SDL_ttf could not be started: %s", TTF_GetError());
        free(cache);
        return NULL;
    }
    for (int bold = 0; bold < 2; bold++) {
        cache->reference[bold] =
            open_face(files, bold == 1, (int)REFERENCE_PIXELS, error, error_size);
        if (cache->reference[bold] == NULL) {
            text_cache_destroy(cache);
            return NULL;
        }
        TTF_SetFontHinting(cache->reference[bold], TTF_HINTING_NONE);
    }
    for (int role = 0; role < FONT_ROLES; role++) {
        int size = (int)lround(font_role_size((enum font_role)role) * scale);
        size = size < 5 ? 5 : size;
        cache->pixels[role] = size;
        cache->fonts[role] =
            open_face(files, font_role_is_bold((enum font_role)role), size, error, error_size);
        if (cache->fonts[role] == NULL) {
            text_cache_destroy(cache);
            return NULL;
        }
        TTF_SetFontHinting(cache->fonts[role], TTF_HINTING_LIGHT_SUBPIXEL);
        cache->digit[role] = widest_digit(cache->fonts[role]);
    }
    return cache;
}

void text_cache_destroy(struct text_cache *cache) {
    if (cache == NULL) {
        return;
    }
    while (cache->oldest != NULL) {
        drop(cache, cache->oldest);
    }
    for (int role = 0; role < FONT_ROLES; role++) {
        if (cache->fonts[role] != NULL) {
            TTF_CloseFont(cache->fonts[role]);
        }
    }
    for (int bold = 0; bold < 2; bold++) {
        if (cache->reference[bold] != NULL) {
            TTF_CloseFont(cache->reference[bold]);
        }
    }
    TTF_Quit();
    free(cache);
}

/* First code point of a valid UTF-8 string; enough for looking up a glyph. */
static uint32_t first_codepoint(const char *text) {
    const uint8_t *s = (const uint8_t *)text;
    if (s[0] < 0x80) {
        return s[0];
    }
    int more = s[0] >= 0xf0 ? 3 : s[0] >= 0xe0 ? 2 : 1;
    uint32_t code = s[0] & (0x3fu >> more);
    for (int i = 1; i <= more && s[i] != 0; i++) {
        code = code << 6 | (s[i] & 0x3fu);
    }
    return code;
}

/* The alpha channel of a white ARGB surface is the coverage. */
static void take_coverage(const SDL_Surface *surface, uint8_t *coverage) {
    for (int y = 0; y < surface->h; y++) {
        const uint8_t *row = (const uint8_t *)surface->pixels + (size_t)y * (size_t)surface->pitch;
        for (int x = 0; x < surface->w; x++) {
            uint32_t pixel;
            memcpy(&pixel, row + (size_t)x * sizeof pixel, sizeof pixel);
            *coverage++ = (uint8_t)(pixel >> 24);
        }
    }
}

/* How far the pen moves, to a fraction of a pixel. SDL_ttf tells whole pixels of ink, while the pen
 * moves further after a blank: so it is asked at a large size, with a stop behind the text whose
 * own width is taken off again. */
static double advance_of(const struct text_cache *cache, enum font_role role, char *copy,
                         size_t length) {
    TTF_Font *font = cache->reference[font_role_is_bold(role)];
    int with = 0, stop = 0;
    memcpy(copy + length, "|", 2);
    bool ok =
        TTF_SizeUTF8(font, copy, &with, NULL) == 0 && TTF_SizeUTF8(font, "|", &stop, NULL) == 0;
    copy[length] = '\0';
    return ok && with > stop ? (with - stop) * cache->pixels[role] / REFERENCE_PIXELS : 0.0;
}

static struct entry *render(struct text_cache *cache, enum font_role role, const char *text,
                            size_t length) {
    char copy[PIECE_TEXT_MAX + 2]; /* room for a stop */
    memcpy(copy, text, length);
    copy[length] = '\0';
    TTF_Font *font = cache->fonts[role];
    SDL_Surface *surface =
        TTF_RenderUTF8_Blended(font, copy, (SDL_Color){.r = 255, .g = 255, .b = 255, .a = 255});
    size_t pixels = surface != NULL ? (size_t)surface->w * (size_t)surface->h : 0;
    struct entry *entry = calloc(1, sizeof *entry);
    char *memory = malloc(length + pixels + 1);
    if (entry == NULL || memory == NULL) {
        free(entry);
        free(memory);
        SDL_FreeSurface(surface);
        return NULL;
    }
    memcpy(memory, text, length);
    entry->text = memory;
    entry->length = length;
    entry->role = role;
    entry->bytes = length + pixels;
    int left = 0;
    entry->piece.advance = advance_of(cache, role, copy, length);
    if (surface != NULL) {
        /* SDL_ttf shifts a string right when its first glyph hangs over to the left. */
        TTF_GlyphMetrics32(font, first_codepoint(copy), &left, NULL, NULL, NULL, NULL);
        uint8_t *coverage = (uint8_t *)memory + length;
        take_coverage(surface, coverage);
        entry->piece.width = surface->w;
        entry->piece.height = surface->h;
        entry->piece.left = left < 0 ? left : 0;
        entry->piece.top = TTF_FontAscent(font);
        entry->piece.coverage = coverage;
    }
    SDL_FreeSurface(surface);
    return entry;
}

const struct text_piece *text_cache_piece(struct text_cache *cache, enum font_role role,
                                          const char *utf8, size_t length) {
    OBS_ASSERT(cache != NULL && (int)role < FONT_ROLES);
    if (length == 0) {
        return &cache->empty;
    }
    if (length >= PIECE_TEXT_MAX) {
        length = PIECE_TEXT_MAX - 1;
    }
    uint32_t hash = hash_text(role, utf8, length);
    struct entry *entry = cache->buckets[hash % BUCKETS];
    while (entry != NULL && !(entry->hash == hash && entry->role == role &&
                              entry->length == length && memcmp(entry->text, utf8, length) == 0)) {
        entry = entry->next_in_bucket;
    }
    if (entry != NULL) {
        unlink_use(cache, entry);
        link_newest(cache, entry);
        return &entry->piece;
    }
    entry = render(cache, role, utf8, length);
    if (entry == NULL) {
        return &cache->empty;
    }
    entry->hash = hash;
    entry->next_in_bucket = cache->buckets[hash % BUCKETS];
    cache->buckets[hash % BUCKETS] = entry;
    link_newest(cache, entry);
    cache->count++;
    cache->bytes += entry->bytes;
    while (cache->oldest != entry && (cache->count > PIECES_MAX || cache->bytes > BYTES_MAX)) {
        drop(cache, cache->oldest);
    }
    return &entry->piece;
}

int text_cache_digit(const struct text_cache *cache, enum font_role role) {
    return cache->digit[role];
}

int text_cache_ascent(const struct text_cache *cache, enum font_role role) {
    return TTF_FontAscent(cache->fonts[role]);
}

int text_cache_descent(const struct text_cache *cache, enum font_role role) {
    return -TTF_FontDescent(cache->fonts[role]);
}
