/* SPDX-License-Identifier: Apache-2.0 */
/* x86-64-v4: AVX-512. The flags are in cmake/library.cmake. */
#define ISA x86_v4
#include "isa.inc"
