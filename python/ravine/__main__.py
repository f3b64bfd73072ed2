# SPDX-License-Identifier: Apache-2.0
"""`python -m ravine ...` and the script `ravine`: the command that is inside the package."""

import os
import sys
from pathlib import Path


def main() -> None:
    """Becomes the command: $RAVINE_COMMAND, or the one inside the package."""
    inside = Path(__file__).with_name("bin") / "ravine"
    command = os.environ.get("RAVINE_COMMAND") or str(inside)
    if not os.access(command, os.X_OK):
        sys.exit(f"ravine: {command} is missing: this package was built without the command")
    os.execv(command, ["ravine", *sys.argv[1:]])


if __name__ == "__main__":
    main()
