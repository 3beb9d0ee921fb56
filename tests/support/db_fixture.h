/* db_fixture.h: a database in a directory of its own, on each backend of the I/O seam.
 *
 * Threads:    one.
 * Ownership:  db_teardown closes what is open and removes the directory. A failing DB_CHECK
 *             prints the command that repeats it, then fails the cmocka test. */
#ifndef DB_FIXTURE_H
#define DB_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lsm.h"
#include "model.h"

enum db_kind { DB_URING, DB_POSIX, DB_SIM };

struct db_fixture {
    enum db_kind kind;
    struct lsm_io *io; /* of sim; NULL: the engine makes its own */
    char path[96];
    struct lsm_options options;
    struct lsm_db *db;
};

/* Seed and scale of this run, and its name; called first in main. */
void db_test_begin(int argc, char **argv);
/* cmocka's group, without the io_uring cases where the kernel forbids them. */
int db_test_run(const struct CMUnitTest *tests, size_t count);
extern uint64_t db_seed; /* LSM_TEST_SEED, or one of this run */
/* Of db_small_options: LSM_TEST_POLICY (leveled, tiered or lazy-leveled), default leveled. */
extern enum lsm_policy db_policy;
unsigned db_scaled(unsigned n); /* n x LSM_TEST_SCALE (percent, default 100), at least 1 */

int db_setup_uring(void **state);
int db_setup_posix(void **state);
int db_setup_sim(void **state);
int db_teardown(void **state);

/* Opens with f->options; fails the test with the detail. */
void db_open(struct db_fixture *f);
void db_close(struct db_fixture *f);
void db_reopen(struct db_fixture *f);
/* Removes every file of the directory, with the database closed. */
void db_wipe(struct db_fixture *f);
uint64_t db_now_s(const struct db_fixture *f);
/* Small everything: a few hundred entries make a tree of several levels. */
struct lsm_options db_small_options(void);
/* Counts the directory's files by their ending, e.g. ".wal"; NULL: all. */
unsigned db_count_files(const struct db_fixture *f, const char *ending);

/* Zero-terminated conveniences that must succeed. */
/* key0000, key0001 and so on, each with so many (at most 256) bytes of 'v'. */
void db_put_numbered(struct db_fixture *f, unsigned count, size_t value_bytes);
void db_put(struct db_fixture *f, const char *key, const char *value);
void db_del(struct db_fixture *f, const char *key);
/* The value as a string in a static buffer; NULL: not found. */
const char *db_get(struct db_fixture *f, const char *key);
const char *db_get_at(struct db_fixture *f, const struct lsm_snapshot *snapshot, const char *key);

/* What to run again; set by tests that draw a seed for each round. */
extern uint64_t db_repeat_seed;
extern const char *db_repeat_case;
__attribute__((format(printf, 3, 4), noreturn)) void db_failed(const char *file, int line,
                                                               const char *format, ...);
#define DB_CHECK(condition, ...)                                                                   \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            db_failed(__FILE__, __LINE__, __VA_ARGS__);                                            \
        }                                                                                          \
    } while (0)
/* A call of the engine that must give 0. */
#define DB_MUST(f, call)                                                                           \
    do {                                                                                           \
        int db_must_rc = (call);                                                                   \
        char db_must_detail[256] = "";                                                             \
        if (db_must_rc != 0) {                                                                     \
            lsm_error_detail((f)->db, db_must_detail, sizeof db_must_detail);                      \
            db_failed(__FILE__, __LINE__, "%s: %s (%s)", #call, lsm_strerror(db_must_rc),          \
                      db_must_detail);                                                             \
        }                                                                                          \
    } while (0)

#define DB_CASE(name, kind)                                                                        \
    { #name "/" #kind, name, db_setup_##kind, db_teardown, NULL }
#define DB_CASES_ON_FILES(name) DB_CASE(name, uring), DB_CASE(name, posix)
#define DB_CASES_ON_ALL(name)   DB_CASES_ON_FILES(name), DB_CASE(name, sim)

#endif
