#include "measure.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "source.h"
#include "view.h"

enum { FRAMES = 41, ATTACHES = 5, RUNS = 5, STRETCHES = 5, STRETCH_S = 2, SETTLE_S = 3 };

/* ---- numbers --------------------------------------------------------------------------------- */

static double clock_s(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *values, size_t count) {
    qsort(values, count, sizeof(*values), ascending);
    return values[count / 2];
}

bool bench_init(struct bench *bench, const char *build) {
    bench->build = build;
    int length = snprintf(bench->observer, sizeof(bench->observer), "%s/lsm-observer", build);
    return length > 0 && (size_t)length < sizeof(bench->observer) &&
           access(bench->observer, X_OK) == 0;
}

void bench_tell(const struct bench *bench, const char *what, double value, const char *unit,
                double target, bool below) {
    (void)bench;
    printf("%-38s %9.2f %-8s", what, value, unit);
    if (target >= 0) {
        bool kept = below ? value <= target : value >= target;
        printf("  target %s %g %s: %s", below ? "<=" : ">=", target, unit,
               kept ? "kept" : "MISSED");
    }
    printf("\n");
    fflush(stdout);
}

void bench_path(const struct bench *bench, const char *file, char *path, size_t size) {
    snprintf(path, size, "%s/%s", bench->build, file);
}

/* ---- frames ---------------------------------------------------------------------------------- */

/* Resident memory without what is shared with the publisher. */
static double private_mb(void) {
    FILE *status = fopen("/proc/self/status", "re");
    char line[256];
    double kib = 0;
    while (status != NULL && fgets(line, sizeof(line), status) != NULL) {
        unsigned long part;
        if (sscanf(line, "RssAnon: %lu", &part) == 1 || sscanf(line, "RssFile: %lu", &part) == 1) {
            kib += (double)part;
        }
    }
    if (status != NULL) {
        fclose(status);
    }
    return kib / 1024;
}

/* One more sample, so that no picture is like the one before. */
static void sample_add(struct history *history) {
    struct history_value values[SCOPE_MAX_METRICS];
    size_t count = 0, all = 0;
    const struct scope_metric *metrics = scope_builtin_metrics(&all);
    for (size_t i = 0; i < all && count < SCOPE_MAX_METRICS; i++) {
        uint64_t value;
        if (history_latest(history, metrics[i].id, &value)) {
            values[count++] = (struct history_value){metrics[i].id, value + 100 + i};
        }
    }
    history_append(history, history_time(history, history_count(history) - 1) + 0.25, values,
                   count);
}

struct viewer {
    struct history *history;
    struct source *source;
    struct view view;
};

static bool viewer_open(struct viewer *viewer, const char *segment) {
    viewer->history = history_create();
    viewer->source =
        viewer->history == NULL ? NULL : source_shm_open(segment, false, viewer->history, false);
    if (viewer->source == NULL) {
        return false;
    }
    (void)source_poll(viewer->source, clock_s(CLOCK_MONOTONIC));
    view_init(&viewer->view, viewer->history, THEME_DARK);
    source_describe(viewer->source, &viewer->view, clock_s(CLOCK_MONOTONIC));
    viewer->view.interactive = true;
    return history_count(viewer->history) > 0;
}

static void viewer_close(struct viewer *viewer) {
    source_close(viewer->source);
    history_destroy(viewer->history);
}

static bool frames_draw(const char *segment, struct canvas *canvas, struct frame_costs *costs) {
    double cpu[FRAMES], wall[FRAMES], attach_cpu[ATTACHES], attach[ATTACHES];
    struct viewer viewer;
    for (int i = 0; i < ATTACHES; i++) {
        double cpu_s = clock_s(CLOCK_PROCESS_CPUTIME_ID), s = clock_s(CLOCK_MONOTONIC);
        if (!viewer_open(&viewer, segment)) {
            return false;
        }
        viewer.view.clock_s = s;
        (void)view_draw(&viewer.view, canvas);
        attach[i] = clock_s(CLOCK_MONOTONIC) - s;
        attach_cpu[i] = clock_s(CLOCK_PROCESS_CPUTIME_ID) - cpu_s;
        if (i + 1 < ATTACHES) {
            viewer_close(&viewer);
        }
    }
    for (int i = 0; i < FRAMES; i++) {
        sample_add(viewer.history);
        double cpu_s = clock_s(CLOCK_PROCESS_CPUTIME_ID), s = clock_s(CLOCK_MONOTONIC);
        viewer.view.clock_s = s;
        (void)view_draw(&viewer.view, canvas);
        wall[i] = clock_s(CLOCK_MONOTONIC) - s;
        cpu[i] = clock_s(CLOCK_PROCESS_CPUTIME_ID) - cpu_s;
    }
    *costs = (struct frame_costs){.cpu_s = median(cpu, FRAMES),
                                  .wall_s = median(wall, FRAMES),
                                  .attach_cpu_s = median(attach_cpu, ATTACHES),
                                  .attach_s = median(attach, ATTACHES),
                                  .memory_mb = private_mb()};
    viewer_close(&viewer);
    return true;
}

static void frames_child(const char *segment, int width, int height, int out) {
    struct frame_costs costs;
    char error[256] = "";
    struct canvas *canvas = canvas_raster_create(width, height, 1, NULL, error, sizeof(error));
    if (canvas == NULL) {
        fprintf(stderr, "bench_observer: %s\n", error);
        return;
    }
    if (!frames_draw(segment, canvas, &costs)) {
        fprintf(stderr, "bench_observer: nothing to draw\n");
    } else if (write(out, &costs, sizeof(costs)) != (ssize_t)sizeof(costs)) {
        fprintf(stderr, "bench_observer: nobody listens\n");
    }
    canvas_destroy(canvas);
}

bool measure_frames(const char *segment, int width, int height, struct frame_costs *costs) {
    int up[2];
    if (pipe2(up, O_CLOEXEC) != 0) {
        return false;
    }
    pid_t pid = fork();
    if (pid == 0) {
        frames_child(segment, width, height, up[1]);
        _exit(0);
    }
    close(up[1]);
    bool told = read(up[0], costs, sizeof(*costs)) == (ssize_t)sizeof(*costs);
    close(up[0]);
    (void)waitpid(pid, NULL, 0);
    return told;
}

/* ---- whole programs -------------------------------------------------------------------------- */

static pid_t program_start(const char *const arguments[], const char *driver) {
    pid_t pid = fork();
    if (pid == 0) {
        (void)setenv("SDL_VIDEODRIVER", driver, 1);
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        (void)dup2(null, STDOUT_FILENO);
        /* execv takes them unconst for history's sake, and does not write. */
        execv(arguments[0], (char *const *)(uintptr_t)arguments);
        fprintf(stderr, "bench_observer: %s cannot be started\n", arguments[0]);
        _exit(127);
    }
    return pid;
}

pid_t measure_start(const char *const arguments[]) {
    return program_start(arguments, "dummy");
}

static double seconds_of(struct timeval time) {
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

bool measure_end(pid_t pid, struct run_costs *costs) {
    struct rusage usage;
    int status = 0;
    if (pid < 0 || wait4(pid, &status, 0, &usage) != pid || !WIFEXITED(status) ||
        WEXITSTATUS(status) != 0) {
        fprintf(stderr, "bench_observer: the observer failed\n");
        return false;
    }
    costs->cpu_s = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
    costs->memory_mb = (double)usage.ru_maxrss / 1024;
    return true;
}

bool measure_runs(const char *const arguments[], struct run_costs *costs) {
    double cpu[RUNS], wall[RUNS], memory[RUNS];
    for (int i = 0; i < RUNS; i++) {
        double began_s = clock_s(CLOCK_MONOTONIC);
        if (!measure_end(measure_start(arguments), costs)) {
            return false;
        }
        wall[i] = clock_s(CLOCK_MONOTONIC) - began_s;
        cpu[i] = costs->cpu_s;
        memory[i] = costs->memory_mb;
    }
    costs->cpu_s = median(cpu, RUNS);
    costs->wall_s = median(wall, RUNS);
    costs->memory_mb = median(memory, RUNS);
    return true;
}

/* CPU of a running process so far. */
static double cpu_of(pid_t pid) {
    char path[64], text[1024] = "";
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    unsigned long user = 0, kernel = 0;
    if (file != NULL) {
        size_t length = fread(text, 1, sizeof(text) - 1, file);
        text[length] = '\0';
        fclose(file);
    }
    const char *after = strrchr(text, ')'); /* the name may hold anything */
    if (after == NULL || sscanf(after + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
                                &user, &kernel) != 2) {
        return -1;
    }
    return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

/* A display without a screen, for a viewer's window. Its process, or -1 when there is no Xvfb: the
 * viewer then takes SDL's dummy driver, which wakes a thousand times a second to look for events.
 */
static pid_t display_start(char display[16]) {
    int up[2];
    if (pipe(up) != 0) {
        return -1;
    }
    pid_t pid = fork();
    if (pid == 0) {
        char number[16];
        snprintf(number, sizeof(number), "%d", up[1]);
        close(up[0]);
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        (void)dup2(null, STDERR_FILENO);
        execlp("Xvfb", "Xvfb", "-displayfd", number, "-screen", "0", "1400x900x24", "-nolisten",
               "tcp", (char *)NULL);
        _exit(127);
    }
    close(up[1]);
    FILE *told = fdopen(up[0], "r");
    unsigned number = 0;
    bool there = told != NULL && fscanf(told, "%u", &number) == 1;
    if (told != NULL) {
        fclose(told);
    }
    if (there) {
        snprintf(display, 16, ":%u", number);
        return pid;
    }
    (void)waitpid(pid, NULL, 0);
    return -1;
}

bool measure_viewer_share(const char *build, const char *segment, double *share) {
    char observer[512], name[64];
    snprintf(observer, sizeof(observer), "%s/lsm-observer", build);
    snprintf(name, sizeof(name), "%s", segment);
    const char *const arguments[] = {observer,   "--attach",    name, "--size",
                                     "1280x720", "--no-config", NULL};
    char display[16];
    pid_t server = display_start(display);
    if (server > 0) {
        (void)setenv("DISPLAY", display, 1);
    }
    pid_t pid = program_start(arguments, server > 0 ? "x11" : "dummy");
    double part[STRETCHES];
    sleep(SETTLE_S);
    bool told = true;
    for (int i = 0; i < STRETCHES; i++) {
        double cpu_s = cpu_of(pid), s = clock_s(CLOCK_MONOTONIC);
        sleep(STRETCH_S);
        part[i] = (cpu_of(pid) - cpu_s) / (clock_s(CLOCK_MONOTONIC) - s);
        told = told && cpu_s >= 0;
    }
    kill(pid, SIGTERM);
    int status = 0;
    told = waitpid(pid, &status, 0) == pid && WIFEXITED(status) && told;
    if (server > 0) {
        kill(server, SIGTERM);
        (void)waitpid(server, NULL, 0);
    }
    *share = median(part, STRETCHES);
    return told;
}
