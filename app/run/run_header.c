/* SPDX-License-Identifier: Apache-2.0 */
/* run_header.c - the first line of run.jsonl: what a run is of, written and read back. */
#include "run/run_header.h"

#include "io/failure.h"
#include "network/product.h"
#include "run/run_reader.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* ---- written ---- */

/* "model name : AMD EPYC 9654" of the first processor. */
static json_t *processor_json(void) {
    char line[256], name[256] = "";
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "model name : %255[^\n]", name) == 1) break;
    if (file) fclose(file);
    return *name ? json_string(name) : json_null();
}

static json_t *machine_json(const run_subject *of) {
    struct utsname names;
    uname(&names);
    char system[sizeof names.sysname + sizeof names.release + sizeof names.machine];
    snprintf(system, sizeof system, "%s %s %s", names.sysname, names.release, names.machine);
    const char *isa = ravine_isa(NULL);
    return json_pack("{so sI si ss? ss ss ss}", "processor", processor_json(), "processors",
                     (json_int_t)sysconf(_SC_NPROCESSORS_ONLN), "threads",
                     (int)ravine_pool_threads(of->pool), "isa", isa, "products", product_library(),
                     "system", system, "compiler", __VERSION__);
}

static json_t *groups_json(const run_subject *of) {
    json_t *groups = json_array();
    for (int64_t g = 0; g < net_param_count(of->net); g++) {
        net_tensor tensor = net_param(of->net, g);
        json_array_append_new(
            groups, json_pack("{ss sI}", "name", tensor.name, "size", (json_int_t)tensor.len));
    }
    return groups;
}

static json_t *data_files_json(const dataset_pair *data) {
    json_t *files = json_array();
    for (int k = 0; k < data->nfiles; k++) {
        char crc[9];
        snprintf(crc, sizeof crc, "%08" PRIx32, data->file[k].crc32c);
        json_array_append_new(files, json_pack("{ss sI ss}", "file", data->file[k].path, "bytes",
                                               (json_int_t)data->file[k].bytes, "crc32c", crc));
    }
    return files;
}

/* What the doctor was told before the first step, by the words of the facts. */
static json_t *facts_json(const run_subject *of) {
    json_t *facts = json_object();
    for (int k = 0; k < RAVINE_FACT_COUNT; k++)
        if (isfinite(of->fact[k]))
            json_object_set_new(facts, ravine_fact_word(k), json_real(of->fact[k]));
    return facts;
}

json_t *run_header_json(const run_subject *of) {
    char started[32];
    time_t now = time(NULL);
    struct tm utc;
    strftime(started, sizeof started, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    return json_pack(
        "{ss si ss ss ss sI sI sI sI so sI sI sI so so so so so}", "type", "header", "format", 1,
        "program", "ravine", "version", ravine_version(), "started", started, "seed",
        (json_int_t)of->config->seed, "train_examples", (json_int_t)of->data->train.count,
        "validation_examples", (json_int_t)of->data->validation.count, "test_examples",
        (json_int_t)of->data->test.count, "data_files", data_files_json(of->data), "parameters",
        (json_int_t)net_size(of->net), "total_steps", (json_int_t)of->total_steps,
        "optimizer_bytes", (json_int_t)of->optimizer_bytes, "groups", groups_json(of), "facts",
        facts_json(of), "config", config_json(of->config, false), "origins",
        config_json(of->config, true), "machine", machine_json(of));
}

/* ---- read back ---- */

int run_header_config_of(run_config *c, const json_t *header, const char *folder) {
    char origin[PATH_MAX + 16];
    snprintf(origin, sizeof origin, "%s/run.jsonl", folder);
    const json_t *config = json_object_get(header, "config");
    const json_t *data = json_object_get(config, "data");
    if (!json_object_get(data, "validation_share")) /* it was made before there was one */
        c->data_validation_share = 0;
    return config_read_json(c, config, origin);
}

int run_header_config(run_config *c, const char *folder) {
    json_t *header;
    int64_t bytes;
    int status = run_read_header(&header, &bytes, folder);
    if (status) return status;
    status = run_header_config_of(c, header, folder);
    json_decref(header);
    return status;
}

/* The checksum of file number k of the training, as text; NULL: the header has none. */
static const char *checksum_then(const json_t *header, size_t k) {
    const json_t *file = json_array_get(json_object_get(header, "data_files"), k);
    return json_string_value(json_object_get(file, "crc32c"));
}

bool run_header_has_data(const json_t *header, const dataset_file *file) {
    char now[9];
    snprintf(now, sizeof now, "%08" PRIx32, file->crc32c);
    const size_t files = json_array_size(json_object_get(header, "data_files"));
    for (size_t k = 0; k < files; k++) {
        const char *then = checksum_then(header, k);
        if (then && !strcmp(now, then)) return true;
    }
    return false;
}

int run_header_check_data(const json_t *header, const dataset_pair *data, const char *folder) {
    for (int k = 0; json_object_get(header, "data_files") && k < data->nfiles; k++) {
        const char *then = checksum_then(header, (size_t)k);
        char now[9];
        snprintf(now, sizeof now, "%08" PRIx32, data->file[k].crc32c);
        if (!then || strcmp(now, then) != 0)
            return failure(FAILURE_INPUT,
                           "%s is not what the run in %s was trained on: CRC32C %s now, %s then",
                           data->file[k].path, folder, now, then ? then : "unknown");
    }
    return 0;
}

void run_data_checksums(const dataset_pair *data, char text[RUN_CHECKSUMS_SIZE]) {
    int used = 0;
    *text = '\0';
    for (int k = 0; k < data->nfiles; k++)
        used += snprintf(text + used, (size_t)(RUN_CHECKSUMS_SIZE - used), "%s%08" PRIx32,
                         k ? " " : "", data->file[k].crc32c);
}
