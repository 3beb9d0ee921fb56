#include "units.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "obs_check.h"

static int decimals_for(double value) {
    /* Rounding to three figures may carry into the next digit: 9.996 is 10.0. */
    return value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
}

static void scaled(double value, double base, const char *const *prefixes, size_t count,
                   const char *unit, char *text, size_t size) {
    OBS_ASSERT(text != NULL && size > 0 && count > 0);
    if (!isfinite(value)) {
        snprintf(text, size, "-");
        return;
    }
    const char *sign = value < 0.0 ? "-" : "";
    value = fabs(value);
    size_t prefix = 0;
    while (prefix + 1 < count && value >= base * 0.9995) {
        value /= base;
        prefix++;
    }
    bool whole = prefix == 0 && fabs(value - round(value)) < 1e-9;
    snprintf(text, size, "%s%.*f %s%s", sign, whole ? 0 : decimals_for(value), value,
             prefixes[prefix], unit);
    size_t length = strlen(text);
    if (length > 0 && text[length - 1] == ' ') {
        text[length - 1] = '\0';
    }
}

void units_rate(double per_second, char *text, size_t size) {
    static const char *const prefixes[] = {"", "k", "M", "G", "T"};
    /* Below a thousand tenths of an operation a second are noise, below ten they are news. */
    if (fabs(per_second) >= 9.95 && fabs(per_second) < 999.5) {
        per_second = round(per_second);
    }
    scaled(per_second, 1000.0, prefixes, 5, "/s", text, size);
}

void units_bytes(double bytes, char *text, size_t size) {
    static const char *const prefixes[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi"};
    scaled(bytes, 1024.0, prefixes, 6, "B", text, size);
}

void units_duration(double seconds, char *text, size_t size) {
    if (!isfinite(seconds) || seconds < 0.0) {
        snprintf(text, size, "-");
    } else if (seconds >= 59.95) {
        units_clock(seconds, 0, text, size);
    } else if (seconds < 999.5e-9) {
        snprintf(text, size, "%.0f ns", seconds * 1e9);
    } else {
        static const char *const names[] = {"µs", "ms", "s"};
        double value = seconds * 1e6;
        int unit = 0;
        while (unit < 2 && value >= 999.5) {
            value /= 1e3;
            unit++;
        }
        snprintf(text, size, "%.*f %s", decimals_for(value), value, names[unit]);
    }
}

void units_grouped(double count, char *text, size_t size) {
    OBS_ASSERT(text != NULL && size > 0);
    char plain[UNITS_TEXT];
    if (!isfinite(count) || fabs(count) > 1e18) {
        snprintf(text, size, "-");
        return;
    }
    snprintf(plain, sizeof plain, "%.0f", round(fabs(count)));
    size_t digits = strlen(plain), used = 0;
    text[0] = '\0';
    if (count < -0.5 && size > 1) {
        text[used++] = '-';
    }
    for (size_t i = 0; i < digits; i++) {
        const char *gap = i > 0 && (digits - i) % 3 == 0 ? "\u2009" : "";
        if (used + strlen(gap) + 2 > size) {
            break;
        }
        used += (size_t)snprintf(text + used, size - used, "%s%c", gap, plain[i]);
    }
}

void units_clock(double seconds, unsigned decimals, char *text, size_t size) {
    OBS_ASSERT(decimals <= 6);
    if (!isfinite(seconds) || fabs(seconds) > 1e12) {
        snprintf(text, size, "-");
        return;
    }
    const char *sign = seconds < 0.0 ? "-" : "";
    double unit = pow(10.0, (double)decimals);
    /* Whole units first: 59.96 to one decimal is 1:00.0, not 0:60.0. */
    double units = round(fabs(seconds) * unit);
    double whole = floor(units / unit);
    double fraction = units - whole * unit;
    long long total = (long long)whole;
    int used;
    if (total >= 3600) {
        used = snprintf(text, size, "%s%lld:%02lld:%02lld", sign, total / 3600, total / 60 % 60,
                        total % 60);
    } else {
        used = snprintf(text, size, "%s%lld:%02lld", sign, total / 60, total % 60);
    }
    if (decimals > 0 && used > 0 && (size_t)used < size) {
        snprintf(text + used, size - (size_t)used, ".%0*lld", (int)decimals, (long long)fraction);
    }
}

void units_wall_clock(double unix_seconds, char *text, size_t size) {
    double milliseconds = round(unix_seconds * 1000.0);
    if (!isfinite(milliseconds) || fabs(milliseconds) > 1e15) {
        snprintf(text, size, "-");
        return;
    }
    time_t whole = (time_t)floor(milliseconds / 1000.0);
    int rest = (int)(milliseconds - (double)whole * 1000.0);
    struct tm local;
    if (localtime_r(&whole, &local) == NULL) {
        snprintf(text, size, "-");
        return;
    }
    snprintf(text, size, "%02d:%02d:%02d.%03d", local.tm_hour, local.tm_min, local.tm_sec, rest);
}

void units_percent(double share, char *text, size_t size) {
    double percent = share * 100.0;
    if (!isfinite(percent) || percent < 0.0) {
        snprintf(text, size, "-");
        return;
    }
    snprintf(text, size, "%.*f %%", percent < 0.995 ? 2 : percent < 9.95 ? 1 : 0, percent);
}

static size_t digits_at(const char *text) {
    return strspn(text, "0123456789");
}

/* A comma with three digits behind it, and one to three, or another such group, before it. */
static bool groups_here(const char *words, const char *comma) {
    size_t before = 0;
    while (comma - before > words && digits_at(comma - before - 1) > 0) {
        before++;
    }
    bool after_group = before == 3 && comma - before > words && comma[-4] == ',';
    return *comma == ',' && digits_at(comma + 1) == 3 &&
           (after_group || (before >= 1 && before <= 3));
}

void units_reword(const char *words, char *text, size_t size) {
    OBS_ASSERT(words != NULL && text != NULL && size > 0);
    size_t used = 0;
    for (const char *at = words; *at != '\0';) {
        size_t length = 1;
        while (((unsigned char)at[length] & 0xC0) == 0x80) { /* the rest of a character */
            length++;
        }
        bool gap = at > words && digits_at(at - 1) > 0 && strncmp(at, "/s", 2) == 0;
        const char *put = groups_here(words, at) ? "\u2009" : at;
        size_t bytes = put == at ? length : strlen(put);
        if (used + bytes + (gap ? 1 : 0) >= size) {
            break;
        }
        if (gap) {
            text[used++] = ' ';
        }
        memcpy(text + used, put, bytes);
        used += bytes;
        at += length;
    }
    text[used] = '\0';
}
