/* SPDX-License-Identifier: Apache-2.0 */
#include "page/svg_chart.h"

#include "page/languages.h"
#include "page/svg_frame.h"

#include <math.h>

enum {
    LINE_HEIGHT = 22, /* of texts at their largest, as the rooms below */
    TICK_ROOM = 26,   /* from the plot area to the label of the x axis */
    LABEL_ROOM = 22,
    TICK_GAP = 8, /* between two labels, and from a label to the plot area */
    GAP = 12,     /* between two panels */
    PLOT_HEIGHT = 220,
    SWATCH = 18,
    STRIDES = 6 /* between ticks, at most */
};

/* ---- axes ---- */

static void widen(svg_span *s, double value) {
    const double v = svg_scaled(s, value);
    if (!(fabs(v) < 1e307)) return; /* or the span is no number */
    s->low = fmin(s->low, v);
    s->high = fmax(s->high, v);
}

/* The share of a span that stays free on both sides of the values of y. */
#define AIR 0.04

static double height_of(const svg_panel *panel) {
    return panel->height > 0 ? panel->height : PLOT_HEIGHT;
}

static int columns_of(const svg_panel *panel) {
    return panel->columns > 0 ? panel->columns : 1;
}

/* The span that an axis asks for, or that its values need, with `air` on both sides. */
static svg_span span_of(const svg_axis *axis, const svg_panel *panel, bool is_x, double air) {
    svg_span s = {INFINITY, -INFINITY, axis->log};
    if (axis->least < axis->greatest) {
        widen(&s, axis->least);
        widen(&s, axis->greatest);
        return s;
    }
    for (size_t k = 0; k < panel->nseries; k++) {
        const svg_series *series = &panel->series[k];
        const double *value = is_x ? series->x : series->y;
        for (size_t i = 0; i < series->n; i++) widen(&s, value ? value[i] : (double)i);
    }
    for (size_t k = 0; !is_x && k < panel->nlevels; k++) widen(&s, panel->level[k].at);
    if (s.low > s.high) return (svg_span){0, 1, axis->log};
    const double room = s.high > s.low ? air * (s.high - s.low) : 0.5 * fmax(fabs(s.low), 1);
    s.low -= room;
    s.high += room;
    return s;
}

/* ---- ticks ---- */

static double end_of(const svg_span *s, double end) {
    return s->log ? pow(10, end) : end;
}

static void write_tick(const svg_scale *ticks, size_t k, char text[SVG_TICK_TEXT]) {
    svg_number(ticks->at[k], ticks->powers, text, SVG_TICK_TEXT);
}

static svg_scale ticks_of(const svg_axis *axis, const svg_span *s, int strides) {
    svg_scale t = {.n = axis->nticks};
    for (size_t k = 0; k < t.n; k++) t.at[k] = axis->tick[k];
    if (!t.n) t.n = svg_ticks(end_of(s, s->low), end_of(s, s->high), s->log, strides, t.at);
    t.powers = s->log && t.n > 0 && (t.at[0] < 1e-2 || t.at[t.n - 1] > 1e5);
    return t;
}

/* A row of text every so often is enough for a low panel. */
static svg_scale y_ticks_of(const svg_axis *axis, const svg_span *s, double height) {
    return ticks_of(axis, s, (int)fmax(2, fmin(STRIDES, height / LINE_HEIGHT)));
}

/* Where the label of tick k is centred: under it, unless it would leave the paper. */
static double label_centre(const svg_frame *f, size_t k, double *half) {
    char text[SVG_TICK_TEXT];
    write_tick(&f->x_ticks, k, text);
    *half = svg_text_width(text) / 2;
    return fmin(svg_place_x(f, f->x_ticks.at[k]), f->to - *half);
}

static bool labels_fit(const svg_frame *f) {
    double end = -INFINITY;
    for (size_t k = 0; k < f->x_ticks.n; k++) {
        double half;
        const double centre = label_centre(f, k, &half);
        if (centre - half < end + TICK_GAP) return false;
        end = centre + half;
    }
    return true;
}

/* ---- layout ---- */

/* Room for the widest label of a y axis: the same for all panels, so that their x axes agree. */
static double y_label_room(const svg_figure *figure) {
    double widest = 0;
    for (size_t k = 0; k < figure->npanels; k++) {
        const svg_panel *panel = &figure->panel[k];
        const svg_span y = span_of(&panel->y, panel, false, AIR);
        const svg_scale ticks = y_ticks_of(&panel->y, &y, height_of(panel));
        for (size_t i = 0; i < ticks.n; i++) {
            char text[SVG_TICK_TEXT];
            write_tick(&ticks, i, text);
            widest = fmax(widest, svg_text_width(text));
        }
    }
    return fmax(widest, 2 * SVG_FONT) + TICK_GAP;
}

static double entry_width(const svg_series *s) {
    return SWATCH + 5 + svg_text_wider(s->name) + 12;
}

/* Where the legend's entry goes: in a new row where it does not fit. */
static void next_entry(const svg_frame *f, const svg_series *s, double at[2]) {
    if (at[0] <= f->left || at[0] + entry_width(s) <= f->to) return;
    at[0] = f->left;
    at[1] += LINE_HEIGHT;
}

/* The first baseline of the legend is under that of the y label. Returns the last one used. */
static double put_legend(page *p, const svg_frame *f, svg_place place) {
    const double top = f->panel->y.label.en ? f->head + LINE_HEIGHT : f->head;
    double at[2] = {f->left, top + LINE_HEIGHT};
    bool any = false;
    for (size_t k = 0; k < f->panel->nseries; k++) {
        const svg_series *s = &f->panel->series[k];
        if (!s->name.en) continue;
        any = true;
        next_entry(f, s, at);
        if (p) {
            page_format(p, "<path class=\"swatch %s s%d%s%s\" d=\"M%.1f %.1fh%d\"/>",
                        s->draw == SVG_DOTS ? "dots" : "line", s->color, s->dashed ? " dashed" : "",
                        s->under ? " under" : "", at[0], at[1] - 4, SWATCH);
            svg_put_text(p, place, (svg_spot){at[0] + SWATCH + 5, at[1], 0}, "name", s->name);
        }
        at[0] += entry_width(s);
    }
    return any ? at[1] : top;
}

/* In column number `column` of its row; `room`: of the labels of the y axis. */
static svg_frame lay_out(const svg_panel *panel, int column, double room, double top) {
    const double width = (double)SVG_WIDTH / columns_of(panel);
    svg_frame f = {
        .panel = panel,
        .from = column * width,
        .to = (column + 1) * width,
        .head = top,
        .left = column * width + room,
        .width = width - room - SVG_RIGHT,
        .height = height_of(panel),
        .x = span_of(&panel->x, panel, true, 0),
        .y = span_of(&panel->y, panel, false, AIR),
    };
    f.top = put_legend(NULL, &f, SVG_INLINE) + 10;
    f.bottom = f.top + f.height + TICK_ROOM + (panel->x.label.en ? LABEL_ROOM : 0);
    f.y_ticks = y_ticks_of(&panel->y, &f.y, f.height);
    for (int strides = STRIDES; strides > 0; strides--) {
        f.x_ticks = ticks_of(&panel->x, &f.x, strides);
        if (labels_fit(&f)) break;
    }
    return f;
}

/* Panel by panel: the place in its row, and the lowest bottom of all so far. */
typedef struct layout {
    svg_frame f;
    int column, columns;
    double bottom;
} layout;

static void lay_out_next(layout *l, const svg_panel *panel, double room) {
    const int columns = columns_of(panel);
    const bool first = !l->f.panel, beside = columns == l->columns && l->column + 1 < columns;
    l->column = beside ? l->column + 1 : 0;
    l->columns = columns;
    l->f = lay_out(panel, l->column, room, beside ? l->f.head : first ? 0 : l->bottom + GAP);
    l->bottom = fmax(l->bottom, l->f.bottom);
}

static layout lay_out_to(const svg_figure *figure, size_t panel) {
    const double room = y_label_room(figure);
    layout l = {.columns = 0};
    for (size_t k = 0; k <= panel; k++) lay_out_next(&l, &figure->panel[k], room);
    return l;
}

svg_frame svg_frame_of(const svg_figure *figure, size_t panel) {
    return lay_out_to(figure, panel).f;
}

/* ---- the parts of a panel ---- */

static void put_plain(page *p, svg_spot spot, const char *class, const char *text) {
    svg_put_text(p, SVG_INLINE, spot, class, (svg_text){text, NULL});
}

static void put_x_ticks(page *p, const svg_frame *f) {
    const double bottom = f->top + f->height;
    for (size_t k = 0; k < f->x_ticks.n; k++) {
        char text[SVG_TICK_TEXT];
        double half;
        write_tick(&f->x_ticks, k, text);
        page_format(p, "<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/>",
                    svg_place_x(f, f->x_ticks.at[k]), f->top, bottom);
        put_plain(p, (svg_spot){label_centre(f, k, &half), bottom + 4, 1}, "tick middle", text);
    }
}

static void put_y_ticks(page *p, const svg_frame *f) {
    for (size_t k = 0; k < f->y_ticks.n; k++) {
        char text[SVG_TICK_TEXT];
        const double y = svg_place_y(f, f->y_ticks.at[k]);
        write_tick(&f->y_ticks, k, text);
        page_format(p, "<path class=\"grid\" d=\"M%.1f %.1fh%.1f\"/>", f->left, y, f->width);
        put_plain(p, (svg_spot){f->left - 6, y, 0.35}, "tick end", text);
    }
}

static void put_axes(page *p, const svg_frame *f, svg_place place) {
    put_x_ticks(p, f);
    put_y_ticks(p, f);
    page_format(p, "<path class=\"axis\" d=\"M%.1f %.1fv%.1fh%.1f\"/>\n", f->left, f->top,
                f->height, f->width);
    svg_put_text(p, place, (svg_spot){f->left + f->width / 2, f->top + f->height + TICK_ROOM, 1},
                 "label middle", f->panel->x.label);
}

static double within(double place, double from, double room) {
    return place < from ? from : place > from + room ? from + room : place; /* NaN stays NaN */
}

static void put_bands(page *p, const svg_frame *f) {
    for (size_t k = 0; k < f->panel->nbands; k++) {
        const svg_band *band = &f->panel->band[k];
        const double from = within(svg_place_x(f, band->from), f->left, f->width);
        const double width = within(svg_place_x(f, band->to), f->left, f->width) - from;
        if (isnan(width)) continue;
        page_format(p,
                    "<rect class=\"band\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n",
                    from, f->top, fmax(width, 0.8), f->height);
    }
}

static void put_levels(page *p, const svg_frame *f, svg_place place) {
    for (size_t k = 0; k < f->panel->nlevels; k++) {
        const double y = svg_place_y(f, f->panel->level[k].at);
        if (!(y >= f->top && y <= f->top + f->height)) continue;
        page_format(p, "<path class=\"level\" d=\"M%.1f %.1fh%.1f\"/>", f->left, y, f->width);
        const bool left = f->panel->level[k].left;
        const double x = left ? f->left + 4 : f->left + f->width - 4;
        svg_put_text(p, place, (svg_spot){x, y - 5, 0}, left ? "note" : "note end",
                     f->panel->level[k].text);
    }
}

static void put_notes(page *p, const svg_frame *f, svg_place place) {
    for (size_t k = 0; k < f->panel->nnotes; k++) {
        const svg_note *n = &f->panel->note[k];
        const double x = svg_place_x(f, n->x), y = svg_place_y(f, n->y);
        if (!svg_frame_holds(f, x, y)) continue;
        if (n->cross)
            page_format(p, "<path class=\"cross\" d=\"M%.1f %.1fl8 8m0-8l-8 8\"/>", x - 4, y - 4);
        const double aside = n->cross ? 8 : 0;
        const bool under = y - f->top < LINE_HEIGHT;
        const svg_spot spot = {n->left ? x - aside : x + aside, n->cross ? y + (under ? 6 : -5) : y,
                               n->cross && under ? 0.8 : 0};
        svg_put_text(p, place, spot, n->left ? "note end" : "note", n->text);
    }
}

/* What chart.js reads: the numbers of an axis at its ends, and whether they are logarithms. */
static void put_span(page *p, const char *name, const svg_span *s) {
    page_format(p, " data-%s=\"[", name);
    page_number(p, s->low, 17);
    page_add(p, ",");
    page_number(p, s->high, 17);
    page_add(p, s->log ? ",true]\"" : ",false]\"");
}

static void begin_panel(page *p, const svg_frame *f) {
    const svg_count counts = f->panel->x.counts;
    page_add(p, "<g class=\"panel\"");
    put_span(p, "x", &f->x);
    put_span(p, "y", &f->y);
    if (counts != SVG_NOTHING)
        page_format(p, " data-steps=\"%d\"", counts == SVG_STEPS_FROM_0 ? 0 : 1);
    page_add(p, ">\n");
}

static void put_panel(page *p, const svg_figure *figure, size_t index, svg_place place) {
    const svg_frame f = svg_frame_of(figure, index);
    const char *id = figure->id ? figure->id : "chart";
    begin_panel(p, &f);
    svg_put_text(p, place, (svg_spot){f.from + 4, f.head + 2, 0.9}, "label", f.panel->y.label);
    put_legend(p, &f, place);
    page_format(p,
                "<clipPath id=\"%s-area-%zu\"><rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
                "height=\"%.1f\"/></clipPath>\n",
                id, index, f.left, f.top, f.width, f.height);
    put_bands(p, &f);
    put_axes(p, &f, place);
    page_format(p, "<g clip-path=\"url(#%s-area-%zu)\">\n", id, index);
    svg_put_cells(p, &f);
    svg_put_contours(p, &f);
    svg_put_series(p, &f);
    page_add(p, "</g>\n");
    put_levels(p, &f, place);
    put_notes(p, &f, place);
    page_add(p, "</g>\n");
}

/* <title> or <desc>, in each language that there is. */
static void put_meaning(page *p, const char *element, svg_text t) {
    if (!t.en) return;
    if (t.zh) {
        page_put_languages(p, element, t);
    } else {
        page_format(p, "<%s lang=\"en\">", element);
        page_escape(p, t.en);
        page_format(p, "</%s>", element);
    }
    page_add(p, "\n");
}

/* In XML the style is text, with markup wherever there is a <. */
static void put_style(page *p, const asset *css) {
    page_add(p, "<style><![CDATA[\n");
    page_add_bytes(p, css->bytes, css->size);
    page_add(p, "]]></style>\n");
}

void svg_begin(page *p, const svg_figure *figure, svg_place place) {
    const double height = figure->npanels ? lay_out_to(figure, figure->npanels - 1).bottom + 4 : 0;
    page_format(p,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\" role=\"img\" "
                "viewBox=\"0 0 %d %.0f\"",
                SVG_WIDTH, height);
    if (figure->id) page_format(p, " id=\"%s\"", figure->id);
    page_add(p, ">\n");
    put_meaning(p, "title", figure->title);
    put_meaning(p, "desc", figure->text);
    if (place == SVG_STANDALONE) {
        put_style(p, &asset_page_css);
        put_style(p, &asset_svg_chart_css);
        page_format(p, "<rect class=\"paper\" width=\"%d\" height=\"%.0f\"/>\n", SVG_WIDTH, height);
    }
    for (size_t k = 0; k < figure->npanels; k++) put_panel(p, figure, k, place);
}

void svg_end(page *p) {
    page_add(p, "</svg>\n");
}

void svg_write(page *p, const svg_figure *figure, svg_place place) {
    svg_begin(p, figure, place);
    svg_end(p);
}
