/* lsm-bench: one workload, several storage engines, one table. */
#include <stdio.h>
#include <string.h>

#include "bench_args.h"
#include "clock.h"
#include "micro.h"
#include "scope.h"
#include "suite.h"

int main(int argc, char **argv) {
    struct bench_args args;
    char error[256];
    if (!bench_args_parse(argc, argv, &args, error)) {
        fprintf(stderr, "lsm-bench: %s; lsm-bench --help tells more\n", error);
        return 2;
    }
    if (args.help) {
        bench_args_help(stdout);
        return 0;
    }
    if (args.version) {
        printf("lsm-bench %s\n", SCOPE_VERSION);
        return 0;
    }
    bench_clock_init();
    return args.micro ? bench_micro_main(&args) : bench_suite_main(&args);
}
