/* SPDX-License-Identifier: Apache-2.0 */
/* battery.c - problems drawn by seeds, each with one known trouble: what does the doctor say?
 *
 *     doctor_battery [--problems N] [--only K] [--verbose] [--advice] SEED...
 *
 * Each problem is asked about twice: with a probe after its last step, and without. Prints a table
 * (Markdown), verdict by verdict, with what was said instead. Exit code 0 if of every seed, with a
 * probe, 97 % are right and of no verdict fewer than 90 %. With --advice the first cure that can be
 * tried is followed for some steps wherever the verdict is right: none may do harm.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "doctor/problems.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEEDS_MAX = 16 };

typedef struct arguments {
    uint64_t seeds[SEEDS_MAX], problems, only;
    int nseeds, verbose, advice;
} arguments;

static int read_arguments(arguments *a, int argc, char **argv) {
    for (int k = 1; k < argc; k++) {
        if (!strcmp(argv[k], "--verbose"))
            a->verbose = 1;
        else if (!strcmp(argv[k], "--advice"))
            a->advice = 1;
        else if (k + 1 < argc && !strcmp(argv[k], "--problems"))
            a->problems = strtoull(argv[++k], NULL, 10);
        else if (k + 1 < argc && !strcmp(argv[k], "--only"))
            a->only = strtoull(argv[++k], NULL, 10);
        else if (argv[k][0] != '-' && a->nseeds < SEEDS_MAX)
            a->seeds[a->nseeds++] = strtoull(argv[k], NULL, 10);
        else
            return 0;
    }
    return a->nseeds > 0;
}

static void print_diagnosis(const problem *p, uint64_t index, const ravine_diagnosis *x) {
    printf("%llu %s (%s, n %d, %lld steps): %s, not %s; confidence %.2f\n",
           (unsigned long long)index, p->name, p->optimizer, p->n, (long long)p->steps,
           ravine_verdict_word(x->verdict), ravine_verdict_word(p->verdict), x->confidence);
    for (int k = 0; k < x->nevidence; k++)
        printf("    %-18s %-12.5g %s\n", x->evidence[k].name, x->evidence[k].value,
               x->evidence[k].text);
    for (int k = 0; k < x->nalso; k++) printf("    also %s\n", ravine_verdict_word(x->also[k]));
}

/* What is prescribed can be used as it is, and changes something; there is a sentence to it. */
static void check_cures(const ravine_diagnosis *x) {
    char text[RAVINE_SENTENCE_MAX];
    if (ravine_diagnosis_sentence(x, "zh", text, sizeof text, NULL) || !*text)
        fail_msg("no sentence: %s", ravine_errmsg());
    assert_true(x->ncures > 0);
    for (int k = 0; k < x->ncures; k++) {
        ravine_config c;
        ravine_schedule s;
        const ravine_cure *cure = &x->cure[k];
        assert_false(cure->old_value == cure->new_value || strstr(cure->text, "nan"));
        if (cure->optimizer[0] && ravine_config_parse(&c, cure->optimizer) < 0)
            fail_msg("cure \"%s\": %s", cure->optimizer, ravine_errmsg());
        if (cure->schedule[0] && ravine_schedule_parse(&s, cure->schedule) < 0)
            fail_msg("cure \"%s\": %s", cure->schedule, ravine_errmsg());
    }
}

/* How often a verdict was said where another, or the same, is the truth: [truth][said]. */
typedef int answers[RAVINE_VERDICT_COUNT][RAVINE_VERDICT_COUNT];

static void ask(const problem *p, uint64_t index, const trial *t, const arguments *a,
                answers count) {
    ravine_diagnosis x;
    trial_diagnose(t, &x);
    check_cures(&x);
    count[p->verdict][x.verdict]++;
    if (a->verbose && (x.verdict != p->verdict || a->only == index)) print_diagnosis(p, index, &x);
}

/* From where a run was lost nothing leads back, whatever is advised: that is for a new start. */
static bool leads_on(const ravine_diagnosis *x) {
    return x->verdict != RAVINE_VERDICT_NONFINITE && x->verdict != RAVINE_VERDICT_DIVERGING &&
           x->verdict != RAVINE_VERDICT_WARMUP_NEEDED;
}

static void follow(const problem *p, uint64_t index, trial *t) {
    enum { STEPS = 300 };
    ravine_diagnosis x;
    trial_diagnose(t, &x);
    int32_t k = 0;
    while (k < x.ncures && x.cure[k].action == RAVINE_CURE_ADVICE) k++;
    if (k == x.ncures || x.verdict != p->verdict || !leads_on(&x)) return;
    ravine_diagnosis one = {.size = sizeof one, .verdict = x.verdict, .ncures = 1};
    one.cure[0] = x.cure[k];
    const ravine_problem seen = trial_problem(t, STEPS);
    assert_int_equal(ravine_try_cures(t->o, &seen, STEPS, &one), RAVINE_OK);
    if (!strcmp(ravine_cure_word(one.cure[0].kind), "nothing_helps"))
        fail_msg("%d, %s (%s): \"%s\" does harm", (int)index, p->name, p->optimizer,
                 x.cure[k].text);
}

static void examine(const problem *p, uint64_t index, const arguments *a, answers probed,
                    answers unprobed) {
    double start[PROBLEM_SIZE_MAX];
    const trial_setup setup = problem_setup(p, start);
    trial *t = trial_new(&setup);
    trial_run(t, p->steps);
    ask(p, index, t, a, unprobed);
    if (a->advice) follow(p, index, t);
    if (isfinite(trial_exact(t))) {
        ravine_probe found;
        trial_probe(t, &found);
    }
    ask(p, index, t, a, probed);
    if (a->advice) follow(p, index, t);
    trial_free(t);
}

static int asked(answers count, int truth) {
    int sum = 0;
    for (int k = 0; k < RAVINE_VERDICT_COUNT; k++) sum += count[truth][k];
    return sum;
}

/* The share that is right, of one verdict and of all. */
typedef struct shares {
    double worst, all;
} shares;

static shares shares_of(answers count) {
    int right = 0, total = 0;
    double worst = 1;
    for (int truth = 0; truth < RAVINE_VERDICT_COUNT; truth++) {
        const int sum = asked(count, truth);
        right += count[truth][truth];
        total += sum;
        if (sum > 0) worst = fmin(worst, (double)count[truth][truth] / sum);
    }
    return (shares){worst, (double)right / total};
}

static void print_cell(answers count, int truth) {
    printf(" %d/%d", count[truth][truth], asked(count, truth));
    for (int k = 0; k < RAVINE_VERDICT_COUNT; k++)
        if (k != truth && count[truth][k])
            printf(", %s %d", ravine_verdict_word(k), count[truth][k]);
    printf(" |");
}

/* A column for each seed with a probe, then one for each without. */
static void print_table(const arguments *a, answers *count) {
    const int columns = 2 * a->nseeds;
    printf("| truth |");
    for (int k = 0; k < columns; k++)
        printf(" seed %llu%s |", (unsigned long long)a->seeds[k % a->nseeds],
               k < a->nseeds ? "" : ", no probe");
    printf("\n|---|");
    for (int k = 0; k < columns; k++) printf("---|");
    for (int truth = 0; truth < RAVINE_VERDICT_COUNT; truth++) {
        if (asked(count[0], truth) == 0) continue;
        printf("\n| %s |", ravine_verdict_word(truth));
        for (int k = 0; k < columns; k++) print_cell(count[k], truth);
    }
    printf("\n| all |");
    for (int k = 0; k < columns; k++) printf(" %.1f %% |", 100 * shares_of(count[k]).all);
    printf("\n| worst verdict |");
    for (int k = 0; k < columns; k++) printf(" %.1f %% |", 100 * shares_of(count[k]).worst);
    printf("\n");
}

int main(int argc, char **argv) {
    static answers count[2 * SEEDS_MAX]; /* of each seed with a probe, then without */
    arguments a = {.problems = 456, .only = UINT64_MAX};
    if (!read_arguments(&a, argc, argv)) {
        fprintf(stderr,
                "usage: doctor_battery [--problems N] [--only K] [--verbose] [--advice] SEED...\n");
        return 2;
    }
    int status = 0;
    for (int k = 0; k < a.nseeds; k++) {
        for (uint64_t index = 0; index < a.problems; index++) {
            if (a.only != UINT64_MAX && index != a.only) continue;
            static problem p;
            problem_draw(&p, a.seeds[k], index);
            examine(&p, index, &a, count[k], count[a.nseeds + k]);
        }
        const shares s = shares_of(count[k]);
        status |= !(s.all >= 0.97 && s.worst >= 0.9);
    }
    print_table(&a, count);
    return status;
}
