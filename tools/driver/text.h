/* text.h: numbers as people read them: 300,000  1.9 MiB  4.2 ms.
 *
 * Threads:    pure. Each function fills the caller's buffer and returns it, so that several fit
 *             into one printf. Nothing depends on the locale. */
#ifndef DRIVER_TEXT_H
#define DRIVER_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct driver_text {
    char s[40];
};

const char *driver_text_count(struct driver_text *buffer, uint64_t count);   /* 1,234,567 */
const char *driver_text_bytes(struct driver_text *buffer, uint64_t bytes);   /* 1.9 MiB */
const char *driver_text_ns(struct driver_text *buffer, uint64_t ns);         /* 4.2 ms */
const char *driver_text_rate(struct driver_text *buffer, double per_second); /* 5,000/s, 0.50/s */

/* A buffer that text is appended to; what does not fit is cut and `cut` grows. */
struct driver_page {
    char *text;
    size_t size, used;
    size_t cut;
};
__attribute__((format(printf, 2, 3))) void driver_page_add(struct driver_page *page,
                                                           const char *format, ...);

#endif
