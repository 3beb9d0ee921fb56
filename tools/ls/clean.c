/* clean.c: --clean: frees the segments that nobody writes any more. Live, stalled and foreign ones
 * stay, and so do plain copies: somebody made those on purpose. */
#include "ls.h"

static bool is_dead(const struct scope_listing *listing) {
    return listing->status == 0 && listing->own &&
           (listing->liveness == SCOPE_CLOSED || listing->liveness == SCOPE_CRASHED);
}

int ls_clean(FILE *out, const struct scope_listing *list, size_t count) {
    int result = 0;
    size_t removed = 0;
    uint64_t freed = 0;
    for (size_t i = 0; i < count; i++) {
        const struct scope_listing *listing = &list[i];
        if (!is_dead(listing)) {
            continue;
        }
        struct scope_error_detail detail = {0};
        int rc = scope_remove(listing->name, &detail);
        if (rc == 0) {
            (void)fprintf(out, "removed %s (%s, %.1f MB)\n", listing->name, ls_state(listing),
                          (double)listing->bytes / 1e6);
            removed++;
            freed += listing->bytes;
        } else if (rc != SCOPE_ERR_NOT_FOUND) {
            (void)fprintf(stderr, "lsm-ls: %s stays: %s\n", listing->name, detail.text);
            result = 1;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (list[i].status != 0 && list[i].own) {
            char reason[256];
            ls_reason(&list[i], reason, sizeof(reason));
            (void)fprintf(out, "left %s alone: %s\n", list[i].name, reason);
        }
    }
    if (removed == 0) {
        (void)fprintf(out, "nothing to remove\n");
    } else {
        (void)fprintf(out, "%zu removed, %.1f MB freed\n", removed, (double)freed / 1e6);
    }
    return result;
}
