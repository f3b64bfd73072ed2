/* SPDX-License-Identifier: Apache-2.0 */
/* plot.h - lines on a terminal: braille dots where the locale can show them, else characters.
 *
 *     plot p = {.out = stdout, .columns = cli_width(stdout), .braille = plot_has_braille()};
 *     plot_print(&p, &(plot_series){"lr", x, y, n}, 1);
 */
#ifndef RAVINE_CLI_PLOT_H
#define RAVINE_CLI_PLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* n points joined by lines in their order. One that is not finite - or, on a log axis, not above
 * 0 - leaves a gap. */
typedef struct plot_series {
    const char *name; /* shown when there are several */
    const double *x, *y;
    size_t n;
} plot_series;

/* What an axis shows; lines are cut where they leave it. Equal: what the series need. */
typedef struct plot_axis {
    double least, most;
} plot_axis;

typedef struct plot {
    FILE *out;
    int columns; /* the whole width; kept within [24, 160] */
    int rows;    /* of the picture itself, at most 40; 0: what suits the width */
    bool braille;
    bool color; /* ANSI colours tell the series apart */
    bool log_y;
    plot_axis x_axis, y_axis;
    const plot_series *ground; /* faint lines under the others: contours; NULL: none */
} plot;

/* True if the locale of the environment is UTF-8. */
bool plot_has_braille(void);
/* Several series without colour are drawn with a character each, even where braille is on; the
 * ground stays braille. Prints "nothing to draw" if no point can be shown. */
void plot_print(const plot *p, const plot_series *series, size_t count);

#endif
