#include "watchers.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "scope.h"

enum { NAME_BYTES = 64 };

/* A request is a segment's name; an empty one, sent when the round is over, ends the watching. Both
 * are answered. */
struct answer {
    bool good;
    double cpu_s, records;
};

struct watcher {
    pid_t pid;
    int talk; /* a socket of packets */
};

/* Shared with the watchers. A number they look at between frames costs less than a poll of the
 * socket, which was a sixth of all their time. */
struct rounds {
    _Atomic unsigned over;
};

struct bench_watchers {
    struct watcher watcher[BENCH_WATCHERS];
    struct rounds *rounds;
};

static uint64_t copy_what_is_new(struct scope_segment *segment, struct scope_cursor cursor[3],
                                 struct scope_shape *shape) {
    static struct scope_histograms histograms; /* large */
    struct scope_sample sample;
    struct scope_event event;
    uint64_t records = 0;
    while (scope_poll_sample(&cursor[0], &sample) == SCOPE_POLL_RECORD) {
        records++;
    }
    while (scope_poll_event(&cursor[1], &event) == SCOPE_POLL_RECORD) {
        records++;
    }
    while (scope_poll_histograms(&cursor[2], &histograms) == SCOPE_POLL_RECORD) {
        records++;
    }
    return records + (scope_read_shape(segment, shape) == SCOPE_POLL_RECORD);
}

/* Sleeps until the next frame is due; one that is missed is not made up for. */
static void wait_frame(uint64_t *due_ns) {
    enum { FRAME_NS = 1000000000 / BENCH_WATCH_HZ };
    uint64_t now = bench_monotonic_ns();
    *due_ns = *due_ns + FRAME_NS > now ? *due_ns + FRAME_NS : now + FRAME_NS;
    struct timespec left = {.tv_nsec = (long)(*due_ns - now)};
    (void)nanosleep(&left, NULL);
}

/* Until the round after `over` others is over. */
static uint64_t follow(const struct rounds *rounds, unsigned over, struct scope_segment *segment,
                       struct scope_shape *shape) {
    struct scope_cursor cursor[3];
    uint64_t records = 0;
    scope_cursor_init(&cursor[0], segment, SCOPE_RING_SAMPLES);
    scope_cursor_init(&cursor[1], segment, SCOPE_RING_EVENTS);
    scope_cursor_init(&cursor[2], segment, SCOPE_RING_HISTOGRAMS);
    uint64_t due_ns = bench_monotonic_ns();
    while (atomic_load_explicit(&rounds->over, memory_order_relaxed) == over) {
        records += copy_what_is_new(segment, cursor, shape);
        wait_frame(&due_ns);
    }
    return records;
}

static void watch(const struct rounds *rounds, int talk) {
    char name[NAME_BYTES];
    struct scope_error_detail error;
    struct scope_shape shape = {.tables = calloc(SCOPE_MAX_TABLES, sizeof *shape.tables)};
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    scope_viewer_yield();
    while (shape.tables != NULL && recv(talk, name, sizeof name, 0) > 0) {
        struct scope_segment *segment = NULL;
        /* Before the answer: the round may be over before the first frame. */
        unsigned over = atomic_load_explicit(&rounds->over, memory_order_relaxed);
        struct answer answer = {.good = scope_attach(name, false, &segment, &error) == 0};
        (void)send(talk, &answer, sizeof answer, 0);
        if (answer.good) {
            double begin = bench_cpu_s(CLOCK_PROCESS_CPUTIME_ID);
            answer.records = (double)follow(rounds, over, segment, &shape);
            answer.cpu_s = bench_cpu_s(CLOCK_PROCESS_CPUTIME_ID) - begin;
            scope_detach(segment);
            if (recv(talk, name, sizeof name, 0) <= 0) {
                break;
            }
            (void)send(talk, &answer, sizeof answer, 0);
        }
    }
    _exit(0);
}

struct bench_watchers *bench_watchers_start(void) {
    struct bench_watchers *w = calloc(1, sizeof *w);
    if (w == NULL) {
        return NULL;
    }
    w->rounds =
        mmap(NULL, sizeof *w->rounds, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (w->rounds == MAP_FAILED) {
        free(w);
        return NULL;
    }
    for (int i = 0; i < BENCH_WATCHERS; i++) {
        int ends[2];
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
            bench_watchers_stop(w);
            return NULL;
        }
        w->watcher[i].talk = ends[0];
        w->watcher[i].pid = fork();
        if (w->watcher[i].pid == 0) {
            /* Only this socket: an end that another holds open would hide the worker's death. */
            for (int j = 0; j <= i; j++) {
                (void)close(w->watcher[j].talk);
            }
            watch(w->rounds, ends[1]);
        }
        (void)close(ends[1]);
        if (w->watcher[i].pid < 0) {
            (void)close(ends[0]);
            bench_watchers_stop(w);
            return NULL;
        }
    }
    return w;
}

static void end_round(struct bench_watchers *watchers) {
    (void)atomic_fetch_add_explicit(&watchers->rounds->over, 1, memory_order_relaxed);
}

static bool ask_all(struct bench_watchers *watchers, const char *request, size_t size,
                    struct answer answers[BENCH_WATCHERS]) {
    bool asked[BENCH_WATCHERS];
    bool good = true;
    for (int i = 0; i < BENCH_WATCHERS; i++) {
        asked[i] = send(watchers->watcher[i].talk, request, size, MSG_NOSIGNAL) == (ssize_t)size;
    }
    /* Each that was asked is heard: an answer left would be taken for that to the next request. */
    for (int i = 0; i < BENCH_WATCHERS; i++) {
        const ssize_t whole = (ssize_t)sizeof answers[i];
        bool heard =
            asked[i] && recv(watchers->watcher[i].talk, &answers[i], sizeof answers[i], 0) == whole;
        answers[i].good = heard && answers[i].good;
        good = good && answers[i].good;
    }
    return good;
}

bool bench_watchers_attach(struct bench_watchers *watchers, const char *name) {
    char request[NAME_BYTES] = "";
    struct answer answers[BENCH_WATCHERS];
    (void)snprintf(request, sizeof request, "%s", name);
    if (ask_all(watchers, request, sizeof request, answers)) {
        return true;
    }
    end_round(watchers); /* for those that could attach */
    for (int i = 0; i < BENCH_WATCHERS; i++) {
        struct answer left;
        if (answers[i].good) {
            (void)send(watchers->watcher[i].talk, "", 1, MSG_NOSIGNAL);
            (void)recv(watchers->watcher[i].talk, &left, sizeof left, 0);
        }
    }
    return false;
}

bool bench_watchers_detach(struct bench_watchers *watchers, double *cpu_s, double *records) {
    char request[NAME_BYTES] = "";
    struct answer answers[BENCH_WATCHERS];
    end_round(watchers);
    if (!ask_all(watchers, request, sizeof request, answers)) {
        return false;
    }
    *cpu_s = 0;
    *records = 0;
    for (int i = 0; i < BENCH_WATCHERS; i++) {
        *cpu_s += answers[i].cpu_s;
        *records += answers[i].records;
    }
    return true;
}

void bench_watchers_stop(struct bench_watchers *watchers) {
    if (watchers == NULL) {
        return;
    }
    end_round(watchers);
    for (int i = 0; i < BENCH_WATCHERS; i++) {
        if (watchers->watcher[i].pid > 0) {
            (void)close(watchers->watcher[i].talk);
            (void)waitpid(watchers->watcher[i].pid, NULL, 0);
        }
    }
    (void)munmap(watchers->rounds, sizeof *watchers->rounds);
    free(watchers);
}
