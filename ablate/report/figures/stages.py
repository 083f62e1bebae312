"""What each stage of a network costs: exact values, and shares."""

import math
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from ablate.analysis import costs, wording
from ablate.report.figures.drawing.sheet import PAGE, Sheet, head, legend_below
from ablate.report.figures.drawing.style import (
    COSTS,
    ON_DARK,
    ON_LIGHT,
    Drawing,
    Look,
    fix_layout,
    handles,
    log_axis,
    looks,
    style,
)
from ablate.report.figures.drawing.tips import tell


def stage_costs(
    stages: pd.DataFrame, cells: Sequence[str] | None = None, sheet: Sheet = PAGE
) -> Drawing:
    """Where each network spends: MACs, parameters and activations by stage, logarithmic.

    Args:
        stages: one row a cell and stage, with the columns `cell`, `stage` ("stem", "stage 1",
            ..., "head"), `out_size` (pixels), `params`, and `macs` and `activations` for one
            image.
        cells: all cells of the study in order, which sets the looks; those of `stages` if None.
        sheet: what it is drawn on.

    Returns:
        Three panels; the residual stages of an arm are joined by a line. Arms stand side by side
        within a stage, so that equal values do not hide each other.
    """
    look = looks(cells or list(stages["cell"].unique()))
    shown = [cell for cell in look if cell in set(stages["cell"])]
    stages = stages.sort_values("stage", key=lambda names: names.map(_stage_place), kind="stable")
    names = list(stages["stage"].unique())
    offsets = (np.arange(len(shown)) - (len(shown) - 1) / 2) * min(0.2, 0.7 / len(shown))
    panels = {
        "macs": "MACs per image (conv + linear)",
        "params": "Parameters",
        "activations": "Activations per image",
    }

    with style():
        figure = Figure(layout="constrained")
        across = sheet.panels(3)
        grid = figure.subplots(3 // across, across, squeeze=False)
        for axes, (cost, label) in zip(grid.flat, panels.items(), strict=True):
            for cell, offset in zip(shown, offsets, strict=True):
                rows = stages[stages["cell"] == cell]
                _draw_stages(axes, rows, names, cost, offset, look[cell])
            log_axis(axes, "y", stages[cost])
            axes.set_xticks(range(len(names)), [_stage_label(stages, name) for name in names])
            axes.set_xlim(-0.5, len(names) - 0.5)
            axes.set_xlabel("Stage; output side (pixels)")
            axes.grid(visible=False, axis="x")
            for place in range(0, len(names), 2):
                axes.axvspan(place - 0.5, place + 0.5, color="0.95", zorder=0)
            axes.set_title(label)
        head(figure, sheet, "Counted for one image, so without uncertainty")
        keys = handles(look, dict(zip(shown, shown, strict=True)))
        legend_below(figure, keys, 4.2 * 3 / across, sheet)
        fix_layout(figure)
    residual = stages[stages["stage"].str.startswith("stage")]
    spread = residual.groupby("cell", sort=False)["macs"].agg(["min", "max"])
    each = [
        f"{cell} {wording.si(low)} to {wording.si(high)}" for cell, low, high in spread.itertuples()
    ]
    return Drawing(
        name="stage_costs",
        title="What each stage costs; counted, so without uncertainty",
        alt=f"MACs of a residual stage, least to most: {'; '.join(each)}.",
        data=stages[["cell", "stage", "out_size", *panels]],
        figure=figure,
    )


def stage_shares(
    stages: pd.DataFrame, cells: Sequence[str] | None = None, sheet: Sheet = PAGE
) -> Drawing:
    """How a network's MACs, parameters and activations divide among its stages, in percent.

    Args:
        stages, cells, sheet: as in `stage_costs`.

    Returns:
        Three panels of stacked bars, one bar an arm; shares of 8% or more carry their number.
    """
    order = [cell for cell in cells or stages["cell"].unique() if cell in set(stages["cell"])]
    stages = stages.sort_values("stage", key=lambda names: names.map(_stage_place), kind="stable")
    names = list(stages["stage"].unique())
    shares = costs.stage_shares(stages)
    colours = sns.color_palette("cividis", len(names))
    letters = min(30, sheet.letters(2))

    with style():
        figure = Figure(layout="constrained")
        across = sheet.panels(3)
        grid = figure.subplots(3 // across, across, sharey=True, squeeze=False)
        for axes, (cost, label) in zip(grid.flat, COSTS.items(), strict=True):
            table = (
                shares.pivot(index="cell", columns="stage", values=cost).reindex(order).fillna(0)
            )
            left = np.zeros(len(order))
            for name, colour in zip(names, colours, strict=True):
                width = 100 * table[name].to_numpy()
                bars = axes.barh(
                    range(len(order)), width, left=left, color=[colour], edgecolor="white"
                )
                tips = [
                    f"{cell}, {name}: {share:.1f}% of {label}"
                    for cell, share in zip(order, width, strict=True)
                ]
                for bar, tip in zip(bars, tips, strict=True):
                    tell(bar, tip)
                ink = ON_DARK if sum(colour) < 1.35 else ON_LIGHT
                _number_bars(axes, left, width, ink, tips)
                left += width
            axes.set_yticks(range(len(order)), [textwrap.fill(cell, letters) for cell in order])
            axes.set_ylim(len(order) - 0.5, -0.5)
            axes.set_xlim(0, 100)
            axes.grid(visible=False)
            axes.set_xticks([0, 25, 50, 75, 100], ["", "25", "50", "75", "100"])
            axes.set_xlabel(f"Share of {label} (%)")
        patches = [
            Patch(color=colour, label=name) for name, colour in zip(names, colours, strict=True)
        ]
        head(figure, sheet)
        legend_below(figure, patches, (1.2 + 0.5 * len(order)) * 3 / across, sheet)
        fix_layout(figure)
    most = shares.loc[shares.groupby("cell", sort=False)["macs"].idxmax()]
    largest = [
        f"{cell} {name} ({share:.0%})"
        for cell, name, share in most[["cell", "stage", "macs"]].itertuples(index=False)
    ]
    return Drawing(
        name="stage_shares",
        title="How each arm's MACs, parameters and activations divide among its stages",
        alt=f"The largest share of MACs is in: {'; '.join(largest)}.",
        data=shares,
        figure=figure,
    )


def _number_bars(axes: Axes, left: Any, width: Any, colour: str, tips: list[str]) -> None:
    for place, (start, size, tip) in enumerate(zip(left, width, tips, strict=True)):
        if size >= 8:
            number = axes.text(
                start + size / 2, place, f"{size:.0f}", color=colour, ha="center", va="center",
                fontsize="small",
            )  # fmt: skip
            tell(number, tip)


def _draw_stages(
    axes: Axes, rows: pd.DataFrame, names: list[str], cost: str, offset: float, look: Look
) -> None:
    """One arm's cost by stage: a marker each, and a line through the residual stages."""
    places = rows["stage"].map(names.index) + offset
    kind: dict[str, Any] = {"color": look.colour, "marker": look.marker, "markersize": 7}
    residual = rows["stage"].str.startswith("stage")
    for own, line in ((residual, {"linewidth": 1.5}), (~residual, {"linestyle": "none"})):
        (drawn,) = axes.plot(places[own], rows.loc[own, cost], **line, **kind)
        told = rows.loc[own, ["cell", "stage", cost]].itertuples(index=False)
        tell(drawn, *(f"{cell}, {stage}: {wording.si(value)} {COSTS[cost]}"
                      for cell, stage, value in told))  # fmt: skip


def _stage_place(name: str) -> float:
    """Order within a network: stem, stage 1, stage 2, ..., head."""
    ends = {"stem": -math.inf, "head": math.inf}
    return ends[name] if name in ends else float(name.removeprefix("stage "))


def _stage_label(stages: pd.DataFrame, name: str) -> str:
    """A stage's name above its output size, where all arms share it."""
    sizes = stages.loc[stages["stage"] == name, "out_size"].unique()
    short = name.removeprefix("stage ")
    return f"{short}\n{sizes[0]}" if len(sizes) == 1 else short
