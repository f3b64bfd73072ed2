# SPDX-License-Identifier: Apache-2.0
"""Writes the pages of the C API: one a public call, one a type, one a list, from the headers."""

import re
import tomllib
from pathlib import Path

from headers import ROOT, Argument, Declaration, Header, read_headers, rows_of

ARGUMENTS = Path(__file__).with_name("arguments.toml")
EXAMPLES = ROOT / "examples"
SIZED = "_sized"
EXAMPLE_LINES = 24

# What prose is split at: code, names of the API, status codes, documents.
NAMES = re.compile(
    r"(`[^`]+`|\bravine_\w+(?:\(\))?|\bRAVINE_\w+|\bE_[A-Z]+\b|\bdocs/[\w/]+(?:\.md|/)?)"
)
# Where one error's clause ends and the next begins.
CLAUSES = re.compile(r"[.;]\s+|(?<![A-Z])[:,]\s+(?=E_[A-Z])|\.$")


class Pages:
    """All pages, and what they refer to."""

    def __init__(self, headers: list[Header]):
        """Reads the table of arguments and the examples."""
        self.headers = headers
        self.known = {d.name: d for h in headers for d in h.declarations}
        self.holder = {n: d.name for d in self.known.values() for n in d.names if d.kind != "list"}
        self.statuses = rows_of(self.known["RAVINE_STATUS_LIST"].code)
        self.meanings = tomllib.loads(ARGUMENTS.read_text())
        self.unused = set(self.meanings)
        self.examples = {p: p.read_text() for p in sorted(EXAMPLES.glob("*.c*"))}

    def write(self, folder: Path) -> None:
        """Every page, and their list."""
        for header in self.headers:
            for d in header.declarations:
                if not d.name.endswith(SIZED):
                    (folder / f"{d.name}.md").write_text(self.page(d))
            (folder / f"{header.name}.md").write_text(self.page_of_header(header))
        (folder / "index.md").write_text(self.index())
        if self.unused:
            raise SystemExit(
                f"{ARGUMENTS}: no call has an argument {', '.join(sorted(self.unused))}"
            )

    # ---- prose ----

    def link(self, name: str) -> str:
        """A name of the API as a link to its page, where it has one."""
        bare = name.strip("`").removesuffix("()")
        if re.fullmatch(r"E_[A-Z]+", bare):
            return f"[`{bare}`](RAVINE_STATUS_LIST.md)"
        page = bare if bare in self.known else self.holder.get(bare)
        base = bare.removesuffix(SIZED)
        if base != bare and base in self.known:
            page = base
        return f"[`{bare}`]({page}.md)" if page else f"`{bare}`"

    def inline(self, text: str) -> str:
        """Prose of a header on one line, as Markdown."""
        parts = []
        for part in NAMES.split(" ".join(text.split())):
            if part.startswith("docs/"):
                target = part if part.endswith(".md") else f"{part.rstrip('/')}/README.md"
                parts.append(f"[{part}](../{target})")
            elif NAMES.fullmatch(part):
                parts.append(self.link(part))
            else:
                parts.append(re.sub(r"([\\*_<>\[\]|#])", r"\\\1", part))
        return "".join(parts)

    def prose(self, text: str) -> list[str]:
        """A comment as Markdown: paragraphs, and what is indented as it stands."""
        lines = []
        text = without_columns(text)
        for block in re.split(r"\n\s*\n", text):
            for indented, part in split_indented(block):
                lines += ["```text", *part, "```"] if indented else [self.inline(" ".join(part))]
                lines.append("")
        return lines

    # ---- pages ----

    def page(self, d: Declaration) -> str:
        """The page of a declaration."""
        lines = [f"# {d.name}", ""]
        if d.kind == "function":
            lines += self.function(d)
        elif d.kind == "list":
            lines += [*self.prose(d.comment), *self.table(d), ""]
        else:
            directive = "c:type" if d.kind == "type" else ""
            lines += [f"```{{{directive}}} {d.name}", "```", ""] if directive else []
            lines += [*self.prose(d.comment), "```c", tidy(d.code), "```", ""]
            lines += self.rows_behind(d)
        lines += [f"Declared in [{d.header}](../include/{d.header}).", ""]
        return "\n".join(lines)

    def function(self, d: Declaration) -> list[str]:
        """The page of a call, without its name."""
        lines = [f"```{{c:function}} {d.signature}", "```", "", *self.prose(d.comment)]
        sized = self.known.get(d.name + SIZED)
        if sized:
            lines += ["For other languages, which have no inline functions of C:", ""]
            lines += [f"```{{c:function}} {sized.signature}", "```", ""]
        if d.arguments:
            lines += ["## Arguments", "", "| argument | type | |", "| --- | --- | --- |"]
            lines += [self.argument(d, argument) for argument in d.arguments] + [""]
        if d.result == "ravine_status ":
            lines += ["## Returns", "", "| | |", "| --- | --- |", *self.results(d), ""]
            why = self.link("ravine_errmsg")
            lines += [f"Where it is negative nothing was changed, and {why} says why.", ""]
        return lines + self.example(d)

    def argument(self, d: Declaration, a: Argument) -> str:
        """The row of an argument."""
        keys = [f"{d.name}.{a.name}", f"{a.bare_type} {a.name}", a.name]
        key = next((key for key in keys if key in self.meanings), None)
        if key is None:
            raise SystemExit(f"{ARGUMENTS} does not say what {a.name} of {d.name} is")
        self.unused.discard(key)
        kind = re.sub(r"ravine_\w+", lambda m: self.link(m[0]), a.type.strip().replace("*", r"\*"))
        kind = kind.replace(" ", "&nbsp;")
        meaning = re.sub(r"`(ravine_\w+(?:\(\))?)`", lambda m: self.link(m[1]), self.meanings[key])
        return f"| `{a.name}` | {kind} | {meaning} |"

    def results(self, d: Declaration) -> list[str]:
        """The rows of what a call may return: what all calls may, and what its comment names."""
        clauses = [" ".join(clause.split()) for clause in CLAUSES.split(d.comment)]
        rows = []
        for name, value, text in self.statuses:
            short = name.removeprefix("RAVINE_")
            said = [without_codes(c) for c in clauses if re.search(rf"\b{short}\b", c)]
            said = [clause for clause in said if clause]
            if short == "E_ARG" and any(re.search(r"\*", a.type) for a in d.arguments):
                said.insert(0, "a pointer is NULL that may not be")
            named = re.search(rf"\b{short}\b", d.comment)
            if short == "E_UNSUPPORTED" and not said and self.takes_struct(d):
                said = ["a struct of a newer header has what this library does not know"]
            if short != "OK" and not named and not said:
                continue
            meaning = "; ".join(said) if int(value) < 0 and said else text
            rows.append(f"| `{name}` | {self.inline(meaning)} |")
        return rows

    def takes_struct(self, d: Declaration) -> bool:
        """Whether a call reads a struct that has a size."""
        types = [self.known.get(a.bare_type) for a in d.arguments if "const" in a.type]
        return any(t and "uint32_t size" in t.code for t in types)

    def example(self, d: Declaration) -> list[str]:
        """The lines of the first example that makes the call."""
        for path, text in self.examples.items():
            lines = text.splitlines()
            at = next((k for k, x in enumerate(lines) if re.search(rf"\b{d.name}\(", x)), None)
            if at is None:
                continue
            first, last = around(lines, at)
            name = path.name
            link = f"From [{name}](../examples/{name}):"
            language = "cpp" if path.suffix == ".cpp" else "c"
            return ["## Example", "", link, "", f"```{language}", *lines[first:last], "```", ""]
        return []

    def table(self, d: Declaration) -> list[str]:
        """A list of the API as a table."""
        lines = [f"| {' | '.join(d.names)} |", "|" + " --- |" * len(d.names)]
        for row in rows_of(d.code):
            shown = [f"`{row[0]}`", *(self.inline(column) for column in row[1:])]
            lines.append(f"| {' | '.join(shown)} |")
        return lines

    def rows_behind(self, d: Declaration) -> list[str]:
        """The lists that a type is made from."""
        names = sorted(set(re.findall(r"\b(RAVINE_\w+_LIST)\(", d.code)))
        return [f"The rows: {self.link(name)}.\n" for name in names]

    def page_of_header(self, header: Header) -> str:
        """A header as a manual: what it says at its top, its sections, their declarations."""
        opening = header.opening.split("\n")
        title = re.sub(rf"^{header.name} - ", "", opening[0])
        lines = [f"# {header.name}", "", "```text", title, *opening[1:], "```", ""]
        shown = [d for d in header.declarations if not d.name.endswith(SIZED)]
        for section in dict.fromkeys(d.section for d in shown):
            title = section if "_" in section.split()[0] else section[0].upper() + section[1:]
            lines += [f"## {title}", ""]
            lines += self.prose(header.sections[section]) if section in header.sections else []
            members = [d for d in shown if d.section == section]
            calls = [d for d in members if d.kind == "function"]
            others = [self.link(d.name) for d in members if d.kind != "function"]
            if calls:
                lines += ["| call | |", "| --- | --- |"]
                lines += [f"| {self.link(d.name)} | {self.summary(d)} |" for d in calls] + [""]
            lines += [f"Types and lists: {', '.join(others)}.", ""] if others else []
        names = "\n".join(d.name for d in shown)
        return "\n".join([*lines, "```{toctree}", ":hidden:", ":maxdepth: 1", "", names, "```", ""])

    def summary(self, d: Declaration) -> str:
        """The first sentence of what a declaration's comment says."""
        first = re.split(r"(?<=[.;])\s|\n\s*\n|\n {3}", d.comment.strip())[0]
        return self.inline(first.rstrip(".:;"))

    def index(self) -> str:
        """The list of the headers."""
        names = "\n".join(header.name for header in self.headers)
        return f"""# The C API

One header, one library: `#include <ravine.h>`, `pkg-config --cflags --libs ravine`. Every page is
made from the headers, which are the manual; [how they may change](../docs/abi.md).

| | |
| --- | --- |
| [ravine.h](ravine.h.md) | optimizers, schedules, steps |
| [ravine_doctor.h](ravine_doctor.h.md) | why training is stuck |
| [ravine_checkpoint.h](ravine_checkpoint.h.md) | saving and resuming, exactly |

```{{toctree}}
:hidden:

{names}
```
"""


def split_indented(block: str) -> list[tuple[bool, list[str]]]:
    """The lines of a block in runs: indented, or not."""
    runs: list[tuple[bool, list[str]]] = []
    for line in block.split("\n"):
        indented = line.startswith("   ")
        if not runs or runs[-1][0] != indented:
            runs.append((indented, []))
        runs[-1][1].append(line)
    return runs


def without_columns(text: str) -> str:
    """A comment without the columns of a list, which its table has."""
    text = re.sub(r":\s+X\([^)]*\)[.;]", ";", text)
    return re.sub(r"\bX\([^)]*\)[.;:]\s*(\w)", lambda found: found[1].upper(), text)


def without_codes(clause: str) -> str:
    """A clause without the status codes that it begins or ends with; nothing if it is no more."""
    clause = re.sub(r"^(?:and )?(?:E_[A-Z]+(?:, | and )?)+(?: if|:| where| for)? ?", "", clause)
    return re.sub(r",? (?:with|in) E_[A-Z]+$|: E_[A-Z]+$", "", clause).strip(" :")


def tidy(code: str) -> str:
    """Code of a header without what is for the compiler alone."""
    return re.sub(r"^#(?:undef RAVINE_X|define RAVINE_X\b.*)\n", "", code, flags=re.MULTILINE)


def around(lines: list[str], at: int) -> tuple[int, int]:
    """The lines around one of them, up to empty ones."""
    first = last = at
    while first > 0 and lines[first - 1].strip() and at - first < EXAMPLE_LINES // 2:
        first -= 1
    while last < len(lines) and lines[last].strip() and last - at < EXAMPLE_LINES // 2:
        last += 1
    return first, last


def write_pages(folder: Path) -> None:
    """All pages of the C API, into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    Pages(read_headers()).write(folder)
