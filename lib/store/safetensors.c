/* SPDX-License-Identifier: Apache-2.0 */
/* The writer. The header is made twice by the same code: first it is measured, then it is put into
 * memory of that size. */
#include "store/safetensors.h"

#include "base/memory.h"
#include "base/sized.h"
#include "file/atomic_file.h"
#include "file/crc32c.h"
#include "text/error.h"
#include "text/names.h"

#include <stdio.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "tensors are written as they lie in memory, and the format is little-endian"
#endif

/* Bits of one number, in the order of the file: after whole words of 8 bytes come those of 4, ...
 */
static const int32_t widths[] = {64, 32, 16, 8, 6, 4};
enum { WIDTHS = sizeof widths / sizeof *widths };

typedef struct contents {
    const char *path;
    const ravine_tensor *tensors;
    const ravine_text *texts;
    int64_t count, ntexts;
    int64_t data_bytes;
} contents;

int64_t ravine_tensor_bytes(const ravine_tensor *t) {
    int64_t numbers = 1, bits;
    bool empty = false;
    for (int32_t k = 0; k < t->ndim; k++) {
        if (t->shape[k] < 0) return -1;
        if (t->shape[k] == 0)
            empty = true;
        else if (__builtin_mul_overflow(numbers, t->shape[k], &numbers))
            return -1;
    }
    const int32_t width = ravine_dtype_bits(t->dtype);
    if (width == 0 || __builtin_mul_overflow(numbers, (int64_t)width, &bits)) return -1;
    if (empty) return 0;
    return bits % 8 ? -1 : bits / 8;
}

/* ---- checks ---------------------------------------------------------------------------------- */

static ravine_status check_tensor(contents *c, int64_t k) {
    const ravine_tensor *t = &c->tensors[k];
    if (!t->name || !ravine_is_utf8(t->name))
        return ravine_fail(RAVINE_E_ARG, "the name of tensor %lld is %s", (long long)k,
                           t->name ? "not UTF-8" : "NULL");
    if (strcmp(t->name, SAFETENSORS_METADATA) == 0)
        return ravine_fail(RAVINE_E_ARG,
                           "the name of tensor %lld is " SAFETENSORS_METADATA
                           ", which the format keeps for itself",
                           (long long)k);
    if (t->ndim < 0 || t->ndim > SAFETENSORS_NDIM_MAX || (t->ndim > 0 && !t->shape))
        return ravine_fail(RAVINE_E_RANGE, "ndim of %s is %d; it must be in [0, %d], with a shape",
                           ravine_quote(t->name).text, t->ndim, SAFETENSORS_NDIM_MAX);
    const int64_t bytes = ravine_tensor_bytes(t);
    if (bytes < 0)
        return ravine_fail(RAVINE_E_RANGE,
                           "%s has dtype %d and a shape that make no whole number "
                           "of bytes in [0, %lld]",
                           ravine_quote(t->name).text, t->dtype, (long long)INT64_MAX);
    if (bytes > 0 && !t->data)
        return ravine_fail(RAVINE_E_ARG, "the data of %s are NULL", ravine_quote(t->name).text);
    if (__builtin_add_overflow(c->data_bytes, bytes, &c->data_bytes))
        return ravine_fail(RAVINE_E_RANGE, "the tensors have more than %lld bytes",
                           (long long)INT64_MAX);
    return RAVINE_OK;
}

static ravine_status check_text(const contents *c, int64_t k) {
    const ravine_text *t = &c->texts[k];
    if (!t->key || !t->value || !ravine_is_utf8(t->key) || !ravine_is_utf8(t->value))
        return ravine_fail(RAVINE_E_ARG, "text %lld is NULL or not UTF-8", (long long)k);
    if (strncmp(t->key, SAFETENSORS_CRC, strlen(SAFETENSORS_CRC)) == 0)
        return ravine_fail(RAVINE_E_ARG,
                           "the key of text %lld is %s; " SAFETENSORS_CRC "* are the checksums",
                           (long long)k, ravine_quote(t->key).text);
    return RAVINE_OK;
}

/* E_ARG if a name or a key occurs twice. */
static ravine_status check_unique(const contents *c, const ravine_env *env) {
    const int64_t most = c->count > c->ntexts ? c->count : c->ntexts;
    if (most < 2) return RAVINE_OK;
    const size_t bytes = (size_t)most * sizeof(name_slot);
    name_slot *slots = ravine_env_alloc(env, bytes);
    if (!slots) return RAVINE_E_NOMEM;
    for (int64_t k = 0; k < c->count; k++) slots[k] = (name_slot){c->tensors[k].name, k};
    ravine_names_sort(slots, c->count);
    const char *what = "tensors have the name";
    const name_slot *twice = ravine_names_twice(slots, c->count);
    if (!twice) {
        for (int64_t k = 0; k < c->ntexts; k++) slots[k] = (name_slot){c->texts[k].key, k};
        ravine_names_sort(slots, c->ntexts);
        what = "texts have the key";
        twice = ravine_names_twice(slots, c->ntexts);
    }
    ravine_status status = RAVINE_OK;
    if (twice)
        status = ravine_fail(RAVINE_E_ARG, "two %s %s", what, ravine_quote(twice->name).text);
    ravine_env_free(env, slots, bytes);
    return status;
}

static ravine_status check(contents *c, const ravine_env *env) {
    if (c->count < 0 || c->ntexts < 0 || (c->count > 0 && !c->tensors) ||
        (c->ntexts > 0 && !c->texts))
        return ravine_fail(RAVINE_E_ARG, "%lld tensors and %lld texts: negative, or NULL",
                           (long long)c->count, (long long)c->ntexts);
    ravine_status status = RAVINE_OK;
    for (int64_t k = 0; !status && k < c->count; k++) status = check_tensor(c, k);
    for (int64_t k = 0; !status && k < c->ntexts; k++) status = check_text(c, k);
    return status ? status : check_unique(c, env);
}

/* ---- the header ------------------------------------------------------------------------------ */

typedef struct text_buffer {
    char *bytes; /* NULL: it is measured */
    size_t size;
} text_buffer;

static void put_bytes(text_buffer *b, const char *bytes, size_t size) {
    if (b->bytes) memcpy(b->bytes + b->size, bytes, size);
    b->size += size;
}

static void put(text_buffer *b, const char *text) {
    put_bytes(b, text, strlen(text));
}

static void put_number(text_buffer *b, int64_t number) {
    char digits[24];
    snprintf(digits, sizeof digits, "%lld", (long long)number);
    put(b, digits);
}

/* The text as the inside of a JSON string. */
static void put_escaped(text_buffer *b, const char *text) {
    for (; *text; text++) {
        char escape[8];
        if (*text == '"' || *text == '\\') put(b, "\\");
        if ((unsigned char)*text >= 0x20) {
            put_bytes(b, text, 1);
            continue;
        }
        snprintf(escape, sizeof escape, "\\u%04x", (unsigned)*text);
        put(b, escape);
    }
}

/* "key":"value", with what stands in front of it. */
static void put_text(text_buffer *b, const char *key, const char *key_rest, const char *value) {
    put(b, "\"");
    put(b, key);
    put_escaped(b, key_rest);
    put(b, "\":\"");
    put_escaped(b, value);
    put(b, "\"");
}

enum { CRC_DIGITS = 8 };
static const char zeros[] = "00000000";

static void put_checksums(text_buffer *b, const contents *c) {
    for (int64_t k = 0; k < c->count; k++) {
        const ravine_tensor *t = &c->tensors[k];
        char digits[CRC_DIGITS + 1] = "00000000";
        if (b->bytes)
            snprintf(digits, sizeof digits, "%08x",
                     ravine_crc32c(0, t->data, (size_t)ravine_tensor_bytes(t)));
        put(b, ",");
        put_text(b, SAFETENSORS_CRC ".", t->name, digits);
    }
}

/* The tensor after `last` in the order of the file (NULL: the first); NULL: `last` was the last. */
static const ravine_tensor *next_in_file(const contents *c, const ravine_tensor *last) {
    int w = 0;
    int64_t k = 0;
    if (last) {
        while (widths[w] != ravine_dtype_bits(last->dtype)) w++;
        k = last - c->tensors + 1;
    }
    for (; w < WIDTHS; w++, k = 0)
        for (; k < c->count; k++)
            if (ravine_dtype_bits(c->tensors[k].dtype) == widths[w]) return &c->tensors[k];
    return NULL;
}

static void put_tensors(text_buffer *b, const contents *c) {
    int64_t begin = 0;
    for (const ravine_tensor *t = NULL; (t = next_in_file(c, t));) {
        const int64_t end = begin + ravine_tensor_bytes(t);
        put(b, ",\"");
        put_escaped(b, t->name);
        put(b, "\":{\"dtype\":\"");
        put(b, ravine_dtype_name(t->dtype));
        put(b, "\",\"shape\":[");
        for (int32_t k = 0; k < t->ndim; k++) {
            if (k) put(b, ",");
            put_number(b, t->shape[k]);
        }
        put(b, "],\"data_offsets\":[");
        put_number(b, begin);
        put(b, ",");
        put_number(b, end);
        put(b, "]}");
        begin = end;
    }
}

/* Everything before the data; the checksum of the header comes first. */
static void put_header(text_buffer *b, const contents *c, uint64_t length) {
    put_bytes(b, (const char *)&length, sizeof length);
    put(b, "{\"" SAFETENSORS_METADATA "\":{");
    put_text(b, SAFETENSORS_CRC, "", zeros);
    const size_t crc_end = b->size - 1;
    for (int64_t k = 0; k < c->ntexts; k++) {
        put(b, ",");
        put_text(b, "", c->texts[k].key, c->texts[k].value);
    }
    put_checksums(b, c);
    put(b, "}");
    put_tensors(b, c);
    put(b, "}");
    while (b->size % 8) put(b, " ");
    if (!b->bytes) return;
    char digits[CRC_DIGITS + 1];
    snprintf(digits, sizeof digits, "%08x", ravine_crc32c(0, b->bytes, b->size));
    memcpy(b->bytes + crc_end - CRC_DIGITS, digits, CRC_DIGITS);
}

/* ---- the file -------------------------------------------------------------------------------- */

static int how_of(const ravine_safetensors_options *options) {
    return (options->verify ? RAVINE_ATOMIC_VERIFY : 0) |
           (options->over_links ? RAVINE_ATOMIC_OVER_LINKS : 0);
}

static ravine_status write_file(const contents *c, const text_buffer *header, int how) {
    ravine_atomic_file file;
    const int64_t size = (int64_t)header->size + c->data_bytes;
    ravine_status status = ravine_atomic_open(&file, c->path, size, how);
    if (!status) status = ravine_atomic_write(&file, header->bytes, header->size);
    for (const ravine_tensor *t = NULL; !status && (t = next_in_file(c, t));)
        status = ravine_atomic_write(&file, t->data, (size_t)ravine_tensor_bytes(t));
    return status ? status : ravine_atomic_commit(&file);
}

ravine_status ravine_safetensors_write(const char *path, const ravine_tensor *tensors,
                                       int64_t count, const ravine_text *texts, int64_t ntexts,
                                       const ravine_safetensors_options *options) {
    contents c = {path, tensors, texts, count, ntexts, 0};
    ravine_safetensors_options own = {0};
    ravine_env env;
    if (!path) return ravine_fail(RAVINE_E_ARG, "the path is NULL");
    ravine_status status =
        options ? ravine_sized_read(&ravine_sized_safetensors_options, &own, options) : RAVINE_OK;
    if (!status) status = ravine_env_complete(&env, own.env);
    if (!status) status = check(&c, &env);
    if (status) return status;
    text_buffer measured = {0}, header = {0};
    put_header(&measured, &c, 0);
    const uint64_t length = measured.size - sizeof(uint64_t);
    if (length > SAFETENSORS_HEADER_MAX)
        return ravine_fail(RAVINE_E_RANGE,
                           "cannot write %s: its header has %llu bytes, the limit "
                           "is %d",
                           ravine_path_tail(path), (unsigned long long)length,
                           SAFETENSORS_HEADER_MAX);
    if (c.data_bytes > INT64_MAX - (int64_t)measured.size)
        return ravine_fail(RAVINE_E_RANGE, "cannot write %s: it would have more than %lld bytes",
                           ravine_path_tail(path), (long long)INT64_MAX);
    header.bytes = ravine_env_alloc(&env, measured.size);
    if (!header.bytes) return RAVINE_E_NOMEM;
    put_header(&header, &c, length);
    status = write_file(&c, &header, how_of(&own));
    ravine_env_free(&env, header.bytes, measured.size);
    return status;
}
