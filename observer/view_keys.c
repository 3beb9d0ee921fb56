/* The keys, told once: for the help card, for --help, and for the manual. What they do is in
 * window_input.c. Kept short: the card fits a window of 640x400. */
#include "view.h"

const struct view_key *view_keys(size_t *count) {
    static const struct view_key keys[] = {
        {"1-9, click title", "that panel alone, and back", "Panels"},
        {"Tab, Shift+Tab", "the next panel alone", "Panels"},
        {"O", "two columns or one", "Panels"},
        {"P", "presenter: large type", "Panels"},
        {"I, rest on title", "what a panel shows", "Panels"},
        {"K", "another kind of latency", "Panels"},
        {"C", "runs overlaid or side by side", "Panels"},
        {"Space", "pause and resume the picture", "Time"},
        {"F, Home", "fit: the whole run, following", "Time"},
        {"L, End", "follow the newest data", "Time"},
        {"+, -, wheel", "zoom time in and out", "Time"},
        {"Left, Right, drag", "move through time", "Time"},
        {", . Shift+arrows", "crosshair by a sample", "Time"},
        {"[ ]", "to a stall, marker or error", "Time"},
        {"mini-map", "drag, resize, click", "Time"},
        {"M", "put a marker and name it", "Keep"},
        {"S", "save a screenshot", "Keep"},
        {"V", "start and stop a video", "Keep"},
        {"R", "start and stop a recording (.lsr)", "Keep"},
        {"T", "dark or light", "Window"},
        {"F11, Shift+F", "full screen", "Window"},
        {"D", "the run's command line", "Window"},
        {"1-9, Up, Down, Enter", "choose a driver", "Window"},
        {"?, H, F1", "this help", "Window"},
        {"Esc", "back; else quit", "Window"},
        {"Q", "quit", "Window"},
    };
    *count = sizeof keys / sizeof keys[0];
    return keys;
}
