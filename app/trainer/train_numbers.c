/* SPDX-License-Identifier: Apache-2.0 */
/* train_numbers.c - the numbers of the loop in a checkpoint: what they are called, and what they
 * can be. A file is believed in none of them: they count, and are used as places in memory. */
#include "io/failure.h"
#include "trainer/train.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static const double ANY = NAN, SECONDS_MAX = 1e10, NEVER = (double)(INT64_MIN / 2),
                    WAIT_MAX = 0x1p53;

/* The steps that are done when so much of this epoch is. A double, for no product to overflow. */
static double steps_of(const training *t, const progress *p) {
    const int64_t batch = t->batch, begun = p->example % batch != 0;
    return ((double)p->epoch - 1) * (double)t->steps_per_epoch +
           (double)(p->example / batch + begun);
}

loop_number loop_lr_factor(double *factor) {
    return (loop_number){"train.lr_factor", RAVINE_F64, factor, 0, 1, 0};
}

/* Bounds may depend on numbers that stand before them. */
void loop_numbers(const train_state *s, loop_number list[LOOP_NUMBERS]) {
    progress *p = s->progress;
    train_doctor *d = s->doctor;
    const double epoch = (double)s->result->nepochs + 1, steps = steps_of(s->training, p);
    const double examples = (double)s->training->data.train.count, done = (double)p->example;
    const double losses = NONFINITE_LOSSES_MAX - 1, verdicts = RAVINE_VERDICT_COUNT - 1,
                 warnings = RAVINE_WARNING_COUNT - 1;
#define WHOLE(name, field, least, greatest) \
    { name, RAVINE_I64, &(field), least, greatest, 0 }
#define WORD(name, field, least, greatest) \
    { name, RAVINE_I32, &(field), least, greatest, 0 }
#define NUMBER(name, field, least, greatest) \
    { name, RAVINE_F64, &(field), least, greatest, 0 }
    const loop_number all[LOOP_NUMBERS] = {
        WHOLE("train.epoch", p->epoch, epoch, epoch),
        {"train.example", RAVINE_I64, &p->example, 0, examples, s->training->batch},
        WHOLE("train.step", p->step, steps, steps),
        NUMBER("train.loss", p->loss, ANY, ANY),
        NUMBER("train.sum_loss", p->sum.loss, ANY, ANY),
        WHOLE("train.sum_count", p->sum.count, done, done),
        WHOLE("train.sum_correct", p->sum.correct, 0, done),
        WHOLE("train.nonfinite_losses", p->nonfinite_losses, 0, losses),
        WHOLE("train.told_nonfinite", p->told_nonfinite, 0, 1),
        NUMBER("train.seconds", p->seconds, 0, SECONDS_MAX),
        NUMBER("train.epoch_began", p->epoch_began, 0, p->seconds),
        loop_lr_factor(&p->lr_factor),
        WORD("train.doctor_told", d->told, 0, verdicts),
        WORD("train.doctor_seen", d->seen, 0, verdicts),
        WORD("train.doctor_signs", d->signs, 0, DOCTOR_SIGNS_ALL),
        WORD("train.doctor_warned", d->warned, 0, warnings),
        WHOLE("train.doctor_warned_at", d->warned_at, NEVER, steps),
        WHOLE("train.doctor_acted_at", d->acted_at, NEVER, steps),
        WHOLE("train.doctor_wait", d->wait, 0, WAIT_MAX),
    };
    memcpy(list, all, sizeof all);
}

/* The number, and as text: whole ones with every digit. */
static double read_number(const loop_number *n, char text[32]) {
    if (n->dtype == RAVINE_F64) {
        snprintf(text, 32, "%.10g", *(const double *)n->value);
        return *(const double *)n->value;
    }
    const int64_t whole =
        n->dtype == RAVINE_I64 ? *(const int64_t *)n->value : *(const int32_t *)n->value;
    snprintf(text, 32, "%" PRId64, whole);
    return (double)whole;
}

int loop_number_check(const loop_number *n, const char *path) {
    char text[32];
    const double number = read_number(n, text);
    const bool inside = isnan(n->least) || (number >= n->least && number <= n->greatest);
    if (!inside && n->least == n->greatest)
        return failure(EXIT_INPUT, "%s: %s is %s; it must be %.10g", path, n->name, text, n->least);
    if (!inside)
        return failure(EXIT_INPUT, "%s: %s is %s; it must be in [%.10g, %.10g]", path, n->name,
                       text, n->least, n->greatest);
    if (n->multiple && fmod(number, (double)n->multiple) != 0 && number != n->greatest)
        return failure(EXIT_INPUT, "%s: %s is %s; it must be a multiple of %" PRId64 ", or %.10g",
                       path, n->name, text, n->multiple, n->greatest);
    return 0;
}

int loop_numbers_check(const train_state *s, const char *path) {
    loop_number list[LOOP_NUMBERS];
    loop_numbers(s, list);
    int status = 0;
    for (int k = 0; k < LOOP_NUMBERS && !status; k++) status = loop_number_check(&list[k], path);
    return status;
}
