/* sigbus.c: a file cut short while mapped must not kill who looks at it. Reading past its new end
 * raises SIGBUS; the handler marks the mapping damaged and puts a page of zeros there, and the
 * interrupted load goes on and reads zero: every reader takes that for "nothing there".
 *
 * The registry is a fixed table of atomics, for the handler may take no lock. mmap is not on the
 * list of async-signal-safe functions, so its bare system call is made. */
#include "scope.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "scope_check.h"
#include "segment.h"

enum { GUARDS_MAX = 1024 };

struct guard {
    _Atomic uint64_t base; /* 0: free. Stored last (release), read first (acquire) */
    _Atomic uint64_t length;
    _Atomic int protection;
    _Atomic bool damaged;
    _Atomic bool taken; /* claimed by exchange: no lock, for a fork may come at any time */
};

static struct guard guards[GUARDS_MAX];
static pthread_mutex_t install_lock = PTHREAD_MUTEX_INITIALIZER;
static bool installed; /* guarded by install_lock */
static struct sigaction previous;
static uint64_t page_bytes;

int scope_guard_add(void *base, uint64_t length, int protection) {
    SCOPE_ASSERT(base != NULL && length > 0);
    for (int i = 0; i < GUARDS_MAX; i++) {
        struct guard *guard = &guards[i];
        if (!atomic_exchange_explicit(&guard->taken, true, memory_order_acquire)) {
            atomic_store_explicit(&guard->length, length, memory_order_relaxed);
            atomic_store_explicit(&guard->protection, protection, memory_order_relaxed);
            atomic_store_explicit(&guard->damaged, false, memory_order_relaxed);
            atomic_store_explicit(&guard->base, (uint64_t)(uintptr_t)base, memory_order_release);
            return i;
        }
    }
    return -1;
}

void scope_guard_drop(int index) {
    if (index < 0) {
        return;
    }
    SCOPE_ASSERT(index < GUARDS_MAX);
    atomic_store_explicit(&guards[index].base, 0, memory_order_release);
    atomic_store_explicit(&guards[index].taken, false, memory_order_release);
}

bool scope_guard_damaged(int index) {
    /* Acquire: what the caller read of the mapping was read before this. Pairs with heal. */
    atomic_thread_fence(memory_order_acquire);
    return index >= 0 && atomic_load_explicit(&guards[index].damaged, memory_order_relaxed);
}

/* The bare system call: nothing of the C library, or of a sanitizer that stands before it, has a
 * place in a handler. A sanitizer would also take the new page for a store of this thread's. */
static bool put_zero_page(void *where, int protection) {
    const int flags = MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS;
#if defined(SYS_mmap) && defined(__LP64__)
    return syscall(SYS_mmap, where, page_bytes, protection, flags, -1, 0L) ==
           (long)(uintptr_t)where;
#else
    return mmap(where, page_bytes, protection, flags, -1, 0) == where;
#endif
}

/* True when the fault was in a guarded mapping and is healed. Async-signal-safe. */
static bool heal(uint64_t address) {
    for (int i = 0; i < GUARDS_MAX; i++) {
        uint64_t base = atomic_load_explicit(&guards[i].base, memory_order_acquire);
        uint64_t length = atomic_load_explicit(&guards[i].length, memory_order_relaxed);
        if (base == 0 || address < base || address - base >= length) {
            continue;
        }
        int protection = atomic_load_explicit(&guards[i].protection, memory_order_relaxed);
        /* First the mark: whoever reads zeros finds it. The page alone: those before the file's end
         * are there. */
        atomic_store_explicit(&guards[i].damaged, true, memory_order_seq_cst);
        return put_zero_page((void *)(uintptr_t)(address & ~(page_bytes - 1)), protection);
    }
    return false;
}

static void on_sigbus(int number, siginfo_t *info, void *context) {
    int saved = errno;
    /* A signal that somebody sent has no address; only the kernel's own fault has. */
    bool healed = info->si_code > 0 && heal((uint64_t)(uintptr_t)info->si_addr);
    errno = saved;
    if (healed) {
        return;
    }
    if ((previous.sa_flags & SA_SIGINFO) != 0) {
        previous.sa_sigaction(number, info, context);
    } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
        previous.sa_handler(number);
    } else if (info->si_code > 0 || previous.sa_handler == SIG_DFL) {
        /* Back to what would have happened: a fault repeats at once, a sent signal is sent again.
         */
        (void)sigaction(SIGBUS, &previous, NULL);
        if (info->si_code <= 0) {
            (void)raise(SIGBUS);
        }
    }
}

int scope_sigbus_guard(void) {
    int rc = 0;
    (void)pthread_mutex_lock(&install_lock);
    if (!installed) {
        page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
        SCOPE_ASSERT((page_bytes & (page_bytes - 1)) == 0);
        struct sigaction action;
        memset(&action, 0, sizeof(action));
        action.sa_sigaction = on_sigbus;
        action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
        (void)sigemptyset(&action.sa_mask);
        rc = sigaction(SIGBUS, NULL, &previous) == 0 && sigaction(SIGBUS, &action, NULL) == 0
                 ? 0
                 : SCOPE_ERR_SYSTEM;
        installed = rc == 0;
    }
    (void)pthread_mutex_unlock(&install_lock);
    return rc;
}
