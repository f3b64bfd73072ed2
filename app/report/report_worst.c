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

static void put_picture(page *p, const json_t *example) {
    const char *url = json_string_value(json_object_get(example, "picture"));
    page_add(p, "<figure>");
    if (is_picture(url)) page_format(p, "<img alt=\"\" src=\"%s\">", url);
    page_add(p, "<figcaption>is <b>");
    put_key(p, example, "is");
    page_add(p, "</b>, called <b>");
    put_key(p, example, "called");
    page_add(p, "</b> (");
    put_rounded(p, example, "probability");
    page_add(p, ")<br><span class=\"muted\">loss ");
    put_rounded(p, example, "loss");
    if (json_object_get(example, "file")) {
        page_add(p, "<br>");
        put_key(p, example, "file");
    }
    page_add(p, "</span></figcaption></figure>\n");
}

static void put_pictures(page *p, const json_t *examples) {
    page_add(p, "<div class=\"worst\">\n");
    for (size_t k = 0; k < json_array_size(examples) && k < SHOWN_MAX; k++)
        put_picture(p, json_array_get(examples, k));
    page_add(p, "</div>\n");
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
    page_add(p, "<div class=\"wide\"><table id=\"worst\"><thead><tr><th>loss</th><th>is</th>");
    page_format(p, "<th>%s</th>", classes ? "called" : "prediction");
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
        page_add(p, "<h2>Most wrong about</h2>\n<p class=\"muted\">The examples of the test with "
                    "the greatest loss, by the weights that are kept.</p>\n");
        if (json_object_get(json_array_get(examples, 0), "inputs"))
            put_rows(p, examples);
        else
            put_pictures(p, examples);
    }
    json_decref(examples);
}
