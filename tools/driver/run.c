#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "driver_check.h"
#include "console.h"
#include "load.h"
#include "prepare.h"
#include "progress.h"
#include "publish.h"
#include "result.h"
#include "signals.h"
#include "sink.h"

enum {
    TICK_NS = 100000000,
    LAST_TICK_NS = 1000000, /* while the workers come to their end */
    LINES_PER_SECOND = 40,  /* of the event log: more than that nobody reads */
    START_DELAY_NS = 2000000,
    REPORT_BYTES = 16384,
};

struct run {
    const struct driver_args *args;
    struct driver_console console;
    struct driver_events events;
    struct driver_prepared prepared;
    struct driver_workload load;
    struct driver_worker *workers;
    struct driver_sink sink;
    struct lsm_publish *publish;
    struct lsm_latency before[KINDS]; /* service times of the load phase */
    struct lsm_stats shown;           /* what the progress line last showed */
    uint64_t shown_ns;
    uint64_t lines, lines_ns; /* log lines of the second that began at lines_ns */
    uint64_t unshown;
    bool record_told;
    struct driver_result result;
};

static void complain(const char *text) {
    (void)fprintf(stderr, "lsm-driver: %s\n", text);
}

/* ---- while it runs --------------------------------------------------------------------------- */

static void print_events(struct run *run, uint64_t now_ns) {
    struct driver_logged line;
    uint64_t dropped;
    char text[400];
    if (now_ns - run->lines_ns >= 1000000000u) {
        run->lines = 0;
        run->lines_ns = now_ns;
        if (run->unshown > 0) {
            (void)snprintf(text, sizeof text, "  ... %llu more events",
                           (unsigned long long)run->unshown);
            driver_console_line(&run->console, text);
            run->unshown = 0;
        }
    }
    while (driver_events_take(&run->events, &line, &dropped)) {
        bool always = line.event.type == LSM_EVENT_ERROR || line.event.type == LSM_EVENT_NOTICE ||
                      (int)line.event.type == 0;
        if (run->lines >= LINES_PER_SECOND && !always) {
            run->unshown++;
            continue;
        }
        run->lines++;
        driver_event_format(&line, run->load.start_ns, text, sizeof text);
        driver_console_line(&run->console, text);
    }
    run->unshown += dropped;
}

static void print_progress(struct run *run, uint64_t now_ns, bool force) {
    uint64_t every = run->console.terminal ? 5 * (uint64_t)TICK_NS : 10 * (uint64_t)TICK_NS;
    if (now_ns < run->shown_ns || (!force && now_ns - run->shown_ns < every)) {
        return;
    }
    struct lsm_stats stats;
    char text[512];
    struct driver_page page = {.text = text, .size = sizeof text};
    lsm_stats_read(run->prepared.db, &stats);
    uint64_t interval = now_ns - run->shown_ns;
    driver_progress(&page, run->args, &run->shown, &stats, interval > 0 ? interval : 1,
                    now_ns - run->load.start_ns);
    uint64_t refused = 0;
    for (uint64_t i = 0; i < run->args->threads; i++) {
        refused += atomic_load_explicit(&run->workers[i].refused, memory_order_relaxed);
    }
    if (refused > 0) {
        struct driver_text count;
        driver_page_add(&page, " | refused %s", driver_text_count(&count, refused));
    }
    driver_console_progress(&run->console, text);
    run->shown = stats;
    run->shown_ns = now_ns;
}

/* Once, when it happens. The run goes on. */
static void tell_record(struct run *run) {
    struct driver_record *record = &run->prepared.record;
    /* Acquire: pairs with the release in record.c. */
    if (!run->record_told && atomic_load_explicit(&record->failed, memory_order_acquire)) {
        char text[320];
        (void)snprintf(text, sizeof text, "%s; the run goes on, the recording ends here",
                       record->error.text);
        driver_console_text(&run->console, "");
        complain(text);
        run->record_told = true;
    }
}

/* Not past the end of the run: the last sample would cover idle time and show a dip that never was.
 */
static void rest(const struct run *run) {
    uint64_t now = driver_now_ns();
    uint64_t left = now < run->load.end_ns ? run->load.end_ns - now : LAST_TICK_NS;
    uint64_t ns = left < LAST_TICK_NS ? LAST_TICK_NS : left < TICK_NS ? left : TICK_NS;
    struct timespec t = {0, (long)ns};
    (void)nanosleep(&t, NULL); /* a signal wakes it, and that is meant */
}

static void tick(struct run *run) {
    rest(run);
    if (atomic_load(&driver_interrupted)) {
        atomic_store(&run->load.stop, true);
    }
    uint64_t now = driver_now_ns();
    print_events(run, now);
    print_progress(run, now, false);
    tell_record(run);
}

/* A line from a terminal, a pipe or a file. Runs in the markers' thread. */
static void on_marker(void *context, const char *text) {
    struct run *run = context;
    char line[160];
    lsm_publish_marker(run->publish, text);
    (void)snprintf(line, sizeof line, "MARKER: %s", text);
    driver_events_say(&run->events, driver_now_ns(), line);
}

/* ---- the stages ------------------------------------------------------------------------------ */

/* Starting has moved the segment of a run that crashed aside: it is a picture of the crash. */
static void hint_crashed(struct run *run) {
    struct scope_listing *list = NULL;
    size_t count = 0;
    char name[80];
    (void)snprintf(name, sizeof name, "%s.crashed", run->args->name);
    if (scope_list(&list, &count) != 0) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i].name, name) == 0) {
            char text[320];
            (void)snprintf(text, sizeof text,
                           "  an earlier run of this name crashed; its picture: lsm-observer "
                           "--segment /dev/shm/lsmscope.%s; lsm-ls --clean frees it",
                           name);
            driver_console_line(&run->console, text);
        }
    }
    free(list);
}

static void greet(struct run *run) {
    char text[2048];
    struct driver_page page = {.text = text, .size = sizeof text};
    struct lsm_stats stats;
    lsm_stats_read(run->prepared.db, &stats);
    driver_greeting(&page, run->args, &stats, run->prepared.existed);
    if (!run->args->quiet) {
        driver_console_text(&run->console, text);
    }
    hint_crashed(run);
    if (stats.recovery_cut_bytes > 0) {
        (void)snprintf(text, sizeof text, "  %llu bytes of unfinished log were cut off",
                       (unsigned long long)stats.recovery_cut_bytes);
        driver_console_line(&run->console, text);
    }
}

static void on_load_progress(void *context, uint64_t keys) {
    struct run *run = context;
    char text[120];
    struct driver_text t1, t2;
    (void)snprintf(text, sizeof text, "  loading: %s of %s keys", driver_text_count(&t1, keys),
                   driver_text_count(&t2, run->args->key_space));
    driver_console_progress(&run->console, text);
}

/* Whether an empty database is to be filled first. */
static bool load_due(const struct run *run) {
    struct lsm_stats stats;
    lsm_stats_read(run->prepared.db, &stats);
    return run->args->load && stats.last_sequence == 0;
}

/* REQUIRES: load_due. Returns the exit status. */
static int load_first(struct run *run) {
    driver_console_line(&run->console, "  loading the key space first; the clock starts after it");
    struct driver_load_progress progress = {
        .report = on_load_progress, .context = run, .stop = &driver_interrupted};
    uint64_t keys = 0;
    uint64_t begin = driver_now_ns();
    int rc = driver_load(run->prepared.db, run->args, &progress, &keys);
    if (rc != 0) {
        char text[400], detail[256];
        lsm_error_detail(run->prepared.db, detail, sizeof detail);
        (void)snprintf(text, sizeof text, "loading failed: %s: %s", lsm_strerror(rc), detail);
        driver_console_text(&run->console, "");
        complain(text);
        return DRIVER_FAILED;
    }
    char text[120];
    struct driver_text t1, t2;
    (void)snprintf(text, sizeof text, "  loaded %s keys in %s", driver_text_count(&t1, keys),
                   driver_text_ns(&t2, driver_now_ns() - begin));
    driver_console_line(&run->console, text);
    return DRIVER_OK;
}

static int start_recording(struct run *run) {
    struct scope_error_detail detail = {.code = 0};
    if (driver_record_start(&run->prepared.record, run->args->name, &detail) == 0) {
        return DRIVER_OK;
    }
    char text[320];
    (void)snprintf(text, sizeof text, "--record: %s", detail.text);
    complain(text);
    lsm_publish_stop(run->publish);
    return DRIVER_FAILED;
}

static int start_publishing(struct run *run) {
    struct lsm_publish_options options = lsm_publish_options_default();
    char description[200];
    struct driver_page page = {.text = description, .size = sizeof description};
    driver_workload_text(&page, run->args);
    driver_page_add(&page, "; %s",
                    run->args->async_compaction ? "background compaction"
                                                : "compaction in the writer");
    options.sample_interval_ns = run->args->sample_ns;
    options.description = description;
    options.linger = run->args->linger;
    driver_history_slots(run->args, &options.samples, &options.events, &options.seconds);
    driver_sink_attach(&run->sink, &options);
    struct scope_error_detail detail = {.code = 0};
    int rc = lsm_publish_start(run->prepared.db, run->args->name, &options, &run->publish, &detail);
    if (rc == 0) {
        return start_recording(run);
    }
    char text[512];
    int status = driver_segment_refused(run->args, rc, &detail, text);
    complain(text);
    return status;
}

static int start_workers(struct run *run) {
    const struct driver_args *args = run->args;
    struct driver_workload *load = &run->load;
    run->workers = calloc((size_t)args->threads, sizeof *run->workers);
    if (run->workers == NULL) {
        complain("out of memory");
        return DRIVER_FAILED;
    }
    run->sink.workers = run->workers;
    load->start_ns = driver_now_ns() + START_DELAY_NS + args->threads * 100000;
    load->end_ns = load->start_ns + args->duration_ns;
    uint64_t started = 0;
    int rc = 0;
    for (; started < args->threads; started++) {
        rc = driver_worker_start(&run->workers[started], load, started);
        if (rc != 0) {
            break;
        }
    }
    /* Release: the sampler may look at the workers from now on. */
    atomic_store_explicit(&run->sink.ready, started, memory_order_release);
    if (rc != 0) {
        char text[120];
        (void)snprintf(text, sizeof text, "cannot start a worker thread: %s", strerror(rc));
        complain(text);
        atomic_store(&load->stop, true);
        return DRIVER_FAILED;
    }
    rc = driver_markers_start(&run->prepared.markers, on_marker, run);
    if (rc != 0) {
        complain("cannot start the thread that reads markers; going on without");
    }
    return DRIVER_OK;
}

/* ---- the end --------------------------------------------------------------------------------- */

static void collect_worker(struct run *run, struct driver_worker *worker) {
    struct driver_result *r = &run->result;
    r->worker_cpu_ns += worker->cpu_ns;
    r->worker_runqueue_ns += worker->runqueue_ns;
    r->worker_waited_ns += worker->waited_ns;
    r->worker_switches += worker->switches;
    r->refused += atomic_load(&worker->refused);
    uint64_t elapsed =
        worker->ended_ns > run->load.start_ns ? worker->ended_ns - run->load.start_ns : 0;
    r->elapsed_ns = elapsed > r->elapsed_ns ? elapsed : r->elapsed_ns;
    for (unsigned k = 0; k < KINDS; k++) {
        r->done[k] += atomic_load(&worker->done[k]);
        for (unsigned b = 0; b < LSM_LATENCY_BUCKETS; b++) {
            r->response[k].count[b] += atomic_load(&worker->latency[k].count[b]);
        }
        uint64_t max = atomic_load(&worker->latency[k].max_ns);
        r->response[k].max_ns = max > r->response[k].max_ns ? max : r->response[k].max_ns;
    }
}

static void collect(struct run *run) {
    struct driver_result *r = &run->result;
    r->args = run->args;
    r->start_ns = run->load.start_ns;
    r->interrupted = atomic_load(&driver_interrupted);
    for (uint64_t i = 0; i < run->args->threads; i++) {
        collect_worker(run, &run->workers[i]);
    }
    r->elapsed_ns = r->elapsed_ns > 0 ? r->elapsed_ns : 1;
    lsm_stats_read(run->prepared.db, &r->end);
    for (unsigned k = 0; k < KINDS; k++) {
        lsm_latency_read(run->prepared.db, (enum lsm_op)k, false, &r->service[k]);
        driver_latency_subtract(&r->service[k], &run->before[k]);
        unsigned top = 0;
        for (unsigned b = 0; b < LSM_LATENCY_BUCKETS; b++) {
            top = r->service[k].count[b] > 0 ? b : top;
        }
        /* The engine's maximum is that since the open: what was before lies in a bucket of its own,
         * or in the same as ours. */
        bool before =
            top + 1 < LSM_LATENCY_BUCKETS && r->service[k].max_ns >= lsm_bucket_floor(top + 1);
        if (before) {
            r->service[k].max_ns = lsm_bucket_floor(top + 1);
        }
    }
    r->longest_stall = driver_events_longest_stall(&run->events);
    r->watch_ns = lsm_publish_cpu_ns(run->publish);
}

static void summarise(struct run *run) {
    char *text = malloc(REPORT_BYTES);
    if (text == NULL) {
        return;
    }
    struct driver_page page = {.text = text, .size = REPORT_BYTES};
    run->result.samples = atomic_load(&run->sink.samples);
    run->result.csv_rows = run->prepared.csv.rows;
    run->result.csv_error = run->prepared.csv.error;
    const struct driver_record *record = &run->prepared.record;
    run->result.recorded = record->totals;
    run->result.record_error = atomic_load(&record->failed) ? record->error.text : NULL;
    driver_report(&page, &run->result);
    driver_diagnose(&page, &run->result);
    if (run->args->explain) {
        driver_explain(&page, &run->result);
    }
    driver_console_text(&run->console, text);
    free(text);
}

/* From the start of the clock to the summary. */
static int measured_run(struct run *run) {
    int status = start_workers(run);
    run->shown = run->result.base;
    run->shown_ns = run->lines_ns = run->load.start_ns;
    while (status == DRIVER_OK && atomic_load(&run->load.running) > 0) {
        tick(run);
    }
    uint64_t started = atomic_load(&run->sink.ready);
    for (uint64_t i = 0; i < started; i++) {
        driver_worker_join(&run->workers[i]);
    }
    driver_markers_close(&run->prepared.markers);
    if (status == DRIVER_OK) {
        print_events(run, driver_now_ns());
        collect(run);
    }
    lsm_publish_stop(run->publish);
    driver_record_close(&run->prepared.record);
    tell_record(run);
    driver_csv_close(&run->prepared.csv);
    if (status != DRIVER_OK) {
        return status;
    }
    summarise(run);
    if (atomic_load(&run->load.failed)) {
        complain(run->load.failure);
        return DRIVER_FAILED;
    }
    if (atomic_load(&run->load.refusing)) {
        char text[400];
        (void)snprintf(text, sizeof text,
                       "the disk is full: writes were refused to the end in %.300s",
                       run->args->data_dir);
        complain(text);
        return DRIVER_FAILED;
    }
    bool written = run->prepared.csv.error == 0 && run->result.record_error == NULL;
    return written ? DRIVER_OK : DRIVER_FAILED;
}

static int close_database(struct run *run, int status) {
    int rc = lsm_close(run->prepared.db);
    run->prepared.db = NULL;
    if (rc == 0) {
        return status;
    }
    char text[160];
    (void)snprintf(text, sizeof text, "closing the database: %s", lsm_strerror(rc));
    complain(text);
    return DRIVER_FAILED;
}

/* From here on the counters are the run's. Returns the exit status. */
static int publish_run(struct run *run) {
    lsm_stats_read(run->prepared.db, &run->result.base);
    run->sink.base = run->result.base;
    for (unsigned k = 0; k < KINDS; k++) {
        lsm_latency_read(run->prepared.db, (enum lsm_op)k, true, &run->before[k]);
    }
    driver_keys_shared_init(&run->load.keys, run->args, run->result.base.last_sequence > 0);
    driver_events_begin_run(&run->events, run->args->out_csv != NULL);
    return start_publishing(run);
}

/* The greeting comes when nothing can be in the way of the run any more: after the segment is made.
 * A load phase is not published; driver_prepare has probed for the segment then. */
static int prepared_run(struct run *run) {
    bool load = load_due(run);
    int status = load ? DRIVER_OK : publish_run(run);
    if (status != DRIVER_OK) {
        driver_unprepare(run->args, &run->prepared);
        return status;
    }
    greet(run);
    if (load) {
        status = load_first(run);
        if (status != DRIVER_OK) {
            driver_record_close(&run->prepared.record);
            driver_csv_abandon(&run->prepared.csv);
            driver_markers_close(&run->prepared.markers);
            return close_database(run, status);
        }
        status = publish_run(run);
        if (status != DRIVER_OK) {
            driver_unprepare(run->args, &run->prepared);
            return status;
        }
    }
    return close_database(run, measured_run(run));
}

int driver_run(const struct driver_args *args) {
    char error[512];
    struct run *run = calloc(1, sizeof *run);
    if (run == NULL) {
        complain("out of memory");
        return DRIVER_FAILED;
    }
    run->args = args;
    driver_console_init(&run->console, args->quiet);
    driver_events_init(&run->events, args->async_compaction);
    run->load.start_ns = UINT64_MAX; /* events before the clock starts are "[start]" */
    int status = driver_prepare(args, &run->events, &run->prepared, error);
    if (status != DRIVER_OK) {
        complain(error);
    } else {
        run->load.args = args;
        run->load.db = run->prepared.db;
        run->load.events = &run->events;
        run->sink =
            (struct driver_sink){.args = args, .csv = &run->prepared.csv, .events = &run->events};
        status = prepared_run(run);
    }
    driver_events_close(&run->events);
    free(run->workers);
    free(run);
    return status;
}
