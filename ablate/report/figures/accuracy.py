"""Accuracy by arm: every seed, the means, and the differences from the baseline.

Each figure computes first, by the analysis, and then draws. A cell keeps its colour and marker
through all figures: they follow from its place among the study's cells.
"""

import textwrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablate.analysis import wording
from ablate.analysis.summary import Summary
from ablate.report.figures.drawing.sheet import PAGE, Sheet, head, set_height
from ablate.report.figures.drawing.style import Drawing, fix_layout, keep_within, looks, style
from ablate.report.figures.drawing.tips import reading, tell, tell_bars
from ablate.results.outcomes import by_seed


def accuracy_by_arm(trials: pd.DataFrame, summary: Summary, sheet: Sheet = PAGE) -> Drawing:
    """Accuracy of every seed, and the difference from the baseline; one row an arm.

    Args:
        trials: as `schema.to_frame` makes it, of one study.
        summary: as `summary.summarise` makes it from them.
        sheet: what it is drawn on.

    Returns:
        First: a dot a seed, or draw (its height is its rank alone), mean and interval, in percent.
        Second: the difference of means with its joint interval, in percentage points. An arm
        without a complete trial has a row that says so.
    """
    outcome = summary.outcome
    level, unit = summary.level_name, summary.unit
    accuracies = 100 * by_seed(trials, outcome)
    look = looks(summary.cells)
    labels = [_arm_label(row, min(30, sheet.letters(2))) for _, row in summary.table.iterrows()]
    baseline = summary.table.loc[summary.table["finding"] == "baseline", "cell"].iloc[0]
    joint = "joint " if summary.together > 1 else ""

    with style():
        figure = Figure(layout="constrained")
        across = sheet.panels(2)
        letters = min(36, int(0.66 * sheet.letters()))  # beside the names of the arms
        shape: dict[str, Any] = {"sharey": True} | (
            {"width_ratios": (1.25, 1)} if across == 2 else {}
        )
        left, right = figure.subplots(2 // across, across, **shape).flat
        for place, (_, row) in enumerate(summary.table.iterrows()):
            cell, n = row["cell"], row["n"]
            _draw_seeds(left, place, accuracies[cell], look[cell].colour, f"{cell}, {unit}")
            mean = [100 * row[name] for name in ("mean", "low", "high")]
            diff = [100 * row[name] for name in ("diff", "diff_low", "diff_high")]
            _draw_interval(left, place, mean, reading(cell, *mean, n=n, unit=unit))
            said = f"{cell} against {baseline}"
            _draw_interval(
                right,
                place,
                diff,
                reading(said, *diff, n=row["seeds"], unit=unit, form="+z.1f", of=" points"),
            )
            if n == 0:
                _note(left, place, "no complete trial")
            elif row["finding"] == "baseline":
                _note(right, place, "baseline")
        right.axvline(0, color="black", linewidth=1.2, zorder=1)
        for axes in (left, right):
            axes.set_yticks(range(len(labels)), labels)
        left.set_ylim(len(labels) - 0.5, -0.5)
        if across == 2:
            right.tick_params(labelleft=False)
        keep_within(left, "x", 0, 100)
        left.set_xlabel(f"{summary.outcome_name.capitalize()} (%)")
        right.set_xlabel(textwrap.fill(f"Difference from {baseline} (points)", letters))
        left.set_title(textwrap.fill(f"Each {unit}; mean with {level} interval", letters))
        right.set_title(textwrap.fill(f"Difference; {joint}{level} interval", letters))
        head(figure, sheet)
        row_height = max(max(0.8, 0.25 * (2 + label.count("\n"))) for label in labels)
        set_height(figure, (1.4 + row_height * len(labels)) * 2 / across, sheet)
        fix_layout(figure)
    return Drawing(
        name="accuracy",
        title=f"{summary.outcome_name.capitalize()} of every {unit}, and the "
        f"difference from {baseline}; diamonds and bars are means and {level} intervals",
        alt=wording.details(summary),
        data=_seeds_and_means(accuracies / 100, summary).rename(columns={"seed": unit}),
        figure=figure,
    )


def _seeds_and_means(accuracies: pd.DataFrame, summary: Summary) -> pd.DataFrame:
    """One row a seed of a cell, and its cell's mean and difference; fractions."""
    seeds = accuracies.reset_index().melt("seed", var_name="cell", value_name="accuracy").dropna()
    columns = ["cell", "n", "mean", "low", "high", "diff", "diff_low", "diff_high", "seeds"]
    return seeds.merge(summary.table[columns], on="cell", how="right")[
        ["cell", "seed", "accuracy", *columns[1:]]
    ]


def _draw_interval(axes: Axes, place: int, interval: list[float], tip: str) -> None:
    """Mean and limits (mean, low, high), in the axis' unit; nothing where NaN."""
    mean, low, high = interval
    drawn = axes.errorbar(
        mean,
        place,
        xerr=[[mean - low], [high - mean]],
        fmt="D",
        color="black",
        markersize=6,
        linewidth=2,
        capsize=5,
        zorder=3,
    )
    tell_bars(drawn, tip)


def _draw_seeds(axes: Axes, place: int, values: pd.Series, colour: Any, name: str) -> None:
    """A dot a seed, spread above the row's line by rank of seed; the same seed, the same height."""
    heights = place - np.linspace(0.12, 0.4, len(values))
    shown = values.notna().to_numpy()
    dots = axes.scatter(
        values[shown], heights[shown], s=36, color=[colour], alpha=0.6, linewidths=0, zorder=2
    )
    tell(dots, *(reading(f"{name} {seed}", value) for seed, value in values[shown].items()))


def _note(axes: Axes, place: int, text: str) -> None:
    """A word in the middle of a row that has nothing to draw."""
    kind: dict[str, Any] = {"ha": "center", "va": "center", "color": "dimgrey"}
    axes.text(0.5, place, text, transform=axes.get_yaxis_transform(), backgroundcolor="w", **kind)


def _arm_label(row: pd.Series, letters: int) -> str:
    """An arm's name in lines of so many letters, its seeds and what became of the others."""
    counts = [f"n = {row['n']}"]
    counts += [f"{count} {state}" for state in ("diverged", "failed") if (count := row[state])]
    return f"{textwrap.fill(row['cell'], letters)}\n{', '.join(counts)}"
