/* table_meta.h: what the tree knows about a table without opening it. Kept in the manifest. */
#ifndef LSM_TABLE_META_H
#define LSM_TABLE_META_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct lsm_table;

struct lsm_table_meta {
    uint64_t id;    /* file NNNNNN.sst */
    uint64_t bytes; /* of the file */
    uint64_t entries, tombstones;
    uint64_t seq_min, seq_max;
    uint64_t created_unix_ms;
    uint64_t key_bytes, value_bytes; /* before compression and prefixing */
    uint8_t *first_key, *last_key;   /* owned; both inclusive */
    uint32_t first_key_size, last_key_size;

    /* In memory only. */
    uint64_t fresh; /* of the entries, about how many overwrote nothing at the flush; 0: unknown */
    _Atomic(struct lsm_table *) open; /* pinned by lsm_tables_pin */
    _Atomic uint32_t refs;            /* versions and jobs that hold it */
    _Atomic bool obsolete; /* not in the current version: its file goes when refs reach 0 */
    bool gathered;         /* made of others within level 0 */
    bool busy;             /* input of a running job; guarded by the database's lock */
    uint32_t level;        /* guarded by the database's lock */
};

#endif
