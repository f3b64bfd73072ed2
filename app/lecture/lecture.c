/* SPDX-License-Identifier: Apache-2.0 */
#include "lecture/lecture.h"

#include "cli/progress.h"
#include "file/folder.h"
#include "io/failure.h"
#include "lecture/figure.h"
#include "page/languages.h"
#include "ravine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    char letter;
    int (*make)(lecture *l);
} figures[] = {
#define RAVINE_X(LETTER, NAME) {LETTER, figure_##NAME},
    LECTURE_FIGURE_LIST(RAVINE_X)
#undef RAVINE_X
};
enum { FIGURES = sizeof figures / sizeof *figures };

/* Counts what agrees in the runs, after the figures have counted their own. */
static void count_runs(lecture *l) {
    for (lecture_run id = 0; id < LECTURE_RUN_COUNT; id++)
        for (lecture_column c = 0; c < LECTURE_COLUMNS; c++) {
            if (!lecture_run_rows[id].want[c].text) continue;
            l->checked++;
            l->agree += lecture_run_agrees(id, c, &l->measured[id]);
        }
}

static void put_links(page *p, void *context) {
    (void)context;
    for (size_t k = 0; k < FIGURES; k++)
        page_format(p, "<a href=\"#%c\">%c</a> ", figures[k].letter, figures[k].letter);
}

/* The figures add to the page themselves, and count what agrees; then the runs. */
static void put_figures(page *p, void *context) {
    (void)p;
    lecture *l = context;
    progress shown = progress_begin("the lecture", "figures", FIGURES);
    for (size_t k = 0; k < FIGURES && !l->status; k++) {
        progress_to(&shown, (int64_t)k);
        l->letter = figures[k].letter;
        l->status = figures[k].make(l);
    }
    progress_end(&shown);
    count_runs(l);
}

/* What was compared with what. */
static void put_agreement(page *p, void *context) {
    const lecture *l = context;
    const struct {
        const char *name;
        int number;
    } told[] = {
        {"made", l->made}, {"figures", FIGURES}, {"agree", l->agree}, {"checked", l->checked}};
    enum { TOLD = sizeof told / sizeof *told };
    char digits[TOLD][16];
    page_hole holes[TOLD];
    for (size_t k = 0; k < TOLD; k++) {
        snprintf(digits[k], sizeof digits[k], "%d", told[k].number);
        holes[k] = (page_hole){told[k].name, .text = digits[k]};
    }
    page_fill(p, &asset_agreement_html, holes, TOLD, NULL);
}

static void put_runs(page *p, void *context) {
    lecture_run all[LECTURE_RUN_COUNT];
    size_t n = 0;
    for (lecture_run id = 0; id < LECTURE_RUN_COUNT; id++)
        if (lecture_run_is_shown(id)) all[n++] = id;
    const lecture *l = context;
    lecture_runs_put_table(p, all, n, (const lecture_measured *)l->measured);
}

static int save(const lecture *l, const char *name, const page *p) {
    char *path = malloc(strlen(l->folder) + strlen(name) + 2);
    if (!path) return failure(FAILURE_INPUT, "out of memory for %s", name);
    strcpy(path, l->folder);
    strcat(path, "/");
    strcat(path, name);
    const int status = page_save(p, path);
    free(path);
    return status;
}

static int save_json(const lecture *l, const json_t *numbers) {
    char *text = json_dumps(numbers, JSON_INDENT(1));
    if (!text) return failure(FAILURE_INPUT, "out of memory for the numbers of the lecture");
    page json = {0};
    page_add(&json, text);
    page_add(&json, "\n");
    const int status = save(l, "lecture.json", &json);
    page_free(&json);
    free(text);
    return status;
}

static int save_page(lecture *l) {
    page_script(&l->page, &asset_languages_js);
    page_script(&l->page, &asset_chart_js);
    page_script(&l->page, &asset_player_js);
    page_script(&l->page, &asset_motion_js);
    page_end(&l->page);
    return save(l, "index.html", &l->page);
}

/* Where it was built in: cmake/playground.cmake. */
static int save_playground(const lecture *l) {
    if (!asset_playground_html.size) return 0;
    page p = {0};
    page_add_bytes(&p, asset_playground_html.bytes, asset_playground_html.size);
    const int status = save(l, "playground.html", &p);
    page_free(&p);
    return status;
}

static int make(lecture *l) {
    if (!l->saved) return failure(FAILURE_INPUT, "out of memory for the saved sweeps");
    int status = failure_of(ravine_folder_create(l->folder, NULL));
    if (!status) status = surface_create(&l->convex, "lecture");
    if (!status) status = surface_create(&l->crescent, "crescent");
    if (!status) status = lecture_runs_measure(l->measured, l->convex);
    if (status) return status;
    const page_hole holes[] = {{"language", .put = page_put_language_button},
                               {"links", .put = put_links},
                               {"figures", .put = put_figures},
                               {"runs", .put = put_runs},
                               {"agreement", .put = put_agreement},
                               {"version", .text = ravine_version()}};
    page_begin(&l->page, "en", "The lecture, reproduced");
    page_style(&l->page, &asset_svg_chart_css);
    page_style(&l->page, &asset_lecture_css);
    page_fill(&l->page, &asset_lecture_html, holes, sizeof holes / sizeof *holes, l);
    if (!l->status) l->status = save_page(l);
    return l->status ? l->status : save_playground(l);
}

int lecture_write(const char *folder, json_t *sweeps, json_t **numbers) {
    const asset *built_in = &asset_sweeps_jsonl;
    json_t *saved =
        sweeps ? json_incref(sweeps) : saved_read((const char *)built_in->bytes, built_in->size);
    lecture l = {.folder = folder, .figures = json_object(), .saved = saved};
    *numbers = NULL;
    int status = make(&l);
    if (!status) {
        *numbers = json_pack(
            "{si ss s{ss sf sf} s{si si} so sO}", "format", 1, "version", ravine_version(),
            "surface", "spec", l.convex->spec, "minimum_b", l.convex->minimum[0], "minimum_w",
            l.convex->minimum[1], "agreement", "checked", l.checked, "agree", l.agree, "runs",
            lecture_runs_json((const lecture_measured *)l.measured), "figures", l.figures);
        status = *numbers ? save_json(&l, *numbers)
                          : failure(FAILURE_INPUT, "out of memory for the numbers of the lecture");
    }
    if (status) {
        json_decref(*numbers);
        *numbers = NULL;
    }
    page_free(&l.page);
    json_decref(l.figures);
    json_decref(saved);
    surface_destroy(l.convex);
    surface_destroy(l.crescent);
    return status;
}
