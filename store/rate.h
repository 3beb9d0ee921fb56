/* rate.h: so many bytes a second and no more: a token bucket that is kept as the time until which
 * what was moved has been paid for.
 *
 * Threads:    under a lock of the owner's. */
#ifndef LSM_RATE_H
#define LSM_RATE_H

#include <stdint.h>

struct lsm_rate {
    uint64_t bytes_per_s; /* 0: no limit */
    uint64_t paid_ns;     /* what was moved is paid for from here on */
};

/* Notes that `bytes` were moved. The time from which on the next may be: wait until then, if it is
 * to come. Whoever was idle may be LSM_RATE_BURST_NS ahead of the rate. */
#define LSM_RATE_BURST_NS UINT64_C(20000000)
uint64_t lsm_rate_pay(struct lsm_rate *rate, uint64_t now_ns, uint64_t bytes);

#endif
