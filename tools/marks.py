"""Tables of docs/ that commands write: what stands between <!-- NAME --> and <!-- end -->."""

import sys
from pathlib import Path


def has_place(page: Path, name: str) -> bool:
    """Whether a page has a place of that name."""
    return f"<!-- {name} -->\n" in page.read_text()


def fill(page: Path, name: str, text: str) -> None:
    """Puts a text into its place; ends the program if the page has none."""
    before, begin, rest = page.read_text().partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition("<!-- end -->\n")
    if not begin or not end:
        sys.exit(f"{page.name} has no place for {name}")
    page.write_text(f"{before}{begin}\n{text.rstrip()}\n\n{end}{after}")
