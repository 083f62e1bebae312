"""Accuracy over growth: the arms, the fitted curve, and where it is highest."""

import itertools
import math
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Annotation
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from scipy.optimize import isotonic_regression

from ablate.analysis import growth, wording
from ablate.analysis.growth import GrowthFit
from ablate.report.figures.drawing.sheet import PAGE, Sheet, head, legend_below
from ablate.report.figures.drawing.style import DPI, Drawing, fix_layout, keep_within, style
from ablate.report.figures.drawing.tips import reading, tell, tell_bars

ACROSS = 3  # panels in a row
CURVE, ARM = "0.5", "black"
TICKS = (0.25, 0.5, 0.7, 1, 1.4, 2, 2.8, 4, 8, 16)
X_LABEL = "Growth r as built (whole channels)"
APART = 4  # dots, between names
FOOT = 0.14  # of a panel's height
ABOVE = 6  # points, of a name above its mark


def growth_curves(
    fits: Sequence[GrowthFit], subjects: Sequence[str] = (), sheet: Sheet = PAGE
) -> Drawing:
    """Accuracy against growth on a logarithmic axis, one panel for each thing held equal.

    Args:
        fits: one or more, of one study or of several.
        subjects: the study and data set of each fit, where they are of several.
        sheet: what it is drawn on.

    Returns:
        Each arm's mean with its interval and its name, at the growth that its whole channels came
        to, and hollow where it is ruled out as the best; the curve with its band; the best growth
        with its interval as a bar at the foot; and a line at the growth that was asked about.
    """
    across = min(sheet.panels(ACROSS), len(fits))
    down = math.ceil(len(fits) / across)
    with style():
        figure = Figure(layout="constrained")
        panels = figure.subplots(down, across, squeeze=False)
        names = [_draw(axes, fit) for axes, fit in zip(panels.flat, fits, strict=False)]
        for axes, fit, subject in zip(
            panels.flat, fits, subjects or [""] * len(fits), strict=False
        ):
            axes.set_title(_title(fit, subject, sheet.letters(across)))
            axes.set_xlabel(textwrap.fill(X_LABEL, sheet.letters(across)))
        for axes in list(panels.flat)[len(fits) :]:
            axes.set_axis_off()
        for axes in panels[:, 0]:
            axes.set_ylabel("Test accuracy (%)")
        head(figure, sheet, "Bars, bands and brackets: 95% intervals")
        mark: dict[str, Any] = {"color": ARM, "marker": "o", "linestyle": "none"}
        lines = [
            Line2D([], [], label="arm", **mark),
            Line2D([], [], label="arm, ruled out as best", markerfacecolor="white", **mark),
            Line2D([], [], color=CURVE, linewidth=2, label="fitted curve"),
            Line2D([], [], color="black", marker="D", linewidth=4, label="best growth r*"),
            Line2D([], [], color="black", linestyle=":", label=f"r = {fits[0].at:g}"),
        ]
        legend_below(figure, lines, 4.6 * down + 0.3 * (down if subjects else 0), sheet)
        figure.draw_without_rendering()
        for axes, of_axes, fit in zip(panels.flat, names, fits, strict=False):
            _keep_apart(axes, of_axes)
            _make_room(axes, of_axes)
            _draw_asked(axes, fit)
        fix_layout(figure)
    return Drawing(
        name="growth",
        title="Test accuracy over growth r, the ratio of a stage's width to the one before; at the "
        "foot, the growth at which the curve is highest",
        alt=" ".join(growth.optimum_text(fit) for fit in fits),
        data=_data(fits),
        figure=figure,
    )


def _draw(axes: Axes, fit: GrowthFit) -> list[Annotation]:
    """A panel; returns the names of its arms."""
    points, line = fit.points, fit.curve
    axes.set_xscale("log", base=2)
    axes.fill_between(
        line["growth"], 100 * line["low"], 100 * line["high"], color=CURVE, alpha=0.2, linewidth=0
    )
    axes.plot(line["growth"], 100 * line["mean"], color=CURVE, linewidth=2)
    names = []
    for row in points.to_dict("records"):
        mean, low, high = (100 * row[name] for name in ("mean", "low", "high"))
        drawn = axes.errorbar(
            row["growth"],
            mean,
            yerr=[[mean - low], [high - mean]],
            fmt="o",
            color=ARM,
            markerfacecolor=ARM if row["cell"] in fit.best_arms else "white",
            markersize=8,
            linewidth=1.6,
            capsize=4,
            zorder=3,
        )
        built = f"{row['cell']} (built: {row['growth']:.3g})"
        tell_bars(drawn, reading(built, mean, low, high, n=row["n"]))
        top = mean if math.isnan(high) else high
        names.append(_named(axes, str(row["cell"]), row["growth"], top))
    keep_within(axes, "y", 0, 100)
    best = fit.best
    across = axes.get_xaxis_transform()  # at the foot, whatever the limits
    (bar,) = axes.plot([best.low, best.high], [FOOT / 2] * 2, color="black", linewidth=4,
                       solid_capstyle="butt", transform=across)  # fmt: skip
    (mark,) = axes.plot(
        [best.mean], [FOOT / 2], color="black", marker="D", markersize=8, transform=across
    )
    limits = best.mean, best.low, best.high
    said = reading("best growth r*", *limits, n=fit.seeds, form=".2f", of="")
    for artist in (bar, mark):
        tell(artist, said)
    axes.xaxis.set_major_locator(FixedLocator(TICKS))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    return names


def _named(axes: Axes, name: str, growth: float, top: float) -> Annotation:
    """An arm's name above the upper end of its interval."""
    return axes.annotate(
        name,
        (growth, top),
        (0, ABOVE),
        textcoords="offset points",
        ha="center",
        va="bottom",
        fontsize="small",
    )


def _keep_apart(axes: Axes, names: Sequence[Annotation]) -> None:
    """Turn the names upright where they would touch, and then aside."""
    boxes = [name.get_window_extent() for name in names]  # from left to right, as growth ascends
    if all(box.x1 <= after.x0 - APART for box, after in itertools.pairwise(boxes)):
        return
    marks = np.array([axes.transData.transform(name.xy)[0] for name in names])
    # As near to their marks as they can be while each has its own room (least squares).
    room = np.arange(len(names)) * (max(box.height for box in boxes) + APART)
    asides = isotonic_regression(marks - room).x + room - marks
    for name, aside in zip(names, asides, strict=True):
        name.set_rotation(90)
        name.xyann = (72 / DPI * float(aside), ABOVE)


def _make_room(axes: Axes, names: Sequence[Annotation]) -> None:
    """Room for the names above the arms, and at the foot for the best growth."""
    low, high = axes.get_ylim()
    for name in names:
        # A name is as high on every scale; its mark is so low that it ends within the panel.
        mark = axes.transData.transform(name.xy)[1]
        taken = (name.get_window_extent().y1 - mark + APART) / axes.bbox.height
        high = max(high, low + (name.xy[1] - low) * (1 - FOOT) / (1 - FOOT - taken))
    axes.set_ylim(low - (high - low) * FOOT / (1 - FOOT), high)
    low, high = axes.get_ylim()
    axes.set_yticks([tick for tick in axes.get_yticks() if low <= tick <= min(high, 100)])


def _draw_asked(axes: Axes, fit: GrowthFit) -> None:
    """A line at the growth that was asked about, up to the curve, so that it crosses no name."""
    top = 100 * np.interp(fit.at, fit.curve["growth"], fit.curve["mean"])
    ends = [axes.get_ylim()[0], float(top)]
    axes.plot([fit.at] * 2, ends, color="black", linestyle=":", linewidth=1.4, zorder=1)


def _title(fit: GrowthFit, subject: str, letters: int) -> str:
    """What is held equal, and the best growth, in lines of so many letters."""
    held = f"Equal {wording.MEASURES[fit.match]}" if fit.match else "Nothing held equal"
    group = f", {fit.group}" if fit.group else ""
    edge = " (edge)" if fit.edge else ""
    best = wording.interval_text(fit.best.mean, fit.best.low, fit.best.high, ".2f")
    whole = (subject, f"{held}{group} (n = {fit.seeds})", f"r* = {best}{edge}")
    return "\n".join(textwrap.fill(part, letters) for part in whole if part)


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
