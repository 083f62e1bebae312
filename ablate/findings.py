"""What a run's tables show, found from the CSV files and the study file alone."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ablate import analyse, design_space, factorial, growth, hypotheses, record, tuning, wording
from ablate.study_file import DatasetTable, StudyFile, read_study_file

STUDY = "study.toml"
DRAWS = "draws.csv"


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What one run shows.

    Args:
        file: its study file.
        trials: the results table.
        compared: what is compared: the trials, or of sampled networks `design_space.by_draw`.
        mechanism: of the trained networks, stage by stage, if it was measured.
        summary: of `analyse.summarise`, one row a cell.
        hypotheses: of `hypotheses.judge`, one row each.
        anova: of `factorial.anova`; without rows where the study has one axis.
        fits: of accuracy over growth, where the study has growths enough.
        arms: of `design_space.describe`; without rows where no networks are sampled.
        draws: of sampled networks, one row a draw, if they were kept.
        tried: of `tuning.by_rate`; without rows where no learning rate was tuned.
        rates: of `tuning.chosen`, from these.
        answer: in words.
    """

    file: StudyFile
    trials: pd.DataFrame
    compared: pd.DataFrame
    mechanism: pd.DataFrame | None
    summary: pd.DataFrame
    hypotheses: pd.DataFrame
    anova: pd.DataFrame
    fits: list[growth.GrowthFit]
    arms: pd.DataFrame
    draws: pd.DataFrame | None
    tried: pd.DataFrame
    rates: pd.DataFrame
    answer: str

    @property
    def unit(self) -> str:
        """What pairs the cells that are compared: a seed, or a draw."""
        return str(self.summary.attrs["unit"])


def find(folder: Path) -> Findings:
    """What the run in a folder shows.

    Raises:
        InputError: a table or the study file is missing, or is not one of ours.
    """
    file, _ = read_study_file(folder / STUDY)
    trials = record.read(folder / record.TRIALS)
    compared, unit = comparable(file, trials)
    summary = analyse.summarise(compared, file.baseline, margin=file.margin, unit=unit)
    fits = growth.fit_growth(compared) if file.sample is None else []
    mechanism = _table(folder / record.MECHANISM)
    of_tuning = _table(folder / tuning.TUNING)
    if of_tuning is None:
        of_tuning = pd.DataFrame(columns=list(tuning.COLUMNS))
    tried = tuning.by_rate(of_tuning)
    return Findings(
        file=file,
        trials=trials,
        compared=compared,
        mechanism=mechanism,
        summary=summary,
        hypotheses=hypotheses.judge(
            file.hypotheses, compared, mechanism, file.baseline, file.margin, unit=unit
        ),
        anova=factorial.anova(compared),
        fits=fits,
        arms=_arms(file, trials),
        draws=_table(folder / DRAWS),
        tried=tried,
        rates=tuning.chosen(tried),
        answer=" ".join([wording.answer(summary), *map(wording.optimum, fits)]),
    )


def comparable(file: StudyFile, trials: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """What a study compares, as rows of cells and seeds, and what a seed there is, in words."""
    if file.sample is None:
        return trials, "seed"
    return design_space.by_draw(trials), design_space.UNIT


def _arms(file: StudyFile, trials: pd.DataFrame) -> pd.DataFrame:
    if file.sample is None:
        return pd.DataFrame(columns=list(design_space.COLUMNS))
    own = file.datasets.get(str(trials["dataset"].iloc[0]), DatasetTable())
    return design_space.describe(trials, own.threshold or file.sample.threshold)


def _table(path: Path) -> pd.DataFrame | None:
    return record.read_plain(path) if path.exists() else None
