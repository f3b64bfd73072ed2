/* SPDX-License-Identifier: Apache-2.0 */
/* YAML configurations: what is accepted prints as YAML that means the same. */
#include "io/failure.h"
#include "run/config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth) {
    if (!truth) abort();
}

/* Reads bytes[size] as a file. */
static int read_config(config *c, const void *bytes, size_t size) {
    char path[64];
    const int fd = memfd_create("fuzz", 0);
    require(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    require(config_init(c) == 0);
    const int status = config_read_file(c, path);
    close(fd);
    return status;
}

static char *as_json(const config *c) {
    json_t *json = config_json(c, false);
    char *text = json_dumps(json, JSON_SORT_KEYS);
    require(text != NULL);
    json_decref(json);
    return text;
}

static void check(const config *c) {
    char *yaml = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&yaml, &size);
    require(out != NULL);
    config_print(c, out);
    fclose(out);
    config again;
    require(read_config(&again, yaml, size) == 0);
    char *a = as_json(c), *b = as_json(&again);
    require(strcmp(a, b) == 0);
    free(a);
    free(b);
    config_free(&again);
    free(yaml);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    config c;
    ravine_config rule;
    ravine_schedule schedule;
    bool given;
    const int status = read_config(&c, data, size);
    if (status == 0 && config_check(&c) == 0) {
        check(&c);
        if (config_rule(&c, &rule) == 0) require(ravine_config_check(&rule) == RAVINE_OK);
        if (config_schedule(&c, RAVINE_LR, 1000, &schedule, &given) == 0 && given)
            require(ravine_schedule_check(&schedule) == RAVINE_OK);
    } else {
        require(*failure_text());
    }
    config_free(&c);
    return 0;
}
