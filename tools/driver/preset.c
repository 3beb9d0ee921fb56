/* preset.c: ready-made workloads: the reference's scenarios, and YCSB's six.
 *
 * Each is a list of options, set through the same table as the command line. */
#include <string.h>

#include "driver_args.h"
#include "driver_check.h"

struct pair {
    const char *option, *value;
};

struct preset {
    const char *name, *help;
    struct pair pairs[8];
    bool load, inserts, modify;
    unsigned weight[KINDS]; /* all 0: equal shares */
};

/* YCSB prescribes mixes, not rates: 10,000 operations a second shows the shape of each on a laptop,
 * a tenth of it where most are scans of up to 50 keys. With --write-rate max --read-rate max the
 * weights keep the mix. */
static const struct preset presets[] = {
    {.name = "flushes",
     .help = "many flushes: 8,000 puts/s into a memtable of 100 kB, 30 s",
     .pairs = {{"write-rate", "8000"},
               {"memtable-max-bytes", "100000"},
               {"duration-seconds", "30"}}},
    {.name = "mixed",
     .help = "3,000 puts/s and 2,000 gets/s",
     .pairs = {{"write-rate", "3000"}, {"read-rate", "2000"}}},
    {.name = "deletes",
     .help = "2,000 puts/s and 1,000 deletes/s: tombstones",
     .pairs = {{"write-rate", "2000"}, {"delete-rate", "1000"}}},
    {.name = "large-values",
     .help = "1,000 puts/s of 4 KiB values, memtable of 500 kB",
     .pairs = {{"write-rate", "1000"},
               {"value-size-bytes", "4096"},
               {"memtable-max-bytes", "500000"}}},
    {.name = "ycsb-a",
     .help = "half gets, half updates, zipf",
     .pairs = {{"read-rate", "5000"}, {"write-rate", "5000"}, {"key-dist", "zipf"}},
     .load = true,
     .weight = {50, 50, 0, 0}},
    {.name = "ycsb-b",
     .help = "95 % gets, 5 % updates, zipf",
     .pairs = {{"read-rate", "9500"}, {"write-rate", "500"}, {"key-dist", "zipf"}},
     .load = true,
     .weight = {5, 95, 0, 0}},
    {.name = "ycsb-c",
     .help = "gets only, zipf",
     .pairs = {{"read-rate", "10000"}, {"write-rate", "0"}, {"key-dist", "zipf"}},
     .load = true},
    {.name = "ycsb-d",
     .help = "95 % gets of what was inserted last, 5 % inserts",
     .pairs = {{"read-rate", "9500"}, {"write-rate", "500"}, {"key-dist", "latest"}},
     .load = true,
     .inserts = true,
     .weight = {5, 95, 0, 0}},
    {.name = "ycsb-e",
     .help = "95 % short scans, 5 % inserts, zipf",
     .pairs =
         {{"scan-rate", "950"}, {"write-rate", "50"}, {"read-rate", "0"}, {"key-dist", "zipf"}},
     .load = true,
     .inserts = true,
     .weight = {5, 0, 0, 95}},
    {.name = "ycsb-f",
     .help = "half gets, half read-modify-writes, zipf",
     .pairs = {{"read-rate", "5000"}, {"write-rate", "5000"}, {"key-dist", "zipf"}},
     .load = true,
     .modify = true,
     .weight = {50, 50, 0, 0}},
};

bool driver_preset_apply(struct driver_args *args, char error[256]) {
    DRIVER_ASSERT(args->preset != NULL);
    const struct preset *preset = NULL;
    for (size_t i = 0; i < sizeof presets / sizeof presets[0]; i++) {
        if (strcmp(presets[i].name, args->preset) == 0) {
            preset = &presets[i];
        }
    }
    if (preset == NULL) {
        (void)snprintf(error, 256,
                       "--preset: '%.60s' is none of flushes, mixed, deletes, large-values, "
                       "ycsb-a to ycsb-f",
                       args->preset);
        return false;
    }
    size_t room = sizeof preset->pairs / sizeof preset->pairs[0];
    for (size_t i = 0; i < room && preset->pairs[i].option != NULL; i++) {
        const struct driver_arg *arg = driver_arg_find(preset->pairs[i].option);
        DRIVER_ASSERT(arg != NULL);
        if ((args->given >> (size_t)(arg - driver_arg_table) & 1) == 0) {
            bool good = driver_arg_set(args, arg, preset->pairs[i].value, error);
            DRIVER_ASSERT(good);
        }
    }
    args->load = args->load || preset->load;
    args->inserts = preset->inserts;
    args->modify = preset->modify;
    bool weighted = false;
    for (size_t i = 0; i < KINDS; i++) {
        weighted = weighted || preset->weight[i] > 0;
    }
    for (size_t i = 0; weighted && i < KINDS; i++) {
        /* A kind the preset does not have, asked for explicitly, still gets a share. */
        args->weight[i] = preset->weight[i] > 0 ? preset->weight[i] : 1;
    }
    return true;
}

void driver_preset_help(FILE *out) {
    for (size_t i = 0; i < sizeof presets / sizeof presets[0]; i++) {
        (void)fprintf(out, "  %-14s %s%s\n", presets[i].name, presets[i].help,
                      presets[i].load ? "; loads the key space first" : "");
    }
}
