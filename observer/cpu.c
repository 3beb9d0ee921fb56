/* cpu.c: see cpu.h. */
#include <time.h>

#include "cpu.h"

static const double READ_EVERY_S = 1.0;

double cpu_seconds(void) {
    struct timespec spent;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
    return (double)spent.tv_sec + (double)spent.tv_nsec / 1e9;
}

void cpu_init(struct cpu_meter *meter) {
    *meter = (struct cpu_meter){.share = -1};
}

void cpu_read(struct cpu_meter *meter, double now_s) {
    if (meter->wall_s > 0 && now_s - meter->wall_s < READ_EVERY_S) {
        return;
    }
    double cpu_s = cpu_seconds();
    if (meter->wall_s > 0) {
        double share = (cpu_s - meter->cpu_s) / (now_s - meter->wall_s);
        /* Half old, half new: a figure that can be read, yet follows within a few seconds. */
        meter->share = meter->share < 0 ? share : (meter->share + share) / 2;
    }
    meter->wall_s = now_s;
    meter->cpu_s = cpu_s;
}
