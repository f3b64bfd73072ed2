# SPDX-License-Identifier: Apache-2.0
"""The page of a training that a doctor looked on at."""

from collections.abc import Iterable
from html import escape

from ravine._doctor import Diagnosis

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>ravine: {title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em }}
section {{ border-left: 4px solid #888; margin: 1.5em 0; padding: 0 1em }}
.fine {{ border-color: #2a8a3e }} .warning {{ border-color: #d08700 }}
.urgent {{ border-color: #c0231f }}
h2 {{ font-size: 1em; margin: 0 }} p {{ margin: .3em 0 }}
pre {{ overflow-x: auto; font-size: 13px }}
</style>
<h1>{title}</h1>
{sections}</html>
"""

SECTION = """<section class="{severity}">
<h2>{when}: {verdict}</h2>
<p>{sentence}</p>
<pre>{lines}</pre>
</section>
"""


def _section(when: str, found: Diagnosis) -> str:
    return SECTION.format(
        severity=found.severity,
        when=when,
        verdict=escape(found.verdict),
        sentence=escape(found.sentence),
        lines=escape(found.text.removeprefix(found.sentence).lstrip()),
    )


def page_of(told: Iterable[Diagnosis], last: Diagnosis | None) -> str:
    """A page of verdicts in their order, the last word on top; None: the training goes on."""
    sections = [_section(f"Step {found.step}", found) for found in told]
    if last is None:
        title = "The training goes on"
    else:
        title = f"The training ended at step {last.step}: {last.verdict}"
        sections.insert(0, _section("At the end", last))
    return PAGE.format(title=escape(title), sections="".join(sections))
