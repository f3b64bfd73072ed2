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
