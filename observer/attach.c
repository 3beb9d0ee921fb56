/* attach.c: see attach.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "attach.h"
#include "obs_check.h"

static double age_s(const struct scope_info *info) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double now_s = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
    double age = now_s - (double)info->start_mono_ns / 1e9;
    return age > 0 ? age : 0;
}

static void age_text(double seconds, char text[32]) {
    if (seconds < 120) {
        snprintf(text, 32, "%.0f s", seconds);
    } else if (seconds < 7200) {
        snprintf(text, 32, "%.0f min", seconds / 60);
    } else {
        snprintf(text, 32, "%.1f h", seconds / 3600);
    }
}

static void choice_fill(struct attach_choice *choice, const struct scope_listing *listing) {
    const struct scope_info *info = &listing->info;
    char age[32];
    age_text(age_s(info), age);
    snprintf(choice->name, sizeof(choice->name), "%.79s", listing->name);
    snprintf(choice->label, sizeof(choice->label), "%.48s  \xC2\xB7  %.20s %.20s  \xC2\xB7  %s%s",
             listing->name, info->engine_name, info->engine_version,
             listing->liveness == SCOPE_STALLED ? "stalled, started " : "running for ", age);
    if (listing->liveness == SCOPE_STALLED) {
        size_t used = strlen(choice->label);
        snprintf(choice->label + used, sizeof(choice->label) - used, " ago");
    }
}

bool attach_find(struct attach_found *found) {
    OBS_ASSERT(found != NULL);
    *found = (struct attach_found){0};
    struct scope_listing *list = NULL;
    size_t count = 0;
    if (scope_list(&list, &count) != SCOPE_OK) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const struct scope_listing *listing = &list[i];
        if (!listing->own) {
            continue;
        }
        if (listing->status != SCOPE_OK) {
            snprintf(found->unreadable, sizeof(found->unreadable), "%.79s", listing->name);
            found->unreadable_status = listing->status;
        } else if (listing->liveness == SCOPE_LIVE || listing->liveness == SCOPE_STALLED) {
            if (found->live_count < VIEW_CHOICES_MAX) {
                choice_fill(&found->live[found->live_count++], listing);
            }
        } else if (found->leftover[0] == '\0') {
            snprintf(found->leftover, sizeof(found->leftover), "%.79s", listing->name);
        }
    }
    free(list);
    return true;
}
