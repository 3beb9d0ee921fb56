/* tails.c: see tails.h. */
#include "tails.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "top_check.h"

static const double NS = 1e-9;

/* False: another run, or the oldest seconds were dropped and every index means another one. */
static bool still_true(const struct tails *tails, const struct history *history) {
    size_t count = history_histogram_count(history);
    double first = 0.0, last = 0.0;
    if (tails->count == 0) {
        return true;
    }
    return count >= tails->count && history_histogram(history, 0, &first) != NULL &&
           history_histogram(history, tails->count - 1, &last) != NULL &&
           first == tails->second[0].seconds && last == tails->second[tails->count - 1].seconds;
}

void tails_update(struct tails *tails, const struct history *history) {
    size_t count = history_histogram_count(history);
    if (count == tails->count && count == 0) {
        return;
    }
    if (!still_true(tails, history)) {
        tails->count = 0;
    }
    if (count > tails->room) {
        size_t room = count + count / 2 + 64;
        struct tail_second *second = realloc(tails->second, room * sizeof(*second));
        if (second == NULL) {
            return; /* the trend ends here; the next frame tries again */
        }
        tails->second = second;
        tails->room = room;
    }
    while (tails->count < count) {
        struct tail_second *second = &tails->second[tails->count];
        const struct scope_histograms *histograms =
            history_histogram(history, tails->count, &second->seconds);
        for (unsigned h = 0; h < SCOPE_HISTOGRAMS; h++) {
            uint64_t ns = scope_hist_quantile(histograms->count[h], 0.99);
            uint64_t max_ns = histograms->max_ns[h];
            second->p99[h] = (float)((double)(max_ns > 0 && ns > max_ns ? max_ns : ns) * NS);
        }
        tails->count++;
    }
}

void tails_free(struct tails *tails) {
    free(tails->second);
    *tails = (struct tails){0};
}

size_t tails_find(const struct tails *tails, double seconds) {
    size_t low = 0, high = tails->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (tails->second[middle].seconds >= seconds) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

/* Interpolation within a bucket never leads beyond the largest one seen. */
static double quantile(const uint64_t count[SCOPE_HIST_BUCKETS], double q, uint64_t max_ns) {
    uint64_t ns = scope_hist_quantile(count, q);
    return (double)(max_ns > 0 && ns > max_ns ? max_ns : ns) * NS;
}

void tails_window(const struct history *history, const struct tails *tails, double at,
                  double window, struct tail tail[SCOPE_HISTOGRAMS]) {
    static uint64_t sum[SCOPE_HISTOGRAMS][SCOPE_HIST_BUCKETS]; /* one thread */
    uint64_t max_ns[SCOPE_HISTOGRAMS] = {0};
    memset(sum, 0, sizeof(sum));
    for (size_t i = tails_find(tails, at - window + NS); i < tails->count; i++) {
        double seconds = 0.0;
        const struct scope_histograms *histograms = history_histogram(history, i, &seconds);
        if (seconds > at + NS) {
            break;
        }
        for (unsigned h = 0; h < SCOPE_HISTOGRAMS; h++) {
            for (unsigned b = 0; b < SCOPE_HIST_BUCKETS; b++) {
                sum[h][b] += histograms->count[h][b];
            }
            max_ns[h] = histograms->max_ns[h] > max_ns[h] ? histograms->max_ns[h] : max_ns[h];
        }
    }
    for (unsigned h = 0; h < SCOPE_HISTOGRAMS; h++) {
        double count = 0.0;
        for (unsigned b = 0; b < SCOPE_HIST_BUCKETS; b++) {
            count += (double)sum[h][b];
        }
        tail[h] = (struct tail){.count = count,
                                .p50 = quantile(sum[h], 0.50, max_ns[h]),
                                .p99 = quantile(sum[h], 0.99, max_ns[h]),
                                .p999 = quantile(sum[h], 0.999, max_ns[h]),
                                .max = (double)max_ns[h] * NS};
    }
}
