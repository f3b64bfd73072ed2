/* SPDX-License-Identifier: Apache-2.0 */
/* The header is read twice by the same code: first it is checked and its parts are counted, then
 * they are stored in memory of that size. In between its checksum is looked at, because the second
 * reading unescapes the texts in their place. */
#include "store/header.h"

#include "base/memory.h"
#include "file/crc32c.h"
#include "math/sort.h"
#include "store/safetensors.h"
#include "text/error.h"

#include <string.h>

#define OURS "ravine."

/* ---- the form -------------------------------------------------------------------------------- */

/* The beginning of a string as it stands in the file, for messages. */
static ravine_quoted quote(const json_cursor *c, json_string s) {
    char text[80];
    size_t length = s.end - s.begin;
    if (length >= sizeof text) length = sizeof text - 1;
    memcpy(text, c->bytes + s.begin, length);
    text[length] = '\0';
    return ravine_quote(text);
}

static ravine_status read_dtype(json_cursor *c, int32_t *dtype) {
    json_string name;
    const ravine_status status = ravine_json_string(c, &name);
    if (status) return status;
#define RAVINE_X(NAME, value, bits, text) \
    if (ravine_json_is(c, name, text)) {  \
        *dtype = RAVINE_##NAME;           \
        return RAVINE_OK;                 \
    }
    RAVINE_DTYPE_LIST(RAVINE_X)
#undef RAVINE_X
    return ravine_json_fail(c, name.begin, "unknown dtype %s", quote(c, name).text);
}

static ravine_status read_shape(json_cursor *c, store_header *h, store_tensor *t) {
    ravine_status status = ravine_json_need(c, '[');
    if (status) return status;
    int64_t *shape = h->sides ? h->sides + h->nsides : NULL;
    t->shape = shape;
    if (ravine_json_take(c, ']')) return RAVINE_OK;
    do {
        int64_t side;
        status = ravine_json_whole(c, &side);
        if (status) return status;
        if (t->ndim == SAFETENSORS_NDIM_MAX)
            return ravine_json_fail(c, c->at, "more than %d dimensions", SAFETENSORS_NDIM_MAX);
        if (shape) shape[t->ndim] = side;
        t->ndim++;
        h->nsides++;
    } while (ravine_json_take(c, ','));
    return ravine_json_take(c, ']') ? RAVINE_OK : ravine_json_expected(c, "',' or ']'");
}

static ravine_status read_offsets(json_cursor *c, store_tensor *t) {
    ravine_status status = ravine_json_need(c, '[');
    if (!status) status = ravine_json_whole(c, &t->begin);
    if (!status) status = ravine_json_need(c, ',');
    if (!status) status = ravine_json_whole(c, &t->end);
    return status ? status : ravine_json_need(c, ']');
}

/* {"dtype":"F32","shape":[2,3],"data_offsets":[0,24]} */
static ravine_status read_tensor(json_cursor *c, store_header *h, json_string name) {
    static const char *const fields[] = {"dtype", "shape", "data_offsets"};
    store_tensor t = {.at = name.begin - 1};
    bool seen[3] = {false, false, false};
    ravine_status status = ravine_json_need(c, '{');
    do {
        json_string key;
        if (!status) status = ravine_json_string(c, &key);
        if (!status) status = ravine_json_need(c, ':');
        if (status) return status;
        int f = 0;
        while (f < 3 && !ravine_json_is(c, key, fields[f])) f++;
        if (f == 3)
            return ravine_json_fail(c, key.begin,
                                    "unknown field %s; a tensor has dtype, shape and "
                                    "data_offsets",
                                    quote(c, key).text);
        if (seen[f])
            return ravine_json_fail(c, key.begin, "a second %s of tensor %s", fields[f],
                                    quote(c, name).text);
        seen[f] = true;
        if (f == 0) status = read_dtype(c, &t.dtype);
        if (f == 1) status = read_shape(c, h, &t);
        if (f == 2) status = read_offsets(c, &t);
        if (status) return status;
    } while (ravine_json_take(c, ','));
    if (!ravine_json_take(c, '}')) return ravine_json_expected(c, "',' or '}'");
    for (int f = 0; f < 3; f++)
        if (!seen[f])
            return ravine_json_fail(c, t.at, "tensor %s has no %s", quote(c, name).text, fields[f]);
    if (h->tensors) {
        t.name = ravine_json_unescape(c, name);
        h->tensors[h->count] = t;
    }
    h->count++;
    return RAVINE_OK;
}

/* {"key":"value",...} */
static ravine_status read_metadata(json_cursor *c, store_header *h, json_string name) {
    if (h->has_metadata) return ravine_json_fail(c, name.begin, "a second " SAFETENSORS_METADATA);
    h->has_metadata = true;
    ravine_status status = ravine_json_need(c, '{');
    if (status || ravine_json_take(c, '}')) return status;
    do {
        json_string key, value;
        status = ravine_json_string(c, &key);
        if (!status) status = ravine_json_need(c, ':');
        if (!status) status = ravine_json_string(c, &value);
        if (status) return status;
        if (ravine_json_is(c, key, SAFETENSORS_CRC)) h->crc = value;
        if (ravine_json_starts(c, key, OURS)) h->ours = true;
        if (h->texts)
            h->texts[h->ntexts] =
                (ravine_text){ravine_json_unescape(c, key), ravine_json_unescape(c, value)};
        h->ntexts++;
    } while (ravine_json_take(c, ','));
    return ravine_json_take(c, '}') ? RAVINE_OK : ravine_json_expected(c, "',' or '}'");
}

/* The whole header; into the arrays of *h if there are any. */
static ravine_status read_all(json_cursor *c, store_header *h) {
    c->at = SAFETENSORS_START;
    h->count = h->ntexts = h->nsides = 0;
    h->has_metadata = false;
    if (c->at == c->end || c->bytes[c->at] != '{')
        return ravine_json_expected(c, "'{' as the first byte of the header");
    c->at++;
    if (!ravine_json_take(c, '}')) {
        do {
            json_string name;
            ravine_status status = ravine_json_string(c, &name);
            if (!status) status = ravine_json_need(c, ':');
            if (status) return status;
            status = ravine_json_is(c, name, SAFETENSORS_METADATA) ? read_metadata(c, h, name)
                                                                   : read_tensor(c, h, name);
            if (status) return status;
        } while (ravine_json_take(c, ','));
        if (!ravine_json_take(c, '}')) return ravine_json_expected(c, "',' or '}'");
    }
    while (c->at < c->end && c->bytes[c->at] == ' ') c->at++;
    return c->at == c->end ? RAVINE_OK : ravine_json_expected(c, "blanks up to the data");
}

/* ---- checksums ------------------------------------------------------------------------------- */

enum { CRC_DIGITS = 8 };

/* Eight hexadecimal digits, small letters, and nothing behind them. No text has a NUL inside. */
static bool read_crc(const char *text, size_t length, uint32_t *crc) {
    static const char digits[] = "0123456789abcdef";
    *crc = 0;
    if (length != CRC_DIGITS) return false;
    for (int k = 0; k < CRC_DIGITS; k++) {
        const char *digit = strchr(digits, text[k]);
        if (!digit) return false;
        *crc = *crc << 4 | (uint32_t)(digit - digits);
    }
    return true;
}

/* Everything before the data, with the digits of the checksum taken as zeros. */
static ravine_status check_header_crc(const json_cursor *c, const store_header *h) {
    uint32_t stored, crc;
    if (h->crc.begin == 0) {
        if (!h->ours) return RAVINE_OK;
        return ravine_fail(RAVINE_E_FORMAT,
                           "%s: the header has texts of Ravine, but no checksum " SAFETENSORS_CRC,
                           ravine_path_tail(c->file));
    }
    if (!read_crc(c->bytes + h->crc.begin, h->crc.end - h->crc.begin, &stored))
        return ravine_json_fail(c, h->crc.begin,
                                SAFETENSORS_CRC " is %s; it must be 8 hexadecimal "
                                                "digits",
                                quote(c, h->crc).text);
    crc = ravine_crc32c(0, c->bytes, h->crc.begin);
    crc = ravine_crc32c(crc, "00000000", CRC_DIGITS);
    crc = ravine_crc32c(crc, c->bytes + h->crc.end, c->end - h->crc.end);
    if (crc == stored) return RAVINE_OK;
    return ravine_fail(RAVINE_E_FORMAT,
                       "%s: bytes 0 to %zu, the header, are damaged: their checksum "
                       "is %08x, not %08x",
                       ravine_path_tail(c->file), c->end - 1, crc, stored);
}

/* "ravine.crc32c.NAME" goes to the tensor NAME. */
static ravine_status take_crcs(const json_cursor *c, store_header *h) {
    static const char prefix[] = SAFETENSORS_CRC ".";
    for (int64_t k = 0; k < h->ntexts; k++) {
        const ravine_text *text = &h->texts[k];
        if (strncmp(text->key, prefix, strlen(prefix)) != 0) continue;
        const char *name = text->key + strlen(prefix);
        const int64_t i = ravine_names_find(h->by_name, h->count, name);
        if (i < 0)
            return ravine_fail(RAVINE_E_FORMAT,
                               "%s: there is a checksum of tensor %s, but not the "
                               "tensor",
                               ravine_path_tail(c->file), ravine_quote(name).text);
        if (!read_crc(text->value, strlen(text->value), &h->tensors[i].crc))
            return ravine_fail(RAVINE_E_FORMAT,
                               "%s: the checksum of tensor %s is %s; it must be 8 "
                               "hexadecimal digits",
                               ravine_path_tail(c->file), ravine_quote(name).text,
                               ravine_quote(text->value).text);
        h->tensors[i].checked = true;
    }
    return RAVINE_OK;
}

/* ---- the meaning ----------------------------------------------------------------------------- */

static int compare_data(const void *a, const void *b) {
    const store_tensor *s = a, *t = b;
    if (s->begin != t->begin) return s->begin < t->begin ? -1 : 1;
    if (s->end != t->end) return s->end < t->end ? -1 : 1;
    return s->at < t->at ? -1 : 1;
}

static ravine_status check_tensor(const json_cursor *c, const store_tensor *t, int64_t expected) {
    const ravine_tensor view = {.dtype = t->dtype, .ndim = t->ndim, .shape = t->shape};
    const int64_t bytes = ravine_tensor_bytes(&view);
    const long long begin = t->begin, end = t->end;
    if (end < begin)
        return ravine_json_fail(c, t->at, "tensor %s ends at %lld, before it begins, at %lld",
                                ravine_quote(t->name).text, end, begin);
    if (bytes < 0)
        return ravine_json_fail(c, t->at,
                                "the shape of tensor %s makes too many bytes, or not a "
                                "whole number of them",
                                ravine_quote(t->name).text);
    if (bytes != end - begin)
        return ravine_json_fail(c, t->at,
                                "tensor %s has %lld bytes by its shape, %lld by its "
                                "data_offsets",
                                ravine_quote(t->name).text, (long long)bytes, end - begin);
    if (begin != expected)
        return ravine_json_fail(
            c, t->at, "tensor %s begins at %lld of the data; %s %lld", ravine_quote(t->name).text,
            begin, begin < expected ? "it overlaps what ends at" : "a hole follows what ends at",
            (long long)expected);
    return RAVINE_OK;
}

/* The tensors must cover the rest of the file, each byte once. */
static ravine_status check_data(const json_cursor *c, store_header *h, int64_t file_size) {
    const int64_t room = file_size - (int64_t)c->end;
    int64_t expected = 0;
    ravine_sort(h->tensors, h->count, sizeof *h->tensors, compare_data);
    for (int64_t k = 0; k < h->count; k++) {
        const ravine_status status = check_tensor(c, &h->tensors[k], expected);
        if (status) return status;
        expected = h->tensors[k].end;
        if (expected > room)
            return ravine_json_fail(c, (size_t)file_size,
                                    "the file ends here, but tensor %s goes "
                                    "on to byte %llu",
                                    ravine_quote(h->tensors[k].name).text,
                                    (unsigned long long)c->end + (unsigned long long)expected);
    }
    if (expected == room) return RAVINE_OK;
    return ravine_json_fail(c, c->end + (size_t)expected,
                            "the tensors end here, but the file has "
                            "%lld bytes more",
                            (long long)(room - expected));
}

static ravine_status check_names(const json_cursor *c, store_header *h) {
    for (int64_t k = 0; k < h->count; k++) h->by_name[k] = (name_slot){h->tensors[k].name, k};
    for (int64_t k = 0; k < h->ntexts; k++) h->by_key[k] = (name_slot){h->texts[k].key, k};
    ravine_names_sort(h->by_name, h->count);
    ravine_names_sort(h->by_key, h->ntexts);
    const char *what = "tensors have the name";
    const name_slot *twice = ravine_names_twice(h->by_name, h->count);
    if (!twice) {
        what = "texts have the key";
        twice = ravine_names_twice(h->by_key, h->ntexts);
    }
    if (!twice) return RAVINE_OK;
    return ravine_json_fail(c, (size_t)(twice->name - c->bytes), "two %s %s", what,
                            ravine_quote(twice->name).text);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static ravine_status take_memory(store_header *h, const ravine_env *env) {
    const size_t count = (size_t)h->count, ntexts = (size_t)h->ntexts, nsides = (size_t)h->nsides;
    h->memory_bytes = count * (sizeof *h->tensors + sizeof *h->by_name) +
                      ntexts * (sizeof *h->texts + sizeof *h->by_key) +
                      (nsides + 1) * sizeof *h->sides; /* never 0 bytes, never NULL */
    h->tensors = ravine_env_alloc(env, h->memory_bytes);
    if (!h->tensors) return RAVINE_E_NOMEM;
    h->by_name = (name_slot *)(h->tensors + count);
    h->texts = (ravine_text *)(h->by_name + count);
    h->by_key = (name_slot *)(h->texts + ntexts);
    h->sides = (int64_t *)(h->by_key + ntexts);
    return RAVINE_OK;
}

void ravine_header_free(store_header *h, const ravine_env *env) {
    ravine_env_free(env, h->tensors, h->memory_bytes);
    *h = (store_header){0};
}

ravine_status ravine_header_read(store_header *h, json_cursor *c, int64_t file_size,
                                 const ravine_env *env) {
    *h = (store_header){0};
    ravine_status status = read_all(c, h);
    if (!status) status = check_header_crc(c, h);
    if (!status) status = take_memory(h, env);
    if (!status) status = read_all(c, h);
    if (!status) /* GCOVR_EXCL_BR_LINE: what was read once can be read again */
        status = check_data(c, h, file_size);
    if (!status) status = check_names(c, h);
    if (!status) status = take_crcs(c, h);
    if (status) ravine_header_free(h, env);
    return status;
}
