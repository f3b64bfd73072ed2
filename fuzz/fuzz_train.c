/* SPDX-License-Identifier: Apache-2.0 */
/* `ravine train --resume` from a checkpoint whose train.* part is anything while its checksums are
 * right. The input is a row of changes, 4 bytes and up to 31 more each: which of the train.*
 * tensors and texts; how many bytes it gets, 0 to remove it; from which byte on, twice; the bytes.
 * Bit 6 of the second byte shortens the tensor instead, to so many rows.
 *
 * A run that is refused is as it was; one that is not ends, and what it leaves can be read. */
#include "cli/cli.h"
#include "ravine_checkpoint.h"
#include "report/report.h"
#include "scratch_file.h"
#include "store/safetensors.h"
#include "trainer/train.h"

#include <dirent.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TENSORS_MAX = 128, TEXTS_MAX = 64, CHANGED_MAX = 32 };

static void require(int truth) {
    if (!truth) abort();
}

/* ---- the run that is gone on with ---- */

typedef struct kept {
    char *name, *bytes;
    size_t size;
} kept;

static struct saved {
    ravine_checkpoint *file; /* stays open: names and texts are its own */
    ravine_tensor tensor[TENSORS_MAX];
    ravine_text text[TEXTS_MAX];
    int64_t ntensors, ntexts;
    int64_t changed[CHANGED_MAX],
        nchanged;         /* tensors train.*, then texts train.* behind ntensors */
    char checkpoint[256]; /* name of the file */
    kept log, events;
} saved;

static const char *in_run(const char *name) {
    static char path[512];
    snprintf(path, sizeof path, "%s/run/%s", scratch_make(), name);
    return path;
}

static kept keep(const char *name) {
    kept k = {.name = strdup(name)};
    FILE *file = fopen(in_run(name), "rb");
    require(file && fseek(file, 0, SEEK_END) == 0);
    k.size = (size_t)ftell(file);
    rewind(file);
    k.bytes = malloc(k.size + 1);
    require(k.bytes && fread(k.bytes, 1, k.size, file) == k.size);
    fclose(file);
    return k;
}

static bool is_as_kept(const kept *k) {
    const kept now = keep(k->name);
    const bool same = now.size == k->size && !memcmp(now.bytes, k->bytes, k->size);
    free(now.name);
    free(now.bytes);
    return same;
}

/* The entry of the run's folder, or of one in it, that begins so; the last by name. */
static void find_entry(const char *folder, const char *begins, char name[256]) {
    DIR *entries = opendir(in_run(folder));
    *name = '\0';
    require(entries != NULL);
    for (struct dirent *e; (e = readdir(entries));)
        if (!strncmp(e->d_name, begins, strlen(begins)) && strcmp(e->d_name, name) > 0)
            snprintf(name, 256, "%s", e->d_name);
    closedir(entries);
    require(*name);
}

static int run_command(int argc, const char *const *argv) {
    cli_args args;
    require(cli_parse(&args, argc, argv) == 0);
    const int status = cmd_train(&args);
    cli_args_free(&args);
    return status;
}

static void train_once(void) {
    static const char table[] = "a,b,y\n1,2,3\n2,1,4\n3,5,7\n4,3,6\n5,4,9\n6,6,8\n7,8,9\n8,7,7\n"
                                "9,9,8\n1,5,2\n2,6,3\n3,4,5\n";
    char yaml[1024];
    snprintf(yaml, sizeof yaml,
             "runs_dir: %s\nepochs: 4\nbatch_size: 4\nthreads: 1\nema: 0.5\n"
             "data: {format: csv, file: %s, target: y, task: regression}\n"
             "model: {widths: [2], norm: batch}\ncheckpoint: {steps: 4, keep: 2, best: false}\n"
             "doctor: {window: 16, on_warning: halve-lr}\n",
             scratch_make(), scratch_write("table.csv", table, sizeof table - 1));
    const char *path = scratch_write("run.yaml", yaml, strlen(yaml));
    require(run_command(4, (const char *const[]){"ravine", "train", "-q", path}) == 0);
}

static bool is_of_loop(const char *name) {
    return !strncmp(name, "train.", strlen("train."));
}

static void read_checkpoint(void) {
    char path[300];
    find_entry("checkpoints", "step-", saved.checkpoint);
    snprintf(path, sizeof path, "checkpoints/%s", saved.checkpoint);
    require(!ravine_checkpoint_open(&saved.file, in_run(path), NULL));
    saved.ntensors = ravine_checkpoint_tensor_count(saved.file);
    require(saved.ntensors <= TENSORS_MAX);
    for (int64_t i = 0; i < saved.ntensors; i++) {
        ravine_tensor *t = &saved.tensor[i];
        require(!ravine_checkpoint_tensor(saved.file, i, t));
        const int64_t bytes = ravine_tensor_bytes(t);
        t->data = malloc((size_t)bytes + 1);
        require(t->data && !ravine_checkpoint_read(saved.file, i, t->data, bytes));
        if (is_of_loop(t->name)) saved.changed[saved.nchanged++] = i;
    }
    ravine_text text;
    for (int64_t k = 0; ravine_checkpoint_text(saved.file, k, &text); k++) {
        if (!strncmp(text.key, SAFETENSORS_CRC, strlen(SAFETENSORS_CRC))) continue;
        require(saved.ntexts < TEXTS_MAX);
        if (is_of_loop(text.key)) saved.changed[saved.nchanged++] = saved.ntensors + saved.ntexts;
        saved.text[saved.ntexts++] = text;
    }
    require(saved.nchanged <= CHANGED_MAX);
}

/* Left before its last checkpoint, so that there is something to do. */
static void begin(void) {
    char events[256], last[256], path[300];
    stderr = fopen("/dev/null", "w"); /* what is told there is told for every input */
    require(stderr != NULL);
    train_once();
    find_entry("checkpoints", "step-", last);
    snprintf(path, sizeof path, "checkpoints/%s", last);
    require(unlink(in_run(path)) == 0);
    read_checkpoint();
    find_entry("", "events.", events);
    saved.log = keep("run.jsonl");
    saved.events = keep(events);
}

/* ---- one input ---- */

typedef struct changed {
    ravine_tensor tensor[TENSORS_MAX];
    ravine_text text[TEXTS_MAX];
    int64_t shape[TENSORS_MAX][2];
    void *owned[TENSORS_MAX + TEXTS_MAX];
    int nowned;
} changed;

static void *own(changed *c, size_t size) {
    void *memory = calloc(1, size);
    require(memory && c->nowned < TENSORS_MAX + TEXTS_MAX);
    return c->owned[c->nowned++] = memory;
}

static void change_tensor(changed *c, int64_t i, const uint8_t *how, const uint8_t *bytes,
                          size_t count) {
    ravine_tensor *t = &c->tensor[i];
    const size_t whole = (size_t)ravine_tensor_bytes(t), at = how[2] | (size_t)how[3] << 8;
    if (how[1] & 64 && t->ndim > 0) {
        memmove(c->shape[i], t->shape, (size_t)t->ndim * sizeof *t->shape);
        c->shape[i][0] = (int64_t)(at % ((size_t)t->shape[0] + 1));
        t->shape = c->shape[i];
        return;
    }
    if (count == 0) t->name = NULL;
    if (count == 0 || c->nowned == TENSORS_MAX) return;
    char *data = own(c, whole + 1);
    memcpy(data, t->data, whole);
    for (size_t k = 0; k < count && at + k < whole; k++) data[at + k] = (char)bytes[k];
    t->data = data;
}

static void change(changed *c, const uint8_t *data, size_t size) {
    memcpy(c->tensor, saved.tensor, sizeof c->tensor);
    memcpy(c->text, saved.text, sizeof c->text);
    while (size >= 4) {
        const int64_t which = saved.changed[data[0] % saved.nchanged];
        const size_t left = size - 4, wanted = data[1] & 31, count = wanted < left ? wanted : left;
        if (which < saved.ntensors) {
            change_tensor(c, which, data, data + 4, count);
        } else if (c->nowned < TENSORS_MAX) {
            ravine_text *text = &c->text[which - saved.ntensors];
            text->value = memcpy(own(c, count + 1), data + 4, count);
            if (count == 0) text->key = NULL;
        }
        data += 4 + count;
        size -= 4 + count;
    }
}

/* Those that were not removed; how many. */
static int64_t drop_tensors(changed *c) {
    int64_t count = 0;
    for (int64_t i = 0; i < saved.ntensors; i++)
        if (c->tensor[i].name) c->tensor[count++] = c->tensor[i];
    return count;
}

static int64_t drop_texts(changed *c) {
    int64_t count = 0;
    for (int64_t i = 0; i < saved.ntexts; i++)
        if (c->text[i].key) c->text[count++] = c->text[i];
    return count;
}

static void remove_files(const char *folder) {
    char path[300];
    DIR *entries = opendir(in_run(folder));
    if (!entries) return;
    for (struct dirent *e; (e = readdir(entries));) {
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        unlink(in_run(path)); /* what is a folder stays */
    }
    closedir(entries);
}

/* The run as it was kept, with the changed checkpoint alone; false where it cannot be written. */
static bool lay_out(changed *c) {
    char events[300], path[300];
    snprintf(events, sizeof events, "run/%s", saved.events.name);
    remove_files("checkpoints");
    remove_files(".");
    scratch_write("run/run.jsonl", saved.log.bytes, saved.log.size);
    scratch_write(events, saved.events.bytes, saved.events.size);
    snprintf(path, sizeof path, "checkpoints/%s", saved.checkpoint);
    const int64_t ntensors = drop_tensors(c), ntexts = drop_texts(c);
    return ravine_safetensors_write(in_run(path), c->tensor, ntensors, c->text, ntexts, NULL) == 0;
}

static void go_on(void) {
    const char *const argv[] = {"ravine", "train", "-q", "--resume", in_run("")};
    const int status = run_command(sizeof argv / sizeof *argv, argv);
    if (status == EXIT_USAGE || status == EXIT_INPUT) {
        require(*failure_text());
        require(is_as_kept(&saved.log) && is_as_kept(&saved.events));
        return;
    }
    require(status == 0 || status == EXIT_DIVERGED);
    run_data run;
    require(run_read(&run, in_run(""), NULL) == 0 && run.stop.line == 0);
    require(strcmp(run.state, "unfinished") != 0);
    run_free(&run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static changed c;
    if (!saved.file) begin();
    c.nowned = 0;
    change(&c, data, size);
    if (lay_out(&c)) go_on();
    for (int k = 0; k < c.nowned; k++) free(c.owned[k]);
    return 0;
}
