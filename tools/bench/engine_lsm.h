/* engine_lsm.h: our own engine behind its adapter, for phases that only it has. */
#ifndef BENCH_ENGINE_LSM_H
#define BENCH_ENGINE_LSM_H

struct lsm_db;

/* Of what bench_engine_lsm.open returned; valid until it is closed. */
struct lsm_db *bench_engine_lsm_db(void *db);

#endif
