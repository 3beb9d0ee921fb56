/* Pages of a mapping that cannot be read, in both libraries: what the handler does about one. */
#include <dlfcn.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cmocka.h>

#include "guard.h"
#include "lsm.h"
#include "scope.h"
#include "segment.h"

static size_t page_bytes;

/* One of the two registries. */
struct registry {
    int (*install)(void);
    void *(*add)(void *base, size_t bytes);
    void (*drop)(void *guard);
    bool (*damaged)(const void *guard);
};

static void *store_add(void *base, size_t bytes) {
    return lsm_guard_add(base, bytes);
}
static void store_drop(void *guard) {
    lsm_guard_drop(guard);
}
static bool store_damaged(const void *guard) {
    return lsm_guard_damaged(guard);
}
static const struct registry store_registry = {lsm_sigbus_guard, store_add, store_drop,
                                               store_damaged};

static int shm_index;
static void *shm_add(void *base, size_t bytes) {
    shm_index = scope_guard_add(base, bytes, PROT_READ);
    return shm_index >= 0 ? &shm_index : NULL;
}
static void shm_drop(void *guard) {
    scope_guard_drop(*(const int *)guard);
}
static bool shm_damaged(const void *guard) {
    return scope_guard_damaged(*(const int *)guard);
}
static const struct registry shm_registry = {scope_sigbus_guard, shm_add, shm_drop, shm_damaged};

/* What was asked of the kernel by its bare system call, and how the registry stood then. Volatile:
 * the handler comes in the middle of a load. */
static volatile struct watch {
    const struct registry *registry; /* NULL: nobody looks */
    const void *guard;
    unsigned replaced, unmarked;
} watch;

static long (*real_syscall)(long number, ...);

/* Before any handler runs: it may not look for it itself. */
static void find_syscall(void) {
    *(void **)&real_syscall = dlsym(RTLD_NEXT, "syscall");
    assert_non_null(real_syscall);
}

/* Stands before the C library's: that is what the handlers call. */
long syscall(long number, ...) {
    long a[6];
    va_list list;
    va_start(list, number);
    for (int i = 0; i < 6; i++) {
        a[i] = va_arg(list, long);
    }
    va_end(list);
    if (number == SYS_mmap && watch.registry != NULL) {
        watch.replaced++;
        watch.unmarked += !watch.registry->damaged(watch.guard);
    }
    if (real_syscall == NULL) {
        find_syscall();
    }
    return real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* The framework takes the signal back with each case, and a registry puts its handler in once. */
static void install(const struct registry *r) {
    static struct sigaction handlers[2];
    struct sigaction *handler = &handlers[r == &shm_registry];
    if ((handler->sa_flags & SA_SIGINFO) == 0) {
        assert_int_equal(r->install(), 0);
        assert_int_equal(sigaction(SIGBUS, NULL, handler), 0);
    }
    assert_int_equal(sigaction(SIGBUS, handler, NULL), 0);
}

/* A nameless file of one page of x. */
static int make_file(void) {
    char path[] = "/tmp/lsm_guard_test.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(unlink(path), 0);
    char *page = malloc(page_bytes);
    assert_non_null(page);
    memset(page, 'x', page_bytes);
    assert_int_equal(pwrite(fd, page, page_bytes, 0), page_bytes);
    free(page);
    return fd;
}

static void map_page(int fd, uint8_t *where) {
    assert_ptr_equal(mmap(where, page_bytes, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0), where);
}

/* The pages behind a lost one are what they were: somebody may hold values in them. */
static void one_page_is_replaced(const struct registry *r) {
    install(r);
    int good = make_file(), bad = make_file();
    void *base = mmap(NULL, 3 * page_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(base != MAP_FAILED);
    volatile uint8_t *bytes = base;
    for (size_t i = 0; i < 3; i++) {
        map_page(i == 1 ? bad : good, (uint8_t *)base + i * page_bytes);
    }
    void *guard = r->add(base, 3 * page_bytes);
    assert_non_null(guard);
    assert_int_equal(bytes[page_bytes], 'x');
    assert_int_equal(ftruncate(bad, 0), 0);
    assert_int_equal(bytes[0], 'x');
    assert_int_equal(bytes[2 * page_bytes], 'x');
    assert_false(r->damaged(guard));
    assert_int_equal(bytes[page_bytes + 7], 0);
    assert_true(r->damaged(guard));
    assert_int_equal(bytes[page_bytes - 1], 'x');
    assert_int_equal(bytes[2 * page_bytes], 'x');
    r->drop(guard);
    assert_int_equal(munmap(base, 3 * page_bytes), 0);
    close(good);
    close(bad);
}

/* A second thread may read the page as soon as it has been replaced: by then the mark must be there
 * already. */
static void the_mark_comes_first(const struct registry *r) {
    install(r);
    int fd = make_file();
    void *base = mmap(NULL, page_bytes, PROT_READ, MAP_SHARED, fd, 0);
    assert_true(base != MAP_FAILED);
    void *guard = r->add(base, page_bytes);
    assert_non_null(guard);
    assert_int_equal(ftruncate(fd, 0), 0);
    watch = (struct watch){.registry = r, .guard = guard};
    assert_int_equal(*(const volatile uint8_t *)base, 0);
    assert_int_equal(watch.replaced, 1);
    assert_int_equal(watch.unmarked, 0);
    watch = (struct watch){0};
    r->drop(guard);
    assert_int_equal(munmap(base, page_bytes), 0);
    close(fd);
}

/* What lies apart of the lost pages is believed; the second of two guards in one place begins anew.
 */
static void lost_pages_are_told_from_those_apart(void **state) {
    (void)state;
    install(&store_registry);
    int good = make_file(), bad = make_file();
    assert_int_equal(ftruncate(bad, 0), 0);
    void *base = mmap(NULL, 5 * page_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(base != MAP_FAILED);
    uint8_t *bytes = base;
    for (size_t i = 0; i < 5; i++) {
        map_page(i == 1 || i == 3 ? bad : good, bytes + i * page_bytes);
    }
    struct lsm_guard *guard = lsm_guard_add(base, 5 * page_bytes);
    assert_false(lsm_guard_lost(guard, base, 5 * page_bytes));
    assert_int_equal(*(volatile uint8_t *)(bytes + 3 * page_bytes), 0);
    assert_false(lsm_guard_lost(guard, base, 3 * page_bytes));
    assert_true(lsm_guard_lost(guard, base, 3 * page_bytes + 1));
    assert_true(lsm_guard_lost(guard, bytes + 4 * page_bytes - 1, 1));
    assert_false(lsm_guard_lost(guard, bytes + 4 * page_bytes, page_bytes));
    assert_int_equal(*(volatile uint8_t *)(bytes + page_bytes), 0);
    assert_false(lsm_guard_lost(guard, base, page_bytes));
    assert_true(lsm_guard_lost(guard, bytes + page_bytes, 1));
    assert_true(lsm_guard_lost(guard, bytes + 3 * page_bytes, 1));
    assert_false(lsm_guard_lost(guard, bytes + 4 * page_bytes, 1));
    lsm_guard_drop(guard);
    guard = lsm_guard_add(base, 5 * page_bytes);
    assert_false(lsm_guard_lost(guard, base, 5 * page_bytes));
    lsm_guard_drop(guard);
    assert_int_equal(munmap(base, 5 * page_bytes), 0);
    close(good);
    close(bad);
}

static void a_lost_page_of_a_table_is_replaced_alone(void **state) {
    (void)state;
    one_page_is_replaced(&store_registry);
}
static void a_lost_page_of_a_segment_is_replaced_alone(void **state) {
    (void)state;
    one_page_is_replaced(&shm_registry);
}
static void a_lost_page_of_a_table_is_marked_before_it_is_replaced(void **state) {
    (void)state;
    the_mark_comes_first(&store_registry);
}
static void a_lost_page_of_a_segment_is_marked_before_it_is_replaced(void **state) {
    (void)state;
    the_mark_comes_first(&shm_registry);
}

int main(void) {
    find_syscall();
    page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lost_pages_are_told_from_those_apart),
        cmocka_unit_test(a_lost_page_of_a_table_is_replaced_alone),
        cmocka_unit_test(a_lost_page_of_a_segment_is_replaced_alone),
        cmocka_unit_test(a_lost_page_of_a_table_is_marked_before_it_is_replaced),
        cmocka_unit_test(a_lost_page_of_a_segment_is_marked_before_it_is_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
