/* SPDX-License-Identifier: Apache-2.0 */
#include "lecture/runs.h"

#include "io/number_json.h"
#include "lecture/words.h"

#include <math.h>

#define NEVER             RACE_NEVER
#define WANT(COLUMN, ...) [RUN_##COLUMN] = {__VA_ARGS__},
#define NOTHING           [0] = {0, 0, NULL}
#define RUN(NAME, key, en, zh, optimizer, schedule, wants) \
    [RUN_##NAME] = {key, {en, zh}, optimizer, schedule, {wants}},
const run_row run_rows[RUN_COUNT] = {
#include "lecture/runs.def"
};

static const struct {
    const char *key;
    int digits;
    svg_text text;
} columns[RUN_COLUMNS] = {
#define RAVINE_X(COLUMN, key, digits, en, zh) [RUN_##COLUMN] = {key, digits, {en, zh}},
    RUN_COLUMN_LIST(RAVINE_X)
#undef RAVINE_X
};

/* ---- measuring ---- */

int run_trace(race_result *r, run_id id, const surface *convex, int64_t steps) {
    return race_run(r, &(race_setup){.surface = convex,
                                     .optimizer = run_rows[id].optimizer,
                                     .schedule = run_rows[id].schedule,
                                     .steps = steps,
                                     .dtype = RAVINE_F64,
                                     .record_every = 1});
}

/* By which factor the distance across the valley grows in a step, halfway to the overflow: the
 * loss is its square there, all else is too small to see. */
static int measure_growth(double *growth, run_id id, const surface *convex, int64_t overflow) {
    race_result r;
    *growth = NAN;
    if (overflow < 4) return 0;
    const int status = run_trace(&r, id, convex, overflow / 2 + 1);
    if (status) return status;
    const double *last = r.trace.loss + r.trace.count - 1;
    *growth = sqrt(last[0] / last[-1]);
    race_free(&r);
    return 0;
}

static int measure(run_measured *m, run_id id, const surface *convex) {
    race_result r;
    const int status = race_run(&r, &(race_setup){.surface = convex,
                                                  .optimizer = run_rows[id].optimizer,
                                                  .schedule = run_rows[id].schedule,
                                                  .steps = LECTURE_STEPS,
                                                  .dtype = RAVINE_F64});
    if (status) return status;
    const bool finite = r.nonfinite_step == RACE_NEVER;
    *m = (run_measured){.value = {
                            [RUN_OVERFLOW] = (double)r.nonfinite_step,
                            [RUN_GROWTH] = NAN,
                            [RUN_END_B] = finite ? r.end[0] : NAN,
                            [RUN_END_W] = finite ? r.end[1] : NAN,
                            [RUN_DISTANCE] = finite ? r.distance : NAN,
                            /* below the rounding of the loss it is 0 */
                            [RUN_WORST] = finite ? fmax(r.worst_excess_loss, 0) : NAN,
                            [RUN_LIMIT] = r.limit,
                            [RUN_UNSTABLE] = (double)r.first_unstable_step,
                            [RUN_BURSTS] = (double)r.bursts,
                            [RUN_FIRST_BURST] = (double)r.first_burst_step,
                        }};
    race_free(&r);
    if (finite) return 0;
    return measure_growth(&m->value[RUN_GROWTH], id, convex, (int64_t)m->value[RUN_OVERFLOW]);
}

int runs_measure(run_measured measured[RUN_COUNT], const surface *convex) {
    int status = 0;
    for (run_id id = 0; id < RUN_COUNT && !status; id++)
        status = measure(&measured[id], id, convex);
    return status;
}

bool run_is_in_lecture(run_id id) {
    for (run_column c = 0; c < RUN_COLUMNS; c++)
        if (run_rows[id].want[c].text) return true;
    return false;
}

bool run_agrees(run_id id, run_column column, const run_measured *m) {
    const run_want *want = &run_rows[id].want[column];
    const double value = m->value[column];
    return !want->text || (value >= want->least && value <= want->greatest);
}

/* ---- showing ---- */

static bool is_step(run_column c) {
    return c == RUN_OVERFLOW || c == RUN_UNSTABLE || c == RUN_FIRST_BURST;
}

static void put_value(page *p, run_column c, double value) {
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
static bool says_nothing(const run_want *want, run_column c, double value) {
    return !want->text && (isnan(value) || (is_step(c) && value == RACE_NEVER));
}

static void put_cell(page *p, run_id id, run_column c, const run_measured *m) {
    const run_want *want = &run_rows[id].want[c];
    page_format(p, "<td class=\"number%s%s\"><span class=\"label\">",
                run_agrees(id, c, m) ? "" : " warn",
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
static bool is_shown(run_column c, const run_id *id, size_t n,
                     const run_measured measured[RUN_COUNT]) {
    for (size_t k = 0; k < n; k++) {
        const double value = measured[id[k]].value[c];
        if (run_rows[id[k]].want[c].text) return true;
        if (c == RUN_GROWTH && !isnan(value)) return true;
        if (c == RUN_OVERFLOW && value != RACE_NEVER) return true;
        if (c == RUN_DISTANCE || c == RUN_WORST || c == RUN_UNSTABLE || c == RUN_BURSTS)
            return true;
    }
    return false;
}

void runs_put_table(page *p, const run_id *id, size_t n, const run_measured measured[RUN_COUNT]) {
    bool shown[RUN_COLUMNS];
    page_add(p, "<div class=\"wide\"><table class=\"runs cards\"><thead><tr><th>");
    words_put(p, (svg_text){"100,000 steps, float64", "100,000 步，float64"});
    page_add(p, "</th>");
    for (run_column c = 0; c < RUN_COLUMNS; c++) {
        shown[c] = is_shown(c, id, n, measured);
        if (!shown[c]) continue;
        page_add(p, "<th class=\"number\">");
        words_put(p, columns[c].text);
        page_add(p, "</th>");
    }
    page_add(p, "</tr></thead><tbody>\n");
    for (size_t k = 0; k < n; k++) {
        page_format(p, "<tr data-run=\"%s\"><th>", run_rows[id[k]].key);
        words_put(p, run_rows[id[k]].name);
        page_add(p, "</th>");
        for (run_column c = 0; c < RUN_COLUMNS; c++)
            if (shown[c]) put_cell(p, id[k], c, &measured[id[k]]);
        page_add(p, "</tr>\n");
    }
    page_add(p, "</tbody></table></div>\n");
}

static json_t *value_json(run_column c, double value) {
    if (is_step(c) && value == RACE_NEVER) return json_null();
    const bool whole = isfinite(value) && (is_step(c) || c == RUN_BURSTS);
    return whole ? json_integer((json_int_t)value) : number_json(value);
}

static json_t *measured_json(const run_measured *m) {
    json_t *object = json_object();
    for (run_column c = 0; c < RUN_COLUMNS; c++)
        json_object_set_new(object, columns[c].key, value_json(c, m->value[c]));
    return object;
}

static json_t *expected_json(run_id id, const run_measured *m) {
    json_t *object = json_object();
    for (run_column c = 0; c < RUN_COLUMNS; c++) {
        const run_want *want = &run_rows[id].want[c];
        if (!want->text) continue;
        json_object_set_new(
            object, columns[c].key,
            json_pack("{ss so so sb}", "text", want->text, "least", value_json(c, want->least),
                      "greatest", value_json(c, want->greatest), "agrees", run_agrees(id, c, m)));
    }
    return object;
}

json_t *runs_json(const run_measured measured[RUN_COUNT]) {
    json_t *runs = json_array();
    for (run_id id = 0; id < RUN_COUNT; id++) {
        const run_row *row = &run_rows[id];
        json_t *object =
            json_pack("{ss ss ss ss? si sb so so}", "key", row->key, "name", row->name.en,
                      "optimizer", row->optimizer, "schedule", row->schedule, "steps",
                      LECTURE_STEPS, "in_lecture", run_is_in_lecture(id), "measured",
                      measured_json(&measured[id]), "expected", expected_json(id, &measured[id]));
        json_array_append_new(runs, object);
    }
    return runs;
}
