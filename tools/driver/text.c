#include "text.h"

#include <stdarg.h>
#include <stdio.h>

#include "driver_check.h"

const char *driver_text_count(struct driver_text *buffer, uint64_t count) {
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)count);
    DRIVER_ASSERT(n > 0 && n <= 20);
    size_t out = 0;
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0) {
            buffer->s[out++] = ',';
        }
        buffer->s[out++] = digits[i];
    }
    DRIVER_ASSERT(out < sizeof buffer->s);
    buffer->s[out] = '\0';
    return buffer->s;
}

/* Three significant figures, as people expect of a measured number. */
static const char *scaled(struct driver_text *buffer, double value, const char *unit) {
    int decimals = value >= 99.95 ? 0 : (value >= 9.995 ? 1 : 2);
    (void)snprintf(buffer->s, sizeof buffer->s, "%.*f %s", decimals, value, unit);
    return buffer->s;
}

const char *driver_text_bytes(struct driver_text *buffer, uint64_t bytes) {
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024) {
        (void)snprintf(buffer->s, sizeof buffer->s, "%u B", (unsigned)bytes);
        return buffer->s;
    }
    double value = (double)bytes / 1024.0;
    size_t unit = 0;
    while (value >= 1023.5 && unit + 1 < sizeof units / sizeof units[0]) {
        value /= 1024.0;
        unit++;
    }
    return scaled(buffer, value, units[unit]);
}

const char *driver_text_ns(struct driver_text *buffer, uint64_t ns) {
    if (ns < 1000) {
        (void)snprintf(buffer->s, sizeof buffer->s, "%u ns", (unsigned)ns);
        return buffer->s;
    }
    double value = (double)ns;
    if (value < 999.5e3) {
        return scaled(buffer, value / 1e3, "us");
    }
    if (value < 999.5e6) {
        return scaled(buffer, value / 1e6, "ms");
    }
    return scaled(buffer, value / 1e9, "s");
}

const char *driver_text_rate(struct driver_text *buffer, double per_second) {
    if (per_second < 9.995) {
        (void)snprintf(buffer->s, sizeof buffer->s, "%.2f/s", per_second);
        return buffer->s;
    }
    struct driver_text count;
    (void)driver_text_count(&count, (uint64_t)(per_second + 0.5));
    (void)snprintf(buffer->s, sizeof buffer->s, "%.36s/s", count.s);
    return buffer->s;
}

void driver_page_add(struct driver_page *page, const char *format, ...) {
    DRIVER_ASSERT(page->used < page->size);
    va_list list;
    va_start(list, format);
    int n = vsnprintf(page->text + page->used, page->size - page->used, format, list);
    va_end(list);
    DRIVER_ASSERT(n >= 0);
    size_t room = page->size - page->used - 1;
    size_t added = (size_t)n < room ? (size_t)n : room;
    page->cut += (size_t)n - added;
    page->used += added;
}
