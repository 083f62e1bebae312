"""What a run's tables show, found from the CSV files and the study file alone."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ablate import analyse, factorial, growth, hypotheses, record, wording
from ablate.study_file import StudyFile, read_study_file

STUDY = "study.toml"


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What one run shows.

    Args:
        file: its study file.
        trials: the results table.
        mechanism: of the trained networks, stage by stage, if it was measured.
        summary: of `analyse.summarise`, one row a cell.
        hypotheses: of `hypotheses.judge`, one row each.
        anova: of `factorial.anova`; without rows where the study has one axis.
        fits: of accuracy over growth, where the study has growths enough.
        answer: in words.
    """

    file: StudyFile
    trials: pd.DataFrame
    mechanism: pd.DataFrame | None
    summary: pd.DataFrame
    hypotheses: pd.DataFrame
    anova: pd.DataFrame
    fits: list[growth.GrowthFit]
    answer: str


def find(folder: Path) -> Findings:
    """What the run in a folder shows.

    Raises:
        InputError: a table or the study file is missing, or is not one of ours.
    """
    file, _ = read_study_file(folder / STUDY)
    trials = record.read(folder / record.TRIALS)
    summary = analyse.summarise(trials, file.baseline, margin=file.margin)
    fits = growth.fit_growth(trials)
    mechanism = _mechanism(folder)
    return Findings(
        file=file,
        trials=trials,
        mechanism=mechanism,
        summary=summary,
        hypotheses=hypotheses.judge(file.hypotheses, trials, mechanism, file.baseline, file.margin),
        anova=factorial.anova(trials),
        fits=fits,
        answer=" ".join([wording.answer(summary), *map(wording.optimum, fits)]),
    )


def _mechanism(folder: Path) -> pd.DataFrame | None:
    path = folder / record.MECHANISM
    return record.read_plain(path) if path.exists() else None
