/* SPDX-License-Identifier: Apache-2.0 */
/* run.jsonl: whatever the bytes, what is read keeps the promises of run_reader.h, and a report of
 * it can be made. */
#include "report/curves.h"
#include "report/report.h"
#include "scratch_file.h"

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const run_data *run) {
    for (size_t k = 0; k < run->nsteps; k++) {
        const double step = run->column[RUN_STEP][k];
        if (step != floor(step) || (k && step <= run->column[RUN_STEP][k - 1])) abort();
        for (size_t g = 0; g < run->ngroups; g++)
            if (isinf(run->ratio[g][k])) abort();
    }
    if (run->stop.line && run->stop.line != run->lines + 1) abort();
}

/* The data is JSON, and nothing of the log ends the element that holds it. */
static void check_page(const page *p) {
    static const char begin[] = "id=\"data\">";
    const char *json = strstr(p->text, begin), *end = json ? strstr(json, "</script>") : NULL;
    if (!end) abort();
    json += strlen(begin);
    json_t *read = json_loadb(json, (size_t)(end - json), 0, NULL);
    if (!read) abort();
    json_decref(read);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    report r = {0};
    scratch_write("run.jsonl", data, size);
    if (report_add(&r, scratch_make()) == 0) {
        page p = {0};
        check(&r.run->data);
        if (report_page(&r, &p) == 0) check_page(&p);
        page_free(&p);
    }
    report_free(&r);
    return 0;
}
