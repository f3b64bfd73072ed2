/* SPDX-License-Identifier: Apache-2.0 */
/* temporary.h - where a test puts its files: in the folder TMPDIR, or in /tmp. */
#ifndef TESTS_TEMPORARY_H
#define TESTS_TEMPORARY_H

#include <stdio.h>
#include <stdlib.h>

enum { TEMPORARY_MAX = 64 };

/* The template of a name for mkdtemp and mkstemp. */
static inline void temporary_template(char path[TEMPORARY_MAX], const char *name) {
    const char *folder = getenv("TMPDIR");
    snprintf(path, TEMPORARY_MAX, "%s/ravine-%s-XXXXXX", folder ? folder : "/tmp", name);
}

#endif
