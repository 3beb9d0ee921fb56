/* fuzz_manifest.c: any bytes as a manifest, as an edit in an intact frame, and as CURRENT.
 * libFuzzer's entry point; manifest_test drives it as well, with mutations of a real manifest. */
#include <stdlib.h>

#include "check.h"
#include "checksum.h"
#include "entry.h"
#include "manifest.h"
#include "manifest_format.h"
#include "sim_io.h"

int fuzz_manifest(const uint8_t *data, size_t size);
void fuzz_manifest_mutations(const uint8_t *real, size_t size, uint64_t seed, unsigned rounds);

enum { FUZZ_NUMBER = 7 };

static int fuzz_visit_edit(void *context, struct lsm_edit *edit, struct lsm_fault *fault) {
    (void)context;
    (void)fault;
    LSM_ASSERT(edit->max_levels <= LSM_LEVELS_MAX && edit->last_seq <= LSM_SEQ_MAX);
    for (size_t i = 0; i < edit->added_count; i++) {
        struct lsm_table_meta *meta = edit->added[i].meta;
        LSM_ASSERT(edit->added[i].level < LSM_LEVELS_MAX && meta->id > 0);
        LSM_ASSERT(meta->first_key_size > 0 && meta->last_key_size <= LSM_KEY_MAX);
        LSM_ASSERT(lsm_key_compare(meta->first_key, meta->first_key_size, meta->last_key,
                                   meta->last_key_size) <= 0);
        lsm_table_meta_free(meta);
    }
    for (size_t i = 0; i < edit->moved_count; i++) {
        LSM_ASSERT(edit->moved[i].from < LSM_LEVELS_MAX && edit->moved[i].to < LSM_LEVELS_MAX);
    }
    for (size_t i = 0; i < edit->removed_count; i++) {
        LSM_ASSERT(edit->removed[i].level < LSM_LEVELS_MAX && edit->removed[i].id > 0);
    }
    return 0;
}

static void fuzz_write(struct lsm_io *io, enum lsm_file_kind kind, const uint8_t *data,
                       size_t size) {
    char path[LSM_PATH_MAX];
    struct lsm_file *file = NULL;
    struct lsm_fault fault;
    lsm_file_name(path, "/", kind, FUZZ_NUMBER);
    int rc = lsm_file_open(io, path, LSM_FILE_WRITE | LSM_FILE_CREATE, &file, &fault);
    LSM_ASSERT(rc == 0);
    if (size > 0) {
        rc = lsm_file_write(file, 0, data, size, &fault);
        LSM_ASSERT(rc == 0);
    }
    lsm_file_close(file);
}

static void fuzz_read(const uint8_t *data, size_t size) {
    struct lsm_io *io = sim_create(1);
    struct lsm_fault fault = {0};
    fuzz_write(io, LSM_NAME_MANIFEST, data, size);
    int rc = lsm_manifest_read(io, "/", FUZZ_NUMBER, fuzz_visit_edit, NULL, &fault);
    LSM_ASSERT(rc == 0 || rc == LSM_ERR_CORRUPT || rc == LSM_ERR_VERSION);
    LSM_ASSERT(rc == 0 || fault.text[0] != '\0');
    lsm_io_destroy(io);
}

/* The bytes as the only edit of a manifest that is right in all else. */
static void fuzz_edit(const uint8_t *data, size_t size) {
    size_t total = LSM_MANIFEST_HEADER_BYTES + (size_t)lsm_edit_padded(LSM_EDIT_FRAME_BYTES + size);
    uint8_t *bytes = calloc(1, total);
    LSM_ASSERT(bytes != NULL);
    memcpy(bytes, LSM_MANIFEST_MAGIC, 8);
    lsm_store16(bytes + LSM_MANIFEST_AT_MAJOR, LSM_MANIFEST_MAJOR);
    lsm_store64(bytes + LSM_MANIFEST_AT_NUMBER, FUZZ_NUMBER);
    lsm_store64(bytes + LSM_MANIFEST_AT_CHECKSUM,
                lsm_checksum(lsm_manifest_domain(FUZZ_NUMBER, 0), bytes, LSM_MANIFEST_AT_CHECKSUM));
    uint8_t *frame = bytes + LSM_MANIFEST_HEADER_BYTES;
    lsm_store32(frame + LSM_EDIT_AT_LENGTH, (uint32_t)size);
    lsm_store32(frame + LSM_EDIT_AT_MAGIC, LSM_EDIT_MAGIC);
    memcpy(frame + LSM_EDIT_FRAME_BYTES, data, size);
    lsm_store64(frame, lsm_checksum(lsm_manifest_domain(FUZZ_NUMBER, LSM_MANIFEST_HEADER_BYTES),
                                    frame + LSM_EDIT_AT_LENGTH, 8 + size));
    fuzz_read(bytes, total);
    free(bytes);
}

static void fuzz_current(const uint8_t *data, size_t size) {
    struct lsm_io *io = sim_create(1);
    struct lsm_fault fault = {0};
    uint64_t number = 0;
    fuzz_write(io, LSM_NAME_CURRENT, data, size);
    int rc = lsm_manifest_current(io, "/", &number, &fault);
    LSM_ASSERT(rc == 0 || rc == LSM_ERR_CORRUPT);
    lsm_io_destroy(io);
}

/* The first byte chooses what the rest is. */
int fuzz_manifest(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    switch (data[0] % 4) {
    case 0:
        fuzz_read(data + 1, size - 1);
        break;
    case 1:
        fuzz_current(data + 1, size - 1);
        break;
    default:
        fuzz_edit(data + 1, size - 1);
        break;
    }
    return 0;
}

#ifdef LSM_FUZZ_MAIN
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return fuzz_manifest(data, size);
}
#else

static uint64_t fuzz_next(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* `real`: a manifest with number 7. Mutated as a whole file, and its first edit in a frame whose
 * checksum fits. */
void fuzz_manifest_mutations(const uint8_t *real, size_t size, uint64_t seed, unsigned rounds) {
    const size_t head = LSM_MANIFEST_HEADER_BYTES + LSM_EDIT_FRAME_BYTES;
    uint64_t state = seed | 1;
    LSM_ASSERT(size > head);
    size_t first = lsm_load32(real + LSM_MANIFEST_HEADER_BYTES + LSM_EDIT_AT_LENGTH);
    uint8_t *bytes = malloc(size + 1);
    LSM_ASSERT(bytes != NULL && head + first <= size);
    for (unsigned round = 0; round < rounds; round++) {
        bool whole = round % 3 == 0;
        size_t n = whole ? size : first;
        bytes[0] = whole ? 0 : 2;
        memcpy(bytes + 1, whole ? real : real + head, n);
        for (uint64_t i = 1 + fuzz_next(&state) % 4; i > 0; i--) {
            bytes[1 + fuzz_next(&state) % n] = (uint8_t)(fuzz_next(&state) >> 8);
        }
        n = round % 5 == 0 ? fuzz_next(&state) % n : n;
        (void)fuzz_manifest(bytes, 1 + n);
    }
    free(bytes);
}
#endif
