/* SPDX-License-Identifier: Apache-2.0 */
/* whatever the compiler's target has. The flags are in cmake/library.cmake. */
#define ISA baseline
#include "isa.inc"
