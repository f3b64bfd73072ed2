"""The pages say what the command says."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RAVINE = Path(os.environ.get("RAVINE_BUILD", ROOT / "build")).resolve() / "ravine"


def test_settings_on_the_pages_of_the_rules() -> None:
    script = ROOT / "tools" / "rule_tables.py"
    checked = subprocess.run(
        [sys.executable, script, RAVINE, "--check"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
