/* What the seam promises of files and request queues holds on each of its backends. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io_fixture.h"

static void fill(uint8_t *bytes, size_t size, uint64_t salt) {
    uint64_t x = io_seed ^ salt;
    for (size_t i = 0; i < size; i++) {
        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        bytes[i] = (uint8_t)(x >> 56);
    }
}

/* ---- files ---- */

static void what_was_written_is_read_back_at_any_size_and_offset(void **state) {
    const struct io_fixture *f = *state;
    /* Around the chunk of a whole transfer, and beyond what it keeps in flight. */
    static const size_t sizes[] = {0, 1, 4095, 4097, (1 << 20) - 1, (1 << 20) + 1, (9 << 20) + 7};
    uint8_t *written = malloc((9 << 20) + 7);
    uint8_t *got = malloc((9 << 20) + 7);
    assert_true(written != NULL && got != NULL);
    struct lsm_file *file = create(f, "data");
    uint64_t offset = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        fill(written, sizes[i], i);
        must(lsm_file_write(file, offset, written, sizes[i], &io_fault));
        must(lsm_file_sync(file, &io_fault));
        memset(got, 0, sizes[i]);
        must(lsm_file_read(file, offset, got, sizes[i], &io_fault));
        assert_memory_equal(written, got, sizes[i]);
        offset += sizes[i];
        assert_true(size_of(file) == offset);
    }
    lsm_file_close(file);
    free(written);
    free(got);
}

static void a_read_past_the_end_is_corruption_naming_file_and_offset(void **state) {
    const struct io_fixture *f = *state;
    struct lsm_file *file = create(f, "short");
    char bytes[100] = {0};
    must(lsm_file_write(file, 0, bytes, 100, &io_fault));
    assert_int_equal(lsm_file_read(file, 1, bytes, 100, &io_fault), LSM_ERR_CORRUPT);
    assert_int_equal(io_fault.code, LSM_ERR_CORRUPT);
    assert_non_null(strstr(io_fault.text, "/short"));
    assert_non_null(strstr(io_fault.text, "offset 1"));
    assert_int_equal(lsm_file_read(file, 100, bytes, 1, &io_fault), LSM_ERR_CORRUPT);
    assert_int_equal(lsm_file_read(file, UINT64_MAX, bytes, 1, &io_fault), LSM_ERR_CORRUPT);
    assert_int_equal(lsm_file_read(file, INT64_MAX, bytes, 100, &io_fault), LSM_ERR_CORRUPT);
    must(lsm_file_read(file, 100, bytes, 0, &io_fault));
    assert_true(lsm_file_write(file, INT64_MAX, bytes, 100, &io_fault) != 0);
    lsm_file_close(file);
}

static void create_refuses_what_exists_and_open_what_does_not(void **state) {
    const struct io_fixture *f = *state;
    struct lsm_file *file = NULL;
    const char *path = path_of(f, "one");
    assert_int_equal(lsm_file_open(f->io, path, LSM_FILE_READ, &file, &io_fault), LSM_ERR_IO);
    assert_non_null(strstr(io_fault.text, path));
    assert_null(file);
    lsm_file_close(create(f, "one"));
    unsigned again = LSM_FILE_WRITE | LSM_FILE_CREATE;
    assert_int_equal(lsm_file_open(f->io, path, again, &file, &io_fault), LSM_ERR_IO);
    file = open_with(f, "one", LSM_FILE_READ);
    assert_string_equal(lsm_file_path(file), path);
    assert_false(lsm_file_is_direct(file));
    char byte = 0;
    assert_int_equal(lsm_file_write(file, 0, &byte, 1, &io_fault), LSM_ERR_IO);
    lsm_file_close(file);
    lsm_file_close(NULL);
}

static void allocate_extends_with_zeros_and_never_shrinks(void **state) {
    const struct io_fixture *f = *state;
    struct lsm_file *file = create(f, "wal");
    must(lsm_file_write(file, 0, "head", 4, &io_fault));
    must(lsm_file_allocate(file, 100000, &io_fault));
    assert_true(size_of(file) == 100000);
    must(lsm_file_allocate(file, 10, &io_fault));
    assert_true(size_of(file) == 100000);
    static char bytes[100000];
    must(lsm_file_read(file, 0, bytes, sizeof bytes, &io_fault));
    assert_memory_equal(bytes, "head", 4);
    for (size_t i = 4; i < sizeof bytes; i++) {
        assert_int_equal(bytes[i], 0);
    }
    must(lsm_file_truncate(file, 2, &io_fault));
    assert_true(size_of(file) == 2);
    must(lsm_file_truncate(file, 4, &io_fault));
    must(lsm_file_read(file, 0, bytes, 4, &io_fault));
    assert_memory_equal(bytes, "he\0\0", 4);
    assert_true(lsm_file_allocate(file, UINT64_MAX, &io_fault) != 0);
    assert_true(lsm_file_truncate(file, UINT64_MAX, &io_fault) != 0);
    lsm_file_close(file);
}

static void a_mapping_and_reads_see_each_others_bytes(void **state) {
    const struct io_fixture *f = *state;
    struct lsm_file *file = create(f, "mapped");
    uint8_t *map = NULL;
    assert_true(lsm_file_map(file, 8192, LSM_MAP_SMALL, &map, &io_fault) !=
                0); /* the file is shorter */
    must(lsm_file_write(file, 0, "old", 3, &io_fault));
    must(lsm_file_allocate(file, 1 << 20, &io_fault));
    must(lsm_file_map(file, 1 << 20, LSM_MAP_SMALL, &map, &io_fault));
    assert_memory_equal(map, "old", 4);
    memcpy(map + 70000, "new", 3);
    must(lsm_file_sync(file, &io_fault));
    char got[3];
    must(lsm_file_read(file, 70000, got, 3, &io_fault));
    assert_memory_equal(got, "new", 3);
    must(lsm_file_write(file, 5, "xyz", 3, &io_fault));
    assert_memory_equal(map + 5, "xyz", 3);
    lsm_file_unmap(file, map, 1 << 20);
    lsm_file_close(file);
}

static void direct_files_move_whole_blocks_and_see_the_end(void **state) {
    const struct io_fixture *f = *state;
    enum { BYTES = 64 * LSM_DIRECT_ALIGN };
    uint8_t *written = aligned_alloc(LSM_DIRECT_ALIGN, BYTES);
    uint8_t *got = aligned_alloc(LSM_DIRECT_ALIGN, BYTES);
    assert_true(written != NULL && got != NULL);
    fill(written, BYTES, 1);
    struct lsm_file *file =
        open_with(f, "direct", LSM_FILE_READ | LSM_FILE_WRITE | LSM_FILE_CREATE | LSM_FILE_DIRECT);
    must(lsm_file_allocate(file, BYTES, &io_fault));
    must(lsm_file_write(file, 0, written, BYTES, &io_fault));
    must(lsm_file_sync(file, &io_fault));
    must(lsm_file_read(file, 0, got, BYTES, &io_fault));
    assert_memory_equal(written, got, BYTES);
    must(lsm_file_truncate(file, BYTES - 100, &io_fault));
    assert_int_equal(
        lsm_file_read(file, BYTES - LSM_DIRECT_ALIGN, got, LSM_DIRECT_ALIGN, &io_fault),
        LSM_ERR_CORRUPT);
    lsm_file_close(file);
    free(written);
    free(got);
}

/* ---- queues ---- */

static void many_requests_complete_each_once_beyond_the_depth(void **state) {
    const struct io_fixture *f = *state;
    enum { COUNT = 300, BYTES = 512, DEPTH = 8 };
    static uint8_t written[COUNT][BYTES];
    static uint8_t got[COUNT][BYTES];
    static struct lsm_request requests[COUNT];
    struct lsm_file *file = create(f, "many");
    struct lsm_queue *queue = NULL;
    must(lsm_queue_create(f->io, DEPTH, &queue, &io_fault));
    fill(&written[0][0], sizeof written, 2);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < COUNT; i++) {
            requests[i] =
                (struct lsm_request){.op = round == 0 ? LSM_REQUEST_WRITE : LSM_REQUEST_READ,
                                     .file = file,
                                     .offset = i * BYTES,
                                     .buffer = round == 0 ? written[i] : got[i],
                                     .length = BYTES,
                                     .user = &requests[i]};
            lsm_queue_push(queue, &requests[i]);
        }
        assert_int_equal(lsm_queue_in_flight(queue), COUNT);
        unsigned left = COUNT;
        unsigned seen[COUNT] = {0};
        for (unsigned min = 0; left > 0; min = (min + 1) % 5) {
            struct lsm_request *request = lsm_queue_reap(queue, min);
            if (request == NULL) {
                assert_int_equal(min, 0);
                continue;
            }
            assert_int_equal(request->result, 0);
            assert_ptr_equal(request->user, request);
            seen[request - requests]++;
            left--;
            assert_int_equal(lsm_queue_in_flight(queue), left);
        }
        for (size_t i = 0; i < COUNT; i++) {
            assert_int_equal(seen[i], 1);
        }
        assert_null(lsm_queue_reap(queue, 1)); /* nothing is left: it does not wait */
    }
    assert_memory_equal(written, got, sizeof written);
    lsm_queue_destroy(queue);
    lsm_file_close(file);
}

static void requests_fail_on_their_own_with_their_errno(void **state) {
    const struct io_fixture *f = *state;
    struct lsm_file *file = create(f, "mixed");
    must(lsm_file_write(file, 0, "0123456789", 10, &io_fault));
    struct lsm_file *read_only = open_with(f, "mixed", LSM_FILE_READ);
    char bytes[5][16] = {{0}};
    struct lsm_request requests[] = {
        {.op = LSM_REQUEST_READ, .file = file, .buffer = bytes[0], .length = 10},
        {.op = LSM_REQUEST_READ, .file = file, .offset = 5, .buffer = bytes[1], .length = 10},
        {.op = LSM_REQUEST_WRITE, .file = read_only, .buffer = bytes[2], .length = 10},
        {.op = LSM_REQUEST_READ,
         .file = file,
         .offset = UINT64_MAX,
         .buffer = bytes[3],
         .length = 2},
        {.op = LSM_REQUEST_READ, .file = file, .offset = 99, .buffer = bytes[4], .length = 0},
    };
    const int expected[] = {0, -ENODATA, -EBADF, -EINVAL, 0};
    struct lsm_queue *queue = lsm_queue_borrow(f->io);
    for (size_t i = 0; i < 5; i++) {
        lsm_queue_push(queue, &requests[i]);
    }
    for (size_t i = 0; i < 5; i++) {
        const struct lsm_request *request = lsm_queue_reap(queue, 1);
        assert_non_null(request);
        assert_int_equal(request->result, expected[request - requests]);
    }
    lsm_queue_return(f->io, queue);
    assert_memory_equal(bytes[0], "0123456789", 10);
    lsm_file_close(read_only);
    lsm_file_close(file);
}

static void counters_tell_what_was_moved_and_how_deep(void **state) {
    const struct io_fixture *f = *state;
    enum { COUNT = 16, BYTES = 4096 };
    static uint8_t bytes[COUNT][BYTES];
    struct lsm_file *file = create(f, "counted");
    must(lsm_file_write(file, 0, bytes, sizeof bytes, &io_fault));
    must(lsm_file_sync(file, &io_fault));
    const struct lsm_io_counters *c = lsm_io_counters(f->io);
    assert_true(c->writes == 1 && c->write_bytes == sizeof bytes && c->syncs == 1);
    must(lsm_file_sync_here(file, &io_fault));
    assert_true(c->syncs == 2);
    uint64_t submits = c->submits;
    struct lsm_request requests[COUNT];
    struct lsm_queue *queue = lsm_queue_borrow(f->io);
    for (size_t i = 0; i < COUNT; i++) {
        requests[i] = (struct lsm_request){
            .file = file, .offset = i * BYTES, .buffer = bytes[i], .length = BYTES};
        lsm_queue_push(queue, &requests[i]);
    }
    for (size_t i = 0; i < COUNT; i++) {
        assert_non_null(lsm_queue_reap(queue, COUNT - (unsigned)i));
    }
    lsm_queue_return(f->io, queue);
    assert_true(c->reads == COUNT && c->read_bytes == sizeof bytes && c->depth == 0);
    if (f->kind == IO_KIND_POSIX) {
        assert_true(c->depth_max == 1);
    } else {
        assert_true(c->depth_max == COUNT);
        assert_true(f->kind == IO_KIND_SIM ||
                    c->submits == submits + 1); /* one system call for all */
    }
    lsm_file_close(file);
}

struct borrower {
    const struct io_fixture *f;
    struct lsm_file *file;
    unsigned index;
};

static void *borrow_and_read(void *argument) {
    const struct borrower *b = argument;
    for (unsigned round = 0; round < 20; round++) {
        uint32_t expected[2] = {b->index, round};
        uint32_t got[2][2] = {{0}};
        struct lsm_fault own;
        struct lsm_queue *queue = lsm_queue_borrow(b->f->io);
        /* A whole write while a queue is borrowed: its pool is another, so this cannot lock up. */
        if (lsm_file_write(b->file, b->index * 8, expected, 8, &own) != 0) {
            lsm_queue_return(b->f->io, queue);
            return argument;
        }
        struct lsm_request requests[2];
        for (size_t i = 0; i < 2; i++) {
            requests[i] = (struct lsm_request){
                .file = b->file, .offset = b->index * 8, .buffer = got[i], .length = 8};
            lsm_queue_push(queue, &requests[i]);
        }
        const struct lsm_request *first = lsm_queue_reap(queue, 2);
        const struct lsm_request *second = lsm_queue_reap(queue, 1);
        lsm_queue_return(b->f->io, queue);
        if (first == NULL || second == NULL || memcmp(got[0], expected, 8) != 0 ||
            memcmp(got[1], expected, 8) != 0) {
            return argument;
        }
    }
    return NULL;
}

static void more_threads_than_queues_share_the_pool(void **state) {
    const struct io_fixture *f = *state;
    enum { THREADS = 40 };
    struct borrower borrowers[THREADS];
    pthread_t threads[THREADS];
    struct lsm_file *file = create(f, "shared");
    must(lsm_file_allocate(file, THREADS * 8, &io_fault));
    unsigned failed = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        borrowers[i] = (struct borrower){.f = f, .file = file, .index = i};
        must(
            lsm_io_spawn(f->io, "io-test", borrow_and_read, &borrowers[i], &threads[i], &io_fault));
    }
    for (unsigned i = 0; i < THREADS; i++) {
        void *result = NULL;
        pthread_join(threads[i], &result);
        failed += result != NULL ? 1 : 0;
    }
    assert_int_equal(failed, 0);
    lsm_file_close(file);
}

static void sim_has_no_threads(void **state) {
    const struct io_fixture *f = *state;
    pthread_t thread;
    assert_false(lsm_io_has_threads(f->io));
    int rc = lsm_io_spawn(f->io, "none", borrow_and_read, NULL, &thread, &io_fault);
    assert_int_equal(rc, LSM_ERR_UNSUPPORTED);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        CASES_ON_ALL(what_was_written_is_read_back_at_any_size_and_offset),
        CASES_ON_ALL(a_read_past_the_end_is_corruption_naming_file_and_offset),
        CASES_ON_ALL(create_refuses_what_exists_and_open_what_does_not),
        CASES_ON_ALL(allocate_extends_with_zeros_and_never_shrinks),
        CASES_ON_ALL(a_mapping_and_reads_see_each_others_bytes),
        CASES_ON_ALL(direct_files_move_whole_blocks_and_see_the_end),
        CASES_ON_ALL(many_requests_complete_each_once_beyond_the_depth),
        CASES_ON_ALL(requests_fail_on_their_own_with_their_errno),
        CASES_ON_ALL(counters_tell_what_was_moved_and_how_deep),
        CASES_ON_FILES(more_threads_than_queues_share_the_pool),
        CASE_ON(sim_has_no_threads, sim),
    };
    return io_fixture_run("io_test", tests, sizeof tests / sizeof tests[0]);
}
