/* Faults carry code and words, and every code has words of its own. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "checksum.h"
#include "status.h"

static void every_error_has_words_of_its_own(void **state) {
    (void)state;
    const char *unknown = lsm_strerror(LSM_ERR_CLOSED - 1);
    for (int code = LSM_ERR_CLOSED; code <= LSM_OK; code++) {
        assert_string_not_equal(lsm_strerror(code), unknown);
        for (int other = LSM_ERR_CLOSED; other < code; other++) {
            assert_string_not_equal(lsm_strerror(code), lsm_strerror(other));
        }
    }
    assert_string_equal(lsm_strerror(1), unknown);
    assert_string_equal(lsm_strerror(-1000000), unknown);
}

static void a_fault_keeps_its_code_and_as_many_words_as_fit(void **state) {
    (void)state;
    struct lsm_fault fault;
    assert_int_equal(lsm_fail(&fault, LSM_ERR_CORRUPT, "%s: block %d", "f", 7), LSM_ERR_CORRUPT);
    assert_int_equal(fault.code, LSM_ERR_CORRUPT);
    assert_string_equal(fault.text, "f: block 7");
    char longer[1000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(lsm_fail(&fault, LSM_ERR_IO, "%s", longer), LSM_ERR_IO);
    assert_int_equal(strlen(fault.text), sizeof fault.text - 1);
}

static void a_fault_may_quote_itself(void **state) {
    (void)state;
    struct lsm_fault fault;
    assert_int_equal(lsm_fail(&fault, LSM_ERR_IO, "disk gone"), LSM_ERR_IO);
    int rc = lsm_fail(&fault, LSM_ERR_READ_ONLY, "read-only since: %s", fault.text);
    assert_int_equal(rc, LSM_ERR_READ_ONLY);
    assert_string_equal(fault.text, "read-only since: disk gone");
}

static void a_full_disk_is_told_from_other_failures(void **state) {
    (void)state;
    struct lsm_fault fault;
    assert_int_equal(lsm_fail_errno(&fault, -ENOSPC, "write", "f"), LSM_ERR_NO_SPACE);
    assert_int_equal(lsm_fail_errno(&fault, -EDQUOT, "write", "f"), LSM_ERR_NO_SPACE);
    assert_int_equal(lsm_fail_errno(&fault, -EIO, "sync", "dir/f"), LSM_ERR_IO);
    assert_string_equal(fault.text, "dir/f: sync: Input/output error");
}

/* Files outlive programs: the value of a checksum is part of every format. */
static void checksums_are_xxh3_and_differ_by_domain(void **state) {
    (void)state;
    assert_true(lsm_checksum(0, "", 0) == UINT64_C(0x2D06800538D394C2));
    assert_true(lsm_checksum(0, NULL, 0) == lsm_checksum(0, "", 0));
    assert_true(lsm_checksum(1, "", 0) == UINT64_C(0xB331F9BC4799E8D7));
    static const unsigned char zeros[4096];
    assert_true(lsm_checksum(0, "abc", 3) == UINT64_C(0x78AF5F94892F3950));
    assert_true(lsm_checksum(0, zeros, sizeof zeros) == UINT64_C(0x93D76FE148C689BA));
    for (size_t size = 0; size <= sizeof zeros; size = size * 3 + 1) {
        for (uint64_t domain = 0; domain < 8; domain++) {
            for (uint64_t other = 0; other < domain; other++) {
                assert_true(lsm_checksum(domain, zeros, size) != lsm_checksum(other, zeros, size));
            }
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_has_words_of_its_own),
        cmocka_unit_test(a_fault_keeps_its_code_and_as_many_words_as_fit),
        cmocka_unit_test(a_fault_may_quote_itself),
        cmocka_unit_test(a_full_disk_is_told_from_other_failures),
        cmocka_unit_test(checksums_are_xxh3_and_differ_by_domain),
    };
    return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
