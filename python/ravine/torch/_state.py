# SPDX-License-Identifier: Apache-2.0
"""Dictionaries that note when they are changed: `optimizer.state` and what is in it.

What is in the tensors is the library's memory, so writing to those needs no note; replacing one,
or taking one away, does.
"""


class Changes:
    """Whether any of several dictionaries was changed."""

    __slots__ = ("any",)

    def __init__(self):
        """None was."""
        self.any = False


class State(dict):
    """The state of one parameter: "step", "exp_avg", ..."""

    __slots__ = ("changes",)

    def __init__(self, changes: Changes):
        """An empty one."""
        super().__init__()
        self.changes = changes


class States(State):
    """The state of all parameters; that of one without is made empty, as PyTorch makes it."""

    __slots__ = ()

    def __missing__(self, param):
        """An empty state."""
        state = State(self.changes)
        dict.__setitem__(self, param, state)
        return state


def _noting(name):
    method = getattr(dict, name)

    def noting(self, *arguments, **named):
        self.changes.any = True
        return method(self, *arguments, **named)

    noting.__name__, noting.__doc__ = name, method.__doc__
    return noting


for _name in "__setitem__ __delitem__ __ior__ clear pop popitem setdefault update".split():
    setattr(State, _name, _noting(_name))
