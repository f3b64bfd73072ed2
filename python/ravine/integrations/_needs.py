# SPDX-License-Identifier: Apache-2.0
"""What a module of this package imports of others, and what is said if that is not there."""

import importlib.metadata
from collections.abc import Iterator
from contextlib import contextmanager

#: The versions that the tests run with.
TESTED = {"transformers": "5.24.0", "lightning": "2.6.6", "keras": "3.15.1"}


def _installed(package: str) -> str:
    try:
        return f"{package} {importlib.metadata.version(package)} is installed"
    except importlib.metadata.PackageNotFoundError:
        return f"{package} is not installed"


@contextmanager
def needs(package: str) -> Iterator[None]:
    """Imports of a package; what fails says which version there is, and which was tried.

    Raises:
        ImportError: the package is missing, or has other names in it.
    """
    try:
        yield
    except ImportError as error:
        tested = f"{package} {TESTED[package]}"
        text = f"Ravine's callback was tested with {tested}, and {_installed(package)}: {error}"
        raise ImportError(text, name=error.name) from error
