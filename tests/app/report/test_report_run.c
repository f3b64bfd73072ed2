/* SPDX-License-Identifier: Apache-2.0 */
/* run.jsonl as the recorder writes it, read back; cut at every byte, and broken in every way. */
#include "report/curves.h"
#include "report/report.h"
#include "run/run_log.h"
#include "support/scratch.h"

#include <math.h>
#include <sys/stat.h>

#define HEADER                                                                          \
    "{\"type\":\"header\",\"format\":1,\"total_steps\":9,\"groups\":[{\"name\":\"w\"}," \
    "{\"name\":\"v\"}],\"config\":{\"name\":\"n\"}}\n"
#define EPOCH(E, STEP, LOSS, SCORE)                                                  \
    "{\"type\":\"epoch\",\"epoch\":" #E ",\"step\":" #STEP ",\"train\":{\"loss\":1," \
    "\"accuracy\":0.5},\"test\":{\"loss\":" #LOSS ",\"accuracy\":" #SCORE "},\"seconds\":1}\n"

static int read_text(run_data *run, const void *text, size_t size) {
    mkdir(scratch_path("n"), 0700); /* which may be there */
    scratch_write("n/run.jsonl", text, size);
    return run_read(run, scratch_path("n/"), NULL);
}

static void test_what_the_log_wrote(void **state) {
    (void)state;
    const char *path = scratch_path("run.jsonl");
    json_t *header = json_loads(HEADER, 0, NULL);
    run_log *log;
    assert_int_equal(run_log_create(&log, path, header), 0);
    json_decref(header);
    const double loss[] = {0.1, NAN, 5e-324, -1.7976931348623157e308, 12345678901234567.0};
    for (int k = 0; k < 5; k++) {
        run_log_integer(log, "step", 10 * k + 1);
        run_log_number(log, "loss", loss[k]);
        run_log_number(log, "lr", 1.0 / 3 * k);
        run_log_number(log, "unknown", 1);
        run_log_numbers(log, "unknown_list", loss, 5);
        run_log_numbers(log, "group_update_norm", (double[]){1, k}, 2);
        run_log_numbers(log, "group_param_norm", (double[]){4, 0}, 2);
        run_log_number(log, "seconds", k);
        run_log_end(log);
    }
    assert_int_equal(run_log_close(log), 0);
    run_data run;
    assert_int_equal(run_read(&run, scratch_folder, NULL), 0);
    assert_int_equal(run.stop.line, 0);
    assert_int_equal(run.nsteps, 5);
    assert_int_equal(run.lines, 6);
    assert_string_equal(run.state, "unfinished");
    for (int k = 0; k < 5; k++) {
        assert_true(run.column[RUN_STEP][k] == 10 * k + 1);
        assert_true(isnan(loss[k]) ? isnan(run.column[RUN_LOSS][k])
                                   : run.column[RUN_LOSS][k] == loss[k]);
        assert_true(run.column[RUN_LR][k] == 1.0 / 3 * k);
        assert_true(isnan(run.column[RUN_GRAD_NORM][k])); /* not in the log */
        assert_true(run.ratio[0][k] == 0.25);
        assert_true(isnan(run.ratio[1][k])); /* divided by 0 */
    }
    run_free(&run);
}

/* Numbers that strtod() takes and JSON does not, and the other way round. */
static void test_numbers(void **state) {
    (void)state;
    static const struct {
        const char *text;
        double value; /* NaN: no number */
    } cases[] = {{"0", 0},
                 {"-0.5e-3", -0.5e-3},
                 {"1E+2", 100},
                 {"9007199254740993", 9007199254740992},
                 {"123456789.123456789123", 123456789.123456789123},
                 {"1e-320", 1e-320},
                 {"01", NAN},
                 {".5", NAN},
                 {"1.", NAN},
                 {"+1", NAN},
                 {"1e", NAN},
                 {"0x10", NAN},
                 {"inf", NAN},
                 {"nan", NAN},
                 {"1e999", NAN},
                 {"-", NAN},
                 {"\"1\"", NAN},
                 {"1 2", NAN}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        char text[1024];
        const int size =
            snprintf(text, sizeof text, HEADER "{\"step\":1,\"loss\":%s}\n", cases[k].text);
        run_data run;
        assert_int_equal(read_text(&run, text, (size_t)size), 0);
        assert_int_equal(run.nsteps, !isnan(cases[k].value));
        assert_int_equal(run.stop.line, isnan(cases[k].value) ? 2 : 0);
        if (run.nsteps) assert_true(run.column[RUN_LOSS][0] == cases[k].value);
        run_free(&run);
    }
}

static const char whole[] =
    HEADER "{\"step\":1,\"loss\":3,\"grad_norm\":8}\n"
           "{\"step\":3,\"loss\":null,\"grad_norm\":2}\n" EPOCH(
               1, 3, 2, 0.5) "{\"type\":\"later\",\"x\":{}}\n"
                             "{\"type\":\"event\",\"event\":\"finished\",\"step\":3}\n";

/* At every byte: what lies before the cut is kept, and the cut is told unless it is at a line's
 * end. */
static void test_cut_anywhere(void **state) {
    (void)state;
    const size_t header = strlen(HEADER) - 1;
    for (size_t size = 0; size < sizeof whole; size++) {
        run_data run;
        const int status = read_text(&run, whole, size);
        assert_int_equal(status, size < header ? 3 : 0);
        size_t kept = 0; /* lines that are whole; the last line feed may be missing */
        size_t begin = 0;
        for (size_t k = 0; k < size; k++)
            if (whole[k] == '\n') kept++, begin = k + 1;
        if (size > begin && whole[size] == '\n') kept++, begin = size;
        if (status == 0) {
            assert_int_equal(run.lines, kept);
            assert_int_equal(run.nsteps, kept >= 3 ? 2 : kept - 1);
            assert_int_equal(run.nepochs, kept >= 4);
            assert_int_equal(run.stop.line, begin == size ? 0 : (long long)kept + 1);
            if (run.stop.line) {
                assert_int_equal(run.stop.byte, begin);
                assert_non_null(strstr(run.stop.why, "cut off"));
            }
            assert_string_equal(run.state, kept == 6 ? "finished" : "unfinished");
        }
        run_free(&run);
    }
}

static void test_broken_lines(void **state) {
    (void)state;
    static const struct {
        const char *line, *why;
    } cases[] = {
        {"{\"step\":3}", "step 3 follows step 3"},
        {"{\"step\":2.5}", "no whole number"},
        {"{\"loss\":1}", "no whole number"},
        {"{\"step\":null}", "no whole number"},
        {"{\"step\":9,\"group_update_norm\":[1,2,3],\"group_param_norm\":[1,1,1]}", "3 groups"},
        {"{\"step\":9,\"step\":10}", "duplicate"},
        {"{\"step\":9,\"loss\":\"<b>\"}", "numbers of a step"},
        {"{\"step\":9,\"loss\":[1]}", "numbers of a step"},
        {"{\"step\":9,}", ""},
        {"{\"step\":9} {}", ""},
        {"[1]", ""},
        {"", ""},
        {"{\"type\":\"header\",\"format\":1}", "second header"},
        {"{\"type\":\"epoch\",\"epoch\":2,\"step\":3}", "ends at step 3"},
        {"{\"type\":\"epoch\"}", "without its number"},
        {"{\"type\":\"event\"}", "without its name"},
        {"{\"type\":5}", "neither"},
        {"{\"type\":\"later\",\"x\":\"\xff\"}", ""},
    };
    const char *last = strstr(whole, "{\"type\":\"later");
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        char text[2048];
        const size_t before = (size_t)(last - whole);
        const int size = snprintf(text, sizeof text, "%.*s%s\n{\"step\":100}\n", (int)before, whole,
                                  cases[k].line);
        run_data run;
        assert_int_equal(read_text(&run, text, (size_t)size), 0);
        assert_int_equal(run.nsteps, 2);
        assert_int_equal(run.nepochs, 1);
        assert_int_equal(run.stop.line, 5);
        assert_int_equal(run.stop.byte, before);
        if (!strstr(run.stop.why, cases[k].why)) fail_msg("%s: %s", cases[k].line, run.stop.why);
        run_free(&run);
    }
}

static void test_headers(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "\n",
        "no json\n",
        "{\"step\":1}\n",
        "{\"type\":\"header\",\"format\":2,\"groups\":[],\"config\":{}}\n",
        "{\"type\":\"header\",\"format\":1,\"groups\":{},\"config\":{}}\n",
        "{\"type\":\"header\",\"format\":1,\"groups\":[],\"config\":[]}\n",
    };
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        run_data run;
        assert_int_equal(read_text(&run, bad[k], strlen(bad[k])), 3);
        assert_told("/n/run.jsonl: ");
        run_free(&run);
    }
    run_data run;
    assert_int_equal(run_read(&run, "/nonexistent", NULL), 3);
    assert_told("cannot open /nonexistent", "No such file");
    run_free(&run);
}

/* The first line alone, however much follows it. */
static void test_header_alone(void **state) {
    (void)state;
    static const char *const rest[] = {"", "{\"step\":1}\n", "no json", "{\"type\":\"header\"}\n"};
    json_t *header = NULL;
    int64_t bytes = 0;
    for (size_t k = 0; k < sizeof rest / sizeof *rest; k++) {
        char text[1024];
        const int size = snprintf(text, sizeof text, HEADER "%s", rest[k]);
        scratch_write("run.jsonl", text, (size_t)size);
        assert_int_equal(run_read_header(&header, &bytes, scratch_folder), 0);
        assert_int_equal(bytes, strlen(HEADER));
        assert_int_equal(json_integer_value(json_object_get(header, "total_steps")), 9);
        json_decref(header);
    }
    scratch_write("run.jsonl", HEADER, strlen(HEADER) - 1);
    assert_int_equal(run_read_header(&header, &bytes, scratch_folder), 3);
    assert_told("run.jsonl: the first line has no end");
    scratch_write("run.jsonl", "{\"step\":1}\n", 11);
    assert_int_equal(run_read_header(&header, &bytes, scratch_folder), 3);
    assert_told("run.jsonl: the first line is no header of a run");
}

/* A header of RUN_LINE_MAX bytes is read, one of more is told, wherever its end comes. */
static void test_long_headers(void **state) {
    (void)state;
    enum { BEYOND = 3 };
    char *text = malloc(RUN_LINE_MAX + BEYOND + 1);
    const size_t header = strlen(HEADER) - 1;
    memcpy(text, HEADER, header);
    memset(text + header, ' ', RUN_LINE_MAX + BEYOND - header);
    for (size_t length = RUN_LINE_MAX; length <= RUN_LINE_MAX + BEYOND; length++) {
        const char before = text[length];
        text[length] = '\n';
        run_data run;
        const int status = read_text(&run, text, length + 1);
        assert_int_equal(status, length > RUN_LINE_MAX ? 3 : 0);
        if (status) assert_told("run.jsonl: the first line is longer than 1048576 bytes");
        run_free(&run);
        text[length] = before;
    }
    free(text);
}

/* One byte more than a line may have; a line of that length is fine. */
static void test_long_lines(void **state) {
    (void)state;
    const size_t header = strlen(HEADER);
    char *text = malloc(header + RUN_LINE_MAX + 2);
    memcpy(text, HEADER, header);
    for (size_t length = RUN_LINE_MAX; length <= RUN_LINE_MAX + 1; length++) {
        memset(text + header, ' ', length);
        memcpy(text + header, "{\"step\":1}", 10);
        text[header + length] = '\n';
        run_data run;
        assert_int_equal(read_text(&run, text, header + length + 1), 0);
        assert_int_equal(run.nsteps, length == RUN_LINE_MAX);
        if (length > RUN_LINE_MAX) assert_non_null(strstr(run.stop.why, "longer"));
        run_free(&run);
    }
    free(text);
}

static void test_facts(void **state) {
    (void)state;
    char text[65536];
    int size = snprintf(text, sizeof text, "%s", HEADER);
    for (int k = 1; k <= 100; k++) /* loss 100 - k; the gradient 5, and 50 at step 7; 2 s a step */
        size += snprintf(text + size, sizeof text - (size_t)size,
                         "{\"step\":%d,\"loss\":%d,\"lr\":%g,\"grad_norm\":%d,\"seconds\":%d}\n%s",
                         k, 100 - k, k == 30 ? 0.5 : 0.1, k == 7 ? 50 : 5, 2 * k,
                         k == 50    ? EPOCH(1, 50, 0.25, 0.75)
                         : k == 75  ? EPOCH(2, 75, 0.125, 0.875)
                         : k == 100 ? EPOCH(3, 100, 0.5, 0.5)
                                    : "");
    run_data run;
    run_facts f;
    assert_int_equal(read_text(&run, text, (size_t)size), 0);
    assert_int_equal(run_facts_of(&f, &run), 0);
    assert_int_equal(f.steps, 100);
    assert_int_equal(f.total_steps, 9);
    assert_true(f.epochs == 3 && f.seconds == 200 && f.step_seconds == 2);
    assert_true(f.train_loss == 4.5); /* 9, 8 ... 0 */
    /* A log of before there was a validation: what it held out was the test. */
    assert_true(f.validation_loss == 0.5 && f.validation_score == 0.5 && isnan(f.test_loss));
    assert_true(f.best_loss.value == 0.125 && f.best_loss.at == 2);
    assert_true(f.best_score.value == 0.875 && f.best_score.at == 2);
    assert_true(f.lr_peak.value == 0.5 && f.lr_peak.at == 30);
    assert_true(f.grad_peak.value == 50 && f.grad_peak.at == 7);
    assert_true(f.grad_end == 5);
    assert_true(fabs(f.loss_fall - (1 - 4.5 / 14.5)) < 1e-15);
    phrase said;
    const char *verdict = said.in[PAGE_ENGLISH];
    assert_true(run_verdict(&f, &said));
    assert_non_null(strstr(verdict, "0.1 times its maximum of 50 at step 7"));
    assert_non_null(strstr(verdict, "still fell, by 69 %"));
    f.loss_fall = -0.001;
    assert_true(run_verdict(&f, &said));
    assert_non_null(strstr(verdict, "not small"));
    f.grad_peak.value = 5000;
    assert_true(run_verdict(&f, &said));
    assert_non_null(strstr(verdict, "the gradient is small"));
    run_free(&run);
}

/* ---- curves ---- */

static float little_float(const unsigned char *b) {
    const uint32_t bits =
        (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The floats of a base64 string; returns how many. */
static size_t decode(const char *text, float *values) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char bytes[1 << 16];
    size_t size = 0;
    uint32_t held = 0;
    int bits = 0;
    for (; *text && *text != '='; text++) {
        held = held << 6 | (uint32_t)(strchr(digits, *text) - digits);
        if ((bits += 6) >= 8) bytes[size++] = (unsigned char)(held >> (bits -= 8));
    }
    for (size_t k = 0; k < size / 4; k++) values[k] = little_float(bytes + 4 * k);
    return size / 4;
}

/* Thinned to any size, every spike is in its bucket, and the text keeps to its size. */
static void test_spikes_stay(void **state) {
    (void)state;
    enum { STEPS = 5000, SPIKE = 3333, HOLE = 1234 };
    static char text[400000];
    int size = snprintf(text, sizeof text, "%s", HEADER);
    for (int k = 0; k < STEPS; k++)
        size += snprintf(text + size, sizeof text - (size_t)size, "{\"step\":%d,\"loss\":%s}\n", k,
                         k == SPIKE  ? "77"
                         : k == HOLE ? "null"
                         : k % 2     ? "1"
                                     : "3");
    run_data run;
    assert_int_equal(read_text(&run, text, (size_t)size), 0);
    assert_int_equal(run.nsteps, STEPS);
    for (size_t bytes = 2000; bytes <= 2000000; bytes *= 10) {
        page p = {0};
        assert_int_equal(curves_of_steps(&p, &run, bytes), 0);
        assert_true(p.size < bytes + 1000);
        json_t *read = json_loads(p.text, 0, NULL);
        const size_t every = (size_t)json_integer_value(json_object_get(read, "every"));
        assert_true(bytes < 1000000 ? every > 1 : every == 1);
        const json_t *loss = json_object_get(json_object_get(read, "curves"), "loss");
        static float mean[STEPS], least[STEPS], greatest[STEPS];
        const size_t n = decode(json_string_value(json_array_get(loss, 0)), mean);
        assert_int_equal(n, (STEPS + every - 1) / every);
        assert_int_equal(json_array_size(loss), every > 1 ? 3 : 1);
        if (every == 1) {
            assert_true(mean[SPIKE] == 77 && isnan(mean[HOLE]) && mean[2] == 3);
        } else {
            assert_int_equal(decode(json_string_value(json_array_get(loss, 1)), least), n);
            assert_int_equal(decode(json_string_value(json_array_get(loss, 2)), greatest), n);
            assert_true(greatest[SPIKE / every] == 77);
            for (size_t k = 0; k + 1 < n; k++) {
                if (k == HOLE / every) continue;
                assert_true(least[k] == 1 && mean[k] > 1 && mean[k] < greatest[k]);
                if (k != SPIKE / every) assert_true(greatest[k] == 3);
            }
        }
        json_decref(read);
        page_free(&p);
    }
    run_free(&run);
}

/* ---- the whole statistics ---- */

static void test_hostile_names(void **state) {
    (void)state;
    static const char text[] =
        "{\"type\":\"header\",\"format\":1,\"groups\":[{\"name\":\"</script><b>g\"}],\"config\":"
        "{\"name\":\"<script>alert(1)</script>\",\"<img src=x>\":\"\xe2\x80\xaetxt\\u001b[31m\","
        "\"optimizer\":\"\\\"><b>o\"}}\n";
    const char *folder = scratch_path("<b>run\x1b[31m");
    assert_int_equal(mkdir(folder, 0700), 0);
    char path[1024];
    snprintf(path, sizeof path, "%s/run.jsonl", strrchr(folder, '/') + 1);
    scratch_write(path, text, sizeof text - 1);
    report r = {0};
    assert_int_equal(report_add(&r, folder), 0);
    assert_int_equal(report_save(&r), 0);
    report_free(&r);
    snprintf(path, sizeof path, "%s/report.html", folder);
    size_t size;
    char *html = scratch_read(path, &size);
    static const char *const never[] = {"alert(1)</script>", "<script>alert", "<img", "\x1b",
                                        "\xe2\x80\xae",      "<b>run",        "<b>o", "<b>g"};
    for (size_t k = 0; k < sizeof never / sizeof *never; k++) assert_null(strstr(html, never[k]));
    assert_non_null(strstr(html, "<h1>&lt;b&gt;run\\x1B[31m</h1>"));
    assert_non_null(strstr(html, "&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert_non_null(strstr(html, "\\u{202E}txt\\x1B[31m"));
    assert_non_null(strstr(html, "\"\\u003C/script\\u003E\\u003Cb\\u003Eg\""));
    free(html);
}

static void test_labels(void **state) {
    (void)state;
    report r = {0};
    const char *const folders[] = {"a", "b", "c"};
    for (int k = 0; k < 3; k++) {
        char path[64];
        assert_int_equal(mkdir(scratch_path(folders[k]), 0700), 0);
        snprintf(path, sizeof path, "%s/run", folders[k]);
        if (k < 2) assert_int_equal(mkdir(scratch_path(path), 0700), 0);
        snprintf(path, sizeof path, k < 2 ? "%s/run/run.jsonl" : "%s/run.jsonl", folders[k]);
        scratch_write(path, HEADER, strlen(HEADER));
    }
    assert_int_equal(report_add(&r, scratch_path("a/run/")), 0);
    assert_int_equal(report_add(&r, scratch_path("b/run")), 0);
    assert_int_equal(report_add(&r, scratch_path("c")), 0);
    assert_string_equal(report_label(&r, 0), scratch_path("a/run"));
    assert_string_equal(report_label(&r, 1), scratch_path("b/run"));
    assert_string_equal(report_label(&r, 2), "c");
    report_free(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_what_the_log_wrote),
        SCRATCH_TEST(test_numbers),
        SCRATCH_TEST(test_cut_anywhere),
        SCRATCH_TEST(test_broken_lines),
        SCRATCH_TEST(test_headers),
        SCRATCH_TEST(test_header_alone),
        SCRATCH_TEST(test_long_headers),
        SCRATCH_TEST(test_long_lines),
        SCRATCH_TEST(test_facts),
        SCRATCH_TEST(test_spikes_stay),
        SCRATCH_TEST(test_hostile_names),
        SCRATCH_TEST(test_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
