/* SPDX-License-Identifier: Apache-2.0 */
/* called.h - what a name of other libraries is called here, for error messages. */
#ifndef RAVINE_TEXT_CALLED_H
#define RAVINE_TEXT_CALLED_H

#include <stddef.h>

/* "learning_rate" -> "lr", of which *length characters are the name; the rest are words to it.
 * NULL: nobody brings such a name. */
const char *ravine_called(const char *name, size_t *length);

#endif
