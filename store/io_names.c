/* io_names.c: directories, names and the lock of both production backends. */
#include "io_backend.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

static int result_of(int rc) {
    return rc == 0 ? 0 : -errno;
}

int lsm_names_mkdir(struct lsm_io *io, const char *path) {
    (void)io;
    int rc = result_of(mkdir(path, 0777)); /* less the umask */
    struct stat status;
    if (rc == -EEXIST && stat(path, &status) == 0) {
        rc = S_ISDIR(status.st_mode) ? 0 : -ENOTDIR;
    }
    return rc;
}

int lsm_names_rmdir(struct lsm_io *io, const char *path) {
    (void)io;
    return result_of(rmdir(path));
}

int lsm_names_unlink(struct lsm_io *io, const char *path) {
    (void)io;
    int rc = result_of(unlink(path));
    return rc == -ENOENT ? 0 : rc;
}

int lsm_names_rename(struct lsm_io *io, const char *from, const char *to) {
    (void)io;
    return result_of(rename(from, to));
}

int lsm_names_link(struct lsm_io *io, const char *from, const char *to) {
    (void)io;
    return result_of(link(from, to));
}

int lsm_names_sync_dir(struct lsm_io *io, const char *path) {
    (void)io;
    int fd = -1;
    do {
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0) {
        return -errno;
    }
    int rc = result_of(fsync(fd));
    (void)close(fd);
    return rc;
}

int lsm_names_list(struct lsm_io *io, const char *path, void (*visit)(void *, const char *),
                   void *context) {
    (void)io;
    DIR *directory = opendir(path);
    if (directory == NULL) {
        return -errno;
    }
    int rc = 0;
    for (;;) {
        errno = 0; /* the only way to tell an error from the end */
        const struct dirent *entry = readdir(directory);
        if (entry == NULL) {
            rc = -errno;
            break;
        }
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            visit(context, entry->d_name);
        }
    }
    (void)closedir(directory);
    return rc;
}

/* ---- the lock ----
 *
 * An open-file-description lock: it excludes a second open in the same process as well, and is not
 * lost when something else in the process closes the same file, as a POSIX record lock would be. A
 * forked child shares the description, so it would keep the lock alive after its parent's death:
 * the child closes its copies at once, and for that the locks of the process are kept in a list. */

static pthread_mutex_t locks_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct lsm_fd_file *locks;
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

static void before_fork(void) {
    pthread_mutex_lock(&locks_mutex);
}

static void after_fork_in_parent(void) {
    pthread_mutex_unlock(&locks_mutex);
}

static void after_fork_in_child(void) {
    for (struct lsm_fd_file *lock = locks; lock != NULL; lock = lock->next_lock) {
        (void)close(lock->fd);
        lock->fd = -1;
    }
    pthread_mutex_unlock(&locks_mutex);
}

static void watch_forks(void) {
    /* Without memory for the handlers only a child that outlives its parent is not covered. */
    (void)pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

static long read_pid(int fd) {
    char text[32];
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    if (n <= 0) {
        return 0;
    }
    text[n] = '\0';
    long pid = strtol(text, NULL, 10);
    return pid > 0 ? pid : 0;
}

/* For the message of whoever finds it locked; the lock holds without it. */
static void write_pid(int fd) {
    char text[32];
    int length = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)length, 0) != length) {
        (void)ftruncate(fd, 0);
    }
}

/* True when the locked file is still the one of that name: its holder may have removed it. */
static bool still_there(int fd, const char *path) {
    struct stat ours;
    struct stat named;
    return fstat(fd, &ours) == 0 && stat(path, &named) == 0 && ours.st_ino == named.st_ino &&
           ours.st_dev == named.st_dev;
}

/* A locked descriptor, -EAGAIN with the holder's pid, or another negative errno. */
static int lock_fd(const char *path, long *holder_pid) {
    enum { TRIES = 100 };
    int rc = -EAGAIN;
    for (int i = 0; i < TRIES; i++) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (fd < 0) {
            return -errno;
        }
        struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        rc = result_of(fcntl(fd, F_OFD_SETLK, &whole));
        if (rc == 0 && still_there(fd, path)) {
            return fd;
        }
        if (rc == -EACCES || rc == -EAGAIN) {
            *holder_pid = read_pid(fd);
            rc = -EAGAIN;
        }
        (void)close(fd);
        if (rc != 0 && rc != -EINTR) {
            return rc;
        }
        rc = -EAGAIN;
    }
    return rc;
}

int lsm_names_lock(struct lsm_io *io, const char *path, struct lsm_file **lock, long *holder_pid) {
    pthread_once(&fork_once, watch_forks);
    int rc = -ENOMEM;
    struct lsm_fd_file *made = calloc(1, sizeof *made);
    char *copy = strdup(path);
    if (made == NULL || copy == NULL) {
        goto fail;
    }
    /* A fork between taking the lock and listing it would leave the child a copy. */
    pthread_mutex_lock(&locks_mutex);
    rc = lock_fd(path, holder_pid);
    if (rc >= 0) {
        made->fd = rc;
        made->next_lock = locks;
        locks = made;
    }
    pthread_mutex_unlock(&locks_mutex);
    if (rc < 0) {
        goto fail;
    }
    write_pid(made->fd);
    made->base.io = io;
    made->base.path = copy;
    *lock = &made->base;
    return 0;
fail:
    free(copy);
    free(made);
    return rc;
}

void lsm_names_unlock(struct lsm_io *io, struct lsm_file *lock) {
    (void)io;
    struct lsm_fd_file *held = (struct lsm_fd_file *)(void *)lock;
    pthread_mutex_lock(&locks_mutex);
    struct lsm_fd_file **link = &locks;
    while (*link != held) {
        LSM_ASSERT(*link != NULL);
        link = &(*link)->next_lock;
    }
    *link = held->next_lock;
    pthread_mutex_unlock(&locks_mutex);
    if (held->fd >= 0) {
        (void)ftruncate(held->fd, 0);
        /* Explicitly: a child made without fork() (vfork, clone) may have the description too. */
        struct flock whole = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
        (void)fcntl(held->fd, F_OFD_SETLK, &whole);
    }
    lsm_fd_close(lock);
}
