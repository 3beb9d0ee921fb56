#include "table_direct.h"

enum {
    DIRECT_SHARE = 8,  /* one in so many of a table's blocks */
    BLOCKS_MIN = 1024, /* of a smaller table the kernel's read-ahead brings all there is */
};

void lsm_table_look_whether_cold(struct lsm_table *table) {
    if (table->map == NULL || table->fresh || table->index.count < BLOCKS_MIN) {
        return;
    }
    /* The blocks alone, and not those beside what lies behind: that has just come in huge pages. */
    uint64_t behind = table->filtered ? table->stat.filter.offset : table->stat.records.offset;
    uint64_t end = behind & ~(uint64_t)(LSM_HUGE_PAGE - 1);
    if (end == 0 || !lsm_file_is_cold(table->file, table->map, end)) {
        return;
    }
    struct lsm_file *direct;
    struct lsm_fault ignored;
    const char *path = lsm_file_path(table->file);
    if (lsm_file_open(table->io, path, LSM_FILE_READ | LSM_FILE_DIRECT, &direct, &ignored) != 0) {
        return;
    }
    if (!lsm_file_is_direct(direct)) { /* a file system without */
        lsm_file_close(direct);
        return;
    }
    table->direct = direct;
    atomic_store_explicit(&table->direct_left, (int64_t)(table->index.count / DIRECT_SHARE),
                          memory_order_relaxed);
}

bool lsm_table_take_direct(struct lsm_table *table, uint64_t offset, uint32_t length,
                           struct lsm_direct_span *span) {
    const uint64_t align = LSM_DIRECT_ALIGN;
    if (table->direct == NULL ||
        atomic_load_explicit(&table->direct_left, memory_order_relaxed) <= 0 ||
        length > UINT32_MAX - 2 * LSM_DIRECT_ALIGN) {
        return false;
    }
    /* What follows the blocks is in the file too; only the last ones may lie so near to its end
     * that the sectors around them do not, and those come as always. */
    uint64_t begin = offset / align * align;
    uint64_t end = (offset + length + align - 1) / align * align;
    if (end > table->file_bytes ||
        atomic_fetch_sub_explicit(&table->direct_left, 1, memory_order_relaxed) <= 0) {
        return false;
    }
    *span = (struct lsm_direct_span){begin, (uint32_t)(end - begin), (uint32_t)(offset - begin)};
    return true;
}
