#include "dynamic.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

bool bench_dynamic_load(const char *library, const char *package,
                        const struct bench_symbol *symbols, size_t count, char why[256]) {
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        (void)snprintf(why, 256, "%s is not installed (Debian package %s)", library, package);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        void *symbol = dlsym(handle, symbols[i].name);
        if (symbol == NULL) {
            (void)snprintf(why, 256, "%s has no %s", library, symbols[i].name);
            return false;
        }
        /* ISO C has no conversion from an object's to a function's pointer; POSIX has the bits. */
        memcpy(symbols[i].slot, &symbol, sizeof symbol);
    }
    return true;
}
