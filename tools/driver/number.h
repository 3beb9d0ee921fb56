/* number.h: numbers as people type them: 2000, 2.5k, 64KiB, 90s, 1.5h, max.
 *
 * Threads:    all functions are pure.
 * Errors:     false, and the out-parameter is untouched. A number is accepted only when the
 *             whole text is one and its value is exact in the unit asked for. */
#ifndef DRIVER_NUMBER_H
#define DRIVER_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* A rate in thousandths of an operation per second. */
#define DRIVER_RATE_MAX UINT64_MAX /* "max": unpaced */

bool driver_parse_count(const char *text, uint64_t *count); /* suffixes k, M, G (10^3 each) */
bool driver_parse_size(const char *text, uint64_t *bytes);  /* k, kB = 1000; K, KiB = 1024; ... */
bool driver_parse_rate(const char *text, uint64_t *rate_milli); /* count with fractions, or max */
bool driver_parse_seconds(const char *text, uint64_t *ns);      /* plain: seconds; ms, s, m, h, d */
bool driver_parse_millis(const char *text, uint64_t *ns); /* plain: milliseconds; us, ms, s, ... */
bool driver_parse_fraction(const char *text, double *value); /* finite, not negative; 1% = 0.01 */

#endif
