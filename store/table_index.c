#include "table_index.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "bytes.h"
#include "check.h"
#include "codec.h"
#include "entry.h"
#include "key_prefix.h"

enum { RECORD = sizeof(struct lsm_index_record) };

/* ---- records and separators, wherever they are ---- */

/* The compiler may not read again, after a check, what was copied for it: a mapping changes. */
static void end_of_copy(void) {
    atomic_signal_fence(memory_order_seq_cst);
}

static struct lsm_index_record copy_record(const struct lsm_index *index, size_t i) {
    struct lsm_index_record record;
    memcpy(&record, index->records + i * RECORD, RECORD);
    end_of_copy();
    return record;
}

/* Separator i, inside the keys whatever its record holds; false: that cannot be. */
static bool find_separator(const struct lsm_index *index, size_t i, const uint8_t **key,
                           size_t *size, uint64_t *seq) {
    const uint8_t *record = index->records + i * RECORD;
    const size_t at = offsetof(struct lsm_index_record, key_end);
    uint64_t begin = i == 0 ? 0 : lsm_load64(record - RECORD + at);
    uint64_t end = lsm_load64(record + at);
    *seq = lsm_load64(record + offsetof(struct lsm_index_record, seq));
    end_of_copy();
    if (begin >= end || end > index->keys_length || end - begin > LSM_KEY_SIZE_MAX) {
        return false;
    }
    *key = index->keys + begin;
    *size = (size_t)(end - begin);
    return true;
}

/* As lsm_index_compare, but the mapping is believed. */
static bool compare(const struct lsm_index *index, size_t i, const uint8_t *key, size_t key_size,
                    uint64_t seq, int *order) {
    const uint8_t *separator;
    size_t size;
    uint64_t own;
    if (!find_separator(index, i, &separator, &size, &own)) {
        return false;
    }
    int c = lsm_key_compare(separator, size, key, key_size);
    *order = c != 0 ? c : (own < seq) - (own > seq);
    return true;
}

/* What was read of bytes[0..length) was no lost page's zeros, nor the zeros that fill the last page
 * of a file that was cut: those no handler hears of, but what is cut has no footer. */
static bool is_good(const struct lsm_index *index, const uint8_t *bytes, uint64_t length) {
    if (index->guard == NULL) {
        return true;
    }
    atomic_thread_fence(memory_order_acquire); /* the bytes were read before the footer */
    return lsm_load64(index->footer) == LSM_TABLE_MAGIC &&
           !lsm_guard_lost(index->guard, bytes, length);
}

/* What holds of a record by itself. */
static bool fits_together(const struct lsm_index_record *record) {
    bool packed = record->codec != LSM_CODEC_NONE;
    return record->length != 0 && record->raw_length >= LSM_BLOCK_LENGTH_MIN &&
           record->raw_length <= LSM_BLOCK_LENGTH_MAX && record->entries != 0 &&
           (packed ? !lsm_codec_is_known(record->codec) || record->length < record->raw_length
                   : record->length == record->raw_length);
}

bool lsm_index_is_whole(const struct lsm_index *index) {
    return is_good(index, index->records, index->count * RECORD) &&
           is_good(index, index->keys, index->keys_length);
}

bool lsm_index_record(const struct lsm_index *index, size_t i, struct lsm_index_record *record) {
    LSM_ASSERT(i < index->count);
    size_t length;
    uint64_t offset = lsm_index_offset(index, i, &length);
    *record = copy_record(index, i);
    return record->offset == offset && record->length == length && fits_together(record) &&
           lsm_codec_is_known(record->codec) &&
           (record->codec != LSM_CODEC_NONE) == lsm_index_is_packed(index, i) &&
           is_good(index, index->records + i * RECORD, RECORD);
}

bool lsm_index_compare(const struct lsm_index *index, size_t i, const uint8_t *key, size_t key_size,
                       uint64_t seq, int *order) {
    LSM_ASSERT(i < index->count);
    return compare(index, i, key, key_size, seq, order) && lsm_index_is_whole(index);
}

/* ---- making ---- */

/* Blocks follow one another from the file's start, separators ascend, nothing points outside.
 * `before` is the record before, zeros for the first. */
static bool check_record(const struct lsm_index *index, size_t i,
                         const struct lsm_index_record *record,
                         const struct lsm_index_record *before, uint64_t blocks_end) {
    uint64_t offset = before->offset + before->length;
    if (record->offset != offset || offset > blocks_end || record->length > blocks_end - offset ||
        !fits_together(record)) {
        return false;
    }
    const uint8_t *key;
    size_t size;
    uint64_t seq;
    int order = -1;
    return find_separator(index, i, &key, &size, &seq) &&
           (i == 0 || compare(index, i - 1, key, size, seq, &order)) && order < 0;
}

/* The whole must be covered: the last block ends where the blocks do, the last key where the keys.
 */
static bool check_records(const struct lsm_index *index, uint64_t blocks_end, size_t *bad) {
    struct lsm_index_record before = {0};
    for (size_t i = 0; i < index->count; i++) {
        struct lsm_index_record record = copy_record(index, i);
        *bad = i;
        if (!check_record(index, i, &record, &before, blocks_end)) {
            return false;
        }
        before = record;
    }
    return before.offset + before.length == blocks_end && before.key_end == index->keys_length;
}

static bool check_codecs(const struct lsm_index *index, size_t *bad) {
    for (size_t i = 0; i < index->count; i++) {
        if (!lsm_codec_is_known(copy_record(index, i).codec)) {
            *bad = i;
            return false;
        }
    }
    return true;
}

/* False: what was found good a moment ago is not any more. The bytes may lie in a mapping, and
 * somebody cuts or writes over the file while it is opened. */
static bool find_key(const struct lsm_index *index, size_t i, const uint8_t **key, size_t *size) {
    uint64_t seq;
    return find_separator(index, i, key, size, &seq);
}

static int make_shared(struct lsm_index *index) {
    size_t first_size, last_size;
    const uint8_t *first, *last;
    if (!find_key(index, 0, &first, &first_size) ||
        !find_key(index, index->count - 1, &last, &last_size)) {
        return LSM_ERR_CORRUPT;
    }
    index->prefix = lsm_common_prefix(first, first_size, last, last_size);
    index->shared = malloc(index->prefix + 1);
    if (index->shared == NULL) {
        return LSM_ERR_MEMORY;
    }
    memcpy(index->shared, first, index->prefix);
    return 0;
}

/* The bytes that windows are made of, and their order. Zeros stand for bytes that are not there, so
 * they count as the lowest of the others. */
static void make_digits(struct lsm_index *index) {
    bool seen[256] = {false};
    for (size_t i = 0; i < index->count; i++) {
        uint64_t window = index->groups[i / LSM_INDEX_GROUP].window[i % LSM_INDEX_GROUP];
        for (unsigned byte = 0; byte < 8; byte++, window >>= 8) {
            seen[window & 0xff] = true;
        }
    }
    seen[0] = false;
    unsigned count = 0;
    for (unsigned byte = 0; byte < 256; byte++) {
        index->rank[byte] = (uint8_t)count; /* of 255 at most */
        count += seen[byte];
    }
    index->base = count > 0 ? count : 1;
}

/* A window as a number. Its digits are at most 255, and the base too: it fits. By halves, which the
 * processor multiplies out side by side. */
static inline uint64_t number_of(const struct lsm_index *index, uint64_t window) {
    const uint8_t *rank = index->rank;
    const uint64_t base = index->base;
    uint64_t half[2];
    for (unsigned i = 0; i < 2; i++, window <<= 32) {
        half[i] = rank[window >> 56];
        half[i] = half[i] * base + rank[window >> 48 & 0xff];
        half[i] = half[i] * base + rank[window >> 40 & 0xff];
        half[i] = half[i] * base + rank[window >> 32 & 0xff];
    }
    return half[0] * (base * base * (base * base)) + half[1];
}

/* Any key with the window of this separator, which is `size` bytes beyond what all share, comes
 * after it: it begins with the same bytes, for zeros that stand for no byte are none of these. */
static bool is_exact(const uint8_t *rest, size_t size, uint64_t seq) {
    return size <= sizeof(uint64_t) && (size == 0 || rest[size - 1] != 0) &&
           seq == LSM_SEPARATOR_SEQ;
}

static inline uint64_t *top_window(const struct lsm_index *index, size_t g) {
    return &index->tops[g / LSM_INDEX_LINE].window[g % LSM_INDEX_LINE];
}
static inline uint64_t *top_number(const struct lsm_index *index, size_t g) {
    return &index->tops[g / LSM_INDEX_LINE].number[g % LSM_INDEX_LINE];
}

/* Block i, which begins at `at`, into its group. False as find_key. */
static bool make_slot(struct lsm_index *index, size_t i, uint64_t at, uint64_t blocks_end) {
    struct lsm_index_record record = copy_record(index, i);
    struct lsm_index_group *group = &index->groups[i / LSM_INDEX_GROUP];
    size_t slot = i % LSM_INDEX_GROUP, size;
    uint64_t seq;
    const uint8_t *key;
    if (record.offset != at || record.length > blocks_end - at ||
        record.length > LSM_BLOCK_LENGTH_MAX || !find_separator(index, i, &key, &size, &seq) ||
        size < index->prefix) {
        return false;
    }
    key += index->prefix;
    size -= index->prefix;
    group->window[slot] = lsm_key_window(key, size);
    group->end[slot] = (uint32_t)(at + record.length - group->begin) |
                       (record.codec != LSM_CODEC_NONE ? LSM_INDEX_PACKED : 0);
    group->exact |= (uint32_t)is_exact(key, size, seq) << slot;
    *top_window(index, i / LSM_INDEX_GROUP) = group->window[slot];
    index->steps[i / LSM_INDEX_GROUP / LSM_INDEX_LINE] = group->window[slot];
    return true;
}

static size_t made_bytes(const struct lsm_index *index) {
    return index->group_count * sizeof *index->groups + index->step_count * sizeof *index->tops +
           (index->step_count * 2 + 1) * sizeof *index->steps;
}

/* Groups, tops and steps, from a pool's pages where they are some: the first touch of fresh small
 * pages is a third of the time that opening a table takes. The first batch of 64 keys after a cold
 * start, six tables of together 282 MB: 7.9 ms, 9.6 where they came from the heap (medians of 16,
 * alternating). */
static bool make_room(struct lsm_index *index) {
    const size_t align = _Alignof(struct lsm_index_group);
    if (!lsm_grown_fit(&index->room, made_bytes(index) + align - 1)) {
        return false;
    }
    uintptr_t begin = (uintptr_t)index->room.data;
    uint8_t *aligned = index->room.data + (align - begin % align) % align;
    index->groups = (struct lsm_index_group *)(void *)aligned;
    index->tops = (struct lsm_index_tops *)(void *)(index->groups + index->group_count);
    index->steps = (uint64_t *)(void *)(index->tops + index->step_count);
    index->begins = index->steps + index->step_count;
    for (size_t g = index->group_count; g < index->step_count * LSM_INDEX_LINE; g++) {
        *top_window(index, g) = UINT64_MAX;
    }
    return true;
}

static void make_scale(struct lsm_index *index) {
    size_t last = index->group_count - 1;
    uint64_t first = *top_number(index, 0), behind = *top_number(index, last);
    index->first_number = first;
    index->groups_per = behind > first ? (double)last / (double)((behind - first) / 2 + 1) : 0;
}

static int make_groups(struct lsm_index *index, uint64_t blocks_end) {
    size_t count = index->count;
    index->group_count = (count + LSM_INDEX_GROUP - 1) / LSM_INDEX_GROUP;
    index->step_count = (index->group_count + LSM_INDEX_LINE - 1) / LSM_INDEX_LINE;
    if (!make_room(index)) {
        return LSM_ERR_MEMORY;
    }
    uint64_t end = 0;
    for (size_t i = 0; i < index->group_count * LSM_INDEX_GROUP; i++) {
        struct lsm_index_group *group = &index->groups[i / LSM_INDEX_GROUP];
        size_t slot = i % LSM_INDEX_GROUP;
        if (slot == 0) {
            group->begin = end;
            if (i / LSM_INDEX_GROUP % LSM_INDEX_LINE == 0) {
                index->begins[i / LSM_INDEX_GROUP / LSM_INDEX_LINE] = end;
            }
            group->exact = 0;
            atomic_init(&group->seen, 0);
        }
        group->window[slot] = UINT64_MAX;
        group->end[slot] = (uint32_t)(end - group->begin);
        if (i < count && !make_slot(index, i, end, blocks_end)) {
            return LSM_ERR_CORRUPT;
        }
        end = group->begin + (group->end[slot] & ~LSM_INDEX_PACKED);
    }
    index->begins[index->step_count] = end;
    make_digits(index);
    for (size_t g = 0; g < index->group_count; g++) {
        *top_number(index, g) = number_of(index, *top_window(index, g));
    }
    make_scale(index);
    return end == blocks_end ? 0 : LSM_ERR_CORRUPT;
}

int lsm_index_make(struct lsm_index *index, uint8_t *records, size_t count, uint8_t *keys,
                   uint64_t keys_length, uint64_t blocks_end, bool owned,
                   struct lsm_page_pool *pool, size_t *bad) {
    LSM_ASSERT(count >= 1 && records != NULL && keys != NULL);
    *index = (struct lsm_index){.records = records,
                                .keys = keys,
                                .count = count,
                                .keys_length = keys_length,
                                .owned = owned,
                                .room = {.pool = pool}};
    *bad = 0;
    int rc = 0;
    if (!check_records(index, blocks_end, bad)) {
        rc = LSM_ERR_CORRUPT;
    } else if (!check_codecs(index, bad)) {
        rc = LSM_ERR_VERSION;
    } else {
        rc = make_shared(index);
    }
    if (rc == 0) {
        rc = make_groups(index, blocks_end);
    }
    if (rc != 0) {
        lsm_index_free(index);
    }
    return rc;
}

static void free_copies(struct lsm_index *index) {
    if (index->owned) {
        free(index->records);
        free(index->keys);
        index->owned = false;
    }
}

void lsm_index_move(struct lsm_index *index, const struct lsm_guard *guard, uint8_t *records,
                    uint8_t *keys, const uint8_t *footer) {
    LSM_ASSERT(index->guard == NULL && guard != NULL);
    free_copies(index);
    index->guard = guard;
    index->records = records;
    index->keys = keys;
    index->footer = footer;
}

void lsm_index_free(struct lsm_index *index) {
    free_copies(index);
    free(index->shared);
    lsm_grown_free(&index->room);
    *index = (struct lsm_index){0};
}

uint64_t lsm_index_bytes(const struct lsm_index *index) {
    uint64_t copies = index->owned ? index->count * RECORD + index->keys_length : 0;
    return copies + index->prefix + made_bytes(index);
}

/* ---- searching ---- */

/* How many of `count` numbers in ascending order, at least one, are below w. Without a branch on
 * the comparisons, which no predictor would learn. */
static inline size_t count_below(const uint64_t *numbers, size_t count, uint64_t w) {
    const uint64_t *base = numbers;
    while (count > 1) {
        size_t half = count / 2;
        base += half & -(size_t)(base[half - 1] < w); /* a mask: the compiler leaves it one */
        count -= half;
    }
    return (size_t)(base - numbers) + (*base < w);
}

static inline size_t count_in_line(const struct lsm_index *index, size_t step, uint64_t w) {
    const uint64_t *line = index->tops[step].window;
    size_t below = 0;
    for (size_t i = 0; i < LSM_INDEX_LINE; i++) {
        below += line[i] < w;
    }
    return below;
}

/* The group that holds the first window at or above w; group_count when there is none. */
static size_t find_group(const struct lsm_index *index, uint64_t w) {
    size_t step = count_below(index->steps, index->step_count, w);
    if (step == index->step_count) {
        return index->group_count;
    }
    return step * LSM_INDEX_LINE + count_in_line(index, step, w);
}

/* The same where keys are spread evenly, by one look at the line of tops where w should be: steps
 * and tops of many tables are in no near cache, and halving waits for one line after the other.
 * Gets over 2 M and 50 M entries take 2 % less, switched every 20 ms in one process. */
static inline size_t guess_group(const struct lsm_index *index, uint64_t w, uint64_t number) {
    size_t g = 0;
    if (number > index->first_number) {
        int64_t past = (int64_t)((number - index->first_number) / 2);
        double group = 1 + (double)past * index->groups_per;
        g = group < (double)(index->group_count - 1) ? (size_t)group : index->group_count - 1;
    }
    size_t step = g / LSM_INDEX_LINE, below = count_in_line(index, step, w);
    if (__builtin_expect(below == LSM_INDEX_LINE ||
                             (below == 0 && step > 0 && w <= index->steps[step - 1]),
                         0)) {
        return find_group(index, w);
    }
    return step * LSM_INDEX_LINE + below;
}

/* First block whose window is at or above w; count when there is none. */
static size_t find_window(const struct lsm_index *index, uint64_t w) {
    size_t g = find_group(index, w);
    if (g == index->group_count) {
        return index->count;
    }
    return g * LSM_INDEX_GROUP + count_below(index->groups[g].window, LSM_INDEX_GROUP, w);
}

static uint64_t window_of(const struct lsm_index *index, size_t i) {
    return index->groups[i / LSM_INDEX_GROUP].window[i % LSM_INDEX_GROUP];
}

/* From block `low`, whose window is the key's own, w: the separators themselves decide. Apart, so
 * that a search by windows alone saves no registers for it. */
static __attribute__((noinline)) size_t find_tied(const struct lsm_index *index, size_t low,
                                                  uint64_t w, const uint8_t *key, size_t key_size,
                                                  uint64_t seq) {
    size_t high = w == UINT64_MAX ? index->count : find_window(index, w + 1);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order;
        if (!compare(index, middle, key, key_size, seq, &order)) {
            return LSM_INDEX_LOST;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return lsm_index_is_whole(index) ? low : LSM_INDEX_LOST;
}

/* The key does not begin as all separators do: it comes before or behind all of them. */
static __attribute__((noinline)) size_t find_apart(const struct lsm_index *index,
                                                   const uint8_t *key, size_t key_size) {
    size_t size = key_size < index->prefix ? key_size : index->prefix;
    return memcmp(key, index->shared, size) <= 0 ? 0 : index->count;
}

void lsm_index_aim(const struct lsm_index *index, const uint8_t *key, size_t key_size,
                   struct lsm_index_aim *aim) {
    size_t prefix = index->prefix;
    aim->apart =
        key_size < prefix || lsm_common_prefix(key, prefix, index->shared, prefix) < prefix;
    if (__builtin_expect(aim->apart, 0)) {
        return;
    }
    aim->window = lsm_key_window(key + prefix, key_size - prefix);
    aim->number = number_of(index, aim->window);
    aim->group = guess_group(index, aim->window, aim->number);
    if (aim->group < index->group_count) {
        const uint8_t *group = (const uint8_t *)&index->groups[aim->group];
        for (size_t line = 0; line < sizeof *index->groups; line += 64) {
            __builtin_prefetch(group + line);
        }
    }
}

size_t lsm_index_likely(const struct lsm_index *index, const struct lsm_index_aim *aim) {
    if (aim->apart || aim->group == index->group_count) {
        return index->count;
    }
    const uint64_t *window = index->groups[aim->group].window;
    return aim->group * LSM_INDEX_GROUP + count_below(window, LSM_INDEX_GROUP, aim->window);
}

size_t lsm_index_find_aimed(const struct lsm_index *index, const struct lsm_index_aim *aim,
                            const uint8_t *key, size_t key_size, uint64_t seq) {
    if (__builtin_expect(aim->apart, 0)) {
        return find_apart(index, key, key_size);
    }
    if (aim->group == index->group_count) {
        return index->count;
    }
    uint64_t w = aim->window;
    const struct lsm_index_group *group = &index->groups[aim->group];
    size_t slot = count_below(group->window, LSM_INDEX_GROUP, w);
    size_t low = aim->group * LSM_INDEX_GROUP + slot;
    if (__builtin_expect(group->window[slot] != w, 1)) {
        return low;
    }
    if (low < index->count && (group->exact >> slot & 1) != 0 &&
        (++low == index->count || window_of(index, low) != w)) {
        return low;
    }
    return find_tied(index, low, w, key, key_size, seq);
}

size_t lsm_index_find(const struct lsm_index *index, const uint8_t *key, size_t key_size,
                      uint64_t seq) {
    struct lsm_index_aim aim;
    lsm_index_aim(index, key, key_size, &aim);
    return lsm_index_find_aimed(index, &aim, key, key_size, seq);
}

/* How far x is from low to high, in 1/65536. */
static inline uint32_t part_of(uint64_t low, uint64_t high, uint64_t x) {
    if (x <= low || high <= x) {
        return x <= low ? 0 : UINT16_MAX;
    }
    /* By halves: a signed number is converted at once, and may not reach beyond. */
    uint64_t past = (x - low) / 2, whole = (high - low) / 2 | 1;
    return (uint32_t)((float)(int64_t)past / (float)(int64_t)whole * UINT16_MAX);
}

uint32_t lsm_index_guess(const struct lsm_index *index, size_t i, const struct lsm_index_aim *aim) {
    if (aim->apart) {
        return 0;
    }
    /* The last window of the group before stands among the tops, in a near cache. */
    uint64_t low = i == 0                     ? 0
                   : i % LSM_INDEX_GROUP == 0 ? *top_number(index, i / LSM_INDEX_GROUP - 1)
                                              : number_of(index, window_of(index, i - 1));
    return part_of(low, number_of(index, window_of(index, i)), aim->number);
}

/* All groups of a line are taken to be of one size. */
uint64_t lsm_index_near(const struct lsm_index *index, const struct lsm_index_aim *aim) {
    size_t g = aim->group;
    if (aim->apart || g == index->group_count) {
        return 0;
    }
    uint64_t low = g > 0 ? *top_number(index, g - 1) : 0;
    uint32_t part = part_of(low, *top_number(index, g), aim->number);
    size_t step = g / LSM_INDEX_LINE;
    uint64_t begin = index->begins[step], bytes = index->begins[step + 1] - begin;
    bytes /=
        step + 1 < index->step_count ? LSM_INDEX_LINE : index->group_count - step * LSM_INDEX_LINE;
    return begin + g % LSM_INDEX_LINE * bytes + bytes * part / 65536;
}
