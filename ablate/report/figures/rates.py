"""Validation accuracy over the learning rates that were tried, for each cell that was tuned."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator

from ablate.analysis import wording
from ablate.report.figures.drawing.sheet import PAGE, Sheet, head, legend_below
from ablate.report.figures.drawing.style import Drawing, Look, fix_layout, keep_within, looks, style
from ablate.report.figures.drawing.tips import reading, tell_bars

MOST_TICKS = 8
APART = 1.04  # neighbouring cells, so that their bars do not cover each other


def accuracy_over_rate(rates: pd.DataFrame, cells: Sequence[str], sheet: Sheet = PAGE) -> Drawing:
    """Mean validation accuracy over the learning rate, and which each cell took.

    Args:
        rates: as `means.by_rate` makes it.
        cells: all cells of the study in order, which sets the looks.
        sheet: what it is drawn on.

    Returns:
        One panel, logarithmic in the rate. Bars are 95% intervals (Student's t) of the mean over
        the trials of a rate; a ring marks the rate that the cell was trained with. A trial that
        did not complete counts as zero.
    """
    look = looks(cells)
    with style():
        figure = Figure(layout="constrained")
        axes = figure.subplots()
        for place, cell in enumerate(look):
            shift = APART ** (place - (len(look) - 1) / 2)
            _draw(axes, rates[rates["cell"] == cell], look[cell], shift)
        axes.set_xscale("log")
        tried = sorted(set(rates["lr"]))
        axes.xaxis.set_major_locator(FixedLocator(tried[:: math.ceil(len(tried) / MOST_TICKS)]))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.set_xlabel("Learning rate (peak)")
        axes.set_ylabel("Validation accuracy (%)\nmean and 95% interval")
        keep_within(axes, "y", 0, 100)
        counts = wording.seeds(rates["n"].min(), rates["n"].max())
        note = f"{counts} trials a rate, with seeds of their own; ring: the rate taken"
        head(figure, sheet, note)
        lines = [
            Line2D([], [], color=own.colour, marker=own.marker, linestyle=own.line, label=cell)
            for cell, own in look.items()
        ]
        legend_below(figure, lines, 4.6, sheet)
        fix_layout(figure)
    took = rates[rates["chosen"]]
    best = [f"{row['cell']} {row['lr']:g} ({row['mean']:.1%})" for row in took.to_dict("records")]
    return Drawing(
        name="learning_rates",
        title="Validation accuracy over the learning rate, by which each cell's rate was chosen; "
        "bars are 95% intervals of the mean",
        alt=f"The rate that each took, and its mean validation accuracy: {'; '.join(best)}.",
        data=rates,
        figure=figure,
    )


def _draw(axes: Axes, rates: pd.DataFrame, look: Look, shift: float) -> None:
    places = rates["lr"] * shift
    mean, low, high = (100 * rates[name].astype(float) for name in ("mean", "low", "high"))
    drawn = axes.errorbar(
        places,
        mean,
        np.stack([mean - low, high - mean]),
        color=look.colour,
        marker=look.marker,
        linestyle=look.line,
        capsize=4,
    )
    told = zip(rates["cell"], rates["lr"], mean, low, high, rates["n"], strict=True)
    tips = [
        reading(f"{cell}, learning rate {rate:g}", *values, n=int(n), unit="trial")
        for cell, rate, *values, n in told
    ]
    tell_bars(drawn, *tips)
    took = rates["chosen"].to_numpy(dtype=bool)
    axes.plot(
        places[took], mean[took], "o", markersize=17, fillstyle="none", color=look.colour, mew=2
    )
