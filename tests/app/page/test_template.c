/* SPDX-License-Identifier: Apache-2.0 */
/* Templates with named holes: what is filled in is harmless, and what is not known is seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "page/page.h"

#include <ctype.h>
#include <string.h>

static asset make(const char *text) {
    return (asset){(const unsigned char *)text, strlen(text)};
}

static void put_count(page *p, void *context) {
    int *count = context;
    page_format(p, "<b>%d</b>", ++*count);
}

static void assert_fills(const char *html, const page_hole *hole, size_t n, const char *expected) {
    page p = {0};
    int count = 0;
    const asset template = make(html);
    page_fill(&p, &template, hole, n, &count);
    assert_false(p.failed);
    assert_string_equal(p.text, expected);
    page_free(&p);
}

static void holes_are_filled_by_name(void **state) {
    (void)state;
    const page_hole holes[] = {{"title", .text = "T"},
                               {"t", .text = "other"},
                               {"part", .put = put_count},
                               {"none", .put = NULL}};
    assert_fills("<h1>{{title}}</h1>", holes, 4, "<h1>T</h1>");
    assert_fills("{{part}}-{{title}}{{t}}{{part}}", holes, 4, "<b>1</b>-Tother<b>2</b>");
    assert_fills("[{{none}}]", holes, 4, "[]");
    assert_fills("no hole, {one} brace, } and }} and {", holes, 4,
                 "no hole, {one} brace, } and }} and {");
    assert_fills("", holes, 4, "");
}

static void text_is_harmless(void **state) {
    (void)state;
    const page_hole holes[] = {{"name", .text = "<script>\"x\" & 'y'</script>"},
                               {"inner", .text = "{{name}}"}};
    assert_fills("<a title=\"{{name}}\">", holes, 1,
                 "<a title=\"&lt;script&gt;&quot;x&quot; &amp; &#39;y&#39;&lt;/script&gt;\">");
    /* What is filled in is no template. */
    assert_fills("{{inner}}", holes, 2, "{{name}}");
}

/* A page that shows it is a mistake that one sees; one that hides it is not. */
static void unknown_holes_stay(void **state) {
    (void)state;
    const page_hole hole = {"title", .text = "T"};
    assert_fills("{{heading}} {{title}} {{title", &hole, 1, "{{heading}} T {{title");
    assert_fills("{{title}}", NULL, 0, "{{title}}");
}

static void no_memory_is_told(void **state) {
    (void)state;
    page p = {.failed = true};
    const asset template = make("{{title}}");
    page_fill(&p, &template, &(page_hole){"title", .text = "T"}, 1, NULL);
    assert_null(p.text);
}

static void texts_are_in_each_language(void **state) {
    (void)state;
    const page_hole hole = {"n", .text = "<4>"};
    assert_fills("<b>{{loss|损失}}</b>", NULL, 0,
                 "<b><span lang=\"en\">loss</span><span lang=\"zh-CN\">损失</span>"
                 "<span lang=\"zh-TW\">損失</span></b>");
    assert_fills(
        "{{{n} of {m}|{m}：{n}}}", &hole, 1,
        "<span lang=\"en\">&lt;4&gt; of {m}</span><span lang=\"zh-CN\">{m}：&lt;4&gt;</span>"
        "<span lang=\"zh-TW\">{m}：&lt;4&gt;</span>");
    assert_fills("<i {{title=loss|损失}}>", NULL, 0,
                 "<i title=\"loss\" data-said=\"title|loss|损失|損失\">");
}

/* The holes {a}, {b} of a text, in any order, as a sum that is the same for the same holes. */
static size_t holes_of(const char *text, size_t length) {
    size_t sum = 0;
    for (const char *at = text; (at = memchr(at, '{', length - (size_t)(at - text)));) {
        for (at++; *at != '}'; at++) {
            assert_true(islower((unsigned char)*at) || *at == '_');
            sum = sum + (size_t)*at * (size_t)*at;
        }
        sum += 1;
    }
    return sum;
}

/* A hole has a word as its name, a text has the same holes in each language, and each is closed. */
static void templates_are_well_formed(void **state) {
    (void)state;
    const asset *const all[] = {
        &asset_head_html,      &asset_report_html,  &asset_report_choice_html, &asset_verdict_html,
        &asset_tensors_html,   &asset_find_lr_html, &asset_race_html,          &asset_lecture_html,
        &asset_figure_html,    &asset_facts_html,   &asset_sweep_html,         &asset_compare_html,
        &asset_ends_html,      &asset_seeds_html,   &asset_evidence_html,      &asset_worst_html,
        &asset_worst_head_html};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        const char *at = (const char *)all[k]->bytes;
        assert_int_equal(strlen(at), all[k]->size);
        while ((at = strstr(at, "{{"))) {
            const char *inside = at + 2, *close = strstr(inside, "}}");
            assert_non_null(close);
            close += close[2] == '}';
            const char *chinese = memchr(inside, '|', (size_t)(close - inside));
            if (chinese) {
                const size_t length = (size_t)(chinese - inside);
                assert_int_equal(holes_of(inside, length),
                                 holes_of(chinese + 1, (size_t)(close - chinese - 1)));
            } else {
                for (const char *c = inside; c < close; c++)
                    assert_true(islower((unsigned char)*c) || *c == '_');
            }
            assert_true(close > inside);
            at = close + 2;
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holes_are_filled_by_name),   cmocka_unit_test(text_is_harmless),
        cmocka_unit_test(unknown_holes_stay),         cmocka_unit_test(no_memory_is_told),
        cmocka_unit_test(texts_are_in_each_language), cmocka_unit_test(templates_are_well_formed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
