/* video.c: the queue between whoever draws and the encoder, and the clock of the frames. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "obs_check.h"
#include "encoder.h"
#include "video.h"

enum {
    BUFFERS = 6,        /* 22 MB at 1280x720: one held, one being written, four on their way */
    ENTRIES = 16,       /* more than buffers: repetitions need none */
    BUFFER_REPEAT = -1, /* an entry that shows the previous picture again */
};

struct entry {
    int buffer;
    uint64_t times;
};

struct video {
    /* the caller's */
    int width, height;
    double fps;
    bool realtime;
    bool started;
    double start_s;
    int held;          /* buffer with a picture that no frame has shown yet; -1 none */
    bool dropped;      /* the newest picture found the queue full */
    uint64_t issued;   /* frames handed to the queue */
    uint64_t repeated; /* frames that should have shown a dropped picture */
    char *path, *part;
    uint32_t *buffer[BUFFERS];
    struct encoder *encoder; /* the thread's once it runs */

    pthread_t thread;
    bool thread_runs;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* of anything below */
    struct entry queue[ENTRIES];
    unsigned queue_first, queue_count;
    bool buffer_used[BUFFERS];
    bool closing;
    bool failed;
};

static const char *ending_of(const char *path) {
    const char *dot = strrchr(path, '.');
    return dot != NULL ? dot : "";
}

static bool is_gif(const char *path) {
    return strcasecmp(ending_of(path), ".gif") == 0;
}

bool video_has_ffmpeg(void) {
    char path[1024];
    return encoder_find_program("ffmpeg", path, sizeof(path));
}

bool video_possible(const char *path, char *error, size_t error_size) {
    if (is_gif(path) || video_has_ffmpeg()) {
        return true;
    }
    const char *ending = ending_of(path);
    snprintf(error, error_size,
             "%s needs ffmpeg, which is not installed; without it: --save-video %.*s.gif", path,
             (int)(strlen(path) - strlen(ending)), path);
    return false;
}

/* ---- the encoder's thread -------------------------------------------------------------------- */

/* Takes the next entry; false when there will be none. */
static bool entry_take(struct video *video, struct entry *entry) {
    pthread_mutex_lock(&video->lock);
    while (video->queue_count == 0 && !video->closing) {
        pthread_cond_wait(&video->changed, &video->lock);
    }
    bool any = video->queue_count > 0;
    if (any) {
        *entry = video->queue[video->queue_first];
        video->queue_first = (video->queue_first + 1) % ENTRIES;
        video->queue_count--;
        pthread_cond_broadcast(&video->changed);
    }
    pthread_mutex_unlock(&video->lock);
    return any;
}

static void buffer_release(struct video *video, int buffer) {
    if (buffer >= 0) {
        pthread_mutex_lock(&video->lock);
        video->buffer_used[buffer] = false;
        pthread_cond_broadcast(&video->changed);
        pthread_mutex_unlock(&video->lock);
    }
}

static void *encode(void *argument) {
    struct video *video = argument;
    struct entry entry;
    int shown = -1;
    bool failed = false;
    while (entry_take(video, &entry)) {
        if (entry.buffer != BUFFER_REPEAT) {
            buffer_release(video, shown);
            shown = entry.buffer;
        }
        /* After a failure the queue is only emptied, so that nobody waits for it. */
        if (failed || shown < 0) {
            continue;
        }
        struct encoder *encoder = video->encoder;
        failed = !encoder->ops->write(encoder, video->buffer[shown], entry.times);
        if (failed) {
            pthread_mutex_lock(&video->lock);
            video->failed = true;
            pthread_mutex_unlock(&video->lock);
        }
    }
    buffer_release(video, shown);
    return NULL;
}

/* ---- the queue, from the caller's side ------------------------------------------------------- */

/* REQUIRES: the lock. */
static bool entry_put(struct video *video, struct entry entry) {
    if (entry.buffer == BUFFER_REPEAT && video->queue_count > 0) {
        unsigned last = (video->queue_first + video->queue_count - 1) % ENTRIES;
        video->queue[last].times += entry.times;
        return true;
    }
    if (video->queue_count == ENTRIES) {
        return false;
    }
    video->queue[(video->queue_first + video->queue_count) % ENTRIES] = entry;
    video->queue_count++;
    pthread_cond_broadcast(&video->changed);
    return true;
}

/* A free buffer, or -1. `wait`: until there is one. */
static int buffer_acquire(struct video *video, bool wait) {
    int found = -1;
    pthread_mutex_lock(&video->lock);
    for (;;) {
        for (int i = 0; i < BUFFERS && found < 0; i++) {
            found = video->buffer_used[i] ? -1 : i;
        }
        if (found >= 0 || !wait) {
            break;
        }
        pthread_cond_wait(&video->changed, &video->lock);
    }
    if (found >= 0) {
        video->buffer_used[found] = true;
    }
    pthread_mutex_unlock(&video->lock);
    return found;
}

/* Lets `times` frames out: of the held picture if there is one, else of the last. */
static void frames_issue(struct video *video, uint64_t times) {
    OBS_ASSERT(times > 0);
    struct entry entry = {video->held >= 0 ? video->held : BUFFER_REPEAT, times};
    pthread_mutex_lock(&video->lock);
    bool put = entry_put(video, entry);
    /* There are fewer buffers than entries, and repetitions join the entry before them. */
    OBS_ASSERT(put);
    pthread_mutex_unlock(&video->lock);
    video->held = -1;
    video->issued += times;
    if (video->dropped) {
        video->repeated += times;
    }
}

static void pixels_copy(struct video *video, int buffer, const uint32_t *pixels, int stride) {
    OBS_ASSERT(stride > 0 && (size_t)stride >= (size_t)video->width * sizeof(uint32_t));
    size_t row = (size_t)video->width * sizeof(uint32_t);
    const char *from = (const char *)pixels;
    char *to = (char *)video->buffer[buffer];
    for (int y = 0; y < video->height; y++) {
        memcpy(to + (size_t)y * row, from + (size_t)y * (size_t)stride, row);
    }
}

void video_tick(struct video *video, double now_s) {
    if (!video->realtime || !video->started || now_s < video->start_s) {
        return;
    }
    /* Frame k is due at k / fps. */
    uint64_t due = (uint64_t)floor((now_s - video->start_s) * video->fps) + 1;
    if (due > video->issued) {
        frames_issue(video, due - video->issued);
    }
}

void video_picture(struct video *video, const uint32_t *pixels, int stride, double now_s) {
    OBS_ASSERT(pixels != NULL);
    if (!video->realtime) {
        video->held = buffer_acquire(video, true);
        pixels_copy(video, video->held, pixels, stride);
        frames_issue(video, 1);
        return;
    }
    if (!video->started) {
        video->started = true;
        video->start_s = now_s;
    } else {
        video_tick(video, now_s - 1e-9); /* what was due before still shows the picture before */
    }
    int buffer = video->held >= 0 ? video->held : buffer_acquire(video, false);
    video->dropped = buffer < 0;
    if (buffer >= 0) {
        pixels_copy(video, buffer, pixels, stride);
        video->held = buffer;
    }
}

/* ---- life ------------------------------------------------------------------------------------ */

static void video_free(struct video *video) {
    for (int i = 0; i < BUFFERS; i++) {
        free(video->buffer[i]);
    }
    if (video->encoder != NULL) {
        video->encoder->ops->destroy(video->encoder);
    }
    pthread_mutex_destroy(&video->lock);
    pthread_cond_destroy(&video->changed);
    free(video->path);
    free(video->part);
    free(video);
}

/* The thread takes no signals: they are the main thread's, and a closed pipe is an error code. */
static int thread_start(struct video *video) {
    sigset_t all, before;
    sigfillset(&all);
    int rc = pthread_sigmask(SIG_SETMASK, &all, &before);
    if (rc == 0) {
        rc = pthread_create(&video->thread, NULL, encode, video);
        video->thread_runs = rc == 0;
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    return rc;
}

static bool part_writable(const struct video *video, char *error, size_t error_size) {
    int fd = open(video->part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        snprintf(error, error_size, "%s: %s", video->path, strerror(errno));
        return false;
    }
    close(fd);
    return true;
}

static struct video *video_allocate(const struct video_options *options) {
    struct video *video = calloc(1, sizeof(*video));
    if (video == NULL) {
        return NULL;
    }
    pthread_mutex_init(&video->lock, NULL);
    pthread_cond_init(&video->changed, NULL);
    video->width = options->width & ~1;
    video->height = options->height & ~1;
    video->fps = options->fps;
    video->realtime = options->realtime;
    video->held = -1;
    video->path = strdup(options->path);
    bool memory = video->path != NULL && asprintf(&video->part, "%s.part", options->path) >= 0;
    for (int i = 0; i < BUFFERS && memory; i++) {
        video->buffer[i] = malloc((size_t)video->width * (size_t)video->height * sizeof(uint32_t));
        memory = video->buffer[i] != NULL;
    }
    if (!memory) {
        video_free(video);
        return NULL;
    }
    return video;
}

struct video *video_start(const struct video_options *options, char *error, size_t error_size) {
    OBS_ASSERT(options->width >= 2 && options->height >= 2 && options->fps > 0);
    if (!video_possible(options->path, error, error_size)) {
        return NULL;
    }
    struct video *video = video_allocate(options);
    if (video == NULL) {
        snprintf(error, error_size, "out of memory");
        return NULL;
    }
    if (!part_writable(video, error, error_size)) {
        video_free(video);
        return NULL;
    }
    struct encoder_options frames = {.part = video->part,
                                     .ending = ending_of(options->path),
                                     .codec = options->codec,
                                     .quality = options->quality,
                                     .width = video->width,
                                     .height = video->height,
                                     .fps = video->fps};
    video->encoder = is_gif(options->path)
                         ? encoder_gif_create(video->part, video->width, video->height, video->fps,
                                              error, error_size)
                         : encoder_ffmpeg_create(&frames, error, error_size);
    int rc = video->encoder != NULL ? thread_start(video) : 0;
    if (video->encoder == NULL || rc != 0) {
        if (rc != 0) {
            snprintf(error, error_size, "cannot start a thread: %s", strerror(rc));
        }
        unlink(video->part);
        video_free(video);
        return NULL;
    }
    return video;
}

int video_width(const struct video *video) {
    return video->width;
}

int video_height(const struct video *video) {
    return video->height;
}

uint64_t video_frames(const struct video *video) {
    return video->issued;
}

uint64_t video_repeated(const struct video *video) {
    return video->repeated;
}

bool video_failed(struct video *video) {
    pthread_mutex_lock(&video->lock);
    bool failed = video->failed;
    pthread_mutex_unlock(&video->lock);
    return failed;
}

bool video_finish(struct video *video, double now_s, uint64_t *frames, uint64_t *repeated,
                  char *error, size_t error_size) {
    OBS_ASSERT(video != NULL && video->thread_runs);
    video_tick(video, now_s);
    pthread_mutex_lock(&video->lock);
    video->closing = true;
    pthread_cond_broadcast(&video->changed);
    pthread_mutex_unlock(&video->lock);
    pthread_join(video->thread, NULL);
    video->thread_runs = false;
    struct encoder *encoder = video->encoder;
    bool done = !video->failed && video->issued > 0 && encoder->ops->finish(encoder);
    if (!done) {
        snprintf(error, error_size, "%s: %s", video->path,
                 video->issued == 0 ? "no frame was drawn" : encoder->error);
    } else if (rename(video->part, video->path) != 0) {
        snprintf(error, error_size, "%s: %s", video->path, strerror(errno));
        done = false;
    }
    if (!done) {
        unlink(video->part);
    }
    if (frames != NULL) {
        *frames = video->issued;
    }
    if (repeated != NULL) {
        *repeated = video->repeated;
    }
    video_free(video);
    return done;
}
