#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the settings of every rule into docs/rules/: tools/rule_tables.py RAVINE [--check].

RAVINE is the command; the tables come from `RAVINE optimizers NAME --json`. With --check nothing
is written, and the exit status is 1 if a page is not what would be written.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

PAGES = Path(__file__).resolve().parent.parent / "docs" / "rules"
MARKED = re.compile(r"(<!-- settings -->\n).*?(<!-- /settings -->)", re.DOTALL)


def allowed(setting: dict) -> str:
    """The values a setting may have, as a person writes them."""
    if "choices" in setting:
        return ", ".join(f"`{word}`" for word in setting["choices"])
    if isinstance(setting["default"], bool):
        return "`true`, `false`"
    return setting["interval"]


def default(setting: dict) -> str:
    """The default, as the text form of a rule takes it."""
    value = setting["default"]
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else f"{value:.15g}"


def table(rule: dict) -> str:
    """The settings of a rule as a Markdown table."""
    rows = ["| setting | default | allowed | meaning |", "|---|---|---|---|"]
    rows += [
        f"| `{s['name']}` | {default(s)} | {allowed(s)} | {s['text']} |" for s in rule["settings"]
    ]
    return "\n".join(rows) + "\n"


def main(command: str, check: bool) -> int:
    """Rewrites or compares every page; returns the exit status."""
    stale = []
    for page in sorted(PAGES.glob("*.md")):
        if page.stem == "README":
            continue
        answer = subprocess.run(
            [command, "optimizers", page.stem, "--json"], check=True, capture_output=True, text=True
        )
        before = page.read_text()
        settings = table(json.loads(answer.stdout))
        after = MARKED.sub(lambda m, t=settings: m[1] + t + m[2], before)
        if after == before:
            continue
        stale.append(page.name)
        if not check:
            page.write_text(after)
    if check and stale:
        print(f"not what tools/rule_tables.py writes: {', '.join(stale)}", file=sys.stderr)
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], "--check" in sys.argv))
