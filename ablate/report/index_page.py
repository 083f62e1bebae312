"""The index of all runs in a folder of results: each one's question, answer and report."""

from pathlib import Path

from ablate.errors import InputError
from ablate.files import write_text
from ablate.report.html.page import Entry, render_index
from ablate.report.summary_file import read_summary
from ablate.results.names import INDEX, PUBLISHED, REPORT, TRIALS


def write_index(root: Path) -> Path:
    """Write `index.html` for every run in `root`/STUDY/DATASET, and return its path.

    It says what the runs have said in their `summary.md`; nothing is worked out again. A run that
    cannot be read is listed with what is wrong with it.
    """
    runs = sorted(path.parent for path in root.glob(f"*/*/{TRIALS}"))
    entries = [_entry(folder, root) for folder in runs]
    entries += [_other(path, root) for path in _other_reports(root, runs)]
    write_text(root / INDEX, render_index("Studies and what they show", entries))
    return root / INDEX


def _entry(folder: Path, root: Path) -> Entry:
    title = f"{folder.parent.name} on {folder.name}"
    href = (folder / REPORT).relative_to(root).as_posix()
    try:
        said = read_summary(folder)
    except InputError as error:
        return Entry(title=title, href=href, question="It cannot be read.", answer=str(error))
    return Entry(title=title, href=href, question=said.question, answer=said.answer,
                 facts=said.facts)  # fmt: skip


def _other_reports(root: Path, runs: list[Path]) -> list[Path]:
    """Reports that are not of one run (comparisons, claims); what was published is not listed."""
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
        answer="",
    )
