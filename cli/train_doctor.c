/* train_doctor.c - the doctor that looks at every step. */
#include "train.h"

#include <math.h>

void train_doctor_begin(train_doctor *d, training *t, watch *w, record *r) {
    *d = (train_doctor){.t = t, .watch = w, .record = r};
}

int train_doctor_step(train_doctor *d, train_step *s) {
    (void)d;
    s->path_efficiency = NAN;
    return 0;
}

int train_doctor_end(train_doctor *d, const train_step *s, ravine_diagnosis *diagnosis) {
    (void)d;
    (void)s;
    *diagnosis = (ravine_diagnosis){0};
    return 0;
}
