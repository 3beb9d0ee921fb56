#include "page_pool.h"

#include <assert.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

#include "check.h"

struct lsm_page_pool {
    pthread_mutex_t mutex;
    struct lsm_page *free_pages; /* mutex */
    uint64_t kept, keep;         /* pages; kept: mutex */
    uint64_t lent;               /* pages out; mutex */
    struct lsm_page *sliced;     /* lent to slices, of which some are taken; mutex */
};

/* Each look into a memtable is a page that no TLB knows, unless pages are huge. Where
 * memtables hold less than some pages, huge ones would cost more memory than they do, and pages
 * stay small. */
static bool is_huge(const struct lsm_page_pool *pool) {
    enum { HUGE_FROM_PAGES = 4 };
    return pool == NULL || pool->keep >= HUGE_FROM_PAGES;
}

struct lsm_page_pool *lsm_page_pool_create(uint64_t keep_bytes) {
    struct lsm_page_pool *pool = calloc(1, sizeof *pool);
    if (pool != NULL) {
        pthread_mutex_init(&pool->mutex, NULL);
        pool->keep = keep_bytes / LSM_HUGE_PAGE;
    }
    return pool;
}

static void destroy_page(struct lsm_page *page) {
    lsm_pages_unmap(page->bytes, LSM_HUGE_PAGE);
    free(page);
}

void lsm_page_pool_destroy(struct lsm_page_pool *pool) {
    if (pool == NULL) {
        return;
    }
    LSM_ASSERT(pool->lent == 0);
    while (pool->free_pages != NULL) {
        struct lsm_page *page = pool->free_pages;
        pool->free_pages = page->next;
        destroy_page(page);
    }
    pthread_mutex_destroy(&pool->mutex);
    free(pool);
}

static struct lsm_page *make_page(bool huge) {
    struct lsm_page *page = malloc(sizeof *page);
    uint8_t *bytes = page != NULL ? lsm_pages_map_huge(LSM_HUGE_PAGE, huge) : NULL;
    if (bytes == NULL) {
        free(page);
        return NULL;
    }
    *page = (struct lsm_page){.bytes = bytes};
    return page;
}

struct lsm_page *lsm_page_take(struct lsm_page_pool *pool) {
    if (pool == NULL) {
        return make_page(true);
    }
    pthread_mutex_lock(&pool->mutex);
    struct lsm_page *page = pool->free_pages;
    if (page != NULL) {
        pool->free_pages = page->next;
        pool->kept--;
    }
    pool->lent++;
    pthread_mutex_unlock(&pool->mutex);
    if (page != NULL) {
        page->next = NULL;
        return page;
    }
    page = make_page(is_huge(pool));
    if (page == NULL) {
        pthread_mutex_lock(&pool->mutex);
        pool->lent--;
        pthread_mutex_unlock(&pool->mutex);
    }
    return page;
}

void lsm_page_give(struct lsm_page_pool *pool, struct lsm_page *page) {
    if (pool == NULL) {
        destroy_page(page);
        return;
    }
    pthread_mutex_lock(&pool->mutex);
    LSM_ASSERT(pool->lent > 0);
    pool->lent--;
    bool keep = pool->kept < pool->keep;
    if (keep) {
        page->next = pool->free_pages;
        pool->free_pages = page;
        pool->kept++;
    }
    pthread_mutex_unlock(&pool->mutex);
    if (!keep) {
        destroy_page(page);
    }
}

void lsm_page_give_all(struct lsm_page_pool *pool, struct lsm_page *pages) {
    while (pages != NULL) {
        struct lsm_page *next = pages->next;
        lsm_page_give(pool, pages);
        pages = next;
    }
}

/* ---- slices ---- */

static_assert(LSM_PAGE_SLICES < 32, "a bit each");

static uint32_t mask_of(uint32_t count) {
    LSM_ASSERT(count >= 1 && count <= LSM_PAGE_SLICES);
    return (1u << count) - 1;
}

/* Out of a page that is sliced already; NULL: there is no room. REQUIRES: mutex held. */
static uint8_t *find_slices(struct lsm_page_pool *pool, uint32_t count) {
    for (struct lsm_page *page = pool->sliced; page != NULL; page = page->next) {
        for (uint32_t i = 0; i + count <= LSM_PAGE_SLICES; i++) {
            uint32_t wanted = mask_of(count) << i;
            if ((page->slices & wanted) == wanted) {
                page->slices &= ~wanted;
                return page->bytes + (size_t)i * LSM_SLICE;
            }
        }
    }
    return NULL;
}

uint8_t *lsm_slices_take(struct lsm_page_pool *pool, uint32_t count) {
    pthread_mutex_lock(&pool->mutex);
    uint8_t *slices = find_slices(pool, count);
    pthread_mutex_unlock(&pool->mutex);
    if (slices != NULL) {
        return slices;
    }
    struct lsm_page *page = lsm_page_take(pool);
    if (page == NULL) {
        return NULL;
    }
    page->slices = mask_of(LSM_PAGE_SLICES) & ~mask_of(count);
    pthread_mutex_lock(&pool->mutex);
    page->next = pool->sliced;
    pool->sliced = page;
    pthread_mutex_unlock(&pool->mutex);
    return page->bytes;
}

void lsm_slices_give(struct lsm_page_pool *pool, uint8_t *slices, uint32_t count) {
    pthread_mutex_lock(&pool->mutex);
    struct lsm_page **link = &pool->sliced;
    uint8_t *bytes = slices - (uintptr_t)slices % LSM_HUGE_PAGE;
    while (*link != NULL && (*link)->bytes != bytes) {
        link = &(*link)->next;
    }
    struct lsm_page *page = *link;
    LSM_ASSERT(page != NULL && (slices - bytes) % LSM_SLICE == 0);
    uint32_t given = mask_of(count) << (slices - bytes) / LSM_SLICE;
    LSM_ASSERT((page->slices & given) == 0);
    page->slices |= given;
    bool whole = page->slices == mask_of(LSM_PAGE_SLICES);
    if (whole) {
        *link = page->next;
    }
    pthread_mutex_unlock(&pool->mutex);
    if (whole) {
        lsm_page_give(pool, page);
    }
}

uint64_t lsm_page_pool_kept(struct lsm_page_pool *pool) {
    pthread_mutex_lock(&pool->mutex);
    uint64_t kept = pool->kept;
    pthread_mutex_unlock(&pool->mutex);
    return kept;
}
