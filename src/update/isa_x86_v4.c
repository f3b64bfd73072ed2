/* x86-64-v4: AVX-512. The flags are in cmake/library.cmake. */
#define ISA            x86_v4
#define PREFETCH_BYTES 2048 /* docs/decisions/prefetch.md */
#include "isa.inc"
