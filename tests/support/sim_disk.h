/* sim_disk.h: the disk of the simulated backend: a tree of files and directories, each with what
 * the page cache holds and what the platter holds. Private to sim_*.c.
 *
 * Threads:    one.
 * Errors:     negative errno, as a kernel would give. Memory that runs out aborts. */
#ifndef SIM_DISK_H
#define SIM_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "sim_io.h"

#define SIM_CHECK(condition)                                                                       \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: sim: broken: %s\n", __FILE__, __LINE__, #condition);           \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

struct sim_random {
    uint64_t state;
};
uint64_t sim_next(struct sim_random *random);
uint64_t sim_below(struct sim_random *random, uint64_t n); /* 0 to n - 1; n > 0 */

/* Bytes of a file. Kept in whole pages, aligned to them; what lies past size is zero. */
struct sim_content {
    uint8_t *data;
    uint64_t size, room;
};

struct sim_entry {
    char *name;
    struct sim_node *node;
};
struct sim_entries {
    struct sim_entry *entry;
    size_t count, room;
};
/* A change of a directory that is not on the platter: `clear` goes, `set` names the node; both for
 * a rename, which is one change. */
struct sim_change {
    char *set, *clear;
    struct sim_node *node;
};

struct sim_node {
    struct sim_node *next; /* all nodes of the disk */
    bool directory;
    bool locked;
    unsigned refs; /* entries, durable entries, changes, handles and mappings */
    unsigned handles;
    bool counted;    /* by sim_disk_used */
    unsigned mapped; /* mappings: then `now` stays where it is */
    struct sim_content now, durable;
    struct sim_entries entries, durable_entries;
    struct sim_change *changes;
    size_t change_count, change_room;
    struct sim_node *copy; /* while the disk is copied */
};

struct sim_disk {
    struct sim_node *nodes;
    struct sim_node *root;
    uint64_t capacity; /* 0: no limit */
};

struct sim_disk *sim_disk_create(void);
void sim_disk_free(struct sim_disk *disk);
/* What is there after the cut, as a disk of its own. */
struct sim_disk *sim_disk_survivor(const struct sim_disk *disk, enum sim_cut_mode mode,
                                   struct sim_random *random);

/* Bytes of the files that have a name or a handle: a removed one gives its space back at once. */
uint64_t sim_disk_used(struct sim_disk *disk);

void sim_node_ref(struct sim_node *node);
void sim_node_unref(struct sim_disk *disk, struct sim_node *node);

/* The node at path, or NULL. */
struct sim_node *sim_lookup(const struct sim_disk *disk, const char *path);
/* The directory that holds path, and the last name of it (a pointer into path); NULL: no such. */
struct sim_node *sim_parent(const struct sim_disk *disk, const char *path, const char **name);
struct sim_node *sim_entry_find(const struct sim_node *directory, const char *name);
/* A new file or directory under that name, which must be free. */
struct sim_node *sim_make(struct sim_disk *disk, struct sim_node *parent, const char *name,
                          bool directory);
/* Changes a directory: see struct sim_change; either name may be NULL. */
void sim_change(struct sim_disk *disk, struct sim_node *directory, const char *set,
                struct sim_node *node, const char *clear);
void sim_sync_directory(struct sim_disk *disk, struct sim_node *directory);

/* By path, as the system calls of these names, but for: mkdir of a directory that is there is 0,
 * and only files are renamed. */
int sim_disk_open(struct sim_disk *disk, const char *path, bool create, struct sim_node **node);
int sim_disk_mkdir(struct sim_disk *disk, const char *path);
int sim_disk_remove(struct sim_disk *disk, const char *path, bool directory);
int sim_disk_rename(struct sim_disk *disk, const char *from, const char *to);
int sim_disk_link(struct sim_disk *disk, const char *from, const char *to);

int sim_resize(struct sim_disk *disk, struct sim_node *node, uint64_t size);
int sim_write(struct sim_disk *disk, struct sim_node *node, uint64_t offset, const void *buffer,
              size_t length);
void sim_sync_file(struct sim_node *node);

#endif
