/* SPDX-License-Identifier: Apache-2.0 */
#include "lecture/runs.h"

#include "cli/progress.h"
#include "io/number_json.h"
#include "lecture/words.h"

#include <math.h>

#define NEVER             RACE_NEVER
#define WANT(COLUMN, ...) [LECTURE_##COLUMN] = {__VA_ARGS__},
#define NOTHING           [0] = {0, 0, NULL}
#define RUN(NAME, key, en, zh, optimizer, schedule, wants) \
    [LECTURE_##NAME] = {key, {en, zh}, optimizer, schedule, {wants}},
const lecture_run_row lecture_run_rows[LECTURE_RUN_COUNT] = {
#include "lecture/runs.def"
};

static const struct {
    const char *key;
    int digits;
    svg_text text;
} columns[LECTURE_COLUMNS] = {
#define RAVINE_X(COLUMN, key, digits, en, zh) [LECTURE_##COLUMN] = {key, digits, {en, zh}},
    LECTURE_COLUMN_LIST(RAVINE_X)
#undef RAVINE_X
};

/* ---- measuring ---- */

race_setup lecture_run_setup(lecture_run id, const surface *convex, int64_t steps) {
    return (race_setup){.surface = convex,
                        .optimizer = lecture_run_rows[id].optimizer,
                        .schedule = lecture_run_rows[id].schedule,
                        .steps = steps,
                        .dtype = RAVINE_F64,
                        .record_every = 1};
}

/* By which factor the distance across the valley grows in a step, halfway to the overflow: the
 * loss is its square there, all else is too small to see. */
static int measure_growth(double *growth, lecture_run id, const surface *convex, int64_t overflow) {
    race_result r;
    *growth = NAN;
    if (overflow < 4) return 0;
    const race_setup setup = lecture_run_setup(id, convex, overflow / 2 + 1);
    const int status = race_run(&r, &setup);
    if (status) return status;
    const double *last = r.trace.loss + r.trace.count - 1;
    *growth = sqrt(last[0] / last[-1]);
    race_free(&r);
    return 0;
}

static int measure(lecture_measured *m, lecture_run id, const surface *convex) {
    race_result r;
    race_setup setup = lecture_run_setup(id, convex, LECTURE_STEPS);
    setup.record_every = 0;
    const int status = race_run(&r, &setup);
    if (status) return status;
    const bool finite = r.nonfinite_step == RACE_NEVER;
    *m = (lecture_measured){.value = {
                                [LECTURE_OVERFLOW] = (double)r.nonfinite_step,
                                [LECTURE_GROWTH] = NAN,
                                [LECTURE_END_B] = finite ? r.end[0] : NAN,
                                [LECTURE_END_W] = finite ? r.end[1] : NAN,
                                [LECTURE_DISTANCE] = finite ? r.distance : NAN,
                                /* below the rounding of the loss it is 0 */
                                [LECTURE_WORST] = finite ? fmax(r.worst_excess_loss, 0) : NAN,
                                [LECTURE_LIMIT] = r.limit,
                                [LECTURE_UNSTABLE] = (double)r.first_unstable_step,
                                [LECTURE_BURSTS] = (double)r.bursts,
                                [LECTURE_FIRST_BURST] = (double)r.first_burst_step,
                            }};
    race_free(&r);
    if (finite) return 0;
    return measure_growth(&m->value[LECTURE_GROWTH], id, convex,
                          (int64_t)m->value[LECTURE_OVERFLOW]);
}

int lecture_runs_measure(lecture_measured measured[LECTURE_RUN_COUNT], const surface *convex) {
    int status = 0;
    progress shown = progress_begin("the lecture's runs", "made", LECTURE_RUN_COUNT);
    for (lecture_run id = 0; id < LECTURE_RUN_COUNT && !status; id++) {
        progress_to(&shown, id);
        status = measure(&measured[id], id, convex);
    }
    progress_end(&shown);
    return status;
}

bool lecture_run_is_shown(lecture_run id) {
    for (lecture_column c = 0; c < LECTURE_COLUMNS; c++)
        if (lecture_run_rows[id].want[c].text) return true;
    return false;
}

bool lecture_run_agrees(lecture_run id, lecture_column column, const lecture_measured *m) {
    const lecture_want *want = &lecture_run_rows[id].want[column];
    const double value = m->value[column];
    return !want->text || (value >= want->least && value <= want->greatest);
}

/* ---- showing ---- */

static bool is_step(lecture_column c) {
    return c == LECTURE_OVERFLOW || c == LECTURE_UNSTABLE || c == LECTURE_FIRST_BURST;
}

static void put_value(page *p, lecture_column c, double value) {
    char text[48];
    if (isnan(value)) {
        page_add(p, "–");
    } else if (is_step(c) && value == RACE_NEVER) {
        words_put(p, (svg_text){"never", "从不"});
    } else {
        words_number(value, columns[c].digits, text, sizeof text);
        page_add(p, text);
    }
}

/* Nothing, or never, where the reference has nothing to compare. */
static bool says_nothing(const lecture_want *want, lecture_column c, double value) {
    return !want->text && (isnan(value) || (is_step(c) && value == RACE_NEVER));
}

static void put_cell(page *p, lecture_run id, lecture_column c, const lecture_measured *m) {
    const lecture_want *want = &lecture_run_rows[id].want[c];
    page_format(p, "<td class=\"number%s%s\"><span class=\"label\">",
                lecture_run_agrees(id, c, m) ? "" : " warn",
                says_nothing(want, c, m->value[c]) ? " none" : "");
    words_put(p, columns[c].text);
    page_add(p, "</span>");
    put_value(p, c, m->value[c]);
    if (want->text) {
        page_add(p, "<span class=\"want\">");
        words_put(p, want->least == NEVER ? (svg_text){"never", "从不"}
                                          : (svg_text){want->text, NULL});
        page_add(p, "</span>");
    }
    page_add(p, "</td>");
}

/* A column that has something to say in one of the rows: a limit only where one is expected. */
static bool is_shown(lecture_column c, const lecture_run *id, size_t n,
                     const lecture_measured measured[LECTURE_RUN_COUNT]) {
    for (size_t k = 0; k < n; k++) {
        const double value = measured[id[k]].value[c];
        if (lecture_run_rows[id[k]].want[c].text) return true;
        if (c == LECTURE_GROWTH && !isnan(value)) return true;
        if (c == LECTURE_OVERFLOW && value != RACE_NEVER) return true;
        if (c == LECTURE_DISTANCE || c == LECTURE_WORST || c == LECTURE_UNSTABLE ||
            c == LECTURE_BURSTS)
            return true;
    }
    return false;
}

void lecture_runs_put_table(page *p, const lecture_run *id, size_t n,
                            const lecture_measured measured[LECTURE_RUN_COUNT]) {
    bool shown[LECTURE_COLUMNS];
    page_add(p, "<div class=\"wide\"><table class=\"runs cards\"><thead><tr><th>");
    words_put(p, (svg_text){"100,000 steps, float64", "100,000 步，float64"});
    page_add(p, "</th>");
    for (lecture_column c = 0; c < LECTURE_COLUMNS; c++) {
        shown[c] = is_shown(c, id, n, measured);
        if (!shown[c]) continue;
        page_add(p, "<th class=\"number\">");
        words_put(p, columns[c].text);
        page_add(p, "</th>");
    }
    page_add(p, "</tr></thead><tbody>\n");
    for (size_t k = 0; k < n; k++) {
        page_format(p, "<tr data-run=\"%s\"><th>", lecture_run_rows[id[k]].key);
        words_put(p, lecture_run_rows[id[k]].name);
        page_add(p, "</th>");
        for (lecture_column c = 0; c < LECTURE_COLUMNS; c++)
            if (shown[c]) put_cell(p, id[k], c, &measured[id[k]]);
        page_add(p, "</tr>\n");
    }
    page_add(p, "</tbody></table></div>\n");
}

static json_t *value_json(lecture_column c, double value) {
    if (is_step(c) && value == RACE_NEVER) return json_null();
    const bool whole = isfinite(value) && (is_step(c) || c == LECTURE_BURSTS);
    return whole ? json_integer((json_int_t)value) : number_json(value);
}

static json_t *measured_json(const lecture_measured *m) {
    json_t *object = json_object();
    for (lecture_column c = 0; c < LECTURE_COLUMNS; c++)
        json_object_set_new(object, columns[c].key, value_json(c, m->value[c]));
    return object;
}

static json_t *expected_json(lecture_run id, const lecture_measured *m) {
    json_t *object = json_object();
    for (lecture_column c = 0; c < LECTURE_COLUMNS; c++) {
        const lecture_want *want = &lecture_run_rows[id].want[c];
        if (!want->text) continue;
        json_object_set_new(object, columns[c].key,
                            json_pack("{ss so so sb}", "text", want->text, "least",
                                      value_json(c, want->least), "greatest",
                                      value_json(c, want->greatest), "agrees",
                                      lecture_run_agrees(id, c, m)));
    }
    return object;
}

json_t *lecture_runs_json(const lecture_measured measured[LECTURE_RUN_COUNT]) {
    json_t *runs = json_array();
    for (lecture_run id = 0; id < LECTURE_RUN_COUNT; id++) {
        const lecture_run_row *row = &lecture_run_rows[id];
        json_t *object =
            json_pack("{ss ss ss ss? si sb so so}", "key", row->key, "name", row->name.en,
                      "optimizer", row->optimizer, "schedule", row->schedule, "steps",
                      LECTURE_STEPS, "in_lecture", lecture_run_is_shown(id), "measured",
                      measured_json(&measured[id]), "expected", expected_json(id, &measured[id]));
        json_array_append_new(runs, object);
    }
    return runs;
}
