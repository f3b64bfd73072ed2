/* SPDX-License-Identifier: Apache-2.0 */
/* test_step_memory.c - the library allocates what it announced, where it was told to, and nothing
 * during a step; when memory runs out nothing has changed and nothing is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "support/counting.h"
#include "support/make.h"
#include "support/random_case.h"

enum { LEN = 1000 };

static float data[3][LEN], grad[3][LEN];

static const int64_t shape[2] = {10, LEN / 10};

/* Three parameters: two of LEN, one empty. */
static void describe(ravine_param p[3]) {
    static const char *const name[3] = {"first", "second", "empty"};
    for (int k = 0; k < 3; k++) {
        p[k] = (ravine_param){.size = sizeof p[k],
                              .dtype = RAVINE_F32,
                              .name = name[k],
                              .data = data[k],
                              .grad = grad[k],
                              .len = k == 2 ? 0 : LEN,
                              .shape = k == 1 ? shape : NULL,
                              .ndim = k == 1 ? 2 : 0};
        for (int i = 0; i < LEN; i++) grad[k][i] = 1;
    }
}

static ravine_optimizer *make(const ravine_config *c, counting *books, int32_t threads) {
    ravine_env env;
    ravine_optimizer *o = NULL;
    ravine_env_init(&env);
    counting_env(&env, books);
    env.threads = threads;
    assert_int_equal(ravine_create(&o, c, &env), RAVINE_OK);
    return o;
}

/* Every rule with all the state it can have. */
static void announced_bytes_are_exact(void **state) {
    (void)state;
    for (int rule = 0; rule < RAVINE_RULE_COUNT; rule++) {
        for (uint64_t seed = 0; seed < 10; seed++) {
            ravine_config c;
            ravine_param p[3];
            counting books;
            random_config(&c, rule, seed);
            ravine_optimizer *const o = make(&c, &books, 1);
            describe(p);
            assert_true(ravine_memory_bytes(o) == books.live_bytes);
            for (int k = 0; k < 3; k++) {
                const int64_t before = books.live_bytes;
                int64_t bytes = -1;
                assert_int_equal(ravine_state_bytes(o, &p[k], 1, &bytes), RAVINE_OK);
                assert_true(books.live_bytes == before);
                assert_int_equal(ravine_add(o, &p[k], 1), RAVINE_OK);
                if (books.live_bytes != before + bytes) {
                    fail_msg("%s, parameter %d: announced %ld, allocated %ld", config_text(&c), k,
                             (long)bytes, (long)(books.live_bytes - before));
                }
                assert_true(ravine_memory_bytes(o) == books.live_bytes);
            }
            int32_t group;
            assert_int_equal(ravine_add_group(o, &c, &group), RAVINE_OK);
            assert_true(ravine_memory_bytes(o) == books.live_bytes);
            ravine_destroy(o);
            assert_true(books.live_bytes == 0 && books.misuse == 0);
        }
    }
}

/* All at once costs what was announced for all at once. */
static void announced_bytes_of_several(void **state) {
    (void)state;
    ravine_config c;
    ravine_param p[3];
    counting books;
    assert_int_equal(ravine_config_init(&c, RAVINE_ADAMW), RAVINE_OK);
    ravine_optimizer *const o = make(&c, &books, 1);
    describe(p);
    int64_t bytes = -1;
    assert_int_equal(ravine_state_bytes(o, p, 3, &bytes), RAVINE_OK);
    const int64_t before = books.live_bytes;
    assert_int_equal(ravine_add(o, p, 3), RAVINE_OK);
    assert_true(books.live_bytes - before == bytes);
    assert_true(bytes >= (int64_t)(2 * 2 * LEN * sizeof(float)));
    assert_true(bytes <= (int64_t)(2 * 2 * LEN * sizeof(float)) + 4096); /* books are small */
    ravine_destroy(o);
    assert_true(books.live_bytes == 0 && books.misuse == 0);
}

static void a_step_does_not_allocate(void **state) {
    (void)state;
    for (int32_t threads = 1; threads <= 2; threads++) {
        ravine_config c;
        ravine_param p[3];
        counting books;
        ravine_step_stats stats = {.size = sizeof stats};
        assert_int_equal(ravine_config_parse(&c, "adam amsgrad=true ema_decay=0.5"), RAVINE_OK);
        ravine_optimizer *const o = make(&c, &books, threads);
        describe(p);
        assert_int_equal(ravine_add(o, p, 3), RAVINE_OK);
        make_options(o, RAVINE_SKIP, 1, 1, 0);
        const int64_t calls = books.calls, bytes = books.live_bytes;
        for (int t = 0; t < 3; t++) {
            assert_true(ravine_step(o, t == 1 ? &stats : NULL) >= 0);
            assert_true(books.calls == calls && books.live_bytes == bytes);
        }
        ravine_destroy(o);
        assert_true(books.live_bytes == 0 && books.misuse == 0);
    }
}

/* Each allocation fails in turn: nothing is lost, and the next try works. */
static void running_out_of_memory(void **state) {
    (void)state;
    ravine_config c;
    ravine_param p[3];
    assert_int_equal(ravine_config_parse(&c, "adam amsgrad=true ema_decay=0.5"), RAVINE_OK);
    describe(p);
    int64_t fail_at = 0, failures = 0;
    for (ravine_status status = RAVINE_E_NOMEM; status == RAVINE_E_NOMEM;) {
        ravine_env env;
        counting books;
        ravine_env_init(&env);
        counting_env(&env, &books);
        env.threads = 1;
        books.fail_at = ++fail_at;
        ravine_optimizer *o = NULL;
        status = ravine_create(&o, &c, &env);
        if (status == RAVINE_OK) {
            const int64_t bytes = books.live_bytes;
            status = ravine_add(o, p, 3);
            if (status < 0) {
                assert_true(books.live_bytes == bytes && ravine_param_count(o) == 0);
                assert_int_equal(ravine_add(o, p, 3), RAVINE_OK);
            }
            assert_true(ravine_step(o, NULL) >= 0);
            assert_true(ravine_memory_bytes(o) == books.live_bytes);
        }
        failures += status < 0;
        ravine_destroy(o);
        assert_true(books.live_bytes == 0 && books.misuse == 0);
    }
    assert_true(failures >= 2); /* the handle, and what parameters need */
}

/* More than memory can ever hold is refused before anything is allocated. */
static void impossible_sizes_are_refused(void **state) {
    (void)state;
    ravine_config c;
    ravine_param p[3];
    counting books;
    int64_t bytes = 77;
    assert_int_equal(ravine_config_init(&c, RAVINE_ADAM), RAVINE_OK);
    ravine_optimizer *const o = make(&c, &books, 1);
    describe(p);
    p[0].len = INT64_MAX / 4;
    const int64_t before = books.live_bytes;
    assert_true(ravine_state_bytes(o, p, 1, &bytes) < 0 && bytes == 77);
    assert_true(ravine_add(o, p, 1) < 0);
    assert_true(books.live_bytes == before && ravine_param_count(o) == 0);
    ravine_destroy(o);
    ravine_destroy(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(announced_bytes_are_exact),
        cmocka_unit_test(announced_bytes_of_several),
        cmocka_unit_test(a_step_does_not_allocate),
        cmocka_unit_test(running_out_of_memory),
        cmocka_unit_test(impossible_sizes_are_refused),
    };
    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
