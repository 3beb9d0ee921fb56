/* codec.c: see codec.h.
 *
 * What saves less than an eighth is stored as it is: unpacking costs every read 1 to 10 us a block,
 * and the block can no longer be read in place. */
#include "codec.h"

#include <lz4.h>
#include <pthread.h>
#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "check.h"
#include "lsm.h"

enum { ZSTD_LEVEL = 3 }; /* zstd's own default */

struct lsm_packer {
    enum lsm_codec codec;
    ZSTD_CCtx *zstd; /* of LSM_CODEC_ZSTD */
    uint8_t *buffer;
    size_t capacity;
};

struct lsm_packer *lsm_packer_create(enum lsm_codec codec) {
    LSM_ASSERT(codec != LSM_CODEC_NONE && lsm_codec_is_known(codec));
    struct lsm_packer *packer = calloc(1, sizeof *packer);
    if (packer == NULL) {
        return NULL;
    }
    packer->codec = codec;
    if (codec == LSM_CODEC_ZSTD) {
        packer->zstd = ZSTD_createCCtx();
        if (packer->zstd == NULL) {
            free(packer);
            return NULL;
        }
    }
    return packer;
}

void lsm_packer_destroy(struct lsm_packer *packer) {
    if (packer != NULL) {
        (void)ZSTD_freeCCtx(packer->zstd);
        free(packer->buffer);
        free(packer);
    }
}

const uint8_t *lsm_pack(struct lsm_packer *packer, const uint8_t *block, size_t size,
                        size_t *packed_size) {
    LSM_ASSERT(size > 0 && size <= LSM_BLOCK_LENGTH_MAX);
    size_t room = size - size / 8; /* more is not worth it */
    if (packer->capacity < room) {
        free(packer->buffer);
        packer->buffer = malloc(room);
        packer->capacity = packer->buffer != NULL ? room : 0;
    }
    if (packer->buffer == NULL) {
        return NULL;
    }
    if (packer->codec == LSM_CODEC_LZ4) {
        int n =
            LZ4_compress_default((const char *)block, (char *)packer->buffer, (int)size, (int)room);
        *packed_size = n > 0 ? (size_t)n : 0;
    } else {
        size_t n = ZSTD_compressCCtx(packer->zstd, packer->buffer, room, block, size, ZSTD_LEVEL);
        *packed_size = ZSTD_isError(n) ? 0 : n;
    }
    return *packed_size > 0 ? packer->buffer : NULL;
}

bool lsm_codec_is_known(unsigned codec) {
    return codec <= LSM_CODEC_ZSTD;
}

/* A context of each thread that has unpacked anything: making one costs more than a block does. */
static pthread_key_t context_key;
static pthread_once_t context_once = PTHREAD_ONCE_INIT;
static bool context_has_key;

static void free_context(void *context) {
    (void)ZSTD_freeDCtx(context);
}

static void make_key(void) {
    context_has_key = pthread_key_create(&context_key, free_context) == 0;
}

static int unpack_zstd(const uint8_t *packed, size_t size, uint8_t *raw, size_t raw_size) {
    (void)pthread_once(&context_once, make_key);
    ZSTD_DCtx *context = context_has_key ? pthread_getspecific(context_key) : NULL;
    bool kept = context != NULL;
    if (context == NULL) {
        context = ZSTD_createDCtx();
        kept = context != NULL && context_has_key && pthread_setspecific(context_key, context) == 0;
    }
    if (context == NULL) {
        return LSM_ERR_MEMORY;
    }
    size_t n = ZSTD_decompressDCtx(context, raw, raw_size, packed, size);
    if (!kept) {
        (void)ZSTD_freeDCtx(context);
    }
    if (ZSTD_getErrorCode(n) == ZSTD_error_memory_allocation) {
        return LSM_ERR_MEMORY;
    }
    return !ZSTD_isError(n) && n == raw_size ? 0 : LSM_ERR_CORRUPT;
}

int lsm_unpack(enum lsm_codec codec, const uint8_t *packed, size_t size, uint8_t *raw,
               size_t raw_size) {
    LSM_ASSERT(codec != LSM_CODEC_NONE && lsm_codec_is_known(codec));
    LSM_ASSERT(size <= LSM_BLOCK_LENGTH_MAX && raw_size <= LSM_BLOCK_LENGTH_MAX);
    if (codec == LSM_CODEC_ZSTD) {
        return unpack_zstd(packed, size, raw, raw_size);
    }
    int n = LZ4_decompress_safe((const char *)packed, (char *)raw, (int)size, (int)raw_size);
    return n >= 0 && (size_t)n == raw_size ? 0 : LSM_ERR_CORRUPT;
}
