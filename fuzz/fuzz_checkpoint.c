/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints whose texts are anything while their checksums are right. The first byte of the input
 * chooses a partial load and the data type of one tensor; then come lines: a byte that chooses one
 * of the texts of a saved optimizer, and its new value. A load that fails has changed nothing;
 * after one that succeeds a step succeeds. */
#include "memory_file.h"
#include "store/safetensors.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LEN = 6, TEXTS_MAX = 64, TENSORS_MAX = 32 };

static void require(int truth) {
    if (!truth) abort();
}

typedef struct training {
    ravine_optimizer *o;
    float theta[LEN], gradient[LEN];
} training;

static void begin(training *t, const ravine_env *env) {
    ravine_config config;
    ravine_schedule schedule;
    for (int k = 0; k < LEN; k++) {
        t->theta[k] = (float)k;
        t->gradient[k] = 0.5f;
    }
    const ravine_param p = {.size = sizeof p,
                            .dtype = RAVINE_F32,
                            .name = "w",
                            .data = t->theta,
                            .grad = t->gradient,
                            .len = LEN};
    require(!ravine_config_parse(&config, "nadam lr=0.1 weight_decay=0.01"));
    require(!ravine_create(&t->o, &config, env) && !ravine_add(t->o, &p, 1));
    require(!ravine_schedule_parse(&schedule, "warmup(10) cosine(90) lr=0.1"));
    require(!ravine_set_schedule(t->o, 0, RAVINE_LR, &schedule));
    for (int k = 0; k < 3; k++) require(ravine_step(t->o, NULL) >= 0);
}

/* The saved optimizer's tensors and texts, read once. */
static struct saved {
    ravine_tensor tensors[TENSORS_MAX];
    ravine_text texts[TEXTS_MAX];
    int64_t ntensors, ntexts;
    ravine_checkpoint *file; /* stays open: the texts are its own */
} saved;

static void save_once(void) {
    training t;
    ravine_env env;
    ravine_text text;
    ravine_env_init(&env);
    env.threads = 1;
    begin(&t, &env);
    memory_file_begin(NULL, 0);
    require(!ravine_save(t.o, "x", NULL));
    ravine_destroy(t.o);
    memory_file_turn();
    require(!ravine_checkpoint_open(&saved.file, "x", NULL));
    ravine_checkpoint *const c = saved.file;
    saved.ntensors = ravine_checkpoint_tensor_count(c);
    require(saved.ntensors <= TENSORS_MAX);
    for (int64_t i = 0; i < saved.ntensors; i++) {
        ravine_tensor *tensor = &saved.tensors[i];
        require(!ravine_checkpoint_tensor(c, i, tensor));
        const int64_t bytes = ravine_tensor_bytes(tensor);
        tensor->data = malloc((size_t)bytes + 1);
        require(tensor->data && !ravine_checkpoint_read(c, i, tensor->data, bytes));
    }
    for (int64_t k = 0; ravine_checkpoint_text(c, k, &text) && saved.ntexts < TEXTS_MAX; k++)
        if (strncmp(text.key, SAFETENSORS_CRC, strlen(SAFETENSORS_CRC)) != 0)
            saved.texts[saved.ntexts++] = text;
}

/* Sets texts to what the lines say; `lines` is cut into them. */
static void change_texts(ravine_text *texts, char *lines) {
    for (char *line; (line = strsep(&lines, "\n"));) {
        if (!*line) continue;
        const int64_t k = (unsigned char)*line % saved.ntexts;
        texts[k].value = line + 1;
    }
}

static void load(int how, const ravine_env *env) {
    training t, before;
    ravine_load_options options;
    ravine_load_options_init(&options);
    options.partial = how & 1;
    begin(&t, env);
    before = t;
    const int64_t steps = ravine_steps(t.o), step_count = ravine_step_count(t.o, 0);
    const ravine_status status = ravine_load(t.o, "x", &options);
    if (status < 0) {
        require(*ravine_errmsg() != 0);
        require(!memcmp(t.theta, before.theta, sizeof t.theta));
        require(ravine_steps(t.o) == steps && ravine_step_count(t.o, 0) == step_count);
    }
    require(ravine_step(t.o, NULL) >= 0);
    ravine_destroy(t.o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (saved.ntexts == 0) save_once();
    if (size == 0) return 0;
    ravine_text texts[TEXTS_MAX];
    ravine_tensor tensors[TENSORS_MAX];
    memcpy(texts, saved.texts, sizeof texts);
    memcpy(tensors, saved.tensors, sizeof tensors);
    char *lines = malloc(size);
    require(lines != NULL);
    memcpy(lines, data + 1, size - 1);
    lines[size - 1] = '\0';
    change_texts(texts, lines);
    if (data[0] & 2) tensors[0].dtype = RAVINE_I32; /* as wide as float32 */
    if (data[0] & 4) tensors[saved.ntensors - 1].name = "state.w.other";
    const ravine_env env = memory_env();
    memory_file_begin(NULL, 0);
    if (!ravine_safetensors_write("x", tensors, saved.ntensors, texts, saved.ntexts, NULL)) {
        memory_file_turn();
        load(data[0], &env);
    }
    free(lines);
    require(memory_file.taken == 0);
    return 0;
}
