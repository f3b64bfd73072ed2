/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_examine.c - the order of an examination: probe, diagnose, try. */
#include "commands/doctor/doctor.h"
#include "run/diagnosis.h"
#include "trainer/problem_watch.h"

enum { WHY_SIZE = 128 };

/* Where loss or gradient are not finite there is no curvature to look at, and `why` says so. */
static int make_probe(examination *e, const doctor_subject *s, char why[WHY_SIZE]) {
    problem_watch w;
    const ravine_problem problem = problem_watch_begin(&w, s->problem, "probing", s->calls);
    ravine_probe probe = {.size = sizeof probe};
    ravine_status status = ravine_probe_run(s->optimizer, &problem, s->probe, &probe);
    problem_watch_end(&w);
    if (status == RAVINE_E_STATE) {
        snprintf(why, WHY_SIZE, "%s", ravine_errmsg());
        return 0;
    }
    if (status >= 0) status = ravine_doctor_take_probe(s->doctor, &probe);
    e->probe = probe;
    return failure_of(status);
}

/* Beside the unchanged run, each for so many steps; the loss of the fixed batch after the last
 * ones.
 */
static int try_cures(examination *e, const doctor_subject *s, const doctor_request *request) {
    enum { JUDGED_STEPS = 8 };
    problem_watch w;
    const int64_t runs = 1 + e->diagnosis.ncures;
    const ravine_problem problem = problem_watch_begin(&w, s->trial, "trying cures",
                                                       runs * (request->try_steps + JUDGED_STEPS));
    const ravine_status status =
        ravine_try_cures(s->optimizer, &problem, request->try_steps, &e->diagnosis);
    problem_watch_end(&w);
    if (!status) e->tried_steps = request->try_steps;
    return failure_of(status);
}

/* The first failure of the examination, with its subject. */
static int failed(int status, const char *what) {
    char told[1024];
    snprintf(told, sizeof told, "%s", failure_text());
    return failure(status, "%s: %s", what, told);
}

int doctor_examine(examination *e, const doctor_subject *s, const doctor_request *request) {
    char why[WHY_SIZE] = "";
    int status = s->probe ? make_probe(e, s, why) : 0;
    if (status) return failed(status, s->name);
    e->diagnosis.size = sizeof e->diagnosis;
    status = failure_of(ravine_doctor_diagnose(s->doctor, &e->diagnosis));
    if (status) return failed(status, s->name);
    if (*why)
        diagnosis_cannot_tell(&e->diagnosis, "how the loss curves%s: %s",
                              request->try_steps ? " and what a cure is worth" : "", why);
    if (s->why_not) diagnosis_cannot_tell(&e->diagnosis, "how the loss curves: %s", s->why_not);
    if (!request->try_steps || *why || !diagnosis_can_be_tried(&e->diagnosis)) return 0;
    status = try_cures(e, s, request);
    return status ? failed(status, s->name) : 0;
}
