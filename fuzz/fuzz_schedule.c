/* SPDX-License-Identifier: Apache-2.0 */
/* Any text: what parses must pass the check, be finite at every step, and read back from its
 * canonical form as the same value. */
#include "ravine.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void require(int condition) {
    if (!condition) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    if (!text) return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    ravine_schedule s, again;
    const ravine_status status = ravine_schedule_parse(&s, text);
    free(text);
    if (status) {
        require(status < 0 && *ravine_errmsg());
        return 0;
    }
    ravine_schedule_facts facts;
    require(!ravine_schedule_check(&s));
    require(!ravine_schedule_describe(&s, &facts));
    require(isfinite(facts.first) && facts.warmup_end <= facts.total);
    const int64_t steps[] = {
        INT64_MIN,       0,           1,       2,        10, facts.warmup_end, facts.total / 2,
        facts.total - 1, facts.total, 1 << 20, INT64_MAX};
    for (size_t k = 0; k < sizeof steps / sizeof *steps; k++)
        require(isfinite(ravine_schedule_at(&s, steps[k])));
    char canonical[4096];
    require(!ravine_schedule_format(&s, canonical, sizeof canonical, NULL));
    require(!ravine_schedule_parse(&again, canonical));
    require(memcmp(&s, &again, sizeof s) == 0);
    return 0;
}
