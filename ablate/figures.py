"""Every figure of a run, in reading order."""

from collections.abc import Sequence

import pandas as pd

from ablate import design_space, plot, plot_distributions, plot_factorial
from ablate.growth import GrowthFit
from ablate.plot_growth import growth_curves
from ablate.plot_mechanism import mechanism_by_stage
from ablate.plot_style import Drawing
from ablate.plot_tuning import accuracy_over_rate

NAMES = (
    *("accuracy", "growth", "interaction", "pareto", "stage_costs", "stage_shares", "curves"),
    *("mechanism_by_stage", "ranks", "edf", "learning_rates"),
)


def draw_all(
    trials: pd.DataFrame,
    summary: pd.DataFrame,
    stages: pd.DataFrame,
    epochs: pd.DataFrame,
    mechanism: pd.DataFrame | None,
    fits: Sequence[GrowthFit],
    rates: pd.DataFrame,
) -> list[Drawing]:
    """The figures that a run has the data for.

    Args:
        trials, summary, stages, epochs: as the functions of `ablate.plot` take them.
        mechanism: of `mechanism.csv`, if it was measured.
        fits: of `growth.fit_growth`.
        rates: of `tuning.by_rate`; without rows where no learning rate was tuned.
    """
    cells = list(summary["cell"])
    wanted: list[Drawing | None] = [
        plot.accuracy_by_arm(trials, summary),
        growth_curves(fits, cells) if fits else None,
        plot_factorial.interaction(trials),
        plot.accuracy_against_cost(trials, summary),
        plot.stage_costs(stages, cells),
        plot.stage_shares(stages, cells),
        plot.learning_curves(epochs, cells),
        mechanism_by_stage(mechanism, cells) if mechanism is not None else None,
        plot_distributions.rank_stability(trials),
        plot_distributions.error_distribution(trials),
        None if rates.empty else accuracy_over_rate(rates, cells),
    ]
    return [drawing for drawing in wanted if drawing is not None]


def draw_sampled(
    trials: pd.DataFrame,
    summary: pd.DataFrame,
    stages: pd.DataFrame,
    epochs: pd.DataFrame,
    mechanism: pd.DataFrame | None,
) -> list[Drawing]:
    """The figures of a study of sampled networks, in which an arm is all of its networks.

    Args:
        trials: as `record.to_frame` makes it.
        summary: of its networks, as `design_space.by_draw` has them.
        stages, epochs, mechanism: as `draw_all` takes them.
    """
    networks, arms, unit = design_space.by_draw(trials), list(summary["cell"]), design_space.UNIT
    wanted: list[Drawing | None] = [
        plot_distributions.error_distribution(networks, unit),
        plot.accuracy_by_arm(networks, summary),
        plot.stage_shares(design_space.mean_stages(stages, trials), arms),
        plot.learning_curves(design_space.by_arm(epochs, trials), arms, unit),
        None
        if mechanism is None
        else mechanism_by_stage(design_space.by_arm(mechanism, trials), arms),
        plot_distributions.rank_stability(networks, unit),
    ]
    return [drawing for drawing in wanted if drawing is not None]
