"""Runs in a folder from outcomes that are known."""

from collections.abc import Mapping
from pathlib import Path

from ablate.analysis.findings import Findings, find
from ablate.results.csv import write_table
from support.frames import trials_frame


def run_of(
    folder: Path,
    study: str,
    outcomes: Mapping[str, Mapping[int, float | str]],
    costs: Mapping[str, Mapping[str, object]] | None = None,
    **columns: object,
) -> Findings:
    """What a run shows of a study whose only axis is `arm`.

    Args:
        folder: to write to.
        study: the study file.
        outcomes: cell -> seed -> test accuracy, or the state of a trial without one.
        costs: of a cell.
        columns: of all trials, in place of the usual; or worked out from the table.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "study.toml").write_text(study, encoding="utf-8")
    trials = trials_frame(outcomes, costs)  # type: ignore[arg-type]
    for name, value in columns.items():
        trials[name] = value(trials) if callable(value) else value
    write_table(trials, folder / "trials.csv")
    return find(folder)
