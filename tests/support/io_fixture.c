/* io_fixture.c: the fixture of the tests that run on every backend. */
#include "io_fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim_io.h"

uint64_t io_seed;
struct lsm_fault io_fault;

void must(int rc) {
    if (rc != 0) {
        fail_msg("%d: %s", rc, io_fault.text);
    }
}

static struct lsm_io *io_of(enum io_kind kind) {
    if (kind == IO_KIND_SIM) {
        return sim_create(io_seed);
    }
    struct lsm_io *io = NULL;
    char notice[256];
    must(
        lsm_io_create(kind == IO_KIND_URING ? LSM_IO_URING : LSM_IO_POSIX, &io, notice, &io_fault));
    assert_string_equal(notice, "");
    assert_int_equal(lsm_io_backend(io), kind == IO_KIND_URING ? LSM_IO_URING : LSM_IO_POSIX);
    return io;
}

static int setup(void **state, enum io_kind kind) {
    struct io_fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->kind = kind;
    f->io = io_of(kind);
    if (kind == IO_KIND_SIM) {
        strcpy(f->directory, "/db");
        must(lsm_io_mkdir(f->io, f->directory, &io_fault));
    } else {
        const char *base = getenv("TMPDIR");
        snprintf(f->directory, sizeof f->directory, "%.40s/lsm_io_test.XXXXXX",
                 base != NULL && strlen(base) <= 40 ? base : "/tmp");
        assert_non_null(mkdtemp(f->directory));
    }
    *state = f;
    return 0;
}

int io_setup_uring(void **state) {
    return setup(state, IO_KIND_URING);
}
int io_setup_posix(void **state) {
    return setup(state, IO_KIND_POSIX);
}
int io_setup_sim(void **state) {
    return setup(state, IO_KIND_SIM);
}

const char *path_of(const struct io_fixture *f, const char *name) {
    static char paths[4][128];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", f->directory, name);
    return path;
}

static void remove_name(void *context, const char *name) {
    const struct io_fixture *f = context;
    must(lsm_io_unlink(f->io, path_of(f, name), &io_fault));
}

/* Names are gathered first: removing while listing is nobody's promise. */
void gather(void *context, const char *name) {
    struct names *names = context;
    assert_true(names->count < 64);
    snprintf(names->name[names->count++], 32, "%s", name);
}

int io_teardown(void **state) {
    struct io_fixture *f = *state;
    struct names names = {.count = 0};
    must(lsm_io_list(f->io, f->directory, gather, &names, &io_fault));
    for (unsigned i = 0; i < names.count; i++) {
        remove_name(f, names.name[i]);
    }
    must(lsm_io_rmdir(f->io, f->directory, &io_fault));
    assert_true(atomic_load(&lsm_io_counters(f->io)->depth) == 0);
    lsm_io_destroy(f->io);
    free(f);
    return 0;
}

struct lsm_file *open_with(const struct io_fixture *f, const char *name, unsigned flags) {
    struct lsm_file *file = NULL;
    must(lsm_file_open(f->io, path_of(f, name), flags, &file, &io_fault));
    return file;
}

struct lsm_file *create(const struct io_fixture *f, const char *name) {
    return open_with(f, name, LSM_FILE_READ | LSM_FILE_WRITE | LSM_FILE_CREATE);
}

uint64_t size_of(struct lsm_file *file) {
    uint64_t size = 0;
    must(lsm_file_size(file, &size, &io_fault));
    return size;
}

static bool uring_is_there(void) {
    struct lsm_io *io = NULL;
    char notice[256];
    int rc = lsm_io_create(LSM_IO_URING, &io, notice, &io_fault);
    lsm_io_destroy(rc == 0 ? io : NULL);
    return rc == 0;
}

int io_fixture_run(const char *program, const struct CMUnitTest *tests, size_t count) {
    const char *given = getenv("LSM_TEST_SEED");
    io_seed = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)getpid() * 2654435761u;
    printf("seed %" PRIu64 "; to repeat: LSM_TEST_SEED=%" PRIu64 " %s\n", io_seed, io_seed,
           program);
    bool uring = uring_is_there();
    if (!uring) {
        printf("without the io_uring cases: %s\n", io_fault.text);
    }
    struct CMUnitTest *chosen = calloc(count, sizeof *chosen);
    if (chosen == NULL) {
        return 1;
    }
    size_t chosen_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (uring || tests[i].setup_func != io_setup_uring) {
            chosen[chosen_count++] = tests[i];
        }
    }
    int failed = _cmocka_run_group_tests(program, chosen, chosen_count, NULL, NULL);
    free(chosen);
    return failed;
}
