/* cpu.h: what this viewer costs: its share of one core over the last seconds. */
#ifndef OBS_CPU_H
#define OBS_CPU_H

#include <stdbool.h>

struct cpu_meter {
    double wall_s, cpu_s; /* at the last reading; wall_s 0: none yet */
    double share;         /* below 0: not known yet */
};

void cpu_init(struct cpu_meter *meter);
/* Takes a reading when the last one is old enough. */
void cpu_read(struct cpu_meter *meter, double now_s);
/* CPU seconds of the whole process so far. */
double cpu_seconds(void);

#endif
