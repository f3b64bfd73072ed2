/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are no safetensors files, in the classes of docs/internals/store.md: each is refused
 * with the status and the byte that stand in its row, in memory and time that its header bounds.
 *
 * A row's header is JSON text with an @ where the byte is that the message must name. */
#include "support/scratch.h"

#include "faults/disk.h"
#include "faults/faults.h"
#include "file/files.h"
#include "ravine_checkpoint.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

/* ---- memory with a peak ---------------------------------------------------------------------- */

static size_t live, peak;

static void *take(void *context, size_t bytes, size_t alignment) {
    (void)context;
    void *memory = NULL;
    live += bytes;
    if (live > peak) peak = live;
    return posix_memalign(&memory, alignment, bytes) ? NULL : memory;
}

static void give(void *context, void *memory, size_t bytes) {
    (void)context;
    live -= bytes;
    free(memory);
}

static ravine_env watched_env(void) {
    ravine_env env;
    ravine_env_init(&env);
    env.allocate = take;
    env.release = give;
    live = peak = 0;
    return env;
}

/* ---- one file -------------------------------------------------------------------------------- */

enum { CLASSES = 45 };
static int64_t tried[CLASSES], accepted;

/* Opens bytes[size]: must be E_FORMAT with a message that begins with `told`. */
static void refuse(int class, const void *bytes, size_t size, const char *told) {
    const ravine_env env = watched_env();
    ravine_checkpoint *c = NULL;
    disk_install();
    disk_put("x", bytes, size);
    const ravine_status status = ravine_checkpoint_open(&c, "x", &env);
    if (status != RAVINE_E_FORMAT || strncmp(ravine_errmsg(), told, strlen(told)) != 0)
        fail_msg("class %d: status %d '%s', not '%s'", class, status,
                 status ? ravine_errmsg() : "opened", told);
    assert_null(c);
    assert_int_equal(live, 0);
    assert_int_equal(disk_handle_count(), 0);
    assert_true(peak <= 64 * size + 4096);
    for (const char *p = ravine_errmsg(); *p; p++) assert_true((unsigned char)*p >= 0x20);
    disk_remove();
    tried[class]++;
}

static void put_length(char *bytes, uint64_t length) {
    for (int k = 0; k < 8; k++) bytes[k] = (char)(length >> (8 * k));
}

/* A file of a header and zeros for data; for free(). */
static char *file_of(const char *header, size_t length, size_t data, size_t *size) {
    *size = 8 + length + data;
    char *bytes = calloc(*size + 1, 1);
    assert_non_null(bytes);
    put_length(bytes, length);
    memcpy(bytes + 8, header, length);
    return bytes;
}

/* The header has an @ at the byte that is told. */
static void refuse_header(int class, const char *marked, size_t marked_length, size_t data,
                          const char *what) {
    const char *mark = memchr(marked, '@', marked_length);
    if (!mark) fail_msg("class %d: no mark in %s", class, marked);
    const size_t at = (size_t)(mark - marked);
    char *header = malloc(marked_length), told[400];
    assert_non_null(header);
    memcpy(header, marked, at);
    memcpy(header + at, mark + 1, marked_length - at - 1);
    snprintf(told, sizeof told, "x: byte %zu: %s", 8 + at, what);
    size_t size;
    char *bytes = file_of(header, marked_length - 1, data, &size);
    refuse(class, bytes, size, told);
    free(bytes);
    free(header);
}

static void prepare_gradient(const char *header, size_t data) {
    const ravine_env env = watched_env();
    ravine_checkpoint *c = NULL;
    size_t size;
    char *bytes = file_of(header, strlen(header), data, &size);
    disk_install();
    disk_put("x", bytes, size);
    if (ravine_checkpoint_open(&c, "x", &env) < 0) fail_msg("%s: %s", header, ravine_errmsg());
    assert_int_equal(ravine_checkpoint_verify(c), RAVINE_OK);
    ravine_checkpoint_close(c);
    assert_int_equal(live, 0);
    disk_remove();
    free(bytes);
    accepted++;
}

typedef struct row {
    int class;
    const char *header; /* with an @ */
    size_t data;
    const char *told;
} row;

#define REFUSE_ALL(rows)                                                                       \
    for (size_t k = 0; k < sizeof(rows) / sizeof *(rows); k++)                                 \
    refuse_header((rows)[k].class, (rows)[k].header, strlen((rows)[k].header), (rows)[k].data, \
                  (rows)[k].told)

/* ---- 1 to 6, 41: the length in front --------------------------------------------------------- */

static const char good[] = "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}";

static void lengths(void **state) {
    (void)state;
    char bytes[64] = {0}, told[200];
    for (size_t size = 0; size < 8; size++) {
        snprintf(told, sizeof told, "x: byte %zu: the file ends here; its header's length", size);
        refuse(1, bytes, size, told);
    }
    for (size_t size = 8; size < 16; size++)
        refuse(2, bytes, size,
               "x: byte 8: expected '{' as the first byte of the header, but the "
               "header ends here");
    put_length(bytes, 1);
    static const char ones[] = "}[ \"0n\n\xff";
    for (const char *one = ones; *one; one++) {
        bytes[8] = *one;
        refuse(2, bytes, 9, "x: byte 8: expected '{' as the first byte of the header, found ");
    }
    bytes[8] = '{';
    refuse(2, bytes, 9, "x: byte 9: expected a string, but the header ends here");
    static const uint64_t wrapping[] = {UINT64_MAX,     UINT64_MAX - 1, UINT64_MAX - 6,
                                        UINT64_MAX - 7, UINT64_MAX - 8, UINT64_MAX - 9,
                                        INT64_MAX,      1ull << 63,     (1ull << 63) + 8,
                                        1ull << 32,     1ull << 40,     1ull << 62};
    for (size_t k = 0; k < sizeof wrapping / sizeof *wrapping; k++) {
        put_length(bytes, wrapping[k]);
        snprintf(told, sizeof told, "x: byte 0: the header has %llu bytes, the limit is 100000000",
                 (unsigned long long)wrapping[k]);
        refuse(3, bytes, sizeof bytes, told);
    }
    static const uint64_t above[] = {100000001, 100000002, 100000008,  134217728,
                                     200000000, 999999999, 1000000000, 4294967295};
    for (size_t k = 0; k < sizeof above / sizeof *above; k++) {
        put_length(bytes, above[k]);
        refuse(4, bytes, sizeof bytes, "x: byte 0: the header has ");
    }
    static const uint64_t longer[] = {57, 58, 64, 65, 100, 1000, 99999999, 100000000};
    for (size_t k = 0; k < sizeof longer / sizeof *longer; k++) {
        put_length(bytes, longer[k]);
        snprintf(told, sizeof told,
                 "x: byte 64: the file ends here, but its header goes on to byte "
                 "%llu",
                 (unsigned long long)longer[k] + 8);
        refuse(5, bytes, sizeof bytes, told);
    }
}

static void truncated(void **state) {
    (void)state;
    size_t size;
    const size_t header = strlen(good);
    char *bytes = file_of(good, header, 8, &size), told[200];
    for (size_t cut = 8; cut < size; cut++) {
        if (cut < 8 + header)
            snprintf(told, sizeof told,
                     "x: byte %zu: the file ends here, but its header goes on to "
                     "byte %zu",
                     cut, 8 + header);
        else
            snprintf(told, sizeof told,
                     "x: byte %zu: the file ends here, but tensor \"w\" goes on "
                     "to byte %zu",
                     cut, size);
        refuse(6, bytes, cut, told);
    }
    free(bytes);
}

static void big_endian(void **state) {
    (void)state;
    for (size_t blanks = 0; blanks < 10; blanks++) {
        char header[100], told[100];
        snprintf(header, sizeof header, "%s%*s", good, (int)blanks, "");
        const uint64_t length = strlen(header);
        size_t size;
        char *bytes = file_of(header, length, 8, &size);
        for (int k = 0; k < 8; k++) bytes[k] = (char)(length >> (56 - 8 * k));
        snprintf(told, sizeof told, "x: byte 0: the header has %llu bytes",
                 (unsigned long long)length << 56);
        refuse(41, bytes, size, told);
        free(bytes);
    }
}

/* ---- 7, 8, 9: how it begins ------------------------------------------------------------------ */

#define W     "{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}"
#define BEGIN "expected '{' as the first byte of the header, found "

static const row beginnings[] = {
    {7, "@[]", 0, BEGIN "'['"},
    {7, "@\"w\"", 0, BEGIN "'\"'"},
    {7, "@0", 0, BEGIN "'0'"},
    {7, "@null", 0, BEGIN "'n'"},
    {7, "@true", 0, BEGIN "'t'"},
    {7, "@<html>", 0, BEGIN "'<'"},
    {7, "@PK\3\4", 0, BEGIN "'P'"},
    {7,
     "@\x7f"
     "ELF",
     0, BEGIN "byte 0x7f"},
    {7, "@\x80\x02}q", 0, BEGIN "byte 0x80"},
    {7, "@\x89HDF", 0, BEGIN "byte 0x89"},
    {8, "@\xef\xbb\xbf{}", 0, BEGIN "byte 0xef"},
    {8, "@\xef\xbb\xbf{\"w\":" W "}", 8, BEGIN "byte 0xef"},
    {8, "@\xfe\xff{}", 0, BEGIN "byte 0xfe"},
    {8, "@\xff\xfe{}", 0, BEGIN "byte 0xff"},
    {8, "@\xef\xbb\xbf\xef\xbb\xbf{}", 0, BEGIN "byte 0xef"},
    {8, "@\xe2\x80\x8b{}", 0, BEGIN "byte 0xe2"},
    {8, "@\xc2\xa0{}", 0, BEGIN "byte 0xc2"},
    {8, "@\x2b/v8-{}", 0, BEGIN "'+'"},
    {8, "{@\xef\xbb\xbf}", 0, "expected a string, found byte 0xef"},
    {9, "@ {}", 0, BEGIN "byte 0x20"},
    {9, "@  {}", 0, BEGIN "byte 0x20"},
    {9, "@\t{}", 0, BEGIN "byte 0x09"},
    {9, "@\n{}", 0, BEGIN "byte 0x0a"},
    {9, "@\r\n{}", 0, BEGIN "byte 0x0d"},
    {9, "@\f{}", 0, BEGIN "byte 0x0c"},
    {9, "@\v{}", 0, BEGIN "byte 0x0b"},
    {9, "@ {\"w\":" W "}", 8, BEGIN "byte 0x20"},
    {9, "@        {\"w\":" W "}", 8, BEGIN "byte 0x20"},
};

static void how_it_begins(void **state) {
    (void)state;
    REFUSE_ALL(beginnings);
}

/* ---- 10, 11, 12: characters ------------------------------------------------------------------ */

/* Every bad text in every place where a text may stand. */
static void refuse_text(int class, const char *bad, size_t length, const char *told) {
    static const char *const around[][2] = {
        {"{\"", "\":" W "}"},
        {"{\"a", "z\":" W "}"},
        {"{\"__metadata__\":{\"", "\":\"v\"}}"},
        {"{\"__metadata__\":{\"k\":\"", "\"}}"},
        {"{\"__metadata__\":{\"k\":\"abc", "xyz\"}}"},
        {"{\"w\":{\"", "\":\"F32\"}}"},
        {"{\"w\":{\"dtype\":\"", "\"}}"},
        {"{\"\\u00e9\xc3\xa9", "\":" W "}"},
    };
    for (size_t k = 0; k < sizeof around / sizeof *around; k++) {
        char header[300];
        size_t n = strlen(around[k][0]);
        memcpy(header, around[k][0], n);
        memcpy(header + n, bad, length);
        n += length;
        memcpy(header + n, around[k][1], strlen(around[k][1]));
        refuse_header(class, header, n + strlen(around[k][1]), 8, told);
    }
}

static void characters(void **state) {
    (void)state;
    static const char *const not_utf8[] = {"@\xc0\x80",
                                           "@\xc1\xbf",
                                           "@\xe0\x80\x80",
                                           "@\xe0\x9f\xbf",
                                           "@\xf0\x80\x80\x80",
                                           "@\xf0\x8f\xbf\xbf",
                                           "@\xed\xa0\x80",
                                           "@\xed\xbf\xbf",
                                           "@\xf4\x90\x80\x80",
                                           "@\xf5\x80\x80\x80",
                                           "@\x80",
                                           "@\xbf",
                                           "@\xc3",
                                           "@\xe2\x82",
                                           "@\xf0\x9f\x98",
                                           "@\xfe",
                                           "@\xff",
                                           "@\xf8\x88\x80\x80\x80",
                                           "x@\xc3(",
                                           "\xc3\xa4@\x80",
                                           "\xf0\x9f\x98\x80@\xa0"};
    static const char *const controls[] = {"@\1", "@\n", "@\r", "@\t", "@\x1b[31m", "@\x1f"};
    static const char *const escapes[] = {"@\\x41", "@\\'",       "@\\0", "@\\a",
                                          "@\\v",   "@\\U0041",   "@\\ ", "@\\\n",
                                          "@\\N",   "\\n@\\\x80", "@\\8"};
    static const char *const codes[] = {"@\\u",     "@\\u1",    "@\\u12",   "@\\u123", "@\\u12G4",
                                        "@\\u-123", "@\\u 123", "@\\u+123", "@\\u0x12"};
    static const char *const firsts[] = {"@\\ud800",         "@\\udbff",        "@\\ud800x",
                                         "@\\ud800\\n",      "@\\ud800\\u0041", "@\\ud800\\ud800",
                                         "@\\uD83D\\uD83D",  "@\\ud800\\",      "@\\ud83d\\ude0",
                                         "@\\ud83d \\ude00", "@\\ud83d\\bde00", "@\\ud83dxude00"};
    static const char *const seconds[] = {"@\\udc00", "@\\udfff", "\\ud83d\\ude00@\\ude00"};
#define EACH(class, list, told)                                \
    for (size_t k = 0; k < sizeof(list) / sizeof *(list); k++) \
    refuse_text(class, (list)[k], strlen((list)[k]), told)
    EACH(10, not_utf8, "this is not UTF-8");
    refuse_text(11, "@\0", 2, "a control character must be escaped");
    refuse_text(11, "ab@\0cd", 6, "a control character must be escaped");
    refuse_text(11, "@\\u0000", 7, "a NUL has no place in a name or text");
    EACH(11, controls, "a control character must be escaped");
    EACH(12, escapes, "no such escape");
    refuse_header(12, "{\"@\\", 4, 0, "no such escape");
    refuse_header(12, "{\"@\\u", 5, 0, "\\u needs four hexadecimal digits");
    EACH(12, codes, "\\u needs four hexadecimal digits");
    EACH(12, firsts, "the first half of a surrogate pair alone");
    EACH(12, seconds, "the second half of a surrogate pair alone");
#undef EACH
}

/* ---- 13: depth ------------------------------------------------------------------------------- */

static void depth(void **state) {
    (void)state;
    enum { DEEP = 100000 };
    static const struct {
        const char *before, *repeated, *told;
    } cases[] = {
        {"{\"w\":{\"@x\":", "[", "unknown field \"x\""},
        {"{\"w\":{\"@x\":", "{\"a\":", "unknown field \"x\""},
        {"{\"w\":{\"shape\":[@", "[", "expected a whole number, found '['"},
        {"{\"w\":{\"data_offsets\":[@", "[", "expected a whole number, found '['"},
        {"{\"w\":@", "[", "expected '{', found '['"},
        {"{\"__metadata__\":{\"a\":@", "{\"a\":", "expected a string, found '{'"},
        {"{\"__metadata__\":@", "[", "expected '{', found '['"},
        {"@", "[", BEGIN "'['"},
        {"{@", "{", "expected a string, found '{'"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const size_t first = strlen(cases[k].before), each = strlen(cases[k].repeated);
        char *header = malloc(first + DEEP * each + 1);
        assert_non_null(header);
        memcpy(header, cases[k].before, first);
        for (size_t d = 0; d < DEEP; d++)
            memcpy(header + first + d * each, cases[k].repeated, each);
        refuse_header(13, header, first + DEEP * each, 0, cases[k].told);
        free(header);
    }
}

/* ---- 14 to 24, 26, 28, 29, 34 to 36: the form and the meaning -------------------------------- */

#define F32(shape, begin, end) \
    "{\"dtype\":\"F32\",\"shape\":[" shape "],\"data_offsets\":[" begin "," end "]}"
#define DATA(begin, end) F32("2", begin, end)

static const row forms[] = {
    {14,
     "{\"w\":{\"@x\":1,"
     "\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
     8, "unknown field \"x\"; a tensor has dtype, shape and data_offsets"},
    {14, "{\"w\":{\"dtype\":\"F32\",\"@Shape\":[2],\"data_offsets\":[0,8]}}", 8,
     "unknown field \"Shape\""},
    {14, "{\"w\":{\"dtype\":\"F32\",\"@shapes\":[2],\"data_offsets\":[0,8]}}", 8,
     "unknown field \"shapes\""},
    {14, "{\"w\":{\"dtype\":\"F32\",\"@shap\":[2],\"data_offsets\":[0,8]}}", 8,
     "unknown field \"shap\""},
    {14, "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"@strides\":[1]}}", 8,
     "unknown field \"strides\""},
    {14, "{\"w\":{\"@\":1}}", 8, "unknown field \"\""},
    {14, "{\"w\":{\"@dtype \":\"F32\"}}", 8, "unknown field \"dtype \""},
    {14, "{\"w\":{\"@\\ndtype\":\"F32\"}}", 8, "unknown field \"\\ndtype\""},
    {14, "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"@offsets\":[0,8]}}", 8,
     "unknown field \"offsets\""},
    {15, "{@\"w\":{\"dtype\":\"F32\"}}", 8, "tensor \"w\" has no shape"},
    {15, "{@\"w\":{\"shape\":[2]}}", 8, "tensor \"w\" has no dtype"},
    {15, "{@\"w\":{\"data_offsets\":[0,8]}}", 8, "tensor \"w\" has no dtype"},
    {15, "{@\"w\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, "tensor \"w\" has no data_offsets"},
    {15, "{@\"w\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", 8, "tensor \"w\" has no shape"},
    {15, "{@\"w\":{\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "tensor \"w\" has no dtype"},
    {15, "{\"w\":{@}}", 8, "expected a string, found '}'"},
    {15, "{\"v\":" F32("0", "0", "0") ",@\"w\":{\"shape\":[2]}}", 8, "tensor \"w\" has no dtype"},
    {16, "{\"w\":{\"dtype\":\"F32\",\"@dtype\":\"F32\"}}", 8, "a second dtype of tensor \"w\""},
    {16, "{\"w\":{\"shape\":[],\"@shape\":[]}}", 8, "a second shape of tensor \"w\""},
    {16, "{\"w\":{\"data_offsets\":[0,8],\"@data_offsets\":[0,8]}}", 8, "a second data_offsets"},
    {16, "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"@dtype\":\"F32\"}}", 8,
     "a second dtype"},
    {16, "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"@shape\":[2]}}", 8,
     "a second shape"},
    {16, "{\"w\":{\"dtype\":\"F32\",\"@\\u0064type\":\"F32\"}}", 8, "a second dtype"},
    {16, "{\"w\":{\"s\\u0068ape\":[],\"@sh\\u0061pe\":[]}}", 8, "a second shape"},
    {16, "{\"w\":{\"shape\":[2],\"dtype\":\"F32\",\"@shape\":[2]}}", 8, "a second shape"},
    {18, "{\"__metadata__\":{},\"@__metadata__\":{}}", 0, "a second __metadata__"},
    {18, "{\"__metadata__\":{},\"@\\u005f_metadata__\":{}}", 0, "a second __metadata__"},
    {18, "{\"__metadata__\":{\"a\":\"b\"},\"w\":" W ",\"@__metadata__\":{}}", 8,
     "a second __metadata__"},
    {18, "{\"__metadata__\":@null}", 0, "expected '{', found 'n'"},
    {18, "{\"__metadata__\":@[]}", 0, "expected '{', found '['"},
    {18, "{\"__metadata__\":@\"text\"}", 0, "expected '{', found '\"'"},
    {18, "{\"__metadata__\":@1}", 0, "expected '{', found '1'"},
    {18, "{\"__metadata__\":@true}", 0, "expected '{', found 't'"},
    {19, "{\"__metadata__\":{\"a\":@1}}", 0, "expected a string, found '1'"},
    {19, "{\"__metadata__\":{\"a\":@null}}", 0, "expected a string, found 'n'"},
    {19, "{\"__metadata__\":{\"a\":@[\"b\"]}}", 0, "expected a string, found '['"},
    {19, "{\"__metadata__\":{\"a\":@{\"b\":\"c\"}}}", 0, "expected a string, found '{'"},
    {19, "{\"__metadata__\":{\"a\":@true}}", 0, "expected a string, found 't'"},
    {19, "{\"__metadata__\":{\"a\":@-1}}", 0, "expected a string, found '-'"},
    {19, "{\"__metadata__\":{\"a\":\"b\",\"c\":@2}}", 0, "expected a string, found '2'"},
    {19, "{\"__metadata__\":{\"a\":@}}", 0, "expected a string, found '}'"},
    {19, "{\"__metadata__\":{@a:\"b\"}}", 0, "expected a string, found 'a'"},
    {19, "{\"__metadata__\":{\"a\"@\"b\"}}", 0, "expected ':', found '\"'"},
    {19, "{\"__metadata__\":{\"a\":\"b\"@\"c\":\"d\"}}", 0, "expected ',' or '}', found '\"'"},
    {21, "{\"a\":" DATA("0", "8") ",@\"b\":" DATA("0", "8") "}", 8,
     "tensor \"b\" begins at 0 of the data; it overlaps what ends at 8"},
    {21, "{\"a\":" DATA("0", "8") ",@\"b\":" DATA("7", "15") "}", 15,
     "tensor \"b\" begins at 7 of the data; it overlaps what ends at 8"},
    {21, "{\"a\":" DATA("0", "8") ",@\"b\":" DATA("4", "12") "}", 12,
     "tensor \"b\" begins at 4 of the data; it overlaps what ends at 8"},
    {21, "{@\"a\":" DATA("4", "12") ",\"b\":" DATA("0", "8") "}", 12,
     "tensor \"a\" begins at 4 of the data; it overlaps what ends at 8"},
    {21, "{\"a\":" F32("4", "0", "16") ",@\"b\":" DATA("4", "12") "}", 16,
     "tensor \"b\" begins at 4 of the data; it overlaps what ends at 16"},
    {21, "{\"a\":" DATA("0", "8") ",@\"b\":" F32("0", "4", "4") "}", 8,
     "tensor \"b\" begins at 4 of the data; it overlaps what ends at 8"},
    {21, "{\"a\":" DATA("0", "8") ",\"b\":" DATA("8", "16") ",@\"c\":" DATA("15", "23") "}", 23,
     "tensor \"c\" begins at 15"},
    {21, "{\"a\":" F32("1", "0", "4") ",@\"b\":" F32("3", "0", "12") "}", 12,
     "tensor \"b\" begins at 0 of the data; it overlaps what ends at 4"},
    {21, "{@\"b\":" F32("3", "0", "12") ",\"a\":" F32("1", "0", "4") "}", 12,
     "tensor \"b\" begins at 0 of the data; it overlaps what ends at 4"},
    {22, "{@\"a\":" DATA("1", "9") "}", 9,
     "tensor \"a\" begins at 1 of the data; a hole follows what ends at 0"},
    {22, "{@\"a\":" DATA("8", "16") "}", 16, "tensor \"a\" begins at 8 of the data; a hole"},
    {22, "{\"a\":" DATA("0", "8") ",@\"b\":" DATA("9", "17") "}", 17,
     "tensor \"b\" begins at 9 of the data; a hole follows what ends at 8"},
    {22, "{@\"b\":" DATA("16", "24") ",\"a\":" DATA("0", "8") "}", 24,
     "tensor \"b\" begins at 16 of the data; a hole follows what ends at 8"},
    {22, "{\"a\":" DATA("0", "8") ",@\"b\":" F32("0", "12", "12") "}", 12,
     "tensor \"b\" begins at 12 of the data; a hole"},
    {22, "{@\"a\":" F32("0", "8", "8") "}", 8,
     "tensor \"a\" begins at 8 of the data; a hole follows what ends at 0"},
    {22, "{@\"a\":" F32("", "4", "8") "}", 8, "tensor \"a\" begins at 4 of the data; a hole"},
    {22, "{@\"a\":" DATA("9223372036854775799", "9223372036854775807") "}", 8,
     "tensor \"a\" begins at 9223372036854775799 of the data; a hole"},
    {23, "{@\"a\":" DATA("8", "0") "}", 8, "tensor \"a\" ends at 0, before it begins, at 8"},
    {23, "{@\"a\":" F32("0", "1", "0") "}", 0, "tensor \"a\" ends at 0, before it begins, at 1"},
    {23, "{@\"a\":" DATA("16", "8") "}", 16, "tensor \"a\" ends at 8, before it begins, at 16"},
    {23, "{@\"a\":" DATA("9223372036854775807", "0") "}", 8,
     "tensor \"a\" ends at 0, before it begins"},
    {23, "{@\"a\":" F32("", "4", "0") "}", 4, "tensor \"a\" ends at 0, before it begins, at 4"},
    {23, "{\"a\":" DATA("0", "8") ",@\"b\":" DATA("16", "8") "}", 16, "tensor \"b\" ends at 8"},
    {23, "{\"a\":" DATA("0", "8") ",@\"b\":" DATA("8", "7") "}", 8,
     "tensor \"b\" ends at 7, before it begins, at 8"},
    {23, "{\"a\":" DATA("0", "8") ",@\"b\":" F32("0", "8", "7") "}", 8, "tensor \"b\" ends at 7"},
    {26, "{@\"a\":" F32("4294967296,4294967296", "0", "0") "}", 0,
     "the shape of tensor \"a\" makes too many bytes"},
    {26, "{@\"a\":" F32("4611686018427387904,4", "0", "0") "}", 0, "the shape of tensor \"a\""},
    {26, "{@\"a\":" F32("4611686018427387904,2", "0", "0") "}", 0, "the shape of tensor \"a\""},
    {26, "{@\"a\":" F32("9223372036854775807", "0", "8") "}", 8, "the shape of tensor \"a\""},
    {26, "{@\"a\":" F32("0,9223372036854775807,4", "0", "0") "}", 0, "the shape of tensor \"a\""},
    {26, "{@\"a\":" F32("9223372036854775807,4,0", "0", "0") "}", 0, "the shape of tensor \"a\""},
    {26, "{@\"a\":" F32("2,0,9223372036854775807", "0", "0") "}", 0, "the shape of tensor \"a\""},
    {26, "{\"a\":{\"dtype\":\"F32\",\"shape\":[0,@9223372036854775808,4],\"data_offsets\":[0,0]}}",
     0, "the number is greater than 9223372036854775807"},
    {26, "{@\"a\":" F32("65536,65536,65536,65536", "0", "0") "}", 0, "the shape of tensor \"a\""},
    {26, "{@\"a\":" F32("288230376151711744", "0", "0") "}", 0, "the shape of tensor \"a\""},
    {28, "{@\"a\":" F32("2", "0", "4") "}", 4,
     "tensor \"a\" has 8 bytes by its shape, 4 by its data_offsets"},
    {28, "{@\"a\":" F32("2", "0", "9") "}", 9,
     "tensor \"a\" has 8 bytes by its shape, 9 by its data_offsets"},
    {28, "{@\"a\":" F32("", "0", "0") "}", 0,
     "tensor \"a\" has 4 bytes by its shape, 0 by its data_offsets"},
    {28, "{@\"a\":" F32("0", "0", "4") "}", 4, "tensor \"a\" has 0 bytes by its shape, 4 by"},
    {28, "{\"a\":" F32("2", "0", "8") ",@\"b\":" F32("1", "8", "16") "}", 16,
     "tensor \"b\" has 4 bytes by its shape, 8 by"},
    {28, "{@\"a\":" F32("3,0,5", "0", "4") "}", 4, "tensor \"a\" has 0 bytes by its shape, 4 by"},
    {28, "{@\"a\":" F32("3,5", "0", "64") "}", 64, "tensor \"a\" has 60 bytes by its shape, 64 by"},
    {28, "{@\"a\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8,
     "tensor \"a\" has 16 bytes by its shape, 8 by"},
    {28, "{@\"a\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8,
     "tensor \"a\" has 4 bytes by its shape, 8 by"},
    {28, "{@\"a\":{\"dtype\":\"F4\",\"shape\":[16],\"data_offsets\":[0,16]}}", 16,
     "tensor \"a\" has 8 bytes by its shape, 16 by"},
    {29, "{\"a\":{\"dtype\":\"@f32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8,
     "unknown dtype \"f32\""},
    {29, "{\"a\":{\"dtype\":\"@FLOAT32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8,
     "unknown dtype \"FLOAT32\""},
    {29, "{\"a\":{\"dtype\":\"@\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "unknown dtype \"\""},
    {29, "{\"a\":{\"dtype\":\"@F32 \",\"shape\":[2],\"data_offsets\":[0,8]}}", 8,
     "unknown dtype \"F32 \""},
    {29, "{\"a\":{\"dtype\":\"@F3\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8,
     "unknown dtype \"F3\""},
    {29, "{\"a\":{\"dtype\":\"@F3\xc3\xa9\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8,
     "unknown dtype \"F3\xc3\xa9\""},
    {29, "{\"a\":{\"dtype\":\"@F128\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8,
     "unknown dtype \"F128\""},
    {29, "{\"a\":{\"dtype\":\"@<f4\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8,
     "unknown dtype \"<f4\""},
    {29, "{\"a\":{\"dtype\":@1,\"shape\":[2],\"data_offsets\":[0,8]}}", 8,
     "expected a string, found '1'"},
    {29, "{@\"a\":{\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,2]}}", 2,
     "the shape of tensor \"a\" makes too many bytes, or not a whole number of them"},
    {29, "{@\"a\":{\"dtype\":\"F4\",\"shape\":[],\"data_offsets\":[0,1]}}", 1,
     "the shape of tensor \"a\""},
    {29, "{@\"a\":{\"dtype\":\"F6_E2M3\",\"shape\":[3],\"data_offsets\":[0,3]}}", 3,
     "the shape of tensor \"a\""},
    {29, "{@\"a\":{\"dtype\":\"F6_E3M2\",\"shape\":[5,5],\"data_offsets\":[0,19]}}", 19,
     "the shape of tensor \"a\""},
    {34, "{\"w\":" W ",@}", 8, "expected a string, found '}'"},
    {34, "{\"__metadata__\":{\"a\":\"b\",@}}", 0, "expected a string, found '}'"},
    {34, "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],@}}", 8,
     "expected a string, found '}'"},
    {34, "{\"w\":{\"dtype\":\"F32\",\"shape\":[2,@],\"data_offsets\":[0,8]}}", 8,
     "expected a whole number, found ']'"},
    {34, "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8@,]}}", 8,
     "expected ']', found ','"},
    {34, "{@/* w */\"w\":" W "}", 8, "expected a string, found '/'"},
    {34, "{@// w\n\"w\":" W "}", 8, "expected a string, found '/'"},
    {34, "{@'w':" W "}", 8, "expected a string, found '''"},
    {34, "{@w:" W "}", 8, "expected a string, found 'w'"},
    {34, "{\"w\"@=" W "}", 8, "expected ':', found '='"},
    {34, "{\"w\":" W "@;\"v\":" W "}", 8, "expected ',' or '}', found ';'"},
    {34, "{@,\"w\":" W "}", 8, "expected a string, found ','"},
    {34, "{\"w\":" W ",@,\"v\":" W "}", 8, "expected a string, found ','"},
    {34, "{\"w\":{\"dtype\":\"F32\",\"shape\":[@,2],\"data_offsets\":[0,8]}}", 8,
     "expected a whole number, found ','"},
    {35, "{}@{}", 0, "expected blanks up to the data, found '{'"},
    {35, "{}@}", 0, "expected blanks up to the data, found '}'"},
    {35, "{}@,", 0, "expected blanks up to the data, found ','"},
    {35, "{}   @x", 0, "expected blanks up to the data, found 'x'"},
    {35, "{}@\n", 0, "expected blanks up to the data, found byte 0x0a"},
    {35, "{}  @\t", 0, "expected blanks up to the data, found byte 0x09"},
    {35, "{\"w\":" W "}@]", 8, "expected blanks up to the data, found ']'"},
    {35, "{\"w\":" W "}@\xff", 8, "expected blanks up to the data, found byte 0xff"},
    {35, "{}@//", 0, "expected blanks up to the data, found '/'"},
    {36, "{\"a\":" F32("@-0", "0", "0") "}", 0, "expected a whole number, found '-'"},
    {36, "{\"a\":" F32("2,@-0", "0", "0") "}", 0, "expected a whole number, found '-'"},
    {36, "{\"a\":" F32("2", "@-0", "8") "}", 8, "expected a whole number, found '-'"},
    {36, "{\"a\":" F32("0", "0", "@-0") "}", 0, "expected a whole number, found '-'"},
    {36, "{\"a\":" F32("@-0.0", "0", "0") "}", 0, "expected a whole number, found '-'"},
    {36, "{\"a\":" F32("@-0e0", "0", "0") "}", 0, "expected a whole number, found '-'"},
    {36, "{\"a\":" F32("@-", "0", "0") "}", 0, "expected a whole number, found '-'"},
    {36, "{\"a\":" F32("@--0", "0", "0") "}", 0, "expected a whole number, found '-'"},
};

static void forms_and_meanings(void **state) {
    (void)state;
    REFUSE_ALL(forms);
}

/* ---- 20: numbers, in each place where one stands --------------------------------------------- */

static void numbers(void **state) {
    (void)state;
    static const struct {
        const char *number, *told;
    } bad[] = {
        {"@-1", "expected a whole number, found '-'"},
        {"@+1", "expected a whole number, found '+'"},
        {"1@.0", "expected a whole number, found '.'"},
        {"1@.", "expected a whole number, found '.'"},
        {"@.5", "expected a whole number, found '.'"},
        {"1@e3", "expected a whole number, found 'e'"},
        {"1@E0", "expected a whole number, found 'E'"},
        {"0@x10", "expected a whole number, found 'x'"},
        {"0@X10", "expected a whole number, found 'X'"},
        {"@00", "a number must not begin with 0"},
        {"@01", "a number must not begin with 0"},
        {"@NaN", "expected a whole number, found 'N'"},
        {"@Infinity", "expected a whole number, found 'I'"},
        {"@null", "expected a whole number, found 'n'"},
        {"@true", "expected a whole number, found 't'"},
        {"@\"1\"", "expected a whole number, found '\"'"},
        {"@{}", "expected a whole number, found '{'"},
        {"@9223372036854775808", "the number is greater than 9223372036854775807"},
        {"@18446744073709551615", "the number is greater than 9223372036854775807"},
        {"@18446744073709551616", "the number is greater than 9223372036854775807"},
        {"@99999999999999999999999999999999999999999", "the number is greater than"},
        {"@\xd9\xa1", "expected a whole number, found byte 0xd9"},
    };
    static const char *const around[][2] = {
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[", "],\"data_offsets\":[0,8]}}"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2,", "],\"data_offsets\":[0,8]}}"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[", ",8]}}"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,", "]}}"},
    };
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++)
        for (size_t j = 0; j < sizeof around / sizeof *around; j++) {
            char header[200];
            snprintf(header, sizeof header, "%s%s%s", around[j][0], bad[k].number, around[j][1]);
            refuse_header(20, header, strlen(header), 8, bad[k].told);
        }
    static const row other[] = {
        {20, "{\"a\":{\"shape\":@2}}", 0, "expected '[', found '2'"},
        {20, "{\"a\":{\"shape\":@\"2\"}}", 0, "expected '[', found '\"'"},
        {20, "{\"a\":{\"shape\":@null}}", 0, "expected '[', found 'n'"},
        {20, "{\"a\":{\"shape\":[1 @2]}}", 0, "expected ',' or ']', found '2'"},
        {20, "{\"a\":{\"data_offsets\":[@]}}", 0, "expected a whole number, found ']'"},
        {20, "{\"a\":{\"data_offsets\":[0@]}}", 0, "expected ',', found ']'"},
        {20, "{\"a\":{\"data_offsets\":[0,8@,9]}}", 0, "expected ']', found ','"},
        {20, "{\"a\":{\"data_offsets\":@{}}}", 0, "expected '[', found '{'"},
        {20, "{\"a\":@1}", 0, "expected '{', found '1'"},
        {20, "{\"a\":@null}", 0, "expected '{', found 'n'"},
    };
    REFUSE_ALL(other);
}

/* ---- 17, 24, 25, 27, 30 to 33, 37, 42 ---------------------------------------------------------
 */

/* The names are the same after unescaping; the message names one of the two. */
static void names_twice(void **state) {
    (void)state;
    static const char *const twins[][3] = {
        {"a", "a", "\"a\""},
        {"a", "\\u0061", "\"a\""},
        {"\\u0061", "\\u0061", "\"a\""},
        {"/", "\\/", "\"/\""},
        {"\\n", "\\u000a", "\"?\""},
        {"\xc3\xa4", "\\u00e4", "\"\xc3\xa4\""},
        {"\\u00E4", "\\u00e4", "\"\xc3\xa4\""},
        {"\xf0\x9f\x98\x80", "\\ud83d\\ude00", "\"\xf0\x9f\x98\x80\""},
        {"\xf0\x90\x80\x80", "\\ud800\\udc00", "\"\xf0\x90\x80\x80\""},
        {"\xf4\x8f\xbf\xbf", "\\udbff\\udfff", "\"\xf4\x8f\xbf\xbf\""},
        {"", "", "\"\""},
        {"layer.weight", "layer\\u002eweight", "\"layer.weight\""},
    };
    for (size_t k = 0; k < sizeof twins / sizeof *twins; k++) {
        char header[400], told[100];
        size_t size;
        snprintf(header, sizeof header, "{\"%s\":" DATA("0", "8") ",\"%s\":" DATA("8", "16") "}",
                 twins[k][0], twins[k][1]);
        char *bytes = file_of(header, strlen(header), 16, &size);
        refuse(17, bytes, size, "x: byte ");
        snprintf(told, sizeof told, "two tensors have the name %s", twins[k][2]);
        assert_non_null(strstr(ravine_errmsg(), told));
        free(bytes);
        snprintf(header, sizeof header, "{\"__metadata__\":{\"%s\":\"1\",\"%s\":\"2\"}}",
                 twins[k][0], twins[k][1]);
        bytes = file_of(header, strlen(header), 0, &size);
        refuse(17, bytes, size, "x: byte ");
        snprintf(told, sizeof told, "two texts have the key %s", twins[k][2]);
        assert_non_null(strstr(ravine_errmsg(), told));
        free(bytes);
    }
}

static void ends_of_the_data(void **state) {
    (void)state;
    static const char *const tails[] = {"PK\3\4",   "\177ELF",  "<html>", "HTTP/1.1 200 OK",
                                        "\n",       " ",        "{}",     "0123456789abcdef",
                                        "%PDF-1.4", "#!/bin/sh"};
    const size_t header = strlen(good), end = 8 + header + 8;
    char told[200];
    size_t size;
    for (size_t k = 0; k < sizeof tails / sizeof *tails; k++) {
        char *bytes = file_of(good, header, 8 + strlen(tails[k]), &size);
        memcpy(bytes + end, tails[k], strlen(tails[k]));
        snprintf(told, sizeof told,
                 "x: byte %zu: the tensors end here, but the file has %zu bytes "
                 "more",
                 end, strlen(tails[k]));
        refuse(25, bytes, size, told);
        free(bytes);
    }
    refuse(25, "\2\0\0\0\0\0\0\0{}x", 11, "x: byte 10: the tensors end here, but the file has 1 ");
    static const long long ends[] = {9, 12, 16, 100, 1000000, 4294967304, 1ll << 40, INT64_MAX / 8};
    for (size_t k = 0; k < sizeof ends / sizeof *ends; k++) {
        char text[200];
        snprintf(text, sizeof text,
                 "{\"w\":{\"dtype\":\"U8\",\"shape\":[%lld],\"data_offsets\":[0,%lld]}}", ends[k],
                 ends[k]);
        char *bytes = file_of(text, strlen(text), 8, &size);
        snprintf(told, sizeof told,
                 "x: byte %zu: the file ends here, but tensor \"w\" goes on to "
                 "byte %llu",
                 size, (unsigned long long)strlen(text) + 8 + (unsigned long long)ends[k]);
        refuse(24, bytes, size, told);
        free(bytes);
    }
}

/* A header of `count` times what format makes of 0, 1, ...; for free(). */
static char *many(const char *format, int count, size_t *length) {
    char *header = malloc((size_t)count * 100 + 10);
    assert_non_null(header);
    *length = 1;
    header[0] = '{';
    for (int k = 0; k < count; k++) {
        if (k) header[(*length)++] = ',';
        *length += (size_t)sprintf(header + *length, format, k);
    }
    header[(*length)++] = '}';
    return header;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void many_tensors(void **state) {
    (void)state;
    static const int counts[] = {2, 3, 10, 100, 1000, 10000, 50000, 100000};
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        size_t length, size;
        const double begin = now();
        char *header = many("\"t%d\":" DATA("0", "8"), counts[k], &length);
        char *bytes = file_of(header, length, 8, &size);
        refuse(30, bytes, size, "x: byte ");
        assert_non_null(strstr(ravine_errmsg(), "it overlaps what ends at 8"));
        free(bytes);
        free(header);
        /* Empty tensors may be as many as there are, but not with one name. */
        header = many("\"t%06d\":" F32("0", "0", "0"), counts[k], &length);
        header[length] = '\0';
        prepare_gradient(header, 0);
        memcpy(strstr(header + 5, "\"t00000"), "\"t000000", 8);
        bytes = file_of(header, length, 0, &size);
        refuse(31, bytes, size, "x: byte ");
        assert_non_null(strstr(ravine_errmsg(), "two tensors have the name \"t000000\""));
        free(bytes);
        free(header);
        assert_true(now() - begin < 10); /* quadratic: minutes */
    }
}

static void large_headers(void **state) {
    (void)state;
    static const size_t sizes[] = {100, 1000, 4096, 65536, 1000000, 3000000, 99999999, 100000000};
    const size_t n = getenv("RAVINE_TEST_LONG") ? 8 : 6;
    char *header = malloc(sizes[7] + 1), told[100];
    assert_non_null(header);
    for (size_t k = 0; k < n; k++) {
        size_t size;
        memset(header, ' ', sizes[k]);
        char *bytes = file_of(header, sizes[k], 0, &size);
        refuse(32, bytes, size, "x: byte 8: " BEGIN "byte 0x20");
        bytes[8] = '{';
        snprintf(told, sizeof told, "x: byte %zu: expected a string, but the header ends here",
                 size);
        refuse(32, bytes, size, told);
        memset(bytes + 9, 'x', sizes[k] - 1);
        bytes[9] = '"';
        snprintf(told, sizeof told, "x: byte %zu: expected '\"', but the header ends here", size);
        refuse(33, bytes, size, told);
        memcpy(bytes + size - 2, "\"}", 2);
        snprintf(told, sizeof told, "x: byte %zu: expected ':', found '}'", size - 1);
        refuse(33, bytes, size, told);
        free(bytes);
    }
    free(header);
}

static void high_ranks(void **state) {
    (void)state;
    static const int ranks[] = {65, 66, 100, 1000, 10000, 100000, 1000000, 2000000};
    for (size_t k = 0; k < sizeof ranks / sizeof *ranks; k++) {
        char *header = malloc(2 * (size_t)ranks[k] + 100);
        assert_non_null(header);
        size_t length = (size_t)sprintf(header, "{\"w\":{\"dtype\":\"F32\",\"shape\":[1");
        for (int d = 1; d < ranks[k]; d++) {
            if (d == 65) header[length++] = '@';
            memcpy(header + length, ",1", 2);
            length += 2;
        }
        if (ranks[k] == 65) header[length++] = '@';
        length += (size_t)sprintf(header + length, "],\"data_offsets\":[0,4]}}");
        refuse_header(27, header, length, 4, "more than 64 dimensions");
        free(header);
    }
}

/* Names may be anything; what a message shows of them is harmless (refuse() looks at every byte).
 */
static void hostile_names(void **state) {
    (void)state;
    static const char *const names[] = {"../../etc/passwd", "/../",
                                        "a/../../b",        "\\n\\n",
                                        "\\u001b[31m",      "\\u001b]0;x\\u0007",
                                        "\\u202e",          "<script>alert(1)</script>",
                                        "%s%n%s%n",         "\\u0008\\u0008",
                                        "\\u007f",          "con",
                                        "__proto__",        "${x}",
                                        "'; drop table"};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        char header[300];
        snprintf(header, sizeof header, "{\"%s\":" DATA("0", "8") "}", names[k]);
        prepare_gradient(header, 8);
        snprintf(header, sizeof header, "{@\"%s\":" DATA("1", "9") "}", names[k]);
        refuse_header(37, header, strlen(header), 9, "tensor \"");
    }
}

/* A long name is cut, as it stands in the file and as it is meant. */
static void long_names(void **state) {
    (void)state;
    enum { LONGEST = 200 };
    char header[LONGEST + 100], name[LONGEST + 1], told[100];
    for (int length = 50; length <= LONGEST; length++) {
        memset(name, 'x', (size_t)length);
        name[length] = '\0';
        snprintf(told, sizeof told, "unknown field \"%.59s%s\";", name, length > 59 ? "..." : "");
        snprintf(header, sizeof header, "{\"w\":{\"@%s\":1}}", name);
        refuse_header(14, header, strlen(header), 0, told);
    }
}

/* What looks odd and is right. */
static void odd_but_right(void **state) {
    (void)state;
    prepare_gradient("{}", 0);
    prepare_gradient("{}      ", 0);
    prepare_gradient("{ \t\r\n }", 0);
    prepare_gradient("{\"__metadata__\":{}}", 0);
    prepare_gradient("{\"__metadata__\" : { \"a\" : \"b\" , \"c\" : \"\" } }", 0);
    prepare_gradient(
        "{\"w\":" DATA(
            "0",
            "8") ",\"__metadata__\":{\"a\":\"\\u0041\\ud83d\\ude00\\\"\\\\\\/\\b\\f\\n\\r\\t\"}}",
        8);
    prepare_gradient(
        "{\"w\" : { \"data_offsets\" : [ 0 , 8 ] , \"shape\" : [ 2 ] , \"dtype\" : \"F32\" } }  ",
        8);
    prepare_gradient(
        "{\"w\":{\"dt\\u0079pe\":\"F\\u0033\\u0032\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8);
    prepare_gradient("{\"b\":" DATA("8", "16") ",\"a\":" DATA("0", "8") "}", 16);
    prepare_gradient(
        "{\"a\":" F32("0", "0", "0") ",\"b\":" DATA("0", "8") ",\"c\":" F32("1,0", "8", "8") "}",
        8);
    prepare_gradient("{\"a\":" F32("", "0", "4") "}", 4);
    prepare_gradient("{\"\":" F32("", "0", "4") "}", 4);
    prepare_gradient("{\"a\":{\"dtype\":\"F4\",\"shape\":[3,2],\"data_offsets\":[0,3]}}", 3);
    prepare_gradient(
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"b\":{\"dtype\":"
        "\"F64\",\"shape\":[1],"
        "\"data_offsets\":[1,9]}}",
        9); /* 42: not aligned, but right; it is copied, not mapped */
    prepare_gradient(
        "{\"a\":" F32("1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,"
                      "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1",
                      "0", "4") "}",
        4);
#define RAVINE_X(NAME, value, bits, name) \
    prepare_gradient(                     \
        "{\"a\":{\"dtype\":\"" name "\",\"shape\":[8],\"data_offsets\":[0," #bits "]}}", bits);
    RAVINE_DTYPE_LIST(RAVINE_X)
#undef RAVINE_X
}

/* ---- 38, 39, 40: what is no file, or does not stay one; on the real file system -------------- */

static void refuse_path(int class, const char *path, ravine_status wanted, const char *told) {
    ravine_checkpoint *c = NULL;
    const ravine_status status = ravine_checkpoint_open(&c, path, NULL);
    if (status != wanted || !strstr(ravine_errmsg(), told))
        fail_msg("%s: %d '%s', not '%s'", path, status, ravine_errmsg(), told);
    tried[class]++;
}

static void no_files(void **state) {
    (void)state;
    assert_int_equal(mkfifo(scratch_path("pipe"), 0600), 0);
    refuse_path(39, scratch_path("pipe"), RAVINE_E_IO, "it is a pipe, not a regular file");
    refuse_path(39, scratch_folder, RAVINE_E_IO, "it is a folder, not a regular file");
    refuse_path(39, "/dev/zero", RAVINE_E_IO, "it is a device, not a regular file");
    refuse_path(39, "/dev/null", RAVINE_E_IO, "it is a device, not a regular file");
    refuse_path(39, scratch_path("none"), RAVINE_E_IO, "none: open: No such file");
    assert_int_equal(symlink("loop", scratch_path("loop")), 0);
    refuse_path(39, scratch_path("loop"), RAVINE_E_IO, "Too many levels of symbolic links");
    assert_int_equal(symlink("none", scratch_path("dangling")), 0);
    refuse_path(39, scratch_path("dangling"), RAVINE_E_IO, "No such file");
    assert_int_equal(symlink("/dev/zero", scratch_path("link")), 0);
    refuse_path(39, scratch_path("link"), RAVINE_E_IO, "it is a device, not a regular file");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", scratch_folder);
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    refuse_path(39, address.sun_path, RAVINE_E_IO, "it is a socket, not a regular file");
    close(fd);
    /* 0 bytes, but more than any header: the files of /proc */
    refuse_path(39, "/proc/self/maps", RAVINE_E_FORMAT, "byte 0: the file ends here");
}

static void sparse(void **state) {
    (void)state;
    static const off_t sizes[] = {9,
                                  4096,
                                  1 << 20,
                                  (off_t)1 << 31,
                                  (off_t)1 << 32,
                                  (off_t)1 << 36,
                                  (off_t)1 << 40,
                                  ((off_t)1 << 40) + 1};
    size_t size;
    char *bytes = file_of(good, strlen(good), 8, &size);
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        const char *path = scratch_write("sparse", "", 0);
        if (truncate(path, sizes[k]) < 0) continue; /* the file system has no such files */
        refuse_path(40, path, RAVINE_E_FORMAT,
                    "byte 8: expected '{' as the first byte of the header");
        path = scratch_write("sparse", bytes, size);
        assert_int_equal(truncate(path, (off_t)size + sizes[k]), 0);
        refuse_path(40, path, RAVINE_E_FORMAT, "the tensors end here, but the file has ");
    }
    free(bytes);
}

static void shrinking(void **state) {
    (void)state;
    size_t size;
    char *bytes = file_of(good, strlen(good), 8, &size);
    for (size_t left = 0; left < size; left++) {
        const char *path = scratch_write("shrinking", bytes, size);
        ravine_checkpoint *c;
        char data[8], told[64];
        assert_int_equal(ravine_checkpoint_open(&c, path, NULL), RAVINE_OK);
        assert_int_equal(truncate(path, (off_t)left), 0);
        assert_int_equal(ravine_checkpoint_read(c, 0, data, 8), RAVINE_E_FORMAT);
        snprintf(told, sizeof told, "the file ends at byte %zu; it was longer",
                 left > size - 8 ? left : size - 8);
        assert_non_null(strstr(ravine_errmsg(), told));
        ravine_checkpoint_close(c);
        tried[38]++;
    }
    free(bytes);
}

static int becoming_a_pipe(int folder, const char *path, struct stat *facts, int flags) {
    const int status = fstatat(folder, path, facts, flags);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    return status;
}

/* It must not be waited for. */
static void pipe_when_it_is_opened(void **state) {
    (void)state;
    const file_operations before = ravine_files;
    ravine_files.fstatat = becoming_a_pipe;
    ravine_checkpoint *c = NULL;
    const ravine_status status = ravine_checkpoint_open(&c, scratch_write("file", "{}", 2), NULL);
    ravine_files = before;
    assert_int_equal(status, RAVINE_E_IO);
    assert_non_null(strstr(ravine_errmsg(), "it is a pipe, not a regular file"));
    tried[39]++;
}

static int64_t
    vanishing_from; /* what the file has when it is read; when it was opened it had all */

static ssize_t vanishing(int fd, void *bytes, size_t size, off_t offset) {
    if (offset >= vanishing_from) return 0;
    const size_t left = (size_t)(vanishing_from - offset);
    return pread(fd, bytes, size < left ? size : left, offset);
}

static void shrinking_while_it_is_opened(void **state) {
    (void)state;
    size_t size;
    char *bytes = file_of(good, strlen(good), 8, &size);
    const char *path = scratch_write("shrinking", bytes, size);
    const file_operations before = ravine_files;
    ravine_files.pread = vanishing;
    for (vanishing_from = 0; vanishing_from < (int64_t)size - 8; vanishing_from++) {
        char told[64];
        snprintf(told, sizeof told, "the file ends at byte %lld; it was longer",
                 (long long)vanishing_from);
        refuse_path(38, path, RAVINE_E_FORMAT, told);
    }
    ravine_files = before;
    free(bytes);
}

/* ---- the counter ----------------------------------------------------------------------------- */

static void enough_of_each_class(void **state) {
    (void)state;
    /* 42 is right in this format; 43 and 44 are of several files. 41 classes. */
    int64_t total = 0;
    int classes = 0;
    for (int k = 1; k < CLASSES; k++) {
        if (k == 42 || k == 43 || k == 44) continue;
        if (tried[k] < 8) fail_msg("class %d has %lld files", k, (long long)tried[k]);
        classes++;
        total += tried[k];
    }
    assert_int_equal(classes, 41);
    assert_true(total >= 400);
    faults_print("bad_files", total, 0);
    faults_print("odd_files_accepted", accepted, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths),
        cmocka_unit_test(truncated),
        cmocka_unit_test(big_endian),
        cmocka_unit_test(how_it_begins),
        cmocka_unit_test(characters),
        cmocka_unit_test(depth),
        cmocka_unit_test(forms_and_meanings),
        cmocka_unit_test(numbers),
        cmocka_unit_test(names_twice),
        cmocka_unit_test(ends_of_the_data),
        cmocka_unit_test(many_tensors),
        cmocka_unit_test(large_headers),
        cmocka_unit_test(high_ranks),
        cmocka_unit_test(hostile_names),
        cmocka_unit_test(long_names),
        cmocka_unit_test(odd_but_right),
        SCRATCH_TEST(no_files),
        SCRATCH_TEST(sparse),
        SCRATCH_TEST(shrinking),
        SCRATCH_TEST(shrinking_while_it_is_opened),
        SCRATCH_TEST(pipe_when_it_is_opened),
        cmocka_unit_test(enough_of_each_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
