/* files.h: what the bench does with an engine's files from outside. Threads: any; the directory is
 * the caller's. */
#ifndef BENCH_FILES_H
#define BENCH_FILES_H

#include <stdbool.h>

/* Removes what is in the directory, and the directory itself when `itself`. False: something is
 * still there. Symbolic links are not followed. */
bool bench_files_remove(const char *dir, bool itself);

struct bench_files {
    double tables, log; /* bytes: sizes of tables; blocks of the log */
};
/* Sizes of the files in `dir`: those ending in `wal_suffix` ("" none) are the log. */
void bench_files_measure(const char *dir, const char *wal_suffix, struct bench_files *files);

/* Brings everything to the device, asks the kernel to drop it from the page cache, and looks with
 * mincore: the fraction of the files' pages that is still resident; negative when it cannot be
 * told. REQUIRES: nobody has the files open or mapped. */
double bench_files_drop(const char *dir);
/* Reads everything, so that it is in the page cache as far as there is room. */
void bench_files_warm(const char *dir);

#endif
