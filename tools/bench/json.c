/* json.c: the same as JSON: settings, every run, medians and ratios. */
#include "results.h"

void bench_json_text(FILE *out, const char *text) {
    fputc('"', out);
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\') {
            fprintf(out, "\\%c", *c);
        } else if (*c < 0x20) {
            fprintf(out, "\\u%04x", *c);
        } else {
            fputc(*c, out);
        }
    }
    fputc('"', out);
}

void bench_json_number(FILE *out, double number) {
    if (isfinite(number)) {
        fprintf(out, "%.10g", number);
    } else {
        fputs("null", out);
    }
}

static void print_values(FILE *out, const double value[BENCH_METRIC_COUNT]) {
    bool first = true;
    for (int m = 0; m < BENCH_METRIC_COUNT; m++) {
        if (isfinite(value[m])) {
            fprintf(out, "%s\"%s\": ", first ? "" : ", ", bench_metrics[m].name);
            bench_json_number(out, value[m]);
            first = false;
        }
    }
}

static void print_head(const struct bench_set *set, FILE *out) {
    const struct bench_args *a = set->args;
    fprintf(out,
            "{\n  \"num\": %llu, \"key_size\": %llu, \"value_size\": %llu, \"threads\": %llu,\n"
            "  \"seed\": %llu, \"seconds\": %.9g, \"repeat\": %llu, \"memtable_bytes\": %llu,\n"
            "  \"cache_bytes\": %llu, \"bloom_fpr\": %g, \"compression\": \"%s\", \"baseline\": ",
            (unsigned long long)a->num, (unsigned long long)a->key_size,
            (unsigned long long)a->value_size, (unsigned long long)a->threads,
            (unsigned long long)a->seed, 1e-9 * (double)a->seconds_ns,
            (unsigned long long)a->repeat, (unsigned long long)a->memtable_bytes,
            (unsigned long long)a->cache_bytes, a->bloom_fpr, a->compression);
    bench_json_text(out, a->baseline);
    fprintf(out, ",\n  \"engines\": [");
    for (size_t e = 0; e < set->engine_count; e++) {
        size_t engine = set->engines[e];
        bool absent = set->absent[engine][0] != '\0';
        fprintf(out, "%s\n    {\"name\": ", e > 0 ? "," : "");
        bench_json_text(out, bench_engines[engine]->name);
        fprintf(out, ", \"installed\": %s, \"%s\": ", absent ? "false" : "true",
                absent ? "why" : "settings");
        bench_json_text(out, absent ? set->absent[engine] : set->settings[engine]);
        fputc('}', out);
    }
    fprintf(out, "\n  ],\n  \"units\": {");
    for (int m = 0; m < BENCH_METRIC_COUNT; m++) {
        fprintf(out, "%s\n    \"%s\": ", m > 0 ? "," : "", bench_metrics[m].name);
        bench_json_text(out, bench_metrics[m].unit);
    }
    fprintf(out, "\n  },\n");
}

static void print_runs(const struct bench_set *set, FILE *out) {
    fprintf(out, "  \"runs\": [");
    for (size_t i = 0; i < set->count; i++) {
        const struct bench_result *r = &set->result[i];
        fprintf(out, "%s\n    {\"engine\": \"%s\", \"phase\": \"%s\", \"repeat\": %u, ",
                i > 0 ? "," : "", bench_engines[r->engine]->name, bench_phases[r->phase].name,
                r->repeat);
        if (r->error[0] != '\0') {
            fprintf(out, "\"error\": ");
            bench_json_text(out, r->error);
        } else {
            fprintf(out, "\"values\": {");
            print_values(out, r->value);
            fputc('}', out);
        }
        fputc('}', out);
    }
    fprintf(out, "\n  ],\n");
}

static void print_medians(const struct bench_set *set, FILE *out) {
    bool first = true;
    fprintf(out, "  \"medians\": [");
    for (size_t p = 0; p < set->phase_count; p++) {
        for (size_t e = 0; e < set->engine_count; e++) {
            size_t engine = set->engines[e];
            double value[BENCH_METRIC_COUNT];
            bool any = false;
            for (int m = 0; m < BENCH_METRIC_COUNT; m++) {
                value[m] = bench_set_median(set, engine, p, (enum bench_metric)m);
                any = any || isfinite(value[m]);
            }
            if (!any) {
                continue;
            }
            fprintf(out, "%s\n    {\"engine\": \"%s\", \"phase\": \"%s\", \"ops_per_s_ratio\": ",
                    first ? "" : ",", bench_engines[engine]->name,
                    bench_phases[set->phases[p]].name);
            bench_json_number(out, bench_set_ratio(set, engine, p, BENCH_OPS_S));
            fprintf(out, ", \"values\": {");
            print_values(out, value);
            fprintf(out, "}}");
            first = false;
        }
    }
    fprintf(out, "\n  ]\n}\n");
}

void bench_print_json(const struct bench_set *set, FILE *out) {
    print_head(set, out);
    print_runs(set, out);
    print_medians(set, out);
}
