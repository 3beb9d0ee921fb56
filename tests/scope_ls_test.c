/* scope_ls_test.c: the program lsm-ls as a user meets it. It runs in a mount namespace with an
 * empty /dev/shm of its own, so that nothing of this machine is listed, let alone cleaned; where
 * that is not permitted the cases are skipped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <libgen.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scope.h"
#include "scope_fixture.h"

enum { CANNOT_RUN = 77, OUTPUT_MAX = 16384 };

static char program[4096];

static void own_shm(void) {
    if (access(program, X_OK) != 0 ||
        (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)) {
        _exit(CANNOT_RUN);
    }
    (void)mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    if (mount("tmpfs", "/dev/shm", "tmpfs", 0, "size=64m") != 0) {
        _exit(CANNOT_RUN);
    }
}

/* Runs lsm-ls with the arguments; its exit code, and what it wrote to both streams. */
static int run(const char *arguments, char output[OUTPUT_MAX]) {
    char command[4200];
    (void)snprintf(command, sizeof(command), "'%s' %s 2>&1", program, arguments);
    FILE *pipe = popen(command, "r");
    if (pipe == NULL) {
        _exit(3);
    }
    size_t length = fread(output, 1, OUTPUT_MAX - 1, pipe);
    output[length] = 0;
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "%s:%d: %s\n%s\n", __FILE__, __LINE__, #condition, output);      \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

static void live_and_die(void *argument) {
    (void)fixture_writer(argument);
    (void)raise(SIGKILL);
}

static void list_and_clean(void *argument) {
    (void)argument;
    static char output[OUTPUT_MAX];
    own_shm();
    REQUIRE(run("", output) == 0 && strstr(output, "no segments") != NULL);
    REQUIRE(run("--json", output) == 0 && strcmp(output, "[]\n") == 0);
    char dead[] = "dead";
    (void)fixture_child(live_and_die, dead);
    (void)fixture_child(live_and_die, dead);
    struct scope_writer *writer = fixture_writer("alive");
    struct scope_writer_options options = fixture_options("done");
    options.linger = true;
    struct scope_writer *closed = NULL;
    REQUIRE(scope_writer_create(&options, &closed, NULL) == 0);
    scope_writer_close(closed);
    int fd = open("/dev/shm/lsmscope.junk", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    REQUIRE(fd >= 0);
    (void)close(fd);
    REQUIRE(run("", output) == 0);
    REQUIRE(strncmp(output, "NAME ", 5) == 0);
    REQUIRE(strstr(output, "\nalive ") != NULL && strstr(output, " live ") != NULL);
    REQUIRE(strstr(output, "\ndead.crashed ") != NULL && strstr(output, " crashed ") != NULL);
    REQUIRE(strstr(output, " closed ") != NULL && strstr(output, " test 1.2.3 ") != NULL);
    REQUIRE(strstr(output, " 250 ms ") != NULL);
    REQUIRE(strstr(output, "  a test program --with arguments\n") != NULL);
    REQUIRE(strstr(output, "\njunk ") != NULL && strstr(output, " foreign ") != NULL);
    REQUIRE(run("--json", output) == 0);
    REQUIRE(strstr(output, "\"name\": \"alive\",\n    \"state\": \"live\"") != NULL);
    REQUIRE(run("--clean", output) == 0);
    REQUIRE(strstr(output, "removed dead (crashed") != NULL);
    REQUIRE(strstr(output, "removed dead.crashed (crashed") != NULL);
    REQUIRE(strstr(output, "removed done (closed") != NULL);
    REQUIRE(strstr(output, "left junk alone") != NULL && strstr(output, "alive") == NULL);
    REQUIRE(run("--clean", output) == 0 && strstr(output, "nothing to remove") != NULL);
    REQUIRE(access("/dev/shm/lsmscope.alive", F_OK) == 0);
    REQUIRE(access("/dev/shm/lsmscope.dead", F_OK) != 0);
    scope_writer_close(writer);
}

static void usage(void *argument) {
    (void)argument;
    static char output[OUTPUT_MAX];
    own_shm();
    REQUIRE(run("--help", output) == 0 && strncmp(output, "usage: lsm-ls", 13) == 0);
    REQUIRE(run("--version", output) == 0 && strncmp(output, "lsm-ls ", 7) == 0);
    REQUIRE(run("--nonsense", output) == 2 && strstr(output, "--help") != NULL);
    REQUIRE(run("name", output) == 2 && strstr(output, "--help") != NULL);
    REQUIRE(run("> /dev/full", output) == 1);
}

static void run_case(void (*body)(void *argument)) {
    int status = fixture_child(body, NULL);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == CANNOT_RUN) {
        print_message("skipped: %s is not built, or a /dev/shm of one's own is not permitted\n",
                      program);
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void segments_are_listed_and_dead_ones_cleaned(void **state) {
    (void)state;
    run_case(list_and_clean);
}

static void wrong_usage_and_a_full_output_are_told(void **state) {
    (void)state;
    run_case(usage);
}

int main(int argc, char **argv) {
    (void)argc;
    char self[4000];
    (void)snprintf(self, sizeof(self), "%s", argv[0]);
    (void)snprintf(program, sizeof(program), "%s/../lsm-ls", dirname(self));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_are_listed_and_dead_ones_cleaned),
        cmocka_unit_test(wrong_usage_and_a_full_output_are_told),
    };
    return cmocka_run_group_tests_name("scope_ls", tests, NULL, NULL);
}
