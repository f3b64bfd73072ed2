/* SPDX-License-Identifier: Apache-2.0 */
/* report_config.c - the tables of settings: all of them, and those that differ. */
#include "report/report_settings.h"

void report_settings_head(const report *r, page *p) {
    page_add(p, "<thead><tr><th>");
    page_say(p, "span", (svg_text){"key", "键"}, NULL);
    page_add(p, "</th>");
    for (size_t run = 0; run < r->nruns; run++) {
        page_add(p, "<th>");
        if (r->nruns > 1)
            page_escape(p, report_label(r, run));
        else
            page_say(p, "span", (svg_text){"value", "值"}, NULL);
        page_add(p, "</th>");
    }
    page_add(p, "</tr></thead>\n<tbody>\n");
}

void report_settings_row(const report_settings *s, size_t key, bool differs, page *p) {
    page_add(p, differs ? "<tr class=\"differs\"><th>" : "<tr><th>");
    page_escape(p, s->key[key]);
    page_add(p, "</th>");
    for (size_t run = 0; run < s->r->nruns; run++) {
        const char *value = report_setting(s, key, run);
        page_add(p, "<td>");
        page_escape(p, value ? value : "-");
        page_add(p, "</td>");
    }
    page_add(p, "</tr>\n");
}

void report_config(const report_settings *s, page *p) {
    page_add(p, "<div class=\"wide\"><table id=\"config\">\n");
    report_settings_head(s->r, p);
    for (size_t k = 0; k < s->nkeys; k++)
        report_settings_row(s, k, report_settings_differ(s, k), p);
    page_add(p, "</tbody></table></div>\n");
}
