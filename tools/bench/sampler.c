#include "sampler.h"

#include <dirent.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

enum { PERIOD_NS = 100000000, LOGS = 64, NAME = 64 };

struct log_file {
    char name[NAME];
    uint64_t size; /* the largest seen */
    bool seen;
};

struct bench_sampler {
    pthread_t thread;
    pthread_mutex_t lock; /* guards everything below */
    pthread_cond_t wake;
    bool stop;
    char dir[512];
    char suffix[16];
    double anon_peak, mapped_peak;
    double cpu_begin, own_cpu_begin, written_begin;
    double wal_seen, wal_begin;
    struct log_file logs[LOGS];
};

static void read_memory(double *anon, double *mapped) {
    char line[256];
    unsigned long anonymous = 0;
    unsigned long file_backed = 0;
    unsigned long shared = 0;
    FILE *file = fopen("/proc/self/status", "re");
    if (file == NULL) {
        return;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        (void)(sscanf(line, "RssAnon: %lu kB", &anonymous) == 1 ||
               sscanf(line, "RssFile: %lu kB", &file_backed) == 1 ||
               sscanf(line, "RssShmem: %lu kB", &shared) == 1);
    }
    (void)fclose(file);
    *anon = 1024.0 * (double)anonymous;
    *mapped = 1024.0 * (double)(file_backed + shared);
}

static double read_written(void) {
    char line[256];
    unsigned long long bytes = 0;
    FILE *file = fopen("/proc/self/io", "re");
    if (file == NULL) {
        return 0;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        (void)sscanf(line, "write_bytes: %llu", &bytes);
    }
    (void)fclose(file);
    return (double)bytes;
}

static struct log_file *log_named(struct bench_sampler *s, const char *name) {
    struct log_file *free_place = NULL;
    for (int i = 0; i < LOGS; i++) {
        if (strcmp(s->logs[i].name, name) == 0) {
            return &s->logs[i];
        }
        if (s->logs[i].name[0] == '\0') {
            free_place = &s->logs[i];
        }
    }
    if (free_place != NULL) {
        (void)snprintf(free_place->name, NAME, "%.63s", name);
        free_place->size = 0;
    }
    return free_place;
}

/* A log file that is gone gives its place to the next; what it had grown to is counted already. */
static void look_at_logs(struct bench_sampler *s) {
    size_t ending = strlen(s->suffix);
    DIR *dir = ending > 0 ? opendir(s->dir) : NULL;
    if (dir == NULL) {
        return;
    }
    for (int i = 0; i < LOGS; i++) {
        s->logs[i].seen = false;
    }
    for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        size_t length = strlen(e->d_name);
        struct stat st;
        if (length < ending || length >= NAME ||
            strcmp(e->d_name + length - ending, s->suffix) != 0 ||
            fstatat(dirfd(dir), e->d_name, &st, 0) != 0) {
            continue;
        }
        struct log_file *log = log_named(s, e->d_name);
        if (log != NULL) {
            log->seen = true;
            if ((uint64_t)st.st_size > log->size) {
                s->wal_seen += (double)((uint64_t)st.st_size - log->size);
                log->size = (uint64_t)st.st_size;
            }
        }
    }
    (void)closedir(dir);
    for (int i = 0; i < LOGS; i++) {
        if (!s->logs[i].seen) {
            s->logs[i].name[0] = '\0';
        }
    }
}

/* Under the lock. */
static void sample(struct bench_sampler *s) {
    double anon = 0;
    double mapped = 0;
    read_memory(&anon, &mapped);
    s->anon_peak = anon > s->anon_peak ? anon : s->anon_peak;
    s->mapped_peak = mapped > s->mapped_peak ? mapped : s->mapped_peak;
    look_at_logs(s);
}

static void *body(void *argument) {
    struct bench_sampler *s = argument;
    struct timespec next;
    (void)clock_gettime(CLOCK_MONOTONIC, &next);
    pthread_mutex_lock(&s->lock);
    while (!s->stop) {
        next.tv_nsec += PERIOD_NS;
        if (next.tv_nsec >= 1000000000) {
            next.tv_nsec -= 1000000000;
            next.tv_sec++;
        }
        while (!s->stop && pthread_cond_timedwait(&s->wake, &s->lock, &next) == 0) {
        }
        sample(s);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

struct bench_sampler *bench_sampler_start(const char *dir, const char *wal_suffix) {
    struct bench_sampler *s = calloc(1, sizeof *s);
    pthread_condattr_t attributes;
    if (s == NULL) {
        return NULL;
    }
    (void)snprintf(s->dir, sizeof s->dir, "%s", dir);
    (void)snprintf(s->suffix, sizeof s->suffix, "%s", wal_suffix);
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&s->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    if (pthread_create(&s->thread, NULL, body, s) != 0) {
        free(s);
        return NULL;
    }
    return s;
}

void bench_sampler_stop(struct bench_sampler *sampler) {
    pthread_mutex_lock(&sampler->lock);
    sampler->stop = true;
    pthread_cond_signal(&sampler->wake);
    pthread_mutex_unlock(&sampler->lock);
    pthread_join(sampler->thread, NULL);
    pthread_cond_destroy(&sampler->wake);
    pthread_mutex_destroy(&sampler->lock);
    free(sampler);
}

static double own_cpu(const struct bench_sampler *s) {
    clockid_t clock;
    return pthread_getcpuclockid(s->thread, &clock) == 0 ? bench_cpu_s(clock) : 0;
}

void bench_sampler_begin(struct bench_sampler *sampler) {
    pthread_mutex_lock(&sampler->lock);
    sampler->anon_peak = 0;
    sampler->mapped_peak = 0;
    sample(sampler);
    sampler->wal_begin = sampler->wal_seen;
    sampler->written_begin = read_written();
    sampler->own_cpu_begin = own_cpu(sampler);
    sampler->cpu_begin = bench_cpu_s(CLOCK_PROCESS_CPUTIME_ID);
    pthread_mutex_unlock(&sampler->lock);
}

void bench_sampler_read(struct bench_sampler *sampler, struct bench_usage *usage) {
    double cpu = bench_cpu_s(CLOCK_PROCESS_CPUTIME_ID);
    pthread_mutex_lock(&sampler->lock);
    usage->cpu_s = cpu - sampler->cpu_begin - (own_cpu(sampler) - sampler->own_cpu_begin);
    sample(sampler);
    usage->anon_peak = sampler->anon_peak;
    usage->mapped_peak = sampler->mapped_peak;
    usage->written = read_written() - sampler->written_begin;
    usage->wal_seen = sampler->wal_seen - sampler->wal_begin;
    pthread_mutex_unlock(&sampler->lock);
}
