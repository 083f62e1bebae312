"""Figures of all trials together: distributions of errors, and ranks over seeds."""

import textwrap

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ablate import distributions, wording
from ablate.plot_style import WIDTH, Drawing, fix_layout, legend_below, looks, style

FEWEST_TRIALS, FEWEST_SEEDS, FEWEST_CELLS = 20, 3, 3


def error_distribution(trials: pd.DataFrame) -> Drawing | None:
    """The distribution of test errors of each arm of the first axis, with its 95% band.

    Args:
        trials: as `record.to_frame` makes it, of one study.

    Returns:
        None unless every arm has `FEWEST_TRIALS` complete trials: with fewer the band says nothing.
    """
    if distributions.fewest(trials) < FEWEST_TRIALS:
        return None
    table = distributions.error_distributions(trials)
    look = looks(list(dict.fromkeys(table["arm"])))
    with style():
        figure = Figure(layout="constrained")
        axes = figure.subplots()
        for arm, of_arm in look.items():
            rows = table[table["arm"] == arm]
            errors = 100 * rows["error"]
            axes.step(errors, 100 * rows["share"], where="post", color=of_arm.colour,
                      linestyle=of_arm.line, linewidth=1.8)  # fmt: skip
            axes.fill_between(errors, 100 * rows["low"], 100 * rows["high"], step="post",
                              color=of_arm.colour, alpha=0.15, linewidth=0)  # fmt: skip
        axes.set_xlabel("Test error (%)")
        axes.set_ylabel("Trials with at most this error (%)")
        axes.set_ylim(-2, 102)  # so that lines at either end are seen whole
        axes.set_title("Further left is better; 95% bands of whole curves, by the number of seeds")
        counts = table.groupby("arm", sort=False)["n"].first()
        entries = [
            Line2D([], [], color=of.colour, linestyle=of.line, label=f"{arm} (n = {counts[arm]})")
            for arm, of in look.items()
        ]
        legend_below(figure, entries, height=5.0)
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


def rank_stability(trials: pd.DataFrame) -> Drawing | None:
    """How often each cell had each rank among the seeds, and how far they agree (Kendall's W).

    Args:
        trials: as `record.to_frame` makes it, of one study.

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
        axes.set_xlabel("Rank within a seed (1: most accurate; a tie counts in parts)")
        axes.set_title(f"Share of seeds (%); {agreed}, n = {len(table)} seeds")
        fix_layout(figure)
    most = shares[1].max()
    first = [str(cell) for cell in shares.index[np.isclose(shares[1], most)]]  # several may tie
    often = f"{' and '.join(first)} {'is' if len(first) == 1 else 'are'} most often the first"
    return Drawing(
        name="ranks",
        title="How often each arm had each rank; W is 1 where all seeds agree on the order",
        alt=f"{often} ({100 * most:.0f}% of {len(table)} seeds{' each' * (len(first) > 1)}); "
        f"{agreed}.",
        data=shares.rename_axis("cell")
        .reset_index()
        .melt("cell", var_name="rank", value_name="share"),
        figure=figure,
    )
