"""Every figure of a run by its name, in reading order; each is drawn when it is asked for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd

from ablate.analysis import populations
from ablate.analysis.findings import Findings
from ablate.analysis.growth import GrowthFit
from ablate.analysis.summary import Summary
from ablate.report.figures import (
    accuracy,
    curves,
    distributions,
    front,
    interaction,
    pareto,
    stages,
)
from ablate.report.figures.drawing.sheet import PAGE, Sheet
from ablate.report.figures.drawing.style import Drawing
from ablate.report.figures.growth import growth_curves
from ablate.report.figures.mechanism import mechanism_by_stage
from ablate.report.figures.rates import accuracy_over_rate
from ablate.report.figures.throughput import throughput_by_batch
from ablate.results.csv import read_table
from ablate.results.names import EPOCHS, STAGES, SWEEP
from ablate.results.tables import read_sweep
from ablate.search.explored import is_search, read_explored

NAMES = (
    *("accuracy", "growth", "interaction", "pareto", "stage_costs", "stage_shares", "curves"),
    *("mechanism_by_stage", "ranks", "edf", "learning_rates"),
)
Figures = Mapping[str, Callable[[], Drawing | None]]


def figures(found: Findings, folder: Path, sheet: Sheet = PAGE) -> Figures:
    """The figures for which a run has something to show; study and data set stand above each.

    Args:
        found: what it shows.
        folder: where its tables lie.
        sheet: what they are drawn on; its subject is of no account.
    """
    first = found.trials.iloc[0]
    sheet = replace(sheet, subject=f"{first['study']} on {first['dataset']}")
    of_stages, of_epochs = read_table(folder / STAGES), read_table(folder / EPOCHS)
    known = (found.trials, found.summary, of_stages, of_epochs, found.mechanism)
    wanted: dict[str, Callable[[], Drawing | None]] = {}
    if is_search(folder):
        explored = read_explored(folder)
        wanted["front"] = partial(front.front_against_cost, explored, found.trials, sheet)
        wanted["hypervolume_by_budget"] = partial(front.hypervolume_by_budget, explored, sheet)
    if found.arms.empty:
        wanted |= figures_of_cells(*known, found.fits, found.tried, sheet)
    else:
        wanted |= figures_of_networks(*known, sheet)
    if (folder / SWEEP).exists():
        wanted["throughput"] = lambda: throughput_by_batch(read_sweep(folder / SWEEP), sheet)
    return wanted


def draw(wanted: Figures) -> list[Drawing]:
    """All of them, drawn."""
    return [drawing for make in wanted.values() if (drawing := make()) is not None]


def figures_of_cells(
    trials: pd.DataFrame,
    summary: Summary,
    of_stages: pd.DataFrame,
    of_epochs: pd.DataFrame,
    mechanism: pd.DataFrame | None,
    fits: Sequence[GrowthFit],
    rates: pd.DataFrame,
    sheet: Sheet = PAGE,
) -> Figures:
    """The figures of a study in which each arm is one network.

    Args:
        trials, summary, of_stages, of_epochs: as the functions of `accuracy`, `stages` and
            `curves` take them.
        mechanism: of `mechanism.csv`, if it was measured.
        fits: of `growth.fit_growth`.
        rates: of `means.by_rate`; without rows where no learning rate was tuned.
        sheet: what they are drawn on.
    """
    cells = summary.cells
    wanted: dict[str, Callable[[], Drawing | None]] = {
        "accuracy": partial(accuracy.accuracy_by_arm, trials, summary, sheet),
        "growth": partial(growth_curves, fits, sheet=sheet),
        "interaction": partial(interaction.interaction, trials, sheet=sheet),
        "pareto": partial(pareto.accuracy_against_cost, trials, summary, sheet),
        "stage_costs": partial(stages.stage_costs, of_stages, cells, sheet),
        "stage_shares": partial(stages.stage_shares, of_stages, cells, sheet),
        "curves": partial(curves.learning_curves, of_epochs, cells, sheet=sheet),
    }
    if mechanism is not None:
        wanted["mechanism_by_stage"] = partial(mechanism_by_stage, mechanism, cells, sheet)
    wanted["ranks"] = partial(distributions.rank_stability, trials, sheet=sheet)
    wanted["edf"] = partial(distributions.error_distribution, trials, sheet=sheet)
    wanted["learning_rates"] = partial(accuracy_over_rate, rates, cells, sheet)
    shown = {
        "growth": bool(fits),
        "interaction": interaction.has_interaction(trials),
        "pareto": pareto.has_costs(trials, summary),
        "ranks": distributions.has_ranks(trials),
        "edf": distributions.has_distribution(trials),
        "learning_rates": not rates.empty,
    }
    return {name: make for name, make in wanted.items() if shown.get(name, True)}


def figures_of_networks(
    trials: pd.DataFrame,
    summary: Summary,
    of_stages: pd.DataFrame,
    of_epochs: pd.DataFrame,
    mechanism: pd.DataFrame | None,
    sheet: Sheet = PAGE,
) -> Figures:
    """The figures of a study of sampled networks, in which an arm is all of its networks.

    Args:
        trials: as `schema.to_frame` makes it.
        summary: of its networks, as `populations.by_draw` has them.
        of_stages, of_epochs, mechanism, sheet: as `figures_of_cells` takes them.
    """
    networks, arms, unit = populations.by_draw(trials), summary.cells, populations.UNIT
    wanted: dict[str, Callable[[], Drawing | None]] = {
        "edf": partial(distributions.error_distribution, networks, unit, sheet),
        "accuracy": partial(accuracy.accuracy_by_arm, networks, summary, sheet),
        "stage_shares": lambda: stages.stage_shares(
            populations.mean_stages(of_stages, trials), arms, sheet
        ),
        "curves": lambda: curves.learning_curves(
            populations.by_arm(of_epochs, trials), arms, unit, sheet
        ),
    }
    if mechanism is not None:
        of_arms = populations.by_arm(mechanism, trials)
        wanted["mechanism_by_stage"] = partial(mechanism_by_stage, of_arms, arms, sheet)
    wanted["ranks"] = partial(distributions.rank_stability, networks, unit, sheet)
    shown = {
        "edf": distributions.has_distribution(networks),
        "ranks": distributions.has_ranks(networks),
    }
    return {name: make for name, make in wanted.items() if shown.get(name, True)}
