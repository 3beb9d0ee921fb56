/* sim_disk.c: nodes, directories and bytes of the simulated disk. */
#include "sim_disk.h"

#include <errno.h>
#include <string.h>

#include "splitmix.h"

enum { PAGE = 4096 };

uint64_t sim_next(struct sim_random *random) {
    return splitmix_next(&random->state);
}

uint64_t sim_below(struct sim_random *random, uint64_t n) {
    SIM_CHECK(n > 0);
    return sim_next(random) % n;
}

static void *checked(void *memory) {
    SIM_CHECK(memory != NULL);
    return memory;
}

/* ---- nodes ---- */

static struct sim_node *node_create(struct sim_disk *disk, bool directory) {
    struct sim_node *node = checked(calloc(1, sizeof *node));
    node->directory = directory;
    node->next = disk->nodes;
    disk->nodes = node;
    return node;
}

static void entries_free(struct sim_entries *entries) {
    for (size_t i = 0; i < entries->count; i++) {
        free(entries->entry[i].name);
    }
    free(entries->entry);
}

static void changes_forget(struct sim_node *node) {
    for (size_t i = 0; i < node->change_count; i++) {
        free(node->changes[i].set);
        free(node->changes[i].clear);
    }
    node->change_count = 0;
}

static void node_free(struct sim_node *node) {
    entries_free(&node->entries);
    entries_free(&node->durable_entries);
    changes_forget(node);
    free(node->changes);
    free(node->now.data);
    free(node->durable.data);
    free(node);
}

void sim_node_ref(struct sim_node *node) {
    node->refs++;
}

/* A directory is only removed when empty, in the cache and, by the changes before it, on the
 * platter too once synced: what it still names was given up with it. */
void sim_node_unref(struct sim_disk *disk, struct sim_node *node) {
    SIM_CHECK(node->refs > 0);
    node->refs--;
    if (node->refs > 0 || node->directory) {
        return; /* directories stay until the disk is freed: they are few and small */
    }
    SIM_CHECK(node->mapped == 0);
    struct sim_node **link = &disk->nodes;
    while (*link != node) {
        link = &(*link)->next;
    }
    *link = node->next;
    node_free(node);
}

struct sim_disk *sim_disk_create(void) {
    struct sim_disk *disk = checked(calloc(1, sizeof *disk));
    disk->root = node_create(disk, true);
    sim_node_ref(disk->root);
    return disk;
}

void sim_disk_free(struct sim_disk *disk) {
    while (disk->nodes != NULL) {
        struct sim_node *node = disk->nodes;
        disk->nodes = node->next;
        node_free(node);
    }
    free(disk);
}

/* ---- directories ---- */

static size_t find(const struct sim_entries *entries, const char *name) {
    size_t i = 0;
    while (i < entries->count && strcmp(entries->entry[i].name, name) != 0) {
        i++;
    }
    return i;
}

static void entries_set(struct sim_disk *disk, struct sim_entries *entries, const char *name,
                        struct sim_node *node) {
    sim_node_ref(node);
    size_t i = find(entries, name);
    if (i < entries->count) {
        struct sim_node *before = entries->entry[i].node;
        entries->entry[i].node = node;
        sim_node_unref(disk, before);
        return;
    }
    if (entries->count == entries->room) {
        entries->room = entries->room == 0 ? 8 : entries->room * 2;
        entries->entry = checked(realloc(entries->entry, entries->room * sizeof entries->entry[0]));
    }
    entries->entry[entries->count++] =
        (struct sim_entry){.name = checked(strdup(name)), .node = node};
}

static void entries_clear(struct sim_disk *disk, struct sim_entries *entries, const char *name) {
    size_t i = find(entries, name);
    if (i < entries->count) {
        struct sim_node *node = entries->entry[i].node;
        free(entries->entry[i].name);
        entries->entry[i] = entries->entry[--entries->count];
        sim_node_unref(disk, node);
    }
}

struct sim_node *sim_entry_find(const struct sim_node *directory, const char *name) {
    size_t i = find(&directory->entries, name);
    return i < directory->entries.count ? directory->entries.entry[i].node : NULL;
}

struct sim_node *sim_parent(const struct sim_disk *disk, const char *path, const char **name) {
    struct sim_node *at = disk->root;
    for (;;) {
        path += strspn(path, "/");
        size_t length = strcspn(path, "/");
        if (path[length] == '\0') {
            *name = path;
            return at->directory ? at : NULL;
        }
        char component[256];
        if (length >= sizeof component || !at->directory) {
            return NULL;
        }
        memcpy(component, path, length);
        component[length] = '\0';
        if (strcmp(component, ".") != 0) {
            at = sim_entry_find(at, component);
        }
        if (at == NULL) {
            return NULL;
        }
        path += length;
    }
}

struct sim_node *sim_lookup(const struct sim_disk *disk, const char *path) {
    const char *name;
    struct sim_node *parent = sim_parent(disk, path, &name);
    if (parent == NULL || name[0] == '\0' || strcmp(name, ".") == 0) {
        return parent;
    }
    return sim_entry_find(parent, name);
}

static char *copy_or_null(const char *text) {
    return text == NULL ? NULL : checked(strdup(text));
}

static void changes_append(struct sim_node *directory, const char *set, struct sim_node *node,
                           const char *clear) {
    if (directory->change_count == directory->change_room) {
        directory->change_room = directory->change_room == 0 ? 8 : directory->change_room * 2;
        directory->changes = checked(
            realloc(directory->changes, directory->change_room * sizeof directory->changes[0]));
    }
    if (node != NULL) {
        sim_node_ref(node);
    }
    directory->changes[directory->change_count++] =
        (struct sim_change){.set = copy_or_null(set), .clear = copy_or_null(clear), .node = node};
}

static void apply(struct sim_disk *disk, struct sim_entries *entries, const char *set,
                  struct sim_node *node, const char *clear) {
    if (set != NULL) {
        entries_set(disk, entries, set, node);
    }
    if (clear != NULL) {
        entries_clear(disk, entries, clear);
    }
}

void sim_change(struct sim_disk *disk, struct sim_node *directory, const char *set,
                struct sim_node *node, const char *clear) {
    SIM_CHECK(directory->directory && (set != NULL) == (node != NULL));
    changes_append(directory, set, node, clear);
    apply(disk, &directory->entries, set, node, clear);
}

/* The first n changes reach the platter; the rest is forgotten. */
static void settle(struct sim_disk *disk, struct sim_node *directory, size_t n) {
    for (size_t i = 0; i < directory->change_count; i++) {
        const struct sim_change *change = &directory->changes[i];
        if (i < n) {
            apply(disk, &directory->durable_entries, change->set, change->node, change->clear);
        }
        if (change->node != NULL) {
            sim_node_unref(disk, change->node);
        }
    }
    changes_forget(directory);
}

void sim_sync_directory(struct sim_disk *disk, struct sim_node *directory) {
    settle(disk, directory, directory->change_count);
}

struct sim_node *sim_make(struct sim_disk *disk, struct sim_node *parent, const char *name,
                          bool directory) {
    SIM_CHECK(sim_entry_find(parent, name) == NULL);
    struct sim_node *node = node_create(disk, directory);
    sim_change(disk, parent, name, node, NULL);
    return node;
}

/* ---- paths ---- */

int sim_disk_open(struct sim_disk *disk, const char *path, bool create, struct sim_node **node) {
    const char *name;
    struct sim_node *parent = sim_parent(disk, path, &name);
    if (parent == NULL) {
        return -ENOENT;
    }
    *node = sim_lookup(disk, path);
    if (*node != NULL) {
        return create ? -EEXIST : (*node)->directory ? -EISDIR : 0;
    }
    if (!create) {
        return -ENOENT;
    }
    *node = sim_make(disk, parent, name, false);
    return 0;
}

int sim_disk_mkdir(struct sim_disk *disk, const char *path) {
    const char *name;
    struct sim_node *parent = sim_parent(disk, path, &name);
    const struct sim_node *there = sim_lookup(disk, path);
    if (there != NULL) {
        return there->directory ? 0 : -ENOTDIR;
    }
    if (parent == NULL) {
        return -ENOENT;
    }
    (void)sim_make(disk, parent, name, true);
    return 0;
}

int sim_disk_remove(struct sim_disk *disk, const char *path, bool directory) {
    const char *name;
    struct sim_node *parent = sim_parent(disk, path, &name);
    const struct sim_node *node = parent == NULL ? NULL : sim_lookup(disk, path);
    if (node == NULL) {
        return -ENOENT;
    }
    if (node->directory != directory || node == disk->root) {
        return directory ? -ENOTDIR : -EISDIR;
    }
    if (directory && node->entries.count > 0) {
        return -ENOTEMPTY;
    }
    sim_change(disk, parent, NULL, NULL, name);
    return 0;
}

int sim_disk_rename(struct sim_disk *disk, const char *from, const char *to) {
    const char *from_name;
    const char *to_name;
    struct sim_node *from_parent = sim_parent(disk, from, &from_name);
    struct sim_node *to_parent = sim_parent(disk, to, &to_name);
    struct sim_node *node = from_parent == NULL ? NULL : sim_lookup(disk, from);
    if (node == NULL || to_parent == NULL) {
        return -ENOENT;
    }
    const struct sim_node *replaced = sim_lookup(disk, to);
    if (node->directory || (replaced != NULL && replaced->directory)) {
        return -EISDIR; /* the engine renames files only */
    }
    if (node == replaced) {
        return 0;
    }
    sim_node_ref(node);
    if (from_parent == to_parent) {
        sim_change(disk, to_parent, to_name, node, from_name);
    } else {
        sim_change(disk, to_parent, to_name, node, NULL);
        sim_change(disk, from_parent, NULL, NULL, from_name);
    }
    sim_node_unref(disk, node);
    return 0;
}

int sim_disk_link(struct sim_disk *disk, const char *from, const char *to) {
    const char *name;
    struct sim_node *parent = sim_parent(disk, to, &name);
    struct sim_node *node = sim_lookup(disk, from);
    if (node == NULL || parent == NULL) {
        return -ENOENT;
    }
    if (node->directory) {
        return -EPERM;
    }
    if (sim_lookup(disk, to) != NULL) {
        return -EEXIST;
    }
    sim_change(disk, parent, name, node, NULL);
    return 0;
}

/* ---- bytes ---- */

static uint64_t pages(uint64_t size) {
    return (size + PAGE - 1) / PAGE * PAGE;
}

static void content_reserve(struct sim_content *content, uint64_t size) {
    if (pages(size) <= content->room) {
        return;
    }
    uint64_t room = content->room * 2 > pages(size) ? content->room * 2 : pages(size);
    uint8_t *data = checked(aligned_alloc(PAGE, room));
    if (content->room > 0) {
        memcpy(data, content->data, content->room);
    }
    memset(data + content->room, 0, room - content->room);
    free(content->data);
    content->data = data;
    content->room = room;
}

static void content_resize(struct sim_content *content, uint64_t size) {
    content_reserve(content, size);
    if (size < content->size) {
        memset(content->data + size, 0, content->size - size);
    }
    content->size = size;
}

static void content_copy(struct sim_content *to, const struct sim_content *from) {
    content_resize(to, from->size);
    if (from->size > 0) {
        memcpy(to->data, from->data, from->size);
    }
}

uint64_t sim_disk_used(struct sim_disk *disk) {
    for (struct sim_node *node = disk->nodes; node != NULL; node = node->next) {
        node->counted = node->handles > 0;
    }
    for (const struct sim_node *node = disk->nodes; node != NULL; node = node->next) {
        for (size_t i = 0; i < node->entries.count; i++) {
            node->entries.entry[i].node->counted = true;
        }
    }
    uint64_t used = 0;
    for (const struct sim_node *node = disk->nodes; node != NULL; node = node->next) {
        used += node->counted ? node->now.size : 0;
    }
    return used;
}

int sim_resize(struct sim_disk *disk, struct sim_node *node, uint64_t size) {
    if (size > (UINT64_C(1) << 40)) {
        return -EFBIG;
    }
    if (size > node->now.size && disk->capacity != 0 &&
        sim_disk_used(disk) - node->now.size + size > disk->capacity) {
        return -ENOSPC;
    }
    SIM_CHECK(node->mapped == 0 || pages(size) <= node->now.room); /* see sim_io.h */
    content_resize(&node->now, size);
    return 0;
}

int sim_write(struct sim_disk *disk, struct sim_node *node, uint64_t offset, const void *buffer,
              size_t length) {
    if (offset + length > node->now.size) {
        int rc = sim_resize(disk, node, offset + length);
        if (rc != 0) {
            return rc;
        }
    }
    memcpy(node->now.data + offset, buffer, length);
    return 0;
}

void sim_sync_file(struct sim_node *node) {
    content_copy(&node->durable, &node->now);
}

/* ---- what a cut leaves ---- */

/* Of the bytes that differ, a random subset of sectors is the new one. */
static void mix_content(struct sim_content *into, const struct sim_content *durable,
                        const struct sim_content *now, struct sim_random *random) {
    /* The size is metadata of its own: it may have reached the platter, or not. */
    uint64_t size = sim_below(random, 2) == 0 ? durable->size : now->size;
    uint64_t sector = sim_below(random, 2) == 0 ? 512 : PAGE;
    uint64_t kept_of_8 = sim_below(random, 9); /* from nothing to everything */
    content_resize(into, size);
    for (uint64_t at = 0; at < size; at += sector) {
        bool new_one = sim_below(random, 8) < kept_of_8;
        const struct sim_content *from = new_one ? now : durable;
        uint64_t end = at + sector < size ? at + sector : size;
        uint64_t have = end < from->size ? end : from->size;
        if (have > at) {
            memcpy(into->data + at, from->data + at, have - at);
        }
    }
}

static void copy_content(const struct sim_node *node, enum sim_cut_mode mode,
                         struct sim_random *random) {
    struct sim_node *copy = node->copy;
    switch (mode) {
    case SIM_CUT_KEEP:
        content_copy(&copy->now, &node->now);
        content_copy(&copy->durable, &node->durable);
        return;
    case SIM_CUT_DROP:
        content_copy(&copy->now, &node->durable);
        break;
    case SIM_CUT_RANDOM:
        mix_content(&copy->now, &node->durable, &node->now, random);
        break;
    }
    content_copy(&copy->durable, &copy->now);
}

static void copy_entries(struct sim_disk *disk, struct sim_entries *to,
                         const struct sim_entries *from) {
    for (size_t i = 0; i < from->count; i++) {
        entries_set(disk, to, from->entry[i].name, from->entry[i].node->copy);
    }
}

static void copy_directory(struct sim_disk *disk, const struct sim_node *node,
                           enum sim_cut_mode mode, struct sim_random *random) {
    struct sim_node *copy = node->copy;
    copy_entries(disk, &copy->durable_entries, &node->durable_entries);
    for (size_t i = 0; i < node->change_count; i++) {
        const struct sim_change *change = &node->changes[i];
        changes_append(copy, change->set, change->node == NULL ? NULL : change->node->copy,
                       change->clear);
    }
    if (mode == SIM_CUT_KEEP) {
        copy_entries(disk, &copy->entries, &node->entries);
        return;
    }
    /* The journal of a file system keeps the order of a directory's changes. */
    size_t kept = mode == SIM_CUT_DROP ? 0 : (size_t)sim_below(random, node->change_count + 1);
    settle(disk, copy, kept);
    for (size_t i = 0; i < copy->durable_entries.count; i++) {
        const struct sim_entry *entry = &copy->durable_entries.entry[i];
        entries_set(disk, &copy->entries, entry->name, entry->node);
    }
}

/* Frees what nothing names any more. */
static void drop_unnamed(struct sim_disk *disk) {
    struct sim_node **link = &disk->nodes;
    while (*link != NULL) {
        struct sim_node *node = *link;
        if (node->refs == 0 && !node->directory) {
            *link = node->next;
            node_free(node);
        } else {
            link = &node->next;
        }
    }
}

struct sim_disk *sim_disk_survivor(const struct sim_disk *disk, enum sim_cut_mode mode,
                                   struct sim_random *random) {
    struct sim_disk *copy = checked(calloc(1, sizeof *copy));
    for (struct sim_node *node = disk->nodes; node != NULL; node = node->next) {
        node->copy = node_create(copy, node->directory);
        /* Held until all names are known: settling changes may pass by a node's only name. */
        sim_node_ref(node->copy);
    }
    copy->root = disk->root->copy;
    for (const struct sim_node *node = disk->nodes; node != NULL; node = node->next) {
        if (node->directory) {
            copy_directory(copy, node, mode, random);
        } else {
            copy_content(node, mode, random);
        }
    }
    for (struct sim_node *node = disk->nodes; node != NULL; node = node->next) {
        node->copy->refs--;
    }
    sim_node_ref(copy->root);
    drop_unnamed(copy);
    return copy;
}
