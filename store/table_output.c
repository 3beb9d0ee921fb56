#include "table_output.h"

#include <stdlib.h>
#include <string.h>

int lsm_output_open(struct lsm_output *output, struct lsm_io *io, struct lsm_queue *queue,
                    const char *path, const struct lsm_output_options *options,
                    struct lsm_fault *fault) {
    uint64_t size_hint = options->size_hint;
    bool large = size_hint >= LSM_HUGE_PAGE;
    bool huge = large && !options->direct && lsm_io_maps(io);
    *output = (struct lsm_output){
        .queue = queue,
        .paged = large,
        .pool = options->pool,
        .piece = huge ? LSM_OUTPUT_HUGE_PIECE : LSM_OUTPUT_PIECE,
        .buffers = huge ? LSM_OUTPUT_HUGE_BUFFERS : LSM_OUTPUT_BUFFERS,
    };
    unsigned flags =
        LSM_FILE_WRITE | LSM_FILE_CREATE | (options->direct ? (unsigned)LSM_FILE_DIRECT : 0u);
    int rc = lsm_file_open(io, path, flags, &output->file, fault);
    if (rc != 0 || size_hint == 0) {
        return rc;
    }
    rc = lsm_file_allocate(output->file, size_hint, fault);
    if (rc != 0) {
        lsm_file_close(output->file);
        output->file = NULL;
        /* The first failure is the one to tell: a file that stays is found obsolete later. */
        struct lsm_fault ignored;
        int unlinked = lsm_io_unlink(io, path, &ignored);
        (void)unlinked;
        return rc;
    }
    output->allocated = true;
    return 0;
}

/* The failure of a request that has landed becomes the output's. */
static void note_result(struct lsm_output *output, const struct lsm_flight *flight) {
    LSM_ASSERT(!flight->in_air);
    if (flight->request.result != 0 && output->error == 0) {
        output->error = flight->request.result;
    }
}

static int check_error(struct lsm_output *output, struct lsm_fault *fault) {
    if (output->error == 0) {
        return 0;
    }
    return lsm_fail_errno(fault, output->error, "write", lsm_file_path(output->file));
}

/* Sends the current buffer off and turns to the next, waiting until that one has been written. */
static int send_current(struct lsm_output *output, uint32_t length, struct lsm_fault *fault) {
    LSM_ASSERT(length >= output->filled && length <= output->piece);
    struct lsm_flight *flight = &output->buffer[output->current].flight;
    flight->request = (struct lsm_request){
        .op = LSM_REQUEST_WRITE,
        .file = output->file,
        .offset = output->offset - output->filled,
        .buffer = output->buffer[output->current].data,
        .length = length,
    };
    lsm_flight_push(output->queue, flight);
    lsm_flight_start(output->queue);
    output->filled = 0;
    output->current = (output->current + 1) % output->buffers;
    struct lsm_flight *following = &output->buffer[output->current].flight;
    lsm_flight_wait(output->queue, following);
    note_result(output, following);
    return check_error(output, fault);
}

/* The memory of the current buffer. NULL: there is none. */
static uint8_t *allocate(struct lsm_output *output) {
    if (!output->paged) {
        return aligned_alloc(LSM_DIRECT_ALIGN, output->piece);
    }
    bool own_page = output->piece == LSM_OUTPUT_HUGE_PIECE;
    if (own_page || output->pages == NULL) {
        struct lsm_page *page = lsm_page_take(output->pool);
        if (page == NULL) {
            return NULL;
        }
        page->next = output->pages;
        output->pages = page;
    }
    return output->pages->bytes + (own_page ? 0 : (size_t)output->current * output->piece);
}

/* Makes sure that the current buffer is there. */
static int reach_buffer(struct lsm_output *output, struct lsm_fault *fault) {
    uint8_t **buffer = &output->buffer[output->current].data;
    if (__builtin_expect(*buffer == NULL, 0)) {
        *buffer = allocate(output);
        if (*buffer == NULL) {
            return lsm_fail(fault, LSM_ERR_MEMORY, "%s: no memory for an output buffer",
                            lsm_file_path(output->file));
        }
    }
    return 0;
}

/* `size` bytes were put into the current buffer. */
static int advance(struct lsm_output *output, uint32_t size, struct lsm_fault *fault) {
    output->filled += size;
    output->offset += size;
    return output->filled == output->piece ? send_current(output, output->piece, fault) : 0;
}

uint8_t *lsm_output_place(struct lsm_output *output, uint64_t size) {
    struct lsm_fault unused; /* the append that follows fails too */
    LSM_ASSERT(output->file != NULL && output->filled < output->piece);
    if (size > output->piece - output->filled || output->error != 0 ||
        reach_buffer(output, &unused) != 0) {
        return NULL;
    }
    return output->buffer[output->current].data + output->filled;
}

int lsm_output_wrote(struct lsm_output *output, uint64_t size, struct lsm_fault *fault) {
    LSM_ASSERT(size <= output->piece - output->filled && output->error == 0);
    return advance(output, (uint32_t)size, fault);
}

int lsm_output_append(struct lsm_output *output, const void *data, uint64_t size,
                      struct lsm_fault *fault) {
    LSM_ASSERT(output->file != NULL && output->filled < output->piece);
    int rc = check_error(output, fault);
    const uint8_t *p = data;
    while (rc == 0 && size != 0) {
        rc = reach_buffer(output, fault);
        if (rc != 0) {
            break;
        }
        uint32_t room = output->piece - output->filled;
        uint32_t part = size < room ? (uint32_t)size : room;
        memcpy(output->buffer[output->current].data + output->filled, p, part);
        p += part;
        size -= part;
        rc = advance(output, part, fault);
    }
    return rc;
}

static void land_all(struct lsm_output *output) {
    for (uint32_t i = 0; i < output->buffers; i++) {
        lsm_flight_wait(output->queue, &output->buffer[i].flight);
        note_result(output, &output->buffer[i].flight);
    }
}

int lsm_output_finish(struct lsm_output *output, struct lsm_fault *fault) {
    int rc = check_error(output, fault);
    bool padded = false;
    if (rc == 0 && output->filled != 0) {
        uint32_t length = output->filled;
        if (lsm_file_is_direct(output->file)) {
            uint32_t align = LSM_DIRECT_ALIGN - 1;
            length = (length + align) & ~align;
            padded = length != output->filled;
            memset(output->buffer[output->current].data + output->filled, 0,
                   length - output->filled);
        }
        rc = send_current(output, length, fault);
    }
    land_all(output);
    if (rc == 0) {
        rc = check_error(output, fault);
    }
    if (rc == 0 && (output->allocated || padded)) {
        rc = lsm_file_truncate(output->file, output->offset, fault);
    }
    if (rc == 0) {
        rc = lsm_file_sync(output->file, fault);
    }
    return rc;
}

void lsm_output_close(struct lsm_output *output) {
    land_all(output);
    for (uint32_t i = 0; i < output->buffers && !output->paged; i++) {
        free(output->buffer[i].data);
    }
    lsm_page_give_all(output->pool, output->pages);
    lsm_file_close(output->file);
    *output = (struct lsm_output){0};
}
