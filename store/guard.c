/* guard.c: the registry is a fixed table of atomics, for a signal handler may take no lock, and the
 * new pages come by the bare system call, since mmap is not on the list of what a handler may call.
 * The observer's mappings have a registry of their own: the two libraries know nothing of each
 * other, and each passes on what is not its own. */
#include "guard.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"
#include "lsm.h"

struct lsm_guard {
    _Atomic uintptr_t base; /* 0: free. Stored last (release), read first (acquire) */
    _Atomic uint64_t length;
    _Atomic bool damaged;
    _Atomic uintptr_t lost_from, lost_to; /* what was replaced lies between */
    _Atomic bool taken;
};

static struct lsm_guard guards[LSM_GUARDS_MAX];
static _Atomic unsigned guards_used; /* how many were ever taken: the handler looks no further */
static pthread_mutex_t install_lock = PTHREAD_MUTEX_INITIALIZER;
static bool installed; /* guarded by install_lock */
static struct sigaction previous;
static uintptr_t page_bytes;

struct lsm_guard *lsm_guard_add(const void *base, uint64_t length) {
    LSM_ASSERT(base != NULL && length > 0);
    for (unsigned i = 0; i < LSM_GUARDS_MAX; i++) {
        struct lsm_guard *guard = &guards[i];
        if (atomic_load_explicit(&guard->taken, memory_order_relaxed) ||
            atomic_exchange_explicit(&guard->taken, true, memory_order_acquire)) {
            continue;
        }
        unsigned used = atomic_load_explicit(&guards_used, memory_order_relaxed);
        while (used < i + 1 && !atomic_compare_exchange_weak(&guards_used, &used, i + 1)) {
        }
        atomic_store_explicit(&guard->length, length, memory_order_relaxed);
        atomic_store_explicit(&guard->damaged, false, memory_order_relaxed);
        atomic_store_explicit(&guard->lost_from, UINTPTR_MAX, memory_order_relaxed);
        atomic_store_explicit(&guard->lost_to, 0, memory_order_relaxed);
        atomic_store_explicit(&guard->base, (uintptr_t)base, memory_order_release);
        return guard;
    }
    return NULL;
}

void lsm_guard_drop(struct lsm_guard *guard) {
    if (guard != NULL) {
        atomic_store_explicit(&guard->base, 0, memory_order_release);
        atomic_store_explicit(&guard->taken, false, memory_order_release);
    }
}

bool lsm_guard_damaged(const struct lsm_guard *guard) {
    /* Acquire: what the caller read of the mapping was read before this. Pairs with heal. */
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&guard->damaged, memory_order_relaxed);
}

bool lsm_guard_lost(const struct lsm_guard *guard, const void *bytes, uint64_t length) {
    if (!lsm_guard_damaged(guard)) {
        return false;
    }
    uintptr_t at = (uintptr_t)bytes;
    return at < atomic_load_explicit(&guard->lost_to, memory_order_seq_cst) &&
           at + length > atomic_load_explicit(&guard->lost_from, memory_order_seq_cst);
}

static void mark(struct lsm_guard *guard, uintptr_t page) {
    uintptr_t from = atomic_load_explicit(&guard->lost_from, memory_order_relaxed);
    while (page < from && !atomic_compare_exchange_weak(&guard->lost_from, &from, page)) {
    }
    uintptr_t to = atomic_load_explicit(&guard->lost_to, memory_order_relaxed);
    while (page + page_bytes > to &&
           !atomic_compare_exchange_weak(&guard->lost_to, &to, page + page_bytes)) {
    }
    atomic_store_explicit(&guard->damaged, true, memory_order_seq_cst);
}

static bool put_zero_page(uintptr_t where) {
    const int flags = MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS;
#if defined(SYS_mmap) && defined(__LP64__)
    return syscall(SYS_mmap, where, page_bytes, PROT_READ, flags, -1, 0L) == (long)where;
#else
    return mmap((void *)where, page_bytes, PROT_READ, flags, -1, 0) == (void *)where;
#endif
}

/* True when the fault was in a guarded mapping and is healed. Async-signal-safe. */
static bool heal(uintptr_t address) {
    unsigned used = atomic_load_explicit(&guards_used, memory_order_acquire);
    for (unsigned i = 0; i < used; i++) {
        uintptr_t base = atomic_load_explicit(&guards[i].base, memory_order_acquire);
        uint64_t length = atomic_load_explicit(&guards[i].length, memory_order_relaxed);
        if (base == 0 || address < base || address - base >= length) {
            continue;
        }
        /* First the mark: whoever reads zeros finds it. The page alone: those behind it may be
         * there, and values in them in use. */
        uintptr_t page = address & ~(page_bytes - 1);
        mark(&guards[i], page);
        return put_zero_page(page);
    }
    return false;
}

static void on_sigbus(int number, siginfo_t *info, void *context) {
    int saved = errno;
    /* Only the kernel's own fault has an address; a signal that somebody sent has none. */
    bool healed = info->si_code > 0 && heal((uintptr_t)info->si_addr);
    errno = saved;
    if (healed) {
        return;
    }
    if ((previous.sa_flags & SA_SIGINFO) != 0) {
        previous.sa_sigaction(number, info, context);
    } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
        previous.sa_handler(number);
    } else if (info->si_code > 0 || previous.sa_handler == SIG_DFL) {
        (void)sigaction(SIGBUS, &previous, NULL); /* a fault repeats at once */
        if (info->si_code <= 0) {
            (void)raise(SIGBUS);
        }
    }
}

int lsm_sigbus_guard(void) {
    int rc = 0;
    pthread_mutex_lock(&install_lock);
    if (!installed) {
        page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);
        LSM_ASSERT((page_bytes & (page_bytes - 1)) == 0);
        struct sigaction action;
        memset(&action, 0, sizeof action);
        action.sa_sigaction = on_sigbus;
        action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
        (void)sigemptyset(&action.sa_mask);
        bool done =
            sigaction(SIGBUS, NULL, &previous) == 0 && sigaction(SIGBUS, &action, NULL) == 0;
        rc = done ? 0 : LSM_ERR_UNSUPPORTED;
        installed = done;
    }
    pthread_mutex_unlock(&install_lock);
    return rc;
}
