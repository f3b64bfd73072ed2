/* SPDX-License-Identifier: Apache-2.0 */
/* csv_case.h - a table as a text, made into a dataset or refused. */
#ifndef TESTS_CSV_CASE_H
#define TESTS_CSV_CASE_H

#include "support/scratch.h"

#include "data/dataset.h"
#include "io/failure.h"

static const dataset_csv_options usual = {
    .path = "t.csv", .target = "y", .test_share = 0.25, .seed = 1, .delimiter = ','};

/* The table as a file of the scratch folder, read: 0 or the code of the failure. */
static inline int convert(dataset_pair *pair, const char *text, dataset_csv_options options) {
    options.path = scratch_write("t.csv", text, strlen(text));
    return dataset_read_csv(pair, &options);
}

/* Fails unless the table is refused with the code, a message that says both, and no dataset. */
static inline void refuse(const char *text, dataset_csv_options options, int code, const char *told,
                          const char *told_too) {
    dataset_pair pair;
    assert_int_equal(convert(&pair, text, options), code);
    assert_told(told, told_too);
    assert_null(pair.train.x);
    assert_null(pair.test.x);
}

#endif
