#include "number.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "driver_check.h"

struct suffix {
    const char *name;
    uint64_t factor;
};

/* Reads [digits][.digits] and one suffix of the table; the value is number x factor, and must be
 * whole: half a byte is a typing error, not something to round. */
static bool parse_scaled(const char *text, const struct suffix *suffixes, uint64_t *out) {
    DRIVER_ASSERT(text != NULL && suffixes != NULL);
    const char *p = text;
    uint64_t whole = 0;
    uint64_t fraction = 0;
    uint64_t scale = 1; /* 10 to the number of digits after the point */
    if (*p != '.' && (*p < '0' || *p > '9')) {
        return false;
    }
    for (; *p >= '0' && *p <= '9'; p++) {
        if (__builtin_mul_overflow(whole, 10u, &whole) ||
            __builtin_add_overflow(whole, (uint64_t)(*p - '0'), &whole)) {
            return false;
        }
    }
    if (*p == '.') {
        p++;
        if (*p < '0' || *p > '9') {
            return false;
        }
        for (; *p >= '0' && *p <= '9'; p++) {
            if (scale >= 1000000000u) {
                if (*p != '0') {
                    return false;
                }
                continue;
            }
            fraction = fraction * 10 + (uint64_t)(*p - '0');
            scale *= 10;
        }
    }
    for (; suffixes->name != NULL; suffixes++) {
        if (strcmp(p, suffixes->name) == 0) {
            break;
        }
    }
    if (suffixes->name == NULL) {
        return false;
    }
    uint64_t value;
    uint64_t rest;
    if (__builtin_mul_overflow(whole, suffixes->factor, &value) ||
        __builtin_mul_overflow(fraction, suffixes->factor, &rest) || rest % scale != 0 ||
        __builtin_add_overflow(value, rest / scale, &value)) {
        return false;
    }
    *out = value;
    return true;
}

#define KILO 1000ull
#define KIBI 1024ull
#define NS   1000000000ull

bool driver_parse_count(const char *text, uint64_t *count) {
    static const struct suffix suffixes[] = {
        {"", 1},  {"k", KILO}, {"K", KILO}, {"M", KILO * KILO}, {"G", KILO * KILO * KILO},
        {NULL, 0}};
    return parse_scaled(text, suffixes, count);
}

bool driver_parse_size(const char *text, uint64_t *bytes) {
    static const struct suffix suffixes[] = {{"", 1},
                                             {"B", 1},
                                             {"k", KILO},
                                             {"kB", KILO},
                                             {"KB", KILO},
                                             {"MB", KILO * KILO},
                                             {"GB", KILO * KILO * KILO},
                                             {"K", KIBI},
                                             {"KiB", KIBI},
                                             {"M", KIBI * KIBI},
                                             {"MiB", KIBI * KIBI},
                                             {"G", KIBI * KIBI * KIBI},
                                             {"GiB", KIBI * KIBI * KIBI},
                                             {NULL, 0}};
    return parse_scaled(text, suffixes, bytes);
}

bool driver_parse_rate(const char *text, uint64_t *rate_milli) {
    static const struct suffix suffixes[] = {{"", KILO},
                                             {"/s", KILO},
                                             {"k", KILO * KILO},
                                             {"K", KILO * KILO},
                                             {"k/s", KILO * KILO},
                                             {"M", KILO * KILO * KILO},
                                             {"M/s", KILO * KILO * KILO},
                                             {NULL, 0}};
    if (strcmp(text, "max") == 0) {
        *rate_milli = DRIVER_RATE_MAX;
        return true;
    }
    return parse_scaled(text, suffixes, rate_milli);
}

bool driver_parse_seconds(const char *text, uint64_t *ns) {
    static const struct suffix suffixes[] = {{"", NS},          {"s", NS},        {"ms", NS / KILO},
                                             {"m", 60 * NS},    {"min", 60 * NS}, {"h", 3600 * NS},
                                             {"d", 86400 * NS}, {NULL, 0}};
    return parse_scaled(text, suffixes, ns);
}

bool driver_parse_millis(const char *text, uint64_t *ns) {
    static const struct suffix suffixes[] = {{"", NS / KILO}, {"ms", NS / KILO}, {"us", KILO},
                                             {"s", NS},       {"m", 60 * NS},    {"h", 3600 * NS},
                                             {NULL, 0}};
    return parse_scaled(text, suffixes, ns);
}

bool driver_parse_fraction(const char *text, double *value) {
    if (*text != '.' && (*text < '0' || *text > '9')) {
        return false; /* strtod would take spaces, signs, inf and nan */
    }
    char *end = NULL;
    errno = 0;
    double v = strtod(text, &end);
    if (strcmp(end, "%") == 0) {
        v /= 100.0;
        end++;
    }
    /* Underflow to a tiny number is a range question, overflow is no number at all. */
    if (*end != '\0' || !isfinite(v) || (errno == ERANGE && v > 1.0)) {
        return false;
    }
    *value = v;
    return true;
}
