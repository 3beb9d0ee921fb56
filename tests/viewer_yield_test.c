/* viewer_yield_test.c: a viewer's thread goes after the engine, and only that thread does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "scope.h"

struct manners {
    int nice_before;            /* set by the caller: of the thread, before it yields */
    unsigned long slack_before; /* 0: as the process has it */
    int nice, slack;
};

static void *yield(void *argument) {
    struct manners *m = argument;
    (void)setpriority(PRIO_PROCESS, 0, m->nice_before);
    if (m->slack_before > 0) {
        (void)prctl(PR_SET_TIMERSLACK, m->slack_before, 0, 0, 0);
    }
    scope_viewer_yield();
    m->nice = getpriority(PRIO_PROCESS, 0);
    m->slack = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
    return NULL;
}

static void yield_in_thread(struct manners *m) {
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, yield, m), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void a_viewer_is_nice_and_wakes_with_others(void **state) {
    (void)state;
    int own_nice = getpriority(PRIO_PROCESS, 0);
    int own_slack = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
    struct manners m = {.nice_before = own_nice};
    yield_in_thread(&m);
    assert_int_equal(m.nice, own_nice > 10 ? own_nice : 10);
    assert_int_equal(m.slack, own_slack > 2000000 ? own_slack : 2000000);
    assert_int_equal(getpriority(PRIO_PROCESS, 0), own_nice);
    assert_int_equal(prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0), own_slack);
}

static void who_is_nicer_already_stays_so(void **state) {
    (void)state;
    enum { NICER = 19 }; /* the most there is: no thread is refused it */
    struct manners m = {.nice_before = NICER, .slack_before = 7000000};
    yield_in_thread(&m);
    assert_int_equal(m.nice, NICER);
    assert_int_equal(m.slack, 7000000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_viewer_is_nice_and_wakes_with_others),
        cmocka_unit_test(who_is_nicer_already_stays_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
