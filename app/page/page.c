/* SPDX-License-Identifier: Apache-2.0 */
#include "page/page.h"

#include "file/atomic_file.h"
#include "io/failure.h"
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

void page_begin(page *p, const char *lang, const char *title) {
    page_add(p, "<!DOCTYPE html>\n<html lang=\"");
    page_escape(p, lang);
    page_add(p, "\">\n<head>\n<meta charset=\"utf-8\">\n"
                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                "<meta name=\"color-scheme\" content=\"light dark\">\n"
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                "style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n"
                "<link rel=\"icon\" href=\"data:,\">\n<title>");
    page_escape(p, title);
    page_add(p, "</title>\n");
    page_style(p, &asset_page_css);
    page_add(p, "</head>\n<body>\n<main>\n");
}

void page_end(page *p) {
    page_add(p, "</main>\n</body>\n</html>\n");
}

/* ---- out ---- */

static int check(const page *p) {
    return p->failed || !p->text ? failure(EXIT_INPUT, "out of memory for the page") : 0;
}

int page_save(const page *p, const char *path) {
    ravine_atomic_file file;
    const int code = check(p);
    if (code) return code;
    ravine_status status =
        ravine_atomic_open(&file, path, (int64_t)p->size, RAVINE_ATOMIC_OVER_LINKS);
    if (!status) status = ravine_atomic_write(&file, p->text, p->size);
    if (!status) status = ravine_atomic_commit(&file);
    return failure_of(status);
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
