/* SPDX-License-Identifier: Apache-2.0 */
#include "data/picture.h"

#include "data/picture_rows.h"
#include "io/failure.h"

#include <string.h>
#include <strings.h>

bool picture_is_named(const char *path) {
    static const char *const endings[] = {".png", ".jpg", ".jpeg"};
    const size_t length = strlen(path);
    for (size_t k = 0; k < sizeof endings / sizeof *endings; k++) {
        const size_t ending = strlen(endings[k]);
        if (length > ending && strcasecmp(path + length - ending, endings[k]) == 0) return true;
    }
    return false;
}

/* Images that are not read, by how they begin. */
static const char *other_format(const unsigned char *bytes, size_t size) {
    static const struct {
        const char *begins, *name;
    } others[] = {{"GIF8", "GIF"}, {"BM", "BMP"},   {"RIFF", "WebP"},
                  {"II*", "TIFF"}, {"<svg", "SVG"}, {"<?xml", "SVG"}};
    for (size_t k = 0; k < sizeof others / sizeof *others; k++) {
        const size_t length = strlen(others[k].begins);
        if (size >= length && memcmp(bytes, others[k].begins, length) == 0) return others[k].name;
    }
    return "something else";
}

static int read_rows(picture_rows *rows, const unsigned char *bytes, size_t size) {
    if (size >= 4 && memcmp(bytes, "\x89PNG", 4) == 0) return picture_read_png(rows, bytes, size);
    if (size >= 3 && memcmp(bytes, "\xff\xd8\xff", 3) == 0)
        return picture_read_jpeg(rows, bytes, size);
    return failure(FAILURE_INPUT, "%s: is neither PNG nor JPEG, but %s; convert it", rows->name,
                   other_format(bytes, size));
}

int picture_read(unsigned char *to, const int64_t shape[3], const unsigned char *bytes, size_t size,
                 const char *name) {
    picture_rows rows = {.name = name, .shape = shape};
    const int code = read_rows(&rows, bytes, size);
    if (!code) picture_take(&rows, to);
    picture_rows_free(&rows);
    return code;
}
