/* meters.h: a list of labelled figures with their trends: a row or a graph each where there is
 * room, side by side where there is not.
 *
 * Threads:    one thread. */
#ifndef TOP_METERS_H
#define TOP_METERS_H

#include "moment.h"

enum { METERS_MAX = 16, METER_LABEL_COLUMNS = 11, METER_VALUE_COLUMNS = 11 };

struct meter {
    const char *label;
    char value[64];
    enum hue hue;
    bool trend; /* of a metric: */
    uint32_t id;
    enum history_form form;
    double top; /* the trend's axis; 0: by its largest value */
};
struct meters {
    struct meter meter[METERS_MAX];
    int count;
};

/* Each adds a meter when the metric is known. */
void meters_bandwidth(struct meters *meters, const struct moment *moment, const char *label,
                      enum hue hue, uint32_t id); /* bytes counter: bytes a second */
void meters_rate(struct meters *meters, const struct moment *moment, const char *label,
                 enum hue hue, uint32_t id); /* counter: times a second */
void meters_bytes(struct meters *meters, const struct moment *moment, const char *label,
                  enum hue hue, uint32_t id); /* gauge */
void meters_count(struct meters *meters, const struct moment *moment, const char *label,
                  enum hue hue, uint32_t id); /* gauge */
/* A figure of the caller's own, without a trend. */
struct meter *meters_add(struct meters *meters, const char *label, enum hue hue);

/* Rows they take side by side, and one below the other. */
int meters_rows_least(const struct meters *meters, int columns);
void meters_draw(const struct meters *meters, const struct moment *moment, const struct pane *pane);

#endif
