/* dynamic.h: functions of a library that may not be installed.
 *
 * An adapter lists the functions it uses once, as FUNCTION(result, name, (parameters)); the list
 * makes a struct of pointers and the table of names they are found under:
 *
 *     #define API(FUNCTION) FUNCTION(int, foo_open, (const char *)) FUNCTION(void, foo_close, ...)
 *     static struct { API(DYNAMIC_FIELD) } foo;
 *     static const struct bench_symbol symbols[] = {API(DYNAMIC_SYMBOL)};
 *
 * with DYNAMIC_TARGET defined to the struct's name. Threads: load from one. */
#ifndef BENCH_DYNAMIC_H
#define BENCH_DYNAMIC_H

#include <stdbool.h>
#include <stddef.h>

struct bench_symbol {
    const char *name;
    void *slot; /* a function pointer */
};

#define DYNAMIC_FIELD(result, name, parameters)  result(*name) parameters;
#define DYNAMIC_SYMBOL(result, name, parameters) {#name, &DYNAMIC_TARGET.name},

/* Opens the library and fills every slot. False and one line in `why` when it, or a function of it,
 * is not there. The library stays loaded until the process ends. */
bool bench_dynamic_load(const char *library, const char *package,
                        const struct bench_symbol *symbols, size_t count, char why[256]);

#endif
