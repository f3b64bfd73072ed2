/* SPDX-License-Identifier: Apache-2.0 */
/* Pages and terminals are given hostile text; what comes out is compared with what HTML, JSON and
 * Unicode say it must be. */
#include "io/failure.h"
#include "page/page.h"
#include "page/printable.h"
#include "support/scratch.h"

#include <jansson.h>
#include <math.h>

static void assert_page(page *p, const char *expected) {
    assert_false(p->failed);
    assert_string_equal(p->text, expected);
    page_free(p);
}

static void test_escape(void **state) {
    (void)state;
    page p = {0};
    page_escape(&p, "<script>alert('1' & \"2\")</script>");
    assert_page(&p, "&lt;script&gt;alert(&#39;1&#39; &amp; &quot;2&quot;)&lt;/script&gt;");
}

static void test_what_is_not_seen_is_spelled_out(void **state) {
    (void)state;
    static const struct {
        const char *text, *shown;
    } cases[] = {
        {"plain \xc3\xa9 \xe4\xb8\xad \xf0\x9f\x98\x80",
         "plain \xc3\xa9 \xe4\xb8\xad \xf0\x9f\x98\x80"},
        {"\x1b[31mred\x07", "\\x1B[31mred\\x07"},
        {"a\nb\tc\r\x7f", "a\\x0Ab\\x09c\\x0D\\x7F"},
        {"\xc2\x9b"
         "31m",
         "\\u{9B}31m"}, /* the one-character escape */
        {"\xe2\x80\xae"
         "abc\xe2\x80\xac",
         "\\u{202E}abc\\u{202C}"},
        {"\xe2\x81\xa6x\xe2\x81\xa9", "\\u{2066}x\\u{2069}"},
        {"\xd8\x9c\xe2\x80\x8f\xe2\x80\x8b\xef\xbb\xbf", "\\u{61C}\\u{200F}\\u{200B}\\u{FEFF}"},
        {"\xf3\xa0\x80\x81", "\\u{E0001}"},
        {"\xff\xc3", "\\xFF\\xC3"},                   /* no UTF-8; cut off */
        {"\xc0\xaf", "\\xC0\\xAF"},                   /* over-long */
        {"\xed\xa0\x80", "\\xED\\xA0\\x80"},          /* a surrogate */
        {"\xf4\x90\x80\x80", "\\xF4\\x90\\x80\\x80"}, /* beyond U+10FFFF */
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        page p = {0};
        page_escape(&p, cases[k].text);
        assert_page(&p, cases[k].shown);
        char *printed;
        size_t size;
        FILE *out = open_memstream(&printed, &size);
        const size_t columns = printable_put(out, cases[k].text);
        fclose(out);
        assert_string_equal(printed, cases[k].shown);
        size_t characters = 0;
        for (const char *c = printed; *c; c++) characters += (*c & 0xc0) != 0x80;
        assert_int_equal(columns, characters);
        free(printed);
    }
}

/* Every byte, alone and between letters: nothing below ' ' and no DEL is left, and a JSON reader
 * reads back what a page would show. */
static void test_every_byte(void **state) {
    (void)state;
    for (int byte = 1; byte < 256; byte++) {
        const char text[] = {'a', (char)byte, '/', '\0'};
        page shown = {0}, json = {0};
        char piece[PRINTABLE_PIECE_MAX];
        for (const char *at = text; printable_next(&at, piece);) page_add(&shown, piece);
        for (const char *c = shown.text; *c; c++)
            assert_true((unsigned char)*c >= ' ' && (unsigned char)*c < 0x7f);
        page_json_string(&json, text);
        assert_null(strpbrk(json.text, "<>&'"));
        json_t *read = json_loads(json.text, JSON_DECODE_ANY, NULL);
        assert_non_null(read);
        assert_string_equal(json_string_value(read), shown.text);
        json_decref(read);
        page_free(&shown);
        page_free(&json);
    }
}

static void test_json_stays_in_its_script(void **state) {
    (void)state;
    page p = {0};
    page_json_string(&p, "</script><!--");
    assert_page(&p, "\"\\u003C/script\\u003E\\u003C!--\"");
    page_number(&p, 0.1, 17);
    page_add(&p, " ");
    page_number(&p, NAN, 17);
    page_add(&p, " ");
    page_number(&p, -INFINITY, 6);
    assert_page(&p, "0.10000000000000001 null null");
}

static void test_growing(void **state) {
    (void)state;
    page p = {0};
    for (int k = 0; k < 10000; k++) page_format(&p, "%d,", k);
    assert_int_equal(p.size, 10 * 2 + 90 * 3 + 900 * 4 + 9000 * 5);
    assert_int_equal(p.size, strlen(p.text));
    assert_string_equal(p.text + p.size - 5, "9999,");
    page_free(&p);
}

/* No asset may end the element that it is put into. */
static void test_assets(void **state) {
    (void)state;
    const asset *const scripts[] = {&asset_chart_js, &asset_curve_plot_js, &asset_report_js};
    for (size_t k = 0; k < 3; k++) {
        assert_true(scripts[k]->size > 1000);
        assert_null(memmem(scripts[k]->bytes, scripts[k]->size, "</script", 8));
        assert_null(memmem(scripts[k]->bytes, scripts[k]->size, "<!--", 4));
    }
    const asset *const styles[] = {&asset_page_css, &asset_report_css, &asset_svg_chart_css};
    for (size_t k = 0; k < 3; k++)
        assert_null(memmem(styles[k]->bytes, styles[k]->size, "</style", 7));
}

static void test_save(void **state) {
    (void)state;
    page p = {0};
    const char *path = scratch_path("page.html");
    assert_int_equal(page_save(&p, path), FAILURE_INPUT); /* nothing was added */
    page_begin(&p, "en", "<T>");
    page_end(&p);
    assert_int_equal(page_save(&p, path), 0);
    size_t size;
    char *text = scratch_read(path, &size);
    assert_int_equal(size, p.size);
    assert_memory_equal(text, p.text, size);
    assert_non_null(strstr(text, "<title>&lt;T&gt;</title>"));
    assert_non_null(strstr(text, "</main>"));
    free(text);
    p.failed = true; /* as when memory ended */
    page_add(&p, "more");
    assert_null(strstr(p.text, "more"));
    assert_int_equal(page_save(&p, path), FAILURE_INPUT);
    assert_told("memory");
    page_free(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escape),     cmocka_unit_test(test_what_is_not_seen_is_spelled_out),
        cmocka_unit_test(test_every_byte), cmocka_unit_test(test_json_stays_in_its_script),
        cmocka_unit_test(test_growing),    cmocka_unit_test(test_assets),
        SCRATCH_TEST(test_save),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
