/* csv.h: the samples as the reference's CSV: its columns in its order, plus `event`.
 *
 *     ts_ms,ops_total,ops_put,ops_get,ops_del,memtable_bytes,
 *     sst_count_L0,...,sst_count_Ln,sst_bytes_L0,...,sst_bytes_Ln,event
 *
 * ts_ms is Unix time. Operations are those of the interval since the row before; ops_total is their
 * sum (scans have no column). Rows end in '\n' and are written whole, with one write(2) each, so
 * that a reader that follows the file never waits for the rest of a line.
 *
 * Threads:    one at a time.
 * Errors:     a row that cannot be written whole is taken back and the file is closed; the error
 *             is kept for the summary. */
#ifndef DRIVER_CSV_H
#define DRIVER_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lsm.h"

struct driver_csv {
    int fd; /* -1: none, or given up */
    const char *path;
    bool created; /* by us: removed again when the run does not come about */
    bool regular;
    unsigned levels;
    uint64_t puts, gets, deletes; /* at the row before */
    uint64_t rows;
    int error; /* errno of the write that failed */
};

/* Opens without changing the file. 0, or errno; EWOULDBLOCK when another driver writes it. */
int driver_csv_open(struct driver_csv *csv, const char *path);
/* Undoes the open: what was there stays as it was. */
void driver_csv_abandon(struct driver_csv *csv);
/* Empties the file and writes the header. `base`: counters at the start of the first interval. */
void driver_csv_begin(struct driver_csv *csv, unsigned levels, const struct lsm_stats *base);
/* `events` may be NULL. */
void driver_csv_row(struct driver_csv *csv, uint64_t unix_ms, const struct lsm_stats *stats,
                    const char *events);
void driver_csv_close(struct driver_csv *csv);

/* The bytes of the header and of a row, malloc'ed, with their newline; NULL without memory. */
char *driver_csv_header_text(unsigned levels, size_t *size);
char *driver_csv_row_text(const struct driver_csv *csv, uint64_t unix_ms,
                          const struct lsm_stats *stats, const char *events, size_t *size);

#endif
