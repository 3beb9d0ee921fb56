/* x_error.h: an X error that is none.
 *
 * While SDL waits for events it sends, by a second connection, a message to its own window for each
 * event that comes. When the event is the one that closes the window, the server may get the
 * message after the window is gone, and Xlib ends the process for it, with exit status 1.
 *
 * Threads:    the one that has the window. Where X is not used nothing happens. */
#ifndef X_ERROR_H
#define X_ERROR_H

/* Messages to windows that are gone are let pass from now on; every other error goes on to who
 * handled it before. Called when the window stands: SDL has loaded Xlib then. */
void x_error_let_pass(void);

#endif
