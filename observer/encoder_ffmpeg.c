/* encoder_ffmpeg.c: raw frames down a pipe to an ffmpeg process.
 *
 * Both pipes are non-blocking and polled together: ffmpeg's complaints are drained while frames are
 * written, so neither side can wait for the other for ever. Its last words are kept for the error.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "obs_check.h"
#include "encoder.h"
#include "yuv.h"

enum { WORDS_MAX = 240, ARGUMENTS_MAX = 48 };

extern char **environ;

struct ffmpeg {
    struct encoder encoder; /* first: the two pointers are one */
    pid_t process;          /* 0: reaped */
    int frames;             /* its stdin; -1: closed */
    int words;              /* its stderr; -1: closed */
    int width, height;
    size_t frame_bytes;
    uint8_t *frame; /* planes, as they go down the pipe */
    char last_words[WORDS_MAX + 1];
    size_t last_words_length;
};

static struct ffmpeg *ffmpeg_of(struct encoder *encoder) {
    return (struct ffmpeg *)encoder;
}

bool encoder_find_program(const char *name, char path[], size_t path_size) {
    OBS_ASSERT(strchr(name, '/') == NULL);
    const char *at = getenv("PATH");
    while (at != NULL && *at != '\0') {
        const char *colon = strchr(at, ':');
        size_t length = colon != NULL ? (size_t)(colon - at) : strlen(at);
        int written = snprintf(path, path_size, "%.*s/%s", (int)length, at, name);
        struct stat status;
        if (length > 0 && written > 0 && (size_t)written < path_size && access(path, X_OK) == 0 &&
            stat(path, &status) == 0 && S_ISREG(status.st_mode)) {
            return true;
        }
        at = colon != NULL ? colon + 1 : NULL;
    }
    return false;
}

/* ---- its words ------------------------------------------------------------------------------- */

static void words_keep(struct ffmpeg *ffmpeg, const char *text, size_t length) {
    if (length > WORDS_MAX) {
        text += length - WORDS_MAX;
        length = WORDS_MAX;
    }
    size_t room = WORDS_MAX - ffmpeg->last_words_length;
    if (length > room) {
        size_t drop = length - room;
        memmove(ffmpeg->last_words, ffmpeg->last_words + drop, ffmpeg->last_words_length - drop);
        ffmpeg->last_words_length -= drop;
    }
    memcpy(ffmpeg->last_words + ffmpeg->last_words_length, text, length);
    ffmpeg->last_words_length += length;
    ffmpeg->last_words[ffmpeg->last_words_length] = '\0';
}

/* Reads what is there. False at its end. */
static bool words_drain(struct ffmpeg *ffmpeg) {
    char text[1024];
    for (;;) {
        ssize_t got = read(ffmpeg->words, text, sizeof(text));
        if (got > 0) {
            words_keep(ffmpeg, text, (size_t)got);
        } else if (got < 0 && errno == EINTR) {
            continue;
        } else if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            return true;
        } else {
            return false;
        }
    }
}

/* One line out of what it said last. */
static void error_compose(struct ffmpeg *ffmpeg, const char *what) {
    char *words = ffmpeg->last_words;
    for (size_t i = 0; words[i] != '\0'; i++) {
        words[i] = words[i] == '\n' || words[i] == '\r' ? ' ' : words[i];
    }
    while (words[0] == ' ') {
        words++;
    }
    snprintf(ffmpeg->encoder.error, ENCODER_ERROR_MAX, "ffmpeg %.60s%s%.240s", what,
             words[0] != '\0' ? ": " : "", words);
}

/* ---- frames ---------------------------------------------------------------------------------- */

static bool frame_write(struct ffmpeg *ffmpeg, const char *bytes, size_t length) {
    while (length > 0) {
        struct pollfd polls[2] = {
            {.fd = ffmpeg->frames, .events = POLLOUT},
            {.fd = ffmpeg->words, .events = POLLIN},
        };
        if (poll(polls, 2, -1) < 0) {
            if (errno == EINTR) {
                continue;
            }
            return false;
        }
        if (polls[1].revents != 0 && !words_drain(ffmpeg)) {
            close(ffmpeg->words);
            ffmpeg->words = -1; /* poll skips a negative descriptor */
        }
        if (polls[0].revents == 0) {
            continue;
        }
        ssize_t put = write(ffmpeg->frames, bytes, length);
        if (put > 0) {
            bytes += put;
            length -= (size_t)put;
        } else if (put < 0 && errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK) {
            return false; /* EPIPE: it ended */
        }
    }
    return true;
}

static void frames_close(struct ffmpeg *ffmpeg) {
    if (ffmpeg->frames >= 0) {
        close(ffmpeg->frames);
        ffmpeg->frames = -1;
    }
}

/* Hears it out and reaps it. True when it ended well. */
static bool process_wait(struct ffmpeg *ffmpeg) {
    frames_close(ffmpeg);
    while (ffmpeg->words >= 0) {
        struct pollfd wait = {.fd = ffmpeg->words, .events = POLLIN};
        if (poll(&wait, 1, -1) < 0 && errno != EINTR) {
            break;
        }
        if (wait.revents != 0 && !words_drain(ffmpeg)) {
            break;
        }
    }
    if (ffmpeg->words >= 0) {
        close(ffmpeg->words);
        ffmpeg->words = -1;
    }
    int status = 0;
    pid_t reaped;
    do {
        reaped = waitpid(ffmpeg->process, &status, 0);
    } while (reaped < 0 && errno == EINTR);
    ffmpeg->process = 0;
    return reaped > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool ffmpeg_write(struct encoder *encoder, const uint32_t *pixels, uint64_t times) {
    struct ffmpeg *ffmpeg = ffmpeg_of(encoder);
    yuv420_from_argb(pixels, ffmpeg->width, ffmpeg->height, ffmpeg->frame);
    for (uint64_t i = 0; i < times; i++) {
        if (!frame_write(ffmpeg, (const char *)ffmpeg->frame, ffmpeg->frame_bytes)) {
            process_wait(ffmpeg);
            error_compose(ffmpeg, "gave up");
            return false;
        }
    }
    return true;
}

static bool ffmpeg_finish(struct encoder *encoder) {
    struct ffmpeg *ffmpeg = ffmpeg_of(encoder);
    if (!process_wait(ffmpeg)) {
        error_compose(ffmpeg, "could not finish the file");
        return false;
    }
    return true;
}

static void ffmpeg_destroy(struct encoder *encoder) {
    struct ffmpeg *ffmpeg = ffmpeg_of(encoder);
    if (ffmpeg->process > 0) {
        kill(-ffmpeg->process, SIGKILL); /* its own group, which it leads */
        process_wait(ffmpeg);
    }
    frames_close(ffmpeg);
    if (ffmpeg->words >= 0) {
        close(ffmpeg->words);
    }
    free(ffmpeg->frame);
    free(ffmpeg);
}

static const struct encoder_ops ffmpeg_ops = {ffmpeg_write, ffmpeg_finish, ffmpeg_destroy};

/* ---- starting -------------------------------------------------------------------------------- */

struct command {
    const char *word[ARGUMENTS_MAX];
    size_t count;
};

static void add(struct command *command, const char *word) {
    OBS_ASSERT(command->count + 1 < ARGUMENTS_MAX);
    command->word[command->count++] = word;
    command->word[command->count] = NULL;
}

static void add_all(struct command *command, const char *const *words) {
    for (; *words != NULL; words++) {
        add(command, *words);
    }
}

/* yuv420p is what every player takes, and the colour matrix is named so that they all show the same
 * colours. The frame rate of the input is the output's. */
static void command_build(struct command *command, const char *program, const char *size,
                          const char *rate, const char *const *codec, const char *container,
                          const char *target) {
    static const char *const input[] = {"-hide_banner", "-loglevel", "error",    "-nostdin", "-y",
                                        "-f",           "rawvideo",  "-pix_fmt", "yuv420p",  NULL};
    static const char *const picture[] = {"-i",    "pipe:0",           "-an",   "-colorspace",
                                          "bt709", "-color_primaries", "bt709", "-color_trc",
                                          "bt709", "-color_range",     "tv",    NULL};
    add(command, program);
    add_all(command, input);
    add(command, "-video_size");
    add(command, size);
    add(command, "-framerate");
    add(command, rate);
    add_all(command, picture);
    add_all(command, codec);
    if (strcmp(container, "mp4") == 0) {
        add(command, "-movflags");
        add(command, "+faststart");
    }
    add(command, "-f");
    add(command, container);
    add(command, target);
}

static int process_spawn(const struct command *command, int frames, int words, pid_t *process) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults, none;
    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    sigaddset(&defaults, SIGINT);
    sigaddset(&defaults, SIGTERM);
    int rc = posix_spawn_file_actions_init(&actions);
    if (rc != 0) {
        return rc;
    }
    rc = posix_spawnattr_init(&attributes);
    if (rc == 0) {
        posix_spawn_file_actions_adddup2(&actions, frames, STDIN_FILENO);
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
        posix_spawn_file_actions_adddup2(&actions, words, STDERR_FILENO);
        posix_spawnattr_setpgroup(&attributes, 0);
        posix_spawnattr_setsigdefault(&attributes, &defaults);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
                                                  POSIX_SPAWN_SETSIGMASK);
        /* posix_spawn takes char *const[] for history's sake; it does not write to them. */
        char *words_copy[ARGUMENTS_MAX];
        memcpy(words_copy, command->word, sizeof(words_copy));
        rc = posix_spawn(process, command->word[0], &actions, &attributes, words_copy, environ);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return rc;
}

static void pair_close(int pair[2]) {
    for (int i = 0; i < 2; i++) {
        if (pair[i] >= 0) {
            close(pair[i]);
            pair[i] = -1;
        }
    }
}

static bool nonblocking(int fd) {
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

static bool codec_choose(const struct encoder_options *options, const struct codec **codec,
                         char *error, size_t error_size) {
    const char *name = options->codec;
    *codec = name != NULL ? codec_find(name) : codec_default(options->ending);
    if (*codec == NULL) {
        snprintf(error, error_size, "no codec %.40s: %s", name != NULL ? name : options->ending,
                 codec_names());
    } else if (!codec_suits(*codec, options->ending)) {
        snprintf(error, error_size, "%s does not go into a %s file", (*codec)->name,
                 options->ending);
        *codec = NULL;
    }
    return *codec != NULL;
}

struct encoder *encoder_ffmpeg_create(const struct encoder_options *options, char *error,
                                      size_t error_size) {
    OBS_ASSERT(options->width > 0 && options->height > 0 && options->fps > 0);
    const struct codec *codec = NULL;
    char program[1024], size[32], rate[32], target[4200];
    if (!encoder_find_program("ffmpeg", program, sizeof(program))) {
        snprintf(error, error_size, "ffmpeg is not installed");
        return NULL;
    }
    if (!codec_choose(options, &codec, error, error_size)) {
        return NULL;
    }
    snprintf(size, sizeof(size), "%dx%d", options->width, options->height);
    snprintf(rate, sizeof(rate), "%.6g", options->fps);
    /* A name with a colon is no protocol. */
    snprintf(target, sizeof(target), "file:%s", options->part);
    struct command command = {.count = 0};
    command_build(&command, program, size, rate, codec->words[options->quality],
                  strcasecmp(options->ending, ".webm") == 0 ? "webm" : "mp4", target);

    int frames[2] = {-1, -1}, words[2] = {-1, -1};
    pid_t process = 0;
    size_t frame_bytes = yuv420_bytes(options->width, options->height);
    uint8_t *frame = malloc(frame_bytes);
    struct ffmpeg *ffmpeg = calloc(1, sizeof(*ffmpeg));
    int rc = ffmpeg == NULL || frame == NULL ? ENOMEM : 0;
    if (rc == 0 && (pipe2(frames, O_CLOEXEC) != 0 || pipe2(words, O_CLOEXEC) != 0 ||
                    !nonblocking(frames[1]) || !nonblocking(words[0]))) {
        rc = errno;
    }
    rc = rc == 0 ? process_spawn(&command, frames[0], words[1], &process) : rc;
    if (rc != 0) {
        snprintf(error, error_size, "cannot start %s: %s", program, strerror(rc));
        pair_close(frames);
        pair_close(words);
        free(frame);
        free(ffmpeg);
        return NULL;
    }
    close(frames[0]);
    close(words[1]);
    (void)fcntl(frames[1], F_SETPIPE_SZ, 1 << 20); /* fewer switches; as it was if refused */
    ffmpeg->encoder.ops = &ffmpeg_ops;
    ffmpeg->process = process;
    ffmpeg->frames = frames[1];
    ffmpeg->words = words[0];
    ffmpeg->width = options->width;
    ffmpeg->height = options->height;
    ffmpeg->frame_bytes = frame_bytes;
    ffmpeg->frame = frame;
    return &ffmpeg->encoder;
}
