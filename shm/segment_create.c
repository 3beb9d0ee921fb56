/* segment_create.c: from nothing to a named, locked, whole segment, and its clean end.
 *
 * The file is built unnamed (O_TMPFILE) and linked to its name when everything is in place: a name
 * never leads to a half-made or unlocked segment, and a writer killed on the way leaves nothing
 * behind. Space is allocated before it is touched, so a full /dev/shm is an error here and never a
 * SIGBUS later. */
#include "scope.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "scope_check.h"
#include "segment.h"
#include "slot.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

enum { LINK_ATTEMPTS = 16 };

void (*scope_step_hook)(enum scope_step step);

void scope_step(enum scope_step step) {
    SCOPE_ASSERT(step < SCOPE_STEPS);
    if (scope_step_hook != NULL) {
        scope_step_hook(step);
    }
}

/* ---- what was asked for --------------------------------------------------------------------- */

static bool slots_valid(uint32_t count) {
    return count >= SCOPE_RING_SLOTS_MIN && count <= SCOPE_RING_SLOTS_MAX &&
           (count & (count - 1)) == 0;
}

static int check_extra(struct scope_dictionary *dictionary, const struct scope_metric *extra,
                       size_t count, struct scope_error_detail *error) {
    for (size_t i = 0; i < count; i++) {
        const struct scope_metric *metric = &extra[i];
        bool fits = metric->name != NULL && metric->help != NULL && metric->name[0] != 0 &&
                    strlen(metric->name) < sizeof(((struct scope_dict_entry *)0)->name) &&
                    strlen(metric->help) < sizeof(((struct scope_dict_entry *)0)->help);
        if (!fits || metric->id < SCOPE_METRIC_CUSTOM || metric->unit > SCOPE_UNIT_RATIO_PPM ||
            metric->kind > SCOPE_KIND_GAUGE ||
            !scope_dictionary_add(dictionary, metric, dictionary->count)) {
            return scope_fail(error, SCOPE_ERR_ARGUMENT,
                              "own metric %zu (id %u): out of range, taken, or one too many", i,
                              metric->id);
        }
    }
    return 0;
}

/* Checks the options; fills name, path, linger and the dictionary of the writer. */
static int take_options(struct scope_writer *writer, const struct scope_writer_options *options,
                        struct scope_writer_options *full, struct scope_error_detail *error) {
    *full = *options;
    full->samples = full->samples ? full->samples : SCOPE_SAMPLES_DEFAULT;
    full->events = full->events ? full->events : SCOPE_EVENTS_DEFAULT;
    full->seconds = full->seconds ? full->seconds : SCOPE_SECONDS_DEFAULT;
    full->mode = full->mode ? full->mode : 0600;
    full->engine_name = full->engine_name ? full->engine_name : "";
    full->engine_version = full->engine_version ? full->engine_version : "";
    full->description = full->description ? full->description : "";
    if (!scope_name_valid(options->name, false)) {
        return scope_fail(error, SCOPE_ERR_ARGUMENT,
                          "a segment's name is 1 to 48 of A-Z a-z 0-9 . _ -, and neither begins "
                          "with '.' nor ends in " SCOPE_CRASHED_SUFFIX);
    }
    if (!slots_valid(full->samples) || !slots_valid(full->events) || !slots_valid(full->seconds)) {
        return scope_fail(error, SCOPE_ERR_ARGUMENT, "slots of a ring: a power of two, %d to %d",
                          SCOPE_RING_SLOTS_MIN, SCOPE_RING_SLOTS_MAX);
    }
    if ((full->mode & ~0666u) != 0 || (full->mode & 0600) != 0600) {
        return scope_fail(error, SCOPE_ERR_ARGUMENT, "file mode %o: 0600 to 0666", full->mode);
    }
    if (full->extra_count > 0 && full->extra == NULL) {
        return scope_fail(error, SCOPE_ERR_ARGUMENT, "own metrics are counted but not given");
    }
    size_t count;
    const struct scope_metric *metrics = scope_builtin_metrics(&count);
    scope_dictionary_init(&writer->dictionary);
    for (size_t i = 0; i < count; i++) {
        bool added = scope_dictionary_add(&writer->dictionary, &metrics[i], i);
        SCOPE_ASSERT(added);
    }
    (void)snprintf(writer->name, sizeof(writer->name), "%s", options->name);
    writer->linger = options->linger;
    int rc = scope_path_of(writer->name, writer->path, error);
    return rc != 0 ? rc : check_extra(&writer->dictionary, full->extra, full->extra_count, error);
}

/* ---- the file ------------------------------------------------------------------------------- */

/* Offsets follow each other; every part is a whole number of lines. */
static uint64_t lay_out(struct scope_header *header, const struct scope_writer_options *options,
                        size_t metrics) {
    uint64_t at = sizeof(struct scope_header);
    header->dictionary =
        (struct scope_region){at, sizeof(struct scope_dict_entry), (uint64_t)metrics};
    at += SCOPE_METRICS_MAX * sizeof(struct scope_dict_entry);
    header->writer_offset = at;
    at += SCOPE_LINE;
    header->heartbeat_offset = at;
    at += SCOPE_LINE;
    header->samples = (struct scope_region){at, SCOPE_SAMPLE_SLOT, options->samples};
    at += (uint64_t)options->samples * SCOPE_SAMPLE_SLOT;
    header->events = (struct scope_region){at, SCOPE_EVENT_SLOT, options->events};
    at += (uint64_t)options->events * SCOPE_EVENT_SLOT;
    header->histograms = (struct scope_region){at, SCOPE_HIST_SLOT, options->seconds};
    at += (uint64_t)options->seconds * SCOPE_HIST_SLOT;
    header->shape = (struct scope_region){at, SCOPE_SHAPE_SLOT, 2};
    at += 2 * (uint64_t)SCOPE_SHAPE_SLOT;
    header->total_size = at;
    SCOPE_ASSERT(at == SCOPE_SEGMENT_BYTES(options->samples, options->events, options->seconds));
    SCOPE_ASSERT(at % SCOPE_LINE == 0);
    return at;
}

/* Growing a file beyond the process's limit would raise SIGXFSZ, which kills. */
static int within_limit(const struct scope_writer *writer, uint64_t bytes,
                        struct scope_error_detail *error) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        limit.rlim_cur < bytes) {
        return scope_fail(error, SCOPE_ERR_NO_SPACE,
                          "%s: a segment of %.1f MB exceeds this process's file size limit",
                          writer->path, (double)bytes / 1e6);
    }
    return 0;
}

/* An unnamed file of `bytes`, allocated, locked. */
static int make_file(struct scope_writer *writer, uint64_t bytes, uint32_t mode,
                     struct scope_error_detail *error) {
    int number;
    do {
        scope_fork_hold();
        writer->fd = open(scope_shm_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        number = errno;
        scope_fork_release();
    } while (writer->fd < 0 && number == EINTR);
    if (writer->fd < 0) {
        /* A missing directory is the system's fault, not a segment that was not found. */
        return number == ENOENT || number == ENOTDIR
                   ? scope_fail(error, SCOPE_ERR_SYSTEM, "%s is not there: no shared memory to use",
                                scope_shm_dir)
                   : scope_fail_errno(error, "cannot make a file there", scope_shm_dir, number);
    }
    scope_step(SCOPE_STEP_OPENED);
    struct stat status;
    if (fchmod(writer->fd, (mode_t)mode) != 0 || fstat(writer->fd, &status) != 0) {
        return scope_fail_errno(error, "cannot set the mode", writer->path, errno);
    }
    writer->device = status.st_dev;
    writer->inode = status.st_ino;
    int rc = within_limit(writer, bytes, error);
    if (rc != 0) {
        return rc;
    }
    do {
        rc = posix_fallocate(writer->fd, 0, (off_t)bytes);
    } while (rc == EINTR);
    if (rc == ENOSPC || rc == EFBIG || rc == ENOMEM || rc == EDQUOT) {
        char words[96];
        return scope_fail(error, SCOPE_ERR_NO_SPACE,
                          "%s has no room for a segment of %.1f MB (%s): free some, remove dead "
                          "segments, or ask for less history",
                          scope_shm_dir, (double)bytes / 1e6, strerror_r(rc, words, sizeof(words)));
    }
    if (rc != 0) {
        return scope_fail_errno(error, "cannot allocate", writer->path, rc);
    }
    scope_step(SCOPE_STEP_ALLOCATED);
    if (scope_lock_take(writer->fd, SCOPE_LOCK_WRITER) != SCOPE_LOCK_TAKEN) {
        return scope_fail_errno(error, "cannot lock", writer->path, errno);
    }
    scope_step(SCOPE_STEP_LOCKED);
    return 0;
}

/* Maps and prefaults: publishing must never wait for a page. */
static int map_file(struct scope_writer *writer, uint64_t bytes, struct scope_error_detail *error) {
    scope_fork_hold();
    void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, writer->fd, 0);
    int number = base == MAP_FAILED ? errno : 0;
    if (base != MAP_FAILED) {
        writer->header = base;
        writer->mapped_bytes = bytes;
        number = madvise(base, bytes, MADV_DONTFORK) != 0 ? errno : 0;
    }
    scope_fork_release();
    if (number != 0) {
        return scope_fail_errno(error, "cannot map", writer->path, number);
    }
    if (madvise(base, bytes, MADV_POPULATE_WRITE) != 0) {
        /* A kernel before 5.14: one store to each page does the same. */
        _Atomic uint64_t *words = base;
        for (uint64_t at = 0; at < bytes; at += 4096) {
            atomic_store_explicit(&words[at / 8], 0, memory_order_relaxed);
        }
    }
    writer->guard = scope_guard_add(base, bytes, PROT_READ | PROT_WRITE);
    if (writer->guard < 0) {
        return scope_fail(error, SCOPE_ERR_MEMORY, "%s: too many segments in this process",
                          writer->path);
    }
    scope_step(SCOPE_STEP_MAPPED);
    return 0;
}

/* ---- the contents --------------------------------------------------------------------------- */

static uint64_t clock_ns(clockid_t clock) {
    struct timespec now;
    int rc = clock_gettime(clock, &now);
    SCOPE_ASSERT(rc == 0);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t random_id(void) {
    uint64_t id = 0;
    ssize_t got;
    do {
        got = getrandom(&id, sizeof(id), 0);
    } while (got < 0 && errno == EINTR);
    if (got != (ssize_t)sizeof(id)) {
        /* No such call (an old kernel, a filter): time and pid tell two instances apart as well. */
        id = clock_ns(CLOCK_REALTIME) ^ (uint64_t)getpid() << 48;
    }
    return id != 0 ? id : 1;
}

/* The command line, its arguments separated by spaces. */
static void own_command(char command[SCOPE_COMMAND_MAX]) {
    char raw[SCOPE_COMMAND_MAX];
    ssize_t length = 0;
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        do {
            length = read(fd, raw, sizeof(raw));
        } while (length < 0 && errno == EINTR);
        (void)close(fd);
    }
    size_t used = length > 0 ? (size_t)length : 0;
    while (used > 0 && raw[used - 1] == 0) {
        used--;
    }
    for (size_t i = 0; i < used; i++) {
        raw[i] = raw[i] != 0 ? raw[i] : ' ';
    }
    scope_text_copy(command, SCOPE_COMMAND_MAX, raw, used);
}

static void put_text(char *target, size_t size, const char *text) {
    scope_text_copy(target, size, text, strlen(text));
}

static void fill(struct scope_writer *writer, const struct scope_writer_options *options) {
    struct scope_header *header = writer->header;
    (void)lay_out(header, options, writer->dictionary.count);
    header->major = SCOPE_VERSION_MAJOR;
    header->minor = SCOPE_VERSION_MINOR;
    header->reader_min = SCOPE_READER_MIN;
    header->fingerprint = scope_fingerprint();
    header->instance_id = random_id();
    header->pid = (uint64_t)getpid();
    header->inode = (uint64_t)writer->inode;
    header->device = (uint64_t)writer->device;
    uint64_t before = clock_ns(CLOCK_MONOTONIC);
    header->start_real_ns = clock_ns(CLOCK_REALTIME);
    header->start_mono_ns = before + (clock_ns(CLOCK_MONOTONIC) - before) / 2;
    header->sample_interval_ns = options->sample_interval_ns;
    put_text(header->name, sizeof(header->name), writer->name);
    put_text(header->engine_name, sizeof(header->engine_name), options->engine_name);
    put_text(header->engine_version, sizeof(header->engine_version), options->engine_version);
    put_text(header->description, sizeof(header->description), options->description);
    if (options->command != NULL) {
        put_text(header->command, sizeof(header->command), options->command);
    } else {
        own_command(header->command);
    }
    struct scope_dict_entry *entries =
        (struct scope_dict_entry *)(void *)((char *)header + header->dictionary.offset);
    for (size_t i = 0; i < writer->dictionary.count; i++) {
        const struct scope_metric *metric = &writer->dictionary.metric[i];
        entries[i] = (struct scope_dict_entry){.id = metric->id,
                                               .unit = (uint16_t)metric->unit,
                                               .kind = (uint16_t)metric->kind,
                                               .word = writer->dictionary.word[i]};
        put_text(entries[i].name, sizeof(entries[i].name), metric->name);
        put_text(entries[i].help, sizeof(entries[i].help), metric->help);
    }
    scope_parts_set(&writer->parts, header, header);
    atomic_store_explicit(&writer->parts.beat->heartbeat_ns, scope_now_ns(), memory_order_relaxed);
    atomic_store_explicit(&writer->parts.beat->state, SCOPE_STATE_LIVE, memory_order_release);
    scope_step(SCOPE_STEP_FILLED);
    /* Release: whoever maps the file and sees the magic sees all of the above. */
    atomic_store_explicit(&header->magic, SCOPE_MAGIC, memory_order_release);
    scope_step(SCOPE_STEP_MAGIC);
}

/* ---- the name ------------------------------------------------------------------------------- */

static int link_name(struct scope_writer *writer, struct scope_error_detail *error) {
    char through[64];
    (void)snprintf(through, sizeof(through), "/proc/self/fd/%d", writer->fd);
    for (unsigned attempt = 0; attempt < LINK_ATTEMPTS; attempt++) {
        int rc = linkat(AT_FDCWD, through, AT_FDCWD, writer->path, AT_SYMLINK_FOLLOW);
        if (rc != 0 && errno == ENOENT) {
            rc = linkat(writer->fd, "", AT_FDCWD, writer->path, AT_EMPTY_PATH); /* no /proc */
        }
        if (rc == 0) {
            scope_step(SCOPE_STEP_LINKED);
            return 0;
        }
        if (errno != EEXIST) {
            return scope_fail_errno(error, "cannot give the segment its name", writer->path, errno);
        }
        int reclaimed = scope_reclaim(writer->name, writer->path, error);
        if (reclaimed != 0) {
            return reclaimed;
        }
    }
    return scope_fail(error, SCOPE_ERR_IN_USE, "%s: others keep taking the name", writer->path);
}

static void unlink_name(const struct scope_writer *writer) {
    /* Ours only: somebody may have removed the file by hand and a new writer taken the name. */
    if (scope_path_leads_to(writer->path, writer->device, writer->inode)) {
        (void)unlink(writer->path);
    }
}

static void free_writer(struct scope_writer *writer) {
    /* First: a fork from here on finds nothing of this writer to close a second time. */
    scope_fork_forget(writer);
    scope_guard_drop(writer->guard);
    if (writer->fd >= 0) {
        /* Explicitly: a descriptor that leaked into a child must not keep the lock. */
        scope_lock_drop(writer->fd);
        (void)close(writer->fd);
    }
    if (writer->header != NULL) {
        (void)munmap(writer->header, writer->mapped_bytes);
    }
    (void)pthread_mutex_destroy(&writer->event_lock);
    free(writer);
}

/* A writer without a segment yet; `full` gets its options with every default. NULL with *rc set. */
static struct scope_writer *new_writer(const struct scope_writer_options *options,
                                       struct scope_writer_options *full, int *rc,
                                       struct scope_error_detail *error) {
    struct scope_writer *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        *rc = scope_fail(error, SCOPE_ERR_MEMORY, "no memory for a writer");
        return NULL;
    }
    made->fd = -1;
    made->guard = -1;
    *rc = take_options(made, options, full, error);
    if (*rc != 0) {
        free(made);
        return NULL;
    }
    (void)pthread_mutex_init(&made->event_lock, NULL);
    scope_fork_watch(made);
    return made;
}

int scope_writer_probe(const struct scope_writer_options *options,
                       struct scope_error_detail *error) {
    SCOPE_ASSERT(options != NULL);
    struct scope_writer_options full;
    struct scope_header plan = {0};
    int rc;
    struct scope_writer *writer = new_writer(options, &full, &rc, error);
    if (writer == NULL) {
        return rc;
    }
    rc = scope_reclaimable(writer->name, writer->path, error);
    if (rc == 0) {
        rc = make_file(writer, lay_out(&plan, &full, writer->dictionary.count), full.mode, error);
    }
    free_writer(writer);
    return rc;
}

int scope_writer_create(const struct scope_writer_options *options, struct scope_writer **writer,
                        struct scope_error_detail *error) {
    SCOPE_ASSERT(options != NULL && writer != NULL);
    struct scope_writer_options full;
    struct scope_header plan = {0};
    int rc;
    struct scope_writer *made = new_writer(options, &full, &rc, error);
    if (made == NULL) {
        return rc;
    }
    uint64_t bytes = lay_out(&plan, &full, made->dictionary.count);
    rc = make_file(made, bytes, full.mode, error);
    rc = rc != 0 ? rc : map_file(made, bytes, error);
    if (rc == 0) {
        fill(made, &full);
        rc = link_name(made, error);
    }
    if (rc == 0) {
        rc = scope_heart_start(made, error);
        if (rc != 0) {
            unlink_name(made);
        }
    }
    if (rc != 0) {
        free_writer(made);
        return rc;
    }
    scope_step(SCOPE_STEP_BEATING);
    *writer = made;
    return 0;
}

void scope_writer_close(struct scope_writer *writer) {
    if (writer == NULL) {
        return;
    }
    if (writer->forked) {
        /* The mapping was not inherited and the descriptor is closed: only memory is left. */
        SCOPE_ASSERT(writer->header == NULL && writer->fd < 0);
        free(writer);
        return;
    }
    scope_heart_stop(writer);
    /* Release: a reader that sees CLOSED sees every record. Before the lock is free, so that nobody
     * can take a clean end for a crash. */
    atomic_store_explicit(&writer->parts.beat->state, SCOPE_STATE_CLOSED, memory_order_release);
    if (!writer->linger) {
        unlink_name(writer);
    }
    free_writer(writer);
}

const char *scope_writer_name(const struct scope_writer *writer) {
    return writer->name;
}
