/* Random operations of every kind against a sorted map that forgets nothing: what the database
 * answers is what the map answers, at any moment that is still readable, in both compaction modes,
 * on every backend, under settings drawn anew for each round. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db.h"
#include "db_fixture.h"

enum { SNAPSHOTS_MAX = 4, KEYS_MAX = 1200, GROUP_MAX = 24, BIG = 160 << 10 };

struct test_key {
    uint8_t *bytes;
    size_t size;
};

struct world {
    struct db_fixture *f;
    struct rng rng;
    struct model model;
    struct test_key keys[KEYS_MAX];
    size_t key_count;
    uint64_t value_max;
    struct lsm_snapshot *snapshots[SNAPSHOTS_MAX];
    uint64_t next_tag;
    uint8_t *scratch; /* one value */
};

/* ---- drawing ---- */

static void draw_options(struct world *w, bool async) {
    struct rng *r = &w->rng;
    struct lsm_options o = lsm_options_default();
    static const uint32_t blocks[] = {512, 1024, 4096, 16384};
    o.async_compaction = async;
    o.memtable_bytes = rng_range(r, 4 << 10, 64 << 10);
    o.memtables_max = (uint32_t)rng_range(r, 2, 4);
    o.table_bytes = rng_range(r, 4 << 10, 64 << 10);
    o.block_bytes = blocks[rng_below(r, 4)];
    o.max_levels = (uint32_t)rng_range(r, 2, 8);
    o.l0_trigger = (uint32_t)rng_range(r, 1, 4);
    o.level_ratio = (uint32_t)rng_range(r, 2, 6);
    o.level1_bytes = rng_chance(r, 50) ? rng_range(r, 8 << 10, 64 << 10) : 0;
    o.bloom_fpr = rng_chance(r, 50) ? 0.01 : 0, o.cache_bytes = rng_chance(r, 30) ? 0 : 1 << 20;
    o.tables_open_max = rng_chance(r, 50) ? 16 : 1000;
    o.background_threads = (uint32_t)rng_range(r, 1, 4);
    o.tombstone_retention_s = rng_chance(r, 50) ? 0 : rng_range(r, 1, 3600);
    o.direct_io = rng_chance(r, 20), o.map_tables = rng_chance(r, 75);
    o.durability = rng_chance(r, 15) ? LSM_BUFFERED : LSM_PROCESS;
    o.compression[rng_below(r, 4)] = (enum lsm_compression)rng_below(r, 3);
    o.policy = (enum lsm_policy)rng_below(r, 3), w->f->options = o;
}

/* Keys of one byte, of a number, with a long prefix in common, of any bytes, and a few of the
 * longest length there is. */
static void draw_keys(struct world *w) {
    struct rng *r = &w->rng;
    uint8_t prefix[300];
    size_t prefix_size = rng_range(r, 0, sizeof prefix);
    value_fill(prefix, rng_next(r), prefix_size);
    w->key_count = rng_range(r, 20, KEYS_MAX);
    unsigned longest = 0;
    for (size_t i = 0; i < w->key_count; i++) {
        uint8_t bytes[512];
        size_t size;
        uint64_t style = rng_below(r, 100);
        if (style < 5) {
            size = 1;
            bytes[0] = (uint8_t)rng_next(r);
        } else if (style < 45) {
            size = (size_t)snprintf((char *)bytes, sizeof bytes, "%08zu", i);
        } else if (style < 80) {
            memcpy(bytes, prefix, prefix_size);
            size = prefix_size + (size_t)snprintf((char *)bytes + prefix_size, 16, "%zu", i);
        } else {
            size = rng_range(r, 1, 40);
            value_fill(bytes, rng_next(r), size);
            bytes[0] = rng_chance(r, 30) ? 0xff : rng_chance(r, 30) ? 0 : bytes[0];
        }
        if (style == 99 && longest < 2) {
            longest++;
            size = LSM_KEY_MAX;
        }
        w->keys[i] = (struct test_key){malloc(size), size};
        assert_non_null(w->keys[i].bytes);
        if (size > sizeof bytes) {
            value_fill(w->keys[i].bytes, rng_next(r), size);
        } else {
            memcpy(w->keys[i].bytes, bytes, size);
        }
    }
}

static const struct test_key *draw_key(struct world *w) {
    /* Half of the choices fall on a tenth of the keys: they gather versions. */
    uint64_t n = rng_chance(&w->rng, 50) ? (w->key_count + 9) / 10 : w->key_count;
    return &w->keys[rng_below(&w->rng, n)];
}

static uint64_t draw_size(struct world *w) {
    uint64_t kind = rng_below(&w->rng, 1000);
    if (kind < 3) {
        return rng_below(&w->rng, BIG);
    }
    return kind < 50 ? rng_below(&w->rng, 5000) : rng_below(&w->rng, w->value_max);
}

static struct lsm_write_options draw_durability(struct world *w) {
    uint64_t kind = rng_below(&w->rng, 200);
    return (struct lsm_write_options){.durability = kind < 8    ? LSM_BUFFERED
                                                    : kind < 40 ? LSM_PROCESS
                                                    : kind < 42 ? LSM_SYNC
                                                                : LSM_DURABILITY_DEFAULT};
}

/* A reader's moment: now, or an open snapshot's. */
static uint64_t draw_moment(struct world *w, struct lsm_read_options *options) {
    struct lsm_snapshot *s = w->snapshots[rng_below(&w->rng, SNAPSHOTS_MAX)];
    if (s == NULL || rng_chance(&w->rng, 50)) {
        options->snapshot = NULL;
        return w->model.last_seq;
    }
    options->snapshot = s;
    return lsm_snapshot_sequence(s);
}

/* ---- writing ---- */

static void do_write(struct world *w) {
    struct lsm_write_options options = draw_durability(w);
    const struct test_key *key = draw_key(w);
    struct model_version v = {.seq = w->model.last_seq + 1,
                              .tombstone = rng_chance(&w->rng, 25),
                              .from_s = db_now_s(w->f)};
    if (v.tombstone) {
        DB_MUST(w->f, lsm_delete(w->f->db, &options, key->bytes, key->size));
    } else {
        v.tag = w->next_tag++;
        v.size = draw_size(w);
        value_fill(w->scratch, v.tag, v.size);
        DB_MUST(w->f, lsm_put(w->f->db, &options, key->bytes, key->size, w->scratch, v.size));
    }
    v.until_s = db_now_s(w->f);
    model_add(&w->model, key->bytes, key->size, &v);
}

static void do_batch(struct world *w) {
    struct lsm_write_options options = draw_durability(w);
    struct lsm_batch *batch = NULL;
    const struct test_key *keys[GROUP_MAX];
    struct model_version versions[GROUP_MAX];
    size_t count = rng_range(&w->rng, 1, GROUP_MAX);
    assert_int_equal(lsm_batch_create(&batch), 0);
    for (size_t i = 0; i < count; i++) {
        keys[i] = draw_key(w);
        versions[i] = (struct model_version){.seq = w->model.last_seq + 1 + i,
                                             .tombstone = rng_chance(&w->rng, 30),
                                             .from_s = db_now_s(w->f)};
        if (versions[i].tombstone) {
            assert_int_equal(lsm_batch_delete(batch, keys[i]->bytes, keys[i]->size), 0);
        } else {
            versions[i].tag = w->next_tag++;
            versions[i].size = draw_size(w) / 4;
            value_fill(w->scratch, versions[i].tag, versions[i].size);
            assert_int_equal(
                lsm_batch_put(batch, keys[i]->bytes, keys[i]->size, w->scratch, versions[i].size),
                0);
        }
    }
    DB_MUST(w->f, lsm_write(w->f->db, &options, batch));
    for (size_t i = 0; i < count; i++) {
        versions[i].until_s = db_now_s(w->f);
        model_add(&w->model, keys[i]->bytes, keys[i]->size, &versions[i]);
    }
    lsm_batch_destroy(batch);
}

/* ---- reading ---- */

static void check_value(const struct world *w, int rc, const struct lsm_value *value,
                        const struct model_version *v, uint64_t seq, const char *what) {
    (void)w;
    if (v == NULL || v->tombstone) {
        DB_CHECK(rc == LSM_NOT_FOUND, "%s at %" PRIu64 ": %d (%s), but there is no value", what,
                 seq, rc, lsm_strerror(rc));
        return;
    }
    DB_CHECK(rc == 0, "%s at %" PRIu64 ": %s, but version %" PRIu64 " was written", what, seq,
             lsm_strerror(rc), v->seq);
    DB_CHECK(value_is(value->data, value->size, v),
             "%s at %" PRIu64 ": not the value of version %" PRIu64 " (%zu bytes for %" PRIu64 ")",
             what, seq, v->seq, value->size, v->size);
}

static void do_get(struct world *w) {
    struct lsm_read_options options = {.skip_cache_fill = rng_chance(&w->rng, 10)};
    uint64_t seq = draw_moment(w, &options);
    const struct test_key *key = draw_key(w);
    struct lsm_value value = {0};
    int rc = lsm_get(w->f->db, &options, key->bytes, key->size, &value);
    check_value(w, rc, &value, model_find(&w->model, key->bytes, key->size, seq), seq, "get");
    lsm_value_release(&value);
}

/* A delete must still be known while it is younger than the retention, or a snapshot before it is
 * open. */
static bool must_be_known(const struct world *w, const struct model_version *v) {
    for (size_t i = 0; i < SNAPSHOTS_MAX; i++) {
        if (w->snapshots[i] != NULL && lsm_snapshot_sequence(w->snapshots[i]) < v->seq) {
            return true;
        }
    }
    return db_now_s(w->f) < v->from_s + w->f->options.tombstone_retention_s;
}

static void do_get_meta(struct world *w) {
    struct lsm_read_options options = {0};
    uint64_t seq = draw_moment(w, &options);
    const struct test_key *key = draw_key(w);
    struct lsm_meta meta;
    const struct model_version *v = model_find(&w->model, key->bytes, key->size, seq);
    bool forgettable = v == NULL || (v->tombstone && !must_be_known(w, v));
    int rc = lsm_get_meta(w->f->db, &options, key->bytes, key->size, &meta);
    if (rc == LSM_NOT_FOUND) {
        DB_CHECK(forgettable, "get_meta at %" PRIu64 ": version %" PRIu64 "%s was forgotten", seq,
                 v->seq, v->tombstone ? " (a delete)" : "");
        return;
    }
    DB_MUST(w->f, rc);
    DB_CHECK(v != NULL, "get_meta at %" PRIu64 " knows of a key never written", seq);
    DB_CHECK(meta.sequence == v->seq && meta.tombstone == v->tombstone,
             "get_meta at %" PRIu64 ": version %" PRIu64 " for %" PRIu64, seq, meta.sequence,
             v->seq);
    DB_CHECK(meta.write_time_s + 1 >= v->from_s && meta.write_time_s <= v->until_s + 1,
             "written at %" PRIu64 " to %" PRIu64 ", said to be %" PRIu64, v->from_s, v->until_s,
             meta.write_time_s);
    if (!v->tombstone) {
        check_value(w, 0, &meta.value, v, seq, "get_meta");
    }
    lsm_value_release(&meta.value);
}

static void do_multi_get(struct world *w) {
    struct lsm_read_options options = {0};
    uint64_t seq = draw_moment(w, &options);
    struct lsm_key keys[GROUP_MAX];
    struct lsm_value values[GROUP_MAX];
    int status[GROUP_MAX];
    size_t count = rng_below(&w->rng, GROUP_MAX + 1);
    for (size_t i = 0; i < count; i++) {
        const struct test_key *key = draw_key(w);
        keys[i] = (struct lsm_key){key->bytes, key->size};
    }
    DB_MUST(w->f, lsm_multi_get(w->f->db, &options, keys, count, values, status));
    for (size_t i = 0; i < count; i++) {
        check_value(w, status[i], &values[i],
                    model_find(&w->model, keys[i].data, keys[i].size, seq), seq, "multi_get");
        if (status[i] == 0) {
            lsm_value_release(&values[i]);
        }
    }
}

/* ---- iterating ---- */

struct walk {
    struct world *w;
    struct lsm_iter *iter;
    uint64_t seq;
    long low, high; /* indexes into the model: low included, high not */
};

static long within(const struct walk *walk, long index) {
    return index >= walk->low && index < walk->high ? index : -1;
}

static void check_stand(const struct walk *walk, long expected, const char *after) {
    const struct model *model = &walk->w->model;
    bool valid = lsm_iter_valid(walk->iter);
    DB_CHECK(lsm_iter_status(walk->iter) == 0, "after %s: status %s", after,
             lsm_strerror(lsm_iter_status(walk->iter)));
    DB_CHECK(valid == (expected >= 0), "after %s at %" PRIu64 ": %s, the model says %s", after,
             walk->seq, valid ? "on a key" : "at an end", expected >= 0 ? "a key" : "an end");
    if (!valid) {
        return;
    }
    const struct model_key *k = &model->keys[expected];
    struct lsm_key key = lsm_iter_key(walk->iter), value = lsm_iter_value(walk->iter);
    DB_CHECK(key.size == k->size && memcmp(key.data, k->key, k->size) == 0,
             "after %s at %" PRIu64 ": on another key than the model's (%zu and %zu bytes)", after,
             walk->seq, key.size, k->size);
    DB_CHECK(value_is(value.data, value.size, model_at(k, walk->seq)),
             "after %s at %" PRIu64 ": another value than the model's", after, walk->seq);
}

static long step(const struct walk *walk, long at, bool forward) {
    const struct model *m = &walk->w->model;
    return within(walk, forward ? model_next_live(m, at + 1, walk->seq)
                                : model_prev_live(m, at - 1, walk->seq));
}

static long seek_somewhere(const struct walk *walk) {
    const struct model *m = &walk->w->model;
    const struct test_key *key = draw_key(walk->w);
    long bound = (long)model_lower_bound(m, key->bytes, key->size);
    bool there = bound < (long)m->count && m->keys[bound].size == key->size &&
                 memcmp(m->keys[bound].key, key->bytes, key->size) == 0;
    long at;
    switch (rng_below(&walk->w->rng, 4)) {
    case 0:
        lsm_iter_first(walk->iter);
        at = within(walk, model_next_live(m, walk->low, walk->seq));
        check_stand(walk, at, "first");
        break;
    case 1:
        lsm_iter_last(walk->iter);
        at = within(walk, model_prev_live(m, walk->high - 1, walk->seq));
        check_stand(walk, at, "last");
        break;
    case 2:
        lsm_iter_seek(walk->iter, key->bytes, key->size);
        at = within(walk, model_next_live(m, bound > walk->low ? bound : walk->low, walk->seq));
        check_stand(walk, at, "seek");
        break;
    default:
        lsm_iter_seek_for_prev(walk->iter, key->bytes, key->size);
        bound = there ? bound : bound - 1;
        at = within(walk,
                    model_prev_live(m, bound < walk->high - 1 ? bound : walk->high - 1, walk->seq));
        check_stand(walk, at, "seek_for_prev");
        break;
    }
    return at;
}

/* Whole: one end to the other and back. Else: seeks, steps, turns. */
static void walk_about(const struct walk *walk, bool whole) {
    const struct model *m = &walk->w->model;
    for (int back = 0; whole && back < 2; back++) {
        back ? lsm_iter_last(walk->iter) : lsm_iter_first(walk->iter);
        long at = within(walk, back ? model_prev_live(m, walk->high - 1, walk->seq)
                                    : model_next_live(m, walk->low, walk->seq));
        check_stand(walk, at, back ? "last" : "first");
        while (at >= 0) {
            back ? lsm_iter_prev(walk->iter) : lsm_iter_next(walk->iter);
            at = step(walk, at, !back);
            check_stand(walk, at, back ? "prev" : "next");
        }
    }
    if (whole) {
        return;
    }
    for (uint64_t seeks = rng_range(&walk->w->rng, 1, 4); seeks > 0; seeks--) {
        long at = seek_somewhere(walk);
        bool forward = rng_chance(&walk->w->rng, 50);
        for (uint64_t n = rng_below(&walk->w->rng, 30); n > 0 && at >= 0; n--) {
            forward = rng_chance(&walk->w->rng, 25) ? !forward : forward;
            if (forward) {
                lsm_iter_next(walk->iter);
            } else {
                lsm_iter_prev(walk->iter);
            }
            at = step(walk, at, forward);
            check_stand(walk, at, forward ? "next" : "prev");
        }
    }
}

static void do_iterate(struct world *w, const struct lsm_snapshot *snapshot, bool whole) {
    struct lsm_read_options options = {.snapshot = snapshot};
    struct walk walk = {.w = w, .high = (long)w->model.count};
    walk.seq = snapshot != NULL ? lsm_snapshot_sequence(snapshot) : w->model.last_seq;
    if (!whole) {
        walk.seq = draw_moment(w, &options);
        options.skip_cache_fill = rng_chance(&w->rng, 50);
        const struct test_key *lower = draw_key(w), *upper = draw_key(w);
        if (rng_chance(&w->rng, 40)) {
            options.lower = lower->bytes;
            options.lower_size = lower->size;
            walk.low = (long)model_lower_bound(&w->model, lower->bytes, lower->size);
        }
        if (rng_chance(&w->rng, 40)) {
            options.upper = upper->bytes;
            options.upper_size = upper->size;
            walk.high = (long)model_lower_bound(&w->model, upper->bytes, upper->size);
        }
    }
    DB_MUST(w->f, lsm_iter_create(w->f->db, &options, &walk.iter));
    walk_about(&walk, whole);
    lsm_iter_destroy(walk.iter);
}

/* ---- snapshots, maintenance ---- */

static void release_snapshots(struct world *w) {
    for (size_t i = 0; i < SNAPSHOTS_MAX; i++) {
        lsm_snapshot_release(w->snapshots[i]);
        w->snapshots[i] = NULL;
    }
}

static void do_snapshot(struct world *w) {
    struct lsm_snapshot **s = &w->snapshots[rng_below(&w->rng, SNAPSHOTS_MAX)];
    if (*s != NULL) {
        lsm_snapshot_release(*s);
        *s = NULL;
        return;
    }
    DB_MUST(w->f, lsm_snapshot_create(w->f->db, s));
    DB_CHECK(lsm_snapshot_sequence(*s) == w->model.last_seq,
             "a snapshot at %" PRIu64 " after write %" PRIu64, lsm_snapshot_sequence(*s),
             w->model.last_seq);
}

static void do_job(struct world *w) {
    uint32_t level = (uint32_t)rng_below(&w->rng, w->f->options.max_levels);
    uint64_t id = 0;
    DB_MUST(w->f, lsm_job_schedule(w->f->db, level, &id));
    if (rng_chance(&w->rng, 50)) {
        struct lsm_job job = {0};
        DB_MUST(w->f, lsm_job_wait(w->f->db, id, 60000, &job));
        DB_CHECK(job.state == LSM_JOB_COMPLETED && job.id == id && job.level == level,
                 "job %" PRIu64 " of level %u: state %d, error %s", id, level, (int)job.state,
                 lsm_strerror(job.error));
    }
}

/* Levels from 1 on hold tables that do not share a key. */
static void check_shape(struct world *w) {
    static struct lsm_table_info tables[8192];
    uint64_t total = 0, bytes = 0;
    struct lsm_stats stats;
    DB_MUST(w->f, lsm_wait_idle(w->f->db, 60000));
    DB_MUST(w->f, lsm_shape_read(w->f->db, tables, 8192, &total));
    for (uint64_t i = 0; i < total; i++) {
        const struct lsm_table_info *t = &tables[i];
        bytes += t->bytes;
        DB_CHECK(t->lo <= t->hi && t->entries > 0 && t->level < w->f->options.max_levels,
                 "table %" PRIu64 " of level %u makes no sense", t->id, t->level);
        for (uint64_t j = 0; t->level > 0 && j < i; j++) {
            DB_CHECK(tables[j].level != t->level || tables[j].hi <= t->lo || t->hi <= tables[j].lo,
                     "tables %" PRIu64 " and %" PRIu64 " of level %u overlap", tables[j].id, t->id,
                     t->level);
        }
    }
    lsm_stats_read(w->f->db, &stats);
    DB_CHECK(stats.tables == total && stats.table_bytes == bytes,
             "stats and shape differ: %" PRIu64 " and %" PRIu64 " tables", stats.tables, total);
    DB_CHECK(stats.last_sequence == w->model.last_seq,
             "sequence %" PRIu64 ", the model's is %" PRIu64, stats.last_sequence,
             w->model.last_seq);
}

static void do_reopen(struct world *w) {
    struct lsm_options *o = &w->f->options;
    release_snapshots(w);
    db_close(w->f);
    /* What does not touch the tree's form may differ from one opening to the next. */
    o->memtable_bytes = rng_range(&w->rng, 4 << 10, 64 << 10);
    o->memtables_max = (uint32_t)rng_range(&w->rng, 2, 4);
    o->max_levels += o->max_levels < LSM_LEVELS_MAX && rng_chance(&w->rng, 20);
    o->async_compaction = rng_chance(&w->rng, 20) ? !o->async_compaction : o->async_compaction;
    db_open(w->f);
}

static void do_maintain(struct world *w) {
    switch (rng_below(&w->rng, 12)) {
    case 0:
        DB_MUST(w->f, lsm_flush(w->f->db));
        break;
    case 1:
    case 2:
        DB_MUST(w->f, lsm_compact_level(w->f->db,
                                        (uint32_t)rng_below(&w->rng, w->f->options.max_levels)));
        break;
    case 3:
    case 4:
        do_job(w);
        break;
    case 5:
        DB_MUST(w->f, lsm_sync(w->f->db));
        break;
    case 6:
        check_shape(w);
        break;
    case 7:
        if (rng_chance(&w->rng, 30)) {
            DB_MUST(w->f, lsm_compact_all(w->f->db));
        }
        break;
    case 8:
        if (w->f->io != NULL) { /* the simulated clock moves at no cost */
            lsm_io_sleep_ns(w->f->io, rng_below(&w->rng, 2000) * 1000000000);
            lsm_tick(w->f->db);
        }
        break;
    case 9:
        do_iterate(w, w->snapshots[rng_below(&w->rng, SNAPSHOTS_MAX)], true);
        break;
    case 10:
        if (rng_chance(&w->rng, 50)) {
            do_reopen(w);
        }
        break;
    default:
        lsm_tick(w->f->db);
        break;
    }
}

/* ---- a round ---- */

static void operate(struct world *w) {
    uint64_t kind = rng_below(&w->rng, 1000);
    if (kind < 560) {
        do_write(w);
    } else if (kind < 620) {
        do_batch(w);
    } else if (kind < 800) {
        do_get(w);
    } else if (kind < 860) {
        do_get_meta(w);
    } else if (kind < 890) {
        do_multi_get(w);
    } else if (kind < 940) {
        do_iterate(w, NULL, false);
    } else if (kind < 960) {
        do_snapshot(w);
    } else if (kind < 980) {
        do_maintain(w);
    }
}

static void check_everything(struct world *w) {
    do_iterate(w, NULL, true);
    for (size_t i = 0; i < SNAPSHOTS_MAX; i++) {
        if (w->snapshots[i] != NULL) {
            do_iterate(w, w->snapshots[i], true);
        }
    }
}

static void run_round(struct db_fixture *f, uint64_t seed, bool async, unsigned operations) {
    struct world w = {.f = f, .rng = {seed}, .next_tag = 1, .scratch = malloc(BIG)};
    assert_non_null(w.scratch);
    draw_options(&w, async);
    draw_keys(&w);
    w.value_max = rng_range(&w.rng, 8, 600);
    db_open(f);
    for (unsigned i = 0; i < operations; i++) {
        operate(&w);
    }
    check_everything(&w);
    check_shape(&w);
    release_snapshots(&w);
    DB_MUST(f, lsm_compact_all(f->db));
    check_everything(&w);
    db_reopen(f);
    check_everything(&w);
    check_shape(&w);
    db_close(f);
    db_wipe(f);
    for (size_t i = 0; i < w.key_count; i++) {
        free(w.keys[i].bytes);
    }
    free(w.scratch);
    model_free(&w.model);
}

static void run_rounds(struct db_fixture *f, bool async) {
    /* A round is repeated by its own seed: it is then the first. */
    static const char *const kinds[] = {"uring", "posix", "sim"};
    static char name[64];
    snprintf(name, sizeof name, "%s/%s", async ? "background" : "in_line", kinds[f->kind]);
    db_repeat_case = name;
    unsigned rounds = db_scaled(f->kind == DB_SIM ? 5 : 2); /* its disk is the faster one */
    for (unsigned i = 0; i < rounds; i++) {
        db_repeat_seed = db_seed + i;
        run_round(f, db_repeat_seed, async, 2500);
    }
}

static void answers_as_the_model_compacting_in_the_background(void **state) {
    run_rounds(*state, true);
}

static void answers_as_the_model_compacting_in_line(void **state) {
    run_rounds(*state, false);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        DB_CASES_ON_ALL(answers_as_the_model_compacting_in_line),
        DB_CASES_ON_ALL(answers_as_the_model_compacting_in_the_background),
    };
    db_test_begin(argc, argv);
    return db_test_run(tests, sizeof tests / sizeof tests[0]);
}
