"""The figures of every study: accuracy by arm, and accuracy against cost.

Each function computes first, by `analysis.summary`, and then draws. A cell keeps its colour and
marker through all figures: they follow from its place among the study's cells.
"""

import math
import textwrap
from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablate.analysis import wording
from ablate.analysis.costs import against_cost
from ablate.analysis.summary import Summary
from ablate.report.figures.style import (
    COSTS,
    WIDTH,
    Drawing,
    Look,
    _wrapped,
    fix_layout,
    handles,
    keep_within,
    legend_below,
    log_axis,
    looks,
    style,
)
from ablate.results.outcomes import by_seed

BEYOND = 1e3  # times a value: outside every axis around such values


def accuracy_by_arm(trials: pd.DataFrame, summary: Summary) -> Drawing:
    """Accuracy of every seed, and the difference from the baseline; one row an arm.

    Args:
        trials: as `schema.to_frame` makes it, of one study.
        summary: as `summary.summarise` makes it from them.

    Returns:
        Left: a dot a seed, or draw (its height is its rank alone), mean and interval, in percent.
        Right: the difference of means with its joint interval, in percentage points. An arm without
        a complete trial has a row that says so.
    """
    outcome = summary.outcome
    level, unit = summary.level_name, summary.unit
    accuracies = 100 * by_seed(trials, outcome)
    look = looks(summary.cells)
    labels = [_arm_label(row) for _, row in summary.table.iterrows()]
    baseline = summary.table.loc[summary.table["finding"] == "baseline", "cell"].iloc[0]

    with style():
        rows = [max(0.8, 0.25 * (2 + label.count("\n"))) for label in labels]
        figure = Figure(figsize=(WIDTH, 1.4 + max(rows) * len(rows)), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=(1.25, 1))
        for place, (_, row) in enumerate(summary.table.iterrows()):
            _draw_seeds(left, place, accuracies[row["cell"]], look[row["cell"]].colour)
            _draw_interval(left, place, row[["mean", "low", "high"]])
            _draw_interval(right, place, row[["diff", "diff_low", "diff_high"]])
            if row["n"] == 0:
                _note(left, place, "no complete trial")
            elif row["finding"] == "baseline":
                _note(right, place, "baseline")
        right.axvline(0, color="black", linewidth=1.2, zorder=1)
        left.set_yticks(range(len(labels)), labels)
        left.set_ylim(len(labels) - 0.5, -0.5)
        keep_within(left, "x", 0, 100)
        left.set_xlabel(f"{summary.outcome_name.capitalize()} (%)")
        left.set_title(f"Each {unit}; mean with {level} interval")
        right.set_xlabel(textwrap.fill(f"Difference from {baseline} (points)", 36))
        joint = "joint " if summary.together > 1 else ""
        right.set_title(f"Difference; {joint}{level} interval")
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


def accuracy_against_cost(trials: pd.DataFrame, summary: Summary) -> Drawing:
    """Mean accuracy against what an arm costs, with the Pareto fronts.

    Args:
        trials: as `schema.to_frame` makes it; says what the throughput was measured on.
        summary: as `summary.summarise` makes it from them.

    Returns:
        Panels of MACs, parameters, activations and latency, logarithmic. Vertical bars are the
        interval of the mean, horizontal ones the interquartile range of the latency. Arms that no
        other beats in both mean accuracy and cost are filled, and a step line joins them. There
        is no front in latency where the timing's control was off, and the panel says so.
    """
    look = looks(summary.cells)
    table = against_cost(summary)
    trusted = not summary.table["throughput_control_off"].any()
    timed = (
        _measured_on(trials)
        if trusted
        else "Do not compare: the baseline timed\nagainst itself was not equal"
    )
    panels = {
        "macs": "MACs per image (conv + linear)",
        "params": "Parameters",
        "activations": "Activations per image",
        "latency": f"Inference (µs/image; bars: IQR)\n{timed}",
    }
    names = {row["cell"]: f"{row['cell']} (n = {row['n']})" for _, row in table.iterrows()}

    with style():
        figure = Figure(layout="constrained")
        grid = figure.subplots(2, 2, sharey=True)
        for axes, (cost, label) in zip(grid.flat, panels.items(), strict=True):
            _draw_front(axes, table[table[f"{cost}_front"]], cost)
            for row in table.to_dict("records"):
                _draw_cost(axes, row, cost, look[row["cell"]], row[f"{cost}_front"])
            drawn = table[table["mean"].notna()].filter(regex=f"^{cost}(_low|_high)?$")
            ends = pd.concat([drawn[name] for name in drawn])
            log_axis(axes, "x", ends[ends < math.inf])
            axes.set_xlabel(label)
        outcome = summary.outcome_name
        level = summary.level_name
        for axes in grid[:, 0]:
            keep_within(axes, "y", 0, 100)
            axes.set_ylabel(f"{outcome.capitalize()} (%)\nmean and {level} interval")
        figure.suptitle(
            "Filled and on the line: Pareto front of the means; hollow: dominated",
            fontsize="medium",
        )
        legend_below(figure, handles(look, names), height=7.6)
        fix_layout(figure)
    on_front = [
        f"{name}: {', '.join(table.loc[table[f'{cost}_front'], 'cell'])}"
        for cost, name in {**COSTS, "latency": "latency"}.items()
        if table[f"{cost}_front"].any()
    ]
    columns = ["cell", "n", "mean", "low", "high"]
    columns += [name for cost in panels for name in (cost, f"{cost}_front")]
    columns += ["latency_low", "latency_high"]
    return Drawing(
        name="pareto",
        title=f"{outcome.capitalize()} against what an arm costs; {level} intervals over seeds",
        alt=f"Pareto fronts of mean {outcome}, by cost. {'; '.join(on_front)}."
        + ("" if trusted else " Latencies are not to be compared."),
        data=table[columns],
        figure=figure,
    )


def _draw_interval(axes: Axes, place: int, interval: pd.Series) -> None:
    """Mean and limits (mean, low, high), in percent of what is given; nothing where NaN."""
    mean, low, high = (100 * value for value in interval)
    axes.errorbar(
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


def _draw_seeds(axes: Axes, place: int, values: pd.Series, colour: Any) -> None:
    """A dot a seed, spread above the row's line by rank of seed; the same seed, the same height."""
    heights = place - np.linspace(0.12, 0.4, len(values))
    axes.scatter(values, heights, s=36, color=[colour], alpha=0.6, linewidths=0, zorder=2)


def _note(axes: Axes, place: int, text: str) -> None:
    """A word in the middle of a row that has nothing to draw."""
    kind: dict[str, Any] = {"ha": "center", "va": "center", "color": "dimgrey"}
    axes.text(0.5, place, text, transform=axes.get_yaxis_transform(), backgroundcolor="w", **kind)


def _draw_front(axes: Axes, front: pd.DataFrame, cost: str) -> None:
    """The best mean accuracy that a given cost affords, as steps."""
    ordered = front.sort_values([cost, "mean"])
    axes.step(
        ordered[cost],
        100 * ordered["mean"],
        where="post",
        color="grey",
        linewidth=1.2,
        zorder=1,
    )


def _draw_cost(axes: Axes, row: dict[Hashable, Any], cost: str, look: Look, on_front: bool) -> None:
    """One arm: mean and interval against its cost, with the cost's spread where it was measured."""
    mean, low, high = (100 * row[name] for name in ("mean", "low", "high"))
    least, most = (row.get(f"{cost}_{end}", math.nan) for end in ("low", "high"))
    most = BEYOND * row[cost] if most == math.inf else most
    axes.errorbar(
        row[cost],
        mean,
        xerr=[[row[cost] - least], [most - row[cost]]],
        yerr=[[mean - low], [high - mean]],
        fmt=look.marker,
        color=look.colour,
        markerfacecolor=look.colour if on_front else "white",
        markersize=8,
        markeredgewidth=1.6,
        linewidth=1.6,
        capsize=4,
        zorder=3,
    )


def _arm_label(row: pd.Series) -> str:
    """An arm's name, its seeds and what became of the others."""
    counts = [f"n = {row['n']}"]
    counts += [f"{count} {state}" for state in ("diverged", "failed") if (count := row[state])]
    return f"{_wrapped(row['cell'])}\n{', '.join(counts)}"


def _measured_on(trials: pd.DataFrame) -> str:
    """Device and batch of the throughput, in lines that fit a panel."""
    timed = trials[trials["infer_images_per_s"].notna()]
    devices = ", ".join(timed["device"].unique())
    batches = ", ".join(map(str, timed["throughput_batch"].unique()))
    return textwrap.fill(f"{devices}, batch {batches}", 30) if devices else ""
