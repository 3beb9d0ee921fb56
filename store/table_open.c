/* table_open.c: from a file to an open table. Everything read here is checked: the footer leads to
 * the info, the info to filter and index, and each reference carries the checksum of its goal. */
#include <stdlib.h>

#include "bytes.h"
#include "check.h"
#include "checksum.h"
#include "table_internal.h"

enum { READ_PART = 64 << 20 }; /* a request's length is 32 bits */

static const char *path_of(const struct lsm_table *table) {
    return lsm_file_path(table->file);
}

static void free_section(const struct lsm_table *table, uint8_t *bytes) {
    if (table->map == NULL) {
        free(bytes);
    }
}

static int corrupt(const struct lsm_table *table, const char *what, uint64_t offset,
                   struct lsm_fault *fault) {
    return lsm_fail(fault, LSM_ERR_CORRUPT, "%s: offset %llu: %s", path_of(table),
                    (unsigned long long)offset, what);
}

/* What lies behind the blocks is looked into at random for as long as the table is open: it comes
 * in huge pages. A hypervisor with shadow page tables loses the entries of small ones again and
 * again where threads of a process run on several processors: with filters in small pages 4 to 7 %
 * of gets over 50 M keys waited 5 us and more, 1 to 2 % do so now. Rounds of 4 s, one run after the
 * other: 445, 527, 558, 588, 591 k gets a second, now 505, 606, 629, 626, 625, 654 k. */
static int bring(const struct lsm_table *table, uint64_t offset, uint64_t length,
                 struct lsm_fault *fault) {
    return lsm_file_bring(table->file, table->map, table->file_bytes, offset, length, LSM_MAP_HUGE,
                          fault);
}

static int read_bytes(const struct lsm_table *table, const struct lsm_section *section,
                      uint8_t *bytes, struct lsm_fault *fault) {
    int rc = 0;
    for (uint64_t done = 0; rc == 0 && done < section->length; done += READ_PART) {
        uint64_t rest = section->length - done;
        rc = lsm_file_read(table->file, section->offset + done, bytes + done,
                           rest < READ_PART ? rest : READ_PART, fault);
    }
    return rc;
}

/* Reads and checks a section that must lie in [0, end). *data is in the mapping or, where there is
 * none, for free_section(). */
static int read_section(const struct lsm_table *table, const char *name,
                        const struct lsm_section *section, uint64_t end, uint8_t **data,
                        struct lsm_fault *fault) {
    uint64_t length = section->length;
    if (length == 0 || section->offset > end || length > end - section->offset) {
        return corrupt(table, name, section->offset, fault);
    }
    uint8_t *bytes;
    int rc;
    if (table->map != NULL) {
        bytes = table->map + section->offset;
        rc = bring(table, section->offset, length, fault);
    } else {
        /* Aligned for the filter's lines. */
        bytes = aligned_alloc(LSM_FILTER_LINE,
                              (length + LSM_FILTER_LINE - 1) & ~(uint64_t)(LSM_FILTER_LINE - 1));
        if (bytes == NULL) {
            return lsm_fail(fault, LSM_ERR_MEMORY, "%s: no memory for %llu bytes of %s",
                            path_of(table), (unsigned long long)length, name);
        }
        rc = read_bytes(table, section, bytes, fault);
    }
    if (rc == 0 && lsm_checksum(section->offset, bytes, length) != section->checksum) {
        rc = lsm_fail(fault, LSM_ERR_CORRUPT, "%s: offset %llu: checksum of %s does not match",
                      path_of(table), (unsigned long long)section->offset, name);
    }
    if (rc != 0) {
        free_section(table, bytes);
        return rc;
    }
    *data = bytes;
    return 0;
}

static int read_footer(const struct lsm_table *table, uint64_t size,
                       struct lsm_table_footer *footer, struct lsm_fault *fault) {
    if (size < sizeof *footer) {
        return corrupt(table, "the file is too short for a table", size, fault);
    }
    uint64_t offset = size - sizeof *footer;
    int rc;
    if (table->map == NULL) {
        rc = lsm_file_read(table->file, offset, footer, sizeof *footer, fault);
    } else {
        rc = bring(table, offset, sizeof *footer, fault);
        if (rc == 0) {
            memcpy(footer, table->map + offset, sizeof *footer);
        }
    }
    if (rc != 0) {
        return rc;
    }
    if (footer->magic != LSM_TABLE_MAGIC) {
        return corrupt(table, "no footer of a table", offset, fault);
    }
    uint64_t checksum = lsm_checksum(size, footer, offsetof(struct lsm_table_footer, checksum));
    if (footer->checksum != checksum || footer->file_bytes != size) {
        return corrupt(table, "checksum of the footer does not match", offset, fault);
    }
    if (footer->major != LSM_TABLE_MAJOR) {
        return lsm_fail(fault, LSM_ERR_VERSION, "%s: table format %u.%u, this reads %d.x",
                        path_of(table), footer->major, footer->minor, LSM_TABLE_MAJOR);
    }
    return 0;
}

static int read_info(struct lsm_table *table, const struct lsm_table_footer *footer,
                     struct lsm_fault *fault) {
    uint64_t end = footer->file_bytes - sizeof *footer;
    uint64_t length = footer->info.length;
    uint8_t *bytes = NULL;
    int rc = read_section(table, "table info", &footer->info, end, &bytes, fault);
    if (rc != 0) {
        return rc;
    }
    table->info = malloc(length);
    if (table->info == NULL) {
        free_section(table, bytes);
        return lsm_fail(fault, LSM_ERR_MEMORY, "%s: no memory for the table info", path_of(table));
    }
    memcpy(table->info, bytes, length);
    free_section(table, bytes);
    struct lsm_table_stat *stat = &table->stat;
    if (length < sizeof *stat) {
        return corrupt(table, "table info is too short", footer->info.offset, fault);
    }
    memcpy(stat, table->info, sizeof *stat);
    if (stat->first_key_size == 0 || stat->first_key_size > LSM_KEY_SIZE_MAX ||
        stat->last_key_size == 0 || stat->last_key_size > LSM_KEY_SIZE_MAX ||
        (uint64_t)stat->first_key_size + stat->last_key_size > length - sizeof *stat) {
        return corrupt(table, "table info has keys of impossible sizes", footer->info.offset,
                       fault);
    }
    table->first_key = table->info + sizeof *stat;
    table->last_key = table->first_key + stat->first_key_size;
    bool sound = stat->entries >= 1 && stat->tombstones <= stat->entries &&
                 stat->seq_min <= stat->seq_max && stat->seq_max <= LSM_SEQ_MAX &&
                 stat->blocks >= 1 && stat->blocks <= stat->entries &&
                 stat->records.length % sizeof(struct lsm_index_record) == 0 &&
                 stat->records.length / sizeof(struct lsm_index_record) == stat->blocks;
    return sound ? 0 : corrupt(table, "table info contradicts itself", footer->info.offset, fault);
}

/* Filter and index lie together: the disk may read them side by side. Opening a cold table of 64
 * MiB waits a fifth as long for it. A mapping brings 2 MiB at once. */
static void ask_for_sections(const struct lsm_table *table, uint64_t end) {
    const struct lsm_section *first =
        table->stat.filter.length != 0 ? &table->stat.filter : &table->stat.records;
    if (table->map == NULL && first->offset < end) {
        lsm_file_will_need(table->file, first->offset, end - first->offset);
    }
}

static int read_filter(struct lsm_table *table, uint64_t end, struct lsm_fault *fault) {
    const struct lsm_section *section = &table->stat.filter;
    if (section->length == 0) {
        return 0;
    }
    uint8_t *bytes = NULL;
    int rc = read_section(table, "filter", section, end, &bytes, fault);
    if (rc != 0) {
        return rc;
    }
    uint64_t zeros = lsm_filter_zeros(section->offset);
    if (section->length < zeros ||
        !lsm_filter_look(bytes + zeros, section->length - zeros, &table->filter)) {
        free_section(table, bytes);
        return corrupt(table, "not a filter", section->offset, fault);
    }
    if (table->map == NULL) { /* in a mapping its lines are aligned already */
        memmove(bytes, bytes + zeros, section->length - zeros);
        lsm_filter_move(&table->filter, bytes);
        table->filter_bytes = bytes;
    }
    table->filtered = true;
    return 0;
}

static int read_index(struct lsm_table *table, uint64_t end, struct lsm_fault *fault) {
    const struct lsm_table_stat *stat = &table->stat;
    uint8_t *records = NULL;
    uint8_t *keys = NULL;
    int rc = read_section(table, "index records", &stat->records, end, &records, fault);
    if (rc == 0) {
        rc = read_section(table, "index keys", &stat->keys, end, &keys, fault);
    }
    if (rc != 0) {
        free_section(table, records);
        return rc;
    }
    size_t bad;
    uint64_t blocks_end = stat->filter.length != 0 ? stat->filter.offset : stat->records.offset;
    rc = lsm_index_make(&table->index, records, stat->blocks, keys, stat->keys.length, blocks_end,
                        table->map == NULL, table->pool, &bad);
    if (rc == LSM_ERR_CORRUPT) {
        uint64_t offset = stat->records.offset + bad * sizeof(struct lsm_index_record);
        return corrupt(table, "index record out of range or order", offset, fault);
    }
    if (rc == LSM_ERR_VERSION) {
        return lsm_fail(fault, rc, "%s: block %zu is compressed in a way this does not know",
                        path_of(table), bad);
    }
    if (rc != 0) {
        return lsm_fail(fault, rc, "%s: no memory for the index", path_of(table));
    }
    return 0;
}

static bool same_key(const uint8_t *a, uint32_t a_size, const uint8_t *b, uint32_t b_size) {
    return a_size == b_size && memcmp(a, b, a_size) == 0;
}

/* A table under the wrong number, however whole, is damage as well. */
static int check_meta(const struct lsm_table *table, const struct lsm_table_footer *footer,
                      const struct lsm_table_meta *meta, struct lsm_fault *fault) {
    const struct lsm_table_stat *stat = &table->stat;
    bool same =
        meta->bytes == footer->file_bytes && meta->entries == stat->entries &&
        meta->tombstones == stat->tombstones && meta->seq_min == stat->seq_min &&
        meta->seq_max == stat->seq_max &&
        same_key(meta->first_key, meta->first_key_size, table->first_key, stat->first_key_size) &&
        same_key(meta->last_key, meta->last_key_size, table->last_key, stat->last_key_size);
    return same ? 0
                : corrupt(table, "the table is not the one the manifest describes",
                          footer->info.offset, fault);
}

static void release_pin(struct lsm_pin *pin) {
    lsm_table_release((struct lsm_table *)(void *)pin);
}

static void close_table(struct lsm_table *table) {
    lsm_table_unmap(table);
    lsm_index_free(&table->index);
    free(table->filter_bytes);
    free(table->info);
    lsm_file_close(table->file);
    pthread_mutex_destroy(&table->fault_lock);
    free(table);
}

static int open_sections(struct lsm_table *table, const char *path,
                         const struct lsm_table_meta *meta, bool map, struct lsm_fault *fault) {
    struct lsm_table_footer footer;
    uint64_t size = 0;
    int rc = lsm_file_open(table->io, path, LSM_FILE_READ, &table->file, fault);
    if (rc == 0) {
        rc = lsm_file_size(table->file, &size, fault);
    }
    if (rc == 0) {
        if (map) {
            (void)lsm_table_map_begin(table, size);
        }
        rc = read_footer(table, size, &footer, fault);
    }
    if (rc == 0) {
        table->file_bytes = footer.file_bytes;
        rc = read_info(table, &footer, fault);
    }
    if (rc == 0 && meta != NULL) {
        rc = check_meta(table, &footer, meta, fault);
    }
    if (rc == 0) {
        ask_for_sections(table, footer.info.offset);
        rc = read_filter(table, footer.info.offset, fault);
    }
    return rc == 0 ? read_index(table, footer.info.offset, fault) : rc;
}

static int open_with(struct lsm_io *io, const char *path, uint64_t id,
                     struct lsm_block_cache *cache, const struct lsm_table_meta *meta, bool map,
                     struct lsm_page_pool *pool, struct lsm_table **table,
                     struct lsm_fault *fault) {
    struct lsm_table *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return lsm_fail(fault, LSM_ERR_MEMORY, "%s: no memory to open the table", path);
    }
    made->pin.release = release_pin;
    atomic_init(&made->refs, 1);
    made->id = id;
    made->io = io;
    made->cache = cache;
    made->pool = pool;
    int mutex = pthread_mutex_init(&made->fault_lock, NULL);
    LSM_ASSERT(mutex == 0);
    int rc = open_sections(made, path, meta, map, fault);
    if (rc == 0 && made->map != NULL) {
        lsm_table_map_end(made);
    }
    if (made->map != NULL) { /* whatever came of zeros in the place of lost pages */
        int settled = lsm_table_settle_mapped(made, NULL, fault);
        rc = settled != 0 ? settled : rc;
    }
    if (rc != 0) {
        close_table(made);
        return rc;
    }
    *table = made;
    return 0;
}

int lsm_table_open(struct lsm_io *io, const char *path, uint64_t id, struct lsm_block_cache *cache,
                   const struct lsm_table_meta *meta, struct lsm_table **table,
                   struct lsm_fault *fault) {
    return open_with(io, path, id, cache, meta, false, NULL, table, fault);
}

int lsm_table_open_mapped(struct lsm_io *io, const char *path, uint64_t id,
                          struct lsm_block_cache *cache, struct lsm_page_pool *pool,
                          const struct lsm_table_meta *meta, struct lsm_table **table,
                          struct lsm_fault *fault) {
    return open_with(io, path, id, cache, meta, true, pool, table, fault);
}

void lsm_table_ref(struct lsm_table *table) {
    atomic_fetch_add_explicit(&table->refs, 1, memory_order_relaxed);
}

void lsm_table_release(struct lsm_table *table) {
    /* Release and acquire: whoever closes the table does so after everybody's last read of it. */
    uint32_t before = atomic_fetch_sub_explicit(&table->refs, 1, memory_order_acq_rel);
    LSM_ASSERT(before >= 1);
    if (before > 1) {
        return;
    }
    if (atomic_load_explicit(&table->obsolete, memory_order_relaxed) &&
        lsm_block_cache_bytes(table->cache) > 0) { /* else all was read in place */
        for (size_t i = 0; i < table->index.count; i++) {
            size_t length;
            uint64_t offset = lsm_index_offset(&table->index, i, &length);
            lsm_block_cache_drop(table->cache, table->id, offset);
        }
    }
    close_table(table);
}
