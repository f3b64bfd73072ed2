/* SPDX-License-Identifier: Apache-2.0 */
#include "page/printable.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* The character at `text` in *code; returns its bytes, 0 if they are no UTF-8 (RFC 3629: no
 * surrogates, no over-long forms, nothing above U+10FFFF). */
static size_t decode(const unsigned char *text, uint32_t *code) {
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned first = text[0];
    const size_t size = first < 0x80         ? 1
                        : first >> 5 == 0x06 ? 2
                        : first >> 4 == 0x0e ? 3
                        : first >> 3 == 0x1e ? 4
                                             : 0;
    if (size <= 1) return *code = first, size;
    *code = first & (0x7fU >> size);
    for (size_t k = 1; k < size; k++) {
        if (text[k] >> 6 != 2) return 0; /* the 0 at the end too */
        *code = *code << 6 | (text[k] & 0x3fU);
    }
    const bool surrogate = *code >= 0xd800 && *code <= 0xdfff;
    return *code < least[size] || *code > 0x10ffff || surrogate ? 0 : size;
}

/* Beyond ASCII: C1 controls, and the format characters that are not seen but turn, join or hide
 * what is. */
static bool is_hidden(uint32_t code) {
    static const struct range {
        uint32_t first, last;
    } hidden[] = {
        {0x80, 0x9f},       /* C1: 0x9b begins an escape sequence */
        {0xad, 0xad},       /* soft hyphen */
        {0x61c, 0x61c},     /* Arabic letter mark */
        {0x180e, 0x180e},   /* Mongolian vowel separator */
        {0x200b, 0x200f},   /* zero width, left-to-right and right-to-left marks */
        {0x2028, 0x202e},   /* line and paragraph separators, embeddings and overrides */
        {0x2060, 0x206f},   /* word joiner, isolates */
        {0xfe00, 0xfe0f},   /* variation selectors */
        {0xfeff, 0xfeff},   /* byte order mark */
        {0xfff0, 0xffff},   /* specials */
        {0xe0000, 0xe0fff}, /* tags */
    };
    for (size_t k = 0; k < sizeof hidden / sizeof *hidden; k++)
        if (code >= hidden[k].first && code <= hidden[k].last) return true;
    return false;
}

size_t printable_next(const char **text, char piece[PRINTABLE_PIECE_MAX]) {
    const unsigned char *at = (const unsigned char *)*text;
    if (!*at) return 0;
    uint32_t code;
    const size_t size = decode(at, &code);
    *text += size ? size : 1;
    if (size == 0 || code < ' ' || code == 0x7f)
        return (size_t)snprintf(piece, PRINTABLE_PIECE_MAX, "\\x%02X", (unsigned)*at);
    if (is_hidden(code))
        return (size_t)snprintf(piece, PRINTABLE_PIECE_MAX, "\\u{%X}", (unsigned)code);
    memcpy(piece, at, size);
    piece[size] = '\0';
    return 1;
}

size_t printable_put(FILE *out, const char *text) {
    char piece[PRINTABLE_PIECE_MAX];
    size_t columns = 0;
    for (size_t width; (width = printable_next(&text, piece)) > 0; columns += width)
        fputs(piece, out);
    return columns;
}

void printable_lines(FILE *out, const char *text) {
    char piece[PRINTABLE_PIECE_MAX];
    while (*text) {
        if (*text == '\n')
            fputc(*text++, out);
        else if (printable_next(&text, piece))
            fputs(piece, out);
    }
}
