/* io_fixture.h: a directory of its own on each backend of the I/O seam, for tests that run on all.
 *
 *     CASES_ON_ALL(what_must_hold) in a CMUnitTest table; io_fixture_run runs it and prints the
 * seed.
 *
 * Threads:    one.
 * Ownership:  `directory` and all in it go at teardown. */
#ifndef IO_FIXTURE_H
#define IO_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "io.h"

enum io_kind { IO_KIND_URING, IO_KIND_POSIX, IO_KIND_SIM };

struct io_fixture {
    enum io_kind kind;
    struct lsm_io *io;
    char directory[64];
};

extern uint64_t io_seed; /* LSM_TEST_SEED, or one of this run */
extern struct lsm_fault io_fault;

int io_setup_uring(void **state);
int io_setup_posix(void **state);
int io_setup_sim(void **state);
int io_teardown(void **state);

void must(int rc); /* fails the test with io_fault's words unless rc is 0 */
/* A path in the fixture's directory; valid for the next few calls. */
const char *path_of(const struct io_fixture *f, const char *name);
struct lsm_file *open_with(const struct io_fixture *f, const char *name, unsigned flags);
struct lsm_file *create(const struct io_fixture *f, const char *name); /* new, read and write */
uint64_t size_of(struct lsm_file *file);

struct names {
    char name[64][32];
    unsigned count;
};
void gather(void *context, const char *name); /* a visitor; context: struct names */

#define CASE_ON(name, kind)                                                                        \
    { #name "/" #kind, name, io_setup_##kind, io_teardown, NULL }
#define CASES_ON_FILES(name) CASE_ON(name, uring), CASE_ON(name, posix)
#define CASES_ON_ALL(name)   CASES_ON_FILES(name), CASE_ON(name, sim)

/* Runs the table; without its io_uring cases, and saying so, where the kernel forbids io_uring. */
int io_fixture_run(const char *program, const struct CMUnitTest *tests, size_t count);

#endif
