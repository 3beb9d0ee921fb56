#include "pages.h"

#include <stddef.h>
#include <sys/mman.h>

#include "check.h"

uint8_t *lsm_pages_map(uint64_t size) {
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p != MAP_FAILED ? p : NULL;
}

void lsm_pages_unmap(uint8_t *bytes, uint64_t size) {
    int rc = munmap(bytes, size);
    LSM_ASSERT(rc == 0);
}

/* Maps a huge page too much and gives back what lies before and behind the aligned part. */
static uint8_t *map_and_cut(uint64_t size) {
    uint8_t *bytes = lsm_pages_map(size + LSM_HUGE_PAGE);
    if (bytes == NULL) {
        return NULL;
    }
    uint64_t before = (LSM_HUGE_PAGE - (uintptr_t)bytes % LSM_HUGE_PAGE) % LSM_HUGE_PAGE;
    if (before > 0) {
        lsm_pages_unmap(bytes, before);
    }
    lsm_pages_unmap(bytes + before + size, LSM_HUGE_PAGE - before);
    return bytes + before;
}

/* Recent kernels (seen: 6.18) align what is as large as huge pages of themselves. */
uint8_t *lsm_pages_map_huge(uint64_t size, bool advise) {
    LSM_ASSERT(size > 0 && size % LSM_HUGE_PAGE == 0);
    uint8_t *bytes = lsm_pages_map(size);
    if (bytes != NULL && (uintptr_t)bytes % LSM_HUGE_PAGE != 0) {
        lsm_pages_unmap(bytes, size);
        bytes = map_and_cut(size);
    }
    if (bytes != NULL && advise) {
        (void)madvise(bytes, size, MADV_HUGEPAGE);
    }
    return bytes;
}
