/* SPDX-License-Identifier: Apache-2.0 */
/* image_list.h - the files of a folder of images, in an order that is always the same. */
#ifndef RAVINE_DATA_IMAGE_LIST_H
#define RAVINE_DATA_IMAGE_LIST_H

#include <stdbool.h>
#include <stdint.h>

typedef struct image_list {
    char **path;    /* [count] */
    int32_t *label; /* [count], 0 .. classes - 1 */
    int64_t count;
    char **class; /* [classes] names of their folders, sorted by bytes */
    int64_t classes;
    int64_t others; /* files that are neither PNG nor JPEG by their names */
    char *other;    /* one of them, or NULL */
} image_list;

/* PNG and JPEG files at any depth in FOLDER/CLASS/; names that begin with a dot are passed over,
 * and so are folders that are links. `wanted`[nwanted]: these classes alone; 0: all. */
int image_list_classes(image_list *out, const char *folder, const char *const *wanted,
                       int64_t nwanted);
/* A file, or all in a folder at any depth; label[] is 0. */
int image_list_all(image_list *out, const char *path);
/* Functions return 0 or a kind of io/failure.h. Free in any case. */
void image_list_free(image_list *list);

#endif
