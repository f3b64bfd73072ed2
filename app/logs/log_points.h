/* SPDX-License-Identifier: Apache-2.0 */
/* log_points.h - the moments of a training from the rows of its log. */
#ifndef RAVINE_LOGS_LOG_POINTS_H
#define RAVINE_LOGS_LOG_POINTS_H

#include "logs/log.h"

/* Makes the points of the names that were taken: what belongs to one step is one point, steps rise,
 * of steps that were logged twice the later ones count. Fails where too little is left. */
int log_make_points(log_data *log);

#endif
