# SPDX-License-Identifier: Apache-2.0
"""The page of a training that a doctor looked on at."""

from collections.abc import Iterable
from html import escape

from ravine._diagnosis import Diagnosis

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>ravine: {title}</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 48rem; margin: 2rem auto }}
h2 {{ font-size: 1rem; margin: 2rem 0 0; border-top: 1px solid #8886; padding-top: .5rem }}
</style>
<h1>{title}</h1>
{sections}</html>
"""


def _section(when: str, found: Diagnosis) -> str:
    return f"<h2>{when}</h2>\n{found._repr_html_()}\n"


def page_of(told: Iterable[Diagnosis], last: Diagnosis | None) -> str:
    """A page of verdicts in their order, the last word on top; None: the training goes on."""
    sections = [_section(f"Step {found.step}", found) for found in told]
    if last is None:
        title = "The training goes on"
    else:
        verdict = last.verdict.replace("_", " ")
        title = f"The training ended at step {last.step}: {verdict}"
        sections.insert(0, _section("At the end", last))
    return PAGE.format(title=escape(title), sections="".join(sections))
