# SPDX-License-Identifier: Apache-2.0
"""Reads include/*.h as a manual: every declaration with the comment that belongs to it.

A comment belongs to the declarations that follow it without an empty line, up to the next comment;
one behind a declaration, on its line, belongs to that one alone. `/* ---- title ---` begins a
section.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEADERS = ["ravine.h", "ravine_doctor.h", "ravine_checkpoint.h"]

# A comment, a directive, or a declaration: to its `;`, which a body in braces may come before.
ITEM = re.compile(
    r"(?P<comment>/\*.*?\*/)"
    r"|(?P<directive>^\#(?:[^\n]*\\\n)*[^\n]*$)"
    r"|(?P<declaration>^(?:typedef|enum|static|RAVINE_)(?:[^;{/]|/(?!\*))*"
    r"(?:\{[^\n]*\}[^;\n]*|\{.*?^\}[^;\n]*)?;?)",
    re.DOTALL | re.MULTILINE,
)
FUNCTION = re.compile(
    r"^(?:RAVINE_API|RAVINE_INLINE)\s+(?P<result>[\w\s]+?[\s*]+)(?P<name>ravine_\w+)\s*"
    r"\((?P<arguments>[^)]*)\)"
)


@dataclass
class Argument:
    """One argument of a function: `const char *text`."""

    type: str
    name: str

    @property
    def bare_type(self) -> str:
        """The type's name alone."""
        return re.sub(r"\bconst\b|\*|\s", "", self.type)


@dataclass
class Declaration:
    """A function, a type or a list of the public API."""

    kind: str  # function, type, constants or list
    name: str
    code: str
    header: str
    section: str
    comment: str = ""
    result: str = ""
    arguments: list[Argument] = field(default_factory=list)
    names: list[str] = field(default_factory=list)  # of a list: what its columns are called

    @property
    def signature(self) -> str:
        """A function's prototype on one line, as C reads it."""
        arguments = ", ".join(f"{a.type}{a.name}" for a in self.arguments) or "void"
        return f"{self.result}{self.name}({arguments})"


@dataclass
class Header:
    """A header: what it says at its top, its sections with their texts, its declarations."""

    name: str
    opening: str
    sections: dict[str, str]
    declarations: list[Declaration]


def text_of(comment: str) -> str:
    """What a comment says, without its stars; its own line breaks stay."""
    inner = comment.removeprefix("/*").removesuffix("*/")
    lines = [
        re.sub(r"^\s*\* ?", "", line) if k else line for k, line in enumerate(inner.split("\n"))
    ]
    return "\n".join(line.rstrip() for line in lines).strip("\n ")


def read_function(code: str) -> dict | None:
    """Name, result and arguments of a function; nothing where the code is none."""
    found = FUNCTION.match(code)
    if not found:
        return None
    arguments = []
    for written in re.split(r",\s*", " ".join(found["arguments"].split())):
        if written != "void":
            kind, name = re.fullmatch(r"(.*?)(\w+)", written).groups()
            arguments.append(Argument(kind, name))
    result = " ".join(found["result"].split()) + ("" if found["result"].endswith("*") else " ")
    return {"kind": "function", "name": found["name"], "result": result, "arguments": arguments}


def read_type(code: str) -> dict | None:
    """Kind and name of a type or of constants; nothing where the code is neither."""
    if code.startswith("enum {"):
        names = re.findall(r"\b(RAVINE_\w+)\s*=", code)
        return {"kind": "constants", "name": names[0], "names": names}
    if not code.startswith("typedef"):
        return None
    function = re.search(r"\(\*(ravine_\w+)\)", code.split("{")[0])
    name = function[1] if function else re.search(r"(ravine_\w+);?\s*$", code)[1]
    return {"kind": "type", "name": name}


def read_list(code: str, rest: str) -> dict | None:
    """A list of X rows, with the names of its columns: those of the macro that expands it."""
    found = re.match(r"#define (RAVINE_\w+_LIST)\(X\)", code)
    if not found:
        return None
    columns = re.search(r"#define RAVINE_X\(([^)]*)\)", rest)[1]
    return {"kind": "list", "name": found[1], "names": [c.strip() for c in columns.split(",")]}


def read_header(name: str) -> Header:
    """The manual that a header is."""
    text = (ROOT / "include" / name).read_text()
    sections, declarations = {}, []
    section, comment, end = "", "", 0
    items = list(ITEM.finditer(text))
    if "SPDX-License-Identifier" in items[0][0]:
        del items[0]
    opening = text_of(items[0]["comment"])
    for item in items[1:]:
        gap, end = text[end : item.start()], item.end()
        if item["comment"]:
            said = text_of(item["comment"])
            title = re.match(r"-{4} ([^\n]*?) -+(?:\n|$)", said)
            if title:
                section = title[1]
                sections[section] = comment = said[title.end() :].strip("\n")
            elif "\n" not in gap and declarations and declarations[-1].code:
                declarations[-1].comment = said  # behind it, on its line
            else:
                comment = said
            continue
        code = item["declaration"] or item["directive"]
        if gap.count("\n") > 1:
            comment = ""
        found = read_function(code) or read_type(code) or read_list(code, text[item.end() :])
        if found:
            made = Declaration(code=code, header=name, section=section, comment=comment, **found)
            declarations.append(made)
        elif code.startswith("#") and not re.match(r"#(define RAVINE_X\b|undef)", code):
            comment = ""
    return Header(name, opening, sections, declarations)


def read_headers() -> list[Header]:
    """All of them."""
    return [read_header(name) for name in HEADERS]


def rows_of(code: str) -> list[list[str]]:
    """The rows of a list, each column as text: adjacent strings are joined, quotes taken off."""
    rows = []
    for row in re.findall(r'\bX\(((?:"[^"]*"|[^()"])*)\)', code.split("(X)", 1)[1]):
        row = re.sub(r'"\s*\\?\s*"', "", row.replace("\\\n", " "))
        columns = re.findall(r'\s*("[^"]*"|[^,"]+)\s*(?:,|$)', row)
        rows.append([column.strip().strip('"') for column in columns])
    return rows
