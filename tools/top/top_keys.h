/* top_keys.h: keys that are no character, whatever the terminal sends for them.
 *
 * Threads:    any; no state. */
#ifndef TOP_KEYS_H
#define TOP_KEYS_H

enum top_key {
    TOP_KEYS_FIRST = 0x110000, /* beyond Unicode */
    TOP_KEY_LEFT,
    TOP_KEY_RIGHT,
    TOP_KEY_UP,
    TOP_KEY_DOWN,
    TOP_KEY_PAGE_UP,
    TOP_KEY_PAGE_DOWN,
    TOP_KEY_HOME,
    TOP_KEY_END,
    TOP_KEY_BACK_TAB,
    TOP_KEY_ENTER,
    TOP_KEY_ESCAPE,
    TOP_KEY_BACKSPACE,
    TOP_KEY_F1
};

#endif
