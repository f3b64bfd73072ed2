/* SPDX-License-Identifier: Apache-2.0 */
/* report_json.c - the headline numbers for programs. */
#include "report/report.h"
#include "run/diagnosis.h"

#include <inttypes.h>
#include <math.h>

static void add_number(page *p, const char *key, double value) {
    page_format(p, ",\"%s\":", key);
    page_number(p, value, 17);
}

static void add_text(page *p, const char *key, const char *text) {
    page_format(p, ",\"%s\":", key);
    page_json_string(p, text);
}

/* "validation_loss": {"last": ..., "best": ..., "best_epoch": ...} */
static void add_best(page *p, const char *key, double last, run_point best) {
    page_format(p, ",\"%s\":{\"last\":", key);
    page_number(p, last, 17);
    add_number(p, "best", best.value);
    add_number(p, "best_epoch", best.at);
    page_add(p, "}");
}

/* The cures of the doctor, and what they were worth where they were tried. */
static void add_cures(page *p, const examination *found) {
    page_format(p, ",\"tried_steps\":%" PRId64 ",\"cures\":[", found->tried_steps);
    for (int k = 0; k < found->diagnosis.ncures; k++) {
        const ravine_cure *c = &found->diagnosis.cure[k];
        page_add(p, k ? ",{\"text\":" : "{\"text\":");
        page_json_string(p, c->text);
        page_format(p, ",\"tried\":%s", c->tried ? "true" : "false");
        add_number(p, "loss_ratio", c->loss_ratio);
        page_add(p, "}");
    }
    page_add(p, "]");
}

/* How bad it is, and what it is in words of every day. */
static void add_words(page *p, const ravine_diagnosis *d) {
    static const char *const languages[] = {"en", "zh"}, *const keys[] = {"sentence",
                                                                          "sentence_zh"};
    if (d->size == 0) {
        page_add(p, ",\"severity\":null,\"sentence\":null,\"sentence_zh\":null");
        return;
    }
    char text[RAVINE_SENTENCE_MAX];
    add_text(p, "severity", ravine_severity_word(ravine_verdict_severity(d->verdict)));
    for (int k = 0; k < 2; k++) add_text(p, keys[k], diagnosis_sentence(d, languages[k], text));
}

static void add_run(const report *r, size_t k, page *p) {
    const run_data *d = &r->run[k].data;
    const run_facts *f = &r->run[k].facts;
    page_add(p, "{\"name\":");
    page_json_string(p, report_label(r, k));
    add_text(p, "folder", d->folder);
    add_text(p, "state", d->state);
    const ravine_diagnosis *diagnosis = &r->run[k].found.diagnosis;
    page_add(p, ",\"verdict\":");
    page_add(p, diagnosis->size ? "\"" : "null");
    if (diagnosis->size) page_format(p, "%s\"", ravine_verdict_word(diagnosis->verdict));
    add_words(p, diagnosis);
    add_cures(p, &r->run[k].found);
    page_format(p, ",\"steps\":%" PRId64 ",\"total_steps\":%" PRId64, f->steps, f->total_steps);
    add_number(p, "epochs", f->epochs);
    add_number(p, "seconds", f->seconds);
    add_number(p, "step_seconds", f->step_seconds);
    add_number(p, "train_loss", f->train_loss);
    static const char *const held[] = {"validation_accuracy", "validation_rmse",
                                       "validation_bits_per_byte"};
    static const char *const tested[] = {"test_accuracy", "test_rmse", "test_bits_per_byte"};
    add_best(p, "validation_loss", f->validation_loss, f->best_loss);
    add_best(p, held[d->score_kind], f->validation_score, f->best_score);
    add_number(p, "test_loss", f->test_loss);
    add_number(p, tested[d->score_kind], f->test_score);
    add_number(p, "lr_peak", f->lr_peak.value);
    add_number(p, "lr_peak_step", f->lr_peak.at);
    add_number(p, "grad_norm_end", f->grad_end);
    add_number(p, "grad_norm_max", f->grad_peak.value);
    add_number(p, "grad_norm_max_step", f->grad_peak.at);
    add_number(p, "loss_fall", f->loss_fall);
    page_format(p, ",\"lines\":%" PRId64 ",\"stopped\":", d->lines);
    if (d->stop.line) {
        page_format(p, "{\"line\":%" PRId64 ",\"byte\":%" PRId64, d->stop.line, d->stop.byte);
        add_text(p, "why", d->stop.why);
        page_add(p, "}");
    } else {
        page_add(p, "null");
    }
    page_add(p, "}");
}

void report_json(const report *r, page *p) {
    page_add(p, "{\"runs\":[");
    for (size_t k = 0; k < r->nruns; k++) {
        page_add(p, k ? "," : "");
        add_run(r, k, p);
    }
    page_add(p, "]}\n");
}
