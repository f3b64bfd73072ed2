# SPDX-License-Identifier: Apache-2.0
"""Finds libravine, loads it, and raises what fails in it.

`lib.ravine_NAME(...)` is the function of that name of ravine.h; a negative result raises the class
of `Error` that belongs to it, with the library's message.
"""

import ctypes
import os
from pathlib import Path

from ravine import _api


class Error(Exception):
    """A call of the library failed, and nothing was changed; the text says why."""


class ArgumentError(Error, ValueError):
    """An argument is wrong."""


class RangeError(Error, ValueError):
    """A number is outside its allowed range."""


class OutOfMemoryError(Error, MemoryError):
    """Out of memory."""


class StateError(Error, RuntimeError):
    """The call is not allowed in this state."""


class UnsupportedError(Error, NotImplementedError):
    """This build or processor cannot do that."""


class FormatError(Error, ValueError):
    """The text or file is not what it should be."""


class FileError(Error, OSError):
    """Reading or writing failed."""


ERRORS = {
    _api.RAVINE_E_ARG: ArgumentError,
    _api.RAVINE_E_RANGE: RangeError,
    _api.RAVINE_E_NOMEM: OutOfMemoryError,
    _api.RAVINE_E_STATE: StateError,
    _api.RAVINE_E_UNSUPPORTED: UnsupportedError,
    _api.RAVINE_E_FORMAT: FormatError,
    _api.RAVINE_E_IO: FileError,
}


def _find() -> str:
    """The library's path: $RAVINE_LIBRARY, or the one inside the package."""
    path = os.environ.get("RAVINE_LIBRARY") or Path(__file__).with_name("libravine.so")
    if not Path(path).exists():
        raise ImportError(f"{path} is missing: install the package, or set RAVINE_LIBRARY")
    return str(path)


def _checked(status, function, arguments):
    if status < 0:
        raise ERRORS[status](lib.ravine_errmsg().decode())
    return status


class Library:
    """The functions of a loaded library, with their prototypes set when they are first used."""

    def __init__(self, loaded):
        """Takes what ctypes has loaded."""
        self._loaded = loaded

    def __getattr__(self, name):
        """A function of the C API."""
        if f"{name}_sized" in _api.PROTOTYPES:
            return self._inline(name)
        result, arguments = _api.PROTOTYPES[name]
        function = getattr(self._loaded, name)
        function.argtypes = arguments
        function.restype = result
        if result is _api.ravine_status:
            function.restype = ctypes.c_int
            function.errcheck = _checked
        setattr(self, name, function)
        return function

    def _inline(self, name):
        """A function that is inline in the headers: it passes the size of its struct on."""
        sized = getattr(self, f"{name}_sized")
        at = sized.argtypes.index(ctypes.c_size_t)  # behind the struct

        def function(*arguments):
            size = ctypes.sizeof(arguments[at - 1])
            return sized(*arguments[:at], size, *arguments[at:])

        setattr(self, name, function)
        return function


_path = _find()
lib = Library(ctypes.CDLL(_path))  # calls release the interpreter's lock
lib_holding_lock = Library(ctypes.PyDLL(_path))


def made(structure, initialize=None):
    """A structure of the API with its size, and what its _init function sets."""
    new = structure()
    if initialize:
        initialize(new)
    new.size = ctypes.sizeof(structure)
    return new


def record_of(kind, structure, **more):
    """A record of _records.py from the structure that it was made of, texts decoded."""
    values = {name: getattr(structure, name, None) for name in kind.__dataclass_fields__} | more
    texts = {name: value.decode() for name, value in values.items() if isinstance(value, bytes)}
    return kind(**values | texts)


def config_of(rule: str):
    """The settings of a rule in its text form, "adamw lr=3e-4"."""
    config = made(_api.ravine_config)
    lib.ravine_config_parse(config, rule.encode())
    return config


class Handle:
    """Owns an optimizer of the library; views of its state keep it alive."""

    def __init__(
        self, config, threads: int = 0, isa: str | None = None, statistics=False, openmp=None
    ):
        """Makes an optimizer with one group; threads, isa and statistics as in ravine_env.

        openmp: a ravine_openmp, whose threads work in place of the library's own.
        """
        env = made(_api.ravine_env, lib.ravine_env_init)
        env.threads = threads
        if openmp is not None:
            self._openmp = openmp  # as long as the optimizer
            run = ctypes.cast(lib.ravine_openmp_run, ctypes.c_void_p).value
            env.parallel = _api.ravine_parallel(run)
            env.parallel_context = ctypes.addressof(openmp)
        env.statistics = statistics
        env.isa = isa.encode() if isa else None
        self.pointer = ctypes.c_void_p()
        self._destroy = lib.ravine_destroy  # at hand even when the interpreter ends
        lib.ravine_create(self.pointer, config, env)

    def __del__(self):
        """Frees the state."""
        if getattr(self, "pointer", None):
            self._destroy(self.pointer)

    def keys(self, param: int) -> list[str]:
        """The state keys of a parameter, without the history that a doctor looks at."""
        keys: list[str] = []
        while key := lib.ravine_state_key(self.pointer, param, len(keys)):
            keys.append(key.decode())
        return [key for key in keys if not key.startswith("watched_")]

    def view(self, name: str, key: str):
        """A state's dtype, shape, and memory as a ctypes buffer; None when it is empty."""
        view = made(_api.ravine_param)
        lib.ravine_state_view(self.pointer, name.encode(), key.encode(), view)
        bytes_each = 8 if view.dtype == _api.RAVINE_F64 else 4
        shape = tuple(view.shape[: view.ndim]) if view.ndim else ()
        if not view.len:
            return view.dtype, shape, None
        memory = (ctypes.c_char * (view.len * bytes_each)).from_address(view.data)
        memory.owner = self
        return view.dtype, shape, memory
