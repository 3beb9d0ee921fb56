#include "publisher.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "synthetic.h"

struct order {
    enum { ORDER_STEPS, ORDER_LIVE, ORDER_END } what;
    unsigned number;
};

/* The child's life. Its heartbeat goes on whether it publishes or not. */
static void serve(int from, int to, const char *name, unsigned interval_ms, unsigned tables) {
    static struct synthetic synthetic;
    char status = synthetic_open(&synthetic, name, interval_ms, tables) == SCOPE_OK ? 1 : 0;
    bool live = false;
    if (write(to, &status, 1) != 1 || status == 0) {
        return;
    }
    for (;;) {
        struct pollfd waiting = {.fd = from, .events = POLLIN};
        if (poll(&waiting, 1, live ? (int)interval_ms : -1) == 0) {
            synthetic_step(&synthetic);
            continue;
        }
        struct order order;
        if (read(from, &order, sizeof(order)) != (ssize_t)sizeof(order) ||
            order.what == ORDER_END) {
            break;
        }
        live = order.what == ORDER_LIVE ? order.number != 0 : live;
        if (order.what == ORDER_LIVE && !live) {
            synthetic_settle(&synthetic);
        }
        for (unsigned i = 0; order.what == ORDER_STEPS && i < order.number; i++) {
            synthetic_step(&synthetic);
        }
        if (write(to, &status, 1) != 1) {
            break;
        }
    }
    synthetic_close(&synthetic);
}

bool publisher_start(struct publisher *publisher, const char *name, unsigned interval_ms,
                     unsigned tables) {
    int down[2], up[2];
    if (pipe2(down, O_CLOEXEC) != 0 || pipe2(up, O_CLOEXEC) != 0) {
        return false;
    }
    *publisher = (struct publisher){.to = down[1], .from = up[0], .name = name};
    publisher->pid = fork();
    if (publisher->pid == 0) {
        close(down[1]);
        close(up[0]);
        serve(down[0], up[1], name, interval_ms, tables);
        _exit(0);
    }
    close(down[0]);
    close(up[1]);
    char status = 0;
    return read(publisher->from, &status, 1) == 1 && status == 1;
}

static void tell(struct publisher *publisher, struct order order) {
    char status;
    if (write(publisher->to, &order, sizeof(order)) != (ssize_t)sizeof(order) ||
        read(publisher->from, &status, 1) != 1) {
        fprintf(stderr, "bench_observer: the publisher is gone\n");
        exit(1);
    }
}

void publisher_steps(struct publisher *publisher, unsigned steps) {
    tell(publisher, (struct order){ORDER_STEPS, steps});
}

void publisher_live(struct publisher *publisher, bool on) {
    tell(publisher, (struct order){ORDER_LIVE, on ? 1 : 0});
}

void publisher_stop(struct publisher *publisher) {
    close(publisher->to); /* the end of its orders */
    (void)waitpid(publisher->pid, NULL, 0);
    close(publisher->from);
}

bool publisher_copy(const struct publisher *publisher, const char *path) {
    char name[128];
    snprintf(name, sizeof(name), "/dev/shm/lsmscope.%s", publisher->name);
    int in = open(name, O_RDONLY | O_CLOEXEC);
    int out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    static char buffer[1 << 20];
    ssize_t got = -1;
    while (in >= 0 && out >= 0 && (got = read(in, buffer, sizeof(buffer))) > 0) {
        if (write(out, buffer, (size_t)got) != got) {
            got = -1;
            break;
        }
    }
    close(in);
    close(out);
    return got == 0;
}

bool publisher_write_csv(const char *path, unsigned rows) {
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        return false;
    }
    fputs("ts_ms,ops_total,ops_put,ops_get,ops_del,memtable_bytes,sst_count_L0,sst_count_L1,"
          "sst_count_L2,sst_bytes_L0,sst_bytes_L1,sst_bytes_L2,event\n",
          file);
    uint64_t random = 88172645463325252u, ms = 1700000000000u, memtable = 0;
    uint64_t count[3] = {0}, bytes[3] = {0};
    for (unsigned i = 0; i < rows; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        unsigned put = 500 + (unsigned)(random % 40), get = 200 + (unsigned)(random >> 16) % 30;
        unsigned del = 50 + (unsigned)(random >> 32) % 10;
        const char *event = "";
        memtable += (uint64_t)put * 156;
        if (memtable > 1u << 20) {
            memtable = 0;
            count[0]++;
            bytes[0] += 1000000 + random % 50000;
            event = "flush";
        }
        for (int level = 0; level < 2; level++) {
            if (count[level] >= (level == 0 ? 4u : 100u)) {
                count[level + 1] += count[level];
                bytes[level + 1] += bytes[level];
                count[level] = bytes[level] = 0;
                event = level == 0 ? "flush;compact_L0_L1" : "flush;compact_L1_L2";
            }
        }
        ms += 100;
        fprintf(file, "%llu,%u,%u,%u,%u,%llu,%llu,%llu,%llu,%llu,%llu,%llu,%s\n",
                (unsigned long long)ms, put + get + del, put, get, del,
                (unsigned long long)memtable, (unsigned long long)count[0],
                (unsigned long long)count[1], (unsigned long long)count[2],
                (unsigned long long)bytes[0], (unsigned long long)bytes[1],
                (unsigned long long)bytes[2], event);
    }
    return fclose(file) == 0;
}
