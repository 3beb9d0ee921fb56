/* sim_io.c: the simulated backend: operations, requests, clock and planned failures. */
#include "sim_io.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "io_backend.h"
#include "sim_disk.h"

struct sim_io {
    struct lsm_io base;
    struct sim_disk *disk;
    struct sim_disk *survivor; /* once dead, until restarted */
    struct sim_random random;
    uint64_t seed;
    uint64_t now_ns;
    uint64_t operations;
    uint64_t fail_at, cut_at;
    int fail_errno;
    enum sim_cut_mode cut_mode;
    bool dead, restarted;
};

struct sim_file {
    struct lsm_file base;
    struct sim_node *node;
    unsigned flags;
};

struct sim_queue {
    struct lsm_queue base;
    struct lsm_request *running[LSM_QUEUE_DEPTH_MAX];
};

enum { START_NS = 1000000000, TICK_NS = 20, OPERATION_NS = 1000, OPERATION_JITTER_NS = 100000 };
static const uint64_t start_unix_ms = 1700000000000;

static struct sim_io *sim_of(struct lsm_io *io) {
    return (struct sim_io *)(void *)io;
}

static const struct sim_io *sim_of_const(const struct lsm_io *io) {
    return (const struct sim_io *)(const void *)io;
}

static struct sim_file *file_of(struct lsm_file *file) {
    return (struct sim_file *)(void *)file;
}

/* ---- every operation begins and ends here ---- */

static void cut(struct sim_io *sim, enum sim_cut_mode mode) {
    if (!sim->dead) {
        sim->dead = true;
        sim->survivor = sim_disk_survivor(sim->disk, mode, &sim->random);
    }
}

/* 0: do it, and then call end. Else what to answer instead. */
static int begin(struct sim_io *sim) {
    if (sim->dead) {
        return -EIO;
    }
    sim->operations++;
    sim->now_ns += OPERATION_NS + sim_below(&sim->random, OPERATION_JITTER_NS);
    if (sim->operations == sim->cut_at && sim_below(&sim->random, 2) == 0) {
        cut(sim, sim->cut_mode);
        return -EIO;
    }
    if (sim->operations == sim->fail_at) {
        sim->fail_at = 0;
        return sim->fail_errno;
    }
    return 0;
}

/* What was done may be the last thing that was: then nobody hears of its success. */
static int end(struct sim_io *sim, int rc) {
    if (sim->cut_at != 0 && sim->operations >= sim->cut_at) {
        cut(sim, sim->cut_mode);
        return -EIO;
    }
    return rc;
}

/* ---- files ---- */

static int handle_create(struct lsm_io *io, const char *path, struct sim_node *node, unsigned flags,
                         struct lsm_file **file) {
    struct sim_file *made = calloc(1, sizeof *made);
    char *copy = strdup(path);
    SIM_CHECK(made != NULL && copy != NULL);
    made->base =
        (struct lsm_file){.io = io, .path = copy, .direct = (flags & LSM_FILE_DIRECT) != 0};
    made->node = node;
    made->flags = flags;
    node->handles++;
    sim_node_ref(node);
    *file = &made->base;
    return 0;
}

static int sim_open(struct lsm_io *io, const char *path, unsigned flags, struct lsm_file **file) {
    struct sim_io *sim = sim_of(io);
    int rc = begin(sim);
    if (rc != 0) {
        return rc;
    }
    struct sim_node *node = NULL;
    rc = end(sim, sim_disk_open(sim->disk, path, (flags & LSM_FILE_CREATE) != 0, &node));
    return rc == 0 ? handle_create(io, path, node, flags, file) : rc;
}

static void sim_close(struct lsm_file *file) {
    SIM_CHECK(file_of(file)->node->handles > 0);
    file_of(file)->node->handles--;
    sim_node_unref(sim_of(file->io)->disk, file_of(file)->node);
    free(file->path);
    free(file);
}

static int sim_size(struct lsm_file *file, uint64_t *size) {
    struct sim_io *sim = sim_of(file->io);
    int rc = begin(sim);
    if (rc != 0) {
        return rc;
    }
    *size = file_of(file)->node->now.size;
    return end(sim, 0);
}

static int sim_allocate(struct lsm_file *file, uint64_t size) {
    struct sim_io *sim = sim_of(file->io);
    int rc = begin(sim);
    if (rc != 0) {
        return rc;
    }
    struct sim_node *node = file_of(file)->node;
    if (size > node->now.size) {
        rc = sim_resize(sim->disk, node, size);
    }
    return end(sim, rc);
}

static int sim_truncate(struct lsm_file *file, uint64_t size) {
    struct sim_io *sim = sim_of(file->io);
    int rc = begin(sim);
    return rc != 0 ? rc : end(sim, sim_resize(sim->disk, file_of(file)->node, size));
}

/* The page cache itself: a store through the mapping is a write the disk knows of. */
static int sim_map(struct lsm_file *file, uint64_t size, enum lsm_map_pieces pieces,
                   uint8_t **address) {
    (void)pieces;
    struct sim_io *sim = sim_of(file->io);
    int rc = begin(sim);
    if (rc != 0) {
        return rc;
    }
    struct sim_node *node = file_of(file)->node;
    unsigned both = LSM_FILE_READ | LSM_FILE_WRITE;
    if ((file_of(file)->flags & both) != both) {
        rc = -EACCES;
    } else if (size > node->now.size) {
        rc = -EINVAL;
    }
    rc = end(sim, rc);
    if (rc == 0) {
        node->mapped++;
        sim_node_ref(node);
        *address = node->now.data;
    }
    return rc;
}

static void sim_unmap(struct lsm_file *file, uint8_t *address, uint64_t size) {
    struct sim_node *node = file_of(file)->node;
    SIM_CHECK(node->mapped > 0 && address == node->now.data && size <= node->now.room);
    node->mapped--;
    sim_node_unref(sim_of(file->io)->disk, node);
}

/* ---- names ---- */

static int sim_mkdir(struct lsm_io *io, const char *path) {
    int rc = begin(sim_of(io));
    return rc != 0 ? rc : end(sim_of(io), sim_disk_mkdir(sim_of(io)->disk, path));
}

static int sim_rmdir(struct lsm_io *io, const char *path) {
    int rc = begin(sim_of(io));
    return rc != 0 ? rc : end(sim_of(io), sim_disk_remove(sim_of(io)->disk, path, true));
}

static int sim_unlink(struct lsm_io *io, const char *path) {
    int rc = begin(sim_of(io));
    if (rc != 0) {
        return rc;
    }
    rc = end(sim_of(io), sim_disk_remove(sim_of(io)->disk, path, false));
    return rc == -ENOENT ? 0 : rc;
}

static int sim_rename(struct lsm_io *io, const char *from, const char *to) {
    int rc = begin(sim_of(io));
    return rc != 0 ? rc : end(sim_of(io), sim_disk_rename(sim_of(io)->disk, from, to));
}

static int sim_link(struct lsm_io *io, const char *from, const char *to) {
    int rc = begin(sim_of(io));
    return rc != 0 ? rc : end(sim_of(io), sim_disk_link(sim_of(io)->disk, from, to));
}

static int find_directory(struct sim_io *sim, const char *path, struct sim_node **directory) {
    *directory = sim_lookup(sim->disk, path);
    if (*directory == NULL) {
        return -ENOENT;
    }
    return (*directory)->directory ? 0 : -ENOTDIR;
}

static int sim_sync_dir(struct lsm_io *io, const char *path) {
    struct sim_io *sim = sim_of(io);
    int rc = begin(sim);
    if (rc != 0) {
        return rc;
    }
    struct sim_node *directory = NULL;
    rc = find_directory(sim, path, &directory);
    if (rc == 0) {
        sim_sync_directory(sim->disk, directory);
    }
    return end(sim, rc);
}

static int sim_list(struct lsm_io *io, const char *path, void (*visit)(void *, const char *),
                    void *context) {
    struct sim_io *sim = sim_of(io);
    int rc = begin(sim);
    if (rc != 0) {
        return rc;
    }
    struct sim_node *directory = NULL;
    rc = end(sim, find_directory(sim, path, &directory));
    if (rc == 0) {
        /* In an order that is the seed's, as a directory's is anybody's. */
        size_t count = directory->entries.count;
        size_t first = count == 0 ? 0 : (size_t)sim_below(&sim->random, count);
        for (size_t i = 0; i < count; i++) {
            SIM_CHECK(directory->entries.count == count); /* visit does not change it */
            visit(context, directory->entries.entry[(first + i) % count].name);
        }
    }
    return rc;
}

static int sim_lock(struct lsm_io *io, const char *path, struct lsm_file **lock, long *holder_pid) {
    struct sim_io *sim = sim_of(io);
    int rc = begin(sim);
    if (rc != 0) {
        return rc;
    }
    struct sim_node *node = NULL;
    rc = sim_disk_open(sim->disk, path, false, &node);
    if (rc == -ENOENT) {
        rc = sim_disk_open(sim->disk, path, true, &node);
    }
    if (rc == 0 && node->locked) {
        *holder_pid = (long)getpid();
        rc = -EAGAIN;
    }
    rc = end(sim, rc);
    if (rc == 0) {
        rc = handle_create(io, path, node, 0, lock);
        node->locked = true;
    }
    return rc;
}

static void sim_unlock(struct lsm_io *io, struct lsm_file *lock) {
    (void)io;
    SIM_CHECK(file_of(lock)->node->locked);
    file_of(lock)->node->locked = false;
    sim_close(lock);
}

/* ---- requests ---- */

static int sim_queue_create(struct lsm_io *io, unsigned depth, bool own_thread,
                            struct lsm_queue **queue) {
    (void)own_thread;
    struct sim_queue *made = calloc(1, sizeof *made);
    SIM_CHECK(made != NULL);
    made->base.io = io;
    made->base.depth = depth;
    *queue = &made->base;
    return 0;
}

static void sim_queue_destroy(struct lsm_queue *queue) {
    free(queue);
}

static bool aligned(const struct lsm_request *request) {
    uint64_t bits = request->offset | request->length | (uint64_t)(uintptr_t)request->buffer;
    return bits % LSM_DIRECT_ALIGN == 0;
}

/* Now and then a transfer stops early, as the kernel's may. */
static uint64_t cut_short(struct sim_io *sim, const struct lsm_file *file, uint64_t length) {
    uint64_t unit = file->direct ? LSM_DIRECT_ALIGN : 1;
    if (length <= unit || sim_below(&sim->random, 16) != 0) {
        return length;
    }
    uint64_t units = 1 + sim_below(&sim->random, length / unit);
    return units * unit < length ? units * unit : length;
}

static int64_t move_bytes(struct sim_io *sim, struct lsm_request *request) {
    struct sim_file *file = file_of(request->file);
    struct sim_content *content = &file->node->now;
    bool read = request->op == LSM_REQUEST_READ;
    if ((file->flags & (read ? LSM_FILE_READ : LSM_FILE_WRITE)) == 0) {
        return -EBADF;
    }
    if (file->base.direct && !aligned(request)) {
        return -EINVAL;
    }
    uint64_t offset = request->offset + request->done;
    uint64_t length = request->length - request->done;
    uint8_t *buffer = (uint8_t *)request->buffer + request->done;
    if (read && offset >= content->size) {
        return 0;
    }
    if (read && length > content->size - offset) {
        length = content->size - offset;
    } else {
        length = cut_short(sim, request->file, length);
    }
    if (read) {
        memcpy(buffer, content->data + offset, length);
        return (int64_t)length;
    }
    int rc = sim_write(sim->disk, file->node, offset, buffer, length);
    return rc != 0 ? rc : (int64_t)length;
}

static int64_t perform(struct sim_io *sim, struct lsm_request *request) {
    int rc = begin(sim);
    if (rc != 0) {
        return rc;
    }
    int64_t result = 0;
    if (request->op == LSM_REQUEST_SYNC) {
        sim_sync_file(file_of(request->file)->node);
    } else {
        result = move_bytes(sim, request);
    }
    rc = end(sim, 0);
    return rc != 0 ? rc : result;
}

static void sim_queue_run(struct lsm_queue *queue, unsigned min) {
    struct sim_queue *own = (struct sim_queue *)(void *)queue;
    struct sim_io *sim = sim_of(queue->io);
    atomic_fetch_add_explicit(&queue->io->counters.submits, 1, memory_order_relaxed);
    /* Asked without waiting, something may have completed, or not yet. */
    unsigned wanted = min > 0 ? min : (unsigned)sim_below(&sim->random, 2);
    for (;;) {
        while (queue->pending.count > 0 && queue->running < queue->depth) {
            own->running[queue->running++] = lsm_request_take(&queue->pending);
            lsm_io_depth_add(queue->io, 1);
        }
        if (queue->running == 0 || queue->done.count >= wanted) {
            break;
        }
        size_t pick = (size_t)sim_below(&sim->random, queue->running);
        struct lsm_request *request = own->running[pick];
        own->running[pick] = own->running[--queue->running];
        lsm_io_depth_sub(queue->io, 1);
        lsm_request_finish(queue, request, perform(sim, request));
    }
}

/* ---- time and waiting ---- */

static uint64_t sim_now_ns(struct lsm_io *io) {
    sim_of(io)->now_ns += TICK_NS; /* so that a loop that waits for a moment ends */
    return sim_of(io)->now_ns;
}

static uint64_t sim_unix_ms(struct lsm_io *io) {
    return start_unix_ms + sim_of(io)->now_ns / 1000000;
}

static void sim_sleep_ns(struct lsm_io *io, uint64_t ns) {
    sim_of(io)->now_ns += ns;
}

static bool sim_cond_wait(struct lsm_io *io, struct lsm_cond *cond, pthread_mutex_t *mutex,
                          uint64_t deadline_ns) {
    (void)cond; /* nobody else could signal it: the waiter does the work it waits for */
    struct sim_io *sim = sim_of(io);
    if (deadline_ns != 0 && sim->now_ns >= deadline_ns) {
        return false;
    }
    pthread_mutex_unlock(mutex);
    bool ran = io->run_one != NULL && io->run_one(io->run_context);
    pthread_mutex_lock(mutex);
    if (ran) {
        return true;
    }
    if (deadline_ns == 0) {
        fprintf(stderr,
                "sim: deadlock: a wait without deadline, and no work is pending that could end it "
                "(seed %" PRIu64 ", operation %" PRIu64 "%s)\n",
                sim->seed, sim->operations, sim->dead ? ", after the cut" : "");
        abort();
    }
    if (sim->now_ns < deadline_ns) {
        sim->now_ns = deadline_ns;
    }
    return false;
}

/* ---- the tests' side ---- */

static void sim_destroy(struct lsm_io *io) {
    struct sim_io *sim = sim_of(io);
    sim_disk_free(sim->disk);
    if (sim->survivor != NULL) {
        sim_disk_free(sim->survivor);
    }
    free(sim);
}

static const struct lsm_io_ops sim_ops = {
    .open = sim_open,
    .close = sim_close,
    .size = sim_size,
    .allocate = sim_allocate,
    .truncate = sim_truncate,
    .map = sim_map,
    .unmap = sim_unmap,
    .mkdir = sim_mkdir,
    .rmdir = sim_rmdir,
    .unlink = sim_unlink,
    .rename = sim_rename,
    .link = sim_link,
    .sync_dir = sim_sync_dir,
    .list = sim_list,
    .lock = sim_lock,
    .unlock = sim_unlock,
    .queue_create = sim_queue_create,
    .queue_destroy = sim_queue_destroy,
    .queue_run = sim_queue_run,
    .now_ns = sim_now_ns,
    .unix_ms = sim_unix_ms,
    .sleep_ns = sim_sleep_ns,
    .cond_wait = sim_cond_wait,
    .destroy = sim_destroy,
};

static struct sim_io *sim_on(struct sim_disk *disk, uint64_t seed, struct sim_random random,
                             uint64_t now_ns) {
    struct sim_io *sim = calloc(1, sizeof *sim);
    SIM_CHECK(sim != NULL);
    sim->disk = disk;
    sim->seed = seed;
    sim->random = random;
    sim->now_ns = now_ns;
    /* To the engine it is a backend of plain calls. */
    lsm_io_setup(&sim->base, &sim_ops, LSM_IO_POSIX, false);
    sim->base.choices = sim_next(&sim->random) | 1; /* never 0, which is no choice at all */
    int rc = lsm_io_fill_pools(&sim->base);
    SIM_CHECK(rc == 0);
    return sim;
}

struct lsm_io *sim_create(uint64_t seed) {
    struct sim_random random = {.state = seed};
    return &sim_on(sim_disk_create(), seed, random, START_NS)->base;
}

struct lsm_io *sim_restart(struct lsm_io *io) {
    struct sim_io *sim = sim_of(io);
    SIM_CHECK(sim->dead && !sim->restarted);
    struct sim_disk *disk = sim->survivor;
    sim->survivor = NULL;
    sim->restarted = true;
    return &sim_on(disk, sim->seed, sim->random, sim->now_ns + START_NS)->base;
}

void sim_set_cut_mode(struct lsm_io *io, enum sim_cut_mode mode) {
    sim_of(io)->cut_mode = mode;
}

void sim_power_cut(struct lsm_io *io) {
    cut(sim_of(io), sim_of(io)->cut_mode);
}

void sim_kill(struct lsm_io *io) {
    cut(sim_of(io), SIM_CUT_KEEP);
}

bool sim_is_dead(const struct lsm_io *io) {
    return sim_of_const(io)->dead;
}

uint64_t sim_operations(const struct lsm_io *io) {
    return sim_of_const(io)->operations;
}

void sim_fail_at(struct lsm_io *io, uint64_t n, int errno_value) {
    SIM_CHECK(errno_value > 0 || n == 0);
    sim_of(io)->fail_at = n;
    sim_of(io)->fail_errno = -errno_value;
}

void sim_cut_at(struct lsm_io *io, uint64_t n) {
    sim_of(io)->cut_at = n;
}

void sim_set_capacity(struct lsm_io *io, uint64_t bytes) {
    sim_of(io)->disk->capacity = bytes;
}

uint64_t sim_used(const struct lsm_io *io) {
    return sim_disk_used(sim_of_const(io)->disk);
}
