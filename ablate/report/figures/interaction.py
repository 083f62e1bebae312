"""Interaction plots: the arms of one axis, a line for each arm of another."""

import itertools
import math
import textwrap
from collections.abc import Hashable, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ablate.analysis import factorial, wording
from ablate.analysis.factorial import cell_means
from ablate.analysis.summary import OUTCOMES
from ablate.report.figures.drawing.sheet import PAGE, Sheet, head, legend_below
from ablate.report.figures.drawing.style import Drawing, Look, fix_layout, keep_within, looks, style
from ablate.report.figures.drawing.tips import reading, tell_bars
from ablate.report.figures.drawing.zoom import upper_group, view
from ablate.spec.choices import AXIS_PREFIX

ACROSS = 2  # panels in a row
APART = 0.08  # of lines at one arm, so that their intervals do not hide each other


def has_interaction(trials: pd.DataFrame) -> bool:
    """Whether a study has two axes or more, that is something for `interaction` to show."""
    return len(factorial.axes_of(trials)) > 1


def interaction(
    trials: pd.DataFrame, outcome: str = "test_accuracy", sheet: Sheet = PAGE
) -> Drawing | None:
    """Each cell's mean with its interval: parallel lines are axes that do not interact.

    Args:
        trials: as `schema.to_frame` makes it, of one study.
        outcome: a column with an accuracy.
        sheet: what it is drawn on.

    Returns:
        The arms of the first axis along the bottom, a line an arm of the second, and a panel for
        each combination of further ones. Where some cells lie so far below the others that these
        cannot be told apart, as many panels more show those alone. None for a study of one axis.
    """
    if not has_interaction(trials):
        return None
    names = factorial.axes_of(trials)
    along, lines, *further = [AXIS_PREFIX + name for name in names]
    means = cell_means(trials, outcome)
    arms = list(dict.fromkeys(means[along]))
    look = looks(list(dict.fromkeys(means[lines])))
    panels: list[tuple[Hashable, pd.DataFrame]] = (
        list(means.groupby(further, sort=False)) if further else [("", means)]
    )
    group = upper_group(100 * means[["mean", "low", "high"]])
    views = [None] if group is None else [None, view(group, 0, 100)]
    with style():
        figure = Figure(layout="constrained")
        across = min(sheet.panels(ACROSS), len(views) * len(panels))
        down = math.ceil(len(views) * len(panels) / across)
        grid = figure.subplots(down, across, squeeze=False)
        letters = max(8, int(0.8 * sheet.letters(across)) // len(arms))  # that fit below an arm
        apart = min(APART, 0.6 / len(look))
        for axes in grid.flat[len(views) * len(panels) :]:
            axes.set_axis_off()
        drawn = zip(grid.flat, itertools.product(views, panels), strict=False)
        for axes, (limits, (shared, rows)) in drawn:
            for place, (arm, of_arm) in enumerate(look.items()):
                offset = apart * (place - (len(look) - 1) / 2)
                own = rows[rows[lines] == arm]
                _draw(axes, own, arms, along, str(arm), of_arm, offset)
            axes.set_xticks(range(len(arms)), [textwrap.fill(arm, letters) for arm in arms])
            axes.set_xlim(-0.5, len(arms) - 0.5)
            axes.set_xlabel(names[0])
            parts = [" / ".join(map(str, shared))] if isinstance(shared, tuple) else []
            if group is not None:
                upper = int((100 * means["mean"] >= group[0]).sum())
                parts.append("All" if limits is None else f"Zoom: upper {upper} of {len(means)}")
            axes.set_title("; ".join(parts))
        for axes in grid[:, 0]:
            axes.set_ylabel(f"{OUTCOMES[outcome].capitalize()} (%)")
        _share_views(list(grid.flat)[: len(views) * len(panels)], len(panels), views)
        head(figure, sheet, "Mean over seeds with its 95% interval")
        counts = means.groupby(lines, sort=False)["n"].agg(["min", "max"])
        entries = [
            Line2D([], [], color=of.colour, marker=of.marker, linestyle=of.line,
                   label=f"{names[1]}: {arm} ({wording.seeds(*counts.loc[arm])})")
            for arm, of in look.items()
        ]  # fmt: skip
        legend_below(figure, entries, 4.8 * down, sheet)
        fix_layout(figure)
    return Drawing(
        name="interaction",
        title=f"{OUTCOMES[outcome].capitalize()} by {names[0]}, a line for each {names[1]}; "
        "parallel lines are axes that do not interact",
        alt=f"Mean {OUTCOMES[outcome]}: "
        + "; ".join(_in_words(row, [along, lines, *further]) for row in means.to_dict("records"))
        + ".",
        data=means,
        figure=figure,
    )


def _share_views(
    panels: Sequence[Axes], together: int, views: Sequence[tuple[float, float] | None]
) -> None:
    """Give the panels of a view the same limits: those asked for, or the widest of their own."""
    for place, limits in enumerate(views):
        own = panels[place * together : (place + 1) * together]
        lows, highs = zip(*(axes.get_ylim() for axes in own), strict=True)
        for axes in own:
            axes.set_ylim(limits or (min(lows), max(highs)))
            keep_within(axes, "y", 0, 100)


def _draw(
    axes: Axes,
    rows: pd.DataFrame,
    arms: list[str],
    along: str,
    name: str,
    look: Look,
    offset: float,
) -> None:
    # An arm without a trial breaks the line, lest it seem to have been measured there.
    rows = rows.set_index(along).reindex(arms)
    middle, low, high = (100 * rows[name] for name in ("mean", "low", "high"))
    drawn = axes.errorbar(
        [place + offset for place in range(len(arms))],
        middle,
        yerr=[middle - low, high - middle],
        color=look.colour,
        marker=look.marker,
        linestyle=look.line,
        markersize=7,
        linewidth=1.6,
        capsize=4,
    )
    limits = pd.DataFrame({"mean": middle, "low": low, "high": high, "n": rows["n"]})
    known = limits.dropna(subset="mean")
    tell_bars(
        drawn,
        *(
            reading(f"{arm} / {name}", mean, low, high, n=int(n))
            for arm, mean, low, high, n in known.itertuples()
        ),
    )


def _in_words(row: dict[Hashable, Any], axes: list[str]) -> str:
    """A cell's name and mean, for whoever cannot see it."""
    cell = " / ".join(str(row[axis]) for axis in axes)
    return f"{cell} {100 * row['mean']:.1f}%" if row["n"] else f"{cell} has no complete trial"
