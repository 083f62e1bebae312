"""The index of all runs in a folder of results: each one's question, answer and report."""

from pathlib import Path

import pandas as pd

from ablate.analysis import summary as analysis_summary
from ablate.analysis import wording
from ablate.analysis.findings import comparable
from ablate.errors import InputError
from ablate.files import write_text
from ablate.report.html.page import Entry, render_index
from ablate.results import csv as results_csv
from ablate.results import names
from ablate.results.names import HYPOTHESES, INDEX, REPORT, STUDY
from ablate.study.file import read_study_file


def write_index(root: Path) -> Path:
    """Write `index.html` for every run in `root`/STUDY/DATASET, and return its path.

    A run whose tables cannot be read is listed with what is wrong with it.
    """
    folders = sorted(path.parent for path in root.glob(f"*/*/{names.TRIALS}"))
    entries = [_entry(folder, root) for folder in folders]
    entries += [_other(path, root) for path in _other_reports(root, folders)]
    write_text(root / INDEX, render_index("Studies and what they show", entries))
    return root / INDEX


def _entry(folder: Path, root: Path) -> Entry:
    title = f"{folder.parent.name} on {folder.name}"
    href = (folder / REPORT).relative_to(root).as_posix()
    try:
        file, _ = read_study_file(folder / STUDY)
        trials = results_csv.read(folder / names.TRIALS)
        compared, unit = comparable(file, trials)
        summary = analysis_summary.summarise(compared, file.baseline, margin=file.margin, unit=unit)
        verdicts = _verdicts(folder / HYPOTHESES)
    except InputError as error:
        return Entry(title=title, href=href, question="It cannot be read.", answer=str(error))
    lost = (trials["state"] != "complete").sum()
    facts = [
        ", ".join(
            wording.counted(number, noun)
            for number, noun in (
                (len(summary), "arm"),
                (compared["seed"].nunique(), unit),
                (len(trials), "trial"),
            )
        )
        + (f", {lost} without an accuracy" if lost else ""),
        *verdicts,
        ", ".join(trials["device"].unique()),
    ]
    return Entry(
        title=title,
        href=href,
        question=file.question,
        answer=wording.answer(summary),
        facts=tuple(facts),
    )


def _verdicts(path: Path) -> list[str]:
    """How many predictions had which verdict."""
    if not path.exists():
        return []
    try:
        counts = pd.read_csv(path)["verdict"].value_counts()
    except (ValueError, KeyError) as error:
        raise InputError(
            f"{path}: not a table of verdicts; `ablate report {path.parent}` makes it anew"
        ) from error
    return ["predictions: " + ", ".join(f"{counts[name]} {name}" for name in sorted(counts.index))]


def _other_reports(root: Path, runs: list[Path]) -> list[Path]:
    """Reports that are not of one run: comparisons, claims."""
    found = sorted({*root.glob(f"*/{REPORT}"), *root.glob(f"*/*/{REPORT}")})
    return [path for path in found if path.parent not in runs]


def _other(path: Path, root: Path) -> Entry:
    return Entry(
        title=" on ".join(path.parent.relative_to(root).parts),
        href=path.relative_to(root).as_posix(),
        question="",
        answer="",
    )
