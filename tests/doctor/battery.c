/* battery.c - problems drawn by a seed, each with one known trouble: what does the doctor say?
 *
 *     battery [--seed N] [--problems N] [--no-probe] [--verbose]
 *
 * Prints the table verdict by verdict and what was said instead. Exit code 0 if 97 % are right and
 * no verdict has fewer than 90 %.
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

typedef struct arguments {
    uint64_t seed, problems, only;
    int probe, verbose;
} arguments;

static int read_arguments(arguments *a, int argc, char **argv) {
    for (int k = 1; k < argc; k++) {
        if (!strcmp(argv[k], "--no-probe")) {
            a->probe = 0;
        } else if (!strcmp(argv[k], "--verbose")) {
            a->verbose = 1;
        } else if (k + 1 < argc && !strcmp(argv[k], "--seed")) {
            a->seed = strtoull(argv[++k], NULL, 10);
        } else if (k + 1 < argc && !strcmp(argv[k], "--problems")) {
            a->problems = strtoull(argv[++k], NULL, 10);
        } else if (k + 1 < argc && !strcmp(argv[k], "--only")) {
            a->only = strtoull(argv[++k], NULL, 10);
        } else {
            fprintf(stderr, "usage: battery [--seed N] [--problems N] [--no-probe] [--verbose]\n");
            return 2;
        }
    }
    return 0;
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

/* What is prescribed can be used as it is. */
static void check_cures(const ravine_diagnosis *x) {
    for (int k = 0; k < x->ncures; k++) {
        ravine_config c;
        ravine_schedule s;
        const ravine_cure *cure = &x->cure[k];
        if (cure->optimizer[0] && ravine_config_parse(&c, cure->optimizer) < 0)
            fail_msg("cure \"%s\": %s", cure->optimizer, ravine_errmsg());
        if (cure->schedule[0] && ravine_schedule_parse(&s, cure->schedule) < 0)
            fail_msg("cure \"%s\": %s", cure->schedule, ravine_errmsg());
    }
}

static int examine(const problem *p, int probe, ravine_diagnosis *x) {
    double start[PROBLEM_SIZE_MAX];
    const trial_setup setup = problem_setup(p, start);
    trial *t = trial_new(&setup);
    trial_run(t, p->steps);
    if (probe && isfinite(trial_exact(t))) {
        ravine_probe found;
        trial_probe(t, &found);
    }
    trial_diagnose(t, x);
    check_cures(x);
    trial_free(t);
    return x->verdict;
}

static int print_table(int said[RAVINE_VERDICT_COUNT][RAVINE_VERDICT_COUNT]) {
    int right = 0, total = 0;
    double least = 1;
    printf("%-15s %9s  said instead\n", "truth", "right");
    for (int truth = 0; truth < RAVINE_VERDICT_COUNT; truth++) {
        int sum = 0;
        for (int k = 0; k < RAVINE_VERDICT_COUNT; k++) sum += said[truth][k];
        if (sum == 0) continue;
        printf("%-15s %4d/%-4d ", ravine_verdict_word(truth), said[truth][truth], sum);
        for (int k = 0; k < RAVINE_VERDICT_COUNT; k++)
            if (k != truth && said[truth][k])
                printf(" %s %d", ravine_verdict_word(k), said[truth][k]);
        printf("\n");
        right += said[truth][truth];
        total += sum;
        least = fmin(least, (double)said[truth][truth] / sum);
    }
    printf("%-15s %4d/%-4d  %.1f %%, the worst verdict %.1f %%\n", "all", right, total,
           100.0 * right / total, 100 * least);
    return right >= 0.97 * total && least >= 0.9 ? 0 : 1;
}

int main(int argc, char **argv) {
    arguments a = {.seed = 1, .problems = 420, .probe = 1, .only = UINT64_MAX};
    const int status = read_arguments(&a, argc, argv);
    if (status) return status;
    static int said[RAVINE_VERDICT_COUNT][RAVINE_VERDICT_COUNT];
    printf("seed %llu, %llu problems\n", (unsigned long long)a.seed,
           (unsigned long long)a.problems);
    for (uint64_t k = 0; k < a.problems; k++) {
        if (a.only != UINT64_MAX && k != a.only) continue;
        static problem p;
        problem_draw(&p, a.seed, k);
        ravine_diagnosis x;
        const int verdict = examine(&p, a.probe, &x);
        said[p.verdict][verdict]++;
        if (a.verbose && (verdict != p.verdict || a.only == k)) print_diagnosis(&p, k, &x);
    }
    return print_table(said);
}
