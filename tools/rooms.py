# SPDX-License-Identifier: Apache-2.0
"""The house of tools/rooms.toml: parts, rooms, what may use what; and circles in whatever graph."""

import tomllib
from fnmatch import fnmatch
from pathlib import Path

HOUSE = tomllib.loads(Path(__file__).with_name("rooms.toml").read_text())
SEES = HOUSE["sees"]
ROOMS = HOUSE["rooms"]


def part_of(path: str) -> str:
    """The part of the house that a file lies in: lib; what is no part has its own folder's name."""
    return path.split("/")[0]


def room_of(path: str) -> str | None:
    """The room that a file lies in, the longest name that fits; None: none that is listed."""
    part, _, rest = path.partition("/")
    fitting = [room for room in ROOMS.get(part, []) if f"{rest}/".startswith(f"{room}/")]
    return max(fitting, key=len, default=None)


def fault_of_use(user: str, used: str) -> str | None:
    """Why a file must not use another one; None: it may."""
    part, other = part_of(user), part_of(used)
    if part != other:
        if any(fnmatch(used, pattern) for pattern in SEES[part]):
            return None
        return f"{part}/ sees {' and '.join(SEES[part]) or 'nothing else'}"
    if part not in ROOMS:
        return None
    room, below = room_of(user), room_of(used)
    if room is None or below is None:
        return None  # told once, as a file without a room
    if ROOMS[part].index(below) > ROOMS[part].index(room):
        return f"the room {below} stands above {room}"
    return None


def circles(uses: dict[str, set[str]]) -> list[list[str]]:
    """The groups of nodes that reach each other: strongly connected, Tarjan 1972."""
    number, low, stack, found = {}, {}, [], []

    def visit(node: str) -> None:
        number[node] = low[node] = len(number)
        stack.append(node)
        for other in sorted(uses.get(node, ())):
            if other not in number:
                visit(other)
            if other in stack:
                low[node] = min(low[node], low[other])
        if low[node] == number[node]:
            group = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(group) > 1:
                found.append(sorted(group))

    for node in sorted(uses):
        if node not in number:
            visit(node)
    return found
