"""The figures of every study: accuracy by arm, against cost, cost by stage, learning curves.

Each function computes first, by `ablate.analyse`, and then draws. A cell keeps its colour and
marker through all figures: they follow from its place among the study's cells.
"""

import math
import textwrap
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from ablate import analyse, wording
from ablate.plot_style import (
    WIDTH,
    Drawing,
    Look,
    fix_layout,
    handles,
    keep_within,
    legend_below,
    log_axis,
    looks,
    style,
)

BEYOND = 1e3  # times a value: outside every axis around such values
COSTS = {"macs": "MACs", "params": "parameters", "activations": "activations"}


def accuracy_by_arm(trials: pd.DataFrame, summary: pd.DataFrame) -> Drawing:
    """Accuracy of every seed, and the difference from the baseline; one row an arm.

    Args:
        trials: as `record.to_frame` makes it, of one study.
        summary: as `analyse.summarise` makes it from them.

    Returns:
        Left: a dot a seed, or draw (its height is its rank alone), mean and interval, in percent.
        Right: the paired difference with its joint interval, in percentage points. An arm without
        a complete trial has a row that says so.
    """
    outcome = summary.attrs["outcome"]
    level, unit = wording.level_name(summary), summary.attrs["unit"]
    accuracies = 100 * analyse.by_seed(trials, outcome)
    look = looks(list(summary["cell"]))
    labels = [_arm_label(row) for _, row in summary.iterrows()]
    baseline = summary.loc[summary["finding"] == "baseline", "cell"].iloc[0]

    with style():
        rows = [max(0.8, 0.25 * (2 + label.count("\n"))) for label in labels]
        figure = Figure(figsize=(WIDTH, 1.4 + max(rows) * len(rows)), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=(1.25, 1))
        for place, (_, row) in enumerate(summary.iterrows()):
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
        left.set_xlabel(f"{analyse.OUTCOMES[outcome].capitalize()} (%)")
        left.set_title(f"Each {unit}; mean with {level} interval")
        right.set_xlabel(textwrap.fill(f"Difference from {baseline} (points)", 36))
        joint = "joint " if len(summary) > 2 else ""
        right.set_title(f"Paired by {unit}; {joint}{level} interval")
        fix_layout(figure)
    return Drawing(
        name="accuracy",
        title=f"{analyse.OUTCOMES[outcome].capitalize()} of every {unit}, and the paired "
        f"difference from {baseline}; diamonds and bars are means and {level} intervals",
        alt=wording.answer(summary),
        data=_seeds_and_means(accuracies / 100, summary).rename(columns={"seed": unit}),
        figure=figure,
    )


def _seeds_and_means(accuracies: pd.DataFrame, summary: pd.DataFrame) -> pd.DataFrame:
    """One row a seed of a cell, and its cell's mean and difference; fractions."""
    seeds = accuracies.reset_index().melt("seed", var_name="cell", value_name="accuracy").dropna()
    columns = ["cell", "n", "mean", "low", "high", "diff", "diff_low", "diff_high", "pairs"]
    return seeds.merge(summary[columns], on="cell", how="right")[
        ["cell", "seed", "accuracy", *columns[1:]]
    ]


def accuracy_against_cost(trials: pd.DataFrame, summary: pd.DataFrame) -> Drawing:
    """Mean accuracy against what an arm costs, with the Pareto fronts.

    Args:
        trials: as `record.to_frame` makes it; says what the throughput was measured on.
        summary: as `analyse.summarise` makes it from them.

    Returns:
        Panels of MACs, parameters, activations and latency, logarithmic. Vertical bars are the
        interval of the mean, horizontal ones the interquartile range of the latency. Arms that no
        other beats in both mean accuracy and cost are filled, and a step line joins them. There
        is no front in latency where the timing's control was off, and the panel says so.
    """
    look = looks(list(summary["cell"]))
    table = _with_latency(summary)
    trusted = not summary["throughput_control_off"].any()
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
    for cost in panels:
        table[f"{cost}_front"] = analyse.pareto(table, cost, "mean")
    table["latency_front"] &= trusted

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
        outcome = analyse.OUTCOMES[summary.attrs["outcome"]]
        level = wording.level_name(summary)
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


def _with_latency(summary: pd.DataFrame) -> pd.DataFrame:
    """The summary with inference time an image, in microseconds, and its interquartile range.

    That range is `latency_low` to `latency_high`; it has no end (infinity) where half the range of
    the images/s is as much as their median.
    """
    rate, half = summary["infer_images_per_s"], summary["infer_images_per_s_iqr"] / 2
    slowest = (1e6 / (rate - half)).mask(rate <= half, math.inf)
    return summary.assign(latency=1e6 / rate, latency_low=1e6 / (rate + half), latency_high=slowest)


def stage_costs(stages: pd.DataFrame, cells: Sequence[str] | None = None) -> Drawing:
    """Where each network spends: MACs, parameters and activations by stage, logarithmic.

    Args:
        stages: one row a cell and stage, with the columns `cell`, `stage` ("stem", "stage 1",
            ..., "head"), `out_size` (pixels), `params`, and `macs` and `activations` for one
            image.
        cells: all cells of the study in order, which sets the looks; those of `stages` if None.

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
        for axes, (cost, label) in zip(figure.subplots(1, 3), panels.items(), strict=True):
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
        legend_below(figure, handles(look, dict(zip(shown, shown, strict=True))), height=4.2)
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


def stage_shares(stages: pd.DataFrame, cells: Sequence[str] | None = None) -> Drawing:
    """How a network's MACs, parameters and activations divide among its stages, in percent.

    Args:
        stages, cells: as in `stage_costs`.

    Returns:
        Three panels of stacked bars, one bar an arm; shares of 8% or more carry their number.
    """
    order = [cell for cell in cells or stages["cell"].unique() if cell in set(stages["cell"])]
    stages = stages.sort_values("stage", key=lambda names: names.map(_stage_place), kind="stable")
    names = list(stages["stage"].unique())
    shares = stages[["cell", "stage", *COSTS]].copy()
    for cost in COSTS:
        shares[cost] /= shares.groupby("cell")[cost].transform("sum")
    colours = sns.color_palette("cividis", len(names))

    with style():
        figure = Figure(layout="constrained")
        for axes, (cost, label) in zip(
            figure.subplots(1, 3, sharey=True), COSTS.items(), strict=True
        ):
            table = (
                shares.pivot(index="cell", columns="stage", values=cost).reindex(order).fillna(0)
            )
            left = np.zeros(len(order))
            for name, colour in zip(names, colours, strict=True):
                width = 100 * table[name].to_numpy()
                axes.barh(range(len(order)), width, left=left, color=[colour], edgecolor="white")
                _number_bars(axes, left, width, "white" if sum(colour) < 1.7 else "black")
                left += width
            axes.set_yticks(range(len(order)), [_wrapped(cell) for cell in order])
            axes.set_ylim(len(order) - 0.5, -0.5)
            axes.set_xlim(0, 100)
            axes.grid(visible=False)
            axes.set_xticks([0, 25, 50, 75, 100], ["", "25", "50", "75", "100"])
            axes.set_xlabel(f"Share of {label} (%)")
        patches = [
            Patch(color=colour, label=name) for name, colour in zip(names, colours, strict=True)
        ]
        legend_below(figure, patches, height=1.6 + 0.5 * len(order))
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


def _number_bars(axes: Axes, left: Any, width: Any, colour: str) -> None:
    for place, (start, size) in enumerate(zip(left, width, strict=True)):
        if size >= 8:
            axes.text(
                start + size / 2, place, f"{size:.0f}", color=colour, ha="center", va="center",
                fontsize="small",
            )  # fmt: skip


def learning_curves(
    epochs: pd.DataFrame, cells: Sequence[str] | None = None, unit: str = "seed"
) -> Drawing:
    """Training loss and validation accuracy by epoch: mean over seeds with a 95% band of the mean.

    Args:
        epochs: one row a trial and epoch, with the columns `cell`, `epoch`, `train_loss` (nats)
            and `val_accuracy` (fraction).
        cells: all cells of the study in order, which sets the looks; those of `epochs` if None.
        unit: what the means are over, in words.

    Returns:
        Two panels. The legend has n, the seeds behind the means, as a range where it varies.
    """
    look = looks(cells or list(epochs["cell"].unique()))
    loss = analyse.epoch_intervals(epochs, "train_loss")
    accuracy = analyse.epoch_intervals(epochs, "val_accuracy")
    accuracy[["mean", "low", "high"]] *= 100
    names = {cell: f"{cell} ({_seeds(accuracy[accuracy['cell'] == cell])})" for cell in look}

    with style():
        figure = Figure(layout="constrained")
        left, right = figure.subplots(1, 2)
        for axes, curves in ((left, loss), (right, accuracy)):
            for cell in names:
                _draw_curve(axes, curves[curves["cell"] == cell], look[cell])
            axes.set_xlabel("Epoch")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.margins(x=0.02)
        log_axis(left, "y", loss["mean"])
        left.set_ylabel("Training loss (nats)")
        right.set_ylabel("Validation accuracy (%)")
        keep_within(right, "y", 0, 100)
        figure.suptitle(f"Mean over {unit}s with its 95% interval", fontsize="medium")
        lines = [
            Line2D([], [], color=look[cell].colour, linestyle=look[cell].line, label=name)
            for cell, name in names.items()
        ]
        legend_below(figure, lines, height=4.4)
        fix_layout(figure)
    last = accuracy.groupby("cell", sort=False).last()
    ends = [f"{cell} {row['mean']:.1f}%" for cell, row in last.iterrows()]
    return Drawing(
        name="curves",
        title="Training loss and validation accuracy by epoch; bands are 95% intervals of the mean",
        alt=f"Mean validation accuracy after the last epoch: {'; '.join(ends)}.",
        data=pd.concat(
            [
                loss.assign(quantity="train_loss"),
                accuracy.assign(quantity="val_accuracy_percent"),
            ],
            ignore_index=True,
        ),
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


def _draw_stages(
    axes: Axes, rows: pd.DataFrame, names: list[str], cost: str, offset: float, look: Look
) -> None:
    """One arm's cost by stage: a marker each, and a line through the residual stages."""
    places = rows["stage"].map(names.index) + offset
    kind: dict[str, Any] = {"color": look.colour, "marker": look.marker, "markersize": 7}
    residual = rows["stage"].str.startswith("stage")
    axes.plot(places[residual], rows.loc[residual, cost], linewidth=1.5, **kind)
    axes.plot(places[~residual], rows.loc[~residual, cost], linestyle="none", **kind)


def _draw_curve(axes: Axes, curve: pd.DataFrame, look: Look) -> None:
    """One arm's mean by epoch, over its band."""
    axes.fill_between(
        curve["epoch"], curve["low"], curve["high"], color=look.colour, alpha=0.18, linewidth=0
    )
    axes.plot(curve["epoch"], curve["mean"], color=look.colour, linestyle=look.line, linewidth=1.8)


def _seeds(curve: pd.DataFrame) -> str:
    """The seeds behind a curve, as a range where some trials stopped early."""
    return "n = 0" if curve.empty else wording.seeds(curve["n"].min(), curve["n"].max())


def _arm_label(row: pd.Series) -> str:
    """An arm's name, its seeds and what became of the others."""
    counts = [f"n = {row['n']}"]
    counts += [f"{count} {state}" for state in ("diverged", "failed") if (count := row[state])]
    return f"{_wrapped(row['cell'])}\n{', '.join(counts)}"


def _wrapped(name: str) -> str:
    return textwrap.fill(name, 30)


def _stage_place(name: str) -> float:
    """Order within a network: stem, stage 1, stage 2, ..., head."""
    ends = {"stem": -math.inf, "head": math.inf}
    return ends[name] if name in ends else float(name.removeprefix("stage "))


def _stage_label(stages: pd.DataFrame, name: str) -> str:
    """A stage's name above its output size, where all arms share it."""
    sizes = stages.loc[stages["stage"] == name, "out_size"].unique()
    short = name.removeprefix("stage ")
    return f"{short}\n{sizes[0]}" if len(sizes) == 1 else short


def _measured_on(trials: pd.DataFrame) -> str:
    """Device and batch of the throughput, in lines that fit a panel."""
    timed = trials[trials["infer_images_per_s"].notna()]
    devices = ", ".join(timed["device"].unique())
    batches = ", ".join(map(str, timed["throughput_batch"].unique()))
    return textwrap.fill(f"{devices}, batch {batches}", 30) if devices else ""
