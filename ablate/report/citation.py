"""How to cite a run: BibTeX that names the table by its checksum."""

import hashlib
import json
import re
from pathlib import Path

import pandas as pd

from ablate.analysis import wording
from ablate.analysis.findings import Findings
from ablate.report.html.page import Section
from ablate.results.names import TRIALS

_SPECIAL = re.compile(r"([&%$#_{}])")
_OTHERS = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}


def section(found: Findings, folder: Path) -> Section:
    """The section that says how to cite a run.

    Args:
        found: what the run shows.
        folder: where its tables lie.
    """
    return Section(heading="Cite", anchor="cite", code=bibtex(found, folder))


def bibtex(found: Findings, folder: Path) -> str:
    """One entry: question, size, version and the checksum of `trials.csv`."""
    trials, first = found.trials, found.trials.iloc[0]
    versions = {json.loads(text).get("ablate") for text in trials["versions"].dropna().unique()}
    named = ", ".join(sorted(version for version in versions if version))
    digest = hashlib.sha256((folder / TRIALS).read_bytes()).hexdigest()
    year = "" if pd.isna(trials["finished"].max()) else str(trials["finished"].max())[:4]
    arms = wording.plural(len(found.summary.table), "arm")
    seeds = wording.plural(found.compared["seed"].nunique(), found.unit)
    title = f"{first['study']} on {first['dataset']}: {' '.join(found.file.question.split())}"
    key = re.sub(r"[^A-Za-z0-9]+", "-", f"{first['study']}-{first['dataset']}").strip("-")
    fields = {
        "title": f"{{{_latex(title)}}}",
        "author": "{ablate contributors}",
        "year": year,
        "note": _latex(
            f"{arms}, {seeds} each{f', ablate {named}' if named else ''}. trials.csv, SHA-256 "
            f"{digest}"
        ),
    }
    lines = [f"  {name:6} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@misc{{{key},", *lines, "}"])


def _latex(text: str) -> str:
    """Text as LaTeX prints it."""
    return "".join(_OTHERS.get(letter) or _SPECIAL.sub(r"\\\1", letter) for letter in text)
