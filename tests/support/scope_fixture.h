/* scope_fixture.h: what the tests of shm/ share: a private directory in place of /dev/shm, seeds,
 * and children that die. One thread sets up and tears down. */
#ifndef SUPPORT_SCOPE_FIXTURE_H
#define SUPPORT_SCOPE_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "scope.h"

/* cmocka setup and teardown: a fresh directory under /dev/shm for every case. */
int fixture_setup(void **state);
int fixture_teardown(void **state);
const char *fixture_directory(void);
/* A path inside it; valid until the next call. */
const char *fixture_path(const char *file);
unsigned fixture_files(void); /* how many entries the directory has */

/* The seed: LSM_TEST_SEED or a random one; printed with the command that repeats the run. */
uint64_t fixture_seed(const char *program);
uint64_t fixture_random(uint64_t *state); /* splitmix64 */
uint64_t fixture_mix(uint64_t value); /* the same, of one value: payload derived from a number */

/* Options for a small segment: 64 samples, 64 events, 16 seconds. */
struct scope_writer_options fixture_options(const char *name);
struct scope_writer *fixture_writer(const char *name);
struct scope_segment *fixture_attach(const char *name);

/* Runs `body` in a child and waits: its wait status. The child ends by _exit(0) unless it dies. */
int fixture_child(void (*body)(void *argument), void *argument);
/* Starts it and does not wait. */
pid_t fixture_start(void (*body)(void *argument), void *argument);
int fixture_wait(pid_t child);

#endif
