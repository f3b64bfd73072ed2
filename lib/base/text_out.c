/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text_out.h"

#include "text/error.h"

#include <string.h>

ravine_status ravine_text_out(const char *own, size_t used, char *text, size_t capacity,
                              size_t *length) {
    if (!text) return ravine_fail(RAVINE_E_ARG, "the text is NULL");
    if (used >= capacity)
        return ravine_fail(RAVINE_E_RANGE, "capacity is %zu bytes; the text takes %zu", capacity,
                           used + 1);
    memcpy(text, own, used);
    text[used] = '\0';
    if (length) *length = used;
    return RAVINE_OK;
}
