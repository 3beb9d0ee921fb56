/* memtable_rows_sort.c: puts a memtable's keys in order.
 *
 * They are sorted by their windows, without a look at the keys. Where windows are equal the keys
 * decide: a long row of them gets windows further on, after what its keys share, and is sorted by
 * those; a short one, or one whose windows cannot go further, is sorted by comparing keys. So keys
 * that share much cost a look at each for every 8 bytes that tell them apart, no more. */
#include <stdlib.h>

#include "memtable_node.h"
#include "memtable_rows.h"

enum {
    DIGITS = 8, /* a digit is a byte of the window */
    RADIX = 256,
    SHORT_ROW = 256, /* shorter rows are sorted by comparing: the digits' counts cost more */
};

static struct lsm_entry entry_of(const struct lsm_tree *tree, const struct lsm_row *key) {
    return lsm_item_entry(lsm_item_at(tree, key->item));
}

static int compare(const void *a, const void *b, void *tree) {
    const struct lsm_entry x = entry_of(tree, a), y = entry_of(tree, b);
    return lsm_entry_compare(&x, &y);
}

/* ---- by windows ---- */

/* Moves the keys to where their digit wants them, in the order they are in otherwise; false: all
 * have the same one, nothing was moved. `places` comes with how many have each digit. */
static bool distribute(const struct lsm_row *from, struct lsm_row *to, size_t count, unsigned shift,
                       size_t places[RADIX]) {
    size_t place = 0;
    if (places[from[0].window >> shift & (RADIX - 1)] == count) {
        return false;
    }
    for (unsigned d = 0; d < RADIX; d++) {
        size_t here = places[d];
        places[d] = place;
        place += here;
    }
    LSM_ASSERT(place == count);
    for (size_t i = 0; i < count; i++) {
        to[places[from[i].window >> shift & (RADIX - 1)]++] = from[i];
    }
    return true;
}

/* Stable. */
static void sort_windows(struct lsm_row *keys, struct lsm_row *spare, size_t count) {
    size_t places[DIGITS][RADIX] = {0};
    struct lsm_row *from = keys, *to = spare;
    for (size_t i = 0; i < count; i++) {
        for (unsigned d = 0; d < DIGITS; d++) {
            places[d][keys[i].window >> (8 * d) & (RADIX - 1)]++;
        }
    }
    for (unsigned d = 0; d < DIGITS; d++) {
        if (distribute(from, to, count, 8 * d, places[d])) {
            struct lsm_row *swap = from;
            from = to;
            to = swap;
        }
    }
    if (from != keys) {
        memcpy(keys, from, count * sizeof *keys);
    }
    keys[0].first = true;
    for (size_t i = 1; i < count; i++) {
        keys[i].first = keys[i].window != keys[i - 1].window;
    }
}

/* ---- rows of equal windows ---- */

/* Bytes that all keys of a row begin with, of which the first `from` are known to be. *equal: they
 * are the same key. */
static uint32_t shared_by(const struct lsm_tree *tree, const struct lsm_row *row, size_t count,
                          uint32_t from, bool *equal) {
    const struct lsm_entry first = entry_of(tree, &row[0]);
    uint32_t shared = first.key_size;
    *equal = true;
    for (size_t i = 1; i < count; i++) {
        const struct lsm_entry entry = entry_of(tree, &row[i]);
        uint32_t n = from;
        while (n < shared && n < entry.key_size && entry.key[n] == first.key[n]) {
            n++;
        }
        shared = n < shared ? n : shared;
        *equal = *equal && n == first.key_size && n == entry.key_size;
    }
    return shared;
}

static void reverse(struct lsm_row *row, size_t count) {
    for (size_t i = 0, j = count - 1; i < j; i++, j--) {
        struct lsm_row swap = row[i];
        row[i] = row[j];
        row[j] = swap;
    }
}

/* Puts a row of equal windows in order; false: it was only sorted further. The row's first key is
 * first already. */
static bool settle_row(struct lsm_tree *tree, struct lsm_row *row, struct lsm_row *spare,
                       size_t count) {
    uint32_t skip = row[0].skip;
    bool equal = false;
    uint32_t shared = shared_by(tree, row, count, skip, &equal);
    bool further = count > SHORT_ROW && shared >= skip + sizeof row[0].window;
    if (!equal && further) {
        for (size_t i = 0; i < count; i++) {
            row[i].window = lsm_tree_window(tree, row[i].item, (uint16_t)shared);
            row[i].skip = (uint16_t)shared;
        }
        sort_windows(row, spare, count);
        return false;
    }
    if (equal) {
        reverse(row, count); /* the newest comes first */
    } else {
        qsort_r(row, count, sizeof *row, compare, tree);
    }
    for (size_t i = 0; i < count; i++) {
        row[i].first = true;
    }
    return true;
}

void lsm_rows_sort(struct lsm_tree *tree, struct lsm_row *keys, struct lsm_row *spare,
                   size_t count) {
    LSM_ASSERT(count > 0);
    sort_windows(keys, spare, count);
    /* What may still hold rows. Each time a row is sorted further its windows lie at least 8 bytes
     * further into its keys. */
    size_t from = 0, until = count;
    while (from < until) {
        size_t next_from = until, next_until = from;
        for (size_t i = from, end; i < until; i = end) {
            for (end = i + 1; end < until && !keys[end].first; end++) {
            }
            if (end - i > 1 && !settle_row(tree, keys + i, spare, end - i)) {
                next_from = i < next_from ? i : next_from;
                next_until = end;
            }
        }
        from = next_from;
        until = next_until;
    }
}
