#include "micro_parts.h"

#include <stdarg.h>
#include <stdlib.h>

#include "workload.h"

bool bench_micro_fail(struct bench_micro_context *context, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(context->error, sizeof context->error, format, arguments);
    va_end(arguments);
    return false;
}

bool bench_micro_entries_make(struct bench_micro_entries *entries, uint64_t first, uint64_t step,
                              uint64_t count) {
    size_t each = bench_workload.key_size + bench_workload.value_size;
    *entries = (struct bench_micro_entries){.entry = calloc(count, sizeof *entries->entry),
                                            .count = count,
                                            .bytes = malloc(count * each)};
    if (entries->entry == NULL || entries->bytes == NULL) {
        bench_micro_entries_free(entries);
        return false;
    }
    for (uint64_t i = 0; i < count; i++) {
        char *key = entries->bytes + i * each;
        char *value = key + bench_workload.key_size;
        bench_key_make(first + i * step, key);
        bench_value_make(first + i * step, 0, value);
        entries->entry[i] = (struct lsm_entry){.key = (const uint8_t *)key,
                                               .key_size = (uint32_t)bench_workload.key_size,
                                               .type = LSM_TYPE_PUT,
                                               .seq = first + i * step + 1,
                                               .value = (const uint8_t *)value,
                                               .value_size = bench_workload.value_size};
    }
    return true;
}

void bench_micro_entries_free(struct bench_micro_entries *entries) {
    free(entries->entry);
    free(entries->bytes);
    *entries = (struct bench_micro_entries){0};
}
