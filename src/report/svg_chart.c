#include "report/svg_chart.h"

#include "report/svg_frame.h"

#include <math.h>
#include <string.h>

enum {
    LINE_HEIGHT = 17,
    TICK_ROOM = 20,
    LABEL_ROOM = 19,
    GAP = 14,
    PLOT_HEIGHT = 220,
    SWATCH = 18
};

/* ---- axes ---- */

double svg_scaled(const svg_span *s, double value) {
    if (!s->log) return value;
    return value > 0 ? log10(value) : NAN;
}

static double share(const svg_span *s, double value) {
    return (svg_scaled(s, value) - s->low) / (s->high - s->low);
}

double svg_place_x(const svg_frame *f, double x) {
    return f->left + share(&f->x, x) * f->width;
}

double svg_place_y(const svg_frame *f, double y) {
    return f->top + (1 - share(&f->y, y)) * f->height;
}

bool svg_frame_holds(const svg_frame *f, double x, double y) {
    return x >= f->left && x <= f->left + f->width && y >= f->top && y <= f->top + f->height;
}

static void widen(svg_span *s, double value) {
    const double v = svg_scaled(s, value);
    if (!(fabs(v) < 1e307)) return; /* or the span is no number */
    s->low = fmin(s->low, v);
    s->high = fmax(s->high, v);
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

/* ---- text ---- */

/* Columns of a text on the paper, on the safe side: a phone shows it larger (svg_chart.css). */
static double text_width(const char *text) {
    double width = 0;
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        width += *c < 0x80 ? 7.3 : *c >= 0xE3 ? 13.5 : *c >= 0xC0 ? 7.3 : 0;
    return width;
}

static double wider(svg_text t) {
    const double en = t.en ? text_width(t.en) : 0;
    return t.zh ? fmax(en, text_width(t.zh)) : en;
}

/* One <text>, or in a file of its own one for each language, of which readers show one. */
static void put_text(page *p, svg_place place, double x, double y, const char *class, svg_text t) {
    if (!t.en) return;
    const bool both = t.zh != NULL;
    const char *open = "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\"%s>";
    if (both && place == SVG_STANDALONE) {
        page_add(p, "<switch>");
        page_format(p, open, class, x, y, " systemLanguage=\"zh,zh-CN,zh-Hans,zh-Hans-CN,zh-SG\"");
        page_escape(p, t.zh);
        page_add(p, "</text>");
    }
    page_format(p, open, class, x, y, "");
    if (both && place == SVG_INLINE) {
        page_add(p, "<tspan lang=\"en\">");
        page_escape(p, t.en);
        page_add(p, "</tspan><tspan lang=\"zh\">");
        page_escape(p, t.zh);
        page_add(p, "</tspan>");
    } else {
        page_escape(p, t.en);
    }
    page_add(p, "</text>");
    page_add(p, both && place == SVG_STANDALONE ? "</switch>\n" : "\n");
}

static void put_plain(page *p, double x, double y, const char *class, const char *text) {
    put_text(p, SVG_INLINE, x, y, class, (svg_text){text, NULL});
}

/* ---- layout ---- */

/* Where the legend's entry goes that is `width` wide: a new row where it does not fit. */
static void next_entry(double width, double at[2]) {
    if (at[0] > SVG_LEFT && at[0] + width > SVG_WIDTH) {
        at[0] = SVG_LEFT;
        at[1] += LINE_HEIGHT;
    }
}

static double entry_width(const svg_series *s) {
    return SWATCH + 5 + wider(s->name) + 12;
}

/* The first baseline of the legend is under that of the y label. Returns the last one used. */
static double put_legend(page *p, const svg_panel *panel, svg_place place, double top) {
    double at[2] = {SVG_LEFT, top + LINE_HEIGHT};
    bool any = false;
    for (size_t k = 0; k < panel->nseries; k++) {
        const svg_series *s = &panel->series[k];
        if (!s->name.en) continue;
        any = true;
        next_entry(entry_width(s), at);
        if (p) {
            page_format(p, "<path class=\"swatch %s s%d%s%s\" d=\"M%.1f %.1fh%d\"/>",
                        s->draw == SVG_DOTS ? "dots" : "line", s->color, s->dashed ? " dashed" : "",
                        s->under ? " under" : "", at[0], at[1] - 4, SWATCH);
            put_text(p, place, at[0] + SWATCH + 5, at[1], "name", s->name);
        }
        at[0] += entry_width(s);
    }
    return any ? at[1] : top;
}

static svg_frame lay_out(const svg_panel *panel, double top) {
    const double head = panel->y.label.en ? top + LINE_HEIGHT : top;
    const double area = put_legend(NULL, panel, SVG_INLINE, head) + 8;
    const double height = panel->height > 0 ? panel->height : PLOT_HEIGHT;
    return (svg_frame){
        .panel = panel,
        .head = top,
        .left = SVG_LEFT,
        .top = area,
        .width = SVG_WIDTH - SVG_LEFT - SVG_RIGHT,
        .height = height,
        .x = span_of(&panel->x, panel, true, 0),
        .y = span_of(&panel->y, panel, false, 0.04),
        .bottom = area + height + TICK_ROOM + (panel->x.label.en ? LABEL_ROOM : 0),
    };
}

svg_frame svg_frame_of(const svg_figure *figure, size_t panel) {
    svg_frame f = lay_out(figure->panel, 0);
    for (size_t k = 1; k <= panel; k++) f = lay_out(&figure->panel[k], f.bottom + GAP);
    return f;
}

/* ---- the parts of a panel ---- */

static double end_of(const svg_span *s, double end) {
    return s->log ? pow(10, end) : end;
}

/* The ticks of an axis, and whether they are better read as powers of ten. */
static size_t ticks_of(const svg_span *s, double tick[SVG_TICKS], bool *powers) {
    const size_t n = svg_ticks(end_of(s, s->low), end_of(s, s->high), s->log, tick);
    *powers = s->log && n > 0 && (tick[0] < 1e-2 || tick[n - 1] > 1e5);
    return n;
}

static void put_x_ticks(page *p, const svg_frame *f) {
    double tick[SVG_TICKS];
    char text[48];
    bool powers;
    const double right = f->left + f->width, bottom = f->top + f->height;
    const size_t n = ticks_of(&f->x, tick, &powers);
    for (size_t k = 0; k < n; k++) {
        const double x = svg_place_x(f, tick[k]);
        svg_number(tick[k], powers, text, sizeof text);
        page_format(p, "<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/>", x, f->top, bottom);
        put_plain(p, x, bottom + 15, right - x < 12 ? "tick end" : "tick middle", text);
    }
}

static void put_y_ticks(page *p, const svg_frame *f) {
    double tick[SVG_TICKS];
    char text[48];
    bool powers;
    const size_t n = ticks_of(&f->y, tick, &powers);
    for (size_t k = 0; k < n; k++) {
        const double y = svg_place_y(f, tick[k]);
        svg_number(tick[k], powers, text, sizeof text);
        page_format(p, "<path class=\"grid\" d=\"M%.1f %.1fh%.1f\"/>", f->left, y, f->width);
        put_plain(p, f->left - 6, y + 4, "tick end", text);
    }
}

static void put_axes(page *p, const svg_frame *f, svg_place place) {
    put_x_ticks(p, f);
    put_y_ticks(p, f);
    page_format(p, "<path class=\"axis\" d=\"M%.1f %.1fv%.1fh%.1f\"/>\n", f->left, f->top,
                f->height, f->width);
    put_text(p, place, f->left + f->width / 2, f->top + f->height + TICK_ROOM + 13, "label middle",
             f->panel->x.label);
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
        put_text(p, place, left ? f->left + 4 : f->left + f->width - 4, y - 5,
                 left ? "note" : "note end", f->panel->level[k].text);
    }
}

static void put_notes(page *p, const svg_frame *f, svg_place place) {
    for (size_t k = 0; k < f->panel->nnotes; k++) {
        const svg_note *n = &f->panel->note[k];
        const double x = svg_place_x(f, n->x), y = svg_place_y(f, n->y);
        if (!svg_frame_holds(f, x, y)) continue;
        if (n->cross)
            page_format(p, "<path class=\"cross\" d=\"M%.1f %.1fl8 8m0-8l-8 8\"/>", x - 4, y - 4);
        const double aside = n->cross ? 8 : 0, under = y - f->top < LINE_HEIGHT ? 15 : -5;
        put_text(p, place, n->left ? x - aside : x + aside, n->cross ? y + under : y,
                 n->left ? "note end" : "note", n->text);
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
    put_text(p, place, 8, f.head + 13, "label", f.panel->y.label);
    put_legend(p, f.panel, place, f.panel->y.label.en ? f.head + LINE_HEIGHT : f.head);
    page_format(p,
                "<clipPath id=\"%s-area-%zu\"><rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
                "height=\"%.1f\"/></clipPath>\n",
                id, index, f.left, f.top, f.width, f.height);
    put_bands(p, &f);
    put_axes(p, &f, place);
    page_format(p, "<g clip-path=\"url(#%s-area-%zu)\">\n", id, index);
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
    page_format(p, "<%s lang=\"en\">", element);
    page_escape(p, t.en);
    page_format(p, "</%s>\n", element);
    if (!t.zh) return;
    page_format(p, "<%s lang=\"zh\">", element);
    page_escape(p, t.zh);
    page_format(p, "</%s>\n", element);
}

/* In XML the style is text, with markup wherever there is a <. */
static void put_style(page *p, const asset *css) {
    page_add(p, "<style><![CDATA[\n");
    page_add_bytes(p, css->bytes, css->size);
    page_add(p, "]]></style>\n");
}

void svg_write(page *p, const svg_figure *figure, svg_place place) {
    const double height =
        figure->npanels ? svg_frame_of(figure, figure->npanels - 1).bottom + 4 : 0;
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
    page_add(p, "</svg>\n");
}
