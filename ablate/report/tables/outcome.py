"""The outcome by arm, with every repeat and the differences from the baseline; and by budget."""

import contextlib
import textwrap
import warnings
from collections.abc import Iterator
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablate.report.figures.drawing.sheet import PAGE, Sheet, head, legend_below, set_height
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
from ablate.report.tables.boxes import draw_box
from ablate.tables.arms.compare import UNCOMPARED, Judged
from ablate.tables.arms.numbers import forms
from ablate.tables.arms.repeats import ARM, BUDGET, OUTCOME, Repeats
from ablate.tables.arms.spread import PERCENTILES
from ablate.tables.arms.table import foremost

MOST_ARMS = 20  # in a figure
MOST_DOTS = 2_000  # in a figure; of an arm with more rows than its share, evenly spaced by rank
BOXES = "Middle half (box) and 90% (line) of the {}s"  # in place of dots
ABOVE, HALF = 0.26, 0.11  # of a line: where a box stands above the mean, and half its height
MOST_KEYS = 10  # arms that colours and markers tell apart


@contextlib.contextmanager
def plain_text() -> Iterator[None]:
    """Within it text is drawn as it stands: no `$` is mathematics, and no letter is warned of."""
    with mpl.rc_context({"text.parse_math": False}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def outcome_by_arm(
    judged: Judged, sheet: Sheet = PAGE, spread: pd.DataFrame | None = None
) -> Drawing:
    """Every repeat, mean and interval of each arm; beside it the differences from the baseline.

    Args:
        judged: what the table says.
        sheet: what it is drawn on.
        spread: `spread_of` the rows: drawn as boxes in place of the rows themselves.

    Of more than `MOST_ARMS` arms the baseline and the best are drawn; of more than `MOST_DOTS`
    rows some, evenly spaced by rank. The figure says so.
    """
    table = judged.table.iloc[foremost(judged, MOST_ARMS)].reset_index(drop=True)
    dots = _dots(judged, list(table["arm"])) if spread is None else {}
    boxes = {} if spread is None else _boxes(spread)
    look = looks([str(arm) for arm in table["arm"]])
    repeats, base = judged.repeats, judged.baseline
    mean_form, diff_form = forms(judged)
    labels = [
        f"{textwrap.fill(str(row['arm']), min(30, sheet.letters(2)))}\nn = {row['n']:,}"
        for row in table.to_dict("records")
    ]
    of, points = ("%", " points") if repeats.points else ("", "")
    with style(), plain_text():
        figure = Figure(layout="constrained")
        across = sheet.panels(2)
        letters = min(36, int(0.66 * sheet.letters()))
        shape: dict[str, Any] = {"sharey": True} | (
            {"width_ratios": (1.25, 1)} if across == 2 else {}
        )
        left, right = figure.subplots(2 // across, across, **shape).flat
        for place, row in enumerate(table.to_dict("records")):
            arm = str(row["arm"])
            if spread is None:
                _draw_dots(left, place, dots[arm], look[arm].colour, arm, mean_form, of)
            else:
                tip = _box_tip(arm, boxes[arm], mean_form, of)
                draw_box(left, place - ABOVE, boxes[arm], look[arm].colour, tip, HALF)
            _draw_interval(
                left,
                place,
                [row["mean"], row["low"], row["high"]],
                reading(arm, row["mean"], row["low"], row["high"], n=row["n"],
                        unit=repeats.row, form=mean_form, of=of),
            )  # fmt: skip
            diff = [row["diff"], row["diff_low"], row["diff_high"]]
            if row["finding"] in ("baseline", *UNCOMPARED):
                _note(right, place, row["finding"])
                continue
            _draw_interval(
                right, place, diff, reading(f"{arm} minus {base}", *diff, form=diff_form, of=points)
            )
        right.axvline(0, color="black", linewidth=1.2, zorder=1)
        for axes in (left, right):
            axes.set_yticks(range(len(labels)), labels)
        left.set_ylim(len(labels) - 0.5, -0.5)
        if across == 2:
            right.tick_params(labelleft=False)
        if repeats.points:
            keep_within(left, "x", 0, 100)
        which = "more" if repeats.better > 0 else "less"
        name = f"{repeats.outcome}{' (%)' if repeats.points else ''}; {which} is better"
        left.set_xlabel(textwrap.fill(name, letters))
        unit = " (points)" if repeats.points else ""
        right.set_xlabel(textwrap.fill(f"Difference from {base}{unit}", letters))
        joint = "joint " if judged.together > 1 else ""
        each = f"Each {repeats.row}" if spread is None else BOXES.format(repeats.row)
        left.set_title(textwrap.fill(f"{each}; mean with 95% interval", letters))
        right.set_title(textwrap.fill(f"Difference; {joint}95% interval", letters))
        head(figure, sheet, _left_out(judged, table, dots))
        heights = [max(0.8, 0.25 * (2 + label.count("\n"))) for label in labels]
        set_height(figure, (1.4 + max(heights) * len(labels)) * 2 / across, sheet)
        fix_layout(figure)
    return Drawing(
        name="outcome",
        title=f"{_shown(repeats, spread)}, and the difference from {base}; diamonds and bars are "
        "means and 95% intervals",
        alt=_alt(judged, table),
        data=_data(table, dots) if spread is None else _summed(table, spread),
        figure=figure,
    )


def _shown(repeats: Repeats, spread: pd.DataFrame | None) -> str:
    if spread is None:
        return f"{repeats.outcome} of every {repeats.row}"
    return f"{repeats.outcome} of each arm: the middle half and 90% of its {repeats.row}s"


def _boxes(spread: pd.DataFrame) -> dict[str, tuple[float, float, float, float, float]]:
    """The percentiles of each arm."""
    found = {}
    for row in spread.to_dict("records"):
        p5, p25, p50, p75, p95 = (float(row[name]) for name in PERCENTILES)
        found[str(row["arm"])] = (p5, p25, p50, p75, p95)
    return found


def _box_tip(arm: str, box: tuple[float, ...], form: str, of: str) -> str:
    low, lower, _, upper, high = (f"{value:{form}}" for value in box)
    return f"{arm}: the middle 90% {low} to {high}{of}, half {lower} to {upper}{of}"


def _summed(table: pd.DataFrame, spread: pd.DataFrame) -> pd.DataFrame:
    """One row an arm."""
    columns = ["arm", "n", "mean", "low", "high", "diff", "diff_low", "diff_high"]
    return table[columns].merge(spread, on="arm", how="left")


def outcome_by_budget(judged: Judged, sheet: Sheet = PAGE) -> Drawing | None:
    """The mean outcome against the budget; None where there is no column for it."""
    repeats = judged.repeats
    if BUDGET not in repeats.frame:
        return None
    table = judged.table.iloc[foremost(judged, MOST_ARMS)].reset_index(drop=True)
    named = [str(judged.table["arm"].iloc[place]) for place in foremost(judged, MOST_KEYS)]
    look = looks(named)
    other = Look("#949494", ".", "-")
    mean_form, _ = forms(judged)
    budget = repeats.columns[BUDGET]
    with style(), plain_text():
        figure = Figure(layout="constrained")
        axes = figure.subplots()
        for row in table.to_dict("records"):
            arm = str(row["arm"])
            drawn = axes.errorbar(
                row["budget"],
                row["mean"],
                yerr=[[row["mean"] - row["low"]], [row["high"] - row["mean"]]],
                fmt=look.get(arm, other).marker,
                color=look.get(arm, other).colour,
                markersize=8,
                zorder=3 if arm in look else 2,
                linewidth=1.6,
                capsize=4,
            )
            tip = reading(arm, row["mean"], row["low"], row["high"], n=row["n"], unit=repeats.row,
                          form=mean_form, of="%" if repeats.points else "")  # fmt: skip
            tell_bars(drawn, f"{tip}; {budget} {row['budget']:.4g}")
        if (table["budget"] > 0).all():
            log_axis(axes, "x", table["budget"])
        if repeats.points:
            keep_within(axes, "y", 0, 100)
        axes.set_xlabel(textwrap.fill(budget, sheet.letters()))
        axes.set_ylabel(textwrap.fill(f"{repeats.outcome}{' (%)' if repeats.points else ''}", 30))
        head(figure, sheet, _left_out(judged, table, {}))
        names = {arm: arm for arm in named}
        if len(table) > len(named):
            names["others"] = f"{len(table) - len(named)} others"
        legend_below(figure, handles(look | {"others": other}, names), 4.2, sheet)
        fix_layout(figure)
    return Drawing(
        name="budget",
        title=f"Mean {repeats.outcome} against {budget}, with 95% intervals",
        alt="; ".join(
            f"{row['arm']}: {row['mean']:{mean_form}} at {budget} {row['budget']:.4g}"
            for row in table.to_dict("records")
        ),
        data=table[["arm", "n", "budget", "mean", "low", "high"]],
        figure=figure,
    )


def _dots(judged: Judged, arms: list[str]) -> dict[str, npt.NDArray[np.float64]]:
    """Outcomes of each arm that are drawn, ascending."""
    frame = judged.repeats.frame
    some = frame[frame[ARM].isin(arms)]
    share = len(some) if len(some) <= MOST_DOTS else max(10, MOST_DOTS // len(arms))
    found = {}
    groups = some.groupby(ARM, sort=False)[OUTCOME]
    for arm, values in groups:
        own = np.sort(values.to_numpy(dtype=float))
        if len(own) > share:
            own = own[np.linspace(0, len(own) - 1, share).round().astype(int)]
        found[str(arm)] = own
    return found


def _left_out(judged: Judged, table: pd.DataFrame, dots: dict[str, npt.NDArray[np.float64]]) -> str:
    """What a figure does not show."""
    notes = []
    if len(table) < len(judged.table):
        notes.append(f"{len(table)} of {len(judged.table)} arms: the baseline and the best")
    drawn, there = sum(map(len, dots.values())), int(table["n"].sum())
    if dots and drawn < there:
        notes.append(f"{drawn:,} of {there:,} rows, evenly spaced by rank in each arm")
    return "; ".join(notes)


def _draw_dots(
    axes: Axes,
    place: int,
    values: npt.NDArray[np.float64],
    colour: Any,
    name: str,
    form: str,
    of: str,
) -> None:
    """A dot a row, spread above the arm's line by rank."""
    heights = place - np.linspace(0.12, 0.4, len(values))
    dots = axes.scatter(values, heights, s=36, color=[colour], alpha=0.6, linewidths=0, zorder=2)
    tell(dots, *(reading(name, float(value), form=form, of=of) for value in values))


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


def _note(axes: Axes, place: int, text: str) -> None:
    kind: dict[str, Any] = {"ha": "center", "va": "center", "color": "dimgrey"}
    axes.text(0.5, place, text, transform=axes.get_yaxis_transform(), backgroundcolor="w", **kind)


def _alt(judged: Judged, table: pd.DataFrame) -> str:
    mean_form, diff_form = forms(judged)
    parts = []
    for row in table.to_dict("records"):
        against = (
            ""
            if row["finding"] in ("baseline", *UNCOMPARED)
            else f", {row['diff']:{diff_form}} [{row['diff_low']:{diff_form}}, "
            f"{row['diff_high']:{diff_form}}] against {judged.baseline}: {row['finding']}"
        )
        parts.append(f"{row['arm']} {row['mean']:{mean_form}} (n = {row['n']:,}){against}")
    return "; ".join(parts)


def _data(table: pd.DataFrame, dots: dict[str, npt.NDArray[np.float64]]) -> pd.DataFrame:
    """One row a dot, with what its arm has."""
    rows = pd.DataFrame(
        [(str(arm), value) for arm in table["arm"] for value in dots[str(arm)]],
        columns=["arm", "outcome"],
    )
    columns = ["arm", "n", "mean", "low", "high", "diff", "diff_low", "diff_high"]
    return rows.merge(table[columns], on="arm", how="left")
