# SPDX-License-Identifier: Apache-2.0
# A toolchain file: WebAssembly by Debian's clang, lld, wasi-libc and libclang-rt-14-dev-wasm32.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR wasm32)
set(CMAKE_C_COMPILER clang)
set(CMAKE_C_COMPILER_TARGET wasm32-wasi)
set(CMAKE_SYSROOT /usr) # where wasi-libc is: /usr/include/wasm32-wasi
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_EXECUTABLE_SUFFIX_C .wasm)
# Scalar code has loops that are not vectorized, and sizes of 32 bits bounds that cannot be passed.
set(CMAKE_C_FLAGS_INIT "-Wno-pass-failed -Wno-tautological-constant-out-of-range-compare")
