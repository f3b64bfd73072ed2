/* SPDX-License-Identifier: Apache-2.0 */
/* The library as a guest in someone else's process: the shared library is loaded, used and closed,
 * and everything that belongs to the process is as it was. tests/packaging/check looks at what it
 * exports and calls. */
#include "support/scratch.h"

#include "faults/faults.h"
#include "ravine_checkpoint.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fenv.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* ---- what belongs to the process ------------------------------------------------------------- */

typedef struct belongings {
    int rounding;
    unsigned mode; /* of the floating-point unit, without the flags of past operations */
    char locale[200], folder[1024];
    mode_t mask;
    int open_files, threads;
    void (*handler[32])(int);
    sigset_t blocked;
    char environment[4000];
} belongings;

/* Control bits: rounding, masks, flush to zero; also those that fegetround() does not tell. */
static unsigned floating_mode(void) {
#if defined(__x86_64__)
    return __builtin_ia32_stmxcsr() & 0xffc0u;
#elif defined(__aarch64__)
    unsigned long fpcr;
    __asm__("mrs %0, fpcr" : "=r"(fpcr));
    return (unsigned)fpcr;
#else
    return 0;
#endif
}

static int entries(const char *path) {
    int count = 0;
    DIR *folder = opendir(path);
    for (; folder && readdir(folder);) count++;
    if (folder) closedir(folder);
    return count;
}

static belongings look(void) {
    belongings b;
    memset(&b, 0, sizeof b);
    b.rounding = fegetround();
    b.mode = floating_mode();
    snprintf(b.locale, sizeof b.locale, "%s", setlocale(LC_ALL, NULL));
    assert_non_null(getcwd(b.folder, sizeof b.folder));
    b.mask = umask(0);
    umask(b.mask);
    b.open_files = entries("/proc/self/fd");
    b.threads = entries("/proc/self/task");
    for (int k = 1; k < 32; k++) {
        struct sigaction action;
        assert_int_equal(sigaction(k, NULL, &action), 0);
        b.handler[k] = action.sa_handler;
    }
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &b.blocked), 0);
    extern char **environ;
    size_t used = 0;
    for (char **e = environ; *e && used < sizeof b.environment; e++)
        used += (size_t)snprintf(b.environment + used, sizeof b.environment - used, "%.40s;", *e);
    return b;
}

static void assert_same(const belongings *a, const belongings *b) {
    assert_int_equal(a->rounding, b->rounding);
    assert_int_equal(a->mode, b->mode);
    assert_string_equal(a->locale, b->locale);
    assert_string_equal(a->folder, b->folder);
    assert_int_equal(a->mask, b->mask);
    assert_int_equal(a->open_files, b->open_files);
    assert_int_equal(a->threads, b->threads);
    for (int k = 1; k < 32; k++) assert_ptr_equal(a->handler[k], b->handler[k]);
    assert_memory_equal(&a->blocked, &b->blocked, sizeof a->blocked);
    assert_string_equal(a->environment, b->environment);
}

/* ---- use, through the shared library --------------------------------------------------------- */

/* The functions by name: the program itself is linked with the static library. */
#define FUNCTIONS(X)            \
    X(ravine_config_init_sized) \
    X(ravine_env_init_sized)    \
    X(ravine_create)            \
    X(ravine_add) X(ravine_step) X(ravine_destroy) X(ravine_save) X(ravine_load) X(ravine_errmsg)
typedef struct library {
    void *handle;
#define X(name) __typeof__(&name) name;
    FUNCTIONS(X)
#undef X
} library;

static library open_library(void) {
    library l;
    l.handle = dlopen("./libravine.so", RTLD_NOW | RTLD_LOCAL);
    if (!l.handle) fail_msg("%s", dlerror());
#define X(symbol)                                   \
    *(void **)&l.symbol = dlsym(l.handle, #symbol); \
    assert_non_null(l.symbol);
    FUNCTIONS(X)
#undef X
    return l;
}

enum { LEN = 200000, STEPS = 5 };

/* Some steps on the library's own threads, a file written, a file read, a failing call. */
static void use(const library *l, const char *path) {
    static float theta[LEN], gradient[LEN];
    for (int k = 0; k < LEN; k++) {
        theta[k] = (float)(k % 17);
        gradient[k] = 1e-30f * (float)(k % 5) + (k % 100 == 0 ? 1e-3f : 0);
    }
    ravine_config config;
    ravine_env env;
    ravine_optimizer *o;
    l->ravine_env_init_sized(&env, sizeof env);
    env.threads = 3;
    assert_int_equal(l->ravine_config_init_sized(&config, sizeof config, RAVINE_ADAMW), RAVINE_OK);
    assert_int_equal(l->ravine_create(&o, &config, &env), RAVINE_OK);
    const ravine_param p = {.size = sizeof p,
                            .dtype = RAVINE_F32,
                            .name = "w",
                            .data = theta,
                            .grad = gradient,
                            .len = LEN};
    assert_int_equal(l->ravine_add(o, &p, 1), RAVINE_OK);
    for (int k = 0; k < STEPS; k++) assert_true(l->ravine_step(o, NULL) >= 0);
    assert_int_equal(l->ravine_save(o, path, NULL), RAVINE_OK);
    assert_int_equal(l->ravine_load(o, path, NULL), RAVINE_OK);
    assert_true(l->ravine_load(o, "/none/at/all", NULL) < 0);
    assert_true(strlen(l->ravine_errmsg()) > 0);
    l->ravine_destroy(o);
}

static void everything_is_as_it_was(void **state) {
    (void)state;
    const char *path = scratch_path("x.safetensors");
    assert_non_null(setlocale(LC_ALL, "C"));
    const belongings before = look();
    library l = open_library();
    const belongings loaded = look();
    assert_same(&before, &loaded);
    use(&l, path);
    const belongings used = look();
    assert_same(&before, &used);
    dlclose(l.handle);
    const belongings closed = look();
    assert_same(&before, &closed);
}

/* Denormal numbers are numbers before and after it is loaded: -Ofast in a library would change it.
 */
static void denormals_stay(void **state) {
    (void)state;
    volatile float smallest = 1e-45f, one = 1;
    library l = open_library();
    assert_true(smallest * one > 0);
    use(&l, scratch_path("x.safetensors"));
    assert_true(smallest * one > 0);
    dlclose(l.handle);
}

/* Whatever modes the caller has chosen are the caller's afterwards. */
static void modes_of_the_caller_stay(void **state) {
    (void)state;
    static const int roundings[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    library l = open_library();
    for (int k = 0; k < 3; k++) {
        assert_int_equal(fesetround(roundings[k]), 0);
        const unsigned mode = floating_mode();
        use(&l, scratch_path("x.safetensors"));
        assert_int_equal(fegetround(), roundings[k]);
        assert_int_equal(floating_mode(), mode);
    }
    assert_int_equal(fesetround(FE_TONEAREST), 0);
#if defined(__x86_64__)
    const unsigned before = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(before | 0x8040u); /* flush to zero, denormals are zero */
    use(&l, scratch_path("x.safetensors"));
    const unsigned after = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(before);
    assert_int_equal(after & 0x8040u, 0x8040u);
#endif
    dlclose(l.handle);
}

/* Nothing is printed, whatever happens. */
static void silent(void **state) {
    (void)state;
    library l = open_library();
    const char *path = scratch_path("said"), *file = scratch_path("x.safetensors");
    fflush(stdout);
    fflush(stderr);
    const int out = dup(1), err = dup(2);
    assert_non_null(freopen(path, "w", stderr));
    assert_true(dup2(fileno(stderr), 1) >= 0);
    use(&l, file);
    struct stat said;
    const int status = stat(path, &said);
    assert_true(dup2(out, 1) >= 0 && dup2(err, 2) >= 0);
    close(out);
    close(err);
    assert_int_equal(status, 0);
    assert_int_equal(said.st_size, 0);
    dlclose(l.handle);
}

/* ---- fork ------------------------------------------------------------------------------------ */

/* ASan (gcc 12) forks with the lock that another thread holds while it allocates or starts, and the
 * child waits for it for ever: there one thread forks, which has no others. */
#if defined(__SANITIZE_ADDRESS__)
enum { FORKERS = 1, POOL_THREADS = 1 };
#else
enum { FORKERS = 8, POOL_THREADS = 2 };
#endif

typedef struct forker {
    pthread_t thread;
    int number, forks;
    int64_t lost;
} forker;

static uint64_t step_and_hash(ravine_optimizer *o, const float *theta, int len) {
    uint64_t hash = 1469598103934665603u;
    for (int k = 0; k < STEPS; k++)
        if (ravine_step(o, NULL) < 0) return 0;
    const unsigned char *bytes = (const unsigned char *)theta;
    for (size_t k = 0; k < (size_t)len * sizeof *theta; k++)
        hash = (hash ^ bytes[k]) * 1099511628211u;
    return hash;
}

/* A thread with an optimizer and its pool; each child goes on with it and makes one of its own, and
 * both come to the parent's bits. */
static void *fork_often(void *argument) {
    enum { N = 10 * 4096 }; /* enough for a step to ask the pool */
    forker *f = argument;
    float *theta = malloc(N * sizeof *theta), *gradient = malloc(N * sizeof *gradient);
    ravine_config config;
    ravine_env env;
    ravine_env_init(&env);
    env.parallel = ravine_pool_run;
    f->lost = f->forks;
    if (!theta || !gradient || ravine_config_init(&config, RAVINE_ADAM) < 0) return NULL;
    for (int turn = 0; turn < f->forks; turn++) {
        ravine_pool *pool;
        ravine_optimizer *o;
        for (int k = 0; k < N; k++) {
            theta[k] = (float)(k + f->number);
            gradient[k] = (float)(k % 7 - 3);
        }
        const ravine_param p = {.size = sizeof p,
                                .dtype = RAVINE_F32,
                                .name = "w",
                                .data = theta,
                                .grad = gradient,
                                .len = N};
        if (ravine_pool_create(&pool, POOL_THREADS) < 0) break;
        env.parallel_context = pool;
        if (ravine_create(&o, &config, &env) < 0 || ravine_add(o, &p, 1) < 0) break;
        const uint64_t start = step_and_hash(o, theta, N);
        int from_child[2];
        if (pipe(from_child) < 0) break;
        const pid_t child = fork();
        if (child == 0) {
            const uint64_t hash = step_and_hash(o, theta, N);
            ravine_destroy(o);
            ravine_pool_destroy(pool);
            _exit(write(from_child[1], &hash, sizeof hash) == sizeof hash ? 0 : 1);
        }
        close(from_child[1]);
        const uint64_t own = step_and_hash(o, theta, N);
        uint64_t childs = 0;
        int status = -1;
        const bool told = read(from_child[0], &childs, sizeof childs) == sizeof childs;
        close(from_child[0]);
        if (child < 0 || waitpid(child, &status, 0) != child) break;
        f->lost -= told && status == 0 && childs == own && own != start;
        ravine_destroy(o);
        ravine_pool_destroy(pool);
    }
    free(theta);
    free(gradient);
    return NULL;
}

static void fork_after_use(void **state) {
    (void)state;
#if defined(__SANITIZE_THREAD__)
    skip(); /* TSan does not follow threads that start in a child of a threaded parent */
#endif
    static forker f[FORKERS];
    int64_t forks = 0, lost = 0;
    for (int k = 0; k < FORKERS; k++) {
        f[k] = (forker){.number = k, .forks = getenv("RAVINE_TEST_LONG") ? 1000 : 20};
        assert_int_equal(pthread_create(&f[k].thread, NULL, fork_often, &f[k]), 0);
    }
    for (int k = 0; k < FORKERS; k++) {
        assert_int_equal(pthread_join(f[k].thread, NULL), 0);
        forks += f[k].forks;
        lost += f[k].lost;
    }
    faults_print("forks", forks, lost);
    assert_int_equal(lost, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(everything_is_as_it_was),  SCRATCH_TEST(denormals_stay),
        SCRATCH_TEST(modes_of_the_caller_stay), SCRATCH_TEST(silent),
        cmocka_unit_test(fork_after_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
