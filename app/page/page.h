/* SPDX-License-Identifier: Apache-2.0 */
/* page.h - one self-contained HTML page: a growing text, what makes foreign text harmless in it,
 * and the look that all pages share (page.css: light and dark, phone, print).
 *
 *     page p = {0};
 *     page_begin(&p, "en", run_name);                 <head>, page.css, <body><main>
 *     page_fill(&p, &asset_race_html,                 ... <h1>{{title}}</h1> {{table}} ...
 *               (page_hole[]){{"title", .text = run_name},     from a file: escaped
 *                             {"table", .put = put_table}},    adds its rows
 *               2, &race);
 *     page_add(&p, "<script>const name = ");
 *     page_json_string(&p, run_name);                 "..." with its quotes
 *     page_add(&p, ";</script>\n");
 *     page_script(&p, &asset_report_js);
 *     page_end(&p);
 *     int code = page_save(&p, "report.html");        or page_print(&p, stdout)
 *     page_free(&p);
 *
 * Nothing fails in between: when memory ends the page stays as it is and page_save() tells. Files
 * NAME.html, NAME.css and NAME.js of app/ are compiled in as `asset_NAME_html` ..., declared in the
 * generated page/assets.h; so an installed command needs no files. A page loads nothing from
 * anywhere, and its policy forbids it to.
 */
#ifndef RAVINE_PAGE_H
#define RAVINE_PAGE_H

#include "page/assets.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Starts as {0}. */
typedef struct page {
    char *text; /* [size], ended by a 0; NULL before anything was added */
    size_t size, capacity;
    bool failed; /* memory ended; nothing is added any more */
} page;

/* As it is, unescaped. */
void page_add(page *p, const char *text);
void page_add_bytes(page *p, const void *bytes, size_t size);
/* Numbers and fixed words only: what %s inserts is not escaped. */
__attribute__((format(printf, 2, 3))) void page_format(page *p, const char *format, ...);

/* Foreign text, with what cannot be seen spelled out (printable.h): as HTML, inside an element or a
 * quoted attribute; and as a JavaScript string with its quotes, inside <script> or a .json. */
void page_escape(page *p, const char *text);
void page_json_string(page *p, const char *text);
/* A number of `digits` significant digits (17: all) for JSON and SVG, or null if it is not
 * finite. */
void page_number(page *p, double value, int digits);

/* Bytes as text (RFC 4648). */
void page_base64(page *p, const unsigned char *bytes, size_t size);

/* A named hole of a template: what stands in the place of {{name}}. */
typedef struct page_hole {
    const char *name;
    const char *text;                    /* foreign text, which is escaped; NULL: */
    void (*put)(page *p, void *context); /* adds the HTML; NULL: nothing stands there */
} page_hole;

/* A template, app/NAME.html, with its holes filled; every one that it has is in the list, at any
 * place, and may come several times. `context` is for put(). Its texts stand there in English and
 * in Chinese, HTML with {holes}, and become a <span> for each language of languages.h: <h2>{{What
 * differs|哪些设置不同}}</h2> {{{steps} steps|{steps} 步}} Of an attribute languages.js shows the
 * page's language: <button {{title=earlier|更早}}> */
void page_fill(page *p, const asset *html, const page_hole *hole, size_t nholes, void *context);

/* `lang`: "en", "zh-CN" ... */
void page_begin(page *p, const char *lang, const char *title);
void page_style(page *p, const asset *css);
void page_script(page *p, const asset *js);
void page_end(page *p);

/* Return 0 or a kind of io/failure.h. page_save() replaces `path`, which may be a
 * link, whole or not at all. */
int page_save(const page *p, const char *path);
int page_print(const page *p, FILE *out);
void page_free(page *p);

#endif
