/* SPDX-License-Identifier: Apache-2.0 */
#include "store/json.h"

#include "text/error.h"
#include "text/names.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

ravine_status ravine_json_fail(const json_cursor *c, size_t at, const char *format, ...) {
    char what[300];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return ravine_fail(RAVINE_E_FORMAT, "%s: byte %zu: %s", ravine_path_tail(c->file), at, what);
}

ravine_status ravine_json_expected(const json_cursor *c, const char *what) {
    if (c->at >= c->end)
        return ravine_json_fail(c, c->at, "expected %s, but the header ends here", what);
    const unsigned char found = (unsigned char)c->bytes[c->at];
    if (found > 0x20 && found < 0x7f)
        return ravine_json_fail(c, c->at, "expected %s, found '%c'", what, found);
    return ravine_json_fail(c, c->at, "expected %s, found byte 0x%02x", what, found);
}

/* The next byte that is not white space, which is skipped; '\0' at the end. */
static char peek(json_cursor *c) {
    while (c->at < c->end && strchr(" \t\n\r", c->bytes[c->at]) && c->bytes[c->at]) c->at++;
    return c->at < c->end ? c->bytes[c->at] : '\0';
}

bool ravine_json_take(json_cursor *c, char wanted) {
    if (peek(c) != wanted) return false;
    c->at++;
    return true;
}

ravine_status ravine_json_need(json_cursor *c, char wanted) {
    if (ravine_json_take(c, wanted)) return RAVINE_OK;
    const char what[] = {'\'', wanted, '\'', '\0'};
    return ravine_json_expected(c, what);
}

/* ---- strings --------------------------------------------------------------------------------- */

/* One character of a string, as UTF-8. */
typedef struct character {
    char bytes[4];
    size_t length; /* of bytes; 0: there is no valid one, and `wrong` says why */
    size_t taken;  /* bytes of the file */
    const char *wrong;
} character;

static character wrong(const char *why) {
    return (character){.wrong = why};
}

/* The value of four hexadecimal digits, or -1. */
static int32_t four_digits(const char *p, size_t left) {
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    int32_t value = 0;
    if (left < 4) return -1;
    for (int k = 0; k < 4; k++) {
        const char *digit = p[k] ? strchr(digits, p[k]) : NULL;
        if (!digit) return -1;
        value = value * 16 + (int32_t)((digit - digits) % 16);
    }
    return value;
}

static character encode(int32_t code, size_t taken) {
    character c = {.taken = taken};
    if (code < 0x80)
        c.length = 1;
    else
        c.length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t k = c.length; k-- > 1; code >>= 6) c.bytes[k] = (char)(0x80 | (code & 0x3f));
    static const int32_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    c.bytes[0] = (char)(lead[c.length] | code);
    return c;
}

/* The character behind "\u" at p. */
static character read_code(const char *p, size_t left) {
    int32_t code = four_digits(p + 2, left - 2);
    if (code < 0) return wrong("\\u needs four hexadecimal digits");
    if (code == 0) return wrong("a NUL has no place in a name or text");
    if (code >= 0xdc00 && code <= 0xdfff) return wrong("the second half of a surrogate pair alone");
    if (code < 0xd800 || code > 0xdbff) return encode(code, 6);
    if (left < 12 || p[6] != '\\' || p[7] != 'u')
        return wrong("the first half of a surrogate pair alone");
    const int32_t low = four_digits(p + 8, 4);
    if (low < 0xdc00 || low > 0xdfff) return wrong("the first half of a surrogate pair alone");
    return encode(0x10000 + (code - 0xd800) * 0x400 + (low - 0xdc00), 12);
}

static character read_character(const char *p, size_t left) {
    if ((unsigned char)*p < 0x20) return wrong("a control character must be escaped");
    if (*p != '\\') {
        character c = {.length = ravine_utf8_length(p, left)};
        if (c.length == 0) return wrong("this is not UTF-8");
        memcpy(c.bytes, p, c.length);
        c.taken = c.length;
        return c;
    }
    static const char escapes[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    if (left >= 2 && p[1] == 'u') return read_code(p, left);
    const char *escape = left >= 2 && p[1] ? strchr(escapes, p[1]) : NULL;
    if (!escape) return wrong("no such escape");
    return (character){.bytes = {meant[escape - escapes]}, .length = 1, .taken = 2};
}

ravine_status ravine_json_string(json_cursor *c, json_string *string) {
    if (!ravine_json_take(c, '"')) return ravine_json_expected(c, "a string");
    string->begin = c->at;
    while (c->at < c->end && c->bytes[c->at] != '"') {
        const character next = read_character(c->bytes + c->at, c->end - c->at);
        if (next.length == 0) return ravine_json_fail(c, c->at, "%s", next.wrong);
        c->at += next.taken;
    }
    string->end = c->at;
    return ravine_json_need(c, '"');
}

/* Where the string goes on behind `text`; 0 if it does not begin with it. */
static size_t behind(const json_cursor *c, json_string s, const char *text) {
    size_t at = s.begin, left = strlen(text);
    while (left > 0) {
        if (at == s.end) return 0;
        const character next = read_character(c->bytes + at, s.end - at);
        if (left < next.length || memcmp(next.bytes, text, next.length) != 0) return 0;
        at += next.taken;
        text += next.length;
        left -= next.length;
    }
    return at;
}

bool ravine_json_starts(const json_cursor *c, json_string s, const char *text) {
    return behind(c, s, text) != 0;
}

bool ravine_json_is(const json_cursor *c, json_string s, const char *text) {
    return behind(c, s, text) == s.end;
}

const char *ravine_json_unescape(const json_cursor *c, json_string s) {
    char *to = c->bytes + s.begin;
    for (size_t at = s.begin; at < s.end;) {
        const character next = read_character(c->bytes + at, s.end - at);
        memcpy(to, next.bytes, next.length);
        to += next.length;
        at += next.taken;
    }
    *to = '\0';
    return c->bytes + s.begin;
}

/* ---- numbers --------------------------------------------------------------------------------- */

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

ravine_status ravine_json_whole(json_cursor *c, int64_t *number) {
    if (!is_digit(peek(c))) return ravine_json_expected(c, "a whole number");
    const size_t begin = c->at;
    int64_t value = 0;
    for (; c->at < c->end && is_digit(c->bytes[c->at]); c->at++)
        if (__builtin_mul_overflow(value, (int64_t)10, &value) ||
            __builtin_add_overflow(value, (int64_t)(c->bytes[c->at] - '0'), &value))
            return ravine_json_fail(c, begin, "the number is greater than %lld",
                                    (long long)INT64_MAX);
    if (c->at - begin > 1 && c->bytes[begin] == '0')
        return ravine_json_fail(c, begin, "a number must not begin with 0");
    if (c->at < c->end && c->bytes[c->at] && strchr(".eExX", c->bytes[c->at]))
        return ravine_json_expected(c, "a whole number");
    *number = value;
    return RAVINE_OK;
}
