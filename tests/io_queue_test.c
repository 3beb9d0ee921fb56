/* Where a single try at a request leads: done, failed, or tried again from where it stopped. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "io_backend.h"

struct bench {
    struct lsm_io *io;
    struct lsm_file file;
    struct lsm_queue queue;
};

static int setup(void **state) {
    static struct bench bench;
    memset(&bench, 0, sizeof bench);
    if (lsm_posix_create(&bench.io) != 0) {
        return -1;
    }
    bench.file.io = bench.io;
    bench.queue.io = bench.io;
    bench.queue.depth = 4;
    *state = &bench;
    return 0;
}

static int teardown(void **state) {
    struct bench *bench = *state;
    lsm_io_destroy(bench->io);
    return 0;
}

static struct lsm_request request_of(struct bench *bench, enum lsm_request_op op) {
    static char bytes[4 * LSM_DIRECT_ALIGN];
    return (struct lsm_request){
        .op = op, .file = &bench->file, .buffer = bytes, .length = sizeof bytes};
}

static void expect_done(struct bench *bench, struct lsm_request *request, int result) {
    assert_ptr_equal(lsm_request_take(&bench->queue.done), request);
    assert_int_equal(request->result, result);
    assert_int_equal(lsm_queue_in_flight(&bench->queue), 0);
}

static void expect_again_from(struct bench *bench, struct lsm_request *request, uint32_t done) {
    assert_ptr_equal(lsm_request_take(&bench->queue.pending), request);
    assert_int_equal(request->done, done);
    assert_int_equal(lsm_queue_in_flight(&bench->queue), 0);
}

static void a_short_transfer_goes_on_where_it_stopped(void **state) {
    struct bench *bench = *state;
    const enum lsm_request_op ops[] = {LSM_REQUEST_READ, LSM_REQUEST_WRITE};
    for (size_t i = 0; i < 2; i++) {
        struct lsm_request request = request_of(bench, ops[i]);
        lsm_request_finish(&bench->queue, &request, 100);
        expect_again_from(bench, &request, 100);
        lsm_request_finish(&bench->queue, &request, 1);
        expect_again_from(bench, &request, 101);
        lsm_request_finish(&bench->queue, &request, request.length - 101);
        expect_done(bench, &request, 0);
    }
    const struct lsm_io_counters *counters = lsm_io_counters(bench->io);
    assert_true(counters->reads == 1 && counters->writes == 1);
    assert_true(counters->read_bytes == 4 * LSM_DIRECT_ALIGN);
}

static void an_interrupted_try_is_repeated_as_it_was(void **state) {
    struct bench *bench = *state;
    const int passing[] = {-EINTR, -EAGAIN};
    for (size_t i = 0; i < 2; i++) {
        struct lsm_request request = request_of(bench, LSM_REQUEST_WRITE);
        lsm_request_finish(&bench->queue, &request, 10);
        expect_again_from(bench, &request, 10);
        lsm_request_finish(&bench->queue, &request, passing[i]);
        expect_again_from(bench, &request, 10);
    }
}

static void no_progress_ends_a_request(void **state) {
    struct bench *bench = *state;
    struct lsm_request request = request_of(bench, LSM_REQUEST_READ);
    lsm_request_finish(&bench->queue, &request, 0);
    expect_done(bench, &request, -ENODATA);
    request = request_of(bench, LSM_REQUEST_WRITE);
    lsm_request_finish(&bench->queue, &request, 0);
    expect_done(bench, &request, -EIO);
}

static void a_failed_sync_is_not_repeated(void **state) {
    struct bench *bench = *state;
    struct lsm_request request = request_of(bench, LSM_REQUEST_SYNC);
    lsm_request_finish(&bench->queue, &request, -ENOSPC);
    expect_done(bench, &request, -ENOSPC);
    request = request_of(bench, LSM_REQUEST_SYNC);
    lsm_request_finish(&bench->queue, &request, 0);
    expect_done(bench, &request, 0);
    assert_true(lsm_io_counters(bench->io)->syncs == 1); /* what failed is not counted */
}

static void direct_transfers_go_on_at_a_block(void **state) {
    struct bench *bench = *state;
    bench->file.direct = true;
    struct lsm_request request = request_of(bench, LSM_REQUEST_WRITE);
    lsm_request_finish(&bench->queue, &request, LSM_DIRECT_ALIGN + 512);
    expect_again_from(bench, &request, LSM_DIRECT_ALIGN);
    lsm_request_finish(&bench->queue, &request, 512); /* not a block further: it would never end */
    expect_done(bench, &request, -EIO);
    request = request_of(bench, LSM_REQUEST_READ);
    lsm_request_finish(&bench->queue, &request, LSM_DIRECT_ALIGN);
    expect_again_from(bench, &request, LSM_DIRECT_ALIGN);
    lsm_request_finish(&bench->queue, &request, 512); /* the file ends within the block */
    expect_done(bench, &request, -ENODATA);
}

static void lists_keep_their_order(void **state) {
    (void)state;
    struct lsm_request requests[3];
    struct lsm_request_list list = {.first = NULL};
    assert_null(lsm_request_take(&list));
    lsm_request_append(&list, &requests[1]);
    lsm_request_append(&list, &requests[2]);
    lsm_request_prepend(&list, &requests[0]);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(list.count, 3 - i);
        assert_ptr_equal(lsm_request_take(&list), &requests[i]);
    }
    lsm_request_prepend(&list, &requests[2]);
    lsm_request_append(&list, &requests[0]);
    assert_ptr_equal(lsm_request_take(&list), &requests[2]);
    assert_ptr_equal(lsm_request_take(&list), &requests[0]);
    assert_null(lsm_request_take(&list));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_short_transfer_goes_on_where_it_stopped, setup, teardown),
        cmocka_unit_test_setup_teardown(an_interrupted_try_is_repeated_as_it_was, setup, teardown),
        cmocka_unit_test_setup_teardown(no_progress_ends_a_request, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failed_sync_is_not_repeated, setup, teardown),
        cmocka_unit_test_setup_teardown(direct_transfers_go_on_at_a_block, setup, teardown),
        cmocka_unit_test(lists_keep_their_order),
    };
    return cmocka_run_group_tests_name("io_queue", tests, NULL, NULL);
}
