/* Where the kernel forbids a call, the seam goes on without it: io_uring, fallocate, and the
 * populating madvise. Each case forbids one in a child of its own. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "io.h"
#include "worker.h"

static struct lsm_fault fault;

/* What a child found, as its exit code; words go to its stderr. */
enum { CHILD_OK = 0, CHILD_FAILED = 1, CHILD_NO_FILTER = 77 };
#define CHILD_CHECK(condition)                                                                     \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s (%s)\n", __FILE__, __LINE__, #condition,            \
                    fault.text);                                                                   \
            return CHILD_FAILED;                                                                   \
        }                                                                                          \
    } while (0)

/* From here on this process gets `error` from the system call. */
static bool forbid(long number, unsigned error) {
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error & SECCOMP_RET_DATA)),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {.len = sizeof program / sizeof program[0], .filter = program};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

static int in_child(int (*body)(void)) {
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(body());
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void expect_ok(int code) {
    if (code == CHILD_NO_FILTER) {
        skip(); /* this kernel has no seccomp filters */
    }
    assert_int_equal(code, CHILD_OK);
}

static char directory[64];

static struct lsm_file *open_new(struct lsm_io *io, const char *name, unsigned more) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    struct lsm_file *file = NULL;
    unsigned flags = LSM_FILE_READ | LSM_FILE_WRITE | LSM_FILE_CREATE | more;
    return lsm_file_open(io, path, flags, &file, &fault) == 0 ? file : NULL;
}

static int remove_new(struct lsm_io *io, const char *name) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return lsm_io_unlink(io, path, &fault);
}

/* Writes, syncs and reads back. */
static bool works(struct lsm_io *io) {
    struct lsm_file *file = open_new(io, "works", 0);
    char got[6] = {0};
    bool ok = file != NULL && lsm_file_write(file, 3, "hello", 6, &fault) == 0 &&
              lsm_file_sync(file, &fault) == 0 && lsm_file_read(file, 3, got, 6, &fault) == 0 &&
              memcmp(got, "hello", 6) == 0;
    lsm_file_close(file);
    return remove_new(io, "works") == 0 && ok;
}

/* ---- io_uring ---- */

static int uring_falls_back(unsigned error, const char *word) {
    if (!forbid(SYS_io_uring_setup, error)) {
        return CHILD_NO_FILTER;
    }
    struct lsm_io *io = NULL;
    char notice[256] = "x";
    CHILD_CHECK(lsm_io_create(LSM_IO_URING, &io, notice, &fault) == LSM_ERR_UNSUPPORTED);
    CHILD_CHECK(strstr(fault.text, "io_uring") != NULL);
    CHILD_CHECK(lsm_io_create(LSM_IO_AUTO, &io, notice, &fault) == 0);
    CHILD_CHECK(lsm_io_backend(io) == LSM_IO_POSIX);
    CHILD_CHECK(strstr(notice, "io_uring") != NULL && strstr(notice, word) != NULL);
    CHILD_CHECK(works(io));
    struct lsm_worker *worker = NULL;
    CHILD_CHECK(lsm_worker_create(io, 2, &worker, &fault) == 0);
    lsm_worker_destroy(worker);
    lsm_io_destroy(io);
    return CHILD_OK;
}

static int with_eperm(void) {
    return uring_falls_back(EPERM, "forbidden");
}
static int with_enosys(void) {
    return uring_falls_back(ENOSYS, "Function not implemented");
}

static void auto_falls_back_to_plain_calls_with_a_notice(void **state) {
    (void)state;
    expect_ok(in_child(with_eperm));
    expect_ok(in_child(with_enosys));
}

/* A program that locks itself in after it has opened its files. */
static int enter_refused_later(void) {
    struct lsm_io *io = NULL;
    char notice[256];
    if (lsm_io_create(LSM_IO_URING, &io, notice, &fault) != 0) {
        return CHILD_NO_FILTER;
    }
    struct lsm_file *file = open_new(io, "later", 0);
    CHILD_CHECK(file != NULL);
    CHILD_CHECK(lsm_file_write(file, 0, "a", 1, &fault) == 0);
    if (!forbid(SYS_io_uring_enter, EPERM)) {
        return CHILD_NO_FILTER;
    }
    for (int i = 0; i < 3; i++) {
        CHILD_CHECK(lsm_file_write(file, 0, "b", 1, &fault) == LSM_ERR_IO);
        CHILD_CHECK(lsm_file_sync(file, &fault) == LSM_ERR_IO);
    }
    CHILD_CHECK(atomic_load(&lsm_io_counters(io)->depth) == 0);
    lsm_file_close(file);
    CHILD_CHECK(remove_new(io, "later") == 0);
    lsm_io_destroy(io);
    return CHILD_OK;
}

static void a_ring_that_may_no_longer_be_entered_gives_errors_and_does_not_hang(void **state) {
    (void)state;
    expect_ok(in_child(enter_refused_later));
}

/* ---- syncs ---- */

/* Both kinds of sync: a full disk too is no mere lack of room, and what failed is not counted. */
static int sync_refused(unsigned error) {
    struct lsm_io *io = NULL;
    char notice[256];
    CHILD_CHECK(lsm_io_create(LSM_IO_POSIX, &io, notice, &fault) == 0);
    struct lsm_file *file = open_new(io, "synced", 0);
    CHILD_CHECK(file != NULL);
    CHILD_CHECK(lsm_file_write(file, 0, "a", 1, &fault) == 0);
    CHILD_CHECK(lsm_file_sync_here(file, &fault) == 0);
    CHILD_CHECK(atomic_load(&lsm_io_counters(io)->syncs) == 1);
    if (!forbid(SYS_fdatasync, error)) {
        return CHILD_NO_FILTER;
    }
    CHILD_CHECK(lsm_file_sync(file, &fault) == LSM_ERR_IO && fault.code == LSM_ERR_IO);
    fault = (struct lsm_fault){0};
    CHILD_CHECK(lsm_file_sync_here(file, &fault) == LSM_ERR_IO && fault.code == LSM_ERR_IO);
    CHILD_CHECK(strstr(fault.text, "synced") != NULL);
    CHILD_CHECK(atomic_load(&lsm_io_counters(io)->syncs) == 1);
    CHILD_CHECK(atomic_load(&lsm_io_counters(io)->depth) == 0);
    lsm_file_close(file);
    CHILD_CHECK(remove_new(io, "synced") == 0);
    lsm_io_destroy(io);
    return CHILD_OK;
}

static int sync_fails(void) {
    return sync_refused(EIO);
}
static int sync_finds_the_disk_full(void) {
    return sync_refused(ENOSPC);
}

static void a_failed_sync_is_an_error_of_the_device_whatever_the_kernel_said(void **state) {
    (void)state;
    expect_ok(in_child(sync_fails));
    expect_ok(in_child(sync_finds_the_disk_full));
}

/* ---- allocation and mapping ---- */

static int allocate_without_fallocate(void) {
    if (!forbid(SYS_fallocate, EOPNOTSUPP)) {
        return CHILD_NO_FILTER;
    }
    struct lsm_io *io = NULL;
    char notice[256];
    CHILD_CHECK(lsm_io_create(LSM_IO_AUTO, &io, notice, &fault) == 0);
    for (unsigned direct = 0; direct < 2; direct++) {
        struct lsm_file *file = open_new(io, "zeros", direct != 0 ? LSM_FILE_DIRECT : 0);
        CHILD_CHECK(file != NULL);
        static _Alignas(LSM_DIRECT_ALIGN) char start[2 * LSM_DIRECT_ALIGN] = "start";
        CHILD_CHECK(lsm_file_write(file, 0, start, sizeof start, &fault) == 0);
        CHILD_CHECK(lsm_file_truncate(file, 5000, &fault) == 0); /* ends within a block */
        enum { SIZE = (3 << 20) + 77 };
        uint64_t size = 0;
        CHILD_CHECK(lsm_file_allocate(file, SIZE, &fault) == 0);
        CHILD_CHECK(lsm_file_size(file, &size, &fault) == 0 && size == SIZE);
        CHILD_CHECK(lsm_file_sync(file, &fault) == 0);
        struct stat status;
        CHILD_CHECK(stat(lsm_file_path(file), &status) == 0);
        CHILD_CHECK(status.st_blocks * 512 >= 3 << 20); /* written, not promised */
        lsm_file_close(file);
        CHILD_CHECK(remove_new(io, "zeros") == 0);
    }
    lsm_io_destroy(io);
    return CHILD_OK;
}

static void allocation_writes_zeros_where_fallocate_is_not_to_be_had(void **state) {
    (void)state;
    expect_ok(in_child(allocate_without_fallocate));
}

static int full_disk(void) {
    if (!forbid(SYS_fallocate, ENOSPC)) {
        return CHILD_NO_FILTER;
    }
    struct lsm_io *io = NULL;
    char notice[256];
    CHILD_CHECK(lsm_io_create(LSM_IO_AUTO, &io, notice, &fault) == 0);
    struct lsm_file *file = open_new(io, "full", 0);
    CHILD_CHECK(file != NULL);
    CHILD_CHECK(lsm_file_write(file, 0, "kept", 4, &fault) == 0);
    CHILD_CHECK(lsm_file_allocate(file, 1 << 20, &fault) == LSM_ERR_NO_SPACE);
    CHILD_CHECK(strstr(fault.text, "/full: allocate 1048576 bytes") != NULL);
    uint64_t size = 0;
    CHILD_CHECK(lsm_file_size(file, &size, &fault) == 0 && size == 4);
    lsm_file_close(file);
    CHILD_CHECK(remove_new(io, "full") == 0);
    lsm_io_destroy(io);
    return CHILD_OK;
}

/* The zeros run into a limit half way. */
static int full_half_way(void) {
    struct rlimit limit;
    if (!forbid(SYS_fallocate, EOPNOTSUPP) || getrlimit(RLIMIT_FSIZE, &limit) != 0) {
        return CHILD_NO_FILTER;
    }
    struct lsm_io *io = NULL;
    char notice[256];
    CHILD_CHECK(lsm_io_create(LSM_IO_AUTO, &io, notice, &fault) == 0);
    struct lsm_file *file = open_new(io, "half", 0);
    CHILD_CHECK(file != NULL);
    CHILD_CHECK(lsm_file_write(file, 0, "kept", 4, &fault) == 0);
    limit.rlim_cur = 2 << 20;
    CHILD_CHECK(signal(SIGXFSZ, SIG_IGN) != SIG_ERR && setrlimit(RLIMIT_FSIZE, &limit) == 0);
    CHILD_CHECK(lsm_file_allocate(file, 4 << 20, &fault) == LSM_ERR_IO);
    uint64_t size = 0;
    char kept[4];
    CHILD_CHECK(lsm_file_size(file, &size, &fault) == 0 && size == 4);
    CHILD_CHECK(lsm_file_read(file, 0, kept, 4, &fault) == 0 && memcmp(kept, "kept", 4) == 0);
    lsm_file_close(file);
    CHILD_CHECK(remove_new(io, "half") == 0);
    lsm_io_destroy(io);
    return CHILD_OK;
}

static void a_failed_allocation_leaves_the_file_as_it_was(void **state) {
    (void)state;
    expect_ok(in_child(full_disk));
    expect_ok(in_child(full_half_way));
}

static int map_without_populate(void) {
    struct lsm_io *io = NULL;
    char notice[256];
    CHILD_CHECK(lsm_io_create(LSM_IO_AUTO, &io, notice, &fault) == 0);
    if (!forbid(SYS_madvise, EINVAL)) {
        return CHILD_NO_FILTER;
    }
    struct lsm_file *file = open_new(io, "map", 0);
    CHILD_CHECK(file != NULL);
    CHILD_CHECK(lsm_file_write(file, 4096, "kept", 4, &fault) == 0);
    CHILD_CHECK(lsm_file_allocate(file, 100000, &fault) == 0);
    uint8_t *map = NULL;
    CHILD_CHECK(lsm_file_map(file, 100000, LSM_MAP_SMALL, &map, &fault) == 0);
    CHILD_CHECK(memcmp(map + 4096, "kept", 5) == 0 && map[0] == 0);
    map[99999] = 1;
    lsm_file_unmap(file, map, 100000);
    lsm_file_close(file);
    CHILD_CHECK(remove_new(io, "map") == 0);
    lsm_io_destroy(io);
    return CHILD_OK;
}

static void a_mapping_is_populated_by_touch_where_madvise_does_not_know_how(void **state) {
    (void)state;
    expect_ok(in_child(map_without_populate));
}

static int make_directory(void **state) {
    (void)state;
    strcpy(directory, "/tmp/lsm_seccomp_test.XXXXXX");
    return mkdtemp(directory) != NULL ? 0 : -1;
}

static int remove_directory(void **state) {
    (void)state;
    return rmdir(directory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(auto_falls_back_to_plain_calls_with_a_notice),
        cmocka_unit_test(a_ring_that_may_no_longer_be_entered_gives_errors_and_does_not_hang),
        cmocka_unit_test(a_failed_sync_is_an_error_of_the_device_whatever_the_kernel_said),
        cmocka_unit_test(allocation_writes_zeros_where_fallocate_is_not_to_be_had),
        cmocka_unit_test(a_failed_allocation_leaves_the_file_as_it_was),
        cmocka_unit_test(a_mapping_is_populated_by_touch_where_madvise_does_not_know_how),
    };
    return cmocka_run_group_tests_name("io_seccomp", tests, make_directory, remove_directory);
}
