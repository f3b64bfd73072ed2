/* SPDX-License-Identifier: Apache-2.0 */
/* Savers: the copy is that of the moment whatever training does meanwhile, the newest and the best
 * are kept, a save that fails is told by the next call and costs nothing. Run under
 * ThreadSanitizer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checkpoint/snapshot.h"
#include "faults/faults.h"
#include "file/files.h"
#include "ravine_checkpoint.h"
#include "store/safetensors.h"
#include "support/counting.h"
#include "support/make.h"
#include "support/temporary.h"

enum { LENGTH = 20000 };

static char folder[TEMPORARY_MAX];

static int no_sync(int fd) {
    (void)fd;
    return 0;
}

static int set_up(void **state) {
    (void)state;
    temporary_template(folder, "saver");
    ravine_files.fsync = no_sync;
    return mkdtemp(folder) ? 0 : -1;
}

static const char *in_folder(const char *name) {
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int tear_down(void **state) {
    (void)state;
    DIR *entries = opendir(folder);
    for (struct dirent *e; entries && (e = readdir(entries));) unlink(in_folder(e->d_name));
    if (entries) closedir(entries);
    return rmdir(folder);
}

static void done(ravine_status status) {
    if (status < 0) fail_msg("%s: %s", ravine_status_text(status), ravine_errmsg());
}

/* The names in the folder, each followed by a blank, sorted. */
static const char *names(void) {
    static char all[1024];
    struct dirent **entry;
    const int count = scandir(folder, &entry, NULL, alphasort);
    assert_true(count >= 2);
    all[0] = '\0';
    for (int k = 0; k < count; k++) {
        if (strcmp(entry[k]->d_name, ".") != 0 && strcmp(entry[k]->d_name, "..") != 0)
            snprintf(all + strlen(all), sizeof all - strlen(all), "%s ", entry[k]->d_name);
        free(entry[k]);
    }
    free(entry);
    return all;
}

static ravine_saver *open_saver(int32_t keep, bool best, bool foreground, const ravine_env *env) {
    ravine_saver_options options;
    ravine_saver *s;
    ravine_saver_options_init(&options);
    options.keep = keep;
    options.keep_best = best;
    options.foreground = foreground;
    done(ravine_saver_create(&s, folder, &options, env));
    return s;
}

typedef struct subject {
    ravine_optimizer *o;
    float *data, *gradient;
} subject;

static subject create(void) {
    subject s = {.o = make_optimizer("adamw lr=0.01"),
                 .data = calloc(LENGTH, sizeof *s.data),
                 .gradient = calloc(LENGTH, sizeof *s.gradient)};
    assert_true(s.data && s.gradient);
    for (int i = 0; i < LENGTH; i++) s.gradient[i] = (float)(i % 17) / 8 - 1;
    make_param(s.o, 0, "w", RAVINE_F32, s.data, s.gradient, LENGTH);
    return s;
}

static void destroy(subject *s) {
    ravine_destroy(s->o);
    free(s->data);
    free(s->gradient);
}

static void train(subject *s, int steps) {
    for (int k = 0; k < steps; k++) make_step(s->o, NULL);
}

/* ---- tests ---- */

/* Training goes on while the copy is written; each file has the numbers of its step. */
static void test_copies(void **state) {
    (void)state;
    enum { SAVES = 40 };
    subject s = create(), loaded = create();
    static float then[SAVES][LENGTH];
    ravine_saver *saver = open_saver(SAVES, false, false, NULL);
    for (int k = 0; k < SAVES; k++) {
        train(&s, 1);
        memcpy(then[k], s.data, sizeof then[k]);
        done(ravine_saver_save(saver, s.o, NULL, NAN));
        train(&s, 1);
        for (int i = 0; i < LENGTH; i++) s.gradient[i] = -s.gradient[i];
    }
    done(ravine_saver_wait(saver));
    for (int k = 0; k < SAVES; k++) {
        char name[64];
        snprintf(name, sizeof name, "step-%08d.safetensors", 2 * k + 1);
        done(ravine_load(loaded.o, in_folder(name), NULL));
        assert_memory_equal(loaded.data, then[k], sizeof then[k]);
        assert_int_equal(ravine_steps(loaded.o), 2 * k + 1);
    }
    ravine_saver_destroy(saver);
    destroy(&s);
    destroy(&loaded);
}

/* A copy has nothing in common with what it is of: all may change while it is written. */
static void test_whole_copy(void **state) {
    (void)state;
    int64_t side[] = {2};
    float numbers[] = {3, 4};
    char name[] = "own", value[] = "mine";
    const ravine_tensor own = {name, RAVINE_F32, 1, side, numbers};
    const ravine_text text = {"data", value};
    ravine_save_options options;
    ravine_save_options_init(&options);
    options.tensors = &own;
    options.ntensors = 1;
    options.texts = &text;
    options.ntexts = 1;
    subject s = create();
    const snapshot_source source = {.o = s.o, .options = &options, .metric = NAN, .copies = true};
    snapshot_size size;
    snapshot copy;
    done(ravine_snapshot_measure(&source, &size));
    void *memory = malloc(size.bytes);
    assert_non_null(memory);
    ravine_snapshot_place(&source, &size, memory, &copy);
    const char *begin = memory, *end = begin + size.bytes;
    for (int64_t k = 0; k < copy.ntensors; k++) {
        const ravine_tensor *t = &copy.tensors[k];
        const void *const parts[] = {t->name, t->shape, t->data};
        for (int i = 0; i < 3; i++)
            assert_true((const char *)parts[i] >= begin && (const char *)parts[i] < end);
    }
    side[0] = 1, numbers[0] = 1, name[0] = 1, value[0] = 1;
    const ravine_tensor *last = &copy.tensors[copy.ntensors - 1];
    assert_string_equal(last->name, "own");
    assert_int_equal(last->shape[0], 2);
    assert_true(((const float *)last->data)[0] == 3);
    assert_string_equal(copy.texts[copy.ntexts - 1].value, "mine");
    free(memory);
    destroy(&s);
}

static void test_newest_and_best(void **state) {
    (void)state;
    static const double metric[] = {5, 2, 3, NAN, 2.5, INFINITY, 4};
    subject s = create();
    ravine_saver *saver = open_saver(2, true, false, NULL);
    for (int k = 0; k < 5; k++) {
        train(&s, 1);
        done(ravine_saver_save(saver, s.o, NULL, metric[k]));
    }
    done(ravine_saver_wait(saver));
    assert_string_equal(names(), "step-00000002.safetensors step-00000004.safetensors "
                                 "step-00000005.safetensors ");
    ravine_saver_destroy(saver);
    saver = open_saver(1, true, true, NULL); /* knows the best from the files */
    for (int k = 5; k < 7; k++) {
        train(&s, 1);
        done(ravine_saver_save(saver, s.o, NULL, metric[k]));
    }
    assert_string_equal(names(), "step-00000002.safetensors step-00000007.safetensors ");
    train(&s, 1);
    done(ravine_saver_save(saver, s.o, NULL, 1));
    assert_string_equal(names(), "step-00000008.safetensors ");
    ravine_saver_destroy(saver);

    /* Of equals the newest is the best, also for a saver that reads it from the files. */
    train(&s, 1);
    saver = open_saver(2, true, true, NULL);
    done(ravine_saver_save(saver, s.o, NULL, 1));
    ravine_saver_destroy(saver);
    train(&s, 1);
    saver = open_saver(1, true, true, NULL);
    done(ravine_saver_save(saver, s.o, NULL, 7));
    assert_string_equal(names(), "step-00000009.safetensors step-00000010.safetensors ");
    train(&s, 1);
    done(ravine_saver_save(saver, s.o, NULL, 1));
    assert_string_equal(names(), "step-00000011.safetensors ");
    ravine_saver_destroy(saver);

    /* An older optimizer: what was just written stays, though newer ones are there. */
    subject young = create();
    train(&young, 1);
    saver = open_saver(1, false, true, NULL);
    done(ravine_saver_save(saver, young.o, NULL, NAN));
    assert_string_equal(names(), "step-00000001.safetensors step-00000011.safetensors ");
    ravine_saver_destroy(saver);
    destroy(&young);
    destroy(&s);
}

/* What cannot be read, or has a metric that is no number, is passed over in the search for the
 * best.
 */
static void test_best_of_odd_files(void **state) {
    (void)state;
    static const char *const metrics[] = {"2", "3", "-1x", "", "x", NULL};
    enum { FILES = sizeof metrics / sizeof *metrics };
    char name[64];
    for (int k = 0; k < FILES; k++) {
        const ravine_text text = {"ravine.metric", metrics[k]};
        snprintf(name, sizeof name, "step-%08d.safetensors", k);
        done(ravine_safetensors_write(in_folder(name), NULL, 0, &text, metrics[k] != NULL, NULL));
    }
    fclose(fopen(in_folder("step-00000007.safetensors"), "wb"));
    subject s = create();
    train(&s, 8);
    ravine_saver *saver = open_saver(1, true, true, NULL);
    done(ravine_saver_save(saver, s.o, NULL, 4));
    assert_string_equal(names(), "step-00000000.safetensors step-00000008.safetensors ");
    ravine_saver_destroy(saver);
    destroy(&s);
}

static void damage(const char *name) {
    FILE *file = fopen(in_folder(name), "r+b");
    assert_non_null(file);
    fseek(file, -3, SEEK_END);
    const int byte = fgetc(file);
    fseek(file, -3, SEEK_END);
    fputc(byte ^ 1, file);
    fclose(file);
}

static void test_latest(void **state) {
    (void)state;
    char path[512], tiny[8];
    int64_t skipped = -1;
    assert_int_equal(ravine_checkpoint_latest(folder, path, sizeof path, &skipped), RAVINE_E_STATE);
    assert_int_equal(skipped, 0);
    assert_int_equal(ravine_checkpoint_latest("/nowhere", path, sizeof path, NULL), RAVINE_E_IO);
    subject s = create();
    ravine_saver *saver = open_saver(3, false, true, NULL);
    for (int k = 0; k < 3; k++) {
        train(&s, 1);
        done(ravine_saver_save(saver, s.o, NULL, NAN));
    }
    fclose(fopen(in_folder("step-4.safetensors"), "wb"));            /* not our way to write 4 */
    fclose(fopen(in_folder("step-00000009.safetensors.bak"), "wb")); /* nor is this ours */
    fclose(fopen(in_folder("step-9223372036854775808.safetensors"), "wb"));  /* no step is so */
    fclose(fopen(in_folder("step-92233720368547758070.safetensors"), "wb")); /* great */
    done(ravine_checkpoint_latest(folder, path, sizeof path, &skipped));
    assert_string_equal(path, in_folder("step-00000003.safetensors"));
    assert_int_equal(skipped, 0);
    assert_int_equal(ravine_checkpoint_latest(folder, tiny, sizeof tiny, NULL), RAVINE_E_RANGE);
    char message[128];
    const size_t enough = strlen(path) + 1;
    snprintf(message, sizeof message, "capacity is 8 bytes; the path takes %zu", enough);
    assert_string_equal(ravine_errmsg(), message);
    assert_int_equal(ravine_checkpoint_latest(folder, path, enough - 1, NULL), RAVINE_E_RANGE);
    done(ravine_checkpoint_latest(folder, path, enough, NULL));
    assert_int_equal(ravine_checkpoint_latest(NULL, path, sizeof path, NULL), RAVINE_E_ARG);
    assert_int_equal(ravine_checkpoint_latest(folder, NULL, 0, NULL), RAVINE_E_ARG);
    char deep[PATH_MAX]; /* the folder has a path still, its files have none */
    snprintf(deep, sizeof deep, "%s", folder);
    while (strlen(deep) < sizeof deep - 8) strcat(deep, "/.");
    assert_int_equal(ravine_checkpoint_latest(deep, path, sizeof path, NULL), RAVINE_E_RANGE);
    assert_non_null(strstr(ravine_errmsg(), "the path of a checkpoint has 41"));
    damage("step-00000003.safetensors");
    assert_int_equal(truncate(in_folder("step-00000002.safetensors"), 100), 0);
    done(ravine_checkpoint_latest(folder, path, sizeof path, &skipped));
    assert_string_equal(path, in_folder("step-00000001.safetensors"));
    assert_int_equal(skipped, 2);
    damage("step-00000001.safetensors");
    assert_int_equal(ravine_checkpoint_latest(folder, path, sizeof path, &skipped), RAVINE_E_STATE);
    assert_int_equal(skipped, 3);
    ravine_saver_destroy(saver);
    destroy(&s);
}

/* Sanitizers map more address space than a limit could leave them. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

static rlim_t address_space(void) {
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%lu", &pages), 1);
    fclose(file);
    return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

/* A checkpoint that there is no memory to read is not taken for damaged: an older one would be
 * resumed from. */
static void test_latest_without_memory(void **state) {
    (void)state;
    if (SANITIZED) skip();
    enum { HEADER = 90000000, ENOUGH = 16000000 };
    const uint64_t length = HEADER;
    const char *whole = in_folder("step-00000002.safetensors");
    FILE *file = fopen(whole, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(&length, sizeof length, 1, file), 1);
    fclose(file);
    assert_int_equal(truncate(whole, HEADER + 8), 0);
    done(ravine_safetensors_write(in_folder("step-00000001.safetensors"), NULL, 0, NULL, 0, NULL));
    char path[512];
    struct rlimit before, limit;
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    limit = before;
    limit.rlim_cur = address_space() + ENOUGH;
    assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
    const ravine_status status = ravine_checkpoint_latest(folder, path, sizeof path, NULL);
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_int_equal(status, RAVINE_E_NOMEM);
}

static pthread_t writer;
static bool blocked;

static int look_around(int fd) {
    static const int signals[] = {SIGHUP, SIGINT, SIGTERM, SIGALRM, SIGCHLD, SIGUSR1, SIGPIPE};
    sigset_t now;
    (void)fd;
    writer = pthread_self();
    pthread_sigmask(SIG_BLOCK, NULL, &now);
    blocked = true;
    for (size_t k = 0; k < sizeof signals / sizeof *signals; k++)
        blocked = blocked && sigismember(&now, signals[k]) == 1;
    return 0;
}

/* The file is written by a thread that no signal interrupts, or by the caller's where that is
 * wanted; the caller's own mask is as before. */
static void test_who_writes(void **state) {
    (void)state;
    sigset_t before, mine, after;
    subject s = create();
    sigemptyset(&mine);
    sigaddset(&mine, SIGUSR1);
    pthread_sigmask(SIG_SETMASK, &mine, &before);
    ravine_files.fsync = look_around;
    for (int foreground = 0; foreground < 2; foreground++) {
        ravine_saver *saver = open_saver(1, false, foreground, NULL);
        done(ravine_saver_save(saver, s.o, NULL, NAN));
        done(ravine_saver_wait(saver));
        assert_int_equal(pthread_equal(writer, pthread_self()) != 0, foreground);
        assert_int_equal(blocked, !foreground);
        ravine_saver_destroy(saver);
    }
    pthread_sigmask(SIG_SETMASK, &before, &after);
    assert_int_equal(sigismember(&after, SIGUSR1), 1);
    assert_int_equal(sigismember(&after, SIGTERM), 0);
    destroy(&s);
}

/* Where there can be no thread, the save is made all the same. */
static void test_no_thread(void **state) {
    (void)state;
    pthread_attr_t usual, huge;
    subject s = create();
    train(&s, 1);
    ravine_saver *saver = open_saver(1, false, false, NULL);
    assert_int_equal(pthread_getattr_default_np(&usual), 0);
    huge = usual;
    assert_int_equal(pthread_attr_setstacksize(&huge, (size_t)1 << 50), 0); /* is not to be had */
    assert_int_equal(pthread_setattr_default_np(&huge), 0);
    const ravine_status status = ravine_saver_save(saver, s.o, NULL, NAN);
    assert_int_equal(pthread_setattr_default_np(&usual), 0);
    done(status);
    assert_string_equal(names(), "step-00000001.safetensors ");
    done(ravine_saver_wait(saver));
    pthread_attr_destroy(&usual);
    ravine_saver_destroy(saver);
    destroy(&s);
}

/* The disk is full: the next call tells it, older files are whole, and later saves work again. */
static void test_failure(void **state) {
    (void)state;
    char path[512];
    subject s = create(), loaded = create();
    ravine_saver *saver = open_saver(3, false, false, NULL);
    train(&s, 1);
    done(ravine_saver_save(saver, s.o, NULL, NAN));
    done(ravine_saver_wait(saver));
    faults_begin((fault){.at = 1, .for_ever = true, .error = ENOSPC});
    train(&s, 1);
    done(ravine_saver_save(saver, s.o, NULL, NAN)); /* the copy is made */
    train(&s, 1);
    assert_int_equal(ravine_saver_save(saver, s.o, NULL, NAN), RAVINE_E_IO);
    assert_non_null(strstr(ravine_errmsg(), "No space left"));
    assert_int_equal(ravine_saver_wait(saver), RAVINE_E_IO);
    assert_non_null(strstr(ravine_errmsg(), "step-00000003.safetensors"));
    done(ravine_saver_wait(saver)); /* it is told once */
    assert_true(faults_end() > 1);
    assert_string_equal(names(), "step-00000001.safetensors ");
    train(&s, 1);
    done(ravine_saver_save(saver, s.o, NULL, NAN));
    done(ravine_saver_wait(saver));
    done(ravine_checkpoint_latest(folder, path, sizeof path, NULL));
    done(ravine_load(loaded.o, path, NULL));
    assert_memory_equal(loaded.data, s.data, LENGTH * sizeof *s.data);
    ravine_saver_destroy(saver);
    destroy(&s);
    destroy(&loaded);
}

/* Each operation of a save that also removes an old file fails in turn: the newest whole one is the
 * one before or this one. */
static void test_every_operation(void **state) {
    (void)state;
    int64_t failed = 0, lost = 0;
    char path[512];
    subject s = create();
    for (int64_t at = 1;; at++) {
        ravine_saver *saver = open_saver(1, true, true, NULL);
        train(&s, 1);
        done(ravine_saver_save(saver, s.o, NULL, NAN));
        train(&s, 1);
        faults_begin((fault){.at = at, .error = EIO});
        const ravine_status status = ravine_saver_save(saver, s.o, NULL, NAN);
        const int64_t operations = faults_end();
        char name[64];
        int64_t step = -1;
        done(ravine_checkpoint_latest(folder, path, sizeof path, NULL));
        sscanf(strrchr(path, '/'), "/step-%ld", &step);
        snprintf(name, sizeof name, "step-%08ld.safetensors", ravine_steps(s.o));
        lost += step != ravine_steps(s.o) && (step != ravine_steps(s.o) - 1 || !status);
        ravine_saver_destroy(saver);
        if (operations < at) break;
        failed++;
    }
    faults_print("saver_failed_operations", failed, lost);
    assert_true(failed > 8);
    assert_int_equal(lost, 0);
    destroy(&s);
}

/* Each operation of the making of a saver fails in turn: there is one, or nothing is left of it. */
static void test_failing_creation(void **state) {
    (void)state;
    ravine_env env;
    counting books;
    ravine_saver_options options;
    ravine_env_init(&env);
    counting_env(&env, &books);
    ravine_saver_options_init(&options);
    options.keep_best = 1;
    subject s = create();
    train(&s, 1);
    ravine_saver *saver = open_saver(1, true, true, NULL), *const untouched = saver;
    done(ravine_saver_save(saver, s.o, NULL, 2));
    int refused = 0;
    for (int64_t at = 1;; at++) {
        ravine_saver *made = untouched;
        faults_begin((fault){.at = at, .error = EIO});
        const ravine_status status = ravine_saver_create(&made, folder, &options, &env);
        const int64_t operations = faults_end();
        assert_true(status == RAVINE_OK || (status == RAVINE_E_IO && made == untouched));
        if (status == RAVINE_OK) ravine_saver_destroy(made);
        refused += status != RAVINE_OK;
        assert_int_equal(books.live_bytes, 0);
        assert_int_equal(books.misuse, 0);
        if (operations < at) break;
    }
    assert_true(refused > 3); /* the folder is made, swept, and searched for the best */
    ravine_saver_destroy(saver);
    destroy(&s);
}

/* What a dead process left half-written goes when a saver is made. */
static void test_sweep(void **state) {
    (void)state;
    subject s = create();
    train(&s, 1);
    const pid_t child = fork();
    if (child == 0) {
        ravine_saver *saver = open_saver(1, false, true, NULL);
        faults_begin((fault){.at = 12, .kind = FAULT_KILL});
        const ravine_status status = ravine_saver_save(saver, s.o, NULL, NAN);
        _exit(status ? 1 : 0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_non_null(strstr(names(), "ravine-tmp"));
    ravine_saver_destroy(open_saver(1, false, true, NULL));
    assert_null(strstr(names(), "ravine-tmp"));
    destroy(&s);
}

/* The options of one save: texts and tensors of the caller's, which are copied as well. */
static void test_options_of_a_save(void **state) {
    (void)state;
    enum { TENSORS = 6 };
    static const int64_t one[] = {1}, most[] = {INT64_MAX / 8};
    float number = 7, got = 0;
    ravine_tensor tensors[TENSORS] = {{"own", RAVINE_F32, 1, one, &number}};
    const ravine_text text = {"data", "mine"};
    ravine_save_options options;
    ravine_checkpoint *c;
    ravine_save_options_init(&options);
    options.verify = 1;
    options.tensors = tensors;
    options.ntensors = 1;
    options.texts = &text;
    options.ntexts = 1;
    subject s = create();
    train(&s, 1);
    ravine_saver *saver = open_saver(1, false, false, NULL);
    done(ravine_saver_save(saver, s.o, &options, NAN));
    number = 8; /* the file has what was there when it was called */
    done(ravine_saver_wait(saver));
    done(ravine_checkpoint_open(&c, in_folder("step-00000001.safetensors"), NULL));
    assert_string_equal(ravine_checkpoint_find_text(c, "data"), "mine");
    done(ravine_checkpoint_read(c, ravine_checkpoint_find(c, "own"), &got, sizeof got));
    assert_true(got == 7);
    ravine_checkpoint_close(c);

    for (int k = 1; k < TENSORS; k++)
        tensors[k] = (ravine_tensor){"more", RAVINE_U8, 1, most, &number};
    options.ntensors = TENSORS;
    assert_int_equal(ravine_saver_save(saver, s.o, &options, NAN), RAVINE_E_RANGE);
    assert_non_null(strstr(ravine_errmsg(), "the state is larger than an address"));
    options.size = 1;
    assert_int_equal(ravine_saver_save(saver, s.o, &options, NAN), RAVINE_E_ARG);
    done(ravine_saver_wait(saver));
    ravine_saver_destroy(saver);
    destroy(&s);
}

static void test_memory(void **state) {
    (void)state;
    ravine_env env;
    counting books;
    ravine_saver_options options;
    ravine_saver *saver;
    subject s = create();
    ravine_env_init(&env);
    counting_env(&env, &books);
    ravine_saver_options_init(&options);
    books.fail_at = 1;
    assert_int_equal(ravine_saver_create(&saver, folder, &options, &env), RAVINE_E_NOMEM);
    assert_int_equal(books.live_bytes, 0);
    books.calls = 0;
    books.fail_at = 2;
    done(ravine_saver_create(&saver, folder, &options, &env));
    assert_int_equal(ravine_saver_save(saver, s.o, NULL, NAN), RAVINE_E_NOMEM);
    done(ravine_saver_save(saver, s.o, NULL, NAN));
    const int64_t calls = books.calls;
    train(&s, 1);
    done(ravine_saver_save(saver, s.o, NULL, NAN)); /* into the same memory */
    assert_int_equal(books.calls, calls);
    /* A save that there is no memory for leaves a saver that can make a smaller one. */
    const ravine_text text = {"data", "makes the snapshot larger"};
    ravine_save_options larger;
    ravine_save_options_init(&larger);
    larger.texts = &text;
    larger.ntexts = 1;
    books.fail_at = books.calls + 1;
    assert_int_equal(ravine_saver_save(saver, s.o, &larger, NAN), RAVINE_E_NOMEM);
    done(ravine_saver_save(saver, s.o, NULL, NAN));
    done(ravine_saver_wait(saver));
    ravine_saver_destroy(saver);
    assert_int_equal(books.live_bytes, 0);
    assert_int_equal(books.misuse, 0);

    env.size = 1;
    assert_int_equal(ravine_saver_create(&saver, folder, &options, &env), RAVINE_E_ARG);
    options.keep = 0;
    assert_int_equal(ravine_saver_create(&saver, folder, &options, NULL), RAVINE_E_RANGE);
    options.size = 1;
    assert_int_equal(ravine_saver_create(&saver, folder, &options, NULL), RAVINE_E_ARG);
    assert_int_equal(ravine_saver_create(NULL, folder, NULL, NULL), RAVINE_E_ARG);
    assert_int_equal(ravine_saver_create(&saver, NULL, NULL, NULL), RAVINE_E_ARG);
    assert_int_equal(ravine_saver_save(NULL, s.o, NULL, NAN), RAVINE_E_ARG);
    done(ravine_saver_create(&saver, folder, NULL, NULL)); /* keeps the three newest */
    assert_int_equal(ravine_saver_save(saver, NULL, NULL, NAN), RAVINE_E_ARG);
    for (int k = 0; k < 4; k++) {
        train(&s, 1);
        done(ravine_saver_save(saver, s.o, NULL, NAN));
    }
    ravine_saver_destroy(saver);
    assert_string_equal(names(), "step-00000003.safetensors step-00000004.safetensors "
                                 "step-00000005.safetensors ");
    assert_int_equal(ravine_saver_wait(NULL), RAVINE_E_ARG);
    ravine_saver_destroy(NULL);
    char name[5000];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(ravine_saver_create(&saver, name, NULL, NULL), RAVINE_E_RANGE);
    destroy(&s);
}

int main(void) {
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_copies),
        TEST(test_whole_copy),
        TEST(test_newest_and_best),
        TEST(test_best_of_odd_files),
        TEST(test_latest),
        TEST(test_latest_without_memory),
        TEST(test_who_writes),
        TEST(test_no_thread),
        TEST(test_failure),
        TEST(test_every_operation),
        TEST(test_failing_creation),
        TEST(test_sweep),
        TEST(test_options_of_a_save),
        TEST(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
