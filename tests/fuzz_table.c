/* fuzz_table.c: any bytes as a table file. libFuzzer's entry point; table_fuzz_test drives it as
 * well.
 *
 * Checksums would stop nearly every mutation at the door. So wherever the mutated bytes still lead
 * from footer to info, sections and blocks, their checksums are made right again: what is tried is
 * the reader's own care. */
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "checksum.h"
#include "table_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool inside(uint64_t offset, uint64_t length, uint64_t size) {
    return offset <= size && length <= size - offset;
}

static void seal_section(const uint8_t *file, uint64_t size, struct lsm_section *section) {
    if (inside(section->offset, section->length, size)) {
        section->checksum = lsm_checksum(section->offset, file + section->offset, section->length);
    }
}

static void seal_records(uint8_t *file, uint64_t size, const struct lsm_section *section) {
    struct lsm_index_record record;
    for (uint64_t done = 0; done + sizeof record <= section->length; done += sizeof record) {
        memcpy(&record, file + section->offset + done, sizeof record);
        if (inside(record.offset, record.length, size)) {
            record.checksum = lsm_checksum(record.offset, file + record.offset, record.length);
            memcpy(file + section->offset + done, &record, sizeof record);
        }
    }
}

/* From the blocks up to the footer. */
static void seal(uint8_t *file, uint64_t size) {
    struct lsm_table_footer footer;
    struct lsm_table_stat stat;
    if (size < sizeof footer) {
        return;
    }
    uint64_t at = size - sizeof footer;
    memcpy(&footer, file + at, sizeof footer);
    footer.file_bytes = size;
    if (inside(footer.info.offset, footer.info.length, at) && footer.info.length >= sizeof stat) {
        memcpy(&stat, file + footer.info.offset, sizeof stat);
        if (inside(stat.records.offset, stat.records.length, at)) {
            seal_records(file, size, &stat.records);
        }
        seal_section(file, at, &stat.filter);
        seal_section(file, at, &stat.records);
        seal_section(file, at, &stat.keys);
        memcpy(file + footer.info.offset, &stat, sizeof stat);
        seal_section(file, at, &footer.info);
    }
    footer.checksum = lsm_checksum(size, &footer, offsetof(struct lsm_table_footer, checksum));
    memcpy(file + at, &footer, sizeof footer);
}

static void walk(struct lsm_table *table, struct lsm_queue *queue, size_t limit) {
    atomic_fetch_add(&table->refs, 1);
    struct lsm_source *source = lsm_table_source(table, queue, true, NULL);
    LSM_ASSERT(source != NULL);
    size_t steps = 0;
    for (source->ops->first(source); source->valid; source->ops->next(source)) {
        LSM_ASSERT(source->entry->key_size >= 1 && steps++ < limit);
    }
    LSM_ASSERT(source->status == 0 || source->status == LSM_ERR_CORRUPT);
    steps = 0;
    source->ops->last(source);
    while (source->valid && steps++ < 64) {
        source->ops->prev(source);
    }
    source->ops->seek(source, table->last_key, table->stat.last_key_size, LSM_SEQ_MAX);
    source->ops->destroy(source);
}

/* No entry is shorter than a byte of its unpacked block. */
static size_t raw_bytes(const struct lsm_table *table) {
    size_t bytes = 0;
    for (size_t i = 0; i < table->index.count; i++) {
        struct lsm_index_record record;
        bool sound = lsm_index_record(&table->index, i, &record);
        LSM_ASSERT(sound);
        bytes += record.raw_length;
    }
    return bytes;
}

static void use(struct lsm_table *table, struct lsm_queue *queue) {
    size_t size = raw_bytes(table);
    struct lsm_fault fault;
    struct lsm_entry entry;
    struct lsm_pin *pin;
    int rc = lsm_table_verify(table, NULL, &fault);
    LSM_ASSERT(rc == 0 || rc == LSM_ERR_CORRUPT);
    const uint8_t *keys[] = {table->first_key, table->last_key, (const uint8_t *)"key-000100"};
    size_t sizes[] = {table->stat.first_key_size, table->stat.last_key_size, 10};
    for (size_t i = 0; i < 3; i++) {
        rc = lsm_table_get(table, keys[i], sizes[i], LSM_SEQ_MAX, true, NULL, &entry, &pin, &fault);
        LSM_ASSERT(rc == 0 || rc == LSM_NOT_FOUND || rc == LSM_ERR_CORRUPT);
        if (rc == 0) {
            LSM_ASSERT(entry.value_size <= size);
            pin->release(pin);
        }
    }
    walk(table, NULL, size);
    walk(table, queue, size);
}

static void write_file(const char *path, const uint8_t *data, size_t size) {
    FILE *file = fopen(path, "wb");
    LSM_ASSERT(file != NULL);
    LSM_ASSERT(size == 0 || fwrite(data, size, 1, file) == 1);
    LSM_ASSERT(fclose(file) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct lsm_io *io; /* one for all inputs */
    struct lsm_fault fault;
    char notice[256];
    if (io == NULL) {
        int made = lsm_io_create(LSM_IO_POSIX, &io, notice, &fault);
        LSM_ASSERT(made == 0);
    }
    char path[64];
    snprintf(path, sizeof path, "/tmp/lsm-fuzz-table-%ld", (long)getpid());
    uint8_t *file = malloc(size + 1);
    LSM_ASSERT(file != NULL);
    memcpy(file, data, size);
    seal(file, size);
    write_file(path, file, size);
    free(file);
    struct lsm_block_cache *cache = lsm_block_cache_create(1 << 20);
    LSM_ASSERT(cache != NULL);
    struct lsm_table *table;
    int rc = lsm_table_open(io, path, 1, cache, NULL, &table, &fault);
    if (rc == 0) {
        struct lsm_queue *queue = lsm_queue_borrow(io);
        use(table, queue);
        table->fresh = true;
        lsm_table_map(table); /* and all of it once more, where it is in the mapping */
        LSM_ASSERT(table->map != NULL);
        use(table, queue);
        lsm_queue_return(io, queue);
        lsm_table_release(table);
    } else {
        LSM_ASSERT(rc == LSM_ERR_CORRUPT || rc == LSM_ERR_VERSION || rc == LSM_ERR_MEMORY);
    }
    lsm_block_cache_destroy(cache);
    unlink(path);
    return 0;
}
