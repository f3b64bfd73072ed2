/* SPDX-License-Identifier: Apache-2.0 */
#include "page/page.h"

#include "io/failure.h"
#include "io/write_file.h"
#include "page/printable.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Room for `size` bytes and a 0 behind the text; false when there is none. */
static bool make_room(page *p, size_t size) {
    if (p->failed) return false;
    if (p->capacity - p->size > size) return true;
    size_t capacity = p->capacity ? p->capacity : 4096;
    while (capacity - p->size <= size && capacity <= SIZE_MAX / 2) capacity *= 2;
    char *text = capacity - p->size > size ? realloc(p->text, capacity) : NULL;
    if (!text) {
        p->failed = true;
        return false;
    }
    p->text = text;
    p->capacity = capacity;
    return true;
}

void page_add_bytes(page *p, const void *bytes, size_t size) {
    if (!make_room(p, size)) return;
    memcpy(p->text + p->size, bytes, size);
    p->size += size;
    p->text[p->size] = '\0';
}

void page_add(page *p, const char *text) {
    page_add_bytes(p, text, strlen(text));
}

void page_format(page *p, const char *format, ...) {
    va_list values, again;
    va_start(values, format);
    va_copy(again, values);
    const int size = vsnprintf(NULL, 0, format, values);
    if (size < 0)
        p->failed = true;
    else if (make_room(p, (size_t)size))
        p->size += (size_t)vsnprintf(p->text + p->size, (size_t)size + 1, format, again);
    va_end(again);
    va_end(values);
}

/* ---- foreign text ---- */

void page_escape(page *p, const char *text) {
    char piece[PRINTABLE_PIECE_MAX];
    while (printable_next(&text, piece) > 0) switch (*piece) {
        case '<': page_add(p, "&lt;"); break;
        case '>': page_add(p, "&gt;"); break;
        case '&': page_add(p, "&amp;"); break;
        case '"': page_add(p, "&quot;"); break;
        case '\'': page_add(p, "&#39;"); break;
        default: page_add(p, piece);
        }
}

/* <, > and & leave no </script>, <!-- or entity behind. */
void page_json_string(page *p, const char *text) {
    char piece[PRINTABLE_PIECE_MAX];
    page_add(p, "\"");
    while (printable_next(&text, piece) > 0) {
        if (strchr("<>&'", *piece))
            page_format(p, "\\u%04X", (unsigned)*piece);
        else {
            if (*piece == '"' || *piece == '\\') page_add(p, "\\");
            page_add(p, piece);
        }
    }
    page_add(p, "\"");
}

void page_number(page *p, double value, int digits) {
    if (isfinite(value))
        page_format(p, "%.*g", digits, value);
    else
        page_add(p, "null");
}

void page_base64(page *p, const unsigned char *bytes, size_t size) {
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char text[4096];
    size_t used = 0;
    for (size_t k = 0; k < size; k += 3) {
        const size_t left = size - k;
        const unsigned b1 = left > 1 ? bytes[k + 1] : 0, b2 = left > 2 ? bytes[k + 2] : 0;
        const unsigned three = (unsigned)bytes[k] << 16 | b1 << 8 | b2;
        text[used++] = digit[three >> 18];
        text[used++] = digit[three >> 12 & 63];
        text[used++] = left > 1 ? digit[three >> 6 & 63] : '=';
        text[used++] = left > 2 ? digit[three & 63] : '=';
        if (used == sizeof text) {
            page_add_bytes(p, text, used);
            used = 0;
        }
    }
    page_add_bytes(p, text, used);
}

/* ---- templates ---- */

static const page_hole *find_hole(const page_hole *hole, size_t nholes, const char *name,
                                  size_t length) {
    for (size_t k = 0; k < nholes; k++)
        if (strlen(hole[k].name) == length && !memcmp(hole[k].name, name, length)) return &hole[k];
    return NULL;
}

/* The text of an asset ends with a 0. What has no hole in the list stays, for a test to see. */
void page_fill(page *p, const asset *html, const page_hole *hole, size_t nholes, void *context) {
    const char *at = (const char *)html->bytes;
    for (const char *open; (open = strstr(at, "{{"));) {
        const char *name = open + 2, *close = strstr(name, "}}");
        if (!close) break;
        const page_hole *filled = find_hole(hole, nholes, name, (size_t)(close - name));
        page_add_bytes(p, at, (size_t)((filled ? open : close + 2) - at));
        if (filled && filled->text)
            page_escape(p, filled->text);
        else if (filled && filled->put)
            filled->put(p, context);
        at = close + 2;
    }
    page_add(p, at);
}

/* ---- the frame ---- */

void page_style(page *p, const asset *css) {
    page_add(p, "<style>\n");
    page_add_bytes(p, css->bytes, css->size);
    page_add(p, "</style>\n");
}

void page_script(page *p, const asset *js) {
    page_add(p, "<script>\n");
    page_add_bytes(p, js->bytes, js->size);
    page_add(p, "</script>\n");
}

static void put_style(page *p, void *context) {
    (void)context;
    page_style(p, &asset_page_css);
}

void page_begin(page *p, const char *lang, const char *title) {
    const page_hole holes[] = {
        {"lang", .text = lang}, {"title", .text = title}, {"style", .put = put_style}};
    page_fill(p, &asset_head_html, holes, sizeof holes / sizeof *holes, NULL);
}

void page_end(page *p) {
    page_add(p, "</main>\n</body>\n</html>\n");
}

/* ---- out ---- */

static int check(const page *p) {
    return p->failed || !p->text ? failure(FAILURE_INPUT, "out of memory for the page") : 0;
}

int page_save(const page *p, const char *path) {
    const int code = check(p);
    return code ? code : write_file(path, p->text, p->size);
}

/* main() sees to it that stdout was written. */
int page_print(const page *p, FILE *out) {
    const int status = check(p);
    if (!status) fwrite(p->text, 1, p->size, out);
    return status;
}

void page_free(page *p) {
    free(p->text);
    *p = (page){0};
}
