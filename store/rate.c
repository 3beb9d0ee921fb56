#include "rate.h"

uint64_t lsm_rate_pay(struct lsm_rate *rate, uint64_t now_ns, uint64_t bytes) {
    if (rate->bytes_per_s == 0) {
        return now_ns;
    }
    uint64_t earliest = now_ns > LSM_RATE_BURST_NS ? now_ns - LSM_RATE_BURST_NS : 0;
    uint64_t from = rate->paid_ns > earliest ? rate->paid_ns : earliest;
    rate->paid_ns = from + (uint64_t)((double)bytes * 1e9 / (double)rate->bytes_per_s);
    return rate->paid_ns;
}
