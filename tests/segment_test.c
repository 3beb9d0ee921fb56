/* segment_test.c: the life of a segment: names, options, what it tells about itself, who may have
 * its name, what is left when its writer ends, and what a fork does to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "scope.h"
#include "segment.h"
#include "scope_fixture.h"

static bool exists(const char *file) {
    return access(fixture_path(file), F_OK) == 0;
}

static enum scope_liveness liveness_of(const char *name) {
    struct scope_segment *segment = fixture_attach(name);
    enum scope_liveness liveness = scope_segment_liveness(segment);
    scope_detach(segment);
    return liveness;
}

/* ---- names and options ---------------------------------------------------------------------- */

static void names_out_of_range_are_refused(void **state) {
    (void)state;
    const char *const bad[] = {"",       ".hidden",
                               "a/b",    "a b",
                               "../etc", "\xc3\xa9",
                               "a\n",    "x.crashed",
                               "demo%",  "1234567890123456789012345678901234567890123456789"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct scope_writer_options options = fixture_options(bad[i]);
        struct scope_writer *writer = NULL;
        struct scope_error_detail detail = {0};
        assert_int_equal(scope_writer_create(&options, &writer, &detail), SCOPE_ERR_ARGUMENT);
        assert_null(writer);
        assert_true(detail.text[0] != 0 && detail.code == SCOPE_ERR_ARGUMENT);
    }
    struct scope_writer_options options = fixture_options(NULL);
    struct scope_writer *writer = NULL;
    assert_int_equal(scope_writer_create(&options, &writer, NULL), SCOPE_ERR_ARGUMENT);
    assert_int_equal(fixture_files(), 0);
    const char *const good[] = {"a", "A-b_c.9", "123456789012345678901234567890123456789012345678"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        writer = fixture_writer(good[i]);
        assert_string_equal(scope_writer_name(writer), good[i]);
        scope_writer_close(writer);
    }
}

static void options_out_of_range_are_refused_and_leave_nothing(void **state) {
    (void)state;
    static char long_name[49];
    memset(long_name, 'n', 48);
    const struct scope_metric metrics[] = {
        {999, SCOPE_UNIT_COUNT, SCOPE_KIND_GAUGE, "low", "id too low"},
        {1000, SCOPE_UNIT_COUNT, SCOPE_KIND_GAUGE, "", "no name"},
        {1000, SCOPE_UNIT_COUNT, SCOPE_KIND_GAUGE, NULL, "no name"},
        {1000, SCOPE_UNIT_COUNT, SCOPE_KIND_GAUGE, long_name, "name too long"},
        {1000, (enum scope_unit)99, SCOPE_KIND_GAUGE, "unit", "no such unit"},
        {1000, SCOPE_UNIT_COUNT, (enum scope_kind)2, "kind", "no such kind"},
    };
    struct scope_writer *writer = NULL;
    for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++) {
        struct scope_writer_options options = fixture_options("a");
        options.extra = &metrics[i];
        options.extra_count = 1;
        assert_int_equal(scope_writer_create(&options, &writer, NULL), SCOPE_ERR_ARGUMENT);
    }
    const uint32_t counts[] = {1, 15, 17, 100, 1u << 25};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct scope_writer_options options = fixture_options("a");
        options.events = counts[i];
        assert_int_equal(scope_writer_create(&options, &writer, NULL), SCOPE_ERR_ARGUMENT);
    }
    struct scope_writer_options options = fixture_options("a");
    options.mode = 04755;
    assert_int_equal(scope_writer_create(&options, &writer, NULL), SCOPE_ERR_ARGUMENT);
    assert_null(writer);
    assert_int_equal(fixture_files(), 0);
}

static void the_defaults_fit_40_megabytes(void **state) {
    (void)state;
    struct scope_writer_options options = {.name = "a"};
    struct scope_writer *writer = NULL;
    assert_int_equal(scope_writer_create(&options, &writer, NULL), 0);
    struct scope_segment *segment = fixture_attach("a");
    struct scope_info info;
    scope_segment_info(segment, &info);
    assert_true(info.total_bytes <= 40000000);
    assert_int_equal(info.samples, 16384);
    assert_int_equal(info.events, 65536);
    assert_int_equal(info.seconds, 16384);
    assert_non_null(strstr(info.command, "segment_test")); /* read from the process */
    struct stat status;
    assert_int_equal(stat(fixture_path("lsmscope.a"), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(status.st_size, info.total_bytes);
    assert_true((uint64_t)status.st_blocks * 512 >= info.total_bytes); /* all of it allocated */
    scope_detach(segment);
    scope_writer_close(writer);
}

static void a_segment_tells_what_it_was_given(void **state) {
    (void)state;
    struct scope_writer_options options = fixture_options("a");
    options.mode = 0644;
    options.description = "one\ttwo\x1b";
    struct scope_writer *writer = NULL;
    mode_t before = umask(077);
    assert_int_equal(scope_writer_create(&options, &writer, NULL), 0);
    (void)umask(before);
    struct stat status;
    assert_int_equal(stat(fixture_path("lsmscope.a"), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0644);
    struct scope_segment *segment = fixture_attach("a");
    struct scope_info info;
    scope_segment_info(segment, &info);
    assert_string_equal(info.name, "a");
    assert_string_equal(info.engine_name, "test");
    assert_string_equal(info.engine_version, "1.2.3");
    assert_string_equal(info.command, "a test program --with arguments");
    assert_string_equal(info.description, "one two?");
    assert_int_equal(info.pid, getpid());
    assert_int_equal(info.sample_interval_ns, 250000000);
    assert_int_equal(info.major, 1);
    assert_int_not_equal(info.instance_id, 0);
    struct timespec real;
    (void)clock_gettime(CLOCK_REALTIME, &real);
    assert_true(info.start_real_ns / 1000000000u <= (uint64_t)real.tv_sec);
    assert_true(info.start_mono_ns <= scope_now_ns());
    assert_true(scope_segment_heartbeat_age_ns(segment) < UINT64_C(60000000000));
    assert_false(scope_segment_damaged(segment));
    scope_detach(segment);
    scope_writer_close(writer);
}

static void metrics_are_found_by_id_and_described_by_the_segment(void **state) {
    (void)state;
    static struct scope_metric own[SCOPE_MAX_METRICS];
    static char names[SCOPE_MAX_METRICS][16];
    size_t builtin = 0;
    const struct scope_metric *table = scope_builtin_metrics(&builtin);
    assert_int_equal(builtin, 87);
    size_t room = SCOPE_MAX_METRICS - builtin;
    for (size_t i = 0; i <= room; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "own.%zu", i);
        own[i] = (struct scope_metric){(uint32_t)(5000 - i * 7), SCOPE_UNIT_BYTES,
                                       SCOPE_KIND_COUNTER, names[i], "one of my own"};
    }
    struct scope_writer_options options = fixture_options("a");
    struct scope_writer *writer = NULL;
    options.extra = own;
    options.extra_count = room + 1;
    assert_int_equal(scope_writer_create(&options, &writer, NULL), SCOPE_ERR_ARGUMENT);
    options.extra_count = room;
    assert_int_equal(scope_writer_create(&options, &writer, NULL), 0);
    struct scope_segment *segment = fixture_attach("a");
    size_t count = 0;
    const struct scope_metric *metrics = scope_segment_metrics(segment, &count);
    assert_int_equal(count, SCOPE_MAX_METRICS);
    struct scope_sample sample = {.time_ns = 1};
    for (size_t i = 0; i < count; i++) {
        const struct scope_metric *given = i < builtin ? &table[i] : &own[i - builtin];
        assert_int_equal(metrics[i].id, given->id);
        assert_int_equal(metrics[i].unit, given->unit);
        assert_int_equal(metrics[i].kind, given->kind);
        assert_string_equal(metrics[i].name, given->name);
        assert_string_equal(metrics[i].help, given->help);
        assert_int_equal(scope_metric_word(segment, given->id), i);
        scope_sample_set(writer, &sample, given->id, given->id * UINT64_C(3));
    }
    assert_int_equal(scope_metric_word(segment, 999), -1);
    assert_int_equal(scope_metric_word(segment, 0), -1);
    assert_string_equal(metrics[scope_metric_word(segment, SCOPE_M_LEVEL_BYTES + 3)].name,
                        "l3.bytes");
    scope_publish_sample(writer, &sample);
    struct scope_cursor cursor;
    scope_cursor_init(&cursor, segment, SCOPE_RING_SAMPLES);
    assert_int_equal(scope_poll_sample(&cursor, &sample), SCOPE_POLL_RECORD);
    for (size_t i = 0; i < count; i++) {
        uint64_t value = 0;
        assert_true(scope_sample_get(segment, &sample, metrics[i].id, &value));
        assert_int_equal(value, metrics[i].id * UINT64_C(3));
    }
    scope_detach(segment);
    scope_writer_close(writer);
}

/* ---- who has the name ----------------------------------------------------------------------- */

static void a_name_in_use_names_the_process_that_has_it(void **state) {
    (void)state;
    struct scope_writer *writer = fixture_writer("a");
    struct scope_writer *other = fixture_writer("b"); /* side by side is fine */
    struct scope_writer_options options = fixture_options("a");
    struct scope_writer *second = NULL;
    struct scope_error_detail detail = {0};
    assert_int_equal(scope_writer_create(&options, &second, &detail), SCOPE_ERR_IN_USE);
    char pid[32];
    (void)snprintf(pid, sizeof(pid), "process %d", (int)getpid());
    assert_non_null(strstr(detail.text, pid));
    assert_non_null(strstr(detail.text, "a test program --with arguments"));
    assert_int_equal(scope_remove("a", &detail), SCOPE_ERR_IN_USE);
    assert_int_equal(fixture_files(), 2);
    assert_int_equal(liveness_of("a"), SCOPE_LIVE);
    scope_writer_close(other);
    scope_writer_close(writer);
    assert_int_equal(fixture_files(), 0);
}

static void create_or_say_in_use(void *argument) {
    const int *go = argument;
    char byte;
    (void)close(go[1]);
    (void)!read(go[0], &byte, 1); /* until the parent closes its end: all start at once */
    struct scope_writer_options options = fixture_options("a");
    struct scope_writer *writer = NULL;
    struct scope_error_detail detail = {0};
    int rc = scope_writer_create(&options, &writer, &detail);
    if (rc == 0) {
        (void)pause();
    }
    /* In use by one who is live, not by the dead one whose place is being taken. */
    struct scope_segment *segment = NULL;
    if (rc != SCOPE_ERR_IN_USE || scope_attach("a", false, &segment, NULL) != 0) {
        _exit(11);
    }
    struct scope_info info;
    char pid[48];
    scope_segment_info(segment, &info);
    (void)snprintf(pid, sizeof(pid), "process %llu:", (unsigned long long)info.pid);
    _exit(strstr(detail.text, pid) != NULL && kill((pid_t)info.pid, 0) == 0 ? 10 : 12);
}

static void live_and_die(void *argument) {
    (void)argument;
    (void)fixture_writer("a");
    (void)raise(SIGKILL);
}

static void of_several_starters_on_a_dead_name_exactly_one_wins(void **state) {
    (void)state;
    enum { STARTERS = 6 };
    for (unsigned round = 0; round < 5; round++) {
        (void)fixture_child(live_and_die, NULL);
        int go[2];
        assert_int_equal(pipe(go), 0);
        pid_t starters[STARTERS];
        for (unsigned i = 0; i < STARTERS; i++) {
            starters[i] = fixture_start(create_or_say_in_use, go);
        }
        (void)close(go[0]);
        (void)close(go[1]);
        for (unsigned ended = 0; ended < STARTERS - 1; ended++) {
            int status = 0;
            pid_t loser = wait(&status);
            assert_true(loser > 0 && WIFEXITED(status));
            assert_int_equal(WEXITSTATUS(status), 10);
            for (unsigned i = 0; i < STARTERS; i++) {
                starters[i] = starters[i] == loser ? 0 : starters[i];
            }
        }
        assert_int_equal(liveness_of("a"), SCOPE_LIVE);
        assert_int_equal(liveness_of("a.crashed"), SCOPE_CRASHED);
        for (unsigned i = 0; i < STARTERS; i++) {
            if (starters[i] != 0) {
                assert_int_equal(kill(starters[i], SIGKILL), 0);
                (void)fixture_wait(starters[i]);
            }
        }
        assert_int_equal(scope_remove("a", NULL), 0);
        assert_int_equal(scope_remove("a.crashed", NULL), 0);
    }
}

/* An observer that waits for the name would attach to whatever gets it for a moment. */
static void probing_is_seen_by_nobody_and_answers_as_creating_would(void **state) {
    (void)state;
    struct scope_writer_options options = fixture_options("a");
    struct scope_error_detail detail = {0};
    int changes = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    assert_true(inotify_add_watch(changes, fixture_directory(),
                                  IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO) >= 0);
    char events[4096];
    assert_int_equal(scope_writer_probe(&options, &detail), 0);
    assert_true(read(changes, events, sizeof(events)) < 0 && errno == EAGAIN);
    (void)fixture_child(live_and_die, NULL);
    assert_true(read(changes, events, sizeof(events)) > 0);
    assert_int_equal(scope_writer_probe(&options, &detail), 0);
    assert_true(read(changes, events, sizeof(events)) < 0 && errno == EAGAIN);
    assert_int_equal(liveness_of("a"), SCOPE_CRASHED);
    (void)close(changes);
    struct scope_writer *writer = fixture_writer("a");
    assert_int_equal(scope_writer_probe(&options, &detail), SCOPE_ERR_IN_USE);
    assert_non_null(strstr(detail.text, "a test program --with arguments"));
    assert_int_equal(liveness_of("a"), SCOPE_LIVE);
    scope_writer_close(writer);
    int fd = open(fixture_path("lsmscope.a"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, "another thing", 13), 13);
    (void)close(fd);
    assert_int_equal(scope_writer_probe(&options, &detail), SCOPE_ERR_NOT_A_SEGMENT);
    options.name = "a/b";
    assert_int_equal(scope_writer_probe(&options, &detail), SCOPE_ERR_ARGUMENT);
    assert_int_equal(fixture_files(), 2); /* that thing, and the black box of the dead one */
}

static void a_clean_end_removes_the_name_and_lingering_keeps_it(void **state) {
    (void)state;
    struct scope_writer *writer = fixture_writer("a");
    struct scope_segment *segment = fixture_attach("a");
    scope_writer_close(writer);
    assert_int_equal(fixture_files(), 0);
    assert_int_equal(scope_segment_liveness(segment), SCOPE_CLOSED);
    scope_detach(segment);
    struct scope_writer_options options = fixture_options("a");
    options.linger = true;
    assert_int_equal(scope_writer_create(&options, &writer, NULL), 0);
    struct scope_sample sample = {.time_ns = 5};
    scope_publish_sample(writer, &sample);
    scope_writer_close(writer);
    segment = fixture_attach("a");
    assert_int_equal(scope_segment_liveness(segment), SCOPE_CLOSED);
    struct scope_cursor cursor;
    scope_cursor_init(&cursor, segment, SCOPE_RING_SAMPLES);
    assert_int_equal(scope_poll_sample(&cursor, &sample), SCOPE_POLL_RECORD);
    /* A closed segment gives way without leaving a black box. */
    writer = fixture_writer("a");
    assert_false(exists("lsmscope.a.crashed"));
    assert_true(scope_segment_replaced(segment));
    scope_detach(segment);
    scope_writer_close(writer);
    scope_writer_close(NULL);
    scope_detach(NULL);
}

static void a_closing_writer_leaves_a_name_alone_that_is_another_s_by_now(void **state) {
    (void)state;
    struct scope_writer *first = fixture_writer("a");
    assert_int_equal(unlink(fixture_path("lsmscope.a")), 0); /* by hand */
    struct scope_writer *second = fixture_writer("a");
    scope_writer_close(first);
    assert_int_equal(liveness_of("a"), SCOPE_LIVE);
    scope_writer_close(second);
    assert_int_equal(fixture_files(), 0);
}

static void what_is_not_a_segment_is_refused_and_left_alone(void **state) {
    (void)state;
    int fd = open(fixture_path("lsmscope.short"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, "hello", 5), 5);
    (void)close(fd);
    fd = open(fixture_path("lsmscope.zeros"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_int_equal(ftruncate(fd, 1 << 20), 0);
    (void)close(fd);
    assert_int_equal(mkdir(fixture_path("lsmscope.dir"), 0700), 0);
    assert_int_equal(mkfifo(fixture_path("lsmscope.fifo"), 0600), 0);
    assert_int_equal(symlink("lsmscope.zeros", fixture_path("lsmscope.link")), 0);
    const char *const names[] = {"short", "zeros", "dir", "fifo", "link"};
    for (size_t i = 0; i < 5; i++) {
        struct scope_segment *segment = NULL;
        struct scope_writer *writer = NULL;
        struct scope_error_detail detail = {0};
        struct scope_writer_options options = fixture_options(names[i]);
        assert_int_equal(scope_attach(names[i], true, &segment, &detail), SCOPE_ERR_NOT_A_SEGMENT);
        assert_non_null(strstr(detail.text, names[i]));
        assert_int_equal(scope_writer_create(&options, &writer, &detail), SCOPE_ERR_NOT_A_SEGMENT);
        assert_non_null(strstr(detail.text, names[i]));
        assert_int_equal(scope_remove(names[i], &detail), SCOPE_ERR_NOT_A_SEGMENT);
        assert_int_equal(fixture_files(), 5);
    }
    struct scope_segment *segment = NULL;
    assert_int_equal(scope_attach("none", true, &segment, NULL), SCOPE_ERR_NOT_FOUND);
    assert_int_equal(scope_attach("no/ne", true, &segment, NULL), SCOPE_ERR_ARGUMENT);
    assert_int_equal(scope_attach_file("/nowhere/at all", &segment, NULL), SCOPE_ERR_NOT_FOUND);
    assert_int_equal(scope_remove("none", NULL), SCOPE_ERR_NOT_FOUND);
    assert_null(segment);
}

static void another_users_segment_needs_to_be_asked_for(void **state) {
    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    struct scope_writer *writer = fixture_writer("a");
    assert_int_equal(chown(fixture_path("lsmscope.a"), 12345, (gid_t)-1), 0);
    struct scope_segment *segment = NULL;
    struct scope_error_detail detail = {0};
    assert_int_equal(scope_attach("a", false, &segment, &detail), SCOPE_ERR_PERMISSION);
    assert_non_null(strstr(detail.text, "12345"));
    assert_int_equal(scope_attach("a", true, &segment, &detail), 0);
    scope_detach(segment);
    scope_writer_close(writer);
}

/* ---- listing, copies ------------------------------------------------------------------------ */

static void copy_file(const char *from, const char *to) {
    char command[1200];
    (void)snprintf(command, sizeof(command), "cp %s/%s %s/%s", fixture_directory(), from,
                   fixture_directory(), to);
    assert_int_equal(system(command), 0);
}

static void the_list_is_sorted_and_says_why_something_is_unreadable(void **state) {
    (void)state;
    struct scope_writer *beta = fixture_writer("beta");
    struct scope_writer *alpha = fixture_writer("alpha");
    (void)fixture_child(live_and_die, NULL);
    (void)fixture_child(live_and_die, NULL);
    copy_file("lsmscope.alpha", "lsmscope.gamma");
    int fd = open(fixture_path("lsmscope.junk"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    (void)close(fd);
    fd = open(fixture_path("unrelated"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    (void)close(fd);
    struct scope_listing *list = NULL;
    size_t count = 0;
    assert_int_equal(scope_list(&list, &count), 0);
    const struct {
        const char *name;
        enum scope_liveness liveness;
        int status;
    } expected[] = {{"a", SCOPE_CRASHED, 0},  {"a.crashed", SCOPE_CRASHED, 0},
                    {"alpha", SCOPE_LIVE, 0}, {"beta", SCOPE_LIVE, 0},
                    {"gamma", SCOPE_COPY, 0}, {"junk", SCOPE_LIVE, SCOPE_ERR_NOT_A_SEGMENT}};
    assert_int_equal(count, 6);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(list[i].name, expected[i].name);
        assert_int_equal(list[i].status, expected[i].status);
        assert_true(list[i].own);
        if (list[i].status == 0) {
            assert_int_equal(list[i].liveness, expected[i].liveness);
            assert_int_equal(list[i].bytes, list[i].info.total_bytes);
        }
    }
    free(list);
    scope_writer_close(alpha);
    scope_writer_close(beta);
}

static void a_plain_copy_opens_as_history(void **state) {
    (void)state;
    struct scope_writer *writer = fixture_writer("a");
    struct scope_sample sample = {.time_ns = 99};
    scope_publish_sample(writer, &sample);
    copy_file("lsmscope.a", "copy");
    struct scope_segment *segment = NULL;
    assert_int_equal(scope_attach_file(fixture_path("copy"), &segment, NULL), 0);
    assert_int_equal(scope_segment_liveness(segment), SCOPE_COPY);
    assert_false(scope_segment_replaced(segment));
    struct scope_cursor cursor;
    scope_cursor_init(&cursor, segment, SCOPE_RING_SAMPLES);
    assert_int_equal(scope_poll_sample(&cursor, &sample), SCOPE_POLL_RECORD);
    assert_int_equal(sample.time_ns, 99);
    scope_detach(segment);
    assert_int_equal(scope_attach_file(fixture_path("lsmscope.a"), &segment, NULL), 0);
    assert_int_equal(scope_segment_liveness(segment), SCOPE_LIVE); /* the thing itself */
    scope_detach(segment);
    scope_writer_close(writer);
}

/* ---- a full /dev/shm ------------------------------------------------------------------------ */

enum { CANNOT_MOUNT = 77 };

static void create_in_a_full_file_system(void *argument) {
    (void)argument;
    /* A file system of 1 MB of our own, seen by this process only. */
    if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
        _exit(CANNOT_MOUNT);
    }
    (void)mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    if (mount("tmpfs", fixture_directory(), "tmpfs", 0, "size=1m") != 0) {
        _exit(CANNOT_MOUNT);
    }
    struct scope_writer_options options = {.name = "a"};
    struct scope_writer *writer = NULL;
    struct scope_error_detail detail = {0};
    int rc = scope_writer_create(&options, &writer, &detail);
    bool clear = rc == SCOPE_ERR_NO_SPACE && scope_writer_probe(&options, NULL) == rc &&
                 strstr(detail.text, "no room") != NULL &&
                 strstr(detail.text, fixture_directory()) != NULL;
    _exit(clear && fixture_files() == 0 ? 0 : 1);
}

static void create_beyond_the_file_size_limit(void *argument) {
    (void)argument;
    const struct rlimit limit = {.rlim_cur = 1 << 20, .rlim_max = 1 << 20};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) {
        _exit(1);
    }
    struct scope_writer_options options = {.name = "a"};
    struct scope_writer *writer = NULL;
    struct scope_error_detail detail = {0};
    int rc = scope_writer_create(&options, &writer, &detail);
    _exit(rc == SCOPE_ERR_NO_SPACE && strstr(detail.text, "file size limit") != NULL ? 0 : 2);
}

static void a_file_size_limit_is_an_error_and_no_signal(void **state) {
    (void)state;
    int status = fixture_child(create_beyond_the_file_size_limit, NULL);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(fixture_files(), 0);
}

static void without_a_directory_for_shared_memory_the_error_says_so(void **state) {
    (void)state;
    struct scope_writer_options options = fixture_options("a");
    struct scope_writer *writer = NULL;
    struct scope_error_detail detail = {0};
    struct scope_listing *list = NULL;
    size_t count = 0;
    scope_shm_dir = "/nowhere/at/all";
    assert_int_equal(scope_writer_create(&options, &writer, &detail), SCOPE_ERR_SYSTEM);
    assert_non_null(strstr(detail.text, "/nowhere/at/all"));
    assert_int_equal(scope_list(&list, &count), SCOPE_ERR_NOT_FOUND);
    scope_shm_dir = fixture_directory();
}

static void a_full_file_system_is_a_clear_error_and_leaves_nothing(void **state) {
    (void)state;
    int status = fixture_child(create_in_a_full_file_system, NULL);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == CANNOT_MOUNT) {
        print_message("skipped: mounting a small tmpfs in a namespace is not permitted here\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(names_out_of_range_are_refused),
        CASE(options_out_of_range_are_refused_and_leave_nothing),
        CASE(the_defaults_fit_40_megabytes),
        CASE(a_segment_tells_what_it_was_given),
        CASE(metrics_are_found_by_id_and_described_by_the_segment),
        CASE(a_name_in_use_names_the_process_that_has_it),
        CASE(of_several_starters_on_a_dead_name_exactly_one_wins),
        CASE(probing_is_seen_by_nobody_and_answers_as_creating_would),
        CASE(a_clean_end_removes_the_name_and_lingering_keeps_it),
        CASE(a_closing_writer_leaves_a_name_alone_that_is_another_s_by_now),
        CASE(what_is_not_a_segment_is_refused_and_left_alone),
        CASE(another_users_segment_needs_to_be_asked_for),
        CASE(the_list_is_sorted_and_says_why_something_is_unreadable),
        CASE(a_plain_copy_opens_as_history),
        CASE(a_file_size_limit_is_an_error_and_no_signal),
        CASE(without_a_directory_for_shared_memory_the_error_says_so),
        CASE(a_full_file_system_is_a_clear_error_and_leaves_nothing),
    };
    return cmocka_run_group_tests_name("segment", tests, NULL, NULL);
}
