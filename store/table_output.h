/* table_output.h: a file written from front to back, in large aligned pieces, several in flight.
 *
 * Threads:    the queue's.
 * Ownership:  the output owns the file and its buffers.
 * Errors:     the first failure is kept; everything after it is refused with the same. */
#ifndef LSM_TABLE_OUTPUT_H
#define LSM_TABLE_OUTPUT_H

#include <assert.h>

#include "flight.h"
#include "page_pool.h"

/* Pieces are multiples of LSM_DIRECT_ALIGN. Those of direct writes and small files are large enough
 * that a request costs nothing beside its bytes, and four of them are in flight while one is
 * filled. A large file that may be mapped goes to the page cache in pieces of a huge page, aligned:
 * the kernel then gives each one folio of that size, and maps it whole where the table is read in
 * place. Random reads of a page and two lines of it in 280 MB: 380 ns, 470 with pieces of 1 MiB,
 * which are mapped in pages of 4 KiB. Copies into the page cache wait for no device: one at a time
 * is enough.
 * Where a file of a page or more is expected the buffers are pages of the pool, or lie on one. */
enum {
    LSM_OUTPUT_PIECE = 256 << 10,
    LSM_OUTPUT_BUFFERS = 6,
    LSM_OUTPUT_HUGE_PIECE = LSM_HUGE_PAGE,
    LSM_OUTPUT_HUGE_BUFFERS = 2,
};
static_assert(LSM_OUTPUT_PIECE % LSM_DIRECT_ALIGN == 0, "direct writes");
static_assert(LSM_OUTPUT_BUFFERS * LSM_OUTPUT_PIECE <= LSM_HUGE_PAGE, "small pieces on a page");
static_assert((int)LSM_OUTPUT_HUGE_BUFFERS < (int)LSM_OUTPUT_BUFFERS, "room for either");

struct lsm_output {
    struct lsm_file *file;
    struct lsm_queue *queue;
    uint64_t offset; /* bytes appended */
    bool allocated;  /* longer than what was written: to be cut at the end */
    int error;       /* of the first failed request */
    uint32_t piece;  /* bytes of a buffer */
    uint32_t buffers;
    uint32_t current;
    uint32_t filled; /* of the current buffer */
    bool paged;      /* buffers are on pages, else in the heap */
    struct lsm_page_pool *pool;
    struct lsm_page *pages; /* taken */
    struct {
        struct lsm_flight flight;
        uint8_t *data; /* allocated at first use */
    } buffer[LSM_OUTPUT_BUFFERS];
};

struct lsm_output_options {
    bool direct;
    uint64_t size_hint;         /* expected file size; 0: not known */
    struct lsm_page_pool *pool; /* borrowed; may be NULL */
};
/* Creates the file, which must not exist. On failure nothing is held. */
LSM_CHECKED int lsm_output_open(struct lsm_output *output, struct lsm_io *io,
                                struct lsm_queue *queue, const char *path,
                                const struct lsm_output_options *options, struct lsm_fault *fault);
LSM_CHECKED int lsm_output_append(struct lsm_output *output, const void *data, uint64_t size,
                                  struct lsm_fault *fault);
/* Where the next `size` bytes may be written by the caller, to be told by lsm_output_wrote; NULL:
 * they do not fit into the current buffer, or something failed. */
uint8_t *lsm_output_place(struct lsm_output *output, uint64_t size);
LSM_CHECKED int lsm_output_wrote(struct lsm_output *output, uint64_t size, struct lsm_fault *fault);
/* Writes the rest, cuts the file to its length and syncs it. Close follows in any case. */
LSM_CHECKED int lsm_output_finish(struct lsm_output *output, struct lsm_fault *fault);
/* Waits for what is in flight and frees everything; the file stays. */
void lsm_output_close(struct lsm_output *output);

#endif
