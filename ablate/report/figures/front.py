"""A search in two figures: the front that it found, and how fast each sampler came to it."""

import math
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ablate.analysis import wording
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
from ablate.report.figures.drawing.tips import reading, tell, tell_bars
from ablate.search import front
from ablate.search.explored import Explored
from ablate.search.file import ACCURACY
from ablate.search.words import finalist_words, network_words, shape_words, value_text

FAINT = "0.7"
SHOWN = {"macs": "MACs per image (conv + linear)", "params": "Parameters"}
BASELINE = Look("black", "*", "-")
DEVICE_LETTERS = 40


def front_against_cost(explored: Explored, trials: pd.DataFrame, sheet: Sheet = PAGE) -> Drawing:
    """Accuracy against cost: all that was explored, the front, and the finalists confirmed.

    Args:
        explored: what the search found.
        trials: of the confirmation, as `schema.to_frame` makes it.
        sheet: what it is drawn on.

    Returns:
        Left, validation accuracy: a dot a network (the mean over its trainings), dominated ones
        faint, the front of these means joined by steps; with a mark for each network that was
        confirmed, its mean over the confirmation's seeds and their interval. Right: the same
        marks in test accuracy. Left of it, what a single training promised is not what came. The
        baseline is a star with its name; a hollow one where it was explored too.
    """
    cost = _cost(explored)
    own = explored.baseline
    elsewhere = {own.net: own.costs[cost]} if own else {}
    confirmed = front.confirmed(explored.networks, trials, cost, elsewhere)
    look = _looks(explored, confirmed)
    names = _names(explored, look)
    found = explored.networks
    best = found[found["rank"] == 1].sort_values(cost)
    with style():
        figure = Figure(layout="constrained")
        across = sheet.panels(2)
        left, right = figure.subplots(2 // across, across, sharey=True, squeeze=False).flat
        dominated = found[found["rank"] > 1]
        (dots,) = left.plot(
            dominated[cost], 100 * dominated[ACCURACY], "o", color=FAINT, markersize=4, zorder=1
        )
        left.step(best[cost], 100 * best[ACCURACY], "k-", where="post", linewidth=1.4, zorder=2)
        (front_dots,) = left.plot(best[cost], 100 * best[ACCURACY], "ko", markersize=5, zorder=2)
        words = network_words(found)
        for artist, rows in ((dots, dominated), (front_dots, best)):
            tell(artist, *(_explored(row, cost, words) for row in rows.to_dict("records")))
        for axes, outcome in ((left, ACCURACY), (right, "test_accuracy")):
            for row in confirmed[confirmed["outcome"] == outcome].to_dict("records"):
                _draw_interval(axes, row, cost, look[row["cell"]], names[row["cell"]])
                if row["cell"] == explored.file.baseline:
                    _name(axes, row, cost)
            log_axis(axes, "x", pd.concat([found[cost], confirmed[cost]]))
            axes.set_xlabel(_cost_label(explored, cost))
        worst = float(explored.file.reference["val_accuracy"])
        shown = best[ACCURACY][best[ACCURACY] >= worst]
        _fit_view(left, pd.concat([shown, *(confirmed[name] for name in ("mean", "low", "high"))]))
        left.set_ylabel("Accuracy (%)")
        left.set_title("Exploring: validation")
        right.set_title("Confirmed: test, once a trial")
        seeds = confirmed["n"].min(), confirmed["n"].max()
        head(
            figure,
            sheet,
            "Marks: mean of the confirmation with 95% interval; "
            f"{wording.seeds(int(seeds[0]), int(seeds[1]))} seeds",
        )
        keys = [
            Line2D([], [], color=FAINT, marker="o", linestyle="none", label="explored, dominated"),
            Line2D([], [], color="black", marker="o", linewidth=1.4, label="explored, the front"),
            *handles(look, names),
            *_draw_explored_baseline(left, explored, confirmed, cost),
        ]
        legend_below(figure, keys, 4.6 * 2 / across, sheet)
        fix_layout(figure)
    told = [
        f"{names[row['cell']]}, {100 * row['mean']:.1f}% at {wording.si(row[cost])}"
        for row in confirmed[confirmed["outcome"] == "test_accuracy"].to_dict("records")
    ]
    return Drawing(
        name="front",
        title=f"Accuracy against cost: {len(found)} networks explored on validation, and the "
        "finalists confirmed with fresh seeds",
        alt=f"{len(best)} networks are on the front. Test accuracy: {'; '.join(told)}.",
        data=pd.concat(
            [
                found.assign(what="explored", mean=found[ACCURACY].astype(float)),
                confirmed.assign(what="confirmed"),
            ],
            ignore_index=True,
        )[["what", "net", "cell", "outcome", "rank", cost, "n", "mean", "low", "high"]],
        figure=figure,
    )


def hypervolume_by_budget(explored: Explored, sheet: Sheet = PAGE) -> Drawing:
    """How much of the box each sampler's front dominates as its search goes on.

    Args:
        explored: what the search found.
        sheet: what it is drawn on.

    Returns:
        Means over repeats with 95% intervals, each place by itself: against the networks trained,
        and against the training MACs, as far as every repeat of every sampler has come.
    """
    curves = {by: front.progress(explored.hypervolumes, by) for by in ("networks", "train_macs")}
    samplers = list(dict.fromkeys(explored.hypervolumes["sampler"]))
    look = looks(samplers)
    repeats = explored.hypervolumes["repeat"].nunique()
    labels = {
        "networks": "Networks trained",
        "train_macs": "Multiply-accumulates of training",
    }
    with style():
        figure = Figure(layout="constrained")
        across = sheet.panels(2)
        panels = figure.subplots(2 // across, across, sharey=True, squeeze=False).flat
        for axes, (by, curve) in zip(panels, curves.items(), strict=True):
            for sampler in samplers:
                own = curve[curve["sampler"] == sampler]
                axes.fill_between(
                    own["at"],
                    own["low"],
                    own["high"],
                    color=look[sampler].colour,
                    alpha=0.2,
                    linewidth=0,
                )
                (line,) = axes.plot(
                    own["at"],
                    own["mean"],
                    color=look[sampler].colour,
                    linestyle=look[sampler].line,
                    linewidth=2,
                )
                last = own.iloc[-1]
                limits = last["mean"], last["low"], last["high"]
                name = f"{sampler} after {wording.si(last['at'])}"
                tell(line, reading(name, *limits, n=repeats, unit="repeat", form=".3f", of=""))
            axes.set_xlabel(labels[by])
            axes.xaxis.set_major_formatter(lambda value, _: wording.si(value))
        keep_within(panels[0], "y", 0, 1)
        panels[0].set_ylabel("Hypervolume\n(share of the box)")
        head(
            figure,
            sheet,
            f"Lines: means; bands: 95% intervals; n = {wording.plural(repeats, 'repeat')}",
        )
        keys = [
            Line2D([], [], color=own.colour, linestyle=own.line, linewidth=2, label=sampler)
            for sampler, own in look.items()
        ]
        legend_below(figure, keys, 4.2 * 2 / across, sheet)
        fix_layout(figure)
    ends = curves["networks"].groupby("sampler", sort=False).last()
    told = [
        f"{sampler} {wording.interval_text(row['mean'], row['low'], row['high'], '.3f')}"
        for sampler, row in ends.iterrows()
    ]
    return Drawing(
        name="hypervolume_by_budget",
        title="Hypervolume of what each sampler has found, against what it has spent",
        alt=f"After {int(ends['at'].iloc[0])} networks: {'; '.join(told)}.",
        data=pd.concat(curves.values(), ignore_index=True),
        figure=figure,
    )


def _cost(explored: Explored) -> str:
    """The cost that accuracy is drawn against: the first that is minimised, else MACs."""
    costs = [name for name in explored.file.search.objectives if name != ACCURACY]
    return costs[0] if costs else "macs"


def _explored(row: Mapping[Any, Any], cost: str, words: Mapping[str, str]) -> str:
    """A network that was explored, as a tip."""
    name = words.get(row["net"]) or shape_words(row["widths"], row["depths"])
    return f"{reading(name, 100 * row[ACCURACY])} at {value_text(cost, row[cost])}"


def _cost_label(explored: Explored, cost: str) -> str:
    """The label of the axis of costs: a latency's says how it was measured, or to leave it be."""
    timing = explored.timing
    if cost != "latency":
        return SHOWN[cost]
    if timing is None:
        return "Latency (ms)"
    on = textwrap.shorten(timing.latency_device, DEVICE_LETTERS, placeholder=" ...")
    if timing.latency_control_off:
        on = "Do not compare: the baseline timed\nagainst itself was not equal"
    return f"Latency (ms; {timing.words})\n{on}"


def _looks(explored: Explored, confirmed: pd.DataFrame) -> dict[str, Look]:
    """The baseline's own look, and one for each finalist."""
    cells = dict.fromkeys(confirmed["cell"])
    others = looks([cell for cell in cells if cell != explored.file.baseline])
    return {cell: others.get(cell, BASELINE) for cell in cells}


def _names(explored: Explored, cells: Iterable[str]) -> dict[str, str]:
    """What each confirmed network is called in the legend."""
    words = finalist_words(explored.networks)
    return {
        cell: f"{cell}: {words[cell]}" if cell in words else f"{cell}, the baseline"
        for cell in cells
    }


def _name(axes: Axes, row: Mapping[Any, Any], cost: str) -> None:
    """Write a network's name at its mark, towards the inside of the panel."""
    axes.annotate(
        str(row["cell"]),
        (row[cost], 100 * row["mean"]),
        xytext=(-10, -14),
        textcoords="offset points",
        ha="right",
        va="top",
        fontsize="small",
        zorder=4,
        bbox={"facecolor": "white", "alpha": 0.8, "pad": 1, "linewidth": 0},
    )


def _draw_explored_baseline(
    axes: Axes, explored: Explored, confirmed: pd.DataFrame, cost: str
) -> list[Line2D]:
    """The baseline's place among what was explored, and its key; nothing where it was not."""
    baseline = explored.file.baseline
    nets = set(confirmed.loc[confirmed["cell"] == baseline, "net"])
    found = explored.networks[explored.networks["net"].isin(nets)]
    if found.empty:
        return []
    drawn = axes.plot(
        found[cost],
        100 * found[ACCURACY],
        BASELINE.marker,
        color=BASELINE.colour,
        markerfacecolor="white",
        markersize=11,
        zorder=3,
        label=f"{baseline}, as explored",
    )
    name = f"{baseline}, as explored"
    tell(drawn[0], *(_explored(row, cost, {row["net"]: name}) for row in found.to_dict("records")))
    return drawn


def _draw_interval(axes: Axes, row: Mapping[Any, Any], cost: str, own: Look, name: str) -> None:
    mean, low, high = (100 * row[name] for name in ("mean", "low", "high"))
    drawn = axes.errorbar(
        row[cost],
        mean,
        yerr=None if math.isnan(low) else [[mean - low], [high - mean]],
        fmt=own.marker,
        color=own.colour,
        markersize=12 if own == BASELINE else 8,
        capsize=4,
        zorder=3,
    )
    said = reading(name, mean, low, high, n=int(row["n"]))
    tell_bars(drawn, f"{said}; at {value_text(cost, row[cost])}")


def _fit_view(axes: Axes, accuracies: pd.Series) -> None:
    """Show what was confirmed and the front above the reference: below it is what nobody wants."""
    least, most = 100 * accuracies.min(), 100 * accuracies.max()
    room = 0.1 * (most - least) + 0.5
    axes.set_ylim(max(0, least - room), min(100, most + room))
