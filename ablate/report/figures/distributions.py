"""Figures of all trials together: distributions of errors, and ranks over seeds."""

import math
import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ablate.analysis import distributions, wording
from ablate.report.figures.drawing.sheet import PAGE, Sheet, head, legend_below, set_height
from ablate.report.figures.drawing.style import (
    ON_DARK,
    ON_LIGHT,
    Drawing,
    Look,
    fix_layout,
    looks,
    style,
)
from ablate.report.figures.drawing.tips import tell

FEWEST_TRIALS, FEWEST_SEEDS, FEWEST_CELLS = 20, 3, 3
TOGETHER, ACROSS = 3, 4  # bands in a panel, panels in a row


def has_distribution(trials: pd.DataFrame) -> bool:
    """Whether every arm has trials enough for `error_distribution` to show."""
    return distributions.fewest(trials) >= FEWEST_TRIALS


def has_ranks(trials: pd.DataFrame) -> bool:
    """Whether there are cells and seeds enough for `rank_stability` to show."""
    seeds, cells = distributions.ranks(trials).shape
    return seeds >= FEWEST_SEEDS and cells >= FEWEST_CELLS


def error_distribution(
    trials: pd.DataFrame, unit: str = "seed", sheet: Sheet = PAGE
) -> Drawing | None:
    """The distribution of test errors of each arm of the first axis, with its 95% band.

    Args:
        trials: as `schema.to_frame` makes it, of one study, or `populations.by_draw`.
        unit: what the numbers in `seed` are of, in words.
        sheet: what it is drawn on.

    Returns:
        None unless every arm has `FEWEST_TRIALS` complete trials: with fewer the band says nothing.
    """
    if not has_distribution(trials):
        return None
    table = distributions.error_distributions(trials)
    look = looks(list(dict.fromkeys(table["arm"])))
    # More than a few bands in one panel cover each other: then each arm has a panel of its own.
    together = len(look) <= TOGETHER
    shown = [list(look)] if together else [[arm] for arm in look]
    across = min(sheet.panels(ACROSS), len(shown))
    down = math.ceil(len(shown) / across)
    counted = "Trials" if unit == "seed" else "Networks"
    counts = table.groupby("arm", sort=False)["n"].first()
    with style():
        figure = Figure(layout="constrained")
        grid = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
        for axes in grid.flat[len(shown) :]:
            axes.set_axis_off()
        for axes, arms in zip(grid.flat, shown, strict=False):
            for arm, of_arm in look.items():
                _draw_steps(axes, table[table["arm"] == arm], of_arm, arm in arms, unit)
            named = "All arms" if together else f"{arms[0]} (n = {counts[arms[0]]})"
            axes.set_title(textwrap.fill(named, sheet.letters(across)))
            axes.set_ylim(-2, 102)  # so that lines at either end are seen whole
            axes.set_xlabel("Test error (%)")
            axes.xaxis.set_tick_params(labelbottom=True)
        for axes in grid[:, 0]:
            axes.set_ylabel(f"{counted} with at most\nthis error (%)")
        others = "" if together else "; grey: the other arms"
        head(
            figure,
            sheet,
            f"Further left is better; 95% bands of whole curves, by the number of {unit}s{others}",
        )
        entries = [
            Line2D([], [], color=of.colour, linestyle=of.line, label=f"{arm} (n = {counts[arm]})")
            for arm, of in look.items()
        ]
        legend_below(figure, entries if together else [], 5.0 if together else 3.1 * down, sheet)
        fix_layout(figure)
    medians = 100 * table.groupby("arm", sort=False)["error"].median()
    return Drawing(
        name="edf",
        title="Empirical distribution of the test error of each arm, with 95% bands",
        alt="Median error: "
        + "; ".join(f"{arm} {value:.1f}%" for arm, value in medians.items())
        + ".",
        data=table,
        figure=figure,
    )


def _draw_steps(axes: Axes, rows: pd.DataFrame, look: Look, shown: bool, unit: str) -> None:
    """One arm's distribution with its band, or in the background."""
    median = 100 * rows["error"].median()
    # Of equal errors the last has the height of the step; the first row is the curve's start.
    rows = pd.concat([rows.iloc[:1], rows.iloc[1:].drop_duplicates("error", keep="last")])
    errors = 100 * rows["error"]
    colour = look.colour if shown else "0.75"
    width = 1.8 if shown else 0.8
    (line,) = axes.step(
        errors,
        100 * rows["share"],
        where="post",
        color=colour,
        linewidth=width,
        linestyle=look.line if shown else "-",
        zorder=3 if shown else 1,
    )
    n = wording.plural(int(rows["n"].iloc[0]), unit)
    said = f"{rows['arm'].iloc[0]}: median error {median:.1f}%, n = {n}"
    tell(line, said)
    if shown:
        band = axes.fill_between(errors, 100 * rows["low"], 100 * rows["high"], step="post",
                                 color=colour, alpha=0.15, linewidth=0)  # fmt: skip
        tell(band, said)


def rank_stability(trials: pd.DataFrame, unit: str = "seed", sheet: Sheet = PAGE) -> Drawing | None:
    """How often each cell had each rank among the seeds, and how far they agree (Kendall's W).

    Args:
        trials, unit, sheet: as in `error_distribution`.

    Returns:
        A cell a row, the best mean rank at the top, and a rank a column. None with fewer than
        `FEWEST_SEEDS` seeds complete in all cells, or `FEWEST_CELLS` cells.
    """
    if not has_ranks(trials):
        return None
    table = distributions.ranks(trials)
    shares, w = distributions.rank_counts(table), distributions.agreement(table)
    order = shares.mul(shares.columns.astype(float)).sum(axis="columns").sort_values(kind="stable")
    shown = shares.loc[order.index]
    percent = 100 * shown.to_numpy()
    agreed = f"Kendall's W = {wording.interval_text(w.mean, w.low, w.high, '.2f')}"
    agreed += "" if np.isnan(w.low) else " (95% interval)"
    with style():
        names = [textwrap.fill(cell, min(30, sheet.letters(2))) for cell in shown.index]
        rows = [max(0.55, 0.3 * (1 + name.count("\n"))) for name in names]
        figure = Figure(layout="constrained")
        axes = figure.subplots()
        cells = axes.pcolormesh(percent, cmap="Blues", vmin=0, vmax=100, edgecolors="white")
        said = [
            f"{cell}: rank {rank} with {value:.0f}% of {len(table)} {unit}s"
            for cell, values in zip(shown.index, percent, strict=True)
            for rank, value in zip(shown.columns, values, strict=True)
        ]
        tell(cells, *said)
        for (row, column), value in np.ndenumerate(percent):
            if value > 0:
                number = axes.text(column + 0.5, row + 0.5, f"{value:.0f}", ha="center",
                                   va="center", color=ON_DARK if value > 70 else ON_LIGHT,
                                   fontsize="small")  # fmt: skip
                tell(number, said[row * percent.shape[1] + column])
        axes.set_xticks(np.arange(len(shown)) + 0.5, [str(rank) for rank in shown.columns])
        axes.set_yticks(np.arange(len(shown)) + 0.5, names)
        axes.get_yticklabels()[0].set_fontweight("bold")
        axes.invert_yaxis()
        axes.grid(visible=False)
        axes.set_xlabel(
            textwrap.fill(
                f"Rank within a {unit} (1: most accurate; a tie counts in parts)",
                sheet.letters() - 10,
            )
        )
        head(
            figure,
            sheet,
            f"Share of {unit}s (%), best mean rank first; {agreed}, n = {len(table)}",
        )
        set_height(figure, 1.5 + max(rows) * len(rows), sheet)
        fix_layout(figure)
    most = shares[1].max()
    first = [str(cell) for cell in shares.index[np.isclose(shares[1], most)]]  # several may tie
    often = f"{' and '.join(first)} {'is' if len(first) == 1 else 'are'} most often the first"
    return Drawing(
        name="ranks",
        title=f"How often each arm had each rank; W is 1 where all {unit}s agree on the order",
        alt=f"{often} ({100 * most:.0f}% of {len(table)} {unit}s{' each' * (len(first) > 1)}); "
        f"{agreed}.",
        data=shares.rename_axis("cell")
        .reset_index()
        .melt("cell", var_name="rank", value_name="share"),
        figure=figure,
    )
