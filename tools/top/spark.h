/* spark.h: sparklines, graphs and bars of block elements and braille dots.
 *
 * A spark is one row high and shows the peak of each column, so that nothing is averaged away. A
 * graph is several rows high, filled with braille dots to the mean of each half column, with a dot
 * of its own at the peak. What is not known stays blank.
 *
 * Threads:    one thread. */
#ifndef TOP_SPARK_H
#define TOP_SPARK_H

#include "grid.h"

struct spark_point {
    bool known;
    bool stalled; /* writes stood still in here: drawn in the stall's colour */
    double mean, peak;
};

enum { SPARK_POINTS_MAX = 1024 };

/* `count` points, one a column. `top`: what fills a cell; values above it are cut off there. */
void spark_row(const struct pane *pane, int x, int y, style_bits style,
               const struct spark_point *point, int count, double top);
/* `count` points, two a column: (count + 1) / 2 columns, `rows` high. */
void spark_graph(const struct pane *pane, int x, int y, int rows, style_bits style,
                 const struct spark_point *point, int count, double top);
/* A horizontal bar `columns` wide, `share` of it filled; its last column is lower by what it lacks.
 * Above 1 it is full. A share above 0 shows. */
void spark_bar(const struct pane *pane, int x, int y, int columns, style_bits style, double share);

/* The axis' end for a largest value: the next of 1, 1.5, 2, 3, 4, 5, 6, 8 times a power of ten, so
 * that it rarely moves. 1 when there is nothing. */
double spark_top(double largest);
/* The same for bytes: decimal multiples of a power of 1024. */
double spark_top_bytes(double largest);

#endif
