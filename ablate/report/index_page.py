"""The index of all runs in a folder of results: one table of verdicts, then a line each."""

from pathlib import Path
from typing import cast

from ablate.analysis.verdicts.answer import Word
from ablate.errors import InputError
from ablate.files import write_text
from ablate.report.html.page import Entry, render_index
from ablate.report.neighbours import dataset_of, in_order
from ablate.report.verdict_file import BETWEEN, read_verdict
from ablate.results.names import INDEX, PUBLISHED, REPORT, VERDICT


def write_index(root: Path) -> Path:
    """Write `index.html` for every run in `root`/STUDY/DATASET, and return its path.

    It says what the runs have said in their `verdict.csv`; nothing is worked out again. A run that
    cannot be read is listed with what is wrong with it.
    """
    runs = in_order(root)
    entries = [_entry(folder, root) for folder in runs]
    for folder in (path.parent for path in _other_reports(root, runs)):
        said = (folder / VERDICT).exists()
        entries.append(_entry(folder, root) if said else _other(folder / REPORT, root))
    write_text(root / INDEX, render_index("Studies and what they show", entries))
    return root / INDEX


def _entry(folder: Path, root: Path) -> Entry:
    href = (folder / REPORT).relative_to(root).as_posix()
    try:
        said = read_verdict(folder)
    except InputError as error:
        return Entry(
            title=folder.parent.name,
            dataset=folder.name,
            href=href,
            question="It cannot be read.",
            sentence=str(error),
        )
    return Entry(
        title=said["study"],
        dataset=dataset_of(folder, said["dataset"]),
        href=href,
        question=said["question"],
        word=cast("Word", said["word"]),
        label=said["label"],
        sentence=said["sentence"],
        effect=said["effect"],
        n=said["n"],
        facts=tuple(said["facts"].split(BETWEEN)) if said["facts"] else (),
    )


def _other_reports(root: Path, runs: list[Path]) -> list[Path]:
    """Reports that are not of one run (comparisons); what was published is not listed."""
    found = sorted({*root.glob(f"*/{REPORT}"), *root.glob(f"*/*/{REPORT}")})
    return [
        path
        for path in found
        if path.parent not in runs and path.relative_to(root).parts[0] != PUBLISHED
    ]


def _other(path: Path, root: Path) -> Entry:
    return Entry(
        title=" on ".join(path.parent.relative_to(root).parts),
        href=path.relative_to(root).as_posix(),
        question="",
        sentence="",
    )
