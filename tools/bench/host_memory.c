#include "host_memory.h"

#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

#define HOLD_MAX ((size_t)2 << 30)

static void sleep_until(uint64_t due_ns) {
    uint64_t now = bench_monotonic_ns();
    while (now < due_ns) {
        uint64_t left = due_ns - now;
        struct timespec pause = {.tv_sec = (time_t)(left / 1000000000),
                                 .tv_nsec = (long)(left % 1000000000)};
        (void)nanosleep(&pause, NULL);
        now = bench_monotonic_ns();
    }
}

size_t bench_host_memory_hold(size_t bytes, uint64_t ns) {
    uint64_t begin = bench_monotonic_ns();
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    long free_pages = sysconf(_SC_AVPHYS_PAGES);
    size_t most = free_pages > 0 ? (size_t)free_pages / 2 * page : 0;
    most = most < HOLD_MAX ? most : HOLD_MAX;
    bytes = bytes < most ? bytes / page * page : most;
    char *memory = bytes > 0 ? mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
                             : MAP_FAILED;
    if (memory == MAP_FAILED) {
        bytes = 0;
    } else {
        (void)madvise(memory, bytes, MADV_HUGEPAGE); /* a fault for 2 MiB instead of 512 */
    }
    for (size_t i = 0; i < bytes; i += page) {
        *(volatile char *)(memory + i) = 1;
    }
    sleep_until(begin + ns);
    if (bytes > 0) {
        (void)munmap(memory, bytes);
    }
    return bytes;
}
