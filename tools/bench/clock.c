#include "clock.h"

#include <stdio.h>
#include <string.h>

struct bench_clock bench_clock = {.counter = 0, .scale = 1u << 20};

#if defined(__x86_64__)
/* The kernel uses the counter itself only when it found it to run evenly on all cores. */
static int counter_is_steady(void) {
    char name[32] = "";
    FILE *file = fopen("/sys/devices/system/clocksource/clocksource0/current_clocksource", "re");
    if (file != NULL) {
        (void)!fgets(name, sizeof name, file);
        (void)fclose(file);
    }
    if (strncmp(name, "tsc", 3) == 0) {
        return 1;
    }
    /* A guest may keep time by its host's clock, which is made from the same counter. */
    char line[4096];
    int steady = 0;
    file = fopen("/proc/cpuinfo", "re");
    while (file != NULL && !steady && fgets(line, sizeof line, file) != NULL) {
        steady = strstr(line, " constant_tsc") != NULL && strstr(line, " nonstop_tsc") != NULL;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return steady;
}
#endif

void bench_clock_init(void) {
#if defined(__x86_64__)
    if (!counter_is_steady()) {
        return;
    }
    struct timespec pause = {.tv_nsec = 20000000};
    uint64_t ns = bench_monotonic_ns();
    uint64_t ticks = __rdtsc();
    (void)nanosleep(&pause, NULL);
    ns = bench_monotonic_ns() - ns;
    ticks = __rdtsc() - ticks;
    double scale = ticks > 0 ? (double)ns / (double)ticks * (1 << 20) : 0;
    if (scale >= 1000) {
        bench_clock.scale = (uint64_t)(scale + 0.5);
        bench_clock.counter = 1;
    }
#endif
}
