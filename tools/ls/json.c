/* json.c: the list as one JSON array, for programs. Times are in nanoseconds; the instance, an
 * identity and no quantity, is a string of hexadecimal digits. */
#include "ls.h"

#include <inttypes.h>

static void put_string(FILE *out, const char *text) {
    (void)fputc('"', out);
    for (; *text != 0; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            (void)fprintf(out, "\\%c", c);
        } else if (c < 0x20) {
            (void)fprintf(out, "\\u%04x", c);
        } else {
            (void)fputc(c, out);
        }
    }
    (void)fputc('"', out);
}

static void put_member(FILE *out, const char *name, const char *text) {
    (void)fprintf(out, ",\n    \"%s\": ", name);
    put_string(out, text);
}

static void put_number(FILE *out, const char *name, uint64_t value) {
    (void)fprintf(out, ",\n    \"%s\": %" PRIu64, name, value);
}

static void put_listing(FILE *out, const struct scope_listing *listing) {
    (void)fprintf(out, "  {\n    \"name\": ");
    put_string(out, listing->name);
    put_member(out, "state", ls_state(listing));
    put_number(out, "bytes", listing->bytes);
    (void)fprintf(out, ",\n    \"own\": %s", listing->own ? "true" : "false");
    if (listing->status != 0) {
        char reason[256];
        ls_reason(listing, reason, sizeof(reason));
        put_member(out, "reason", reason);
    } else {
        const struct scope_info *info = &listing->info;
        char instance[24];
        (void)snprintf(instance, sizeof(instance), "%016" PRIx64, info->instance_id);
        put_member(out, "instance", instance);
        put_member(out, "engine", info->engine_name);
        put_member(out, "engine_version", info->engine_version);
        put_member(out, "command", info->command);
        put_member(out, "description", info->description);
        put_number(out, "pid", info->pid);
        put_number(out, "start_mono_ns", info->start_mono_ns);
        put_number(out, "start_real_ns", info->start_real_ns);
        put_number(out, "heartbeat_age_ns", listing->heartbeat_age_ns);
        put_number(out, "sample_interval_ns", info->sample_interval_ns);
        put_number(out, "samples", info->samples);
        put_number(out, "events", info->events);
        put_number(out, "seconds", info->seconds);
    }
    (void)fprintf(out, "\n  }");
}

void ls_json(FILE *out, const struct scope_listing *list, size_t count) {
    (void)fprintf(out, "[");
    for (size_t i = 0; i < count; i++) {
        (void)fprintf(out, "%s\n", i > 0 ? "," : "");
        put_listing(out, &list[i]);
    }
    (void)fprintf(out, "%s]\n", count > 0 ? "\n" : "");
}
