/* SPDX-License-Identifier: Apache-2.0 */
/* saved_text.h - a text saved as a file of the scratch folder, and what is found there then. */
#ifndef TESTS_SAVED_TEXT_H
#define TESTS_SAVED_TEXT_H

#include "support/scratch.h"

#include "file/atomic_file.h"
#include "file/folder.h"

static inline void assert_says(const char *text) {
    if (strstr(ravine_errmsg(), text) == NULL)
        fail_msg("the message '%s' does not say '%s'", ravine_errmsg(), text);
}

static inline void assert_content(const char *path, const char *expected) {
    size_t size;
    char *bytes = scratch_read(path, &size);
    assert_string_equal(bytes, expected);
    free(bytes);
}

static inline ravine_status save(const char *path, const char *text) {
    ravine_atomic_file file;
    const int64_t size = (int64_t)strlen(text);
    ravine_status status = ravine_atomic_open(&file, path, size, true);
    if (!status) status = ravine_atomic_write(&file, text, (size_t)size);
    return status ? status : ravine_atomic_commit(&file);
}

/* All files of the folder, those that begin with a dot as well. */
static inline ravine_status count_one(void *context, const char *name) {
    (void)name;
    ++*(int *)context;
    return RAVINE_OK;
}

static inline int all_files(void) {
    int count = 0;
    assert_int_equal(ravine_folder_each(scratch_folder, count_one, &count), RAVINE_OK);
    return count;
}

#endif
