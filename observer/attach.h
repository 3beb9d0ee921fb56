/* attach.h: finding the drivers that run on this machine and deciding which one to watch.
 *
 * Threads:    one thread.
 * Ownership:  what is returned is copied into the caller's structs. */
#ifndef OBS_ATTACH_H
#define OBS_ATTACH_H

#include "scope.h"
#include "view.h"

struct attach_choice {
    char name[80];
    char label[160]; /* "demo  lsm 0.1  running for 12 s  lsm-driver --write-rate ..." */
};

struct attach_found {
    struct attach_choice live[VIEW_CHOICES_MAX];
    int live_count;      /* running or stalled drivers, at most VIEW_CHOICES_MAX */
    char leftover[80];   /* a closed or crashed run that can still be looked at; empty: none */
    char unreadable[80]; /* a segment that is there but cannot be read; empty: none */
    int unreadable_status;
};

/* Looks at every segment of the machine. False when the list could not be had. */
bool attach_find(struct attach_found *found);

#endif
