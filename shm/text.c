/* text.c: text that goes into a segment or comes out of one. What a segment holds may have been
 * written by anybody, and ends up in terminals and fonts: only whole, valid UTF-8 characters
 * without control codes pass. */
#include "segment.h"

#include <string.h>

#include "scope_check.h"

/* Bytes of the valid UTF-8 character at `text`, 0 when there is none within `available` bytes. */
static size_t character_length(const unsigned char *text, size_t available) {
    size_t length = text[0] < 0x80   ? 1
                    : text[0] < 0xc2 ? 0
                    : text[0] < 0xe0 ? 2
                    : text[0] < 0xf0 ? 3
                    : text[0] < 0xf5 ? 4
                                     : 0;
    if (length == 0 || length > available) {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    /* Overlong forms, surrogates and what lies beyond U+10FFFF show in the second byte. */
    if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] >= 0xa0) ||
        (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] >= 0x90)) {
        return 0;
    }
    return length;
}

void scope_text_copy(char *target, size_t target_size, const char *source, size_t source_size) {
    SCOPE_ASSERT(target_size > 0);
    const unsigned char *text = (const unsigned char *)source;
    size_t from = 0;
    size_t to = 0;
    while (from < source_size && text[from] != 0) {
        size_t length = character_length(text + from, source_size - from);
        char replacement = 0;
        if (length == 0) {
            replacement = '?';
        } else if (length == 1 && (text[from] < 0x20 || text[from] == 0x7f)) {
            replacement = text[from] == '\t' || text[from] == '\n' ? ' ' : '?';
        } else if (length == 2 && text[from] == 0xc2 && text[from + 1] < 0xa0) {
            replacement = '?'; /* the C1 control codes: terminals obey them too */
        }
        size_t put = replacement ? 1 : length;
        if (to + put >= target_size) {
            break;
        }
        if (replacement) {
            target[to] = replacement;
        } else {
            memcpy(target + to, text + from, length);
        }
        to += put;
        from += length == 0 ? 1 : length;
    }
    memset(target + to, 0, target_size - to);
}
