/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_sarif.c - a diagnosis as a result of static analysis: the verdict is a rule, the log is
 * where it was found. Of a training that is well there is a result of kind "pass". */
#include "commands/doctor/doctor.h"
#include "io/number_json.h"
#include "run/diagnosis.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define SARIF_SCHEMA "https://json.schemastore.org/sarif-2.1.0.json"

/* "error", "warning" or "note", as its users sort by them. */
static const char *level_of(int verdict) {
    static const char *const levels[RAVINE_SEVERITY_COUNT] = {[RAVINE_SEVERITY_FINE] = "none",
                                                              [RAVINE_SEVERITY_NOTE] = "note",
                                                              [RAVINE_SEVERITY_WARNING] = "warning",
                                                              [RAVINE_SEVERITY_URGENT] = "error"};
    return levels[ravine_verdict_severity(verdict)];
}

/* A path as a URI reference (RFC 3986): what may not stand there is %XX. */
static json_t *uri_json(const char *path) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "-._~/";
    char uri[3 * PATH_MAX];
    size_t used = 0;
    for (; *path && used + 4 < sizeof uri; path++)
        if (strchr(plain, *path))
            uri[used++] = *path;
        else
            used += (size_t)sprintf(uri + used, "%%%02X", (unsigned char)*path);
    uri[used] = '\0';
    return json_string(uri);
}

static json_t *message_json(const ravine_diagnosis *d) {
    char sentence[RAVINE_SENTENCE_MAX], text[2 * RAVINE_SENTENCE_MAX], safe[DIAGNOSIS_TEXT_SIZE];
    snprintf(text, sizeof text, "%s", diagnosis_sentence(d, "en", sentence));
    for (int k = 0; k < d->nevidence && k < 3; k++) {
        const size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s %s", k ? ";" : "", d->evidence[k].text);
    }
    return json_pack("{so}", "text", json_string(diagnosis_printable(text, safe)));
}

static json_t *rule_json(int verdict) {
    return json_pack("{ss s{ss} s{ss}}", "id", ravine_verdict_word(verdict), "shortDescription",
                     "text", ravine_verdict_meaning(verdict), "defaultConfiguration", "level",
                     level_of(verdict));
}

static json_t *evidence_json(const ravine_diagnosis *d) {
    json_t *evidence = json_object();
    for (int k = 0; k < d->nevidence; k++)
        json_object_set_new(evidence, d->evidence[k].name, number_json(d->evidence[k].value));
    return evidence;
}

static json_t *locations_json(const doctor_answer *answer) {
    const char *path = answer->log.path ? answer->log.path : answer->path;
    if (!path) return json_array();
    return json_pack("[{s{s{so}}}]", "physicalLocation", "artifactLocation", "uri", uri_json(path));
}

static json_t *result_json(const doctor_answer *answer) {
    const ravine_diagnosis *d = &answer->examination.diagnosis;
    const bool well = ravine_verdict_severity(d->verdict) == RAVINE_SEVERITY_FINE;
    return json_pack("{ss si ss ss so so s{sI so so}}", "ruleId", ravine_verdict_word(d->verdict),
                     "ruleIndex", 0, "kind", well ? "pass" : "fail", "level", level_of(d->verdict),
                     "message", message_json(d), "locations", locations_json(answer), "properties",
                     "step", (json_int_t)d->step, "confidence", number_json(d->confidence),
                     "evidence", evidence_json(d));
}

json_t *doctor_sarif(const doctor_answer *answer) {
    const int verdict = answer->examination.diagnosis.verdict;
    return json_pack("{ss ss s[{s{s{ss ss s[o]}} s[o]}]}", "version", "2.1.0", "$schema",
                     SARIF_SCHEMA, "runs", "tool", "driver", "name", "ravine doctor", "version",
                     ravine_version(), "rules", rule_json(verdict), "results", result_json(answer));
}
