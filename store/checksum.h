/* checksum.h: the one checksum of every file of ours, XXH3-64.
 *
 * The domain tells apart what must never be taken for one another: two equal byte strings under
 * different domains have different checksums, always. It is a constant of the kind of block, or
 * that and the place (a log's segment number), so that a block read from the wrong place is found
 * out.
 *
 * Threads:    any.
 * Cost:       15 ns for 160 B, 81 ns for 4 KiB with AVX2. */
#ifndef LSM_CHECKSUM_H
#define LSM_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

uint64_t lsm_checksum(uint64_t domain, const void *data, size_t size);

#endif
