/* db_fixture.c: see db_fixture.h. */
#include "db_fixture.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "io.h"
#include "sim_io.h"

uint64_t db_seed;
uint64_t db_repeat_seed;
const char *db_repeat_case;
static const char *program = "";
static bool has_failed;
enum lsm_policy db_policy;
static unsigned scale = 100;
static const char *filter;

static enum lsm_policy policy_asked_for(void) {
    const char *name = getenv("LSM_TEST_POLICY");
    if (name != NULL && strcmp(name, "tiered") == 0) {
        return LSM_TIERED;
    }
    return name != NULL && strcmp(name, "lazy-leveled") == 0 ? LSM_LAZY_LEVELED : LSM_LEVELED;
}

void db_test_begin(int argc, char **argv) {
    db_policy = policy_asked_for();
    const char *seed = getenv("LSM_TEST_SEED"), *percent = getenv("LSM_TEST_SCALE");
    db_seed = seed != NULL ? strtoull(seed, NULL, 0)
                           : (uint64_t)time(NULL) * 2654435761u + (uint64_t)getpid();
    db_repeat_seed = db_seed;
    scale = percent != NULL ? (unsigned)strtoul(percent, NULL, 10) : 100;
    program = argv[0];
    filter = argc > 1 ? argv[1] : NULL;
    printf("seed %" PRIu64 "; to repeat: LSM_TEST_SEED=%" PRIu64 " %s\n", db_seed, db_seed,
           program);
    fflush(stdout);
}

unsigned db_scaled(unsigned n) {
    unsigned scaled = n * scale / 100;
    return scaled > 0 ? scaled : 1;
}

void db_failed(const char *file, int line, const char *format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\n%s:%d: %s\nto repeat: LSM_TEST_SEED=%" PRIu64 " LSM_TEST_SCALE=%u %s %s\n",
            file, line, text, db_repeat_seed, scale, program,
            db_repeat_case != NULL ? db_repeat_case : "");
    has_failed = true;
    _fail(file, line);
    abort(); /* _fail does not come back */
}

static bool uring_is_there(void) {
    struct lsm_io *io = NULL;
    struct lsm_fault fault = {0};
    char notice[256];
    int rc = lsm_io_create(LSM_IO_URING, &io, notice, &fault);
    lsm_io_destroy(rc == 0 ? io : NULL);
    return rc == 0;
}

int db_test_run(const struct CMUnitTest *tests, size_t count) {
    struct CMUnitTest *chosen = calloc(count, sizeof *chosen);
    if (chosen == NULL) {
        return 1;
    }
    bool uring = uring_is_there();
    if (!uring) {
        printf("without the io_uring cases: the kernel forbids it\n");
    }
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        bool wanted = filter == NULL || strstr(tests[i].name, filter) != NULL;
        if (wanted && (uring || tests[i].setup_func != db_setup_uring)) {
            chosen[n++] = tests[i];
        }
    }
    int failed = _cmocka_run_group_tests(program, chosen, n, NULL, NULL);
    free(chosen);
    return failed;
}

/* ---- the directory ---- */

static int setup(void **state, enum db_kind kind) {
    struct db_fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->kind = kind;
    if (kind == DB_SIM) {
        f->io = sim_create(db_seed);
        strcpy(f->path, "/db");
    } else {
        const char *base = getenv("TMPDIR");
        snprintf(f->path, sizeof f->path, "%.40s/lsm_db_test.XXXXXX",
                 base != NULL && strlen(base) <= 40 ? base : "/tmp");
        assert_non_null(mkdtemp(f->path));
        assert_int_equal(rmdir(f->path), 0);
    }
    f->options = db_small_options();
    *state = f;
    return 0;
}

int db_setup_uring(void **state) {
    return setup(state, DB_URING);
}
int db_setup_posix(void **state) {
    return setup(state, DB_POSIX);
}
int db_setup_sim(void **state) {
    return setup(state, DB_SIM);
}

struct lsm_options db_small_options(void) {
    struct lsm_options o = lsm_options_default();
    o.memtable_bytes = 16 << 10;
    o.table_bytes = 16 << 10;
    o.block_bytes = 1 << 10;
    o.cache_bytes = 1 << 20;
    o.level_ratio = 4;
    o.policy = db_policy;
    return o;
}

void db_open(struct db_fixture *f) {
    char detail[256] = "";
    f->options.io = f->io;
    f->options.io_backend = f->kind == DB_URING   ? LSM_IO_URING
                            : f->kind == DB_POSIX ? LSM_IO_POSIX
                                                  : LSM_IO_AUTO;
    int rc = lsm_open(f->path, &f->options, &f->db, detail);
    DB_CHECK(rc == 0, "open: %s (%s)", lsm_strerror(rc), detail);
}

void db_close(struct db_fixture *f) {
    struct lsm_db *db = f->db;
    f->db = NULL;
    int rc = lsm_close(db);
    DB_CHECK(rc == 0, "close: %s", lsm_strerror(rc));
}

void db_reopen(struct db_fixture *f) {
    db_close(f);
    db_open(f);
}

static void remove_names(const char *path) {
    DIR *dir = opendir(path);
    if (dir == NULL) {
        return;
    }
    for (struct dirent *d = readdir(dir); d != NULL; d = readdir(dir)) {
        char name[400];
        snprintf(name, sizeof name, "%s/%s", path, d->d_name);
        (void)unlink(name);
    }
    closedir(dir);
    (void)rmdir(path);
}

struct gathered {
    char names[4096][24];
    unsigned count;
};

static void gather(void *context, const char *name) {
    struct gathered *g = context;
    if (g->count < 4096) {
        snprintf(g->names[g->count++], sizeof g->names[0], "%.23s", name);
    }
}

static struct gathered *list_sim(const struct db_fixture *f) {
    struct gathered *g = calloc(1, sizeof *g);
    struct lsm_fault fault = {0};
    assert_non_null(g);
    int rc = lsm_io_list(f->io, f->path, gather, g, &fault);
    assert_true(rc == 0 || rc == LSM_NOT_FOUND);
    return g;
}

void db_wipe(struct db_fixture *f) {
    assert_null(f->db);
    if (f->kind != DB_SIM) {
        remove_names(f->path);
        return;
    }
    struct gathered *g = list_sim(f);
    struct lsm_fault fault = {0};
    for (unsigned i = 0; i < g->count; i++) {
        char name[160];
        snprintf(name, sizeof name, "%s/%s", f->path, g->names[i]);
        assert_int_equal(lsm_io_unlink(f->io, name, &fault), 0);
    }
    free(g);
}

unsigned db_count_files(const struct db_fixture *f, const char *ending) {
    unsigned n = 0;
    struct gathered *g = NULL;
    if (f->kind == DB_SIM) {
        g = list_sim(f);
    } else {
        g = calloc(1, sizeof *g);
        assert_non_null(g);
        DIR *dir = opendir(f->path);
        for (struct dirent *d = dir != NULL ? readdir(dir) : NULL; d != NULL; d = readdir(dir)) {
            if (d->d_name[0] != '.') {
                gather(g, d->d_name);
            }
        }
        if (dir != NULL) {
            closedir(dir);
        }
    }
    for (unsigned i = 0; i < g->count; i++) {
        size_t length = strlen(g->names[i]), end = ending != NULL ? strlen(ending) : 0;
        n += ending == NULL || (length >= end && strcmp(g->names[i] + length - end, ending) == 0);
    }
    free(g);
    return n;
}

int db_teardown(void **state) {
    struct db_fixture *f = *state;
    if (has_failed) { /* pins and iterators may be open: the handle is left alone */
        return 0;
    }
    int rc = lsm_close(f->db);
    if (f->kind == DB_SIM) {
        lsm_io_destroy(f->io);
    } else {
        remove_names(f->path);
    }
    free(f);
    return rc == 0 ? 0 : -1;
}

uint64_t db_now_s(const struct db_fixture *f) {
    return f->io != NULL ? lsm_io_unix_s(f->io) : (uint64_t)time(NULL);
}

/* ---- strings ---- */

void db_put_numbered(struct db_fixture *f, unsigned count, size_t value_bytes) {
    char key[16], value[256];
    assert_true(value_bytes <= sizeof value);
    memset(value, 'v', value_bytes);
    for (unsigned i = 0; i < count; i++) {
        int size = snprintf(key, sizeof key, "key%04u", i);
        DB_MUST(f, lsm_put(f->db, NULL, key, (size_t)size, value, value_bytes));
    }
}

void db_put(struct db_fixture *f, const char *key, const char *value) {
    DB_MUST(f, lsm_put(f->db, NULL, key, strlen(key), value, strlen(value)));
}

void db_del(struct db_fixture *f, const char *key) {
    DB_MUST(f, lsm_delete(f->db, NULL, key, strlen(key)));
}

const char *db_get_at(struct db_fixture *f, const struct lsm_snapshot *snapshot, const char *key) {
    static char text[4096];
    struct lsm_value value;
    struct lsm_read_options options = {.snapshot = snapshot};
    int rc = lsm_get(f->db, &options, key, strlen(key), &value);
    if (rc == LSM_NOT_FOUND) {
        return NULL;
    }
    DB_MUST(f, rc);
    assert_true(value.size < sizeof text);
    memcpy(text, value.data, value.size);
    text[value.size] = '\0';
    lsm_value_release(&value);
    return text;
}

const char *db_get(struct db_fixture *f, const char *key) {
    return db_get_at(f, NULL, key);
}
