/* guard.h: mapped tables, and what becomes of a page that cannot be read.
 *
 * A table file that is cut short or whose disk fails answers a load from its mapping with SIGBUS.
 * Where the program has installed the handler (lsm_sigbus_guard in lsm.h) the mapping is then
 * marked damaged, and after that the page becomes one of zeros; the load goes on, zeros are no
 * block that passes its checks, and whoever read asks for the mark before it believes what it
 * found. The mark also tells between which pages lost ones lie: what lies apart of them is good.
 *
 * Threads:    any; the handler takes no lock.
 * Limits:     LSM_GUARDS_MAX mappings at a time; what is beyond is not mapped. */
#ifndef LSM_GUARD_H
#define LSM_GUARD_H

#include <stdbool.h>
#include <stdint.h>

enum { LSM_GUARDS_MAX = 4096 };

struct lsm_guard;
/* NULL: there are too many. */
struct lsm_guard *lsm_guard_add(const void *base, uint64_t length);
void lsm_guard_drop(struct lsm_guard *guard); /* NULL is ignored */
bool lsm_guard_damaged(const struct lsm_guard *guard);
/* A page may be lost that holds some of bytes[0..length), which the caller has read before. */
bool lsm_guard_lost(const struct lsm_guard *guard, const void *bytes, uint64_t length);

#endif
