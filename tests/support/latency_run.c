#include "latency_run.h"

#include <math.h>
#include <string.h>

struct hump {
    double operations, middle_ns, width; /* width: in factors of e */
};

static void add_hump(struct scope_histograms *h, unsigned kind, const struct hump *hump) {
    for (unsigned b = 0; b < SCOPE_HIST_BUCKETS; b++) {
        double low = fmax(1.0, (double)scope_bucket_floor(b));
        double high = (double)scope_bucket_floor(b + 1);
        high = high > low ? high : low * 1.2;
        double from = log(low / hump->middle_ns) / hump->width / sqrt(2.0);
        double to = log(high / hump->middle_ns) / hump->width / sqrt(2.0);
        double share = (erf(to) - erf(from)) / 2.0;
        uint64_t count = (uint64_t)floor(share * hump->operations + 0.3);
        h->count[kind][b] += count;
        if (count > 0) {
            h->max_ns[kind] = (uint64_t)high - 1;
        }
    }
}

void latency_run(struct history *history, unsigned seconds) {
    struct scope_histograms h;
    for (unsigned i = 0; i < seconds; i++) {
        double share = (double)i / seconds, sway = sin(i * 0.37) + 0.5 * sin(i * 1.93);
        bool stalled = share >= 0.68 && share < 0.70 + 1.0 / seconds;
        if (share >= 0.20 && share < 0.22) { /* lost */
            continue;
        }
        memset(&h, 0, sizeof h);
        h.interval_ns = 1000000000u;
        h.time_ns = (uint64_t)(i + 1) * h.interval_ns;
        struct hump fast = {stalled ? 900.0 : 4800.0, 420.0 + 30.0 * sway, 0.35};
        struct hump slow = {stalled ? 300.0 : 160.0, 9000.0 + 1500.0 * sway, 0.7};
        struct hump held = {stalled ? 400.0 : 1.5 + sway, stalled ? 2.4e7 : 4.0e5, 1.0};
        add_hump(&h, SCOPE_OP_PUT, &fast);
        add_hump(&h, SCOPE_OP_PUT, &slow);
        add_hump(&h, SCOPE_RESPONSE * SCOPE_OPS + SCOPE_OP_PUT, &fast);
        add_hump(&h, SCOPE_RESPONSE * SCOPE_OPS + SCOPE_OP_PUT, &slow);
        add_hump(&h, SCOPE_RESPONSE * SCOPE_OPS + SCOPE_OP_PUT, &held);
        struct hump gets = {share >= 0.35 ? 2000.0 : 0.0, 2600.0 + 200.0 * sway, 0.8};
        add_hump(&h, SCOPE_OP_GET, &gets);
        history_append_histograms(history, i + 1.0, &h);
    }
}
