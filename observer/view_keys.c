/* The keys, told once: for the help card, for --help, and for the manual. What they do is in
 * window_input.c. */
#include "view.h"

const struct view_key *view_keys(size_t *count) {
    static const struct view_key keys[] = {
        {"1-9, click a title", "that panel alone, and back", "Panels"},
        {"Tab, Shift+Tab", "the next panel alone", "Panels"},
        {"O", "two columns or one", "Panels"},
        {"P", "large type, for the back of the room", "Panels"},
        {"K", "the latency panel's operation", "Panels"},
        {"C", "compared runs: same plots or side by side", "Panels"},
        {"I, rest on a title", "what a panel shows", "Panels"},
        {"Space", "pause and resume the picture", "Time"},
        {"F, Home", "fit: the whole run, following", "Time"},
        {"L, End", "follow the newest data", "Time"},
        {"+, -, wheel", "zoom in and out", "Time"},
        {"Left, Right, drag", "move", "Time"},
        {"mini-map", "drag its frame or edges; click to jump", "Time"},
        {", .  Shift+arrows", "crosshair by a sample", "Time"},
        {"[ ]", "to the stall, marker, error before or after", "Time"},
        {"M", "a marker, at the crosshair or now", "Keep"},
        {"S", "save a screenshot", "Keep"},
        {"V", "start and stop recording a video", "Keep"},
        {"R", "start and stop a recording of the run (.lsr)", "Keep"},
        {"T", "dark or light", "Window"},
        {"F11, Shift+F", "full screen", "Window"},
        {"D", "the run's command line", "Window"},
        {"1-9, Up, Down, Enter", "choose a driver from the list", "Window"},
        {"?, H, F1", "this help", "Window"},
        {"Esc", "back; with nothing open: quit", "Window"},
        {"Q", "quit", "Window"},
    };
    *count = sizeof keys / sizeof keys[0];
    return keys;
}
