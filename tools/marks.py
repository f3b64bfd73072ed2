# SPDX-License-Identifier: Apache-2.0
"""Tables of docs/ that commands write: what stands between <!-- NAME --> and <!-- end -->."""

import sys
from pathlib import Path


def has_place(page: Path, name: str) -> bool:
    """Whether a page has a place of that name."""
    return f"<!-- {name} -->\n" in page.read_text()


def _parts(page: Path, name: str) -> tuple[str, str, str]:
    """What stands before a place, in it, after it; ends the program if the page has none."""
    mark, end = f"<!-- {name} -->\n", "<!-- end -->\n"
    before, begin, rest = page.read_text().partition(mark)
    inside, closed, after = rest.partition(end)
    if not begin or not closed:
        sys.exit(f"{page.name} has no place for {name}")
    return before + mark, inside.strip(), end + after


def read(page: Path, name: str) -> str:
    """The text in a place."""
    return _parts(page, name)[1]


def fill(page: Path, name: str, text: str) -> None:
    """Puts a text into its place."""
    before, _, after = _parts(page, name)
    page.write_text(f"{before}\n{text.rstrip()}\n\n{after}")
