"""Figures of all trials together: distributions of errors, and ranks over seeds."""

import math
import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ablate.analysis import distributions, wording
from ablate.report.figures.style import WIDTH, Drawing, Look, fix_layout, legend_below, looks, style

FEWEST_TRIALS, FEWEST_SEEDS, FEWEST_CELLS = 20, 3, 3
TOGETHER, ACROSS = 3, 4  # bands in a panel, panels in a row


def error_distribution(trials: pd.DataFrame, unit: str = "seed") -> Drawing | None:
    """The distribution of test errors of each arm of the first axis, with its 95% band.

    Args:
        trials: as `schema.to_frame` makes it, of one study, or `populations.by_draw`.
        unit: what the numbers in `seed` are of, in words.

    Returns:
        None unless every arm has `FEWEST_TRIALS` complete trials: with fewer the band says nothing.
    """
    if distributions.fewest(trials) < FEWEST_TRIALS:
        return None
    table = distributions.error_distributions(trials)
    look = looks(list(dict.fromkeys(table["arm"])))
    # More than a few bands in one panel cover each other: then each arm has a panel of its own.
    shown = [list(look)] if len(look) <= TOGETHER else [[arm] for arm in look]
    across = min(ACROSS, len(shown))
    down = math.ceil(len(shown) / across)
    counted = "Trials" if unit == "seed" else "Networks"
    with style():
        figure = Figure(layout="constrained")
        grid = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
        for axes in grid.flat[len(shown) :]:
            axes.set_axis_off()
        for axes, arms in zip(grid.flat, shown, strict=False):
            for arm, of_arm in look.items():
                _draw_steps(axes, table[table["arm"] == arm], of_arm, arm in arms)
            axes.set_ylim(-2, 102)  # so that lines at either end are seen whole
            axes.set_xlabel("Test error (%)")
            axes.xaxis.set_tick_params(labelbottom=True)
        for axes in grid[:, 0]:
            axes.set_ylabel(f"{counted} with at most\nthis error (%)")
        others = "; grey: the other arms" if len(shown) > 1 else ""
        figure.suptitle(
            f"Further left is better; 95% bands of whole curves, by the number of {unit}s{others}",
            fontsize="medium",
        )
        counts = table.groupby("arm", sort=False)["n"].first()
        entries = [
            Line2D([], [], color=of.colour, linestyle=of.line, label=f"{arm} (n = {counts[arm]})")
            for arm, of in look.items()
        ]
        legend_below(figure, entries, height=5.0 if down == 1 else 2.8 * down)
        figure.set_figwidth(WIDTH)
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


def _draw_steps(axes: Axes, rows: pd.DataFrame, look: Look, shown: bool) -> None:
    """One arm's distribution with its band, or in the background."""
    # Of equal errors the last has the height of the step; the first row is the curve's start.
    rows = pd.concat([rows.iloc[:1], rows.iloc[1:].drop_duplicates("error", keep="last")])
    errors = 100 * rows["error"]
    colour = look.colour if shown else "0.75"
    width = 1.8 if shown else 0.8
    axes.step(errors, 100 * rows["share"], where="post", color=colour, linewidth=width,
              linestyle=look.line if shown else "-", zorder=3 if shown else 1)  # fmt: skip
    if shown:
        axes.fill_between(errors, 100 * rows["low"], 100 * rows["high"], step="post",
                          color=colour, alpha=0.15, linewidth=0)  # fmt: skip


def rank_stability(trials: pd.DataFrame, unit: str = "seed") -> Drawing | None:
    """How often each cell had each rank among the seeds, and how far they agree (Kendall's W).

    Args:
        trials, unit: as in `error_distribution`.

    Returns:
        A cell a row, a rank a column. None with fewer than `FEWEST_SEEDS` seeds complete in all
        cells, or `FEWEST_CELLS` cells.
    """
    table = distributions.ranks(trials)
    if len(table) < FEWEST_SEEDS or table.shape[1] < FEWEST_CELLS:
        return None
    shares, w = distributions.rank_counts(table), distributions.agreement(table)
    percent = 100 * shares.to_numpy()
    agreed = f"Kendall's W = {wording.interval_text(w.mean, w.low, w.high, '.2f')}"
    agreed += "" if np.isnan(w.low) else " (95% interval)"
    with style():
        names = [textwrap.fill(cell, 30) for cell in shares.index]
        rows = [max(0.55, 0.3 * (1 + name.count("\n"))) for name in names]
        figure = Figure(figsize=(WIDTH, 1.8 + max(rows) * len(rows)), layout="constrained")
        axes = figure.subplots()
        axes.pcolormesh(percent, cmap="cividis", vmin=0, vmax=100, edgecolors="white")
        for (row, column), value in np.ndenumerate(percent):
            if value > 0:
                axes.text(column + 0.5, row + 0.5, f"{value:.0f}", ha="center", va="center",
                          color="black" if value > 55 else "white", fontsize="small")  # fmt: skip
        axes.set_xticks(np.arange(len(shares)) + 0.5, [str(rank) for rank in shares.columns])
        axes.set_yticks(np.arange(len(shares)) + 0.5, names)
        axes.invert_yaxis()
        axes.grid(visible=False)
        axes.set_xlabel(f"Rank within a {unit} (1: most accurate; a tie counts in parts)")
        axes.set_title(f"Share of {unit}s (%); {agreed}, n = {len(table)} {unit}s")
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
