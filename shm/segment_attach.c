/* segment_attach.c: from a name or a path to a checked, read-only view of a segment.
 *
 * Nothing is believed before it is checked, everything that decides an address is checked once and
 * copied, and no pointer into the mapping is made before that. */
#include "scope.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scope_check.h"
#include "segment.h"
#include "slot.h"

/* The largest that any version of this major makes, with room: bounds what is mapped. */
#define FILE_BYTES_MAX (UINT64_C(1) << 40)

/* ---- checks --------------------------------------------------------------------------------- */

static bool region_inside(const struct scope_region *region, uint64_t slot_size, uint64_t total) {
    return region->slot_size == slot_size && region->offset % SCOPE_LINE == 0 &&
           region->offset >= sizeof(struct scope_header) && region->offset <= total &&
           region->count <= (total - region->offset) / slot_size;
}

static bool ring_inside(const struct scope_region *region, uint64_t slot_size, uint64_t total) {
    return region_inside(region, slot_size, total) && region->count >= SCOPE_RING_SLOTS_MIN &&
           region->count <= SCOPE_RING_SLOTS_MAX && (region->count & (region->count - 1)) == 0;
}

static bool line_inside(uint64_t offset, uint64_t total) {
    return offset % SCOPE_LINE == 0 && offset >= sizeof(struct scope_header) && offset <= total &&
           total - offset >= SCOPE_LINE;
}

/* Of a private copy: what is found good here cannot change afterwards. */
static int check_header(const struct scope_header *header, uint64_t file_bytes, const char *path,
                        struct scope_error_detail *error) {
    if (header->major != SCOPE_VERSION_MAJOR || header->reader_min > SCOPE_VERSION_MINOR) {
        return scope_fail(error, SCOPE_ERR_VERSION,
                          "%s: version %u.%u, for readers from %u.%u; this is %d.%d: open it with "
                          "the release that made it",
                          path, header->major, header->minor, header->major, header->reader_min,
                          SCOPE_VERSION_MAJOR, SCOPE_VERSION_MINOR);
    }
    if (header->fingerprint != scope_fingerprint()) {
        return scope_fail(error, SCOPE_ERR_VERSION,
                          "%s: made by a build with another layout: open it with that build", path);
    }
    uint64_t total = header->total_size;
    const char *wrong = NULL;
    if (total > file_bytes) {
        wrong = "cut short";
    } else if (total < sizeof(struct scope_header)) {
        wrong = "its size";
    } else if (!region_inside(&header->dictionary, sizeof(struct scope_dict_entry), total) ||
               header->dictionary.count > SCOPE_METRICS_MAX) {
        wrong = "the dictionary";
    } else if (!ring_inside(&header->samples, SCOPE_SAMPLE_SLOT, total)) {
        wrong = "the sample ring";
    } else if (!ring_inside(&header->events, SCOPE_EVENT_SLOT, total)) {
        wrong = "the event ring";
    } else if (!ring_inside(&header->histograms, SCOPE_HIST_SLOT, total)) {
        wrong = "the histogram ring";
    } else if (!region_inside(&header->shape, SCOPE_SHAPE_SLOT, total) ||
               header->shape.count != 2) {
        wrong = "the shape";
    } else if (!line_inside(header->writer_offset, total) ||
               !line_inside(header->heartbeat_offset, total)) {
        wrong = "the heads";
    } else if (header->instance_id == 0) {
        wrong = "the instance";
    }
    return wrong == NULL
               ? 0
               : scope_fail(error, SCOPE_ERR_NOT_A_SEGMENT, "%s: damaged: %s", path, wrong);
}

/* ---- private copies ------------------------------------------------------------------------- */

static int copy_dictionary(struct scope_segment *segment, const struct scope_region *region,
                           const char *path, struct scope_error_detail *error) {
    const struct scope_dict_entry *entries =
        (const struct scope_dict_entry *)(const void *)((const char *)segment->base +
                                                        region->offset);
    scope_dictionary_init(&segment->dictionary);
    for (uint64_t i = 0; i < region->count; i++) {
        struct scope_dict_entry entry;
        memcpy(&entry, &entries[i], sizeof(entry));
        entry.name[sizeof(entry.name) - 1] = 0;
        entry.help[sizeof(entry.help) - 1] = 0;
        /* Units and kinds of a later minor are shown as plain counts and gauges. */
        struct scope_metric metric = {
            .id = entry.id,
            .unit =
                entry.unit <= SCOPE_UNIT_RATIO_PPM ? (enum scope_unit)entry.unit : SCOPE_UNIT_COUNT,
            .kind = entry.kind == SCOPE_KIND_COUNTER ? SCOPE_KIND_COUNTER : SCOPE_KIND_GAUGE,
            .name = entry.name,
            .help = entry.help,
        };
        if (!scope_dictionary_add(&segment->dictionary, &metric, entry.word)) {
            return scope_fail(error, SCOPE_ERR_NOT_A_SEGMENT,
                              "%s: damaged: metric %u of the dictionary", path, entry.id);
        }
    }
    return 0;
}

static void copy_info(struct scope_info *info, const struct scope_header *header) {
    scope_text_copy(info->name, sizeof(info->name), header->name, sizeof(header->name));
    scope_text_copy(info->engine_name, sizeof(info->engine_name), header->engine_name,
                    sizeof(header->engine_name));
    scope_text_copy(info->engine_version, sizeof(info->engine_version), header->engine_version,
                    sizeof(header->engine_version));
    scope_text_copy(info->command, sizeof(info->command), header->command, sizeof(header->command));
    scope_text_copy(info->description, sizeof(info->description), header->description,
                    sizeof(header->description));
    info->instance_id = header->instance_id;
    info->pid = header->pid;
    info->start_mono_ns = header->start_mono_ns;
    info->start_real_ns = header->start_real_ns;
    info->sample_interval_ns = header->sample_interval_ns;
    info->total_bytes = header->total_size;
    info->samples = header->samples.count;
    info->events = header->events.count;
    info->seconds = header->histograms.count;
    info->major = header->major;
    info->minor = header->minor;
}

/* ---- attaching ------------------------------------------------------------------------------ */

static int map_file(struct scope_segment *segment, const char *path, bool any_owner,
                    struct scope_error_detail *error) {
    struct stat status;
    if (fstat(segment->fd, &status) != 0) {
        return scope_fail_errno(error, "cannot stat", path, errno);
    }
    if (!S_ISREG(status.st_mode)) {
        return scope_fail(error, SCOPE_ERR_NOT_A_SEGMENT, "%s is not a regular file", path);
    }
    if (!any_owner && status.st_uid != geteuid()) {
        return scope_fail(error, SCOPE_ERR_PERMISSION, "%s belongs to user %u", path,
                          status.st_uid);
    }
    uint64_t bytes = (uint64_t)status.st_size;
    if (bytes < sizeof(struct scope_header) || bytes > FILE_BYTES_MAX) {
        return scope_fail(error, SCOPE_ERR_NOT_A_SEGMENT,
                          "%s: %llu bytes are no segment: was it copied whole?", path,
                          (unsigned long long)bytes);
    }
    void *base = mmap(NULL, bytes, PROT_READ, MAP_SHARED, segment->fd, 0);
    if (base == MAP_FAILED) {
        return scope_fail_errno(error, "cannot map", path, errno);
    }
    segment->base = base;
    segment->mapped_bytes = bytes;
    segment->owns_mapping = true;
    segment->device = status.st_dev;
    segment->inode = status.st_ino;
    segment->guard = scope_guard_add(base, bytes, PROT_READ);
    return segment->guard >= 0
               ? 0
               : scope_fail(error, SCOPE_ERR_MEMORY, "%s: too many segments in this process", path);
}

/* Checks what is mapped and fills the rest of the handle. */
static int adopt(struct scope_segment *segment, const char *path,
                 struct scope_error_detail *error) {
    const struct scope_header *shared = segment->base;
    /* Acquire: pairs with the writer's last store before linking. A name never leads to a segment
     * without its magic, so there is nothing to wait for. */
    if (atomic_load_explicit(&shared->magic, memory_order_acquire) != SCOPE_MAGIC) {
        return scope_fail(error, SCOPE_ERR_NOT_A_SEGMENT, "%s is not a segment", path);
    }
    struct scope_header header;
    memcpy(&header, shared, sizeof(header));
    int rc = check_header(&header, segment->mapped_bytes, path, error);
    if (rc == 0) {
        rc = copy_dictionary(segment, &header.dictionary, path, error);
    }
    if (rc == 0) {
        scope_parts_set(&segment->parts, segment->base, &header);
        copy_info(&segment->info, &header);
        segment->copy =
            header.inode != (uint64_t)segment->inode || header.device != (uint64_t)segment->device;
    }
    if (scope_guard_damaged(segment->guard)) {
        rc = scope_fail(error, SCOPE_ERR_DAMAGED, "%s was cut short while it was opened", path);
    }
    return rc;
}

int scope_attach_fd(int fd, const char *path, const char *name, bool any_owner,
                    struct scope_segment **segment, struct scope_error_detail *error) {
    SCOPE_ASSERT(fd >= 0 && segment != NULL);
    struct scope_segment *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        (void)close(fd);
        return scope_fail(error, SCOPE_ERR_MEMORY, "no memory to attach");
    }
    made->fd = fd;
    made->guard = -1;
    if (name != NULL) {
        (void)snprintf(made->name, sizeof(made->name), "%s", name);
    }
    int rc = map_file(made, path, any_owner, error);
    rc = rc != 0 ? rc : adopt(made, path, error);
    if (rc != 0) {
        scope_detach(made);
        return rc;
    }
    *segment = made;
    return 0;
}

int scope_attach(const char *name, bool any_owner, struct scope_segment **segment,
                 struct scope_error_detail *error) {
    char path[SCOPE_PATH_MAX];
    if (!scope_name_valid(name, true)) {
        return scope_fail(error, SCOPE_ERR_ARGUMENT, "not a segment name");
    }
    int rc = scope_path_of(name, path, error);
    if (rc != 0) {
        return rc;
    }
    /* NONBLOCK: a fifo put in its place must not hold us. */
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return errno == ELOOP || errno == ENXIO
                   ? scope_fail(error, SCOPE_ERR_NOT_A_SEGMENT, "%s is not a regular file", path)
                   : scope_fail_errno(error, "cannot open", path, errno);
    }
    return scope_attach_fd(fd, path, name, any_owner, segment, error);
}

/* The path is the user's own word: links are followed and the owner does not matter. */
int scope_attach_file(const char *path, struct scope_segment **segment,
                      struct scope_error_detail *error) {
    if (path == NULL) {
        return scope_fail(error, SCOPE_ERR_ARGUMENT, "no path");
    }
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return scope_fail_errno(error, "cannot open", path, errno);
    }
    return scope_attach_fd(fd, path, NULL, true, segment, error);
}

int scope_attach_writer(const struct scope_writer *writer, struct scope_segment **segment) {
    struct scope_segment *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return SCOPE_ERR_MEMORY;
    }
    made->fd = -1;
    made->guard = -1;
    made->base = writer->header;
    made->mapped_bytes = writer->mapped_bytes;
    made->device = writer->device;
    made->inode = writer->inode;
    int rc = adopt(made, writer->path, NULL);
    if (rc != 0) {
        scope_detach(made);
        return rc;
    }
    *segment = made;
    return 0;
}

void scope_detach(struct scope_segment *segment) {
    if (segment == NULL) {
        return;
    }
    scope_guard_drop(segment->guard);
    if (segment->owns_mapping) {
        (void)munmap(segment->base, segment->mapped_bytes);
    }
    if (segment->fd >= 0) {
        (void)close(segment->fd);
    }
    free(segment);
}

void scope_segment_unload(const struct scope_segment *segment) {
    if (segment->owns_mapping) { /* not the writer's own: it must not fault */
        (void)madvise(segment->base, segment->mapped_bytes, MADV_DONTNEED);
    }
}

/* ---- questions ------------------------------------------------------------------------------ */

void scope_segment_info(const struct scope_segment *segment, struct scope_info *info) {
    *info = segment->info;
}

bool scope_segment_damaged(const struct scope_segment *segment) {
    return scope_guard_damaged(segment->guard);
}

bool scope_segment_replaced(const struct scope_segment *segment) {
    char path[SCOPE_PATH_MAX];
    if (segment->name[0] == 0 || scope_path_of(segment->name, path, NULL) != 0 ||
        scope_path_leads_to(path, segment->device, segment->inode)) {
        return false;
    }
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    struct scope_header header;
    ssize_t got;
    do {
        got = pread(fd, &header, sizeof(header), 0);
    } while (got < 0 && errno == EINTR);
    (void)close(fd);
    return got == (ssize_t)sizeof(header) &&
           atomic_load_explicit(&header.magic, memory_order_relaxed) == SCOPE_MAGIC &&
           header.instance_id != 0 && header.instance_id != segment->info.instance_id;
}

const struct scope_metric *scope_segment_metrics(const struct scope_segment *segment,
                                                 size_t *count) {
    *count = segment->dictionary.count;
    return segment->dictionary.metric;
}

int scope_metric_word(const struct scope_segment *segment, uint32_t id) {
    return scope_dictionary_word(&segment->dictionary, id);
}

bool scope_sample_get(const struct scope_segment *segment, const struct scope_sample *sample,
                      uint32_t id, uint64_t *value) {
    int word = scope_dictionary_word(&segment->dictionary, id);
    if (word < 0 || (sample->present[word / 64] >> (word % 64) & 1) == 0) {
        return false;
    }
    *value = sample->value[word];
    return true;
}
