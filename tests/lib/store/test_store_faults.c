/* SPDX-License-Identifier: Apache-2.0 */
/* Every operation fails with every error, the process ends before every operation, and the power
 * goes at every moment: a tensor file is then the old one or the new one, whole.
 *
 * Operations fail and power is lost on a disk in memory (faults/disk.h); processes end on the real
 * file system. Each test prints how much it tried and how much was lost: tools/trust. */
#include "support/scratch.h"

#include "faults/disk.h"
#include "faults/faults.h"
#include "file/atomic_file.h"
#include "file/files.h"
#include "file/folder.h"
#include "math/random.h"
#include "store/safetensors.h"
#include "support/counting.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>

static bool is_long(void) {
    return getenv("RAVINE_TEST_LONG") != NULL;
}

/* ---- what is saved --------------------------------------------------------------------------- */

enum { NUMBERS_MAX = 3500 };
static int64_t size_of_w = 700; /* numbers: several sectors */

typedef struct generation {
    float w[NUMBERS_MAX];
    double d[3];
    const char *text;
} generation;

static const generation *generation_of(int number) {
    static generation g;
    for (int k = 0; k < NUMBERS_MAX; k++) g.w[k] = (float)(number * 1000 + k);
    for (int k = 0; k < 3; k++) g.d[k] = number + k / 8.0;
    g.text = number == 1 ? "one" : number == 2 ? "two" : "three";
    return &g;
}

/* How a scenario differs from saving two tensors over an old file. */
typedef struct scenario {
    const char *name;
    bool fresh;    /* there is no old file */
    bool verify;   /* it is read back */
    bool leftover; /* a temporary file of a dead writer is there */
    bool sweep;    /* and the folder is swept first */
    bool empty;    /* no tensors, a text alone */
    bool folder;   /* the folder is made first */
    bool loaded;   /* and the file is read again */
} scenario;

static const scenario scenarios[] = {
    {.name = "overwrite"},
    {.name = "first save", .fresh = true},
    {.name = "overwrite, verified", .verify = true},
    {.name = "first save, verified", .fresh = true, .verify = true},
    {.name = "overwrite beside a leftover", .leftover = true},
    {.name = "first save beside a leftover", .fresh = true, .leftover = true},
    {.name = "sweep and overwrite", .leftover = true, .sweep = true},
    {.name = "sweep and first save", .fresh = true, .leftover = true, .sweep = true},
    {.name = "texts alone", .empty = true},
    {.name = "texts alone, first save, verified", .fresh = true, .empty = true, .verify = true},
    {.name = "make the folder and save", .fresh = true, .folder = true},
    {.name = "make the folder, sweep, save, load",
     .fresh = true,
     .folder = true,
     .sweep = true,
     .verify = true,
     .loaded = true},
    {.name = "overwrite and load", .loaded = true},
};
enum { SCENARIOS = sizeof scenarios / sizeof *scenarios };

static ravine_status write_generation(const char *path, int number, const scenario *s,
                                      const ravine_env *env) {
    generation *g = (generation *)(uintptr_t)generation_of(number);
    const int64_t shape[] = {size_of_w / 7, 7}, three[] = {3};
    const ravine_tensor tensors[] = {{"w", RAVINE_F32, 2, shape, g->w},
                                     {"d", RAVINE_F64, 1, three, g->d}};
    const ravine_text text = {"generation", g->text};
    const ravine_safetensors_options options = {
        .size = sizeof options, .verify = s->verify, .env = env};
    return ravine_safetensors_write(path, tensors, s->empty ? 0 : 2, &text, 1, &options);
}

static ravine_status read_tensor(const ravine_checkpoint *c, const char *name, void *to,
                                 int64_t bytes) {
    return ravine_checkpoint_read(c, ravine_checkpoint_find(c, name), to, bytes);
}

/* The generation of the file, whole and bit for bit; 0: there is no file; -1: it is anything else.
 */
static int generation_at(const char *path) {
    ravine_checkpoint *c;
    generation got;
    struct stat facts;
    if (ravine_files.fstatat(-1, path, &facts, 0) < 0) return 0;
    if (ravine_checkpoint_open(&c, path, NULL) < 0) return -1;
    const char *text = ravine_checkpoint_find_text(c, "generation");
    int number = text ? !strcmp(text, "one") ? 1 : !strcmp(text, "two") ? 2 : 3 : -1;
    const generation *g = generation_of(number);
    const int64_t w_bytes = size_of_w * (int64_t)sizeof *got.w;
    if (text && ravine_checkpoint_tensor_count(c) > 0 &&
        (read_tensor(c, "w", got.w, w_bytes) < 0 || read_tensor(c, "d", got.d, sizeof got.d) < 0 ||
         memcmp(got.w, g->w, (size_t)w_bytes) || memcmp(got.d, g->d, sizeof got.d)))
        number = -1;
    if (ravine_checkpoint_verify(c) < 0) number = -1;
    ravine_checkpoint_close(c);
    return number;
}

static ravine_status act(const char *folder, const char *path, const scenario *s,
                         const ravine_env *env) {
    ravine_status status = RAVINE_OK;
    if (s->folder) status = ravine_folder_create(folder, NULL);
    if (!status && s->sweep) status = ravine_atomic_sweep(folder, NULL);
    if (!status) status = write_generation(path, 2, s, env);
    if (!status && s->loaded) {
        ravine_checkpoint *c;
        status = ravine_checkpoint_open(&c, path, env);
        if (status) return status;
        status = ravine_checkpoint_verify(c);
        ravine_checkpoint_close(c);
    }
    return status;
}

/* ---- on the disk in memory ------------------------------------------------------------------- */

#define PATH     "folder/x.safetensors"
#define LEFTOVER ".x.safetensors.0.ravine-tmp"

static void old_bytes(const scenario *s, char **bytes, size_t *size) {
    disk_install();
    assert_int_equal(write_generation(PATH, 1, s, NULL), RAVINE_OK);
    const char *got = disk_get(PATH, size);
    *bytes = malloc(*size);
    assert_non_null(*bytes);
    memcpy(*bytes, got, *size);
    disk_remove();
}

static void begin_in_memory(const scenario *s, const char *old, size_t size) {
    disk_install();
    if (!s->fresh) disk_put(PATH, old, size);
    if (s->leftover) disk_put(LEFTOVER, "left", 4);
}

/* One operation (and those after it) fails: what is left? True if nothing was lost. */
static bool survives(const scenario *s, const char *old, size_t size, fault f) {
    ravine_env env;
    counting books;
    ravine_env_init(&env);
    counting_env(&env, &books);
    begin_in_memory(s, old, size);
    faults_begin(f);
    const ravine_status status = act("folder", PATH, s, &env);
    faults_end();
    const int before = s->fresh ? 0 : 1, now = generation_at(PATH);
    const bool late = strstr(ravine_errmsg(), "may be lost with the power") || s->loaded;
    bool good = status == RAVINE_OK
                    ? now == 2
                    : status == RAVINE_E_IO && (now == before || (late && now == 2));
    good = good && books.live_bytes == 0 && books.misuse == 0 && disk_handle_count() == 0;
    /* Nothing is left lying about unless removing it failed or it may be somebody's. */
    if (f.at && !f.for_ever && status) good = good && disk_file_count() <= (now > 0) + 1;
    const ravine_status again = act("folder", PATH, s, NULL); /* and the next save is as ever */
    good = good && again == RAVINE_OK && generation_at(PATH) == 2 && disk_file_count() == 1;
    if (!good)
        print_error("%s: operation %lld, error %d, kind %d, for ever %d: status %d '%s', now %d\n",
                    s->name, (long long)f.at, f.error, (int)f.kind, f.for_ever, status,
                    ravine_errmsg(), now);
    disk_remove();
    return good;
}

static int64_t count_operations(const scenario *s, const char *old, size_t size) {
    begin_in_memory(s, old, size);
    faults_begin((fault){0});
    assert_int_equal(act("folder", PATH, s, NULL), RAVINE_OK);
    const int64_t count = faults_end();
    disk_remove();
    return count;
}

static void every_operation_fails(void **state) {
    (void)state;
    static const int errors[] = {EIO,    ENOSPC, EDQUOT, EINTR, EAGAIN, EROFS,  EACCES,
                                 EMFILE, ENFILE, EXDEV,  EPERM, EFBIG,  ENOMEM, ESTALE};
    enum { ERRORS = sizeof errors / sizeof *errors };
    int64_t tried = 0, lost = 0;
    for (int k = 0; k < SCENARIOS; k++) {
        char *old;
        size_t size;
        old_bytes(&scenarios[k], &old, &size);
        const int64_t operations = count_operations(&scenarios[k], old, size);
        assert_true(operations > 8);
        for (int64_t at = 1; at <= operations; at++)
            for (int e = 0; e <= ERRORS; e++)
                for (int for_ever = 0; for_ever < 2; for_ever++) {
                    const fault f = {.at = at,
                                     .for_ever = for_ever,
                                     .kind = e < ERRORS ? FAULT_ERROR : FAULT_SHORT,
                                     .error = e < ERRORS ? errors[e] : 0};
                    lost += !survives(&scenarios[k], old, size, f);
                    tried++;
                }
        free(old);
    }
    faults_print("failed_operations", tried, lost);
    assert_int_equal(lost, 0);
}

static void every_allocation_fails(void **state) {
    (void)state;
    int64_t tried = 0, lost = 0;
    for (int k = 0; k < SCENARIOS; k++) {
        char *old;
        size_t size;
        old_bytes(&scenarios[k], &old, &size);
        for (int64_t at = 1;; at++) {
            ravine_env env;
            counting books;
            ravine_env_init(&env);
            counting_env(&env, &books);
            books.fail_at = at;
            begin_in_memory(&scenarios[k], old, size);
            const ravine_status status = act("folder", PATH, &scenarios[k], &env);
            const int now = generation_at(PATH), before = scenarios[k].fresh ? 0 : 1;
            const bool reached = books.calls >= at;
            const bool good = books.live_bytes == 0 && disk_handle_count() == 0 &&
                              (reached ? status == RAVINE_E_NOMEM && (now == before || now == 2)
                                       : status == RAVINE_OK && now == 2);
            disk_remove();
            if (!reached) assert_true(good);
            if (!reached) break;
            tried++;
            lost += !good;
        }
        free(old);
    }
    faults_print("failed_allocations", tried, lost);
    assert_int_equal(lost, 0);
}

/* ---- loss of power --------------------------------------------------------------------------- */

static bool old_or_new(void *context, int64_t finished) {
    const scenario *s = context;
    const int now = generation_at(PATH);
    return now == 2 || (!finished && now == (s->fresh ? 0 : 1));
}

static disk_states lose_power(const scenario *s, const char *old, size_t size, int64_t most) {
    begin_in_memory(s, old, size);
    assert_int_equal(act("folder", PATH, s, NULL), RAVINE_OK);
    disk_mark(true);
    const disk_states states = disk_lose_power(old_or_new, (void *)(uintptr_t)s, most);
    disk_remove();
    return states;
}

static disk_states lose_power_in_all(int64_t most) {
    disk_states total = {0};
    for (int k = 0; k < SCENARIOS; k++) {
        char *old;
        size_t size;
        old_bytes(&scenarios[k], &old, &size);
        const disk_states states = lose_power(&scenarios[k], old, size, most);
        if (states.lost) print_error("%s: %lld lost\n", scenarios[k].name, (long long)states.lost);
        total.states += states.states;
        total.lost += states.lost;
        free(old);
    }
    return total;
}

/* All disks there may be with a small file; in the long run also a sample of those with a large
 * one.
 */
static void power_goes_at_every_moment(void **state) {
    (void)state;
    disk_states total = lose_power_in_all(INT32_MAX);
    if (is_long()) {
        const int64_t small = size_of_w;
        size_of_w = NUMBERS_MAX;
        const disk_states sample = lose_power_in_all(90000);
        size_of_w = small;
        total.states += sample.states;
        total.lost += sample.lost;
    }
    faults_print("disk_states", total.states, total.lost);
    assert_int_equal(total.lost, 0);
}

/* The same with a sync that lies must lose something: else this test could not fail. */
static file_operations honest;

static int no_sync_of_files(int fd) {
    struct stat facts;
    honest.fstat(fd, &facts);
    return S_ISDIR(facts.st_mode) ? honest.fsync(fd) : 0;
}

static int no_sync_of_folders(int fd) {
    struct stat facts;
    honest.fstat(fd, &facts);
    return S_ISDIR(facts.st_mode) ? 0 : honest.fsync(fd);
}

static void without_syncs_files_are_lost(void **state) {
    (void)state;
    int (*const lies[])(int) = {no_sync_of_files, no_sync_of_folders};
    for (int k = 0; k < 2; k++) {
        char *old;
        size_t size;
        old_bytes(&scenarios[0], &old, &size);
        begin_in_memory(&scenarios[0], old, size);
        honest = ravine_files;
        ravine_files.fsync = lies[k];
        assert_int_equal(act("folder", PATH, &scenarios[0], NULL), RAVINE_OK);
        disk_mark(true);
        const disk_states states =
            disk_lose_power(old_or_new, (void *)(uintptr_t)&scenarios[0], 400);
        disk_remove();
        assert_true(states.lost > 0);
        free(old);
    }
}

/* ---- the end of the process, on the real file system ----------------------------------------- */

static char real_folder[128];
static const char *real_path(void) {
    static char path[192];
    snprintf(path, sizeof path, "%s/x.safetensors", real_folder);
    return path;
}

static void begin_for_real(const scenario *s) {
    snprintf(real_folder, sizeof real_folder, "%s/folder", scratch_folder);
    if (s->folder) return;
    assert_int_equal(mkdir(real_folder, 0777), 0);
    if (!s->fresh) assert_int_equal(write_generation(real_path(), 1, s, NULL), RAVINE_OK);
    if (s->leftover) scratch_write("folder/" LEFTOVER, "left", 4);
}

static ravine_status remove_one(void *context, const char *name) {
    (void)context;
    return ravine_folder_remove(real_folder, name);
}

static void end_for_real(void) {
    assert_int_equal(ravine_folder_each(real_folder, remove_one, NULL), RAVINE_OK);
    assert_int_equal(rmdir(real_folder), 0);
}

/* Runs the scenario in a child that ends before operation `at`. True if it ended there. */
static bool dies_at(const scenario *s, int64_t at, fault_kind kind) {
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        faults_begin((fault){.at = at, .kind = kind});
        const ravine_status status = act(real_folder, real_path(), s, NULL);
        _exit(status == RAVINE_OK ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return false;
    assert_true(kind == FAULT_KILL ? WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL
                                   : WIFEXITED(status) && WEXITSTATUS(status) == FAULT_EXIT_CODE);
    return true;
}

static ravine_status count_one(void *context, const char *name) {
    (void)name;
    ++*(int *)context;
    return RAVINE_OK;
}

static bool whole_after_death(const scenario *s) {
    const int now = generation_at(real_path());
    return now == 2 || now == (s->fresh ? 0 : 1);
}

/* The next save goes well, and no temporary file is left. */
static bool recovers(const scenario *s) {
    int files = 0;
    return act(real_folder, real_path(), s, NULL) == RAVINE_OK && generation_at(real_path()) == 2 &&
           ravine_folder_each(real_folder, count_one, &files) == RAVINE_OK && files == 1;
}

static void process_ends_before_every_operation(void **state) {
    (void)state;
    int64_t tried = 0, lost = 0;
    for (int k = 0; k < SCENARIOS; k++)
        for (int64_t at = 1;; at++) {
            begin_for_real(&scenarios[k]);
            const bool died = dies_at(&scenarios[k], at, FAULT_EXIT);
            const bool good = whole_after_death(&scenarios[k]) && recovers(&scenarios[k]);
            end_for_real();
            if (!died) break;
            tried++;
            lost += !good;
        }
    faults_print("crash_points", tried, lost);
    assert_int_equal(lost, 0);
}

/* A process under ASan takes a hundred times as long to fork. */
#if defined(__SANITIZE_ADDRESS__)
enum { FORKS_ARE_SLOW = 1 };
#else
enum { FORKS_ARE_SLOW = 0 };
#endif

/* Killed while it recovers from being killed: every pair in the long run, else a part of them. */
static void killed_twice(void **state) {
    (void)state;
    int64_t tried = 0, lost = 0;
    const int64_t stride = is_long() ? 1 : FORKS_ARE_SLOW ? 15 : 3;
    for (int k = 0; k < SCENARIOS; k += is_long() ? 1 : 4) {
        bool first_died = true;
        for (int64_t first = 1; first_died; first += FORKS_ARE_SLOW ? stride : 1) {
            bool second_died = true;
            for (int64_t second = 1; second_died && first_died; second += stride) {
                begin_for_real(&scenarios[k]);
                first_died = dies_at(&scenarios[k], first, FAULT_KILL);
                second_died = dies_at(&scenarios[k], second, FAULT_KILL);
                lost += !(whole_after_death(&scenarios[k]) && recovers(&scenarios[k]));
                tried += first_died + second_died;
                end_for_real();
            }
        }
    }
    faults_print("kills", tried, lost);
    assert_int_equal(lost, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_fails),
        cmocka_unit_test(every_allocation_fails),
        cmocka_unit_test(power_goes_at_every_moment),
        cmocka_unit_test(without_syncs_files_are_lost),
        SCRATCH_TEST(process_ends_before_every_operation),
        SCRATCH_TEST(killed_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
