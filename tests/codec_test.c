/* Packing and unpacking: what goes in comes out, what does not shrink is left alone, and no bytes
 * at all make unpacking write beyond what it was told to expect. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "codec.h"
#include "table_kit.h"

enum { SIZE_MAX_TRIED = 20000 };

static uint64_t seed;

/* Runs of repeated and of random bytes. */
static void fill(struct kit_rng *rng, uint8_t *bytes, size_t size, unsigned random_percent) {
    for (size_t at = 0; at < size;) {
        size_t run = 1 + (size_t)kit_below(rng, 40);
        bool random = kit_below(rng, 100) < random_percent;
        uint8_t same = (uint8_t)kit_random(rng);
        for (; run > 0 && at < size; run--) {
            bytes[at++] = random ? (uint8_t)kit_random(rng) : same;
        }
    }
}

static void round_trip(enum lsm_codec codec) {
    struct kit_rng rng = {seed + codec};
    struct lsm_packer *packer = lsm_packer_create(codec);
    uint8_t *block = malloc(SIZE_MAX_TRIED), *raw = malloc(SIZE_MAX_TRIED);
    assert_true(packer != NULL && block != NULL && raw != NULL);
    unsigned packed_count = 0;
    for (unsigned i = 0; i < 500; i++) {
        size_t size = 1 + (size_t)kit_below(&rng, SIZE_MAX_TRIED - 1), packed_size;
        fill(&rng, block, size, (unsigned)kit_below(&rng, 101));
        const uint8_t *packed = lsm_pack(packer, block, size, &packed_size);
        if (packed != NULL) {
            packed_count++;
            assert_true(packed_size <= size - size / 8);
            memset(raw, 0, size);
            assert_int_equal(lsm_unpack(codec, packed, packed_size, raw, size), 0);
            assert_memory_equal(raw, block, size);
            assert_true(size < 2 ||
                        lsm_unpack(codec, packed, packed_size, raw, size - 1) == LSM_ERR_CORRUPT);
            assert_int_equal(lsm_unpack(codec, packed, packed_size, raw, size + 1),
                             LSM_ERR_CORRUPT);
        }
    }
    assert_in_range(packed_count, 100, 499);
    fill(&rng, block, 4096, 100);
    size_t unused;
    assert_null(lsm_pack(packer, block, 4096, &unused));
    free(block);
    free(raw);
    lsm_packer_destroy(packer);
}

static void what_is_packed_comes_out_again(void **state) {
    (void)state;
    round_trip(LSM_CODEC_LZ4);
    round_trip(LSM_CODEC_ZSTD);
}

/* The buffer has a guard behind it, and the sanitizers see the rest. */
static void damaged_bytes_never_write_too_much(void **state) {
    (void)state;
    enum { GUARD = 64, SIZE = 3000 };
    struct kit_rng rng = {seed + 9};
    uint8_t block[SIZE], guard[GUARD];
    memset(guard, 0x5a, GUARD);
    for (unsigned i = 0; i < 4000; i++) {
        enum lsm_codec codec = i % 2 == 0 ? LSM_CODEC_LZ4 : LSM_CODEC_ZSTD;
        struct lsm_packer *packer = lsm_packer_create(codec);
        assert_non_null(packer);
        size_t packed_size;
        fill(&rng, block, SIZE, 40);
        const uint8_t *packed = lsm_pack(packer, block, SIZE, &packed_size);
        assert_non_null(packed);
        uint8_t *copy = malloc(packed_size);
        size_t raw_size = 1 + (size_t)kit_below(&rng, 2 * SIZE);
        uint8_t *raw = malloc(raw_size + GUARD);
        assert_true(copy != NULL && raw != NULL);
        memcpy(copy, packed, packed_size);
        for (uint64_t n = kit_below(&rng, 4); n > 0; n--) {
            copy[kit_below(&rng, packed_size)] = (uint8_t)kit_random(&rng);
        }
        memcpy(raw + raw_size, guard, GUARD);
        int rc = lsm_unpack(codec, copy, (size_t)kit_below(&rng, packed_size + 1), raw, raw_size);
        assert_true(rc == 0 || rc == LSM_ERR_CORRUPT);
        assert_memory_equal(raw + raw_size, guard, GUARD);
        free(copy);
        free(raw);
        lsm_packer_destroy(packer);
    }
}

/* ---- without memory ---- */

static _Atomic bool out_of_memory;

/* Stands before the library's own. */
ZSTD_DCtx *ZSTD_createDCtx(void) {
    ZSTD_DCtx *(*real)(void);
    *(void **)&real = dlsym(RTLD_NEXT, "ZSTD_createDCtx");
    return out_of_memory ? NULL : real();
}

struct packed {
    const uint8_t *bytes;
    size_t size;
    int first, second;
};

static void *unpack_twice(void *argument) {
    struct packed *packed = argument;
    uint8_t raw[4096];
    out_of_memory = true;
    packed->first = lsm_unpack(LSM_CODEC_ZSTD, packed->bytes, packed->size, raw, sizeof raw);
    out_of_memory = false;
    packed->second = lsm_unpack(LSM_CODEC_ZSTD, packed->bytes, packed->size, raw, sizeof raw);
    return NULL;
}

/* In a thread of its own, which has no context yet. */
static void lack_of_memory_is_not_damage(void **state) {
    (void)state;
    pthread_t thread;
    uint8_t block[4096] = {0};
    struct packed packed = {.size = 0};
    struct lsm_packer *packer = lsm_packer_create(LSM_CODEC_ZSTD);
    assert_non_null(packer);
    packed.bytes = lsm_pack(packer, block, sizeof block, &packed.size);
    assert_non_null(packed.bytes);
    assert_int_equal(pthread_create(&thread, NULL, unpack_twice, &packed), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(packed.first, LSM_ERR_MEMORY);
    assert_int_equal(packed.second, 0);
    lsm_packer_destroy(packer);
}

static void only_known_codecs_are_known(void **state) {
    (void)state;
    assert_true(lsm_codec_is_known(LSM_CODEC_NONE) && lsm_codec_is_known(LSM_CODEC_LZ4));
    assert_true(lsm_codec_is_known(LSM_CODEC_ZSTD) && !lsm_codec_is_known(LSM_CODEC_ZSTD + 1));
}

int main(int argc, char **argv) {
    (void)argc;
    seed = kit_seed(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_packed_comes_out_again),
        cmocka_unit_test(damaged_bytes_never_write_too_much),
        cmocka_unit_test(lack_of_memory_is_not_damage),
        cmocka_unit_test(only_known_codecs_are_known),
    };
    return cmocka_run_group_tests_name("codec", tests, NULL, NULL);
}
