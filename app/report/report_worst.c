/* SPDX-License-Identifier: Apache-2.0 */
/* report_worst.c - the examples that a run is most wrong about: pictures, or rows of its table. */
#include "io/failure.h"
#include "report/report.h"
#include "run/run_worst.h"

#include <string.h>

enum { SHOWN_MAX = 100 };

/* A text or a number, as HTML; nothing else is one. */
static void put_value(page *p, const json_t *value, int digits) {
    if (json_is_string(value))
        page_escape(p, json_string_value(value));
    else if (json_is_number(value))
        page_number(p, json_number_value(value), digits);
    else
        page_add(p, "-");
}

static void put_key(page *p, const json_t *example, const char *key) {
    put_value(p, json_object_get(example, key), 6);
}

/* A loss, a probability. */
static void put_rounded(page *p, const json_t *example, const char *key) {
    put_value(p, json_object_get(example, key), 3);
}

/* Nothing that a file says goes into the attribute but the digits of base64. */
static bool is_picture(const char *url) {
    const size_t begin = strlen(RUN_WORST_PICTURE);
    if (!url || strncmp(url, RUN_WORST_PICTURE, begin)) return false;
    url += begin;
    return url[strspn(url, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")] ==
           '\0';
}

/* ---- pictures ---- */

static void put_image(page *p, void *example) {
    const char *url = json_string_value(json_object_get(example, "picture"));
    if (is_picture(url)) page_format(p, "<img alt=\"\" src=\"%s\">", url);
}

static void put_is(page *p, void *example) {
    put_key(p, example, "is");
}

static void put_called(page *p, void *example) {
    put_key(p, example, "called");
}

static void put_probability(page *p, void *example) {
    put_rounded(p, example, "probability");
}

static void put_loss(page *p, void *example) {
    put_rounded(p, example, "loss");
}

static void put_file(page *p, void *example) {
    if (!json_object_get(example, "file")) return;
    page_add(p, "<br>");
    put_key(p, example, "file");
}

static void put_picture(page *p, json_t *example) {
    static const page_hole holes[] = {
        {"image", .put = put_image},   {"is", .put = put_is},
        {"called", .put = put_called}, {"probability", .put = put_probability},
        {"loss", .put = put_loss},     {"file", .put = put_file}};
    page_fill(p, &asset_worst_html, holes, sizeof holes / sizeof *holes, example);
}

static void put_pictures(page *p, const json_t *examples) {
    page_add(p, "<div class=\"worst\">\n");
    for (size_t k = 0; k < json_array_size(examples) && k < SHOWN_MAX; k++)
        put_picture(p, json_array_get(examples, k));
    page_add(p, "</div>\n");
}

/* ---- rows ---- */

static void put_head(page *p, svg_text t) {
    page_add(p, "<th>");
    page_say(p, "span", t, NULL);
    page_add(p, "</th>");
}

/* A column for each key of the first example's inputs. */
static void put_row(page *p, const json_t *example, const json_t *columns, const char *answer) {
    const char *name;
    json_t *value;
    const json_t *inputs = json_object_get(example, "inputs");
    page_add(p, "<tr><td class=\"number\">");
    put_rounded(p, example, "loss");
    page_add(p, "</td><td>");
    put_key(p, example, "is");
    page_add(p, "</td><td>");
    put_key(p, example, answer);
    page_add(p, "</td>");
    json_object_foreach((json_t *)columns, name, value) {
        page_add(p, "<td>");
        put_key(p, inputs, name);
        page_add(p, "</td>");
    }
    page_add(p, "</tr>\n");
}

static void put_rows(page *p, const json_t *examples) {
    const json_t *first = json_array_get(examples, 0), *columns = json_object_get(first, "inputs");
    const bool classes = json_object_get(first, "called") != NULL;
    const char *name;
    json_t *value;
    page_add(p, "<div class=\"wide\"><table id=\"worst\"><thead><tr>");
    put_head(p, (svg_text){"loss", "损失"});
    put_head(p, (svg_text){"is", "真实值"});
    put_head(p, classes ? (svg_text){"called", "判为"} : (svg_text){"prediction", "预测值"});
    json_object_foreach((json_t *)columns, name, value) {
        page_add(p, "<th>");
        page_escape(p, name);
        page_add(p, "</th>");
    }
    page_add(p, "</tr></thead>\n<tbody>\n");
    for (size_t k = 0; k < json_array_size(examples) && k < SHOWN_MAX; k++)
        put_row(p, json_array_get(examples, k), columns, classes ? "called" : "prediction");
    page_add(p, "</tbody></table></div>\n");
}

void report_worst(const report_run *run, page *p) {
    json_t *examples;
    if (run_worst_read(&examples, run->data.folder)) {
        page_add(p, "<p class=\"warn\">");
        page_escape(p, failure_text());
        page_add(p, ".</p>\n");
        return;
    }
    if (json_array_size(examples) > 0) {
        page_fill(p, &asset_worst_head_html, NULL, 0, NULL);
        if (json_object_get(json_array_get(examples, 0), "inputs"))
            put_rows(p, examples);
        else
            put_pictures(p, examples);
    }
    json_decref(examples);
}
