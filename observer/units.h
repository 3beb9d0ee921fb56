/* units.h: numbers as people read them.
 *
 * Counts and rates take SI prefixes (5.02 k/s), bytes IEC ones (1.91 MiB), times what suits their
 * size. Three significant figures, so that a number keeps its width. Output does not depend on the
 * locale.
 *
 * Threads:    any. Every function writes at most `size` bytes with the ending NUL. */
#ifndef OBS_UNITS_H
#define OBS_UNITS_H

#include <stddef.h>
#include <stdint.h>

enum { UNITS_TEXT = 48 }; /* room for any of them */

void units_rate(double per_second, char *text, size_t size);  /* "5.02 k/s", "600 /s" */
void units_bytes(double bytes, char *text, size_t size);      /* "218 KiB", "17 B" */
void units_duration(double seconds, char *text, size_t size); /* "12.3 ms", "1.62 s" */
void units_grouped(double count, char *text, size_t size);    /* "4 938", thin spaces */
void units_clock(double seconds, unsigned decimals, char *text, size_t size); /* "1:02.5" */
/* Local wall-clock time to the millisecond: "14:22:07.120". */
void units_wall_clock(double unix_seconds, char *text, size_t size);
/* A publisher's words with their numbers written as here: "put 9,000/s" is "put 9 000 /s". Cut at a
 * character when `size` is short. */
void units_reword(const char *words, char *text, size_t size);
/* Share of one core as a percentage: "0.02 %", "12 %". */
void units_percent(double share, char *text, size_t size);

#endif
