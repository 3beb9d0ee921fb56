/* segment.h: what the parts of the library share: a mapped segment seen from its two sides.
 *
 * Threads:    as scope.h says of the handles.
 * Ownership:  a writer owns its file, descriptor, lock and mapping; a reader its descriptor and
 *             read-only mapping. Numbers taken from a header are checked once and kept here:
 *             nothing that decides an address is read from shared memory twice.
 * Errors:     enum scope_error; scope_fail fills the caller's detail. */
#ifndef SCOPE_SEGMENT_H
#define SCOPE_SEGMENT_H

#include <pthread.h>
#include <sys/types.h>

#include "layout.h"
#include "scope.h"

enum {
    SCOPE_SHORT_NAME_MAX = 48, /* bytes of a segment's name without the NUL */
    SCOPE_PATH_MAX = 4096,
    SCOPE_HEARTBEAT_MS = 100,
    SCOPE_STALLED_MS = 2000,
    SCOPE_DIRECT_IDS = 128, /* metric ids found without a search: the built-in ones and room */
};
#define SCOPE_CRASHED_SUFFIX ".crashed"

/* No honest record number comes near: bounds the arithmetic on numbers found in a segment. */
#define SCOPE_RECORD_MAX (UINT64_C(1) << 62)

/* ---- rings ---------------------------------------------------------------------------------- */

/* One ring as mapped: `count` slots, a power of two, of `slot_words` words each. */
struct scope_ring_map {
    _Atomic uint64_t *slots;
    uint64_t slot_words;
    uint64_t count;
};

/* Where the parts of a segment lie in this process. */
struct scope_parts {
    struct scope_ring_map rings[3]; /* by enum scope_ring */
    struct scope_ring_map shape;
    struct scope_writer_line *heads;
    struct scope_heartbeat_line *beat;
};

/* The head of a ring; REQUIRES: a ring of enum scope_ring. */
_Atomic uint64_t *scope_head_of(const struct scope_parts *parts, enum scope_ring ring);

/* ---- dictionary ----------------------------------------------------------------------------- */

/* A private copy of a segment's dictionary, with its texts. */
struct scope_dictionary {
    size_t count;
    int16_t direct[SCOPE_DIRECT_IDS]; /* id -> word, -1 none */
    uint16_t word[SCOPE_METRICS_MAX];
    struct scope_metric metric[SCOPE_METRICS_MAX];
    char name[SCOPE_METRICS_MAX][48];
    char help[SCOPE_METRICS_MAX][128];
};

void scope_dictionary_init(struct scope_dictionary *dictionary);
/* False when full, or when the id or the word is out of range or taken. Texts are copied. */
bool scope_dictionary_add(struct scope_dictionary *dictionary, const struct scope_metric *metric,
                          uint64_t word);
int scope_dictionary_word(const struct scope_dictionary *dictionary, uint32_t id);

/* ---- the two handles ------------------------------------------------------------------------ */

struct scope_writer {
    struct scope_header *header; /* the mapping; NULL in a forked child, where it does not exist */
    uint64_t mapped_bytes;
    struct scope_parts parts;
    int fd;    /* holds the lock */
    int guard; /* index in the SIGBUS registry */
    bool linger;
    bool forked; /* set in the child of a fork: the handle is dead there */
    dev_t device;
    ino_t inode;
    char name[SCOPE_NAME_MAX];
    char path[SCOPE_PATH_MAX];
    struct scope_dictionary dictionary;

    /* Numbers of the next records. Kept here, not read back from shared memory. */
    uint64_t next_sample, next_histogram, next_shape; /* the sampler's thread */
    pthread_mutex_t event_lock;
    uint64_t next_event; /* guarded by event_lock */
    /* What rounding left over of every bucket so far (hist.c). The sampler's thread. */
    int64_t residue[SCOPE_HISTOGRAMS][SCOPE_HIST_BUCKETS];

    pthread_t heart;
    bool heart_runs;
    pthread_mutex_t heart_lock;
    pthread_cond_t heart_wake;
    bool heart_stop; /* guarded by heart_lock */

    struct scope_writer *older; /* the list of this process's writers (fork.c) */
};

struct scope_segment {
    void *base;
    uint64_t mapped_bytes;
    struct scope_parts parts;
    int fd; /* -1: over a writer's own mapping (tests) */
    int guard;
    bool owns_mapping;
    bool copy; /* not the file its writer made */
    dev_t device;
    ino_t inode;
    char name[SCOPE_NAME_MAX]; /* empty when attached by path */
    struct scope_info info;
    struct scope_dictionary dictionary;
};

/* ---- errors and text ------------------------------------------------------------------------ */

__attribute__((format(printf, 3, 4))) int scope_fail(struct scope_error_detail *error, int code,
                                                     const char *format, ...);
/* Chooses the code by errno `number`; the text is "PATH: WHAT: the system's words". */
int scope_fail_errno(struct scope_error_detail *error, const char *what, const char *path,
                     int number);

/* Copies text up to a NUL or `source_size` bytes; what is not valid UTF-8 or is a control code
 * becomes '?'. Cut at a character, terminated, the rest of `target` zero. */
void scope_text_copy(char *target, size_t target_size, const char *source, size_t source_size);

/* ---- names, files, locks -------------------------------------------------------------------- */

/* Where segments live; tests point it elsewhere. Not changed while handles are open. */
extern const char *scope_shm_dir;

/* REQUIRES: a valid name. SCOPE_ERR_ARGUMENT when the directory's path is too long. */
int scope_path_of(const char *name, char path[SCOPE_PATH_MAX], struct scope_error_detail *error);

/* Open-file-description locks, one byte each. WRITER says that the segment's writer lives; RECLAIM
 * is held, briefly, by who judges whether it does: taken first, so that whoever then finds WRITER
 * held knows that it is by the writer and not by another judge. */
enum scope_lock_byte { SCOPE_LOCK_WRITER = 0, SCOPE_LOCK_RECLAIM = 1 };
enum scope_lock { SCOPE_LOCK_TAKEN, SCOPE_LOCK_HELD_ELSEWHERE, SCOPE_LOCK_FAILED };
enum scope_lock scope_lock_take(int fd, enum scope_lock_byte byte);
void scope_lock_drop(int fd); /* WRITER */
/* WRITER, by anybody else. Works on a read-only descriptor. */
bool scope_lock_is_held(int fd);
/* True when `path` leads to exactly this file. */
bool scope_path_leads_to(const char *path, dev_t device, ino_t inode);
/* Makes the name free when its segment is dead: IN_USE, NOT_A_SEGMENT, ... otherwise. */
int scope_reclaim(const char *name, const char *path, struct scope_error_detail *error);
/* Whether scope_reclaim would succeed now; leaves everything where it is. */
int scope_reclaimable(const char *name, const char *path, struct scope_error_detail *error);

uint64_t scope_now_ns(void);
/* A fingerprint of the fixed structures of layout.h as this program was compiled. */
uint64_t scope_fingerprint(void);
/* Fills `parts` from checked regions. */
void scope_parts_set(struct scope_parts *parts, void *base, const struct scope_header *header);

/* ---- steps of start-up, for the tests that die at each of them ------------------------------ */

enum scope_step {
    SCOPE_STEP_OPENED,
    SCOPE_STEP_ALLOCATED,
    SCOPE_STEP_LOCKED,
    SCOPE_STEP_MAPPED,
    SCOPE_STEP_FILLED,
    SCOPE_STEP_MAGIC,
    SCOPE_STEP_CLAIMED, /* reclaim: the dead one's lock is ours */
    SCOPE_STEP_ASIDE,   /* reclaim: the name is free */
    SCOPE_STEP_LINKED,
    SCOPE_STEP_BEATING,
    SCOPE_STEPS
};
extern void (*scope_step_hook)(enum scope_step step); /* NULL outside the tests */
void scope_step(enum scope_step step);

/* ---- fork and SIGBUS ------------------------------------------------------------------------ */

/* Between these no other thread can fork: nothing must be inherited before it is known here. */
void scope_fork_hold(void);
void scope_fork_release(void);
/* From before the writer has a descriptor until it is about to let go of it. */
void scope_fork_watch(struct scope_writer *writer);
void scope_fork_forget(struct scope_writer *writer);

/* Adds a mapping to the SIGBUS registry: an index, or -1 when it is full. */
int scope_guard_add(void *base, uint64_t length, int protection);
void scope_guard_drop(int index); /* -1 is ignored */
bool scope_guard_damaged(int index);

/* ---- codecs --------------------------------------------------------------------------------- */

void scope_event_encode(const struct scope_event *event, uint64_t words[SCOPE_EVENT_WORDS]);
/* What makes no sense becomes SCOPE_EVENT_NONE: no field of the result can be out of range. */
void scope_event_decode(const uint64_t words[SCOPE_EVENT_WORDS], struct scope_event *event);

void scope_table_encode(const struct scope_table *table, uint64_t words[SCOPE_SHAPE_TABLE_WORDS]);
/* False when the level is out of range. */
bool scope_table_decode(const uint64_t words[SCOPE_SHAPE_TABLE_WORDS], struct scope_table *table);

/* Small floats: exact to 15, then 4 significant bits, up to 15 << 30. */
uint8_t scope_count_encode(uint64_t count); /* to the nearest */
uint64_t scope_count_decode(uint8_t code);
void scope_hist_encode(const struct scope_histograms *histograms,
                       int64_t residue[SCOPE_HISTOGRAMS][SCOPE_HIST_BUCKETS],
                       uint64_t words[SCOPE_HIST_WORDS]);
void scope_hist_decode(const uint64_t words[SCOPE_HIST_WORDS], struct scope_histograms *histograms);

/* ---- inner doors ---------------------------------------------------------------------------- */

/* Attaches to an open descriptor, which it takes over, also on failure. `name` may be NULL. */
int scope_attach_fd(int fd, const char *path, const char *name, bool any_owner,
                    struct scope_segment **segment, struct scope_error_detail *error);
/* A segment over the writer's own mapping: ThreadSanitizer keys on addresses, and two mappings
 * would hide every race. For tests; detached as any other. */
int scope_attach_writer(const struct scope_writer *writer, struct scope_segment **segment);
/* The heartbeat thread (liveness.c). */
int scope_heart_start(struct scope_writer *writer, struct scope_error_detail *error);
void scope_heart_stop(struct scope_writer *writer);

#endif
