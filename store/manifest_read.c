#include "check.h"
#include "checksum.h"
#include "entry.h"
#include "manifest.h"
#include "manifest_format.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- decoding an edit: nothing is believed before it is checked ---- */

/* Bytes not read yet; `p` turns NULL at the first thing that is not what it should be, and stays
 * so. */
struct cursor {
    const uint8_t *p, *end;
};

static uint64_t take(struct cursor *cursor) {
    uint64_t value = 0;
    if (cursor->p != NULL) {
        cursor->p = lsm_get_varint(cursor->p, cursor->end, &value);
    }
    return cursor->p != NULL ? value : 0;
}

static uint32_t take_level(struct cursor *cursor) {
    uint64_t level = take(cursor);
    if (level >= LSM_LEVELS_MAX) {
        cursor->p = NULL;
        return 0;
    }
    return (uint32_t)level;
}

static uint64_t take_id(struct cursor *cursor) {
    uint64_t id = take(cursor);
    if (id == 0) {
        cursor->p = NULL;
    }
    return id;
}

static bool at_end(const struct cursor *cursor) {
    return cursor->p != NULL && cursor->p == cursor->end;
}

/* A malloc'd key; NULL with cursor->p NULL when the bytes are bad, NULL with cursor->p set when
 * memory is out. */
static uint8_t *take_key(struct cursor *cursor, uint32_t *size) {
    uint64_t n = take(cursor);
    if (cursor->p == NULL || n == 0 || n > LSM_KEY_MAX || n > (uint64_t)(cursor->end - cursor->p)) {
        cursor->p = NULL;
        return NULL;
    }
    uint8_t *key = malloc(n);
    if (key != NULL) {
        memcpy(key, cursor->p, n);
        *size = (uint32_t)n;
        cursor->p += n;
    }
    return key;
}

static bool meta_is_sane(const struct lsm_table_meta *meta) {
    return meta->entries > 0 && meta->tombstones <= meta->entries && meta->bytes > 0 &&
           meta->seq_min > 0 && meta->seq_min <= meta->seq_max && meta->seq_max <= LSM_SEQ_MAX &&
           lsm_key_compare(meta->first_key, meta->first_key_size, meta->last_key,
                           meta->last_key_size) <= 0;
}

static int decode_added(struct cursor *cursor, struct lsm_edit *edit) {
    struct lsm_table_meta *meta = lsm_table_meta_create();
    int rc = LSM_ERR_CORRUPT;
    if (meta == NULL) {
        return LSM_ERR_MEMORY;
    }
    uint32_t level = take_level(cursor);
    meta->id = take_id(cursor);
    meta->bytes = take(cursor);
    meta->entries = take(cursor);
    meta->tombstones = take(cursor);
    meta->seq_min = take(cursor);
    meta->seq_max = take(cursor);
    meta->created_unix_ms = take(cursor);
    meta->key_bytes = take(cursor);
    meta->value_bytes = take(cursor);
    meta->level = level;
    meta->first_key = take_key(cursor, &meta->first_key_size);
    if (meta->first_key == NULL) {
        rc = cursor->p == NULL ? LSM_ERR_CORRUPT : LSM_ERR_MEMORY;
        goto done;
    }
    meta->last_key = take_key(cursor, &meta->last_key_size);
    if (meta->last_key == NULL) {
        rc = cursor->p == NULL ? LSM_ERR_CORRUPT : LSM_ERR_MEMORY;
        goto done;
    }
    if (at_end(cursor) && meta_is_sane(meta)) {
        rc = lsm_edit_add(edit, level, meta);
    }
done:
    if (rc != 0) {
        lsm_table_meta_free(meta);
    }
    return rc;
}

static int decode_removed(struct cursor *cursor, struct lsm_edit *edit) {
    uint32_t level = take_level(cursor);
    uint64_t id = take_id(cursor);
    return at_end(cursor) ? lsm_edit_remove(edit, level, id) : LSM_ERR_CORRUPT;
}

static int decode_moved(struct cursor *cursor, struct lsm_edit *edit) {
    uint32_t from = take_level(cursor);
    uint32_t to = take_level(cursor);
    uint64_t id = take_id(cursor);
    return at_end(cursor) ? lsm_edit_move(edit, from, to, id) : LSM_ERR_CORRUPT;
}

static int decode_time(struct cursor *cursor, struct lsm_edit *edit) {
    uint64_t seq = take(cursor);
    uint64_t unix_s = take(cursor);
    bool sane = at_end(cursor) && seq <= LSM_SEQ_MAX;
    return sane ? lsm_edit_time(edit, seq, unix_s) : LSM_ERR_CORRUPT;
}

/* Fields 1 to 6. A zero or a second one was never written. */
static int decode_scalar(struct cursor *cursor, uint64_t tag, struct lsm_edit *edit) {
    uint64_t max_levels = edit->max_levels;
    uint64_t *const fields[] = {
        [LSM_TAG_UNIX_MS] = &edit->unix_ms,       [LSM_TAG_JOB] = &edit->job,
        [LSM_TAG_LOG_NUMBER] = &edit->log_number, [LSM_TAG_NEXT_FILE] = &edit->next_file,
        [LSM_TAG_LAST_SEQ] = &edit->last_seq,     [LSM_TAG_MAX_LEVELS] = &max_levels,
    };
    LSM_ASSERT(tag >= LSM_TAG_UNIX_MS && tag <= LSM_TAG_MAX_LEVELS);
    uint64_t value = take(cursor);
    if (!at_end(cursor) || value == 0 || *fields[tag] != 0) {
        return LSM_ERR_CORRUPT;
    }
    *fields[tag] = value;
    if (max_levels > LSM_LEVELS_MAX || edit->last_seq > LSM_SEQ_MAX) {
        return LSM_ERR_CORRUPT;
    }
    edit->max_levels = (uint32_t)max_levels;
    return 0;
}

static int decode_field(struct cursor *value, uint64_t tag, struct lsm_edit *edit) {
    switch (tag) {
    case LSM_TAG_UNIX_MS:
    case LSM_TAG_JOB:
    case LSM_TAG_LOG_NUMBER:
    case LSM_TAG_NEXT_FILE:
    case LSM_TAG_LAST_SEQ:
    case LSM_TAG_MAX_LEVELS:
        return decode_scalar(value, tag, edit);
    case LSM_TAG_ADDED:
        return decode_added(value, edit);
    case LSM_TAG_REMOVED:
        return decode_removed(value, edit);
    case LSM_TAG_MOVED:
        return decode_moved(value, edit);
    case LSM_TAG_TIME:
        return decode_time(value, edit);
    default:
        if (tag == 0) {
            return LSM_ERR_CORRUPT;
        }
        return tag >= LSM_TAG_OPTIONAL ? 0 : LSM_ERR_VERSION;
    }
}

/* Fills *edit (initialised by the caller, who frees it whatever comes back). */
static int decode_edit(const uint8_t *payload, uint64_t size, struct lsm_edit *edit) {
    struct cursor cursor = {payload, payload + size};
    while (!at_end(&cursor)) {
        uint64_t tag = take(&cursor);
        uint64_t length = take(&cursor);
        if (cursor.p == NULL || length > (uint64_t)(cursor.end - cursor.p)) {
            return LSM_ERR_CORRUPT;
        }
        struct cursor value = {cursor.p, cursor.p + length};
        int rc = decode_field(&value, tag, edit);
        if (rc != 0) {
            return rc;
        }
        cursor.p += length;
    }
    return 0;
}

/* ---- frames ---- */

struct image {
    const char *path;
    uint64_t number;
    uint8_t *bytes;
    uint64_t size;
};

/* Bytes of the intact frame at `offset` with its padding, which the file's end may have cut; 0 when
 * there is none. `work` counts the bytes that were summed. */
static uint64_t frame_at(const struct image *image, uint64_t offset, uint64_t *work) {
    const uint8_t *frame = image->bytes + offset;
    uint64_t left = image->size - offset;
    if (left < LSM_EDIT_FRAME_BYTES || lsm_load32(frame + LSM_EDIT_AT_MAGIC) != LSM_EDIT_MAGIC) {
        return 0;
    }
    uint64_t length = lsm_load32(frame + LSM_EDIT_AT_LENGTH);
    if (length > LSM_EDIT_PAYLOAD_MAX || length > left - LSM_EDIT_FRAME_BYTES) {
        return 0;
    }
    uint64_t covered = LSM_EDIT_FRAME_BYTES - LSM_EDIT_AT_LENGTH + length;
    uint64_t sum = lsm_checksum(lsm_manifest_domain(image->number, offset),
                                frame + LSM_EDIT_AT_LENGTH, covered);
    *work += covered;
    if (sum != lsm_load64(frame + LSM_EDIT_AT_CHECKSUM)) {
        return 0;
    }
    uint64_t padded = lsm_edit_padded(LSM_EDIT_FRAME_BYTES + length);
    return padded < left ? padded : left;
}

/* Is there an intact frame after the bad one at `offset`? A hostile file could make each place
 * claim a long frame; past a bounded effort the answer is yes, which refuses the file. */
static bool intact_after(const struct image *image, uint64_t offset) {
    uint64_t work = 0;
    for (uint64_t at = offset + LSM_EDIT_ALIGN; at < image->size; at += LSM_EDIT_ALIGN) {
        if (frame_at(image, at, &work) != 0 || work > 64 * image->size) {
            return true;
        }
    }
    return false;
}

static int check_header(const struct image *image, struct lsm_fault *fault) {
    const uint8_t *header = image->bytes;
    if (image->size < LSM_MANIFEST_HEADER_BYTES || memcmp(header, LSM_MANIFEST_MAGIC, 8) != 0 ||
        lsm_load64(header + LSM_MANIFEST_AT_CHECKSUM) !=
            lsm_checksum(lsm_manifest_domain(image->number, 0), header, LSM_MANIFEST_AT_CHECKSUM)) {
        return lsm_fail(fault, LSM_ERR_CORRUPT, "%s: offset 0: not the header of manifest %" PRIu64,
                        image->path, image->number);
    }
    if (lsm_load16(header + LSM_MANIFEST_AT_MAJOR) != LSM_MANIFEST_MAJOR) {
        return lsm_fail(fault, LSM_ERR_VERSION, "%s: format %u, this version reads %d", image->path,
                        lsm_load16(header + LSM_MANIFEST_AT_MAJOR), LSM_MANIFEST_MAJOR);
    }
    return 0;
}

/* Decodes one frame and hands the edit to the visitor, who takes the metas over. */
static int visit_frame(const struct image *image, uint64_t offset, lsm_edit_visit visit,
                       void *context, struct lsm_fault *fault) {
    const uint8_t *frame = image->bytes + offset;
    struct lsm_edit edit;
    bool ours = true; /* the metas */
    lsm_edit_init(&edit);
    int rc =
        decode_edit(frame + LSM_EDIT_FRAME_BYTES, lsm_load32(frame + LSM_EDIT_AT_LENGTH), &edit);
    if (rc != 0) {
        rc = lsm_fail(fault, rc, "%s: offset %" PRIu64 ": %s", image->path, offset,
                      rc == LSM_ERR_MEMORY    ? "no memory for the edit"
                      : rc == LSM_ERR_VERSION ? "an edit of a newer version"
                                              : "an edit that makes no sense");
    } else {
        ours = false;
        rc = visit(context, &edit, fault);
    }
    lsm_edit_free(&edit, ours);
    return rc;
}

static int visit_all(const struct image *image, lsm_edit_visit visit, void *context,
                     struct lsm_fault *fault) {
    uint64_t offset = LSM_MANIFEST_HEADER_BYTES, edits = 0;
    int rc = check_header(image, fault);
    while (rc == 0 && offset < image->size) {
        uint64_t work = 0;
        uint64_t size = frame_at(image, offset, &work);
        if (size == 0) {
            if (edits == 0 || intact_after(image, offset)) {
                rc = lsm_fail(fault, LSM_ERR_CORRUPT, "%s: offset %" PRIu64 ": a damaged edit",
                              image->path, offset);
            }
            break;
        }
        rc = visit_frame(image, offset, visit, context, fault);
        offset += size;
        edits++;
    }
    if (rc == 0 && edits == 0) {
        /* The snapshot was synced before CURRENT named this file. */
        rc = lsm_fail(fault, LSM_ERR_CORRUPT, "%s: offset %" PRIu64 ": the first edit is missing",
                      image->path, offset);
    }
    return rc;
}

/* Reads a whole file of at most `size_max` bytes; *bytes is malloc'd. */
static int read_whole(struct lsm_io *io, const char *path, uint64_t size_max, uint8_t **bytes,
                      uint64_t *size, struct lsm_fault *fault) {
    struct lsm_file *file = NULL;
    uint8_t *buffer = NULL;
    int rc = lsm_file_open(io, path, LSM_FILE_READ, &file, fault);
    if (rc == 0) {
        rc = lsm_file_size(file, size, fault);
    }
    if (rc == 0 && *size > size_max) {
        rc = lsm_fail(fault, LSM_ERR_CORRUPT, "%s: %" PRIu64 " bytes are too many", path, *size);
    }
    if (rc == 0) {
        buffer = malloc(*size + 1);
        if (buffer == NULL) {
            rc = lsm_fail(fault, LSM_ERR_MEMORY, "%s: no memory to read it", path);
        }
    }
    if (rc == 0 && *size > 0) {
        rc = lsm_file_read(file, 0, buffer, *size, fault);
    }
    lsm_file_close(file);
    if (rc != 0) {
        free(buffer);
        return rc;
    }
    *bytes = buffer;
    return 0;
}

int lsm_manifest_read(struct lsm_io *io, const char *directory, uint64_t number,
                      lsm_edit_visit visit, void *context, struct lsm_fault *fault) {
    char path[LSM_PATH_MAX];
    struct image image = {.path = path, .number = number};
    lsm_file_name(path, directory, LSM_NAME_MANIFEST, number);
    int rc = read_whole(io, path, UINT64_C(1) << 40, &image.bytes, &image.size, fault);
    if (rc == 0) {
        rc = visit_all(&image, visit, context, fault);
    }
    free(image.bytes);
    return rc;
}

/* ---- CURRENT ---- */

struct look {
    bool found;
};

static void look_for_current(void *context, const char *name) {
    struct look *look = context;
    uint64_t number;
    look->found = look->found || lsm_file_kind_of(name, &number) == LSM_NAME_CURRENT;
}

/* True when the text is exactly what publishing `*number` would have written. */
static bool parse_current(char *text, uint64_t size, uint64_t *number) {
    const size_t prefix = sizeof LSM_CURRENT_PREFIX - 1;
    enum { TAIL = 1 + 16 + 1 }; /* blank, checksum, newline */
    char sum[TAIL + 1];
    if (size <= prefix + TAIL || memchr(text, '\0', size) != NULL ||
        memcmp(text, LSM_CURRENT_PREFIX, prefix) != 0) {
        return false;
    }
    size_t covered = (size_t)size - TAIL;
    snprintf(sum, sizeof sum, " %016" PRIx64 "\n", lsm_checksum(LSM_CURRENT_DOMAIN, text, covered));
    if (memcmp(text + covered, sum, TAIL) != 0) {
        return false;
    }
    text[covered] = '\0';
    return lsm_file_kind_of(text + prefix, number) == LSM_NAME_MANIFEST;
}

int lsm_manifest_current(struct lsm_io *io, const char *directory, uint64_t *number,
                         struct lsm_fault *fault) {
    char path[LSM_PATH_MAX];
    struct look look = {false};
    uint8_t *text = NULL;
    uint64_t size = 0, found = 0;
    int rc = lsm_io_list(io, directory, look_for_current, &look, fault);
    if (rc != 0) {
        return rc;
    }
    if (!look.found) {
        return lsm_fail(fault, LSM_NOT_FOUND, "%s: no CURRENT in it", directory);
    }
    lsm_file_name(path, directory, LSM_NAME_CURRENT, 0);
    rc = read_whole(io, path, LSM_CURRENT_BYTES_MAX, &text, &size, fault);
    if (rc == 0 && !parse_current((char *)text, size, &found)) {
        rc = lsm_fail(fault, LSM_ERR_CORRUPT, "%s: offset 0: does not name a manifest", path);
    }
    if (rc == 0) {
        *number = found;
    }
    free(text);
    return rc;
}
