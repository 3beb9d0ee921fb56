/* recording_read.h: an open recording, as the files that read it share it.
 *
 *   recording_open.c   the file: its description, and where its chunks are, by index or by scan
 *   recording_read.c   the records in their order
 *
 * Threads:    as recording.h says.
 * Trust:      everything here that came from the file was checked when it was put here. */
#ifndef SCOPE_RECORDING_READ_H
#define SCOPE_RECORDING_READ_H

#include "recording.h"
#include "recording_code.h"

/* Where a chunk of records is; or a damaged stretch, `size` 0. */
struct recording_place {
    uint64_t offset;
    uint32_t size; /* of the body */
    uint32_t records;
    uint64_t first_ns, last_ns;
    uint64_t reach_ns; /* the largest last_ns up to here */
};

/* A record of a chunk in memory. */
struct recording_record {
    uint64_t time_ns;
    uint64_t number;   /* events; of a sample its index */
    uint32_t order;    /* as it stands in the chunk */
    uint32_t at, size; /* its fields behind the time, in the body */
    uint8_t type;
};

struct recording_loaded {
    bool any; /* records are left */
    uint64_t offset;
    uint8_t *bytes; /* head and body */
    size_t room;
    struct recording_record *record;
    size_t record_room, count, next;
    struct scope_sample *sample;
    size_t sample_room, samples;
};

struct scope_recording {
    int fd;
    char path[SCOPE_PATH_MAX];
    struct scope_info info;
    struct scope_dictionary dictionary;
    struct recording_counters counters;
    struct scope_recording_status status;
    struct recording_place *place;
    size_t places, place_room;
    uint64_t scanned; /* without an index: up to here all chunks are known */

    struct recording_loaded loaded[2]; /* the older one first */
    size_t next_place;
    uint64_t from_ns;
    /* What the last record returned points to. */
    struct scope_event event;
    struct scope_histograms histograms;
    struct scope_shape shape; /* tables: NULL until one was met */
};

/* "FILE: at offset N: WHAT", as the error and as the recording's first problem. NOT_A_SEGMENT. */
int recording_damaged(struct scope_recording *recording, uint64_t offset, const char *what,
                      struct scope_error_detail *error);
/* Reads `size` bytes at `offset`; false when there are fewer, or reading fails. */
bool recording_pread(int fd, void *bytes, size_t size, uint64_t offset);
/* Takes over the descriptor, also on failure. */
int recording_open_fd(int fd, const char *path, struct scope_recording **recording,
                      struct scope_error_detail *error);

#endif
