"""Interaction plots: the arms of one axis, a line for each arm of another."""

import math
import textwrap
from collections.abc import Hashable
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ablate.analysis import factorial, wording
from ablate.analysis.factorial import cell_means
from ablate.analysis.summary import OUTCOMES
from ablate.report.figures.style import (
    WIDTH,
    Drawing,
    Look,
    fix_layout,
    keep_within,
    legend_below,
    looks,
    style,
)
from ablate.spec import AXIS_PREFIX

ACROSS = 2  # panels in a row
APART = 0.08  # of lines at one arm, so that their intervals do not hide each other


def interaction(trials: pd.DataFrame, outcome: str = "test_accuracy") -> Drawing | None:
    """Each cell's mean with its interval: parallel lines are axes that do not interact.

    Args:
        trials: as `schema.to_frame` makes it, of one study.
        outcome: a column with an accuracy.

    Returns:
        The arms of the first axis along the bottom, a line an arm of the second, and a panel for
        each combination of further ones. None for a study of one axis.
    """
    names = factorial.axes_of(trials)
    if len(names) < 2:
        return None
    along, lines, *further = [AXIS_PREFIX + name for name in names]
    means = cell_means(trials, outcome)
    arms = list(dict.fromkeys(means[along]))
    look = looks(list(dict.fromkeys(means[lines])))
    panels: list[tuple[Hashable, pd.DataFrame]] = (
        list(means.groupby(further, sort=False)) if further else [("", means)]
    )
    with style():
        figure = Figure(layout="constrained")
        across = min(ACROSS, len(panels))
        down = math.ceil(len(panels) / across)
        grid = figure.subplots(down, across, sharey=True, squeeze=False)
        letters = max(8, 76 // (across * len(arms)))  # of a line that fits below an arm
        apart = min(APART, 0.6 / len(look))
        for axes in grid.flat[len(panels) :]:
            axes.set_axis_off()
        for axes, (shared, rows) in zip(grid.flat, panels, strict=False):
            for place, (arm, of_arm) in enumerate(look.items()):
                offset = apart * (place - (len(look) - 1) / 2)
                _draw(axes, rows[rows[lines] == arm], arms, along, of_arm, offset)
            axes.set_xticks(range(len(arms)), [textwrap.fill(arm, letters) for arm in arms])
            axes.set_xlim(-0.5, len(arms) - 0.5)
            axes.set_xlabel(names[0])
            axes.set_title(" / ".join(map(str, shared)) if isinstance(shared, tuple) else "")
        for axes in grid[:, 0]:
            axes.set_ylabel(f"{OUTCOMES[outcome].capitalize()} (%)")
        keep_within(grid[0, 0], "y", 0, 100)
        figure.suptitle("Mean over seeds with its 95% interval", fontsize="medium")
        counts = means.groupby(lines, sort=False)["n"].agg(["min", "max"])
        entries = [
            Line2D([], [], color=of.colour, marker=of.marker, linestyle=of.line,
                   label=f"{names[1]}: {arm} ({wording.seeds(*counts.loc[arm])})")
            for arm, of in look.items()
        ]  # fmt: skip
        legend_below(figure, entries, height=4.8 * down)
        figure.set_figwidth(WIDTH)
        fix_layout(figure)
    return Drawing(
        name="interaction",
        title=f"{OUTCOMES[outcome].capitalize()} by {names[0]}, a line for each {names[1]}; "
        "parallel lines are axes that do not interact",
        alt=f"Mean {OUTCOMES[outcome]}: "
        + "; ".join(_in_words(row, [along, lines, *further]) for row in means.to_dict("records"))
        + ".",
        data=means,
        figure=figure,
    )


def _draw(
    axes: Axes, rows: pd.DataFrame, arms: list[str], along: str, look: Look, offset: float
) -> None:
    # An arm without a trial breaks the line, lest it seem to have been measured there.
    rows = rows.set_index(along).reindex(arms)
    middle, low, high = (100 * rows[name] for name in ("mean", "low", "high"))
    axes.errorbar(
        [place + offset for place in range(len(arms))],
        middle,
        yerr=[middle - low, high - middle],
        color=look.colour,
        marker=look.marker,
        linestyle=look.line,
        markersize=7,
        linewidth=1.6,
        capsize=4,
    )


def _in_words(row: dict[Hashable, Any], axes: list[str]) -> str:
    """A cell's name and mean, for whoever cannot see it."""
    cell = " / ".join(str(row[axis]) for axis in axes)
    return f"{cell} {100 * row['mean']:.1f}%" if row["n"] else f"{cell} has no complete trial"
