/* quiet_fork.h: fork() for tests whose child does more than call exec or _exit.
 *
 * The C library hands a child of a threaded process a heap it can use; the sanitizers' heaps hold
 * no lock over a fork, so a thread caught inside malloc or free (one that is just starting, say)
 * would leave the child with a lock that nobody will ever release. */
#ifndef TESTS_QUIET_FORK_H
#define TESTS_QUIET_FORK_H

#include <sys/types.h>

/* Flushes stdio, waits until every other thread of the process sleeps, and forks; result and errno
 * as fork(2). The caller has no thread that never sleeps. */
pid_t quiet_fork(void);

#endif
