/* SPDX-License-Identifier: Apache-2.0 */
#include "lecture/lecture.h"

#include "file/folder.h"
#include "io/failure.h"
#include "lecture/figure.h"
#include "lecture/words.h"
#include "ravine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int (*const figures[])(lecture *l) = {
    figure_stall, figure_gd,     figure_sigma, figure_crescent, figure_explode,
    figure_decay, figure_warmup, figure_rules, figure_sign,     figure_complete,
};
enum { FIGURES = sizeof figures / sizeof *figures };

static void put_head(page *p) {
    page_begin(p, "en", "The lecture, reproduced");
    page_style(p, &asset_svg_chart_css);
    page_style(p, &asset_lecture_css);
    page_add(p, "<button type=\"button\" id=\"language\" hidden><span lang=\"en\">中文</span>"
                "<span lang=\"zh\">English</span></button>\n<h1>");
    words_put(p, (svg_text){"Stuck in the ravine: the lecture, reproduced",
                            "困在峡谷里：把课堂上的图重做一遍"});
    page_add(p, "</h1>\n");
    words_paragraph(
        p,
        (svg_text){"The figures of Hung-yi Lee's lecture on adaptive learning rates, from runs "
                   "that Ravine made just now. The lecture shows pictures and no numbers, so the "
                   "references are another computation: the textbook's formulas in plain Python, "
                   "without any code of Ravine.",
                   "李宏毅老师“自动调整学习率”一课的图，全部由 Ravine "
                   "刚刚真实跑出来。课上只有图，没有数字，所以参考值来自另一份独立的计算：用纯 "
                   "Python 照教科书公式写成，不含 Ravine 的任何代码。"});
    page_add(p, "<p class=\"formula\"><var>θ</var> ← <var>θ</var> − (<var>η</var><sub>t</sub> / "
                "<var>σ</var><sub>t</sub>) <var>m</var><sub>t</sub></p>\n<nav>");
    for (char letter = 'a'; letter < 'a' + FIGURES; letter++)
        page_format(p, "<a href=\"#%c\">%c</a> ", letter, letter);
    page_add(p, "<a href=\"#table\">");
    words_put(p, (svg_text){"table", "总表"});
    page_add(p, "</a></nav>\n");
}

/* What was compared with what. */
static void put_agreement(lecture *l) {
    char en[160], zh[160];
    snprintf(en, sizeof en,
             "%d of %d figures were made; %d of %d numbers agree with the reference computation.",
             l->made, FIGURES, l->agree, l->checked);
    snprintf(zh, sizeof zh, "共 %d 张图，生成了 %d 张；%d 个数字与参考计算相比，%d 个一致。",
             FIGURES, l->made, l->checked, l->agree);
    words_paragraph(&l->page, (svg_text){en, zh});
}

static void put_table(lecture *l) {
    run_id all[RUN_COUNT];
    size_t n = 0;
    for (run_id id = 0; id < RUN_COUNT; id++)
        if (run_is_in_lecture(id)) all[n++] = id;
    page *p = &l->page;
    page_add(p, "<section id=\"table\"><h2>");
    words_put(p, (svg_text){"All runs, measured and computed again", "全部结果：实测与参考"});
    page_add(p, "</h2>\n");
    words_paragraph(
        p, (svg_text){
               "Linear regression on ten points, from (b, w) = (-120, -4). Under each "
               "measured number, in grey, the reference's. When a burst comes is chaotic: every "
               "rounding moves it. So there a range counts as the same; a number outside it "
               "would be red. A burst is a distance across the valley above 0.5, once the "
               "floor was reached.",
               "十个数据点上的线性回归，起点 (b, w) = (-120, -4)。每个实测值下面的灰色数字"
               "是参考值。爆发的时刻是混沌的，一点舍入误差就会让它挪动，因此只要求落在一个范围内；"
               "超出范围的数字会标成红色。到达谷底之后，横向距离超过 0.5 才算一次爆发。"});
    runs_put_table(p, all, n, (const run_measured *)l->measured);
    put_agreement(l);
    page_format(p, "</section>\n<footer class=\"muted\">ravine lecture · ravine %s</footer>\n",
                ravine_version());
}

static int save_json(const lecture *l, const json_t *numbers) {
    char *path = malloc(strlen(l->folder) + sizeof "/lecture.json");
    char *text = json_dumps(numbers, JSON_INDENT(1));
    int status = 0;
    if (!path || !text) {
        status = failure(EXIT_INPUT, "out of memory for the numbers of the lecture");
    } else {
        page json = {0};
        strcpy(path, l->folder);
        strcat(path, "/lecture.json");
        page_add(&json, text);
        page_add(&json, "\n");
        status = page_save(&json, path);
        page_free(&json);
    }
    free(path);
    free(text);
    return status;
}

static int save_page(lecture *l) {
    char *path = malloc(strlen(l->folder) + sizeof "/index.html");
    if (!path) return failure(EXIT_INPUT, "out of memory");
    strcpy(path, l->folder);
    strcat(path, "/index.html");
    page_script(&l->page, &asset_lecture_js);
    page_script(&l->page, &asset_chart_js);
    page_script(&l->page, &asset_player_js);
    page_script(&l->page, &asset_motion_js);
    page_end(&l->page);
    const int status = page_save(&l->page, path);
    free(path);
    return status;
}

/* Counts what agrees in the runs, after the figures have counted their own. */
static void count_runs(lecture *l) {
    for (run_id id = 0; id < RUN_COUNT; id++)
        for (run_column c = 0; c < RUN_COLUMNS; c++) {
            if (!run_rows[id].want[c].text) continue;
            l->checked++;
            l->agree += run_agrees(id, c, &l->measured[id]);
        }
}

static int make(lecture *l) {
    int status = failure_of(ravine_folder_create(l->folder, NULL));
    if (!status) status = surface_create(&l->convex, "lecture");
    if (!status) status = surface_create(&l->crescent, "crescent");
    if (!status) status = runs_measure(l->measured, l->convex);
    if (status) return status;
    put_head(&l->page);
    for (size_t k = 0; k < FIGURES && !status; k++) status = figures[k](l);
    if (status) return status;
    count_runs(l);
    put_table(l);
    return save_page(l);
}

int lecture_write(const char *folder, json_t **numbers) {
    lecture l = {.folder = folder, .figures = json_object()};
    *numbers = NULL;
    int status = make(&l);
    if (!status) {
        *numbers = json_pack("{si ss s{ss sf sf} s{si si} so sO}", "format", 1, "version",
                             ravine_version(), "surface", "spec", l.convex->spec, "minimum_b",
                             l.convex->minimum[0], "minimum_w", l.convex->minimum[1], "agreement",
                             "checked", l.checked, "agree", l.agree, "runs",
                             runs_json((const run_measured *)l.measured), "figures", l.figures);
        status = *numbers ? save_json(&l, *numbers)
                          : failure(EXIT_INPUT, "out of memory for the numbers of the lecture");
    }
    if (status) {
        json_decref(*numbers);
        *numbers = NULL;
    }
    page_free(&l.page);
    json_decref(l.figures);
    surface_destroy(l.convex);
    surface_destroy(l.crescent);
    return status;
}
