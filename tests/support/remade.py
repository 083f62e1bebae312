"""A published run with all that the report makes of its tables, made once for all tests."""

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

from ablate.report.write import write_findings
from support import PUBLISHED


@functools.cache
def remade(study: str, dataset: str = "digits") -> Path:
    """Its folder; a test copies it."""
    root = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, root)
    folder = Path(shutil.copytree(PUBLISHED / study / dataset, root / study / dataset))
    write_findings(folder)
    return folder
