/* stop.h: Ctrl-C and SIGTERM ask the program to end in good order: a video under way is finished.
 * A second one ends it at once. */
#ifndef OBS_STOP_H
#define OBS_STOP_H

#include <stdbool.h>

/* Also ignores SIGPIPE: a reader that went away is an error of that write. */
void stop_install(void);
bool stop_requested(void);

#endif
