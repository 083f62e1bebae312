"""The commit of a copy of the package."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import ablate

PACKAGE = Path(ablate.__file__).parent


def run_python(code: str, root: Path, path: str) -> Any:
    """What a process prints, as JSON, that imports the package from `root`."""
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(root)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd="/", capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def commit_and_dirty(root: Path, path: str | None = None) -> tuple[str | None, bool | None]:
    code = (
        "import json; from ablate.training import machine; found = machine.describe('cpu'); "
        "print(json.dumps([machine.__file__, found['commit'], found['dirty']]))"
    )
    file, commit, dirty = run_python(code, root, os.environ["PATH"] if path is None else path)
    assert Path(file) == root / "ablate" / "training" / "machine.py"
    return commit, dirty
