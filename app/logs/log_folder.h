/* SPDX-License-Identifier: Apache-2.0 */
/* log_folder.h - what lies in a folder of logs, in order. */
#ifndef RAVINE_LOGS_LOG_FOLDER_H
#define RAVINE_LOGS_LOG_FOLDER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

enum { LOG_ENTRIES_MAX = 100000 };

/* Texts of one's own. Starts as {0}. */
typedef struct log_list {
    char **text; /* [count] */
    size_t count, room;
} log_list;

/* Fails when memory ends and beyond LOG_ENTRIES_MAX; `folder` is for the message. */
int log_list_add(log_list *list, const char *folder, const char *text);
void log_list_free(log_list *list);

/* Adds the entries of a folder in the order of their names, but for those that begin with a
 * point. */
int log_folder_list(log_list *list, const char *folder);

/* "folder/name"; folder where the name is "", and false where that is too long for a path. */
bool log_path_join(char path[PATH_MAX], const char *folder, const char *name);
/* Whether the path leads to a file; links are followed. */
bool log_is_file(const char *path);
/* What stands behind the last "/". */
const char *log_path_name(const char *path);

#endif
