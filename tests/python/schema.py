# SPDX-License-Identifier: Apache-2.0
"""Whether what --json prints is what docs/schemas/ says."""

import json

from conftest import ROOT

SCHEMAS = ROOT / "docs/schemas"
TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}


def read_schema(name):
    """docs/schemas/NAME.schema.json."""
    return json.loads((SCHEMAS / f"{name}.schema.json").read_text())


def assert_conforms(value, name, definition=None):
    """That a value is what docs/schemas/NAME.schema.json says, or one of its definitions."""
    root = read_schema(name)
    _check(value, root["$defs"][definition] if definition else root, root, "$")


def refer(reference, root):
    """What a `$ref` means, and the schema in which it stands."""
    file, _, definition = reference.partition("#/$defs/")
    root = read_schema(file.removesuffix(".schema.json")) if file else root
    return (root["$defs"][definition] if definition else root), root


def conforms(value, schema, root):
    try:
        _check(value, schema, root, "$")
    except AssertionError:
        return False
    return True


def _check(value, schema, root, where):
    """The part of JSON Schema that docs/schemas uses; a keyword it does not know is an error."""
    if "$ref" in schema:
        schema, root = refer(schema["$ref"], root)
    for keyword, wanted in schema.items():
        if keyword == "type":
            names = [wanted] if isinstance(wanted, str) else wanted
            numeric = isinstance(value, bool) and "boolean" not in names
            assert any(isinstance(value, TYPES[name]) for name in names) and not numeric, where
        elif keyword == "enum":
            assert value in wanted, f"{where}: {value}"
        elif keyword == "oneOf":
            assert sum(conforms(value, one, root) for one in wanted) == 1, f"{where}: {wanted}"
        elif keyword == "minimum":
            assert value is None or value >= wanted, where
        elif keyword == "maximum":
            assert value <= wanted, where
        elif value is None:
            assert keyword == "description" or "null" in schema["type"], where
        elif keyword == "required":
            assert set(wanted) <= set(value), where
        elif keyword == "items":
            for k, item in enumerate(value):
                _check(item, wanted, root, f"{where}[{k}]")
        elif keyword == "additionalProperties":
            for key in set(value) - set(schema.get("properties", {})):
                assert wanted is not False, f"{where}.{key}"
                _check(value[key], wanted, root, f"{where}.{key}")
        elif keyword == "properties":
            for key in set(value) & set(wanted):
                _check(value[key], wanted[key], root, f"{where}.{key}")
        else:
            assert keyword in ("$schema", "$defs", "title", "description"), keyword
