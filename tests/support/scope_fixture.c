/* scope_fixture.c: see scope_fixture.h. */
#include "scope_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "quiet_fork.h"
#include "segment.h"
#include "splitmix.h"

static char directory[64];

static void require(bool fine, const char *what) {
    if (!fine) {
        perror(what);
        abort();
    }
}

int fixture_setup(void **state) {
    (void)state;
    (void)snprintf(directory, sizeof(directory), "/dev/shm/lsm-test.XXXXXX");
    require(mkdtemp(directory) != NULL, "mkdtemp");
    scope_shm_dir = directory;
    return 0;
}

static unsigned each_file(bool remove_it) {
    DIR *open_directory = opendir(directory);
    require(open_directory != NULL, directory);
    unsigned count = 0;
    const struct dirent *entry;
    while ((entry = readdir(open_directory)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        count++;
        if (remove_it && unlink(fixture_path(entry->d_name)) != 0) {
            (void)rmdir(fixture_path(entry->d_name));
        }
    }
    (void)closedir(open_directory);
    return count;
}

int fixture_teardown(void **state) {
    (void)state;
    (void)each_file(true);
    scope_shm_dir = "/dev/shm";
    return rmdir(directory);
}

const char *fixture_directory(void) {
    return directory;
}

const char *fixture_path(const char *file) {
    static char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s", directory, file);
    return path;
}

unsigned fixture_files(void) {
    return each_file(false);
}

uint64_t fixture_seed(const char *program) {
    uint64_t seed = 0;
    const char *given = getenv("LSM_TEST_SEED");
    if (given != NULL) {
        seed = strtoull(given, NULL, 0);
    } else {
        require(getrandom(&seed, sizeof(seed), 0) == (ssize_t)sizeof(seed), "getrandom");
    }
    printf("seed %" PRIu64 "; to repeat: LSM_TEST_SEED=%" PRIu64 " %s\n", seed, seed, program);
    (void)fflush(stdout);
    return seed;
}

uint64_t fixture_mix(uint64_t value) {
    return splitmix_of(value);
}

uint64_t fixture_random(uint64_t *state) {
    return splitmix_next(state);
}

struct scope_writer_options fixture_options(const char *name) {
    return (struct scope_writer_options){
        .name = name,
        .engine_name = "test",
        .engine_version = "1.2.3",
        .command = "a test program --with arguments",
        .description = "nothing in particular",
        .sample_interval_ns = 250000000,
        .samples = 64,
        .events = 64,
        .seconds = 16,
    };
}

struct scope_writer *fixture_writer(const char *name) {
    struct scope_writer_options options = fixture_options(name);
    struct scope_error_detail detail = {0};
    struct scope_writer *writer = NULL;
    int rc = scope_writer_create(&options, &writer, &detail);
    if (rc != 0) {
        (void)fprintf(stderr, "create %s: %s\n", name, detail.text);
        abort();
    }
    return writer;
}

struct scope_segment *fixture_attach(const char *name) {
    struct scope_error_detail detail = {0};
    struct scope_segment *segment = NULL;
    int rc = scope_attach(name, false, &segment, &detail);
    if (rc != 0) {
        (void)fprintf(stderr, "attach %s: %s\n", name, detail.text);
        abort();
    }
    return segment;
}

pid_t fixture_start(void (*body)(void *argument), void *argument) {
    pid_t child = quiet_fork();
    require(child >= 0, "fork");
    if (child == 0) {
        body(argument);
        _exit(0);
    }
    return child;
}

int fixture_wait(pid_t child) {
    int status = 0;
    while (waitpid(child, &status, 0) < 0) {
        require(errno == EINTR, "waitpid");
    }
    return status;
}

int fixture_child(void (*body)(void *argument), void *argument) {
    return fixture_wait(fixture_start(body, argument));
}
