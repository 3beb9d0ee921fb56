/* survey.h: what a directory is before anything in it is touched. Threads: any. */
#ifndef LSM_SURVEY_H
#define LSM_SURVEY_H

#include "db.h"

/* 1: a database; 0: absent, empty, or a creation that was cut short; NOT_A_DB: other files, another
 * engine's among them; CORRUPT: tables without a CURRENT. */
LSM_CHECKED int lsm_survey(struct lsm_io *io, const char *path, struct lsm_fault *fault);
LSM_CHECKED int lsm_path_check(const char *path, struct lsm_fault *fault);

#endif
