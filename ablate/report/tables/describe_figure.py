"""How a number lies in groups of networks: mean with interval, quartiles and range; no networks."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ablate.report.figures.drawing.sheet import PAGE, Sheet, head, legend_below
from ablate.report.figures.drawing.style import COLOURS, Drawing, fix_layout, style
from ablate.report.figures.drawing.tips import reading, tell
from ablate.report.tables.boxes import RANGE, draw_box
from ablate.report.tables.outcome import plain_text
from ablate.tables.describe import Described
from ablate.tables.describe_verdict import form_of, mean_text, of_unit
from ablate.tables.file import TableFile

EACH = 0.62  # inches of a group's line
LINES: tuple[Any, ...] = (":", "--", "-.")  # of values that are marked
SHOWN = ("outcome", "group", "networks", "mean", "low", "high")


def numbers_by_group(found: Described, file: TableFile, sheet: Sheet = PAGE) -> Drawing:
    """One panel an outcome, one line a group: where its mean, quartiles and range lie.

    Args:
        found: what the table shows.
        file: the study file, with the values to mark.
        sheet: what it is drawn on.
    """
    assert file.describe is not None
    marks = file.describe.marks
    known = found.known
    sizes = [int((known["outcome"] == outcome).sum()) for outcome in found.outcomes]
    with style(), plain_text():
        figure = Figure(layout="constrained")
        panels = figure.subplots(
            len(sizes), 1, squeeze=False, sharex=True, height_ratios=[size + 1 for size in sizes]
        )[:, 0]
        for axes, outcome in zip(panels, found.outcomes, strict=True):
            _draw(axes, known[known["outcome"] == outcome], file)
            for place, value in enumerate(marks.values()):
                axes.axvline(
                    value, color="black", linestyle=LINES[place % len(LINES)], linewidth=1.2
                )
            axes.set_title(f"{outcome[:1].upper()}{outcome[1:]}")
        head(figure, sheet, "Means with 95% intervals over networks")
        keys = [
            Line2D([], [], color="black", marker="D", linewidth=2, label="mean, 95% interval"),
            Patch(
                color=COLOURS[0],
                alpha=0.35,
                label="the middle half of the networks, and the median",
            ),
            Line2D([], [], color=COLOURS[0], linewidth=RANGE, label="least to greatest"),
        ]
        keys += [
            Line2D(
                [], [], color="black", linestyle=LINES[place % len(LINES)], label=f"{name}: {one:g}"
            )
            for place, (name, one) in enumerate(marks.items())
        ]
        legend_below(figure, keys, EACH * sum(sizes) + 1.0 * len(sizes) + 0.4, sheet)
        fix_layout(figure)
    said = [
        f"{row['outcome']} in {row['group']}: {mean_text(row, file)}, n = {row['networks']}"
        for row in known.to_dict("records")
    ]
    return Drawing(
        name="means",
        title=f"{_listed(found)} in each group of networks: means with 95% intervals, the middle "
        "half of the networks, and their range",
        alt=f"{'; '.join(said)}.",
        data=known[[*SHOWN, "least", "lower", "median", "upper", "greatest"]],
        figure=figure,
    )


def _listed(found: Described) -> str:
    text = " and ".join(found.outcomes)
    return f"{text[:1].upper()}{text[1:]}"


def _draw(axes: Axes, table: pd.DataFrame, file: TableFile) -> None:
    """The groups of an outcome, the first at the top."""
    form, of = form_of(table["mean"]), of_unit(file)
    for place, row in enumerate(table.to_dict("records")):
        spread = (row["least"], row["lower"], row["median"], row["upper"], row["greatest"])
        draw_box(
            axes,
            -place,
            spread,
            COLOURS[0],
            f"{row['group']}: {row['least']:{form}} to {row['greatest']:{form}}{of}, half of the "
            f"networks {row['lower']:{form}} to {row['upper']:{form}}{of}",
        )
        limits = [row["low"], row["high"]]
        (bar,) = axes.plot(limits, [-place] * 2, "|-", color="black", markersize=11, linewidth=2)
        (mark,) = axes.plot([row["mean"]], [-place], "D", color="black", markersize=6, zorder=3)
        text = reading(
            row["group"],
            row["mean"],
            row["low"],
            row["high"],
            n=row["networks"],
            unit="network",
            form=form,
            of=of,
        )
        for artist in (bar, mark):
            tell(artist, text)
    names = [f"{row['group']}\nn = {row['networks']}" for row in table.to_dict("records")]
    axes.set_yticks([-place for place in range(len(names))], names, fontsize="small")
    axes.set_ylim(-len(names) + 0.4, 0.6)
    axes.grid(visible=False, axis="y")
