#include "axis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "obs_check.h"
#include "units.h"

static const double SHRINK_AFTER_S = 2.0;
static const double EASE_S = 0.2;
/* Data may poke this share of a step over the top tick: plots leave that much headroom. */
static const double OVERSHOOT = 0.04;

/* The smallest 1, 2, 5 step of which at most `intervals` reach `most`. */
static double decimal_step(double most, int intervals) {
    double step = pow(10.0, floor(log10(most / intervals)));
    static const double factors[] = {1.0, 2.0, 5.0, 10.0, 20.0};
    for (size_t i = 0; i < sizeof factors / sizeof factors[0]; i++) {
        if (ceil(most / (step * factors[i]) - OVERSHOOT) <= intervals) {
            return step * factors[i];
        }
    }
    return step * 50.0;
}

/* Four figures are one too many: from 1000 of a unit on the next one counts. */
static double byte_unit(double most) {
    double unit = 1.0;
    while (most > unit * 1000.0 * (1.0 + 1e-9) && unit < 0x1p50) {
        unit *= 1024.0;
    }
    return unit;
}

static bool is_bytes(enum axis_unit unit) {
    return unit == AXIS_BYTES || unit == AXIS_BYTE_RATE;
}

static double value_step(enum axis_unit unit, double most, int intervals) {
    OBS_ASSERT(intervals >= 1);
    switch (unit) {
    case AXIS_RATE:
    case AXIS_FACTOR:
        return decimal_step(most, intervals);
    case AXIS_COUNT:
        return fmax(1.0, decimal_step(most, intervals)); /* there is no half table */
    case AXIS_BYTES:
    case AXIS_BYTE_RATE: {
        double scale = byte_unit(most);
        double step = scale * decimal_step(most / scale, intervals);
        return fmax(1.0, step);
    }
    }
    OBS_ASSERT(false);
    return 1.0;
}

double axis_value_top(enum axis_unit unit, double most, int intervals) {
    if (!(most > 0.0) || !isfinite(most)) {
        most = is_bytes(unit) ? 1024.0 : unit == AXIS_RATE ? 1.0 : 4.0;
    }
    double step = value_step(unit, most, intervals);
    /* Half a step above the last tick is enough: a low plot has no room to give away. Data stays a
     * little below the top, but for what lies on a tick. */
    double steps = most * 1.03 / step - OVERSHOOT;
    double top = step * fmin(intervals, fmax(1.0, ceil(2.0 * steps) / 2.0));
    OBS_ASSERT(top > 0.0);
    return top;
}

static void value_label(enum axis_unit unit, double value, double top, bool is_top, char *text,
                        size_t size) {
    static const char *const si[] = {"", " k", " M", " G", " T"};
    static const char *const iec[] = {" B", " KiB", " MiB", " GiB", " TiB", " PiB"};
    if (!(value > 0.0)) {
        snprintf(text, size, "0");
        return;
    }
    if (is_bytes(unit)) {
        double scale = byte_unit(top);
        int index = (int)lround(log2(scale) / 10.0);
        snprintf(text, size, "%g%s%s", value / scale, is_top ? iec[index < 5 ? index : 5] : "",
                 is_top && unit == AXIS_BYTE_RATE ? "/s" : "");
        return;
    }
    int index = 0;
    double scale = 1.0;
    while (top >= scale * 1000.0 * (1.0 - 1e-9) && index < 4) {
        scale *= 1000.0;
        index++;
    }
    const char *ending = !is_top ? "" : unit == AXIS_FACTOR ? " ×" : "";
    if (unit == AXIS_RATE && is_top) {
        ending = index == 0 ? " /s" : "/s";
    }
    snprintf(text, size, "%g%s%s", round(value / scale * 1e6) / 1e6, si[index], ending);
}

void axis_value_ticks(enum axis_unit unit, double top, int intervals, struct axis_ticks *ticks) {
    OBS_ASSERT(ticks != NULL && top > 0.0 && intervals >= 1);
    ticks->step = value_step(unit, top, intervals);
    int count = (int)floor(top / ticks->step + OVERSHOOT);
    count = count < AXIS_TICKS_MAX - 1 ? count : AXIS_TICKS_MAX - 1;
    ticks->count = count + 1;
    for (int i = 0; i <= count; i++) {
        ticks->tick[i].value = ticks->step * i;
        value_label(unit, ticks->tick[i].value, ticks->step * count, i == count,
                    ticks->tick[i].label, sizeof ticks->tick[i].label);
    }
}

int axis_intervals(double height) {
    if (height < 80.0) { /* closer ticks in a low plot, or its axis would be twice what it needs */
        return height < 44.0 ? 1 : 2;
    }
    int intervals = (int)floor(height / 40.0);
    return intervals > 6 ? 6 : intervals;
}

/* ---- time ---------------------------------------------------------------------------------- */

static double time_step(double span, int most) {
    static const double steps[] = {
        0.001,  0.002,  0.005,    0.01,    0.02,    0.05,     0.1,      0.2,      0.5,
        1.0,    2.0,    5.0,      10.0,    15.0,    30.0,     60.0,     120.0,    300.0,
        600.0,  900.0,  1800.0,   3600.0,  7200.0,  10800.0,  21600.0,  43200.0,  86400.0,
        172800, 604800, 1.2096e6, 2.592e6, 7.776e6, 3.1536e7, 3.1536e8, 3.1536e9, 3.1536e10};
    size_t count = sizeof steps / sizeof steps[0];
    for (size_t i = 0; i < count; i++) {
        if (span / steps[i] <= most) {
            return steps[i];
        }
    }
    return steps[count - 1];
}

static void time_label(double value, double step, char *text, size_t size) {
    if (step >= 86400.0) {
        snprintf(text, size, "%.0f d", round(value / 86400.0));
        return;
    }
    unsigned decimals = step < 0.0095 ? 3 : step < 0.095 ? 2 : step < 0.95 ? 1 : 0;
    units_clock(value, decimals, text, size);
}

void axis_time_ticks(double t0, double t1, int most, struct axis_ticks *ticks) {
    OBS_ASSERT(ticks != NULL && most >= 1);
    ticks->count = 0;
    ticks->step = 1.0;
    if (!(t1 > t0) || !isfinite(t0) || !isfinite(t1)) {
        return;
    }
    ticks->step = time_step(t1 - t0, most < AXIS_TICKS_MAX - 2 ? most : AXIS_TICKS_MAX - 2);
    double slack = (t1 - t0) * 1e-9;
    double first = ceil((t0 - slack) / ticks->step);
    for (int i = 0; i < AXIS_TICKS_MAX; i++) {
        double value = (first + i) * ticks->step;
        if (value > t1 + slack) {
            break;
        }
        struct axis_tick *tick = &ticks->tick[ticks->count++];
        tick->value = value;
        time_label(value, ticks->step, tick->label, sizeof tick->label);
    }
}

/* ---- calm limits --------------------------------------------------------------------------- */

bool axis_limit_move(struct axis_limit *limit, double wanted, double now_s, bool exact) {
    OBS_ASSERT(limit != NULL && wanted > 0.0);
    if (exact || limit->top <= 0.0 || wanted >= limit->top) {
        *limit = (struct axis_limit){.top = wanted, .low_since_s = -1.0};
        return false;
    }
    if (limit->from > 0.0) {
        double part = (now_s - limit->began_s) / EASE_S;
        if (wanted <= limit->to && part < 1.0) {
            part = fmax(0.0, part);
            double eased = part * part * (3.0 - 2.0 * part);
            limit->top = limit->from + (limit->to - limit->from) * eased;
            return true;
        }
        /* Arrived, or the data grew back meanwhile. */
        limit->top = fmax(limit->to, wanted);
        limit->from = 0.0;
        limit->low_since_s = -1.0;
        return false;
    }
    if (limit->low_since_s < 0.0 || now_s < limit->low_since_s) {
        limit->low_since_s = now_s;
    }
    if (now_s - limit->low_since_s >= SHRINK_AFTER_S) {
        limit->from = limit->top;
        limit->to = wanted;
        limit->began_s = now_s;
        return true;
    }
    return false;
}
