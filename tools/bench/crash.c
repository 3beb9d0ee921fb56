#include "crash.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "workload.h"

/* Shared by the bench, its forker and the victim of the moment. */
struct board {
    _Atomic int64_t victim;        /* process id; 0: none yet */
    _Atomic uint64_t gone;         /* victims that have ended */
    _Atomic uint64_t acknowledged; /* by the victim */
    _Atomic uint64_t failed;
    char error[BENCH_ERROR_TEXT];
};

struct bench_crasher {
    pid_t pid; /* of the forker; 0: ended */
    int go;    /* a count written here starts a victim; closed, the forker goes home */
    uint64_t crashes;
    struct board *board;
};

static void put_all(const struct bench_engine *engine, struct bench_setup *setup,
                    struct board *board, uint64_t count) {
    char key[BENCH_KEY_MAX];
    char *value = malloc(bench_workload.value_size);
    void *db = NULL;
    void *session = NULL;
    if (value != NULL && engine->load(setup->error)) {
        db = engine->open(setup);
        session = db != NULL ? engine->session_open(db) : NULL;
    }
    int status = session != NULL ? BENCH_OK : BENCH_FAILED;
    for (uint64_t i = 0; i < count && status == BENCH_OK; i++) {
        uint64_t id = bench_permute(i, 3);
        bench_key_make(id, key);
        bench_value_make(id, 0, value);
        status = engine->put(session, (struct bench_slice){key, bench_workload.key_size},
                             (struct bench_slice){value, bench_workload.value_size});
        if (status == BENCH_OK) {
            atomic_store_explicit(&board->acknowledged, i + 1, memory_order_release);
        }
    }
    if (status != BENCH_OK) {
        (void)snprintf(board->error, sizeof board->error, "%s", setup->error);
        atomic_store_explicit(&board->failed, 1, memory_order_release);
    }
    for (;;) {
        (void)pause(); /* for the kill */
    }
}

/* A fresh process for each crash, from one that never ran an engine. */
static void forker(const struct bench_engine *engine, const struct bench_setup *setup,
                   struct board *board, int go) {
    uint64_t count = 0;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (read(go, &count, sizeof count) == (ssize_t)sizeof count) {
        pid_t pid = fork();
        if (pid == 0) {
            struct bench_setup own = *setup;
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
            put_all(engine, &own, board, count);
        }
        if (pid > 0) {
            atomic_store_explicit(&board->victim, pid, memory_order_release);
            (void)waitpid(pid, NULL, 0);
        }
        atomic_fetch_add_explicit(&board->gone, 1, memory_order_release);
    }
    _exit(0);
}

struct bench_crasher *bench_crasher_start(const struct bench_engine *engine,
                                          const struct bench_setup *setup) {
    int ends[2];
    struct bench_crasher *crasher = calloc(1, sizeof *crasher);
    struct board *board =
        mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (crasher == NULL || board == MAP_FAILED || pipe(ends) != 0) {
        free(crasher);
        return NULL;
    }
    crasher->board = board;
    crasher->go = ends[1];
    crasher->pid = fork();
    if (crasher->pid == 0) {
        (void)close(ends[1]);
        forker(engine, setup, board, ends[0]);
    }
    (void)close(ends[0]);
    if (crasher->pid < 0) {
        (void)close(ends[1]);
        free(crasher);
        return NULL;
    }
    return crasher;
}

/* Has the victim of this crash ended, or the forker, without which there is none? */
static bool is_over(struct bench_crasher *crasher) {
    if (waitpid(crasher->pid, NULL, WNOHANG) != 0) {
        crasher->pid = 0;
        return true;
    }
    return atomic_load_explicit(&crasher->board->gone, memory_order_acquire) >= crasher->crashes;
}

uint64_t bench_crasher_crash(struct bench_crasher *crasher, uint64_t count,
                             char error[BENCH_ERROR_TEXT]) {
    struct board *board = crasher->board;
    struct timespec pause_time = {.tv_nsec = 1000000};
    (void)snprintf(error, BENCH_ERROR_TEXT, "the process to be killed does not answer");
    atomic_store(&board->victim, 0);
    atomic_store(&board->acknowledged, 0);
    atomic_store(&board->failed, 0);
    if (crasher->pid <= 0 || write(crasher->go, &count, sizeof count) != (ssize_t)sizeof count) {
        return 0;
    }
    crasher->crashes++;
    while (atomic_load_explicit(&board->victim, memory_order_acquire) == 0 ||
           (atomic_load_explicit(&board->acknowledged, memory_order_acquire) < count &&
            atomic_load_explicit(&board->failed, memory_order_acquire) == 0)) {
        if (is_over(crasher)) {
            return 0;
        }
        (void)nanosleep(&pause_time, NULL);
    }
    (void)kill((pid_t)atomic_load(&board->victim), SIGKILL);
    while (!is_over(crasher)) {
        (void)nanosleep(&pause_time, NULL);
    }
    if (atomic_load_explicit(&board->failed, memory_order_acquire) != 0) {
        (void)snprintf(error, BENCH_ERROR_TEXT, "%s", board->error);
        return 0;
    }
    return atomic_load_explicit(&board->acknowledged, memory_order_acquire);
}

void bench_crasher_stop(struct bench_crasher *crasher) {
    if (crasher == NULL) {
        return;
    }
    (void)close(crasher->go);
    if (crasher->pid > 0) {
        (void)waitpid(crasher->pid, NULL, 0);
    }
    (void)munmap(crasher->board, sizeof *crasher->board);
    free(crasher);
}
