/* name.c: names of segments, the files they lead to, and the lock that says a writer lives.
 *
 * The lock is an open-file-description lock on byte 0: the kernel drops it when the last descriptor
 * and mapping of that description are gone, however the process ended. No pid, no clock. */
#include "segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "scope_check.h"

const char *scope_shm_dir = "/dev/shm";

bool scope_name_valid(const char *name, bool crashed) {
    if (name == NULL) {
        return false;
    }
    size_t length = strnlen(name, SCOPE_NAME_MAX);
    size_t suffix = strlen(SCOPE_CRASHED_SUFFIX);
    if (length > suffix && strcmp(name + length - suffix, SCOPE_CRASHED_SUFFIX) == 0) {
        if (!crashed) {
            return false;
        }
        length -= suffix;
    }
    if (length < 1 || length > SCOPE_SHORT_NAME_MAX || name[0] == '.') {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        char c = name[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '.' || c == '_' || c == '-';
        if (!fine) {
            return false;
        }
    }
    return true;
}

int scope_path_of(const char *name, char path[SCOPE_PATH_MAX], struct scope_error_detail *error) {
    SCOPE_ASSERT(scope_name_valid(name, true));
    /* Room stays for the suffix of a black box. */
    int length = snprintf(path, SCOPE_PATH_MAX, "%s/%s%s", scope_shm_dir, SCOPE_SHM_PREFIX, name);
    if (length < 0 || length + (int)sizeof(SCOPE_CRASHED_SUFFIX) > SCOPE_PATH_MAX) {
        return scope_fail(error, SCOPE_ERR_ARGUMENT, "the path of %s is too long", name);
    }
    return 0;
}

static int lock_call(int fd, int command, struct flock *lock) {
    int rc;
    do {
        rc = fcntl(fd, command, lock);
    } while (rc != 0 && errno == EINTR);
    return rc;
}

enum scope_lock scope_lock_take(int fd, enum scope_lock_byte byte) {
    struct flock lock = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)byte, .l_len = 1};
    if (lock_call(fd, F_OFD_SETLK, &lock) == 0) {
        return SCOPE_LOCK_TAKEN;
    }
    return errno == EAGAIN || errno == EACCES ? SCOPE_LOCK_HELD_ELSEWHERE : SCOPE_LOCK_FAILED;
}

void scope_lock_drop(int fd) {
    struct flock lock = {
        .l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = SCOPE_LOCK_WRITER, .l_len = 1};
    (void)lock_call(fd, F_OFD_SETLK, &lock);
}

bool scope_lock_is_held(int fd) {
    /* Asks for a read lock, which any write lock forbids. Only asks: nothing is ever taken. */
    struct flock lock = {
        .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = SCOPE_LOCK_WRITER, .l_len = 1};
    return lock_call(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

bool scope_path_leads_to(const char *path, dev_t device, ino_t inode) {
    struct stat status;
    return lstat(path, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

uint64_t scope_now_ns(void) {
    struct timespec now;
    int rc = clock_gettime(CLOCK_MONOTONIC, &now);
    SCOPE_ASSERT(rc == 0);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
