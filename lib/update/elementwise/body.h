/* SPDX-License-Identifier: Apache-2.0 */
/* body.h - how the bodies of a step are written: once, for the REAL of each TYPE that the including
 * file sets. FN(name) adds the type to a name. */
#ifndef RAVINE_UPDATE_BODY_H
#define RAVINE_UPDATE_BODY_H

#define JOIN(a, b)   a##_##b
#define EXPAND(a, b) JOIN(a, b)
#define FN(name)     EXPAND(name, TYPE)
#define INLINE       static inline __attribute__((always_inline))

#endif
