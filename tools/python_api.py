#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes Python's form of include/ravine*.h, python/ravine/_api.py and _records.py: [--check].

The C preprocessor reads the headers, pycparser what it leaves; constants, structures and prototypes
are then written as ctypes has them. Structures that a user of Python gets to see become records,
with what the headers say of each member. With --check nothing is written, and the exit status is 1
if a file is not what would be written.
"""

import re
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

from pycparser import c_ast, c_parser

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "python" / "ravine"
# Structures that are records too: their name in Python, and what they are.
RECORDS = {
    "ravine_step_stats": ("StatsRecord", "What a step did: ravine_step_stats."),
    "ravine_cure": ("Cure", "What to change when training is stuck: ravine_cure."),
    "ravine_probe": ("Probe", "How the loss curves around the parameters: ravine_probe."),
}

# The C library's names that the headers use.
STANDARD = """
typedef signed int int32_t; typedef unsigned int uint32_t;
typedef signed long int64_t; typedef unsigned long uint64_t; typedef unsigned long size_t;
typedef unsigned char uint8_t; typedef _Bool bool;
#define INT64_MAX 9223372036854775807
#define INT32_MAX 2147483647
"""
SCALARS = {
    "void": "None",
    "int": "c_int",
    "double": "c_double",
    "float": "c_float",
    "char": "c_char",
    "bool": "c_bool",
    "uint8_t": "c_uint8",
    "int32_t": "c_int32",
    "uint32_t": "c_uint32",
    "int64_t": "c_int64",
    "uint64_t": "c_uint64",
    "size_t": "c_size_t",
}
NOT_CONSTANTS = {"RAVINE_API", "RAVINE_INLINE", "RAVINE_MUST_CHECK"}


def preprocess(text, *options):
    """The text after the C preprocessor, which finds our headers and no others."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ["stddef.h", "stdint.h", "stdbool.h"]:
            (Path(folder) / name).write_text("#pragma once\n#include <standard.h>\n")
        (Path(folder) / "standard.h").write_text("#pragma once\n" + STANDARD)
        command = ["cc", "-E", "-P", "-nostdinc", f"-I{folder}", f"-I{ROOT / 'include'}"]
        command += ["-D__attribute__(x)=", *options, "-"]
        done = subprocess.run(command, input=text, check=True, capture_output=True, text=True)
    return done.stdout


def read_headers():
    """Everything that the headers declare, as a syntax tree; constants are variables in it."""
    headers = sorted(path.name for path in (ROOT / "include").glob("ravine*.h"))
    text = "".join(f'#include "{name}"\n' for name in headers)
    macros = re.findall(r"^#define (RAVINE_\w+) +\S", preprocess(text, "-dM"), re.MULTILINE)
    constants = sorted(set(macros) - NOT_CONSTANTS)
    text += "".join(f"int64_t constant_{name} = {name};\n" for name in constants)
    return headers, c_parser.CParser().parse(preprocess(text)).ext


def evaluate(node, known):
    """The value of a constant expression."""
    match node:
        case c_ast.Constant(type="string"):
            return node.value.strip('"')
        case c_ast.Constant():
            return int(node.value.rstrip("uUlL"), 0)
        case c_ast.ID():
            return known[node.name]
        case c_ast.UnaryOp(op="-"):
            return -evaluate(node.expr, known)
    raise ValueError(f"not a constant that this program reads: {node}")


class Writer:
    """Collects the lines of the module."""

    def __init__(self):
        """Nothing is known yet."""
        self.lines = []
        self.known = {}  # constants
        self.structures = set()  # with members; other types that are declared are opaque
        self.fields = {}  # of structures: name and type
        self.aliases = dict(SCALARS)  # a type's name in C -> its expression in Python
        self.prototypes = []

    def type_of(self, node):
        """The ctypes expression of a C type."""
        match node:
            case c_ast.TypeDecl(type=c_ast.Enum()):
                return "c_int"
            case c_ast.TypeDecl(type=c_ast.IdentifierType(names=names)):
                name = " ".join(names)
                return name if name in self.structures else self.aliases[name]
            case c_ast.PtrDecl(type=c_ast.FuncDecl()):
                return self.function_type(node.type)
            case c_ast.PtrDecl():
                to = self.type_of(node.type)
                # opaque types and void are addresses; `const char *` is a text
                special = {"None": "c_void_p", "c_char": "c_char_p"}
                const = "const" in getattr(node.type, "quals", [])
                if to == "c_char" and not const:
                    return "c_void_p"
                if to.startswith("CFUNCTYPE") or to in self.aliases:
                    return to
                return special.get(to, f"POINTER({to})")
            case c_ast.ArrayDecl():
                return f"{self.type_of(node.type)} * {evaluate(node.dim, self.known)}"
        raise ValueError(f"not a type that this program reads: {node}")

    def arguments_of(self, function):
        """The ctypes expressions of a function's parameters."""
        types = [self.type_of(p.type) for p in function.args.params]
        return [] if types == ["None"] else types

    def function_type(self, function):
        """The expression of a pointer to a function."""
        types = [self.type_of(function.type), *self.arguments_of(function)]
        return f"CFUNCTYPE({', '.join(types)})"

    def enumeration(self, name, node):
        """The constants of an enum."""
        self.lines.append(f"\n# enum {name}".rstrip())
        value = -1
        for item in node.values.enumerators:
            value = evaluate(item.value, self.known) if item.value else value + 1
            self.known[item.name] = value
            self.lines.append(f"{item.name} = {value}")
        if name:
            self.aliases[name] = "c_int"

    def structure(self, name, node):
        """A structure, with members or opaque."""
        if node.decls is None:
            self.aliases[name] = "None"  # so that a pointer to it is an address
            return
        fields = [(d.name, self.type_of(d.type)) for d in node.decls]
        self.structures.add(name)
        self.fields[name] = fields
        self.lines += [
            f"\n\nclass {name}(Structure):",
            f'    """`struct {name}`."""\n',
            "    _fields_ = [",
            *(f'        ("{member}", {kind}),' for member, kind in fields),
            "    ]",
        ]

    def alias(self, node):
        """A typedef of a pointer to a function."""
        target = node.type
        if isinstance(target, c_ast.PtrDecl) and isinstance(target.type, c_ast.FuncDecl):
            self.lines.append(f"\n\n{node.name} = {self.type_of(target)}")
            self.aliases[node.name] = node.name

    def declare(self, node):
        """One declaration of a header. Inline functions are for C: the library has none of them."""
        if isinstance(node, c_ast.FuncDef) or "inline" in getattr(node, "funcspec", []):
            return
        inner = getattr(node.type, "type", None)
        if isinstance(node, c_ast.Typedef) and isinstance(inner, c_ast.Enum):
            self.enumeration(node.name, inner)
        elif isinstance(node.type, c_ast.Enum):
            self.enumeration("", node.type)
        elif isinstance(node, c_ast.Typedef) and isinstance(inner, c_ast.Struct):
            self.structure(node.name, inner)
        elif isinstance(node, c_ast.Typedef):
            self.alias(node)
        elif isinstance(node.type, c_ast.FuncDecl):
            is_status = getattr(inner.type, "names", None) == ["ravine_status"]
            result = "ravine_status" if is_status else self.type_of(inner)
            arguments = ", ".join(self.arguments_of(node.type))
            self.prototypes.append(f'    "{node.name}": ({result}, [{arguments}]),')
        elif node.name and node.name.startswith("constant_"):
            name, value = node.name.removeprefix("constant_"), evaluate(node.init, self.known)
            if name not in self.known:
                self.known[name] = value
                self.lines.append(f"{name} = {value!r}")


def _as_imports_go(name):
    """Where ruff wants a name: constants, classes, others; c_uint8 before c_uint32."""
    parts = re.split(r"(\d+)", name)
    return not name.isupper(), name.islower(), [int(p) if p.isdigit() else p for p in parts]


HEAD = '''\
# SPDX-License-Identifier: Apache-2.0
"""The C API: constants, structures and prototypes, as ctypes has them.

Made by tools/python_api.py from {headers};
python/ravine/_library.py loads the library and uses it.
"""

from ctypes import (
{names}
)


class ravine_status(c_int):
    """The result of a call that may fail; _library.py raises the negative ones."""

'''


RECORDS_HEAD = '''\
# SPDX-License-Identifier: Apache-2.0
"""Records of what the library tells: structures of the C API as values of Python.

Made by tools/python_api.py from {headers}.
"""

from dataclasses import dataclass
'''


def meanings(headers, structure):
    """What the headers say of members: in a comment behind them, or in the list that names them."""
    text = "".join((ROOT / "include" / name).read_text() for name in headers)
    body = re.search(rf"typedef struct {structure} {{(.*?)\n}} {structure};", text, re.DOTALL)[1]
    found = {}
    for declared, comment in re.findall(
        r"^ +([^;/]+); */\*(.*?)\*/", body, re.DOTALL | re.MULTILINE
    ):
        for member in re.findall(r"(\w+)(?:\[\w+\])?(?:,|$)", declared):
            found[member] = comment
    for name in re.findall(r"(\w+_LIST)\(", body):
        rows = re.search(rf"#define {name}\(X\)((?:.*\\\n)*.*)", text)[1]
        for member, words in re.findall(r'X\((\w+),((?:\s*"[^"]*"[\s\\]*)+)\)', rows):
            found[member] = "".join(re.findall(r'"([^"]*)"', words))
    return {member: " ".join(words.split()) for member, words in found.items()}


def record(structure, fields, said):
    """The lines of a record: numbers and texts of a structure, in its order."""
    name, what = RECORDS[structure]
    kinds = {"c_double": "float", "c_int32": "int", "c_int64": "int"}
    lines = ["", "", "@dataclass(frozen=True, slots=True)", f"class {name}:"]
    lines += [f'    """{what}"""', ""]
    for member, kind in fields:
        if member in ("size", "reserved") or kind.endswith(("_slice", "c_double * 2")):
            continue
        if member in said:
            lines += [f"    #: {part}" for part in textwrap.wrap(said[member], 93)]
        lines.append(f"    {member}: {'str' if kind.startswith('c_char *') else kinds[kind]}")
    return lines


def generate():
    """The texts of the modules, by their paths."""
    headers, tree = read_headers()
    writer = Writer()
    constants = [n for n in tree if (getattr(n, "name", "") or "").startswith("constant_")]
    for node in constants + [node for node in tree if node not in constants]:
        writer.declare(node)
    body = "\n".join(writer.lines).lstrip("\n")
    body += "\n\nPROTOTYPES = {\n" + "\n".join(writer.prototypes) + "\n}\n"
    names = set(re.findall(r"\b(c_\w+|CFUNCTYPE|POINTER|Structure)\b", body)) | {"c_int"}
    names = sorted(names, key=_as_imports_go)
    head = HEAD.format(headers=", ".join(headers), names="\n".join(f"    {n}," for n in names))
    records = [RECORDS_HEAD.format(headers=", ".join(headers)).rstrip("\n")]
    for structure in RECORDS:
        records += record(structure, writer.fields[structure], meanings(headers, structure))
    texts = {"_api.py": head + body, "_records.py": "\n".join(records) + "\n"}
    return {PACKAGE / name: formatted(PACKAGE / name, text) for name, text in texts.items()}


def formatted(path, text):
    """A module's text as ruff formats it."""
    ruff = Path(sys.executable).with_name("ruff")
    command = [str(ruff) if ruff.exists() else "ruff", "format", "--quiet"]
    command += ["--stdin-filename", str(path), "-"]
    return subprocess.run(command, input=text, check=True, capture_output=True, text=True).stdout


def main(check):
    """Writes or compares; returns the exit status."""
    status = 0
    for path, text in generate().items():
        if not check:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            told = f"{path.relative_to(ROOT)} is not what tools/python_api.py writes"
            print(told, file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv))
