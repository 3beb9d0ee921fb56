/* list.c: every segment of the machine, the unreadable ones with the reason. */
#include "scope.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scope_check.h"
#include "segment.h"

enum { LISTINGS_MAX = 4096 };

static int by_name(const void *left, const void *right) {
    const struct scope_listing *a = left;
    const struct scope_listing *b = right;
    return strcmp(a->name, b->name);
}

static void describe(struct scope_listing *listing, int directory, const char *file) {
    const char *name = file + strlen(SCOPE_SHM_PREFIX);
    memset(listing, 0, sizeof(*listing));
    scope_text_copy(listing->name, sizeof(listing->name), name, strlen(name));
    struct stat status;
    if (fstatat(directory, file, &status, AT_SYMLINK_NOFOLLOW) == 0) {
        listing->bytes = (uint64_t)status.st_size;
        listing->own = status.st_uid == geteuid();
    }
    if (!scope_name_valid(name, true)) {
        listing->status = SCOPE_ERR_NOT_A_SEGMENT;
        return;
    }
    struct scope_segment *segment;
    listing->status = scope_attach(name, true, &segment, NULL);
    if (listing->status != 0) {
        return;
    }
    scope_segment_info(segment, &listing->info);
    listing->liveness = scope_segment_liveness(segment);
    listing->heartbeat_age_ns = scope_segment_heartbeat_age_ns(segment);
    if (scope_segment_damaged(segment)) {
        listing->status = SCOPE_ERR_DAMAGED;
    }
    scope_detach(segment);
}

static struct scope_listing *grown(struct scope_listing *found, size_t *room) {
    size_t more = *room == 0 ? 8 : *room * 2;
    struct scope_listing *larger = realloc(found, more * sizeof(*larger));
    if (larger != NULL) {
        *room = more;
    }
    return larger;
}

int scope_list(struct scope_listing **list, size_t *count) {
    SCOPE_ASSERT(list != NULL && count != NULL);
    DIR *directory = opendir(scope_shm_dir);
    if (directory == NULL) {
        return errno == ENOENT ? SCOPE_ERR_NOT_FOUND : SCOPE_ERR_SYSTEM;
    }
    struct scope_listing *found = NULL;
    size_t room = 0;
    size_t used = 0;
    int rc = 0;
    const struct dirent *entry;
    while (rc == 0 && used < LISTINGS_MAX && (entry = readdir(directory)) != NULL) {
        if (strncmp(entry->d_name, SCOPE_SHM_PREFIX, strlen(SCOPE_SHM_PREFIX)) != 0) {
            continue;
        }
        if (used == room) {
            struct scope_listing *larger = grown(found, &room);
            if (larger == NULL) {
                rc = SCOPE_ERR_MEMORY;
                break;
            }
            found = larger;
        }
        describe(&found[used], dirfd(directory), entry->d_name);
        /* Gone since the directory was read: nothing to tell. */
        used += found[used].status == SCOPE_ERR_NOT_FOUND ? 0 : 1;
    }
    (void)closedir(directory);
    if (rc != 0) {
        free(found);
        return rc;
    }
    if (used > 0) {
        qsort(found, used, sizeof(*found), by_name);
    }
    *list = found;
    *count = used;
    return 0;
}
