"""A folder that `ablate judge` wrote, verified: what is said, made anew from the rows kept."""

import html
import json
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ablate.analysis.verdicts.answer import Verdict
from ablate.errors import InputError
from ablate.report.tables.kept import ROWS, SOURCE, SPREAD, as_it_was
from ablate.report.tables.write import rewrite
from ablate.report.tables.write_study import write_said
from ablate.report.verdict_file import prose
from ablate.results.check import FINDINGS, Line
from ablate.results.checks.files import difference
from ablate.results.csv import read_table
from ablate.results.names import MARKDOWN, REPORT, SUMMARY, VERDICT

FOUND = "summary, verdict and the data of figures are as made anew from what is kept of the table"

_ANSWER = re.compile(r'<h2 id="answer">(.*?</h2>\s*<p class="said">.*?)</p>', re.DOTALL)
_TAG = re.compile(r"<[^>]*>")


def verify_judged(folder: Path) -> list[Line]:
    """What the checks came to; only reads the folder."""
    about = json.loads((folder / SOURCE).read_text(encoding="utf-8"))
    if "known" in about:
        return _verified(folder, (SOURCE, SUMMARY, SPREAD), f"{SUMMARY}, {SPREAD}")
    if not (folder / ROWS).exists():
        if about.get("rows_kept"):
            return [Line("FAULT", ROWS, "missing")]
        return [Line("note", ROWS, "none were kept; nothing is made anew"), *_told(folder)]
    return _verified(folder, (SOURCE, ROWS), ROWS)


def _verified(folder: Path, kept: Sequence[str], what: str) -> list[Line]:
    """What the checks of all came to that is made anew from these files.

    Where rows were not kept, what is not there of the rest may be made again at any time.
    """
    with tempfile.TemporaryDirectory() as place:
        anew = Path(place) / "anew"
        anew.mkdir()
        for name in kept:
            if not (folder / name).exists():
                return [Line("FAULT", name, "missing")]
            shutil.copy(folder / name, anew)
        try:
            verdict = rewrite(anew)
        except InputError as error:
            return [Line("FAULT", what, str(error).replace(str(anew), str(folder)))]
        if ROWS not in kept:
            _leave_out(anew, folder)
        return [
            Line("ok", what, f"as many rows as {SOURCE} says"),
            *_compared(folder, anew, verdict),
        ]


def verify_study(folder: Path) -> list[Line]:
    """Of a study of kind `table`: what is said, made anew from what was found of the table.

    The table itself is not there; `source.csv` has its checksum. What is not there of the rest may
    be made again at any time: a published run keeps it not.
    """
    with tempfile.TemporaryDirectory() as place:
        anew = Path(place) / "anew"
        shutil.copytree(folder, anew)
        try:
            verdict = write_said(anew)
        except InputError as error:
            return [Line("FAULT", FINDINGS, str(error).replace(str(anew), str(folder)))]
        _leave_out(anew, folder)
        return _compared(folder, anew, verdict)


def _leave_out(anew: Path, folder: Path) -> None:
    """Remove the tables made anew that a folder has not."""
    for path in anew.glob("*.csv"):
        if not (folder / path.name).exists():
            path.unlink()


def _compared(folder: Path, anew: Path, verdict: Verdict) -> list[Line]:
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
        if old.exists() and not _says(old, verdict.label, verdict.sentence):
            lines.append(Line("FAULT", name, f"does not say the verdict, {verdict.said!r}"))
        elif not old.exists() or old.read_bytes() != new.read_bytes():
            lines.append(
                Line("note", name, "not as these versions of ablate and matplotlib write it")
            )
    if not any(line.level == "FAULT" for line in lines):
        lines.insert(0, Line("ok", FINDINGS, FOUND))
    return lines


def _told(folder: Path) -> list[Line]:
    """Faults of a summary and a page that do not say what the table of the verdict does."""
    try:
        row = read_table(folder / VERDICT).iloc[0]
        label, sentence = str(row["label"]), as_it_was(str(row["sentence"]))
    except (OSError, ValueError, LookupError) as error:
        return [Line("FAULT", VERDICT, f"cannot be read: {error}")]
    return [
        Line("FAULT", name, f"does not say the verdict of {VERDICT}, {label}: {sentence}")
        for name in (MARKDOWN, REPORT)
        if (folder / name).exists() and not _says(folder / name, label, sentence)
    ]


def _says(path: Path, label: str, sentence: str) -> bool:
    """Whether a summary or a page says the verdict, word and sentence, where it belongs."""
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.name == MARKDOWN:
        said = f"**{label}:** {prose(sentence)}"
        return [line for line in text.split("\n\n") if line.startswith("**")][:1] == [said]
    blocks = _ANSWER.findall(text)
    words = [html.unescape(_TAG.sub("", block)).split() for block in blocks]
    return words == [f"{label} {sentence}".split()]
