"""One effect in several data sets, and pooled over them: a forest plot."""

import math
import textwrap
from collections.abc import Hashable
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon

from ablate.analysis import wording
from ablate.analysis.across.pooled import LEVEL, Pools
from ablate.report.figures.drawing.sheet import PAGE, Sheet, head, legend_below
from ablate.report.figures.drawing.style import Drawing, Look, fix_layout, handles, looks, style
from ablate.report.figures.drawing.tips import reading, tell, tell_bars

MOST_COLUMNS = 3
WIDEST = 28  # characters of a title's line
THICK = 0.28  # of the diamond, half of it, in rows


def forest(pools: Pools, sheet: Sheet = PAGE) -> Drawing:
    """A panel a pooled difference: a row a data set, the mean over them, and one more data set.

    Args:
        pools: with a row or more in its table.
        sheet: what it is drawn on.
    """
    table = pools.table
    pooled = pools.effects.merge(table[["cell", "baseline"]], on=["cell", "baseline"])
    datasets = list(dict.fromkeys(pooled["dataset"]))
    look = looks(datasets)
    columns = min(sheet.panels(MOST_COLUMNS), len(table))
    lines = math.ceil(len(table) / columns)
    with style():
        figure = Figure(layout="constrained")
        grid = figure.subplots(lines, columns, sharey=True, squeeze=False)
        for place, row in enumerate(table.to_dict("records")):
            own = (pooled["cell"] == row["cell"]) & (pooled["baseline"] == row["baseline"])
            _draw(grid.flat[place], pooled[own], row, datasets, look)
        for axes in grid.flat[len(table) :]:
            axes.set_visible(False)
        for place in range(max(0, len(table) - columns), len(table)):
            grid.flat[place].set_xlabel("Difference in test\naccuracy (points)")
        names = {name: f"{name} ({_seeds(pooled, name)})" for name in datasets}
        mean = Line2D([], [], color="black", marker="D", linestyle="none", label="mean over them")
        new = Line2D([], [], color="black", linewidth=1, label="one more data set")
        head(figure, sheet, f"{100 * LEVEL:g}% intervals; of a data set, the joint ones of its run")
        height = 0.9 + lines * (1.1 + 0.42 * (len(datasets) + 1))
        legend_below(figure, [*handles(look, names), mean, new], height, sheet)
        fix_layout(figure)
    found = [
        f"{row['cell']} against {row['baseline']}: {_mean(row)} points"
        for row in table.to_dict("records")
    ]
    return Drawing(
        name="forest",
        title="Each arm's difference from the baseline in each data set, the mean over data sets "
        f"and the interval for one more; {100 * LEVEL:g}% intervals, of a data set the joint ones "
        "of its run",
        alt=f"Means over {len(datasets)} data sets. {'; '.join(found)}.",
        data=pooled[["cell", "baseline", "run", "dataset", "n", "estimate", "low", "high"]],
        figure=figure,
    )


def _draw(
    axes: Axes,
    effects: pd.DataFrame,
    row: dict[Hashable, Any],
    datasets: list[str],
    look: dict[str, Look],
) -> None:
    for name, n, estimate, low, high in zip(
        effects["dataset"],
        effects["n"],
        *(100 * effects[column].astype(float) for column in ("estimate", "low", "high")),
        strict=True,
    ):
        drawn = axes.errorbar(
            [estimate],
            [datasets.index(name)],
            xerr=[[estimate - low], [high - estimate]],
            fmt=look[name].marker,
            color=look[name].colour,
            markersize=7,
            linewidth=1.6,
            capsize=4,
        )
        limits = estimate, low, high
        said = reading(f"{row['cell']} on {name}", *limits, n=int(n), form="+z.1f", of=" points")
        tell_bars(drawn, said)
    bottom = len(datasets)
    middle, low, high, new_low, new_high = (
        100 * row[name] for name in ("estimate", "low", "high", "new_low", "new_high")
    )
    (new,) = axes.plot(
        [new_low, new_high], [bottom, bottom], color="black", linewidth=1, marker="|"
    )
    tell(new, f"{row['cell']} on one more data set: {new_low:+z.1f} to {new_high:+z.1f} points")
    corners = [(low, bottom), (middle, bottom - THICK), (high, bottom), (middle, bottom + THICK)]
    diamond = axes.add_patch(Polygon(corners, closed=True, color="black"))
    tell(diamond, f"{row['cell']}, mean over data sets: {_mean(row)} points")
    axes.axvline(0, color="black", linewidth=1.2, zorder=1)
    axes.set_ylim(bottom + 0.6, -0.6)
    axes.set_yticks(range(bottom + 1), [*datasets, "mean over them"])
    name = textwrap.fill(f"{row['cell']} against {row['baseline']}", WIDEST)
    axes.set_title(f"{name}\n{_mean(row)}")


def _mean(row: dict[Hashable, Any]) -> str:
    mean, low, high = (100 * row[name] for name in ("estimate", "low", "high"))
    return wording.interval_text(mean, low, high, "+z.1f")


def _seeds(effects: pd.DataFrame, name: str) -> str:
    own = effects.loc[effects["dataset"] == name, "n"]
    return wording.seeds(own.min(), own.max())
