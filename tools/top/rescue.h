/* rescue.h: whatever ends the program, the terminal is left as it was found.
 *
 * While armed, what is written to stderr is kept back, so that it does not spoil the picture, and
 * told once the terminal is its own again; also when an assertion or a bad pointer ends the
 * program.
 *
 * Threads:    one thread; the handlers use only what is safe in one. */
#ifndef TOP_RESCUE_H
#define TOP_RESCUE_H

/* Catches what kills. Before scope_sigbus_guard: a damaged segment is no disaster. */
void rescue_install(void);
/* Remembers the terminal as it is now. `restore`: what the terminal has to be sent; copied. Called
 * before the screen is opened. */
void rescue_arm(const char *restore);
/* The screen was closed in good order: hands stderr back and tells what was kept back. */
void rescue_disarm(void);
/* Restores the terminal and ends the program at once. Safe in a signal handler. */
_Noreturn void rescue_exit(int status);

#endif
