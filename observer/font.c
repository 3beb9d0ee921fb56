#include "font.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <fontconfig/fontconfig.h>

#include "obs_check.h"

#if defined(__SANITIZE_ADDRESS__)
/* fontconfig keeps what it parsed from its configuration for ever, which is no leak of ours. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) {
    return "leak:libfontconfig\n";
}
#endif

static bool match(const char *family, int weight, char *file, size_t file_size, int *index,
                  char *found, size_t found_size) {
    FcPattern *wanted = FcPatternCreate();
    if (wanted == NULL) {
        return false;
    }
    FcPatternAddString(wanted, FC_FAMILY, (const FcChar8 *)family);
    FcPatternAddInteger(wanted, FC_WEIGHT, weight);
    FcPatternAddInteger(wanted, FC_SLANT, FC_SLANT_ROMAN);
    FcPatternAddBool(wanted, FC_SCALABLE, FcTrue);
    FcConfigSubstitute(NULL, wanted, FcMatchPattern);
    FcDefaultSubstitute(wanted);
    FcResult result = FcResultNoMatch;
    FcPattern *best = FcFontMatch(NULL, wanted, &result);
    FcPatternDestroy(wanted);
    if (best == NULL) {
        return false;
    }
    FcChar8 *path = NULL, *name = NULL;
    bool ok = FcPatternGetString(best, FC_FILE, 0, &path) == FcResultMatch &&
              FcPatternGetString(best, FC_FAMILY, 0, &name) == FcResultMatch &&
              strlen((const char *)path) < file_size;
    if (ok) {
        snprintf(file, file_size, "%s", (const char *)path);
        snprintf(found, found_size, "%s", (const char *)name);
        if (FcPatternGetInteger(best, FC_INDEX, 0, index) != FcResultMatch) {
            *index = 0;
        }
        /* The high half numbers the instances of a variable font, which SDL_ttf does not open. */
        *index &= 0xffff;
    }
    FcPatternDestroy(best);
    return ok;
}

static bool take_family(const char *family, struct font_files *files) {
    char bold_family[sizeof files->family];
    return match(family, FC_WEIGHT_REGULAR, files->regular, sizeof files->regular,
                 &files->regular_index, files->family, sizeof files->family) &&
           match(family, FC_WEIGHT_BOLD, files->bold, sizeof files->bold, &files->bold_index,
                 bold_family, sizeof bold_family);
}

static bool take_path(const char *path, struct font_files *files) {
    int faces = 0;
    FcPattern *pattern = FcFreeTypeQuery((const FcChar8 *)path, 0, NULL, &faces);
    if (pattern == NULL) {
        return false;
    }
    FcChar8 *name = NULL;
    bool ok = FcPatternGetString(pattern, FC_FAMILY, 0, &name) == FcResultMatch &&
              strlen(path) < sizeof files->regular;
    if (ok) {
        snprintf(files->family, sizeof files->family, "%s", (const char *)name);
        snprintf(files->regular, sizeof files->regular, "%s", path);
        /* One file was named, so it also serves as the bold face. */
        snprintf(files->bold, sizeof files->bold, "%s", path);
        files->regular_index = files->bold_index = 0;
    }
    FcPatternDestroy(pattern);
    return ok;
}

bool font_find(const char *family, struct font_files *files, char *error, size_t error_size) {
    OBS_ASSERT(files != NULL);
    memset(files, 0, sizeof *files);
    if (!FcInit()) {
        snprintf(error, error_size, "fontconfig could not be started: check /etc/fonts");
        return false;
    }
    if (family != NULL && strchr(family, '/') != NULL) {
        if (take_path(family, files)) {
            return true;
        }
        snprintf(error, error_size, "%s: not a font file that can be read", family);
        return false;
    }
    if (family != NULL) {
        if (take_family(family, files) && strcasecmp(files->family, family) == 0) {
            return true;
        }
        snprintf(error, error_size, "no font family named \"%s\": `fc-list : family` lists them",
                 family);
        return false;
    }
    static const char *const preferred[] = {"Inter", "DejaVu Sans", "sans-serif"};
    for (size_t i = 0; i < sizeof preferred / sizeof preferred[0]; i++) {
        bool generic = i + 1 == sizeof preferred / sizeof preferred[0];
        if (take_family(preferred[i], files) &&
            (generic || strcasecmp(files->family, preferred[i]) == 0)) {
            return true;
        }
    }
    snprintf(error, error_size,
             "no usable font found: install one, for example the package fonts-inter");
    return false;
}

double font_role_size(enum font_role role) {
    switch (role) {
    case FONT_AXIS:
    case FONT_STRONG:
        return 13.0;
    case FONT_LABEL:
    case FONT_TITLE:
        return 15.0;
    case FONT_FIGURE:
        return 20.0;
    }
    OBS_ASSERT(false);
    return 0.0;
}

bool font_role_is_bold(enum font_role role) {
    return role == FONT_TITLE || role == FONT_FIGURE || role == FONT_STRONG;
}
