"""What a run's tables show, found from the CSV files and the study file alone."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ablate.analysis import (
    comparisons,
    factorial,
    growth,
    hypotheses,
    populations,
    summary,
    wording,
)
from ablate.analysis.means import by_rate, chosen
from ablate.analysis.summary import Summary
from ablate.results import names
from ablate.results.csv import read_correct, read_table, read_trials
from ablate.results.looks import Settled, outcomes
from ablate.results.manifest import extended_from, looks_of, read_manifest
from ablate.results.names import DRAWS, STUDY
from ablate.results.stopping import Looks
from ablate.study import tuning
from ablate.study.file import DatasetTable, StudyFile, read_study_file, read_words
from ablate.study.stop import as_run
from ablate.study.toml_file import read_toml
from ablate.study.words import Words


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What one run shows.

    Args:
        file: its study file.
        words: that this file gives for its axes and arms.
        trials: the results table.
        compared: what is compared: the trials, or of sampled networks `populations.by_draw`.
        mechanism: of the trained networks, stage by stage, if it was measured.
        correct: which test images each trial classified correctly, if it was recorded.
        summary: of `summary.summarise`.
        hypotheses: of `hypotheses.judge`, one row each.
        anova: of `factorial.anova`; without rows where the study has one axis.
        fits: of accuracy over growth, where the study has growths enough.
        arms: of `populations.describe`; without rows where no networks are sampled.
        draws: of sampled networks, one row a draw, if they were kept.
        tried: of `means.by_rate`; without rows where no learning rate was tuned.
        rates: of `tuning.chosen`, from these.
        looks: planned and made, of a study with `[stop]`; None without.
        extended_from: numbers of seeds that the run had ended with before it was given more.
        seeds: that were planned, at most; None where no manifest says so.
        details: every arm against the baseline, and every optimum, in sentences with all numbers.
    """

    file: StudyFile
    words: Words
    trials: pd.DataFrame
    compared: pd.DataFrame
    mechanism: pd.DataFrame | None
    correct: pd.DataFrame | None
    summary: Summary
    hypotheses: pd.DataFrame
    anova: pd.DataFrame
    fits: list[growth.GrowthFit]
    arms: pd.DataFrame
    draws: pd.DataFrame | None
    tried: pd.DataFrame
    rates: pd.DataFrame
    looks: Looks | None
    extended_from: tuple[int, ...]
    seeds: int | None
    details: str

    @property
    def unit(self) -> str:
        """What is counted in the cells that are compared: a seed, or a draw."""
        return self.summary.unit


def find(folder: Path) -> Findings:
    """What the run in a folder shows.

    Raises:
        InputError: a table or the study file is missing, or is not one of ours.
    """
    toml = read_toml(folder / STUDY)
    file = read_study_file(toml)
    path = folder / names.MANIFEST
    manifest = read_manifest(path)
    trials = read_trials(folder / names.TRIALS)
    compared, unit = comparable(file, trials)
    mechanism = _table(folder / names.MECHANISM)
    summary.check(compared, file.baseline)
    correct = read_correct(folder / names.CORRECT)
    looks = looks_of(manifest, path) if manifest else None
    judged = comparisons.compare(
        compared,
        file.baseline,
        file.hypotheses,
        mechanism,
        correct=correct if file.sample is None else None,
        settled=_settled(file, compared, looks),
    )
    summarised = summary.of_comparisons(
        compared, file.baseline, judged, margin=file.margin, unit=unit
    )
    asked = [each.optimum for each in file.hypotheses.values() if each.optimum is not None]
    fits = growth.fit_growth(compared, at=[*asked, 2.0][0]) if file.sample is None else []
    of_tuning = _table(folder / names.TUNING)
    if of_tuning is None:
        of_tuning = pd.DataFrame(columns=list(tuning.COLUMNS))
    tried = by_rate(of_tuning)
    return Findings(
        file=file,
        words=read_words(toml),
        trials=trials,
        compared=compared,
        mechanism=mechanism,
        correct=correct,
        summary=summarised,
        hypotheses=hypotheses.judge(
            file.hypotheses, compared, judged, file.baseline, file.margin, unit, fits
        ),
        anova=factorial.anova(compared),
        fits=fits,
        arms=_arms(file, trials),
        draws=_table(folder / DRAWS),
        tried=tried,
        rates=chosen(tried),
        looks=looks,
        extended_from=extended_from(manifest, path) if manifest else (),
        seeds=manifest["seeds"] if manifest else None,
        details=" ".join([wording.details(summarised), *map(growth.optimum_text, fits)]),
    )


def comparable(file: StudyFile, trials: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """What a study compares, as rows of cells and seeds, and what a seed there is, in words."""
    if file.sample is None:
        return trials, "seed"
    return populations.by_draw(trials), populations.UNIT


def _settled(file: StudyFile, trials: pd.DataFrame, looks: Looks | None) -> list[Settled] | None:
    """What the looks at a study with `[stop]` saw; None without."""
    if looks is None or file.stop is None:
        return None
    return outcomes(as_run(file, looks.planned[-1]), trials, looks.made)


def _arms(file: StudyFile, trials: pd.DataFrame) -> pd.DataFrame:
    if file.sample is None:
        return pd.DataFrame(columns=list(populations.COLUMNS))
    own = file.datasets.get(str(trials["dataset"].iloc[0]), DatasetTable())
    return populations.describe(trials, own.threshold or file.sample.threshold)


def _table(path: Path) -> pd.DataFrame | None:
    return read_table(path) if path.exists() else None
