/* fork.c: what a fork does to a writer. The mapping is not inherited (MADV_DONTFORK), for it would
 * pin the lock after the parent's death; the descriptor would too, so the child closes it at once.
 * The child's handle is dead: publishing does nothing and closing frees only memory.
 *
 * A child made by a bare clone() that skips pthread_atfork keeps the descriptor until it execs or
 * ends: it then delays the moment its parent is known to have crashed, and nothing else. */
#include "segment.h"

#include <unistd.h>

#include "scope_check.h"

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct scope_writer *newest; /* guarded by list_lock */

static void before_fork(void) {
    (void)pthread_mutex_lock(&list_lock);
}

static void in_parent(void) {
    (void)pthread_mutex_unlock(&list_lock);
}

static void in_child(void) {
    for (struct scope_writer *writer = newest; writer != NULL; writer = writer->older) {
        if (writer->fd >= 0) {
            (void)close(writer->fd);
            writer->fd = -1;
        }
        scope_guard_drop(writer->guard); /* another mapping may come to lie there */
        writer->guard = -1;
        writer->header = NULL;
        writer->forked = true;
    }
    newest = NULL;
    (void)pthread_mutex_unlock(&list_lock);
}

void scope_fork_hold(void) {
    (void)pthread_mutex_lock(&list_lock);
}

void scope_fork_release(void) {
    (void)pthread_mutex_unlock(&list_lock);
}

static void install(void) {
    (void)pthread_atfork(before_fork, in_parent, in_child);
}

void scope_fork_watch(struct scope_writer *writer) {
    (void)pthread_once(&once, install);
    SCOPE_ASSERT(writer->older == NULL);
    (void)pthread_mutex_lock(&list_lock);
    writer->older = newest;
    newest = writer;
    (void)pthread_mutex_unlock(&list_lock);
}

void scope_fork_forget(struct scope_writer *writer) {
    (void)pthread_mutex_lock(&list_lock);
    struct scope_writer **at = &newest;
    while (*at != NULL && *at != writer) {
        at = &(*at)->older;
    }
    if (*at == writer) {
        *at = writer->older;
        writer->older = NULL;
    }
    (void)pthread_mutex_unlock(&list_lock);
}
