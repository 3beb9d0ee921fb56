#include <stdlib.h>

#include "block_write.h"
#include "checksum.h"
#include "codec.h"
#include "hash_list.h"
#include "key_prefix.h"
#include "table.h"
#include "table_output.h"

struct lsm_table_writer {
    struct lsm_output output;
    struct lsm_table_writer_options options;
    struct lsm_block_builder builder;
    struct lsm_packer *packer; /* NULL: blocks are stored as they are */
    struct lsm_grown records;  /* struct lsm_index_record each */
    struct lsm_grown keys;
    struct lsm_hash_list hashes; /* of every distinct key */
    uint8_t *first_key;          /* NULL: no entry yet */
    uint32_t first_key_size;
    uint64_t last_seq; /* the last key is in the builder */
    struct lsm_filter_plan plan;
    struct lsm_table_stat stat;
};

static int out_of_memory(const struct lsm_table_writer *writer, struct lsm_fault *fault) {
    return lsm_fail(fault, LSM_ERR_MEMORY, "%s: out of memory while writing the table",
                    lsm_file_path(writer->output.file));
}

int lsm_table_writer_create(struct lsm_io *io, struct lsm_queue *queue, const char *path,
                            const struct lsm_table_writer_options *options,
                            struct lsm_table_writer **writer, struct lsm_fault *fault) {
    LSM_ASSERT(options->block_bytes >= 1 && options->block_bytes <= LSM_BLOCK_BYTES_MAX);
    struct lsm_table_writer *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return lsm_fail(fault, LSM_ERR_MEMORY, "%s: out of memory", path);
    }
    made->options = *options;
    made->stat.seq_min = UINT64_MAX;
    made->stat.block_bytes = options->block_bytes;
    made->records.pool = options->pool;
    made->keys.pool = options->pool;
    made->hashes.first.pool = options->pool;
    lsm_block_builder_init(&made->builder);
    if (options->bloom_fpr > 0) {
        made->plan = lsm_filter_plan(options->bloom_fpr);
        made->stat.bloom_fpr_billionths = (uint64_t)(options->bloom_fpr * 1e9 + 0.5);
    }
    int rc = 0;
    if (options->codec != LSM_CODEC_NONE) {
        made->packer = lsm_packer_create(options->codec);
        rc = made->packer != NULL ? 0 : lsm_fail(fault, LSM_ERR_MEMORY, "%s: out of memory", path);
    }
    if (rc == 0) {
        struct lsm_output_options output = {
            .direct = options->direct_io, .size_hint = options->size_hint, .pool = options->pool};
        rc = lsm_output_open(&made->output, io, queue, path, &output, fault);
    }
    if (rc != 0) {
        lsm_packer_destroy(made->packer);
        free(made);
        return rc;
    }
    *writer = made;
    return 0;
}

void lsm_table_writer_abandon(struct lsm_table_writer *writer) {
    if (writer == NULL) {
        return;
    }
    lsm_output_close(&writer->output);
    lsm_block_builder_free(&writer->builder);
    lsm_packer_destroy(writer->packer);
    lsm_grown_free(&writer->records);
    lsm_grown_free(&writer->keys);
    lsm_hash_list_free(&writer->hashes);
    free(writer->first_key);
    free(writer);
}

/* Appends a separator after the block that ends with the last key, before `next` (NULL: none), and
 * returns its sequence; see table_format.h. */
static bool append_separator(struct lsm_table_writer *writer, const struct lsm_entry *next,
                             size_t shared, uint64_t *seq) {
    uint32_t last_size;
    const uint8_t *last = lsm_block_builder_last_key(&writer->builder, &last_size);
    if (next == NULL || (shared == last_size && shared == next->key_size)) {
        *seq = writer->last_seq;
        return lsm_grown_append(&writer->keys, last, last_size);
    }
    LSM_ASSERT(shared < next->key_size);
    *seq = LSM_SEPARATOR_SEQ;
    return lsm_grown_append(&writer->keys, next->key, shared + 1);
}

/* Lays the block out, in the output's buffer where it can stay as it is and has room. */
static bool lay_out_block(struct lsm_table_writer *writer) {
    struct lsm_block_builder *builder = &writer->builder;
    uint8_t *place = NULL;
    if (writer->packer == NULL) {
        place = lsm_output_place(&writer->output, lsm_block_builder_size(builder));
    }
    if (place == NULL) {
        return lsm_block_builder_finish(builder);
    }
    lsm_block_builder_finish_at(builder, place);
    return true;
}

static void count_block(struct lsm_table_stat *stat, const struct lsm_block_builder *builder) {
    const struct lsm_block_sums *sums = &builder->sums;
    stat->blocks++;
    stat->entries += sums->entries;
    stat->tombstones += sums->tombstones;
    stat->seq_min = sums->seq_min < stat->seq_min ? sums->seq_min : stat->seq_min;
    stat->seq_max = sums->seq_max > stat->seq_max ? sums->seq_max : stat->seq_max;
    stat->key_bytes += builder->raw_size - sums->values;
    stat->value_bytes += sums->values;
}

/* Ends the block. `next` follows it and has `shared` bytes in common with the last key. */
static int end_block(struct lsm_table_writer *writer, const struct lsm_entry *next, size_t shared,
                     struct lsm_fault *fault) {
    struct lsm_block_builder *builder = &writer->builder;
    struct lsm_index_record record = {
        .offset = writer->output.offset,
        .entries = lsm_block_builder_entries(builder),
    };
    if (!lay_out_block(writer) || !append_separator(writer, next, shared, &record.seq)) {
        return out_of_memory(writer, fault);
    }
    record.key_end = writer->keys.size;
    const uint8_t *stored = NULL;
    size_t size = 0;
    if (writer->packer != NULL) {
        stored = lsm_pack(writer->packer, builder->data, builder->size, &size);
    }
    record.codec = (uint8_t)(stored != NULL ? writer->options.codec : LSM_CODEC_NONE);
    if (stored == NULL) {
        stored = builder->data;
        size = builder->size;
    }
    record.length = (uint32_t)size;
    record.raw_length = (uint32_t)builder->size;
    record.checksum = lsm_checksum(record.offset, stored, size);
    if (!lsm_grown_append(&writer->records, &record, sizeof record)) {
        return out_of_memory(writer, fault);
    }
    count_block(&writer->stat, builder);
    bool in_place = lsm_block_builder_is_elsewhere(builder);
    int rc = in_place ? lsm_output_wrote(&writer->output, size, fault)
                      : lsm_output_append(&writer->output, stored, size, fault);
    lsm_block_builder_reset(builder);
    return rc;
}

/* Asserts the order and returns what the key shares with the one before it. */
static size_t check_order(const struct lsm_table_writer *writer, const struct lsm_entry *entry,
                          bool *same_key) {
    uint32_t last_size;
    const uint8_t *last = lsm_block_builder_last_key(&writer->builder, &last_size);
    size_t shared = lsm_common_prefix(last, last_size, entry->key, entry->key_size);
    *same_key = shared == last_size && shared == entry->key_size;
    if (*same_key) {
        LSM_ASSERT(entry->seq < writer->last_seq);
    } else {
        LSM_ASSERT(shared < entry->key_size);
        LSM_ASSERT(shared == last_size || entry->key[shared] > last[shared]);
    }
    return shared;
}

static bool keep_first_key(struct lsm_table_writer *writer, const struct lsm_entry *entry) {
    writer->first_key = malloc(entry->key_size);
    if (writer->first_key != NULL) {
        memcpy(writer->first_key, entry->key, entry->key_size);
        writer->first_key_size = entry->key_size;
    }
    return writer->first_key != NULL;
}

int lsm_table_writer_add(struct lsm_table_writer *writer, const struct lsm_entry *entry,
                         struct lsm_fault *fault) {
    LSM_ASSERT(entry->key_size >= 1 && entry->key_size <= LSM_KEY_SIZE_MAX);
    LSM_ASSERT(entry->seq <= LSM_SEQ_MAX && entry->value_size <= LSM_VALUE_SIZE_MAX);
    LSM_ASSERT(entry->type == LSM_TYPE_PUT || entry->value_size == 0);
    bool same_key = false;
    size_t shared = 0;
    if (writer->first_key != NULL) {
        shared = check_order(writer, entry, &same_key);
    } else if (!keep_first_key(writer, entry)) {
        return out_of_memory(writer, fault);
    }
    if (lsm_block_builder_entries(&writer->builder) != 0 &&
        !lsm_block_builder_fits(&writer->builder, entry, (uint32_t)shared,
                                writer->options.block_bytes)) {
        int rc = end_block(writer, entry, shared, fault);
        if (rc != 0) {
            return rc;
        }
    }
    bool filtered = writer->plan.probes != 0 && !same_key;
    if (!lsm_block_builder_add(&writer->builder, entry, (uint32_t)shared) ||
        (filtered &&
         !lsm_hash_list_add(&writer->hashes, lsm_filter_hash(entry->key, entry->key_size)))) {
        return out_of_memory(writer, fault);
    }
    writer->last_seq = entry->seq;
    return 0;
}

static uint64_t filter_bytes(const struct lsm_table_writer *writer) {
    if (writer->plan.probes == 0) {
        return 0;
    }
    return lsm_filter_bytes(&writer->plan, writer->hashes.count);
}

uint64_t lsm_table_writer_bytes(const struct lsm_table_writer *writer) {
    uint32_t last_size = 0;
    (void)lsm_block_builder_last_key(&writer->builder, &last_size);
    return writer->output.offset + lsm_block_builder_size(&writer->builder) + filter_bytes(writer) +
           LSM_FILTER_LINE + writer->records.size + sizeof(struct lsm_index_record) +
           writer->keys.size + writer->first_key_size + 2 * (uint64_t)last_size +
           sizeof(struct lsm_table_stat) + sizeof(struct lsm_table_footer);
}

static int write_section(struct lsm_table_writer *writer, const void *data, uint64_t length,
                         struct lsm_section *section, struct lsm_fault *fault) {
    section->offset = writer->output.offset;
    section->length = length;
    section->checksum = lsm_checksum(section->offset, data, length);
    return lsm_output_append(&writer->output, data, length, fault);
}

static int write_filter(struct lsm_table_writer *writer, struct lsm_fault *fault) {
    uint64_t bytes = filter_bytes(writer);
    if (bytes == 0) {
        return 0;
    }
    uint64_t zeros = lsm_filter_zeros(writer->output.offset);
    struct lsm_grown room = {.pool = writer->options.pool};
    if (!lsm_grown_reserve(&room, 2 * LSM_FILTER_LINE + bytes)) {
        return out_of_memory(writer, fault);
    }
    uint8_t *filter = room.data + LSM_FILTER_LINE;
    filter += (LSM_FILTER_LINE - (uintptr_t)filter % LSM_FILTER_LINE) % LSM_FILTER_LINE;
    memset(filter - zeros, 0, zeros);
    lsm_hash_list_filter(&writer->hashes, &writer->plan, filter);
    int rc = write_section(writer, filter - zeros, zeros + bytes, &writer->stat.filter, fault);
    lsm_grown_free(&room);
    return rc;
}

/* Info: the counts, then the two keys. */
static int write_info(struct lsm_table_writer *writer, struct lsm_section *section,
                      struct lsm_fault *fault) {
    struct lsm_table_stat *stat = &writer->stat;
    const uint8_t *last_key = lsm_block_builder_last_key(&writer->builder, &stat->last_key_size);
    stat->first_key_size = writer->first_key_size;
    size_t size = sizeof *stat + stat->first_key_size + stat->last_key_size;
    uint8_t *info = malloc(size);
    if (info == NULL) {
        return out_of_memory(writer, fault);
    }
    memcpy(info, stat, sizeof *stat);
    memcpy(info + sizeof *stat, writer->first_key, stat->first_key_size);
    memcpy(info + sizeof *stat + stat->first_key_size, last_key, stat->last_key_size);
    int rc = write_section(writer, info, size, section, fault);
    free(info);
    return rc;
}

static int write_footer(struct lsm_table_writer *writer, const struct lsm_section *info,
                        struct lsm_fault *fault) {
    struct lsm_table_footer footer = {
        .magic = LSM_TABLE_MAGIC,
        .major = LSM_TABLE_MAJOR,
        .minor = LSM_TABLE_MINOR,
        .info = *info,
        .file_bytes = writer->output.offset + sizeof footer,
    };
    footer.checksum =
        lsm_checksum(footer.file_bytes, &footer, offsetof(struct lsm_table_footer, checksum));
    return lsm_output_append(&writer->output, &footer, sizeof footer, fault);
}

static int write_tail(struct lsm_table_writer *writer, struct lsm_fault *fault) {
    struct lsm_section info;
    int rc = end_block(writer, NULL, 0, fault);
    if (rc == 0) {
        rc = write_filter(writer, fault);
    }
    if (rc == 0) {
        rc = write_section(writer, writer->records.data, writer->records.size,
                           &writer->stat.records, fault);
    }
    if (rc == 0) {
        rc = write_section(writer, writer->keys.data, writer->keys.size, &writer->stat.keys, fault);
    }
    if (rc == 0) {
        rc = write_info(writer, &info, fault);
    }
    if (rc == 0) {
        rc = write_footer(writer, &info, fault);
    }
    return rc != 0 ? rc : lsm_output_finish(&writer->output, fault);
}

/* Gives the first key away. False: no memory for the last. */
static bool fill_meta(struct lsm_table_writer *writer, struct lsm_table_meta *meta) {
    const struct lsm_table_stat *stat = &writer->stat;
    uint8_t *last_key = malloc(stat->last_key_size);
    if (last_key == NULL) {
        return false;
    }
    uint32_t size;
    memcpy(last_key, lsm_block_builder_last_key(&writer->builder, &size), stat->last_key_size);
    meta->bytes = writer->output.offset;
    meta->entries = stat->entries;
    meta->tombstones = stat->tombstones;
    meta->seq_min = stat->seq_min;
    meta->seq_max = stat->seq_max;
    meta->key_bytes = stat->key_bytes;
    meta->value_bytes = stat->value_bytes;
    meta->first_key = writer->first_key;
    meta->first_key_size = stat->first_key_size;
    meta->last_key = last_key;
    meta->last_key_size = stat->last_key_size;
    writer->first_key = NULL;
    return true;
}

int lsm_table_writer_finish(struct lsm_table_writer *writer, struct lsm_table_meta *meta,
                            struct lsm_fault *fault) {
    LSM_ASSERT(lsm_block_builder_entries(&writer->builder) >= 1);
    int rc = write_tail(writer, fault);
    if (rc == 0 && !fill_meta(writer, meta)) {
        rc = out_of_memory(writer, fault);
    }
    lsm_table_writer_abandon(writer);
    return rc;
}
