"""Every figure of a run, in reading order."""

from collections.abc import Sequence

import pandas as pd

from ablate.analysis import populations
from ablate.analysis.growth import GrowthFit
from ablate.analysis.summary import Summary
from ablate.report.figures import accuracy, curves, distributions, interaction
from ablate.report.figures import stages as report_figures_stages
from ablate.report.figures.growth import growth_curves
from ablate.report.figures.mechanism import mechanism_by_stage
from ablate.report.figures.rates import accuracy_over_rate
from ablate.report.figures.style import Drawing

NAMES = (
    *("accuracy", "growth", "interaction", "pareto", "stage_costs", "stage_shares", "curves"),
    *("mechanism_by_stage", "ranks", "edf", "learning_rates"),
)


def draw_all(
    trials: pd.DataFrame,
    summary: Summary,
    stages: pd.DataFrame,
    epochs: pd.DataFrame,
    mechanism: pd.DataFrame | None,
    fits: Sequence[GrowthFit],
    rates: pd.DataFrame,
) -> list[Drawing]:
    """The figures that a run has the data for.

    Args:
        trials, summary, stages, epochs: as the functions of `accuracy` take them.
        mechanism: of `mechanism.csv`, if it was measured.
        fits: of `growth.fit_growth`.
        rates: of `rates.by_rate`; without rows where no learning rate was tuned.
    """
    cells = summary.cells
    wanted: list[Drawing | None] = [
        accuracy.accuracy_by_arm(trials, summary),
        growth_curves(fits, cells) if fits else None,
        interaction.interaction(trials),
        accuracy.accuracy_against_cost(trials, summary),
        report_figures_stages.stage_costs(stages, cells),
        report_figures_stages.stage_shares(stages, cells),
        curves.learning_curves(epochs, cells),
        mechanism_by_stage(mechanism, cells) if mechanism is not None else None,
        distributions.rank_stability(trials),
        distributions.error_distribution(trials),
        None if rates.empty else accuracy_over_rate(rates, cells),
    ]
    return [drawing for drawing in wanted if drawing is not None]


def draw_sampled(
    trials: pd.DataFrame,
    summary: Summary,
    stages: pd.DataFrame,
    epochs: pd.DataFrame,
    mechanism: pd.DataFrame | None,
) -> list[Drawing]:
    """The figures of a study of sampled networks, in which an arm is all of its networks.

    Args:
        trials: as `schema.to_frame` makes it.
        summary: of its networks, as `populations.by_draw` has them.
        stages, epochs, mechanism: as `draw_all` takes them.
    """
    networks, arms, unit = populations.by_draw(trials), summary.cells, populations.UNIT
    wanted: list[Drawing | None] = [
        distributions.error_distribution(networks, unit),
        accuracy.accuracy_by_arm(networks, summary),
        report_figures_stages.stage_shares(populations.mean_stages(stages, trials), arms),
        curves.learning_curves(populations.by_arm(epochs, trials), arms, unit),
        None
        if mechanism is None
        else mechanism_by_stage(populations.by_arm(mechanism, trials), arms),
        distributions.rank_stability(networks, unit),
    ]
    return [drawing for drawing in wanted if drawing is not None]
