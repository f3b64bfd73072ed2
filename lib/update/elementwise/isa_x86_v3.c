/* SPDX-License-Identifier: Apache-2.0 */
/* x86-64-v3: AVX2. The flags are in cmake/library.cmake. */
#define ISA x86_v3
#include "isa.inc"
