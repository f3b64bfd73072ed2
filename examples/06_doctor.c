/* SPDX-License-Identifier: Apache-2.0 */
/* Why is training stuck? A doctor watches every step and says so, and what it advises is tried
 * beside the run before it is done.
 *
 * The loss is a ravine, 100 times steeper across than along. With lr = 0.02 each step across lands
 * on the opposite wall, at the same height: the loss stands still, and the gradient is large. */
#include <ravine_doctor.h>
#include <stdio.h>
#include <stdlib.h>

enum { STUCK_STEPS = 300, TRIAL_STEPS = 100, STEPS = 300 };

static double place[2] = {1, 1}, gradient[2];

static ravine_status check(ravine_status status) {
    if (status >= 0) return status;
    fprintf(stderr, "%s\n", ravine_errmsg());
    exit(1);
}

/* The loss at `place`, and the gradient there. */
static double compute_loss(void) {
    gradient[0] = place[0];
    gradient[1] = 100 * place[1];
    return (place[0] * gradient[0] + place[1] * gradient[1]) / 2;
}

/* The same for the doctor's trials, which move `place` and put it back. A problem with data would
 * compute the loss of batch number `batch`. */
static int evaluate(void *context, int64_t batch, int32_t with_gradient, double *loss) {
    (void)context, (void)batch, (void)with_gradient;
    *loss = compute_loss();
    return 0;
}

static void train(ravine_optimizer *optimizer, ravine_doctor *doctor, int steps) {
    for (int step = 0; step < steps; step++) {
        double loss = compute_loss();
        ravine_step_stats stats = {.size = sizeof stats};
        check(ravine_step(optimizer, &stats));
        check(ravine_doctor_observe(doctor, optimizer, loss));
        if (step % 100 == 0) printf("step %3d  loss %.6f\n", (int)stats.step, loss);
    }
}

int main(void) {
    ravine_env env;
    ravine_config config;
    ravine_optimizer *optimizer = NULL;
    ravine_doctor *doctor = NULL;
    const ravine_param parameter = {.size = sizeof parameter,
                                    .dtype = RAVINE_F64,
                                    .name = "place",
                                    .data = place,
                                    .grad = gradient,
                                    .len = 2};
    ravine_env_init(&env);
    env.statistics = 1; /* the optimizer keeps the signs and updates that a doctor looks at */
    check(ravine_config_parse(&config, "sgd lr=0.02"));
    check(ravine_create(&optimizer, &config, &env));
    check(ravine_add(optimizer, &parameter, 1));
    check(ravine_doctor_create(&doctor, NULL, NULL));
    train(optimizer, doctor, STUCK_STEPS);

    ravine_diagnosis diagnosis = {.size = sizeof diagnosis};
    check(ravine_doctor_diagnose(doctor, &diagnosis));
    ravine_problem problem = {.size = sizeof problem, .evaluate = evaluate};
    check(ravine_try_cures(optimizer, &problem, TRIAL_STEPS, &diagnosis));
    char text[RAVINE_DIAGNOSIS_TEXT_MAX];
    check(ravine_diagnosis_format(&diagnosis, text, sizeof text, NULL));
    printf("\n%s\n", text);

    /* The first cure helped most. A new rule would need a new optimizer; here it is a number. */
    const ravine_cure *best = &diagnosis.cure[0];
    check(ravine_config_parse(&config, best->optimizer));
    check(ravine_set(optimizer, 0, RAVINE_LR, config.lr));
    train(optimizer, doctor, STEPS);
    printf("at the end  loss %.6f\n", compute_loss());

    int right = diagnosis.verdict == RAVINE_VERDICT_BOUNCING && best->tried && best->loss_ratio < 1;
    ravine_doctor_destroy(doctor);
    ravine_destroy(optimizer);
    return right ? 0 : 1;
}
