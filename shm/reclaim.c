/* reclaim.c: a name that is taken, and whether it may be freed. Only who holds the lock of a dead
 * segment may rename or unlink it, and only after making sure that the name still leads to that
 * very file. Nothing is ever truncated or filled anew: others have it mapped. */
#include "segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "scope_check.h"

enum {
    ATTEMPTS = 40, /* while another starter or a closing writer is at the same name */
    ATTEMPT_NS = 5000000,
};

enum verdict {
    AGAIN,   /* somebody else is at it, or the name leads elsewhere by now */
    GONE,    /* the name leads nowhere */
    OURS,    /* dead, and its lock is ours */
    REFUSED, /* alive, or not ours to touch */
};

/* A dead or live segment under a name, opened to be judged. */
struct tenant {
    int fd;
    struct stat status;
    bool known; /* begins with our magic, so it may be judged and removed */
    bool lived; /* was never closed */
    uint64_t pid;
    char command[160];
};

static bool read_whole(int fd, void *target, size_t size, off_t offset) {
    ssize_t got;
    do {
        got = pread(fd, target, size, offset);
    } while (got < 0 && errno == EINTR);
    return got == (ssize_t)size;
}

/* pread, not a mapping: the file may be damaged, and a short read is no signal. */
static void look_inside(struct tenant *tenant) {
    struct scope_header header;
    struct scope_heartbeat_line beat;
    uint64_t magic = 0;
    tenant->known = read_whole(tenant->fd, &magic, sizeof(magic), 0) && magic == SCOPE_MAGIC;
    tenant->lived = true;
    if (!tenant->known || !read_whole(tenant->fd, &header, sizeof(header), 0) ||
        header.major != SCOPE_VERSION_MAJOR || header.fingerprint != scope_fingerprint()) {
        return;
    }
    tenant->pid = header.pid;
    scope_text_copy(tenant->command, sizeof(tenant->command), header.command,
                    sizeof(header.command));
    if (header.heartbeat_offset < (uint64_t)tenant->status.st_size &&
        read_whole(tenant->fd, &beat, sizeof(beat), (off_t)header.heartbeat_offset)) {
        uint64_t state = atomic_load_explicit(&beat.state, memory_order_relaxed);
        tenant->lived = state != SCOPE_STATE_CLOSED;
    }
}

/* Opens what the name leads to and tries to take its lock, or, if not `take`, merely asks. OURS:
 * tenant->fd is open and locked; otherwise it is closed, and *rc says why it is not free. */
static enum verdict judge(const char *name, const char *path, bool take, struct tenant *tenant,
                          int *rc, struct scope_error_detail *error) {
    memset(tenant, 0, sizeof(*tenant));
    tenant->fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (tenant->fd < 0) {
        *rc = errno == ELOOP || errno == EISDIR
                  ? scope_fail(error, SCOPE_ERR_NOT_A_SEGMENT, "%s is not a segment", path)
                  : scope_fail_errno(error, "cannot open", path, errno);
        return *rc == SCOPE_ERR_NOT_FOUND ? GONE : REFUSED;
    }
    enum verdict verdict = REFUSED;
    if (fstat(tenant->fd, &tenant->status) != 0) {
        *rc = scope_fail_errno(error, "cannot stat", path, errno);
        goto out;
    }
    if (!S_ISREG(tenant->status.st_mode)) {
        *rc = scope_fail(error, SCOPE_ERR_NOT_A_SEGMENT, "%s is not a segment", path);
        goto out;
    }
    look_inside(tenant);
    if (!tenant->known) {
        *rc = scope_fail(error, SCOPE_ERR_NOT_A_SEGMENT,
                         "%s exists and is not a segment: left alone", path);
        goto out;
    }
    enum scope_lock judging =
        take ? scope_lock_take(tenant->fd, SCOPE_LOCK_RECLAIM) : SCOPE_LOCK_TAKEN;
    enum scope_lock writing = SCOPE_LOCK_HELD_ELSEWHERE;
    if (!take) {
        writing = scope_lock_is_held(tenant->fd) ? SCOPE_LOCK_HELD_ELSEWHERE : SCOPE_LOCK_TAKEN;
    } else if (judging == SCOPE_LOCK_TAKEN) {
        writing = scope_lock_take(tenant->fd, SCOPE_LOCK_WRITER);
    }
    if (judging == SCOPE_LOCK_FAILED || writing == SCOPE_LOCK_FAILED) {
        *rc = scope_fail_errno(error, "cannot lock", path, errno);
    } else if (writing == SCOPE_LOCK_HELD_ELSEWHERE) {
        *rc = scope_fail(error, SCOPE_ERR_IN_USE, "%s is in use by process %llu: %s", name,
                         (unsigned long long)tenant->pid, tenant->command);
        /* Another judge, or a writer that has closed and is about to let go: soon over. */
        verdict = judging != SCOPE_LOCK_TAKEN || !tenant->lived ? AGAIN : REFUSED;
    } else if (!scope_path_leads_to(path, tenant->status.st_dev, tenant->status.st_ino)) {
        verdict = AGAIN;
    } else {
        /* The lock is ours, so nothing stores there any more: what is read now is final. */
        look_inside(tenant);
        verdict = OURS;
    }
out:
    if (verdict != OURS) {
        (void)close(tenant->fd);
        tenant->fd = -1;
    }
    return verdict;
}

/* Judges until the answer stands: a lock may be held for a moment by another starter or by a writer
 * that is closing. With `missing_is_fine` a name that leads nowhere is a success without a tenant.
 */
static int claim(const char *name, const char *path, bool take, struct tenant *tenant,
                 bool missing_is_fine, struct scope_error_detail *error) {
    int rc = SCOPE_ERR_IN_USE;
    for (unsigned attempt = 0; attempt < ATTEMPTS; attempt++) {
        enum verdict verdict = judge(name, path, take, tenant, &rc, error);
        if (verdict == OURS) {
            return 0;
        }
        if (verdict == REFUSED) {
            return rc;
        }
        if (verdict == GONE) {
            return missing_is_fine ? 0 : rc;
        }
        struct timespec pause = {.tv_sec = 0, .tv_nsec = ATTEMPT_NS};
        (void)nanosleep(&pause, NULL);
    }
    return rc;
}

int scope_reclaim(const char *name, const char *path, struct scope_error_detail *error) {
    struct tenant tenant = {.fd = -1};
    int rc = claim(name, path, true, &tenant, true, error);
    if (rc != 0 || tenant.fd < 0) {
        return rc;
    }
    scope_step(SCOPE_STEP_CLAIMED);
    if (tenant.lived) {
        char aside[SCOPE_PATH_MAX];
        int length = snprintf(aside, sizeof(aside), "%s%s", path, SCOPE_CRASHED_SUFFIX);
        SCOPE_ASSERT(length > 0 && (size_t)length < sizeof(aside)); /* scope_path_of left room */
        if (rename(path, aside) != 0) {
            rc = scope_fail_errno(error, "cannot put the crashed segment aside", path, errno);
        }
    } else if (unlink(path) != 0 && errno != ENOENT) {
        rc = scope_fail_errno(error, "cannot remove the closed segment", path, errno);
    }
    if (rc == 0) {
        scope_step(SCOPE_STEP_ASIDE);
    }
    (void)close(tenant.fd);
    return rc;
}

int scope_reclaimable(const char *name, const char *path, struct scope_error_detail *error) {
    struct tenant tenant = {.fd = -1};
    int rc = claim(name, path, false, &tenant, true, error);
    if (tenant.fd >= 0) {
        (void)close(tenant.fd);
    }
    return rc;
}

int scope_remove(const char *name, struct scope_error_detail *error) {
    char path[SCOPE_PATH_MAX];
    if (!scope_name_valid(name, true)) {
        return scope_fail(error, SCOPE_ERR_ARGUMENT, "not a segment name");
    }
    int rc = scope_path_of(name, path, error);
    if (rc != 0) {
        return rc;
    }
    struct tenant tenant = {.fd = -1};
    rc = claim(name, path, true, &tenant, false, error);
    if (rc != 0) {
        return rc;
    }
    SCOPE_ASSERT(tenant.fd >= 0);
    if (unlink(path) != 0 && errno != ENOENT) {
        rc = scope_fail_errno(error, "cannot remove", path, errno);
    }
    (void)close(tenant.fd);
    return rc;
}
