/* golden_picture.h: pictures compared with those that were looked at, tests/golden/NAME.png.
 *
 * When a picture differs, what was drawn and the differences are left beside the build, in
 * BUILD/golden, and the command that accepts the new picture is printed. UPDATE_GOLDEN=1 draws the
 * golden pictures instead of comparing.
 *
 * Threads:    one. */
#ifndef TESTS_GOLDEN_PICTURE_H
#define TESTS_GOLDEN_PICTURE_H

#include <stdbool.h>
#include <stddef.h>

/* From main, before anything else: makes the directory. False: told why not. */
bool golden_begin(const char *argv0);
/* Where the pictures that a test draws belong; `file` in there. */
void golden_path(const char *file, char *path, size_t size);
/* Has `draw` draw the shot and compares; fails the cmocka test when it differs. */
void golden_check(const char *name, void (*draw)(const void *shot, const char *path),
                  const void *shot);

#endif
