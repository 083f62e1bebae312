"""A folder that `ablate judge` wrote, verified: what is said, made anew from the rows kept."""

import json
import shutil
import tempfile
from pathlib import Path

from ablate.errors import InputError
from ablate.report.tables.kept import ROWS, SOURCE
from ablate.report.tables.write import rewrite
from ablate.report.tables.write_study import write_said
from ablate.results.check import FINDINGS, Line
from ablate.results.checks.files import difference
from ablate.results.names import MARKDOWN, REPORT

FOUND = "summary, verdict and the data of figures are as made anew from what is kept of the table"


def verify_judged(folder: Path) -> list[Line]:
    """What the checks came to; only reads the folder."""
    if not (folder / ROWS).exists():
        about = json.loads((folder / SOURCE).read_text(encoding="utf-8"))
        if about.get("rows_kept"):
            return [Line("FAULT", ROWS, "missing")]
        return [Line("note", ROWS, "none were kept; nothing is made anew")]
    with tempfile.TemporaryDirectory() as place:
        anew = Path(place) / "anew"
        anew.mkdir()
        for name in (SOURCE, ROWS):
            shutil.copy(folder / name, anew)
        try:
            rewrite(anew)
        except InputError as error:
            return [Line("FAULT", ROWS, str(error).replace(str(anew), str(folder)))]
        return [Line("ok", ROWS, f"as many rows as {SOURCE} says"), *_compared(folder, anew)]


def verify_study(folder: Path) -> list[Line]:
    """Of a study of kind `table`: what is said, made anew from what was found of the table.

    The table itself is not there; `source.csv` has its checksum.
    """
    with tempfile.TemporaryDirectory() as place:
        anew = Path(place) / "anew"
        shutil.copytree(folder, anew)
        try:
            write_said(anew)
        except InputError as error:
            return [Line("FAULT", FINDINGS, str(error).replace(str(anew), str(folder)))]
        return _compared(folder, anew)


def _compared(folder: Path, anew: Path) -> list[Line]:
    lines = []
    tables = {path.name for one in (folder, anew) for path in one.glob("*.csv")}
    for name in sorted(tables):
        differs = difference(folder / name, anew / name)
        if differs:
            lines.append(Line("FAULT", FINDINGS, f"{name}: {differs}"))
    own = folder / SOURCE
    if own.exists() and own.read_bytes() != (anew / SOURCE).read_bytes():
        lines.append(Line("FAULT", SOURCE, "not as ablate writes it"))
    for name in (MARKDOWN, REPORT):
        old, new = folder / name, anew / name
        if not old.exists() or old.read_bytes() != new.read_bytes():
            lines.append(
                Line("note", name, "not as these versions of ablate and matplotlib write it")
            )
    if not any(line.level == "FAULT" for line in lines):
        lines.insert(0, Line("ok", FINDINGS, FOUND))
    return lines
