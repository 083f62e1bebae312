"""What the study looks like: computed frames become figures; nothing is aggregated here.

Each function computes first, by `ablate.analyse`, and then draws. A cell keeps its colour and
marker through all figures: they follow from its place among the study's cells.
"""

import contextlib
import math
import textwrap
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, Locator, LogLocator, MaxNLocator, NullLocator

from ablate import analyse, wording
from ablate.record import replacing

WIDTH = 11.0  # inches, of every figure
DPI = 150


@contextlib.contextmanager
def style() -> Iterator[None]:
    """Our look, within a `with` block alone: readable at half size, the same bytes each time."""
    rc: dict[Any, Any] = {
        **sns.axes_style("whitegrid"),
        **sns.plotting_context("notebook", font_scale=1.2),
        "font.family": "DejaVu Sans",  # comes with matplotlib, so that layouts do not vary
        "figure.dpi": DPI,
        "figure.constrained_layout.w_pad": 0.08,
        "figure.constrained_layout.h_pad": 0.06,
        "axes.titlesize": "medium",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "legend.fontsize": "small",
        "legend.frameon": False,
        "svg.hashsalt": "ablate",
        "svg.fonttype": "path",
    }
    with mpl.rc_context(rc):
        yield


@dataclass(frozen=True)
class Look:
    """How a cell is drawn everywhere."""

    colour: tuple[float, float, float] | str
    marker: str
    line: Literal["-", "--", "-."]


def looks(cells: Sequence[str]) -> dict[str, Look]:
    """A look for each cell by its place; ten places, then they repeat.

    The colours are seaborn's `colorblind`, without its two palest, and black; markers and lines
    tell neighbours apart where colours do not.
    """
    palette = sns.color_palette("colorblind")
    colours = [*(palette[index] for index in (0, 1, 2, 4, 9, 3, 7, 5)), "black", palette[6]]
    markers = "osD^vPX<>p"
    lines: tuple[Literal["-", "--", "-."], ...] = ("-", "--", "-.")
    return {
        cell: Look(colours[place % 10], markers[place % 10], lines[place % 3])
        for place, cell in enumerate(cells)
    }


def accuracy_by_arm(trials: pd.DataFrame, summary: pd.DataFrame) -> Figure:
    """Accuracy of every seed, and the difference from the baseline; one row an arm.

    Args:
        trials: as `record.to_frame` makes it, of one study.
        summary: as `analyse.summarise` makes it from them.

    Returns:
        Left: a dot a seed (its height is the seed's rank alone), mean and interval, in percent.
        Right: the paired difference with its joint interval, in percentage points. An arm without
        a complete trial has a row that says so.
    """
    outcome = summary.attrs["outcome"]
    level = wording.level_name(summary)
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
        _keep_within(left, "x", 0, 100)
        left.set_xlabel(f"{analyse.OUTCOMES[outcome].capitalize()} (%)")
        left.set_title(f"Each seed; mean with {level} interval")
        right.set_xlabel(textwrap.fill(f"Difference from {baseline} (points)", 36))
        joint = "joint " if len(summary) > 2 else ""
        right.set_title(f"Paired by seed; {joint}{level} interval")
        _fix_layout(figure)
    return figure


def accuracy_against_cost(trials: pd.DataFrame, summary: pd.DataFrame) -> Figure:
    """Mean accuracy against MACs, parameters and inference throughput, with the Pareto fronts.

    Args:
        trials: as `record.to_frame` makes it; says what the throughput was measured on.
        summary: as `analyse.summarise` makes it from them.

    Returns:
        Three panels with a logarithmic cost. Vertical bars are the interval of the mean,
        horizontal ones the interquartile range of the throughput. Arms that no other beats in
        both mean accuracy and cost are filled, and a step line joins them.
    """
    look = looks(list(summary["cell"]))
    panels = (
        ("macs", False, "MACs per image (conv + linear)"),
        ("params", False, "Parameters"),
        ("infer_images_per_s", True, f"Inference (images/s; bars: IQR)\n{_measured_on(trials)}"),
    )
    names = {row["cell"]: f"{row['cell']} (n = {row['n']})" for _, row in summary.iterrows()}
    fronts = {
        cost: analyse.pareto(summary, cost, "mean", maximise_cost=more) for cost, more, _ in panels
    }

    with style():
        figure = Figure(layout="constrained")
        all_axes = figure.subplots(1, 3, sharey=True)
        for axes, (cost, more, label) in zip(all_axes, panels, strict=True):
            _draw_front(axes, summary[fronts[cost]], cost, more)
            for row, on_front in zip(summary.to_dict("records"), fronts[cost], strict=True):
                _draw_cost(axes, row, cost, look[row["cell"]], on_front)
            _log_axis(axes, "x", summary.loc[summary["mean"].notna(), cost])
            axes.set_xlabel(label)
            axes.set_title("more is better" if more else "less is better")
        _keep_within(all_axes[0], "y", 0, 100)
        outcome = analyse.OUTCOMES[summary.attrs["outcome"]].capitalize()
        level = wording.level_name(summary)
        all_axes[0].set_ylabel(f"{outcome} (%)\nmean and {level} interval")
        figure.suptitle(
            "Filled and on the line: Pareto front of the means; hollow: dominated",
            fontsize="medium",
        )
        _legend_below(figure, _handles(look, names), height=4.2)
        _fix_layout(figure)
    return figure


def stage_costs(stages: pd.DataFrame, cells: Sequence[str] | None = None) -> Figure:
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
            _log_axis(axes, "y", stages[cost])
            axes.set_xticks(range(len(names)), [_stage_label(stages, name) for name in names])
            axes.set_xlim(-0.5, len(names) - 0.5)
            axes.set_xlabel("Stage; output side (pixels)")
            axes.grid(visible=False, axis="x")
            for place in range(0, len(names), 2):
                axes.axvspan(place - 0.5, place + 0.5, color="0.95", zorder=0)
            axes.set_title(label)
        _legend_below(figure, _handles(look, dict(zip(shown, shown, strict=True))), height=4.2)
        _fix_layout(figure)
    return figure


def learning_curves(epochs: pd.DataFrame, cells: Sequence[str] | None = None) -> Figure:
    """Training loss and validation accuracy by epoch: mean over seeds with a 95% band of the mean.

    Args:
        epochs: one row a trial and epoch, with the columns `cell`, `epoch`, `train_loss` (nats)
            and `val_accuracy` (fraction).
        cells: all cells of the study in order, which sets the looks; those of `epochs` if None.

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
        _log_axis(left, "y", loss["mean"])
        left.set_ylabel("Training loss (nats)")
        right.set_ylabel("Validation accuracy (%)")
        _keep_within(right, "y", 0, 100)
        figure.suptitle("Mean over seeds with its 95% interval", fontsize="medium")
        handles = [
            Line2D([], [], color=look[cell].colour, linestyle=look[cell].line, label=name)
            for cell, name in names.items()
        ]
        _legend_below(figure, handles, height=4.4)
        _fix_layout(figure)
    return figure


def draw_all(
    trials: pd.DataFrame, summary: pd.DataFrame, stages: pd.DataFrame, epochs: pd.DataFrame
) -> dict[str, Figure]:
    """Every figure of a study, by the name of its file: accuracy, pareto, stages, curves.

    Args:
        trials, summary, stages, epochs: as the functions of this module take them.
    """
    cells = list(summary["cell"])
    return {
        "accuracy": accuracy_by_arm(trials, summary),
        "pareto": accuracy_against_cost(trials, summary),
        "stages": stage_costs(stages, cells),
        "curves": learning_curves(epochs, cells),
    }


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG (150 dots an inch) and as SVG, each whole or not at all.

    Args:
        figure: any.
        path: without suffix; `.png` and `.svg` are added.
    """
    with style():
        with replacing(path.with_name(f"{path.name}.png")) as temporary:
            figure.savefig(temporary, dpi=DPI)
        with replacing(path.with_name(f"{path.name}.svg")) as temporary:
            figure.savefig(temporary, metadata={"Date": None})


def _fix_layout(figure: Figure) -> None:
    """Lay out once and for all: each new layout would differ in its last digits."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")


def _draw_seeds(axes: Axes, place: int, values: pd.Series, colour: Any) -> None:
    """A dot a seed, spread above the row's line by rank of seed; the same seed, the same height."""
    heights = place - np.linspace(0.12, 0.4, len(values))
    axes.scatter(values, heights, s=36, color=[colour], alpha=0.6, linewidths=0, zorder=2)


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


def _note(axes: Axes, place: int, text: str) -> None:
    """A word in the middle of a row that has nothing to draw."""
    kind: dict[str, Any] = {"ha": "center", "va": "center", "color": "dimgrey"}
    axes.text(0.5, place, text, transform=axes.get_yaxis_transform(), backgroundcolor="w", **kind)


def _draw_front(axes: Axes, front: pd.DataFrame, cost: str, more: bool) -> None:
    """The best mean accuracy that a given cost affords, as steps."""
    ordered = front.sort_values([cost, "mean"])
    axes.step(
        ordered[cost],
        100 * ordered["mean"],
        where="pre" if more else "post",
        color="grey",
        linewidth=1.2,
        zorder=1,
    )


def _draw_cost(axes: Axes, row: dict[Hashable, Any], cost: str, look: Look, on_front: bool) -> None:
    """One arm: mean and interval against its cost, with the cost's spread where it was measured."""
    mean, low, high = (100 * row[name] for name in ("mean", "low", "high"))
    spread = row.get(f"{cost}_iqr", math.nan) / 2
    axes.errorbar(
        row[cost],
        mean,
        xerr=spread,
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


def _log_axis(axes: Axes, which: Literal["x", "y"], values: pd.Series) -> None:
    """A logarithmic axis around positive values, with ticks that can be read off."""
    known = values.dropna().astype(float)
    known = known[known > 0]
    axes.set(**{f"{which}scale": "log"})
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_minor_locator(NullLocator())
    if known.empty:
        axis.set_major_locator(NullLocator())
        axes.text(0.5, 0.5, "not measured", transform=axes.transAxes, ha="center", color="grey")
        return
    margin = max(1.1, (known.max() / known.min()) ** 0.07)
    low, high = known.min() / margin, known.max() * margin
    axes.set(**{f"{which}lim": (low, high)})
    axis.set_major_locator(_log_ticks(high / low))
    axis.set_major_formatter(FuncFormatter(lambda value, _: wording.si(value)))


def _log_ticks(ratio: float) -> Locator:
    """Ticks at round numbers, as dense as labels in a third of the figure's width allow."""
    if ratio < 2:
        return MaxNLocator(4, steps=[1, 2, 5, 10])
    if ratio < 4:
        return LogLocator(subs=(1, 1.5, 2, 3, 4, 6, 8))
    if ratio < 8:
        return LogLocator(subs=(1, 2, 3, 5))
    if ratio < 30:
        return LogLocator(subs=(1, 2, 5))
    return LogLocator(subs=(1, 3) if ratio < 300 else (1,))


def _keep_within(axes: Axes, which: Literal["x", "y"], least: float, greatest: float) -> None:
    """Cut the view to what the quantity can be; an interval may reach beyond."""
    low, high = axes.get_xlim() if which == "x" else axes.get_ylim()
    axes.set(**{f"{which}lim": (max(low, least), min(high, greatest))})


def _legend_below(figure: Figure, handles: Sequence[Artist], height: float) -> None:
    """One legend under the panels; the figure is as high (inches) as these and the legend need."""
    longest = max((len(str(handle.get_label())) for handle in handles), default=0)
    columns = max(1, min(len(handles), 112 // (longest + 8)))
    figure.set_size_inches(WIDTH, height + 0.28 * math.ceil(len(handles) / columns))
    figure.legend(handles=list(handles), loc="outside lower center", ncols=columns)


def _handles(look: dict[str, Look], names: dict[str, str]) -> list[Line2D]:
    """A marker for each cell, with its name in the legend."""
    return [
        Line2D(
            [],
            [],
            color=look[cell].colour,
            marker=look[cell].marker,
            markersize=8,
            linestyle="none",
            label=name,
        )
        for cell, name in names.items()
    ]


def _seeds(curve: pd.DataFrame) -> str:
    """The seeds behind a curve, as a range where some trials stopped early."""
    if curve.empty:
        return "n = 0"
    few, many = curve["n"].min(), curve["n"].max()
    return f"n = {few}" if few == many else f"n = {few} to {many}"


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
