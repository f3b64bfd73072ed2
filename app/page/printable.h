/* SPDX-License-Identifier: Apache-2.0 */
/* printable.h - text from files and users, made harmless to show.
 *
 * A name in a run's configuration may hold anything: escape sequences that repaint a terminal,
 * marks that turn the reading direction, bytes that are no UTF-8. printable_next() walks over such
 * a text and says which pieces can be shown as they are; the others are shown as \xNN (a byte that
 * is no UTF-8, an ASCII control character) or \u{...} (control and format characters beyond ASCII).
 */
#ifndef RAVINE_PAGE_PRINTABLE_H
#define RAVINE_PAGE_PRINTABLE_H

#include <stddef.h>
#include <stdio.h>

enum { PRINTABLE_PIECE_MAX = 16 }; /* bytes of a piece with its 0 */

/* Writes the next piece of *text - one character, or what stands for it - and moves *text behind
 * it. Returns the columns of the piece, counting every character as one; 0 at the end. */
size_t printable_next(const char **text, char piece[PRINTABLE_PIECE_MAX]);

/* Prints the whole text, in one line. Returns the columns written. */
size_t printable_put(FILE *out, const char *text);
/* Prints lines that each end in one. */
void printable_lines(FILE *out, const char *text);

#endif
