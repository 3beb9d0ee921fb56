#include "wal_old.h"

#include <stdlib.h>

#include "check.h"

static void unref(struct lsm_wal_old *old) {
    /* Release: our reads are done; acquire: so are everybody else's, before the bytes go. */
    uint32_t refs = atomic_fetch_sub_explicit(&old->hold.refs, 1, memory_order_acq_rel);
    LSM_ASSERT(refs > 0);
    if (refs > 1) {
        return;
    }
    if (old->mapped) {
        lsm_file_unmap(old->file, old->bytes, old->size);
    } else {
        free(old->bytes);
    }
    lsm_file_close(old->file);
    free(old);
}

static void release_pin(struct lsm_pin *pin) {
    unref((struct lsm_wal_old *)(void *)pin);
}

static struct lsm_wal_extent extent_of(const struct lsm_wal_hold *hold) {
    const struct lsm_wal_old *old = (const struct lsm_wal_old *)(const void *)hold;
    LSM_ASSERT(old->end <= old->size);
    return (struct lsm_wal_extent){old->file, old->bytes, old->number, old->end};
}

/* Mapped where that can be had: then nothing is copied, and it takes no memory of ours. */
static int load(struct lsm_wal_old *old, struct lsm_fault *fault) {
    if (old->size == 0) {
        return 0;
    }
    old->mapped = lsm_file_map_read(old->file, old->size, &old->bytes);
    if (old->mapped) {
        return lsm_file_populate(old->file, old->bytes, old->size, fault);
    }
    old->bytes = malloc(old->size);
    if (old->bytes == NULL) {
        return lsm_fail(fault, LSM_ERR_MEMORY, "%s: no memory for %llu bytes",
                        lsm_file_path(old->file), (unsigned long long)old->size);
    }
    return lsm_file_read(old->file, 0, old->bytes, old->size, fault);
}

int lsm_wal_old_open(struct lsm_io *io, const char *path, struct lsm_wal_old **old,
                     struct lsm_fault *fault) {
    struct lsm_wal_old *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return lsm_fail(fault, LSM_ERR_MEMORY, "%s: no memory for a log segment", path);
    }
    made->hold.pin.release = release_pin;
    made->hold.extent = extent_of;
    atomic_init(&made->hold.refs, 1);
    int rc = lsm_file_open(io, path, LSM_FILE_READ, &made->file, fault);
    if (rc == 0) {
        rc = lsm_file_size(made->file, &made->size, fault);
    }
    if (rc == 0) {
        rc = load(made, fault);
    }
    if (rc != 0) {
        unref(made);
        return rc;
    }
    *old = made;
    return 0;
}

void lsm_wal_old_free(struct lsm_wal_old *list) {
    while (list != NULL) {
        struct lsm_wal_old *next = list->next;
        unref(list);
        list = next;
    }
}

int lsm_wal_old_sync(struct lsm_wal_old *list, struct lsm_fault *fault) {
    int rc = 0;
    for (; list != NULL && rc == 0; list = list->next) {
        rc = lsm_file_sync(list->file, fault);
    }
    return rc;
}
