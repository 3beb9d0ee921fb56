/* Counters: each thread has its own, sums never step back, and nothing is left behind. */
#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "counters.h"

static struct lsm_counters *made(void) {
    struct lsm_counters *counters = lsm_counters_create();
    assert_non_null(counters);
    return counters;
}

static void a_thread_keeps_its_slot_for_each_database(void **state) {
    (void)state;
    enum { DATABASES = 30 }; /* more than any cache would hold */
    struct lsm_counters *all[DATABASES];
    struct lsm_counter_slot *slots[DATABASES];
    for (int i = 0; i < DATABASES; i++) {
        all[i] = made();
        slots[i] = lsm_counters_slot(all[i]);
        assert_non_null(slots[i]);
        assert_true((uintptr_t)slots[i] % 128 == 0);
    }
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < DATABASES; i++) {
            assert_ptr_equal(lsm_counters_slot(all[i]), slots[i]);
            lsm_count(slots[i], LSM_C_PUTS, (uint64_t)i);
        }
    }
    for (int i = 0; i < DATABASES; i++) {
        assert_true(lsm_counters_sum(all[i], LSM_C_PUTS) == (uint64_t)i * 3);
        assert_true(lsm_counters_sum(all[i], LSM_C_GETS) == 0);
        lsm_counters_destroy(all[i]);
    }
    lsm_counters_destroy(NULL);
}

struct counting {
    struct lsm_counters *counters;
    struct lsm_counter_slot *slot;
    pthread_barrier_t *barrier;
};

static void *count_1000(void *argument) {
    struct counting *counting = argument;
    for (int i = 0; i < 1000; i++) {
        struct lsm_counter_slot *slot = lsm_counters_slot(counting->counters);
        counting->slot = slot;
        slot->timing_tick[LSM_OP_PUT]++;
        lsm_count(slot, LSM_C_PUTS, 1);
        lsm_count_latency(slot, LSM_OP_PUT, 100, 8);
    }
    if (counting->barrier != NULL) {
        pthread_barrier_wait(counting->barrier);
    }
    return NULL;
}

static void threads_at_the_same_time_have_different_slots_and_lose_nothing(void **state) {
    (void)state;
    enum { THREADS = 8 };
    struct lsm_counters *counters = made();
    pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, NULL, THREADS);
    struct counting counting[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        counting[i] = (struct counting){.counters = counters, .barrier = &barrier};
        assert_int_equal(pthread_create(&threads[i], NULL, count_1000, &counting[i]), 0);
    }
    uint64_t last = 0;
    for (int i = 0; i < 100; i++) {
        uint64_t sum = lsm_counters_sum(counters, LSM_C_PUTS);
        assert_true(sum >= last);
        last = sum;
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        for (int other = 0; other < i; other++) {
            assert_ptr_not_equal(counting[i].slot, counting[other].slot);
        }
    }
    assert_true(lsm_counters_sum(counters, LSM_C_PUTS) == THREADS * 1000);
    struct lsm_latency latency;
    lsm_counters_latency(counters, LSM_OP_PUT, false, &latency);
    assert_true(latency.count[lsm_bucket_of(100)] == THREADS * 8000);
    pthread_barrier_destroy(&barrier);
    lsm_counters_destroy(counters);
}

static void a_slot_is_taken_over_by_the_next_thread_with_its_counts(void **state) {
    (void)state;
    struct lsm_counters *counters = made();
    struct lsm_counter_slot *first = NULL;
    for (uint64_t i = 1; i <= 20; i++) {
        struct counting counting = {.counters = counters};
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, count_1000, &counting), 0);
        pthread_join(thread, NULL);
        first = first == NULL ? counting.slot : first;
        assert_ptr_equal(counting.slot, first);
        assert_true(lsm_counters_sum(counters, LSM_C_PUTS) == i * 1000);
    }
    lsm_counters_destroy(counters);
}

struct outliving {
    struct lsm_counters *counters;
    struct lsm_counters *second;
    pthread_barrier_t counted, destroyed;
};

static void *outlive(void *argument) {
    struct outliving *outliving = argument;
    lsm_count(lsm_counters_slot(outliving->counters), LSM_C_GETS, 1);
    pthread_barrier_wait(&outliving->counted);
    pthread_barrier_wait(&outliving->destroyed);
    /* Perhaps at the same address as what is gone: it must not be taken for it. */
    lsm_count(lsm_counters_slot(outliving->second), LSM_C_GETS, 1);
    return NULL;
}

static void counters_may_go_before_the_threads_that_used_them(void **state) {
    (void)state;
    for (int i = 0; i < 10; i++) {
        struct outliving outliving = {.counters = made()};
        pthread_barrier_init(&outliving.counted, NULL, 2);
        pthread_barrier_init(&outliving.destroyed, NULL, 2);
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, outlive, &outliving), 0);
        pthread_barrier_wait(&outliving.counted);
        assert_true(lsm_counters_sum(outliving.counters, LSM_C_GETS) == 1);
        lsm_counters_destroy(outliving.counters);
        outliving.second = made();
        pthread_barrier_wait(&outliving.destroyed);
        pthread_join(thread, NULL);
        assert_true(lsm_counters_sum(outliving.second, LSM_C_GETS) == 1);
        lsm_counters_destroy(outliving.second);
        pthread_barrier_destroy(&outliving.counted);
        pthread_barrier_destroy(&outliving.destroyed);
    }
}

static pthread_key_t late_key;
static void count_late(void *argument) {
    struct lsm_counter_slot *slot = lsm_counters_slot(argument);
    /* Not the one given back, which may be another thread's by now. */
    lsm_count(slot, LSM_C_DELETES, atomic_load(&slot->taken) ? 1 : 1000);
}
static void *arm_late(void *argument) {
    lsm_count(lsm_counters_slot(argument), LSM_C_DELETES, 1);
    pthread_setspecific(late_key, argument);
    return NULL;
}

static void a_thread_may_still_count_while_it_ends(void **state) {
    (void)state;
    struct lsm_counters *counters = made();
    /* Made after the counters' own key, so that its destructor runs after theirs. */
    assert_int_equal(pthread_key_create(&late_key, count_late), 0);
    for (int i = 0; i < 3; i++) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, arm_late, counters), 0);
        pthread_join(thread, NULL);
    }
    assert_true(lsm_counters_sum(counters, LSM_C_DELETES) == 6);
    pthread_key_delete(late_key);
    lsm_counters_destroy(counters);
}

static void the_maximum_is_of_the_time_since_it_was_last_reset(void **state) {
    (void)state;
    struct lsm_counters *counters = made();
    struct lsm_counter_slot *slot = lsm_counters_slot(counters);
    lsm_count_latency(slot, LSM_OP_GET, 5000, 1);
    lsm_count_latency(slot, LSM_OP_GET, 3000, 8);
    struct lsm_latency latency;
    lsm_counters_latency(counters, LSM_OP_GET, false, &latency);
    assert_true(latency.max_ns == 5000);
    lsm_counters_latency(counters, LSM_OP_GET, true, &latency);
    assert_true(latency.max_ns == 5000);
    lsm_count_latency(slot, LSM_OP_GET, 200, 1);
    lsm_counters_latency(counters, LSM_OP_GET, true, &latency);
    assert_true(latency.max_ns == 200);
    assert_true(latency.count[lsm_bucket_of(3000)] == 8);
    assert_true(latency.count[lsm_bucket_of(5000)] == 1);
    lsm_counters_latency(counters, LSM_OP_PUT, true, &latency);
    assert_true(latency.max_ns == 0);
    lsm_counters_destroy(counters);
}

/* ---- a fork in the middle ---- */

static _Atomic bool hold_allocation, held, forking, forked;

/* Stands before the C library's: the counters make a slot under their lock. */
void *aligned_alloc(size_t alignment, size_t size) {
    void *(*real)(size_t, size_t);
    *(void **)&real = dlsym(RTLD_NEXT, "aligned_alloc");
    if (atomic_exchange(&hold_allocation, false)) {
        atomic_store(&held, true);
        while (!atomic_load(&forking)) {
            (void)usleep(1000);
        }
        (void)usleep(50 * 1000); /* the fork goes on, if nothing keeps it */
    }
    return real(alignment, size);
}

/* Registered after the counters' own, and so called before them. */
static void fork_begins(void) {
    atomic_store(&forking, true);
}

static void *take_a_slot(void *counters) {
    atomic_store(&hold_allocation, true);
    struct lsm_counter_slot *slot = lsm_counters_slot(counters);
    while (!atomic_load(&forked)) { /* one that has ended would be missed in the child */
        (void)usleep(1000);
    }
    return slot;
}

static int count_in_child(void) {
    (void)alarm(20); /* rather than to wait for ever */
    struct lsm_counters *counters = lsm_counters_create();
    if (counters == NULL) {
        return 1;
    }
    lsm_count(lsm_counters_slot(counters), LSM_C_PUTS, 3);
    int rc = lsm_counters_sum(counters, LSM_C_PUTS) == 3 ? 0 : 2;
    lsm_counters_destroy(counters);
    return rc;
}

static void a_child_forked_while_a_slot_is_taken_may_count(void **state) {
    (void)state;
    pthread_t thread;
    int status = 0;
    struct lsm_counters *counters = made();
    assert_int_equal(pthread_atfork(fork_begins, NULL, NULL), 0);
    assert_int_equal(pthread_create(&thread, NULL, take_a_slot, counters), 0);
    while (!atomic_load(&held)) {
        (void)usleep(1000);
    }
    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(count_in_child());
    }
    atomic_store(&forked, true);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(pthread_join(thread, NULL), 0);
    lsm_counters_destroy(counters);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_keeps_its_slot_for_each_database),
        cmocka_unit_test(threads_at_the_same_time_have_different_slots_and_lose_nothing),
        cmocka_unit_test(a_slot_is_taken_over_by_the_next_thread_with_its_counts),
        cmocka_unit_test(counters_may_go_before_the_threads_that_used_them),
        cmocka_unit_test(a_thread_may_still_count_while_it_ends),
        cmocka_unit_test(the_maximum_is_of_the_time_since_it_was_last_reset),
        cmocka_unit_test(a_child_forked_while_a_slot_is_taken_may_count),
    };
    return cmocka_run_group_tests_name("counters", tests, NULL, NULL);
}
