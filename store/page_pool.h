/* page_pool.h: huge pages that are used again.
 *
 * The first touch of a fresh page is the dearest thing in a flush: 11 us for 4 KiB on a virtual
 * machine with shadow page tables, 0.25 us for as much of a huge page, nothing for what was touched
 * before. So memtables, the buffers of tables being written and what is gathered about them take
 * their memory from one pool of a database and give it back to it.
 *
 * Threads:    any.
 * Ownership:  a page is the taker's until it is given back; its content is unknown: it may be what
 *             another left in it.
 * Errors:     NULL: out of memory. */
#ifndef LSM_PAGE_POOL_H
#define LSM_PAGE_POOL_H

#include "pages.h"

/* The link lies beside the page rather than in it, so that a page that is only reserved is never
 * touched. It is the holder's while the page is taken. */
struct lsm_page {
    struct lsm_page *next;
    uint8_t *bytes;  /* LSM_HUGE_PAGE of them, aligned to as much */
    uint32_t slices; /* the pool's: a bit for each that is not taken */
};

struct lsm_page_pool;

/* Keeps up to `keep_bytes` of pages that were given back. */
struct lsm_page_pool *lsm_page_pool_create(uint64_t keep_bytes);
void lsm_page_pool_destroy(struct lsm_page_pool *pool); /* REQUIRES: every page came back */
/* `pool` may be NULL: then pages come from the kernel and go back to it. */
struct lsm_page *lsm_page_take(struct lsm_page_pool *pool);
void lsm_page_give(struct lsm_page_pool *pool, struct lsm_page *page);
/* Gives back all of a list. */
void lsm_page_give_all(struct lsm_page_pool *pool, struct lsm_page *pages);
/* Slices of a page side by side, for what needs less than a page: the first one's bytes, aligned to
 * one. REQUIRES: a pool; count 1 to LSM_PAGE_SLICES, the same for both. */
enum { LSM_SLICE = 128 << 10, LSM_PAGE_SLICES = LSM_HUGE_PAGE / LSM_SLICE };
uint8_t *lsm_slices_take(struct lsm_page_pool *pool, uint32_t count);
void lsm_slices_give(struct lsm_page_pool *pool, uint8_t *slices, uint32_t count);
/* Pages that are kept for the next taker. */
uint64_t lsm_page_pool_kept(struct lsm_page_pool *pool);

#endif
