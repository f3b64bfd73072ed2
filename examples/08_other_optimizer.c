/* SPDX-License-Identifier: Apache-2.0 */
/* Why is training stuck? Asked of an optimizer that is not Ravine's: here a heavy ball in one line.
 *
 * The doctor needs no more of it than its numbers: ravine_samples_take copies some elements of
 * every parameter before a step, here all of them, and ravine_doctor_observe_samples looks at what
 * has become of them after it. What else is known (the momentum, a variance, the rule) makes it see
 * more. With only norms and losses at hand, as in a log, ravine_doctor_feed takes those. */
#include <math.h>
#include <ravine_doctor.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 2, STUCK_STEPS = 300, STEPS = 300 };

static double place[N] = {1, 1}, gradient[N], momentum[N];
static double lr = 0.038, beta = 0.9;

static ravine_status check(ravine_status status) {
    if (status >= 0) return status;
    fprintf(stderr, "%s\n", ravine_errmsg());
    exit(1);
}

/* A ravine, 100 times steeper across than along: with this lr each step across is thrown back to
 * the other wall, and the loss stands still. */
static double compute_loss(void) {
    gradient[0] = place[0];
    gradient[1] = 100 * place[1];
    return (place[0] * gradient[0] + place[1] * gradient[1]) / 2;
}

/* Somebody else's step. */
static void step(void) {
    for (int i = 0; i < N; i++) place[i] -= lr * (momentum[i] = beta * momentum[i] + gradient[i]);
}

static double notes[RAVINE_SAMPLES_NOTES * N]; /* what the doctor remembers of the samples */
static ravine_samples samples = {.size = sizeof samples,
                                 .dtype = RAVINE_F64,
                                 .state_dtype = RAVINE_F64,
                                 .elements = N, /* of the parameter, and how many are shown: all */
                                 .len = N,
                                 .pitch = RAVINE_SAMPLES_CHUNK,
                                 .data = place,
                                 .gradient = gradient,
                                 .momentum = momentum,
                                 .gradient_scale = 1,
                                 .notes = notes};

static void train(ravine_doctor *doctor, int steps) {
    static int done;
    const char *const names[] = {"place"};
    ravine_config config;    /* which rule it is, so that the doctor can say what to change */
    samples.grad_norm = NAN; /* as the samples tell */
    check(ravine_config_parse(&config, "sgd momentum=0.9"));
    config.lr = lr;
    for (int k = 0; k < steps; k++) {
        const double loss = compute_loss();
        check(ravine_samples_take(&samples, 1));
        step();
        const ravine_step_stats stats = {.size = sizeof stats, .step = ++done, .lr = lr, .clip = 1};
        const ravine_observation seen = {.size = sizeof seen,
                                         .nparts = 1,
                                         .loss = loss,
                                         .path_efficiency = NAN,
                                         .stats = &stats,
                                         .part_name = names,
                                         .config = &config};
        check(ravine_doctor_observe_samples(doctor, &seen, &samples));
        if (k % 100 == 0) printf("step %3d  loss %.6f\n", done, loss);
    }
}

int main(void) {
    ravine_doctor *doctor = NULL;
    check(ravine_doctor_create(&doctor, NULL, NULL));
    train(doctor, STUCK_STEPS);

    ravine_diagnosis diagnosis = {.size = sizeof diagnosis};
    char text[RAVINE_DIAGNOSIS_TEXT_MAX];
    check(ravine_doctor_diagnose(doctor, &diagnosis));
    check(ravine_diagnosis_format(&diagnosis, text, sizeof text, NULL));
    printf("\n%s\n", text);

    ravine_config cured; /* what it advises, as a setting that ravine_config_parse reads */
    check(ravine_config_parse(&cured, diagnosis.cure[0].optimizer));
    lr = cured.lr, beta = cured.momentum;
    train(doctor, STEPS);
    printf("at the end  loss %.6f\n", compute_loss());

    const int right = diagnosis.verdict == RAVINE_VERDICT_BOUNCING && cured.lr < 0.038;
    ravine_doctor_destroy(doctor);
    return right ? 0 : 1;
}
