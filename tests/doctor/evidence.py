"""What the doctor's programs print, kept and put into docs/doctor_evidence.md as it is.

evidence.py keep NAME COMMAND...    runs it, shows what it prints, and keeps that in build/evidence
evidence.py fill                    puts what is kept between <!-- NAME --> and <!-- end -->

Above each text stands which command printed it, when, of which commit, on which machine and how
long it took. What was not run keeps its table.
"""

import datetime
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "doctor_evidence.md"
KEPT = ROOT / "build" / "evidence"


def machine() -> str:
    """Its processor, by the name that Linux knows, and how many cores there are to use."""
    models = (
        line.split(":")[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    )
    return f"{len(os.sched_getaffinity(0))} cores, {next(models, 'processor unknown')}"


def keep(name: str, command: list[str]) -> int:
    """The exit status of the command; what failed is not kept."""
    describe = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    commit = subprocess.run(describe, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    printed = []
    for line in process.stdout or ():
        print(line, end="", flush=True)
        printed.append(line)
    status = process.wait()
    if status == 0:
        seconds = time.monotonic() - start
        head = (
            f"`make {name}`, {datetime.date.today()}, commit {commit.strip()}, {machine()}, "
            f"{seconds:.0f} s:\n\n"
        )
        KEPT.mkdir(parents=True, exist_ok=True)
        (KEPT / f"{name}.md").write_text(head + "".join(printed).strip() + "\n")
    return status


def fill() -> int:
    """Every kept text into the page."""
    page = PAGE.read_text()
    for path in sorted(KEPT.glob("*.md")):
        before, begin, rest = page.partition(f"<!-- {path.stem} -->\n")
        _, end, after = rest.partition("<!-- end -->\n")
        if not begin or not end:
            sys.exit(f"{PAGE.name} has no place for {path.stem}")
        page = f"{before}{begin}\n{path.read_text()}\n{end}{after}"
        print(f"{PAGE.name}: {path.stem}")
    PAGE.write_text(page)
    return 0


def main() -> int:
    """As the arguments say."""
    match sys.argv[1:]:
        case ["fill"]:
            return fill()
        case ["keep", name, *command] if command:
            return keep(name, command)
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
