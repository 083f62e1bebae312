"""Accuracy against what an arm costs, with the Pareto fronts of the means."""

import math
import textwrap
from collections.abc import Hashable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablate.analysis import wording
from ablate.analysis.costs import against_cost
from ablate.analysis.summary import Summary
from ablate.report.figures.drawing.sheet import PAGE, Sheet, head, legend_below
from ablate.report.figures.drawing.style import (
    Drawing,
    Look,
    fix_layout,
    handles,
    keep_within,
    log_axis,
    looks,
    style,
)
from ablate.report.figures.drawing.tips import reading, tell_bars
from ablate.report.figures.drawing.zoom import upper_group, view

BEYOND = 1e3  # times a value: outside every axis around such values
ALIKE = 1.05  # a ratio: costs within it are the same
COSTS = {
    "macs": "MACs per image (conv + linear)",
    "params": "Parameters",
    "activations": "Activations per image",
    "latency": "Inference time (µs/image)",
}
UNITS = {
    "macs": "MACs",
    "params": "parameters",
    "activations": "activations",
    "latency": "µs/image",
}


def accuracy_against_cost(
    trials: pd.DataFrame, summary: Summary, sheet: Sheet = PAGE
) -> Drawing | None:
    """Mean accuracy against what an arm costs, with the Pareto fronts.

    Args:
        trials: as `schema.to_frame` makes it; says what was held equal, and what the throughput
            was measured on.
        summary: as `summary.summarise` makes it from them.
        sheet: what it is drawn on.

    Returns:
        Panels of MACs, parameters, activations and latency, logarithmic, but for what the arms
        hold equal, by design or to within 5%. Where some arms lie so far below the others that
        these cannot be told apart, a second row of panels shows those alone. Vertical bars are
        the interval of the mean, horizontal ones the interquartile range of the latency. Arms
        that no other beats in both mean accuracy and cost are filled, and a step line joins them.
        There is no front in latency where the timing's control was off, and the panel says so.
        None where all costs are held equal.
    """
    look = looks(summary.cells)
    table = against_cost(summary)
    known = table[table["mean"].notna()]
    shown = _costs_apart(trials, known)
    equal = [cost for cost in COSTS if cost not in shown]
    if not shown:
        return None
    trusted = not summary.table["throughput_control_off"].any()
    names = {row["cell"]: f"{row['cell']} (n = {row['n']})" for _, row in table.iterrows()}
    outcome, level = summary.outcome_name, summary.level_name
    group = upper_group(100 * table[["mean", "low", "high"]])
    note = f"Means with {level} intervals; filled, on the line: Pareto front; hollow: dominated"
    note += "".join(f"; {wording.MEASURES[cost]} held equal" for cost in equal)

    with style():
        figure = Figure(layout="constrained")
        panels, grid = _panels(figure, len(shown), group is not None, sheet)
        for views, cost in zip(panels, shown, strict=True):
            for axes in views:
                _draw_front(axes, table[table[f"{cost}_front"]], cost)
                for row in table.to_dict("records"):
                    _draw_cost(axes, row, cost, look[row["cell"]], summary.unit)
                drawn = known.filter(regex=f"^{cost}(_low|_high)?$")
                ends = pd.concat([drawn[name] for name in drawn])
                log_axis(axes, "x", ends[ends < math.inf])
                keep_within(axes, "y", 0, 100)
            if group is not None:
                _zoom(*views, group=group, known=known)
            # Those of a column have the same axis, which the lowest names.
            for axes in views if grid.shape[0] == len(shown) else views[-1:]:
                letters = min(34, sheet.letters(grid.shape[1]))
                axes.set_xlabel(_label(trials, cost, trusted, letters))
        for axes in grid[:, 0]:
            axes.set_ylabel(f"{outcome.capitalize()} (%)")
        head(figure, sheet, note)
        legend_below(figure, handles(look, names), 3.7 * grid.shape[0] + 0.3, sheet)
        fix_layout(figure)
    on_front = [
        f"{wording.MEASURES[cost]}: {', '.join(table.loc[table[f'{cost}_front'], 'cell'])}"
        for cost in shown
        if table[f"{cost}_front"].any()
    ]
    columns = ["cell", "n", "mean", "low", "high"]
    columns += [name for cost in COSTS for name in (cost, f"{cost}_front")]
    columns += ["latency_low", "latency_high"]
    return Drawing(
        name="pareto",
        title=f"{outcome.capitalize()} against what an arm costs; {level} intervals over seeds",
        alt=f"Pareto fronts of mean {outcome}, by cost. {'; '.join(on_front)}."
        + ("" if trusted or "latency" in equal else " Latencies are not to be compared."),
        data=table[columns],
        figure=figure,
    )


def has_costs(trials: pd.DataFrame, summary: Summary) -> bool:
    """Whether arms differ in any cost, that is whether `accuracy_against_cost` shows something."""
    table = against_cost(summary)
    return bool(_costs_apart(trials, table[table["mean"].notna()]))


def _costs_apart(trials: pd.DataFrame, known: pd.DataFrame) -> list[str]:
    """The costs that are not held equal between the arms that have an accuracy, `known`."""
    return [cost for cost in COSTS if not _held_equal(trials, known, cost)]


def _held_equal(trials: pd.DataFrame, known: pd.DataFrame, cost: str) -> bool:
    """Whether the arms have the same of a cost: by design, or to within 5%."""
    values = known[cost].dropna()
    by_design = set(trials["match"].dropna()) == {cost}
    return bool(by_design or (not values.empty and values.max() <= ALIKE * values.min()))


def _panels(
    figure: Figure, costs: int, zoomed: bool, sheet: Sheet
) -> tuple[list[list[Axes]], npt.NDArray[np.object_]]:
    """The panels of each cost: one, or one of all arms and one of the upper ones; and the grid."""
    if zoomed and sheet.panels(4) < 4:
        grid = figure.subplots(costs, 2, sharey="col", squeeze=False)
        return [list(row) for row in grid], grid
    if zoomed:
        grid = figure.subplots(2, costs, sharey="row", squeeze=False)
        return [list(column) for column in grid.T], grid
    across = min(costs, sheet.panels(2 if costs == 4 else 3))
    grid = figure.subplots(math.ceil(costs / across), across, sharey=True, squeeze=False)
    for axes in grid.flat[costs:]:
        axes.set_axis_off()
    return [[axes] for axes in grid.flat[:costs]], grid


def _zoom(whole: Axes, near: Axes, *, group: tuple[float, float], known: pd.DataFrame) -> None:
    """Make the second of two panels a view of the upper arms alone, and say so."""
    near.set_ylim(view(group, 0, 100))
    upper = int((100 * known["mean"] >= group[0]).sum())
    near.set_title(f"Zoom: upper {upper}")
    whole.set_title(f"All {len(known)} arms")


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


def _draw_cost(axes: Axes, row: dict[Hashable, Any], cost: str, look: Look, unit: str) -> None:
    """One arm: mean and interval against its cost, with the cost's spread where it was measured."""
    mean, low, high = (100 * row[name] for name in ("mean", "low", "high"))
    least, most = (row.get(f"{cost}_{end}", math.nan) for end in ("low", "high"))
    most = BEYOND * row[cost] if most == math.inf else most
    drawn = axes.errorbar(
        row[cost],
        mean,
        xerr=[[row[cost] - least], [most - row[cost]]],
        yerr=[[mean - low], [high - mean]],
        fmt=look.marker,
        color=look.colour,
        markerfacecolor=look.colour if row[f"{cost}_front"] else "white",
        markersize=8,
        markeredgewidth=1.6,
        linewidth=1.6,
        capsize=4,
        zorder=3,
    )
    said = f"{wording.si(row[cost])} {UNITS[cost]}"
    tell_bars(drawn, f"{reading(str(row['cell']), mean, low, high, n=row['n'], unit=unit)}; {said}")


def _label(trials: pd.DataFrame, cost: str, trusted: bool, letters: int) -> str:
    """What an axis shows; of the latency also what it was measured on, or why not to trust it."""
    label = textwrap.fill(COSTS[cost], letters)
    if cost != "latency":
        return label
    timed = trials[trials["infer_images_per_s"].notna()]
    devices = ", ".join(timed["device"].unique())
    batches = ", ".join(map(str, timed["throughput_batch"].unique()))
    measured = f"bars: IQR; {devices}, batch {batches}" if devices else ""
    said = measured if trusted else "Do not compare: the baseline timed against itself differed"
    return "\n".join([label, *textwrap.wrap(said, letters)])
