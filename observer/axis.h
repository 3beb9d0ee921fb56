/* axis.h: where ticks go, what they say, and how limits move.
 *
 * Value axes start at zero. Ticks lie at 1, 2, 5 steps: decimal for counts, decimal multiples of an
 * IEC unit for bytes. Time axes tick at steps of seconds, minutes, hours and days.
 *
 * Threads:    any; no state but what is passed in. */
#ifndef OBS_AXIS_H
#define OBS_AXIS_H

#include <stdbool.h>
#include <stddef.h>

enum axis_unit {
    AXIS_RATE,
    AXIS_BYTES,
    AXIS_COUNT,
    AXIS_BYTE_RATE, /* bytes per second */
    AXIS_FACTOR,    /* one amount over another: "4 ×" */
};
enum { AXIS_TICKS_MAX = 64, AXIS_LABEL = 32 };

struct axis_tick {
    double value;
    char label[AXIS_LABEL];
};
struct axis_ticks {
    struct axis_tick tick[AXIS_TICKS_MAX];
    int count;
    double step;
};

/* The upper limit that suits data up to `most`, at most `intervals` ticks above zero. Never 0. */
double axis_value_top(enum axis_unit unit, double most, int intervals);
/* Ticks from 0 to `top` at a step that fits `intervals`; the unit stands on the top one only. */
void axis_value_ticks(enum axis_unit unit, double top, int intervals, struct axis_ticks *ticks);
/* How many intervals suit an axis of this many logical pixels. */
int axis_intervals(double height);

/* Ticks within [t0, t1], at most `most` of them. */
void axis_time_ticks(double t0, double t1, int most, struct axis_ticks *ticks);

/* A limit that moves calmly: up at once, down only after the data has needed less for a while, and
 * then within 200 ms. `exact` jumps. */
struct axis_limit {
    double top;         /* what to draw with; 0: never drawn */
    double low_since_s; /* since when less would do; below 0: it would not */
    double from, to;    /* the easing under way, when from > 0 */
    double began_s;
};
/* True while an easing is under way. */
bool axis_limit_move(struct axis_limit *limit, double wanted, double now_s, bool exact);

#endif
