"""Accuracy over growth: the arms, the fitted curve, and where it is highest."""

import math
import textwrap
from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from ablate.analysis import wording
from ablate.analysis.growth import GrowthFit
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

ACROSS = 3  # panels in a row
CURVE = "0.35"  # grey, since colours are of cells
TICKS = (0.25, 0.5, 0.7, 1, 1.4, 2, 2.8, 4, 8, 16)


def growth_curves(fits: Sequence[GrowthFit], cells: Sequence[str] | None = None) -> Drawing:
    """Accuracy against growth on a logarithmic axis, one panel for each thing held equal.

    Args:
        fits: one or more, of one study or of several.
        cells: all cells of the study in order, which sets the looks; those of `fits` if None.

    Returns:
        Each arm's mean with its interval, hollow where it is ruled out as the best; the curve with
        its band; the best growth with its interval as a bar at the foot; and a line at the growth
        that was asked about.
    """
    across = min(ACROSS, len(fits))
    down = math.ceil(len(fits) / across)
    look = looks(cells or list(dict.fromkeys(cell for fit in fits for cell in fit.points["cell"])))
    with style():
        figure = Figure(layout="constrained")
        panels = figure.subplots(down, across, squeeze=False)
        for axes, fit in zip(panels.flat, fits, strict=False):
            _draw(axes, fit, look)
            axes.set_title(_title(fit, 90 // across))
        for axes in list(panels.flat)[len(fits) :]:
            axes.set_axis_off()
        for axes in panels[:, 0]:
            axes.set_ylabel("Test accuracy (%)")
        figure.suptitle("Bars, bands and brackets: 95% intervals", fontsize="medium")
        lines = [
            Line2D([], [], color=CURVE, marker="o", linestyle="none", label="arm"),
            Line2D(
                [],
                [],
                color=CURVE,
                markerfacecolor="white",
                marker="o",
                linestyle="none",
                label="arm, ruled out as best",
            ),
            Line2D([], [], color=CURVE, linewidth=2, label="fitted curve"),
            Line2D([], [], color="black", marker="D", linewidth=4, label="best growth r*"),
            Line2D([], [], color="black", linestyle=":", label=f"r = {fits[0].at:g}"),
        ]
        legend_below(figure, lines, height=4.6 * down)
        figure.set_figwidth(WIDTH)
        fix_layout(figure)
    return Drawing(
        name="growth",
        title="Test accuracy over growth r, the ratio of a stage's width to the one before; at the "
        "foot, the growth at which the curve is highest",
        alt=" ".join(wording.optimum(fit) for fit in fits),
        data=_data(fits),
        figure=figure,
    )


def _draw(axes: Axes, fit: GrowthFit, look: dict[str, Look]) -> None:
    points, line = fit.points, fit.curve
    axes.set_xscale("log", base=2)
    axes.fill_between(
        line["growth"], 100 * line["low"], 100 * line["high"], color=CURVE, alpha=0.2, linewidth=0
    )
    axes.plot(line["growth"], 100 * line["mean"], color=CURVE, linewidth=2)
    for row in points.to_dict("records"):
        mean, low, high = (100 * row[name] for name in ("mean", "low", "high"))
        colour = look[row["cell"]].colour
        axes.errorbar(
            row["growth"],
            mean,
            yerr=[[mean - low], [high - mean]],
            fmt=look[row["cell"]].marker,
            color=colour,
            markerfacecolor=colour if row["cell"] in fit.best_arms else "white",
            markersize=8,
            linewidth=1.6,
            capsize=4,
            zorder=3,
        )
    axes.axvline(fit.at, color="black", linestyle=":", linewidth=1.4, zorder=1)
    keep_within(axes, "y", 0, 100)
    low, high = axes.get_ylim()
    foot = low - 0.06 * (high - low)
    axes.plot(
        [fit.best.low, fit.best.high],
        [foot, foot],
        color="black",
        linewidth=4,
        solid_capstyle="butt",
    )
    axes.plot([fit.best.mean], [foot], color="black", marker="D", markersize=8)
    axes.set_ylim(foot - 0.06 * (high - low), high)
    axes.xaxis.set_major_locator(FixedLocator(TICKS))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel("Growth r, as built")


def _title(fit: GrowthFit, letters: int) -> str:
    """What is held equal, and the best growth, in lines of so many letters."""
    held = f"Equal {wording.MEASURES[fit.match]}" if fit.match else "Nothing held equal"
    group = f", {fit.group}" if fit.group else ""
    edge = " (edge)" if fit.edge else ""
    best = wording.interval_text(fit.best.mean, fit.best.low, fit.best.high, ".2f")
    first = textwrap.fill(f"{held}{group} (n = {fit.seeds})", letters)
    return f"{first}\nr* = {best}{edge}"


def _data(fits: Sequence[GrowthFit]) -> pd.DataFrame:
    """Arms, curves and optima, one row each; accuracies as fractions."""
    parts = []
    for fit in fits:
        held = {"match": fit.match or "", "group": fit.group}
        best = {"growth": fit.best.mean, "growth_low": fit.best.low, "growth_high": fit.best.high}
        parts += [
            fit.points.assign(what="arm", **held),
            fit.curve.assign(what="curve", **held),
            pd.DataFrame([{"what": "best", "n": fit.seeds, **held, **best}]),
        ]
    columns = ["match", "group", "what", "cell", "growth", "growth_low", "growth_high"]
    return pd.concat(parts, ignore_index=True)[[*columns, "n", "mean", "low", "high", "p_best"]]
