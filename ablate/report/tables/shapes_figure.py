"""Outcomes over growth at equal budgets, of a table of many networks."""

import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from ablate.analysis import wording
from ablate.report.figures.drawing.sheet import PAGE, Sheet, head, legend_below
from ablate.report.figures.drawing.style import Drawing, fix_layout, looks, style
from ablate.report.figures.drawing.tips import reading, tell
from ablate.tables.shapes import Shapes

ACROSS = 3  # panels in a row
TICKS = (0.25, 0.35, 0.5, 0.7, 1, 1.4, 2, 2.8, 4, 5.6, 8)
FOOT = 0.045  # of a panel's height, for each best growth


def growth_at_budgets(
    shapes: Shapes, budget: str, unit: str, asked: float, sheet: Sheet = PAGE
) -> Drawing:
    """One panel an outcome: a curve with its band for each budget, and the best growth of each.

    Args:
        shapes: what the table shows.
        budget: of what they are equal, in words.
        unit: of the outcomes, in words.
        asked: the growth that is asked about; a line stands there.
        sheet: what it is drawn on.
    """
    outcomes = list(shapes.curves["outcome"].unique())
    levels = sorted(shapes.curves["at"].unique())
    look = looks([f"{at:g}" for at in levels])
    across = min(sheet.panels(ACROSS), len(outcomes))
    down = math.ceil(len(outcomes) / across)
    with style():
        figure = Figure(layout="constrained")
        panels = figure.subplots(down, across, squeeze=False)
        for axes, outcome in zip(panels.flat, outcomes, strict=False):
            for place, at in enumerate(levels):
                _draw(axes, shapes, outcome, at, look[f"{at:g}"].colour, place)
            axes.axvline(asked, color="black", linestyle=":", linewidth=1.2)
            axes.set(title=outcome, xlabel="Growth r of the widths")
            _growth_axis(axes)
        for axes in list(panels.flat)[len(outcomes) :]:
            axes.set_axis_off()
        for axes in panels[:, 0]:
            axes.set_ylabel(unit)
        head(figure, sheet, "Bands and bars: 95% intervals over networks")
        lines = [
            Line2D(
                [],
                [],
                color=look[f"{at:g}"].colour,
                linewidth=2,
                label=f"{wording.si(at)} {budget}",
            )
            for at in levels
        ]
        lines += [
            Line2D([], [], color="0.4", marker="D", linewidth=3, label="best growth"),
            Line2D([], [], color="black", linestyle=":", label=f"r = {asked:g}"),
        ]
        legend_below(figure, lines, 4.2 * down, sheet)
        fix_layout(figure)
    said = [
        f"{row['outcome']} at {wording.si(row['at'])} {budget}: best growth "
        f"{wording.interval_text(row['best'], row['low'], row['high'], '.2f')}"
        for row in shapes.best.to_dict("records")
    ]
    return Drawing(
        name="growth",
        title=f"Over growth r, the ratio of a stage's width to the one before, at equal {budget}; "
        "at the foot, the growth at which each curve is best",
        alt=". ".join(said) + ".",
        data=shapes.curves,
        figure=figure,
    )


def _draw(axes: Axes, shapes: Shapes, outcome: str, at: float, colour: str, place: int) -> None:
    """One curve, and where it is best, at the foot of the panel."""
    curve = shapes.curves
    own = curve[(curve["outcome"] == outcome) & (curve["at"] == at)]
    if own.empty:
        return
    axes.fill_between(own["growth"], own["low"], own["high"], color=colour, alpha=0.2, linewidth=0)
    (line,) = axes.plot(own["growth"], own["mean"], color=colour, linewidth=2)
    name = f"{wording.si(at)}"
    tell(line, f"{outcome}, {name}")
    row: pd.Series = shapes.best[
        (shapes.best["outcome"] == outcome) & (shapes.best["at"] == at)
    ].iloc[0]
    across = axes.get_xaxis_transform()
    height = FOOT * (place + 1)
    (bar,) = axes.plot(
        [row["low"], row["high"]],
        [height] * 2,
        color=colour,
        linewidth=3,
        solid_capstyle="butt",
        transform=across,
    )
    (mark,) = axes.plot(
        [row["best"]], [height], color=colour, marker="D", markersize=6, transform=across
    )
    limits = float(row["best"]), float(row["low"]), float(row["high"])
    n = int(shapes.fits.loc[shapes.fits["outcome"] == outcome, "n"].iloc[0])
    text = reading(f"best growth at {name}", *limits, n=n, form=".2f", of="")
    for artist in (bar, mark):
        tell(artist, text)


def _growth_axis(axes: Axes) -> None:
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(FixedLocator(TICKS))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    low, high = axes.get_ylim()
    axes.set_ylim(low - 0.22 * (high - low), high)  # room for the bars at the foot
