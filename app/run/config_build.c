/* SPDX-License-Identifier: Apache-2.0 */
/* config_build.c - from the configuration to what the data reader, the net and the library take. */
#include "io/failure.h"
#include "run/config.h"
#include "text/number.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int read_text(const run_config *c, dataset_pair *data) {
    const dataset_text_options options = {
        .path = (const char *const *)c->data_files.item,
        .paths = c->data_files.count,
        .context = c->data_context,
        .test_share = c->data_test_share,
        .validation_share = c->data_validation_share,
        .examples = c->data_examples,
    };
    return dataset_read_text(data, &options);
}

dataset_csv_options config_csv_options(const run_config *c) {
    static const csv_form dates[] = {CSV_DATE_ISO, CSV_DATE_DMY, CSV_DATE_MDY};
    return (dataset_csv_options){
        .path = c->data_file,
        .target = c->data_target,
        .regression = c->data_task == CONFIG_REGRESSION,
        .test_share = c->data_test_share,
        .folds = c->data_folds,
        .fold = c->data_fold,
        .validation_share = c->data_validation_share,
        .seed = (uint64_t)c->seed,
        .delimiter = c->data_delimiter ? *c->data_delimiter : '\0',
        .habits = {.missing = (csv_missing)c->data_missing,
                   .marker = (const char *const *)c->data_missing_markers.item,
                   .markers = c->data_missing_markers.count,
                   .decimal = (csv_decimal)c->data_decimal,
                   .dates = dates[c->data_dates]},
        .numeric_columns = (const char *const *)c->data_numeric_columns.item,
        .nnumeric = c->data_numeric_columns.count,
        .word_columns = (const char *const *)c->data_word_columns.item,
        .nwords = c->data_word_columns.count,
        .ignored_columns = (const char *const *)c->data_ignored_columns.item,
        .nignored = c->data_ignored_columns.count,
    };
}

static int read_idx(const run_config *c, dataset_pair *data) {
    const dataset_idx_options options = {
        .train_images = c->data_train_images,
        .train_labels = c->data_train_labels,
        .test_images = c->data_test_images,
        .test_labels = c->data_test_labels,
        .validation_share = c->data_validation_share,
        .seed = (uint64_t)c->seed,
    };
    return dataset_read_idx(data, &options);
}

static int read_folder(const run_config *c, dataset_pair *data) {
    const dataset_folder_options options = {
        .path = c->data_folder,
        .image_size = c->data_image_size,
        .grey = c->data_color == 1,
        .test_share = c->data_test_share,
        .validation_share = c->data_validation_share,
        .seed = (uint64_t)c->seed,
        .classes = (const char *const *)c->data_classes.item,
        .nclasses = c->data_classes.count,
    };
    return dataset_read_folder(data, &options);
}

data_augmentation config_augmentation(const run_config *c) {
    return (data_augmentation){c->data_flip, c->data_shift, (uint64_t)c->seed};
}

int config_read_data(const run_config *c, dataset_pair *data) {
    if (c->data_format == CONFIG_FOLDER) return read_folder(c, data);
    if (c->data_format == CONFIG_TEXT_FORMAT) return read_text(c, data);
    if (c->data_format != CONFIG_CSV) return read_idx(c, data);
    const dataset_csv_options options = config_csv_options(c);
    return dataset_read_csv(data, &options);
}

/* Whether a net of this kind can be given such examples. */
static int check_model(const run_config *c, const data_encoding *data) {
    const char *origin = config_where(c, CONFIG_KEY_model_name, CONFIG_KEY_data_format);
    const bool transformer = c->model_name == NET_TRANSFORMER, lstm = c->model_name == NET_LSTM;
    const bool sequence_norm = c->model_norm == NET_NORM_PRE || c->model_norm == NET_NORM_POST;
    if (data->text && !transformer && !lstm)
        return failure(FAILURE_USAGE,
                       "%s: model.name must be transformer or lstm, as data.format is text",
                       origin);
    if ((transformer || lstm) && !data->text)
        return failure(FAILURE_USAGE, "%s: model.name is %s; it needs data.format text", origin,
                       lstm ? "lstm" : "transformer");
    if (lstm && c->model_norm != NET_NORM_NONE)
        return failure(FAILURE_USAGE, "%s: model.norm must be none; an lstm has no norms",
                       c->origin[CONFIG_KEY_model_norm]);
    if (transformer != sequence_norm)
        return failure(FAILURE_USAGE, "%s: model.norm %s; pre and post are those of a transformer",
                       config_where(c, CONFIG_KEY_model_norm, CONFIG_KEY_model_name),
                       transformer ? "must be pre or post" : "cannot be pre or post");
    return 0;
}

int config_net_spec(const run_config *c, const data_encoding *data, net_spec *spec) {
    const int status = check_model(c, data);
    if (status) return status;
    if (c->model_name != NET_MLP && !data->text && data->shape[1] * data->shape[2] == 1)
        return failure(FAILURE_USAGE, "%s: model.name is %s; a table has no image, it needs mlp",
                       c->origin[CONFIG_KEY_model_name],
                       c->model_name == NET_CNN ? "cnn" : "resnet");
    *spec = (net_spec){
        .model = (net_model)c->model_name,
        .outputs = data->outputs,
        .nwidths = (int32_t)c->model_widths.count,
        .dense = c->model_dense,
        .kernel = c->model_kernel,
        .blocks = c->model_blocks,
        .layers = c->model_layers,
        .heads = c->model_heads,
        .width = c->model_width,
        .activation = (net_activation)c->model_activation,
        .norm = (net_norm)c->model_norm,
        .pooling = (net_pooling)c->model_pooling,
        .dropout = c->model_dropout,
        .loss = data->regression ? NET_MEAN_SQUARED_ERROR : NET_CROSS_ENTROPY,
        .seed = (uint64_t)c->seed,
    };
    memcpy(spec->input, data->shape, sizeof spec->input);
    for (int32_t k = 0; k < spec->nwidths; k++) spec->widths[k] = c->model_widths.item[k];
    return 0;
}

/* As they are given, for `outputs` classes. */
static int read_weights(const run_config *c, int64_t outputs, double *weight) {
    const config_texts *given = &c->data_class_weights;
    if (given->count != outputs)
        return failure(FAILURE_USAGE,
                       "%s: data.class_weights has %" PRId64 " numbers; there are %" PRId64
                       " classes: it must have one for each, or be balanced",
                       c->origin[CONFIG_KEY_data_class_weights], given->count, outputs);
    for (int64_t k = 0; k < outputs; k++) weight[k] = ravine_number_read(given->item[k]);
    return 0;
}

int config_class_weights(const run_config *c, const dataset *train, double **weight) {
    const config_texts *given = &c->data_class_weights;
    *weight = NULL;
    if (given->count == 0 || !train->label) return 0;
    double *w = *weight = calloc((size_t)train->outputs, 2 * sizeof *w);
    if (!w) return failure(FAILURE_INPUT, "out of memory for the weights of classes");
    double *times = w + train->outputs, sum = 0;
    for (int64_t i = 0; i < train->count; i++) times[train->label[i]]++;
    int status = 0;
    if (config_is_balanced(c))
        for (int64_t k = 0; k < train->outputs; k++) w[k] = 1 / times[k];
    else
        status = read_weights(c, train->outputs, w);
    for (int64_t k = 0; k < train->outputs; k++) sum += w[k] * times[k];
    for (int64_t k = 0; k < train->outputs; k++) w[k] *= (double)train->count / sum;
    return status;
}

int config_rule(const run_config *c, ravine_config *rule) {
    if (ravine_config_parse(rule, c->optimizer) < 0)
        return failure(FAILURE_USAGE, "%s: optimizer: %s", c->origin[CONFIG_KEY_optimizer],
                       ravine_errmsg());
    if (c->ema > 0) rule->ema_decay = c->ema;
    return 0;
}

char *config_expand_shares(const char *text, int64_t total) {
    size_t capacity = strlen(text) + 1;
    for (const char *c = text; *c; c++) capacity += *c == '%' ? 24 : 0;
    char *out = malloc(capacity), *to = out;
    if (!out) return NULL;
    while (*text) {
        size_t digits = strspn(text, "0123456789.");
        if (digits && text[digits] == '%') {
            double steps = round(strtod(text, NULL) / 100 * (double)total);
            to += snprintf(to, capacity - (size_t)(to - out), "%.0f", steps < 1 ? 1 : steps);
            text += digits + 1;
            continue;
        }
        size_t length = digits ? digits : 1;
        memcpy(to, text, length);
        to += length;
        text += length;
    }
    *to = '\0';
    return out;
}

const char *config_text_of(const run_config *c, config_key key) {
    return *(char *const *)((const char *)c + config_rows[key].offset);
}

const char *config_key_in_shares(const run_config *c) {
    for (int k = CONFIG_KEY_schedule_lr; k < CONFIG_KEY_COUNT; k++) {
        const char *text = config_text_of(c, (config_key)k);
        if (text && strchr(text, '%')) return config_rows[k].key;
    }
    return NULL;
}

config_key config_schedule_key(int setting) {
    static const struct {
        int setting;
        config_key key;
    } rows[] = {
#define SCHEDULED_NUMBER(NAME, name) {RAVINE_##NAME, CONFIG_KEY_schedule_##name},
#define SCHEDULED_FLAG(NAME, name)
#define SCHEDULED_CHOICE(NAME, name)
#define RAVINE_X(NAME, value, name, kind, interval, text) SCHEDULED_##kind(NAME, name)
        RAVINE_SETTING_LIST(RAVINE_X)
#undef RAVINE_X
    };
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++)
        if (rows[k].setting == setting) return rows[k].key;
    return CONFIG_KEY_COUNT;
}

int config_schedule(const run_config *c, int setting, int64_t total_steps,
                    ravine_schedule *schedule, bool *given) {
    *given = false;
    const config_key key = config_schedule_key(setting);
    const char *text = key == CONFIG_KEY_COUNT ? NULL : config_text_of(c, key);
    if (!text) return 0;
    char *expanded = config_expand_shares(text, total_steps);
    if (!expanded) return failure(FAILURE_INPUT, "out of memory");
    int status = 0;
    if (ravine_schedule_parse(schedule, expanded) < 0)
        status = failure(FAILURE_USAGE, "%s: %s \"%s\": %s", c->origin[key], config_rows[key].key,
                         expanded, ravine_errmsg());
    free(expanded);
    *given = !status;
    return status;
}
