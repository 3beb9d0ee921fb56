#include "memtable_rows.h"

#include <stdlib.h>

#include "check.h"
#include "memtable_node.h"

static uint64_t mapped_bytes(uint64_t count) {
    uint64_t bytes = count * sizeof(struct lsm_row);
    return (bytes + LSM_HUGE_PAGE - 1) / LSM_HUGE_PAGE * LSM_HUGE_PAGE;
}

static bool is_mapped(uint64_t count) {
    return count * sizeof(struct lsm_row) >= LSM_HUGE_PAGE / 2;
}

static struct lsm_row *take(uint64_t count) {
    return is_mapped(count)
               ? (struct lsm_row *)(void *)lsm_pages_map_huge(mapped_bytes(count), true)
               : malloc(count * sizeof(struct lsm_row));
}

static void give(struct lsm_row *rows, uint64_t count) {
    if (rows != NULL && is_mapped(count)) {
        lsm_pages_unmap((uint8_t *)rows, mapped_bytes(count));
    } else {
        free(rows);
    }
}

void lsm_rows_free(struct lsm_rows *rows) {
    give(rows->rows, rows->count);
    *rows = (struct lsm_rows){0};
}

/* What is known of the keys collected so far. */
struct collected {
    size_t count;
    const uint8_t *key; /* of the first one */
    uint16_t shared;    /* bytes that all begin with */
    size_t stale;       /* rows before this one have windows at a larger skip */
};

/* Keeps `shared` what all keys begin with. The windows taken before it shrank are made anew when
 * all keys are known: it may shrink again. */
static void share(struct collected *all, const struct lsm_tree_item *item) {
    if (all->count == 0) {
        all->key = item->key;
        all->shared = item->key_size;
    }
    if (item->key_size >= all->shared && memcmp(all->key, item->key, all->shared) == 0) {
        return;
    }
    uint16_t n = 0;
    while (n < all->shared && n < item->key_size && all->key[n] == item->key[n]) {
        n++;
    }
    all->shared = n;
    all->stale = all->count;
}

static uint32_t collect(const struct lsm_tree *tree, struct collected *all, struct lsm_row *rows,
                        uint32_t ref, uint32_t first, uint64_t count) {
    while (all->count < count) {
        ref = lsm_item_after(tree, ref, first);
        LSM_ASSERT(ref != 0);
        const struct lsm_tree_item *item = lsm_item_at(tree, ref);
        share(all, item);
        rows[all->count++] = (struct lsm_row){
            .window = lsm_key_window(item->key, item->key_size, all->shared),
            .item = ref,
            .skip = all->shared,
        };
    }
    for (size_t i = 0; i < all->stale; i++) {
        rows[i].window = lsm_tree_window(tree, rows[i].item, all->shared);
        rows[i].skip = all->shared;
    }
    return ref;
}

int lsm_rows_make(struct lsm_rows *rows, struct lsm_tree *tree, uint32_t ref, uint32_t first,
                  uint64_t count) {
    LSM_ASSERT(count > 0);
    struct collected all = {0};
    struct lsm_row *made = take(count), *spare = made != NULL ? take(count) : NULL;
    if (spare == NULL) {
        give(made, count);
        return LSM_ERR_MEMORY;
    }
    uint32_t last = collect(tree, &all, made, ref, first, count);
    lsm_rows_sort(tree, made, spare, count);
    give(spare, count);
    *rows = (struct lsm_rows){.rows = made, .count = count, .shared = all.shared, .last = last};
    return 0;
}
