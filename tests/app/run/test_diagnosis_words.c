/* SPDX-License-Identifier: Apache-2.0 */
/* What the doctor says, in Chinese: its numbers, its names and its turns of phrase are those of the
 * English text. That no text is missing: tests/python/test_languages.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "run/diagnosis_words.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void assert_evidence(const char *name, const char *english, const char *china) {
    ravine_evidence e = {.value = 1};
    char text[DIAGNOSIS_TEXT_SIZE];
    snprintf(e.name, sizeof e.name, "%s", name);
    snprintf(e.text, sizeof e.text, "%s", english);
    assert_string_equal(diagnosis_evidence(&e, PAGE_ENGLISH, text), english);
    assert_string_equal(diagnosis_evidence(&e, PAGE_CHINA, text), china);
}

static void evidence_keeps_its_numbers(void **state) {
    (void)state;
    assert_evidence("loss_drop", "the loss rose by 1.2e-05 % over four windows, 3 standard errors",
                    "损失在四个窗口里上升了 1.2e-05%，相当于 3 个标准误差");
    assert_evidence("loss_drop", "the loss fell by -2 % over the run, without noise",
                    "损失在整个训练里下降了 -2%，没有噪声");
    assert_evidence("line_position", "steps end beyond the bottom (line position 0.98)",
                    "每一步都停在谷底的另一边（line_position 0.98）");
    assert_evidence("loss", "the loss went from 2.5 to 1 over 30 points",
                    "损失在 30 个点之间从 2.5 变到 1");
    assert_evidence("loss", "the last loss is 0.5", "最后的损失是 0.5");
    assert_evidence("stability", "lr times sharpness is 0.5 of the rule's limit 38",
                    "lr 乘以锐度，是规则极限 38 的 0.5 倍");
}

/* Digits in a name are no numbers of the text. */
static void evidence_keeps_its_names(void **state) {
    (void)state;
    assert_evidence("group_ratio",
                    "group 3, block 1 of 2 has 0.02 of the greatest group's gradient",
                    "第 3 组（block 1 of 2）的梯度是最大一组的 0.02 倍");
    assert_evidence("group_ratio", "group 3 has 0.02 of the greatest group's gradient",
                    "第 3 组的梯度是最大一组的 0.02 倍");
    assert_evidence("zero_share_12", "97.5 % in group 12, layer1.0.weight",
                    "第 12 组（layer1.0.weight）：97.5%");
    assert_evidence("nonfinite_index", "the first such gradient was in 4 by 4, element 7, step 9",
                    "第一个这样的梯度（4 by 4）：第 7 个元素，第 9 步");
    assert_evidence("wall_part", "the longest, 5, was that of group 0, {#1}",
                    "最长的是 5，来自第 0 组（{#1}）");
}

/* Of a log that another version wrote. */
static void what_is_not_known_stays(void **state) {
    (void)state;
    char text[DIAGNOSIS_TEXT_SIZE];
    assert_evidence("zzz", "something new: 5", "something new: 5");
    assert_string_equal(diagnosis_unknown("that; log it", PAGE_CHINA, text), "that；log it");
    assert_string_equal(diagnosis_unknown("that", PAGE_ENGLISH, text), "tell that");
    const ravine_cure cure = {.text = "do as you like", .old_value = NAN, .new_value = NAN};
    assert_string_equal(diagnosis_cure(&cure, PAGE_TAIWAN, text), "do as you like");
}

static void hostile_texts_are_survived(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",    " ", "group",  "group 1,", "group 1, ", " was in ", "#1", "1 2 3 4 5 6 7 8 9",
        "(((", "%", "{rose:", "1,,,,",    ","};
    char text[DIAGNOSIS_TEXT_SIZE];
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
        ravine_evidence e = {.name = "loss_drop"};
        snprintf(e.text, sizeof e.text, "%s", texts[k]);
        assert_true(strlen(diagnosis_evidence(&e, PAGE_TAIWAN, text)) > 0);
        assert_non_null(diagnosis_unknown(texts[k], PAGE_TAIWAN, text));
    }
}

static void cures_are_the_librarys(void **state) {
    (void)state;
    char text[DIAGNOSIS_TEXT_SIZE];
    const ravine_cure cure = {.kind = diagnosis_cure_kind("lower_lr"),
                              .old_value = 5,
                              .new_value = 1.2,
                              .text = "lower lr from 5 to 1.2",
                              .tried = 1,
                              .loss_ratio = 1};
    assert_string_equal(diagnosis_cure(&cure, PAGE_ENGLISH, text), "lower lr from 5 to 1.2");
    assert_string_equal(diagnosis_cure(&cure, PAGE_CHINA, text), "把学习率从 5 降到 1.2。");
    assert_string_equal(diagnosis_cure(&cure, PAGE_TAIWAN, text), "把學習率從 5 降到 1.2。");
}

static void every_verdict_has_its_meaning(void **state) {
    (void)state;
    for (int v = 0; v < RAVINE_VERDICT_COUNT; v++) {
        const char *english = diagnosis_meaning(v, PAGE_ENGLISH);
        assert_ptr_equal(english, ravine_verdict_meaning(v));
        for (page_language k = PAGE_CHINA; k < PAGE_LANGUAGES; k++)
            assert_ptr_not_equal(diagnosis_meaning(v, k), english);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evidence_keeps_its_numbers),
        cmocka_unit_test(evidence_keeps_its_names),
        cmocka_unit_test(what_is_not_known_stays),
        cmocka_unit_test(hostile_texts_are_survived),
        cmocka_unit_test(cures_are_the_librarys),
        cmocka_unit_test(every_verdict_has_its_meaning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
