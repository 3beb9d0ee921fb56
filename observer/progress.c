#include "progress.h"

#include <langinfo.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "obs_check.h"
#include "units.h"

static const double TELL_S = 0.1;
enum { BAR_MOST = 40, COLUMNS_UNKNOWN = 80 };

/* `width` cells, filled to `share`; the last one by eighths. */
static void bar_make(double share, int width, bool ascii, char *bar, size_t size) {
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    int filled = (int)floor(share * width * 8.0), used = filled / 8;
    bar[0] = '\0';
    for (int i = 0; i < width; i++) {
        const char *cell = i < used ? (ascii ? "#" : "█") : ascii ? "." : " ";
        if (i == used && !ascii && filled % 8 > 0) {
            cell = eighths[filled % 8];
        }
        size_t length = strlen(bar);
        (void)snprintf(bar + length, size - length, "%s", cell);
    }
}

void progress_line(size_t done, size_t total, double elapsed_s, int columns, bool ascii,
                   char line[PROGRESS_LINE_MAX]) {
    OBS_ASSERT(done <= total && total > 0);
    double share = (double)done / (double)total;
    double rate = elapsed_s > 0 ? (double)done / elapsed_s : 0;
    char left[UNITS_TEXT] = "", tail[128], bar[BAR_MOST * 4 + 1];
    if (rate > 0) {
        units_duration(ceil((double)(total - done) / rate), left, sizeof(left));
    }
    (void)snprintf(tail, sizeof(tail), "%zu of %zu  %.0f/s  %s%s", done, total, rate, left,
                   left[0] != '\0' ? " left" : "");
    if ((int)strlen(tail) + 10 >= columns) { /* what is left tells more than what was done */
        (void)snprintf(tail, sizeof(tail), "%s%s", left, left[0] != '\0' ? " left" : "");
    }
    int room = columns - 1 - 10 - (int)strlen(tail);
    int width = room > BAR_MOST ? BAR_MOST : room < 0 ? 0 : room;
    bar_make(share, width, ascii, bar, sizeof(bar));
    (void)snprintf(line, PROGRESS_LINE_MAX, "%4.0f %%  %s  %s", floor(share * 100), bar, tail);
}

void progress_begin(struct progress *progress, size_t total, double now_s) {
    *progress = (struct progress){
        .shown = isatty(STDERR_FILENO) != 0, .total = total, .began_s = now_s, .told_s = now_s};
}

void progress_tell(struct progress *progress, size_t done, double now_s) {
    if (!progress->shown || (now_s - progress->told_s < TELL_S && done < progress->total)) {
        return;
    }
    progress->told_s = now_s;
    struct winsize size = {0};
    int columns = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col
                                                                                  : COLUMNS_UNKNOWN;
    char line[PROGRESS_LINE_MAX];
    bool ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
    progress_line(done, progress->total, now_s - progress->began_s, columns, ascii, line);
    (void)fprintf(stderr, "\r%s\033[K", line);
}

void progress_end(const struct progress *progress) {
    if (progress->shown) {
        (void)fputs("\r\033[K", stderr);
    }
}
