/* SPDX-License-Identifier: Apache-2.0 */
/* race_command.h - what `ravine race` ran, for those who print it: as a table with a picture, as
 * JSON, CSV, SVG, or a page. Each writes to stdout and returns 0 or an exit code. */
#ifndef RAVINE_COMMANDS_RACE_COMMAND_H
#define RAVINE_COMMANDS_RACE_COMMAND_H

#include "cli/cli.h"
#include "surface/race.h"

enum { CONTEST_MOST = 64, CONTEST_LEVELS = 13 };

typedef struct contest {
    surface *surface;
    const char *schedule; /* of every run; NULL: constant */
    int64_t steps;
    ravine_dtype dtype;
    int count;                        /* of runs */
    char *optimizer[CONTEST_MOST];    /* as given, with single blanks */
    race_result result[CONTEST_MOST]; /* with a trace, except for JSON */
} contest;

int contest_print_json(const contest *c);
int contest_print_csv(const contest *c);
int contest_print_terminal(const contest *c);
int contest_print_svg(const contest *c);
int contest_print_html(const contest *c);
int contest_print_surfaces(bool json);

const char *contest_dtype(const contest *c); /* "f64" or "f32" */

/* cmd_race.c: "1,0.5", one number for each coordinate. */
int race_read_start(const char *text, const surface *s, double start[SURFACE_SIZE_MAX]);

/* And --schedule with its shares of the steps, for free(); NULL: none is given. */
int race_read_schedule(const cli_args *args, char **schedule);

/* race_plane.c: the window of the picture of a surface of two coordinates - its axes, wide enough
 * for every start - and heights that cut it into bands of given area, rising. */
typedef struct contest_plane {
    double x[2], y[2];
    double level[CONTEST_LEVELS];
} contest_plane;
contest_plane contest_make_plane(const contest *c);
double contest_height(void *surface, double x, double y); /* the loss, of a `const surface` */

/* What an axis of the loss above the least shows: as little as the race's numbers can tell beside
 * the start, or all that the runs need where that is less. */
typedef struct contest_heights {
    double least, most; /* 0 and 0: there is no least loss, or nothing above it */
} contest_heights;
contest_heights contest_find_heights(const contest *c);

#endif
