/* SPDX-License-Identifier: Apache-2.0 */
/* Phrases: texts with holes in three languages, each in its own order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "page/phrase.h"

#include <math.h>
#include <string.h>

static void assert_says(const phrase *said, const char *en, const char *china, const char *taiwan) {
    assert_string_equal(said->in[PAGE_ENGLISH], en);
    assert_string_equal(said->in[PAGE_CHINA], china);
    assert_string_equal(said->in[PAGE_TAIWAN], taiwan);
}

static void each_language_has_its_order_and_words(void **state) {
    (void)state;
    phrase inner, said;
    char number[PHRASE_NUMBER];
    phrase_fill(&inner, (svg_text){"{kind}", NULL},
                (phrase_hole[]){{"kind", .words = {"loss", "损失"}}, {0}});
    phrase_fill(&said, (svg_text){"{n} is the {inner} of {who}", "{who} 的{inner}是 {n}"},
                (phrase_hole[]){{"n", .text = phrase_number(number, "%.2g", 0.25)},
                                {"inner", .phrase = &inner},
                                {"who", .text = "mlp"},
                                {0}});
    assert_says(&said, "0.25 is the loss of mlp", "mlp 的损失是 0.25", "mlp 的損失是 0.25");
}

/* A run may have any name. */
static void what_is_filled_in_is_no_text_with_holes(void **state) {
    (void)state;
    phrase said;
    const phrase_hole holes[] = {{"a", .text = "{b}{"}, {"b", .text = "{a}"}, {0}};
    phrase_fill(&said, (svg_text){"{a} {b} {c} {", NULL}, holes);
    assert_says(&said, "{b}{ {a} {c} {", "{b}{ {a} {c} {", "{b}{ {a} {c} {");
}

static void what_is_too_long_is_cut(void **state) {
    (void)state;
    char text[PHRASE_SIZE + 8];
    phrase said;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    phrase_fill(&said, (svg_text){"{a}{a}", NULL}, (phrase_hole[]){{"a", .text = text}, {0}});
    assert_int_equal(strlen(said.in[PAGE_TAIWAN]), PHRASE_SIZE - 1);
}

static void numbers_that_are_none_are_a_dash(void **state) {
    (void)state;
    char number[PHRASE_NUMBER];
    assert_string_equal(phrase_number(number, "%.3g s", NAN), "-");
    assert_string_equal(phrase_number(number, "%.3g s", INFINITY), "-");
    assert_string_equal(phrase_number(number, "%.3g s", 2.5), "2.5 s");
}

static void a_page_has_one_element_for_each_language(void **state) {
    (void)state;
    page p = {0};
    page_say(&p, "b", (svg_text){"<step>", "步数"}, NULL);
    page_say(&p, "b", (svg_text){"<7>", NULL}, NULL);
    assert_string_equal(p.text, "<b lang=\"en\">&lt;step&gt;</b><b lang=\"zh-CN\">步数</b>"
                                "<b lang=\"zh-TW\">步數</b><b>&lt;7&gt;</b>");
    page_free(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_language_has_its_order_and_words),
        cmocka_unit_test(what_is_filled_in_is_no_text_with_holes),
        cmocka_unit_test(what_is_too_long_is_cut),
        cmocka_unit_test(numbers_that_are_none_are_a_dash),
        cmocka_unit_test(a_page_has_one_element_for_each_language),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
