/* pages.h: memory straight from the kernel and straight back to it, for what is large: a heap would
 * keep it when it is given back.
 *
 * Threads:    any.
 * Errors:     NULL: out of memory. */
#ifndef LSM_PAGES_H
#define LSM_PAGES_H

#include <stdbool.h>
#include <stdint.h>

enum { LSM_HUGE_PAGE = 2 << 20 };

uint8_t *lsm_pages_map(uint64_t size);
/* Aligned to a huge page; with `advise` made of such, where the kernel has them to give: one TLB
 * entry and one first touch for each instead of 512. REQUIRES: size is a multiple of it. */
uint8_t *lsm_pages_map_huge(uint64_t size, bool advise);
void lsm_pages_unmap(uint8_t *bytes, uint64_t size);

#endif
