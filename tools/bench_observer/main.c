/* bench_observer: what the observer costs, beside what it may cost.
 *
 *   bench_observer BUILD_DIR [NAME ...]     NAME: only the measurements whose name begins so
 *
 * Every line says what was measured, the median of at least five, and the target. CPU times are of
 * the process, as the kernel counts them; wall times are those of this machine with whatever else
 * it does. Each measurement has a process of its own, so that memory is that of one viewer alone.
 * Data comes from a synthetic publisher in another process, through a real segment. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "measure.h"
#include "publisher.h"

/* ---- in this program ------------------------------------------------------------------------- */

static const char segment_name[] = "bench-observer";

static void frames(const struct bench *bench) {
    struct publisher publisher;
    if (!publisher_start(&publisher, segment_name, 250, 2000)) {
        return;
    }
    publisher_steps(&publisher, 4 * 3600);
    static const struct {
        int width, height;
        double target_ms;
    } sizes[] = {{1280, 720, 6}, {1920, 1080, 12}};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct frame_costs costs;
        char what[64];
        if (measure_frames(segment_name, sizes[i].width, sizes[i].height, &costs)) {
            snprintf(what, sizeof(what), "frame %dx%d, all panels, CPU", sizes[i].width,
                     sizes[i].height);
            bench_tell(bench, what, costs.cpu_s * 1e3, "ms", sizes[i].target_ms, true);
            snprintf(what, sizeof(what), "frame %dx%d, all panels, wall", sizes[i].width,
                     sizes[i].height);
            bench_tell(bench, what, costs.wall_s * 1e3, "ms", sizes[i].target_ms, true);
        }
        if (i == 0) {
            bench_tell(bench, "memory beside the segment", costs.memory_mb, "MB", 100, true);
            bench_tell(bench, "attach to first picture, CPU", costs.attach_cpu_s * 1e3, "ms", 100,
                       true);
            bench_tell(bench, "attach to first picture, wall", costs.attach_s * 1e3, "ms", 100,
                       true);
        }
    }
    publisher_stop(&publisher);
}

static void following(const struct bench *bench) {
    struct publisher publisher;
    if (!publisher_start(&publisher, segment_name, 250, 2000)) {
        return;
    }
    publisher_steps(&publisher, 4 * 3600);
    double share = 0;
    publisher_live(&publisher, true);
    if (measure_viewer_share(bench->build, segment_name, &share)) {
        bench_tell(bench, "following live data, of one core", share * 100, "%", 15, true);
    }
    publisher_live(&publisher, false);
    if (measure_viewer_share(bench->build, segment_name, &share)) {
        bench_tell(bench, "nothing changes, of one core", share * 100, "%", 2, true);
    }
    publisher_stop(&publisher);
}

/* A day in half a minute: published in pieces that the observer keeps up with. */
static void day(const struct bench *bench) {
    enum { PIECE = 2048 };
    struct publisher publisher;
    if (!publisher_start(&publisher, segment_name, 1000, 2000)) {
        return;
    }
    char picture[512];
    bench_path(bench, "bench-day.png", picture, sizeof(picture));
    const char *const arguments[] = {bench->observer, "--attach", segment_name,
                                     "--headless",    "--output", picture,
                                     "--duration",    "20",       NULL};
    publisher_steps(&publisher, 2);
    pid_t viewer = measure_start(arguments);
    for (unsigned done = 0; done < 86400; done += PIECE) {
        publisher_steps(&publisher, PIECE);
        usleep(300 * 1000);
    }
    struct run_costs costs;
    if (measure_end(viewer, &costs)) {
        bench_tell(bench, "24 h at 1 s, whole process", costs.memory_mb, "MB", 150, true);
    }
    publisher_stop(&publisher);
}

/* ---- the program itself ---------------------------------------------------------------------- */

static void csv(const struct bench *bench) {
    char path[512], picture[512];
    bench_path(bench, "bench-10m.csv", path, sizeof(path));
    bench_path(bench, "bench-10m.png", picture, sizeof(picture));
    if (!publisher_write_csv(path, 10000000)) {
        return;
    }
    const char *const arguments[] = {bench->observer, "--csv",    path,         "--output",
                                     picture,         "--panels", "throughput", NULL};
    struct run_costs costs;
    if (measure_runs(arguments, &costs)) {
        bench_tell(bench, "CSV of 10 M rows, CPU", costs.cpu_s, "s", 5, true);
        bench_tell(bench, "CSV of 10 M rows, wall", costs.wall_s, "s", 5, true);
        bench_tell(bench, "CSV of 10 M rows, memory", costs.memory_mb, "MB", 500, true);
    }
    (void)unlink(path);
}

static void video(const struct bench *bench) {
    enum { SPEED = 200, FPS = 30 };
    struct publisher publisher;
    if (!publisher_start(&publisher, segment_name, 250, 2000)) {
        return;
    }
    publisher_steps(&publisher, 4 * 3600);
    char copy[512], film[512], speed[16];
    bench_path(bench, "bench-run.seg", copy, sizeof(copy));
    bench_path(bench, "bench-run.mp4", film, sizeof(film));
    snprintf(speed, sizeof(speed), "%d", SPEED);
    bool copied = publisher_copy(&publisher, copy);
    publisher_stop(&publisher);
    const char *const arguments[] = {bench->observer, "--segment", copy, "--save-video", film,
                                     "--speed",       speed,       NULL};
    struct run_costs costs;
    if (copied && measure_runs(arguments, &costs)) {
        double count = 3600.0 / SPEED * FPS;
        bench_tell(bench, "offline video 1280x720, end to end", count / costs.wall_s, "frames/s",
                   120, false);
        bench_tell(bench, "offline video, CPU a frame", costs.cpu_s / count * 1e3, "ms", -1, true);
    }
    (void)unlink(copy);
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*run)(const struct bench *bench);
    } all[] = {
        {"frames", frames}, {"following", following}, {"day", day}, {"csv", csv}, {"video", video}};
    struct bench bench;
    if (argc < 2 || !bench_init(&bench, argv[1])) {
        fprintf(stderr, "usage: bench_observer BUILD_DIR [frames|following|day|csv|video ...]\n");
        return 2;
    }
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        bool wanted = argc == 2;
        for (int a = 2; a < argc; a++) {
            wanted = wanted || strncmp(all[i].name, argv[a], strlen(argv[a])) == 0;
        }
        if (wanted) {
            all[i].run(&bench);
        }
    }
    return 0;
}
