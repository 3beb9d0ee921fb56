/* engines.c: the list of engines, and the names of what several of them can be told. */
#include "engine.h"

#include <string.h>

const struct bench_engine *const bench_engines[] = {
    &bench_engine_lsm,  &bench_engine_rocksdb,    &bench_engine_leveldb,  &bench_engine_lmdb,
    &bench_engine_null, &bench_engine_lsm_tiered, &bench_engine_lsm_lazy,
};
const size_t bench_engine_count = sizeof bench_engines / sizeof bench_engines[0];

const char *const bench_compression_names[3] = {
    [BENCH_PLAIN] = "none", [BENCH_LZ4] = "lz4", [BENCH_ZSTD] = "zstd"};

int bench_compression_find(const char *name) {
    for (int i = 0; i < 3; i++) {
        if (strcmp(bench_compression_names[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

const struct bench_engine *bench_engine_find(const char *name) {
    for (size_t i = 0; i < bench_engine_count; i++) {
        if (strcmp(bench_engines[i]->name, name) == 0) {
            return bench_engines[i];
        }
    }
    return NULL;
}
