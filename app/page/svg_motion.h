/* SPDX-License-Identifier: Apache-2.0 */
/* svg_motion.h - a figure that plays: its trails as far as they were walked, and where that is in
 * its curves over the steps.
 *
 *     svg_put_player(p, &figure);                 a button, a slider, the step
 *     svg_write(p, &figure, SVG_INLINE);
 *     svg_put_motion(p, &figure);                 what motion.js plays
 *     ...
 *     page_script(p, &asset_player_js);
 *     page_script(p, &asset_motion_js);
 *
 * The trails are those that have `step`, of all panels; the figure has an id.
 */
#ifndef RAVINE_PAGE_SVG_MOTION_H
#define RAVINE_PAGE_SVG_MOTION_H

#include "page/svg_chart.h"

bool svg_plays(const svg_figure *figure);
void svg_put_player(page *p, const svg_figure *figure);
void svg_put_motion(page *p, const svg_figure *figure);
/* In a file by itself, before svg_end(): dots that walk the trails, and where they are in the
 * curves over the steps, without a script. Nothing of a figure that does not play. */
void svg_put_animation(page *p, const svg_figure *figure);

#endif
