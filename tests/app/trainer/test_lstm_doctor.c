/* SPDX-License-Identifier: Apache-2.0 */
/* An lstm that cannot learn because its gates are shut, and the same one with open gates: what the
 * doctor says of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/dataset_facts.h"
#include "math/random.h"
#include "ravine_doctor.h"
#include "trainer/trainer.h"

#include <stdlib.h>
#include <string.h>

enum { BYTES = 20000, CONTEXT = 64, BATCH = 8, STEPS = 400, LAYERS = 4, WIDTH = 32 };

/* Words in any order: most bytes follow from those before them. */
static unsigned char *make_text(void) {
    static const char *const words[] = {"the ", "river ", "cuts ", "a ", "ravine ", "deep "};
    unsigned char *text = malloc(BYTES);
    assert_non_null(text);
    size_t used = 0;
    for (uint64_t k = 0; used < BYTES; k++) {
        const char *word = words[ravine_random_below(1, 2, k, sizeof words / sizeof *words)];
        for (; *word && used < BYTES; word++) text[used++] = (unsigned char)*word;
    }
    return text;
}

/* Gates of every layer, of i, f, g, o: which are shifted. */
typedef enum gates {
    NO_GATES = 0,
    FORGET_GATES = 1 << 1,
    ALL_GATES = 1 << 0 | 1 << 1 | 1 << 3
} gates;

static void shift_gates(net *n, gates which, float by) {
    for (int64_t k = 0; k < net_param_count(n); k++) {
        const net_tensor t = net_param(n, k);
        if (!strstr(t.name, "bias_hh")) continue;
        for (int64_t c = 0; c < t.len; c++)
            if ((int)which >> (c / WIDTH) & 1) t.data[c] += by;
    }
}

static void tell_facts(ravine_doctor *d, const dataset *data) {
    dataset_facts facts;
    assert_int_equal(dataset_facts_of(&facts, data, NULL), 0);
    assert_int_equal(ravine_doctor_tell(d, RAVINE_FACT_CONSTANT_LOSS, facts.constant_loss), 0);
    assert_int_equal(ravine_doctor_tell(d, RAVINE_FACT_CLASSES, facts.classes), 0);
    assert_int_equal(ravine_doctor_tell(d, RAVINE_FACT_NORMS_UNTRAINED, 0), 0);
    assert_int_equal(ravine_doctor_tell(d, RAVINE_FACT_TOTAL_STEPS, STEPS), 0);
}

static void make_trainer(trainer *t, const dataset *data) {
    const net_spec spec = {.model = NET_LSTM,
                           .input = {1, CONTEXT, 1},
                           .outputs = TEXT_BYTES,
                           .layers = LAYERS,
                           .width = WIDTH,
                           .loss = NET_CROSS_ENTROPY,
                           .seed = 1};
    const trainer_setup setup = {.spec = &spec, .data = data, .batch = BATCH};
    const trainer_options how = {.watch = true};
    ravine_config rule;
    assert_int_equal(ravine_config_parse(&rule, "sgd lr=1"), RAVINE_OK);
    assert_int_equal(trainer_create(t, &setup), 0);
    assert_int_equal(trainer_make_groups(t, &rule, &how, &t->optimizer), 0);
    assert_int_equal(trainer_add_params(t, t->optimizer, NULL), 0);
    data_order_epoch(t->order, data, 1, 0);
}

/* What is said at the end of a training whose gates begin shifted; *loss: the last one. */
static ravine_diagnosis train(gates which, float by, double *loss) {
    unsigned char *text = make_text();
    const dataset data = {.count = STEPS * BATCH,
                          .shape = {1, CONTEXT, 1},
                          .size = CONTEXT,
                          .outputs = TEXT_BYTES,
                          .text = text,
                          .bytes = BYTES};
    trainer t;
    ravine_doctor *d;
    ravine_diagnosis x = {.size = sizeof x};
    make_trainer(&t, &data);
    shift_gates(t.net, which, by);
    assert_int_equal(ravine_doctor_create(&d, NULL, NULL), RAVINE_OK);
    tell_facts(d, &data);
    for (uint64_t step = 0; step < STEPS; step++) {
        ravine_step_stats stats = {.size = sizeof stats};
        *loss = trainer_gradient(&t, (int64_t)step * BATCH, BATCH, step, NULL);
        assert_true(ravine_step(t.optimizer, &stats) >= 0);
        assert_int_equal(ravine_doctor_observe(d, t.optimizer, *loss), RAVINE_OK);
    }
    assert_int_equal(ravine_doctor_diagnose(d, &x), RAVINE_OK);
    ravine_doctor_destroy(d);
    trainer_free(&t);
    free(text);
    return x;
}

static void open_gates_learn(void **state) {
    (void)state;
    double loss;
    const ravine_diagnosis x = train(NO_GATES, 0, &loss);
    assert_true(loss < 0.7);
    assert_int_equal(x.verdict, RAVINE_VERDICT_HEALTHY);
}

/* What a cell forgets the output remembers: words are learned all the same. */
static void shut_forget_gates_are_not_blamed(void **state) {
    (void)state;
    double loss;
    const ravine_diagnosis x = train(FORGET_GATES, -11, &loss);
    assert_true(loss < 0.7);
    assert_int_equal(x.verdict, RAVINE_VERDICT_HEALTHY);
}

/* A layer whose gates are nearly shut passes next to nothing on, nor back: of four layers the
 * gradient is gone. */
static void shut_gates_let_the_gradient_vanish(void **state) {
    (void)state;
    double loss;
    const ravine_diagnosis x = train(ALL_GATES, -4, &loss);
    assert_true(loss > 5);
    assert_int_equal(x.verdict, RAVINE_VERDICT_VANISHING);
    bool names = false, advises = false;
    for (int32_t k = 0; k < x.nevidence; k++)
        names = names || strstr(x.evidence[k].text, "lstm.weight_hh_l") != NULL;
    for (int32_t k = 0; k < x.ncures; k++)
        advises = advises || strstr(x.cure[k].text, "initialize for the depth") != NULL;
    assert_true(names && advises);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_gates_learn),
        cmocka_unit_test(shut_forget_gates_are_not_blamed),
        cmocka_unit_test(shut_gates_let_the_gradient_vanish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
