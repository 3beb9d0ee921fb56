#include "suite.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "curve.h"
#include "files.h"
#include "results.h"
#include "worker.h"
#include "workload.h"

static volatile sig_atomic_t interrupted;

static void on_signal(int number) {
    (void)number;
    interrupted = 1;
}

/* No SA_RESTART: a read from a worker ends at once. */
static void catch_signals(void) {
    struct sigaction action = {.sa_handler = on_signal};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGHUP, &action, NULL);
    action.sa_handler = SIG_IGN;
    (void)sigaction(SIGPIPE, &action, NULL);
}

static bool choose_engines(const struct bench_args *args, size_t *engines, size_t *count,
                           char error[256]) {
    char text[512];
    const char *names[BENCH_LIST_MAX];
    *count = 0;
    if (args->engine == NULL) {
        for (size_t i = 0; i < bench_engine_count; i++) {
            if (!bench_engines[i]->on_request) {
                engines[(*count)++] = i;
            }
        }
        return true;
    }
    size_t given = bench_args_split(args->engine, text, sizeof text, names);
    for (size_t i = 0; i < given; i++) {
        size_t found = 0;
        while (found < bench_engine_count && strcmp(bench_engines[found]->name, names[i]) != 0) {
            found++;
        }
        for (size_t j = 0; j < *count; j++) {
            found = engines[j] == found ? bench_engine_count : found;
        }
        if (found == bench_engine_count) {
            (void)snprintf(error, 256, "--engine: '%.60s' is unknown or named twice", names[i]);
            return false;
        }
        engines[(*count)++] = found;
    }
    if (given == 0) {
        (void)snprintf(error, 256, "--engine: '%.60s' is not a list of names", args->engine);
    }
    return given > 0;
}

static size_t index_of(const char *engine) {
    size_t i = 0;
    while (strcmp(bench_engines[i]->name, engine) != 0) {
        i++;
    }
    return i;
}

/* In the place of lsm comes lsm with each of the policies asked for. */
static bool choose_policies(const struct bench_args *args, size_t *engines, size_t *count,
                            char error[256]) {
    static const struct {
        const char *policy, *engine;
    } known[] = {{"leveled", "lsm"}, {"tiered", "lsm-tiered"}, {"lazy-leveled", "lsm-lazy"}};
    enum { KNOWN = sizeof known / sizeof known[0] };
    char text[256];
    const char *names[BENCH_LIST_MAX];
    size_t given = bench_args_split(args->policy, text, sizeof text, names);
    size_t at = 0;
    while (at < *count && engines[at] != index_of("lsm")) {
        at++;
    }
    if (given == 0 || given > KNOWN || at == *count || *count + given > BENCH_LIST_MAX) {
        (void)snprintf(error, 256, "--policy: '%.60s' is not a list of policies of engine lsm",
                       args->policy);
        return false;
    }
    memmove(engines + at + given, engines + at + 1, (*count - at - 1) * sizeof *engines);
    *count += given - 1;
    for (size_t i = 0; i < given; i++) {
        size_t k = 0;
        while (k < KNOWN && strcmp(known[k].policy, names[i]) != 0) {
            k++;
        }
        size_t engine = k < KNOWN ? index_of(known[k].engine) : bench_engine_count;
        for (size_t j = 0; j < at + i; j++) {
            engine = engines[j] == engine ? bench_engine_count : engine;
        }
        if (engine == bench_engine_count) {
            (void)snprintf(error, 256, "--policy: '%.60s' is unknown or named twice", names[i]);
            return false;
        }
        engines[at + i] = engine;
    }
    return true;
}

/* A phase's name, or that of a group of phases. False when there is neither, or no room. */
static bool choose_by_name(const char *name, size_t *phases, size_t *count) {
    bool found = false;
    for (size_t i = 0; i < bench_phase_count; i++) {
        const char *group = bench_phases[i].group;
        if (strcmp(bench_phases[i].name, name) == 0 ||
            (group != NULL && strcmp(group, name) == 0)) {
            if (*count == BENCH_LIST_MAX) {
                return false;
            }
            phases[(*count)++] = i;
            found = true;
        }
    }
    return found;
}

static bool choose_phases(const struct bench_args *args, size_t *phases, size_t *count,
                          char error[256]) {
    char text[1024];
    const char *names[BENCH_LIST_MAX];
    *count = 0;
    if (args->phases == NULL) {
        for (size_t i = 0; i < bench_phase_count; i++) {
            if (!bench_phases[i].on_request) {
                phases[(*count)++] = i;
            }
        }
        return true;
    }
    size_t given = bench_args_split(args->phases, text, sizeof text, names);
    for (size_t i = 0; i < given; i++) {
        if (!choose_by_name(names[i], phases, count)) {
            (void)snprintf(error, 256, "--phases: there is no '%.60s', or the list is too long",
                           names[i]);
            return false;
        }
    }
    if (given == 0) {
        (void)snprintf(error, 256, "--phases: '%.60s' is not a list of names", args->phases);
    }
    return given > 0;
}

static bool take(struct bench_set *set, const struct bench_result *message) {
    size_t engine = message->engine;
    if (message->phase == BENCH_RESULT_ABSENT) {
        (void)snprintf(set->absent[engine], sizeof set->absent[engine], "%.255s", message->error);
        return true;
    }
    if (message->phase == BENCH_RESULT_SETTINGS) {
        (void)snprintf(set->settings[engine], sizeof set->settings[engine], "%s", message->error);
        return true;
    }
    char rate[32];
    bench_format_count(message->value[BENCH_OPS_S], rate, sizeof rate);
    fprintf(stderr, "%-8s %-16s %s\n", bench_engines[engine]->name,
            bench_phases[message->phase].name, message->error[0] != '\0' ? message->error : rate);
    return bench_set_add(set, message);
}

/* One engine, once. False: out of memory, or no process to be had. */
static bool run_job(struct bench_set *set, const struct bench_job *job) {
    struct bench_job own = *job;
    struct bench_result message;
    int ends[2];
    if (pipe(ends) != 0) {
        return false;
    }
    (void)fflush(NULL);
    own.results = ends[1];
    pid_t child = fork();
    if (child == 0) {
        (void)close(ends[0]);
        (void)signal(SIGINT, SIG_IGN); /* the parent decides */
        _exit(bench_worker(&own));
    }
    (void)close(ends[1]);
    bool good = child > 0;
    size_t received = 0;
    while (good && !interrupted) {
        ssize_t n = read(ends[0], &message, sizeof message);
        if (n != (ssize_t)sizeof message) {
            break;
        }
        good = take(set, &message);
        received++;
    }
    (void)close(ends[0]);
    if (child > 0) {
        int status = 0;
        if (interrupted || !good) {
            (void)kill(child, SIGKILL);
        }
        while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
        }
        if (good && !interrupted && WIFSIGNALED(status)) {
            struct bench_result died = {.engine = (uint32_t)job->engine, .repeat = job->repeat};
            size_t at = received > 0 ? received - 1 : 0;
            died.order = (uint32_t)(at < job->phase_count ? at : job->phase_count - 1);
            died.phase = (uint32_t)job->phases[died.order];
            bench_result_clear(&died);
            (void)bench_fail(&died, "the process died by signal %d", WTERMSIG(status));
            good = take(set, &died);
        }
    }
    return good;
}

bool bench_suite_run(struct bench_set *set) {
    const struct bench_args *args = set->args;
    char dir[512];
    bool good = true;
    if (!bench_workload_init(args->num, (size_t)args->key_size, (size_t)args->value_size,
                             args->seed)) {
        return false;
    }
    for (uint64_t repeat = 0; repeat < args->repeat && good && !interrupted; repeat++) {
        for (size_t e = 0; e < set->engine_count && good && !interrupted; e++) {
            if (set->absent[set->engines[e]][0] != '\0') {
                continue;
            }
            (void)snprintf(dir, sizeof dir, "%.400s/lsm-bench.XXXXXX", args->dir);
            if (mkdtemp(dir) == NULL) {
                fprintf(stderr, "lsm-bench: %s: %s\n", dir, strerror(errno));
                return false;
            }
            struct bench_job job = {.args = args,
                                    .engine = set->engines[e],
                                    .phases = set->phases,
                                    .phase_count = set->phase_count,
                                    .repeat = (uint32_t)repeat,
                                    .dir = dir};
            good = run_job(set, &job);
            if (!bench_files_remove(dir, true)) {
                fprintf(stderr, "lsm-bench: %s could not be removed\n", dir);
            }
        }
    }
    return good && !interrupted;
}

static bool any_engine(const struct bench_set *set) {
    for (size_t e = 0; e < set->engine_count; e++) {
        if (set->absent[set->engines[e]][0] == '\0') {
            return true;
        }
    }
    return false;
}

static int run_and_report(struct bench_set *set) {
    const struct bench_args *args = set->args;
    if (args->curve != NULL) {
        int status = bench_curve_main(set);
        return interrupted ? 130 : status;
    }
    bool good = bench_suite_run(set);
    if (args->json) {
        bench_print_json(set, stdout);
    } else {
        bench_print_settings(set, stdout);
        bench_print_tables(set, stdout);
    }
    if (fflush(stdout) != 0) {
        fprintf(stderr, "lsm-bench: the report cannot be written: %s\n", strerror(errno));
        return 1;
    }
    if (interrupted) {
        return 130;
    }
    if (!any_engine(set)) {
        fprintf(stderr, "lsm-bench: none of these engines is installed\n");
        return 2;
    }
    return good && !bench_set_failed(set) ? 0 : 1;
}

int bench_suite_main(const struct bench_args *args) {
    size_t engines[BENCH_LIST_MAX];
    size_t phases[BENCH_LIST_MAX];
    char error[256];
    struct bench_set set = {.args = args, .engines = engines, .phases = phases};
    if (!choose_engines(args, engines, &set.engine_count, error) ||
        (args->policy != NULL && !choose_policies(args, engines, &set.engine_count, error)) ||
        !choose_phases(args, phases, &set.phase_count, error)) {
        fprintf(stderr, "lsm-bench: %s; lsm-bench --help tells more\n", error);
        return 2;
    }
    if (access(args->dir, W_OK | X_OK) != 0) {
        fprintf(stderr, "lsm-bench: --dir %s: %s\n", args->dir, strerror(errno));
        return 2;
    }
    set.absent = calloc(bench_engine_count, sizeof *set.absent);
    set.settings = calloc(bench_engine_count, sizeof *set.settings);
    catch_signals();
    int status = 1;
    if (set.absent != NULL && set.settings != NULL) {
        status = run_and_report(&set);
    }
    free(set.absent);
    free(set.settings);
    free(set.result);
    return status;
}
