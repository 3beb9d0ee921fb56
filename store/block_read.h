/* block_read.h: searches and walks one block in memory.
 *
 * The bytes are untrusted even after their checksum held: every length is checked before use, and
 * damage is an answer, never a wild access.
 *
 * Threads:    a view may be read by any number of threads; an iterator belongs to one.
 * Ownership:  views and iterators borrow the bytes; an iterator owns its key buffer and is not
 *             moved. Entries point into both: the value into the block, the key into the iterator.
 * Errors:     LSM_ERR_CORRUPT or LSM_ERR_MEMORY, without words: the caller knows file and
 *             offset. */
#ifndef LSM_BLOCK_READ_H
#define LSM_BLOCK_READ_H

#include <stddef.h>

#include "entry.h"
#include "table_format.h"

struct lsm_block_view {
    const uint8_t *data;
    uint64_t seq_base;
    uint64_t tag_mask;
    uint32_t length;
    uint32_t entries;
    uint32_t offsets_at; /* in data */
    uint32_t prefix_at;
    uint32_t entries_at;
    uint16_t prefix_size;
    uint16_t suffix_size; /* 0: entries tell their own */
    uint8_t tag_size;
    uint8_t size_width; /* of an entry's suffix_size */
    bool wide;          /* offsets of four bytes */
};
/* False when the outline (header, lengths) is not that of a block. Touches the block's first lines
 * only. */
bool lsm_block_view_init(struct lsm_block_view *view, const uint8_t *data, size_t length);

enum lsm_block_found {
    LSM_BLOCK_FOUND,   /* *entry is the newest version at or below the sequence */
    LSM_BLOCK_TOO_NEW, /* the key is here, every version of it here is newer */
    LSM_BLOCK_ABSENT,
    LSM_BLOCK_CORRUPT,
};
/* Looks one key up; copies nothing. entry->key is the caller's key. */
enum lsm_block_found lsm_block_find(const struct lsm_block_view *view, const uint8_t *key,
                                    size_t key_size, uint64_t seq_max, struct lsm_entry *entry);

/* Asks memory for the entry that lsm_block_find of the key will probably read. */
void lsm_block_prefetch(const struct lsm_block_view *view, const uint8_t *key, size_t key_size);

struct lsm_block_iter {
    struct lsm_block_view view;
    uint32_t at;  /* index of the current entry */
    uint8_t *key; /* in `room`, or allocated when it is longer */
    uint32_t key_capacity;
    uint8_t room[64];
    struct lsm_entry entry; /* while a move returned LSM_BLOCK_ITER_ENTRY */
};
enum { LSM_BLOCK_ITER_END = 0, LSM_BLOCK_ITER_ENTRY = 1 };

void lsm_block_iter_init(struct lsm_block_iter *iter); /* allocates nothing */
void lsm_block_iter_free(struct lsm_block_iter *iter);
/* Puts the iterator on a block; the key buffer is kept. A positioning move must follow. */
void lsm_block_iter_set(struct lsm_block_iter *iter, const struct lsm_block_view *view);

/* Each returns LSM_BLOCK_ITER_ENTRY, LSM_BLOCK_ITER_END, or an error. After END or an error only
 * the positioning ones may follow. */
int lsm_block_iter_first(struct lsm_block_iter *iter);
int lsm_block_iter_last(struct lsm_block_iter *iter);
int lsm_block_iter_seek(struct lsm_block_iter *iter, const uint8_t *key, size_t key_size,
                        uint64_t seq); /* first entry at or after (key, seq) */
int lsm_block_iter_next(struct lsm_block_iter *iter);
int lsm_block_iter_prev(struct lsm_block_iter *iter);

#endif
