/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever fails - a damaged file, an allocation, an operation on a file, the process - a load has
 * changed nothing, and a save has left the old file or the new one. */
#include "support/small.h"

#include <errno.h>
#include <sys/wait.h>

#include "faults/faults.h"
#include "support/counting.h"

enum { FILE_MAX = 16384 };

/* ---- damage ---- */

static size_t read_file(char bytes[FILE_MAX]) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    const size_t size = fread(bytes, 1, FILE_MAX, file);
    fclose(file);
    assert_true(size < FILE_MAX);
    return size;
}

static void write_file(const char *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

/* Every bit, and every truncation: refused, with nothing changed. */
static void test_damage(void **state) {
    (void)state;
    static char whole[FILE_MAX];
    small s;
    save_three();
    create(&s, "adamw lr=0.01", NULL);
    const sight before = look(&s);
    const size_t size = read_file(whole);
    int64_t flips = 0, lost = 0;
    const size_t stride = getenv("RAVINE_TEST_LONG") ? 1 : 3;
    for (size_t bit = 0; bit < size * 8; bit += stride) {
        whole[bit / 8] ^= (char)(1 << bit % 8);
        write_file(whole, size);
        const ravine_status status = ravine_load(s.o, path, NULL);
        const sight after = look(&s);
        lost += status != RAVINE_E_FORMAT || memcmp(&before, &after, sizeof before) != 0;
        whole[bit / 8] ^= (char)(1 << bit % 8);
        flips++;
    }
    faults_print("checkpoint_load_bit_flips", flips, lost);
    assert_int_equal(lost, 0);
    for (size_t length = 0; length < size; length += stride) {
        write_file(whole, length);
        const ravine_status status = ravine_load(s.o, path, NULL);
        const sight after = look(&s);
        lost += status != RAVINE_E_FORMAT || memcmp(&before, &after, sizeof before) != 0;
    }
    faults_print("checkpoint_load_truncations", (int64_t)(size / stride), lost);
    assert_int_equal(lost, 0);
    write_file(whole, size);
    done(ravine_load(s.o, path, NULL));
    ravine_destroy(s.o);
}

/* ---- failures ---- */

/* Every allocation fails in turn. */
static void test_no_memory(void **state) {
    (void)state;
    ravine_env env;
    counting books;
    small s;
    int64_t failed = 0, lost = 0;
    save_three();
    ravine_env_init(&env);
    env.threads = 1;
    counting_env(&env, &books);
    create(&s, "adamw lr=0.01", &env);
    const int64_t live = books.live_bytes;
    for (int saving = 0; saving < 2; saving++) {
        const sight before = look(&s);
        for (int64_t at = 1;; at++) {
            books.calls = 0;
            books.fail_at = at;
            const ravine_status status =
                saving ? ravine_save(s.o, path, NULL) : ravine_load(s.o, path, NULL);
            books.fail_at = 0;
            if (status == RAVINE_OK) break;
            const sight after = look(&s);
            failed++;
            lost += status != RAVINE_E_NOMEM || books.live_bytes != live ||
                    memcmp(&before, &after, sizeof before) != 0;
            assert_true(at < 100);
        }
    }
    faults_print("checkpoint_failed_allocations", failed, lost);
    assert_true(failed >= 4);
    assert_int_equal(lost, 0);
    assert_int_equal(books.misuse, 0);
    assert_int_equal(books.live_bytes, live);
    ravine_destroy(s.o);
    assert_int_equal(books.live_bytes, 0);
}

/* Every operation on a file fails in turn, with several errors, once and for ever. The file is the
 * old one or the new one; a load that fails has changed nothing. */
static void test_no_disk(void **state) {
    (void)state;
    static const int errors[] = {EIO, ENOSPC, EDQUOT, EACCES, EROFS, EMFILE, EINTR};
    int64_t failed = 0, lost = 0;
    small s, other;
    create(&s, "adamw lr=0.01", NULL);
    create(&other, "adamw lr=0.01", NULL);
    save_three();
    train(&s, 7);
    const sight before = look(&s);
    for (size_t e = 0; e < sizeof errors / sizeof *errors; e++)
        for (int way = 0; way < 4; way++)
            for (int64_t at = 1;; at++) {
                const bool saving = way & 1, for_ever = way & 2;
                save_three();
                faults_begin((fault){.at = at, .for_ever = for_ever, .error = errors[e]});
                const ravine_status status =
                    saving ? ravine_save(s.o, path, NULL) : ravine_load(s.o, path, NULL);
                const int64_t operations = faults_end();
                if (!saving && status == RAVINE_OK) train(&s, 4); /* from 3 steps to 7 again */
                const sight after = look(&s);
                if (operations < at) break;
                failed++;
                lost += memcmp(&before, &after, sizeof before) != 0;
                const ravine_status read = ravine_load(other.o, path, NULL);
                const int64_t steps = ravine_steps(other.o);
                lost += read || (steps != 3 && steps != 7) || (!status && saving && steps != 7);
            }
    faults_print("checkpoint_failed_operations", failed, lost);
    assert_true(failed > 100);
    assert_int_equal(lost, 0);
    ravine_destroy(s.o);
    ravine_destroy(other.o);
}

/* The process ends before every operation of a save over an older checkpoint. */
static void test_dying(void **state) {
    (void)state;
    int64_t points = 0, lost = 0;
    small s, other;
    create(&s, "adamw lr=0.01", NULL);
    create(&other, "adamw lr=0.01", NULL);
    train(&s, 7);
    for (int64_t at = 1;; at++) {
        save_three();
        const pid_t child = fork();
        if (child == 0) {
            faults_begin((fault){.at = at, .kind = FAULT_EXIT});
            const ravine_status status = ravine_save(s.o, path, NULL);
            _exit(status ? 1 : 0);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        if (WEXITSTATUS(status) == 0) break;
        assert_int_equal(WEXITSTATUS(status), FAULT_EXIT_CODE);
        points++;
        const bool whole = ravine_load(other.o, path, NULL) == RAVINE_OK;
        lost += !whole || (ravine_steps(other.o) != 3 && ravine_steps(other.o) != 7);
    }
    faults_print("checkpoint_crash_points", points, lost);
    assert_true(points > 5);
    assert_int_equal(lost, 0);
    save_three(); /* sweeps what the dead have left */
    ravine_destroy(s.o);
    ravine_destroy(other.o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SMALL_TEST(test_damage),
        SMALL_TEST(test_no_memory),
        SMALL_TEST(test_no_disk),
        SMALL_TEST(test_dying),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
