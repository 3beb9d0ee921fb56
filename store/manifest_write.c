#include "check.h"
#include "checksum.h"
#include "entry.h"
#include "manifest.h"
#include "manifest_format.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct lsm_manifest {
    struct lsm_file *file;
    uint64_t number;
    uint64_t bytes; /* of whole frames; where the next one goes */
    int poisoned;   /* the first failure: nothing is written after it */
};

/* ---- encoding ---- */

/* The encoder runs twice over the same code: once to measure (`p` NULL), once to write. So the two
 * cannot disagree about what an edit holds. */
struct sink {
    uint8_t *p;
    uint64_t size;
};

static void put_bytes(struct sink *sink, const uint8_t *bytes, size_t size) {
    if (sink->p != NULL && size > 0) {
        memcpy(sink->p + sink->size, bytes, size);
    }
    sink->size += size;
}

static void put_number(struct sink *sink, uint64_t value) {
    uint8_t buffer[LSM_VARINT_MAX];
    uint8_t *end = lsm_put_varint(buffer, value);
    put_bytes(sink, buffer, (size_t)(end - buffer));
}

static void put_scalar(struct sink *sink, enum lsm_edit_tag tag, uint64_t value) {
    if (value != 0) {
        put_number(sink, tag);
        put_number(sink, lsm_varint_size(value));
        put_number(sink, value);
    }
}

static void put_numbers(struct sink *sink, enum lsm_edit_tag tag, const uint64_t *values,
                        size_t count) {
    struct sink measure = {0};
    for (size_t i = 0; i < count; i++) {
        put_number(&measure, values[i]);
    }
    put_number(sink, tag);
    put_number(sink, measure.size);
    for (size_t i = 0; i < count; i++) {
        put_number(sink, values[i]);
    }
}

static void put_table_value(struct sink *sink, const struct lsm_edit_table *added) {
    const struct lsm_table_meta *meta = added->meta;
    const uint64_t values[] = {
        added->level,  meta->id,      meta->bytes,           meta->entries,   meta->tombstones,
        meta->seq_min, meta->seq_max, meta->created_unix_ms, meta->key_bytes, meta->value_bytes};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        put_number(sink, values[i]);
    }
    put_number(sink, meta->first_key_size);
    put_bytes(sink, meta->first_key, meta->first_key_size);
    put_number(sink, meta->last_key_size);
    put_bytes(sink, meta->last_key, meta->last_key_size);
}

static void put_table(struct sink *sink, const struct lsm_edit_table *added) {
    struct sink measure = {0};
    LSM_ASSERT(added->level < LSM_LEVELS_MAX);
    LSM_ASSERT(added->meta->first_key_size > 0 && added->meta->first_key_size <= LSM_KEY_MAX);
    LSM_ASSERT(lsm_key_compare(added->meta->first_key, added->meta->first_key_size,
                               added->meta->last_key, added->meta->last_key_size) <= 0);
    put_table_value(&measure, added);
    put_number(sink, LSM_TAG_ADDED);
    put_number(sink, measure.size);
    put_table_value(sink, added);
}

static void put_edit(struct sink *sink, const struct lsm_edit *edit) {
    put_scalar(sink, LSM_TAG_UNIX_MS, edit->unix_ms);
    put_scalar(sink, LSM_TAG_JOB, edit->job);
    put_scalar(sink, LSM_TAG_LOG_NUMBER, edit->log_number);
    put_scalar(sink, LSM_TAG_NEXT_FILE, edit->next_file);
    put_scalar(sink, LSM_TAG_LAST_SEQ, edit->last_seq);
    put_scalar(sink, LSM_TAG_MAX_LEVELS, edit->max_levels);
    for (size_t i = 0; i < edit->removed_count; i++) {
        const uint64_t values[] = {edit->removed[i].level, edit->removed[i].id};
        put_numbers(sink, LSM_TAG_REMOVED, values, 2);
    }
    for (size_t i = 0; i < edit->moved_count; i++) {
        const uint64_t values[] = {edit->moved[i].from, edit->moved[i].to, edit->moved[i].id};
        put_numbers(sink, LSM_TAG_MOVED, values, 3);
    }
    for (size_t i = 0; i < edit->added_count; i++) {
        put_table(sink, &edit->added[i]);
    }
    for (size_t i = 0; i < edit->times_count; i++) {
        const uint64_t values[] = {edit->times[i].seq, edit->times[i].unix_s};
        put_numbers(sink, LSM_TAG_TIME, values, 2);
    }
}

/* ---- writing ---- */

static int append_frame(struct lsm_manifest *manifest, const struct lsm_edit *edit,
                        struct lsm_fault *fault) {
    struct sink sink = {0};
    put_edit(&sink, edit);
    uint64_t payload = sink.size;
    if (payload > LSM_EDIT_PAYLOAD_MAX) {
        return lsm_fail(fault, LSM_ERR_ARGUMENT, "%s: an edit of %" PRIu64 " bytes is too large",
                        lsm_file_path(manifest->file), payload);
    }
    uint64_t size = lsm_edit_padded(LSM_EDIT_FRAME_BYTES + payload);
    uint8_t *frame = calloc(1, size);
    if (frame == NULL) {
        return lsm_fail(fault, LSM_ERR_MEMORY, "%s: no memory for an edit of %" PRIu64 " bytes",
                        lsm_file_path(manifest->file), size);
    }
    sink = (struct sink){frame + LSM_EDIT_FRAME_BYTES, 0};
    put_edit(&sink, edit);
    LSM_ASSERT(sink.size == payload);
    lsm_store32(frame + LSM_EDIT_AT_LENGTH, (uint32_t)payload);
    lsm_store32(frame + LSM_EDIT_AT_MAGIC, LSM_EDIT_MAGIC);
    lsm_store64(frame + LSM_EDIT_AT_CHECKSUM,
                lsm_checksum(lsm_manifest_domain(manifest->number, manifest->bytes),
                             frame + LSM_EDIT_AT_LENGTH,
                             LSM_EDIT_FRAME_BYTES - LSM_EDIT_AT_LENGTH + payload));
    int rc = lsm_file_write(manifest->file, manifest->bytes, frame, size, fault);
    if (rc == 0) {
        rc = lsm_file_sync(manifest->file, fault);
    }
    if (rc == 0) {
        manifest->bytes += size;
    }
    free(frame);
    return rc;
}

int lsm_manifest_append(struct lsm_manifest *manifest, const struct lsm_edit *edit,
                        struct lsm_fault *fault) {
    if (manifest->poisoned != 0) {
        return lsm_fail(fault, LSM_ERR_READ_ONLY, "%s: closed to edits by an earlier failure (%s)",
                        lsm_file_path(manifest->file), lsm_strerror(manifest->poisoned));
    }
    LSM_ASSERT(manifest->bytes % LSM_EDIT_ALIGN == 0);
    int rc = append_frame(manifest, edit, fault);
    manifest->poisoned = rc;
    return rc;
}

static int write_header(struct lsm_manifest *manifest, struct lsm_fault *fault) {
    uint8_t header[LSM_MANIFEST_HEADER_BYTES] = {0};
    memcpy(header, LSM_MANIFEST_MAGIC, 8);
    lsm_store16(header + LSM_MANIFEST_AT_MAJOR, LSM_MANIFEST_MAJOR);
    lsm_store16(header + LSM_MANIFEST_AT_MINOR, LSM_MANIFEST_MINOR);
    lsm_store64(header + LSM_MANIFEST_AT_NUMBER, manifest->number);
    lsm_store64(
        header + LSM_MANIFEST_AT_CHECKSUM,
        lsm_checksum(lsm_manifest_domain(manifest->number, 0), header, LSM_MANIFEST_AT_CHECKSUM));
    manifest->bytes = sizeof header;
    return lsm_file_write(manifest->file, 0, header, sizeof header, fault);
}

/* CURRENT changes in one step: whoever crashes here leaves the old one or the new one. */
static int publish_current(struct lsm_io *io, const char *directory, uint64_t number,
                           struct lsm_fault *fault) {
    char text[LSM_CURRENT_BYTES_MAX];
    char temp[LSM_PATH_MAX], current[LSM_PATH_MAX];
    struct lsm_file *file = NULL;
    int size = snprintf(text, sizeof text, LSM_CURRENT_PREFIX "MANIFEST-%06" PRIu64, number);
    LSM_ASSERT(size > 0 && (size_t)size < sizeof text);
    uint64_t sum = lsm_checksum(LSM_CURRENT_DOMAIN, text, (size_t)size);
    size += snprintf(text + size, sizeof text - (size_t)size, " %016" PRIx64 "\n", sum);
    LSM_ASSERT((size_t)size < sizeof text);

    lsm_file_name(temp, directory, LSM_NAME_TEMP, number);
    lsm_file_name(current, directory, LSM_NAME_CURRENT, 0);
    int rc = lsm_io_unlink(io, temp, fault); /* of a process that died here */
    if (rc == 0) {
        rc = lsm_file_open(io, temp, LSM_FILE_WRITE | LSM_FILE_CREATE, &file, fault);
    }
    if (rc == 0) {
        rc = lsm_file_write(file, 0, text, (size_t)size, fault);
    }
    if (rc == 0) {
        rc = lsm_file_sync(file, fault);
    }
    lsm_file_close(file);
    if (rc == 0) {
        rc = lsm_io_rename(io, temp, current, fault);
    }
    if (rc == 0) {
        rc = lsm_io_sync_dir(io, directory, fault);
    }
    return rc;
}

int lsm_manifest_create(struct lsm_io *io, const char *directory, uint64_t number,
                        const struct lsm_edit *snapshot, struct lsm_manifest **manifest,
                        struct lsm_fault *fault) {
    char path[LSM_PATH_MAX];
    LSM_ASSERT(snapshot->removed_count == 0 && snapshot->moved_count == 0);
    struct lsm_manifest *m = calloc(1, sizeof *m);
    if (m == NULL) {
        return lsm_fail(fault, LSM_ERR_MEMORY, "%s: no memory for a manifest", directory);
    }
    m->number = number;
    lsm_file_name(path, directory, LSM_NAME_MANIFEST, number);
    int rc = lsm_file_open(io, path, LSM_FILE_WRITE | LSM_FILE_CREATE, &m->file, fault);
    if (rc == 0) {
        rc = write_header(m, fault);
    }
    if (rc == 0) {
        rc = append_frame(m, snapshot, fault);
    }
    if (rc == 0) {
        rc = lsm_io_sync_dir(io, directory, fault); /* the name, before CURRENT leads to it */
    }
    if (rc == 0) {
        rc = publish_current(io, directory, number, fault);
    }
    if (rc != 0) {
        lsm_manifest_close(m);
        return rc;
    }
    *manifest = m;
    return 0;
}

uint64_t lsm_manifest_bytes(const struct lsm_manifest *manifest) {
    return manifest->bytes;
}

uint64_t lsm_manifest_number(const struct lsm_manifest *manifest) {
    return manifest->number;
}

void lsm_manifest_close(struct lsm_manifest *manifest) {
    if (manifest == NULL) {
        return;
    }
    lsm_file_close(manifest->file);
    free(manifest);
}
