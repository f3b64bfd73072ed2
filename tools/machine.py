# SPDX-License-Identifier: Apache-2.0
"""The machine at hand, by what its speed depends on. Read from Linux, nothing is measured."""

import os
from pathlib import Path

CPU = Path("/sys/devices/system/cpu/cpu0/cache")
# As the kernels of the library are chosen: what these names say of a processor's vectors.
VECTORS = {"avx512f": "AVX-512", "avx2": "AVX2", "asimd": "NEON"}


def _cpuinfo() -> dict[str, str]:
    """What /proc/cpuinfo says of the first processor."""
    first = Path("/proc/cpuinfo").read_text().split("\n\n")[0]
    pairs = (line.split(":", 1) for line in first.splitlines() if ":" in line)
    return {key.strip(): value.strip() for key, value in pairs}


def _caches() -> str:
    """The sizes of the data caches, the nearest first: "32K, 1M, 32M"."""
    sizes = {}
    for index in sorted(CPU.glob("index*")):
        if (index / "type").read_text().strip() != "Instruction":
            kib = int((index / "size").read_text().strip().rstrip("K"))
            level = (index / "level").read_text().strip()
            sizes[level] = f"{kib}K" if kib % 1024 else f"{kib // 1024}M"
    return ", ".join(size for _, size in sorted(sizes.items())) or "unknown"


def processor() -> str:
    """Its kind: "AMD EPYC, family 25 model 17, AVX-512". Two machines of a kind read the same."""
    info = _cpuinfo()
    flags = info.get("flags", info.get("Features", "")).split()
    vectors = next((name for flag, name in VECTORS.items() if flag in flags), "no vectors")
    name = info.get("model name", "processor unknown").split("@")[0].strip()
    family, model = info.get("cpu family"), info.get("model")
    kind = f", family {family} model {model}" if family else ""
    return f"{name}{kind}, {vectors}"


def describe() -> str:
    """The processor, its caches and how many cores there are to use."""
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores, {processor()}, caches {_caches()}"
