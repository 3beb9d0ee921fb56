#include "check.h"
#include "manifest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Numbers are written with at least six digits so that a listing sorts; larger ones just grow. */
enum { NUMBER_DIGITS = 6, NUMBER_DIGITS_MAX = 20 };

void lsm_file_name(char *path, const char *directory, enum lsm_file_kind kind, uint64_t number) {
    int n = -1;
    switch (kind) {
    case LSM_NAME_WAL:
        n = snprintf(path, LSM_PATH_MAX, "%s/%06" PRIu64 ".wal", directory, number);
        break;
    case LSM_NAME_TABLE:
        n = snprintf(path, LSM_PATH_MAX, "%s/%06" PRIu64 ".sst", directory, number);
        break;
    case LSM_NAME_MANIFEST:
        n = snprintf(path, LSM_PATH_MAX, "%s/MANIFEST-%06" PRIu64, directory, number);
        break;
    case LSM_NAME_TEMP:
        n = snprintf(path, LSM_PATH_MAX, "%s/%06" PRIu64 ".tmp", directory, number);
        break;
    case LSM_NAME_CURRENT:
        n = snprintf(path, LSM_PATH_MAX, "%s/CURRENT", directory);
        break;
    case LSM_NAME_LOCK:
        n = snprintf(path, LSM_PATH_MAX, "%s/LOCK", directory);
        break;
    case LSM_NAME_OTHER:
        break;
    }
    LSM_ASSERT(n > 0 && n < LSM_PATH_MAX);
}

/* Reads a number exactly as lsm_file_name writes it; NULL when it is not one. A name that only
 * resembles ours ("7.wal", "0000007.wal") is not ours, and must never be deleted as such. */
static const char *parse_number(const char *p, uint64_t *number) {
    uint64_t value = 0;
    int digits = 0;
    const char *start = p;
    for (; *p >= '0' && *p <= '9' && digits <= NUMBER_DIGITS_MAX; p++, digits++) {
        uint64_t digit = (uint64_t)(*p - '0');
        if (value > (UINT64_MAX - digit) / 10) {
            return NULL;
        }
        value = value * 10 + digit;
    }
    if (digits < NUMBER_DIGITS || (digits > NUMBER_DIGITS && *start == '0')) {
        return NULL;
    }
    *number = value;
    return p;
}

enum lsm_file_kind lsm_file_kind_of(const char *name, uint64_t *number) {
    static const char manifest[] = "MANIFEST-";
    uint64_t value = 0;
    enum lsm_file_kind kind = LSM_NAME_OTHER;
    LSM_ASSERT(name != NULL && number != NULL);
    if (strcmp(name, "CURRENT") == 0) {
        return LSM_NAME_CURRENT;
    }
    if (strcmp(name, "LOCK") == 0) {
        return LSM_NAME_LOCK;
    }
    if (strncmp(name, manifest, sizeof manifest - 1) == 0) {
        const char *end = parse_number(name + sizeof manifest - 1, &value);
        kind = end != NULL && *end == '\0' ? LSM_NAME_MANIFEST : LSM_NAME_OTHER;
    } else {
        const char *end = parse_number(name, &value);
        if (end != NULL && strcmp(end, ".wal") == 0) {
            kind = LSM_NAME_WAL;
        } else if (end != NULL && strcmp(end, ".sst") == 0) {
            kind = LSM_NAME_TABLE;
        } else if (end != NULL && strcmp(end, ".tmp") == 0) {
            kind = LSM_NAME_TEMP;
        }
    }
    if (kind != LSM_NAME_OTHER) {
        *number = value;
    }
    return kind;
}
