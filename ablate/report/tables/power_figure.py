"""The growth that keeps a layer's run time, of each group of a table of run times."""

from typing import Literal

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ablate.report.figures.drawing.sheet import PAGE, Sheet, head, legend_below
from ablate.report.figures.drawing.style import COLOURS, Drawing, fix_layout, style
from ablate.report.figures.drawing.tips import reading, tell
from ablate.tables.file import PowerTable
from ablate.tables.power import Powers, kinds_of, of_kind
from ablate.tables.power_verdict import span

EACH = 0.36  # inches of a group's line
LINES: tuple[Literal[":", "--", "-."], ...] = (":", "--", "-.")  # of growths that are marked
OFF = 0.26  # of a line: the other fits stand above and below


def growth_by_group(powers: Powers, asked: PowerTable, sheet: Sheet = PAGE) -> Drawing:
    """One line a group, kinds one below the other: the growth with its interval, by three fits.

    Args:
        powers: what the table shows.
        asked: with the growths to mark.
        sheet: what it is drawn on.
    """
    kinds = kinds_of(powers)
    sizes = [len(of_kind(powers, kind)) for kind in kinds]
    with style():
        figure = Figure(layout="constrained")
        panels = figure.subplots(
            len(kinds),
            1,
            squeeze=False,
            sharex=True,
            height_ratios=[size + 1 for size in sizes],
        )[:, 0]
        for axes, kind in zip(panels, kinds, strict=True):
            _draw(axes, of_kind(powers, kind))
            for place, growth in enumerate(asked.marks.values()):
                axes.axvline(
                    growth, color="black", linestyle=LINES[place % len(LINES)], linewidth=1.2
                )
            axes.set_title(kind)
        panels[-1].set_xlabel("Growth r that keeps a layer's run time")
        panels[-1].xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 2.5, 5]))
        panels[-1].xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        head(figure, sheet, "95% intervals over networks")
        keys = [
            Line2D([], [], color=COLOURS[0], marker="o", linewidth=2.5, label="power law"),
            Line2D(
                [],
                [],
                color=COLOURS[2],
                marker="s",
                linewidth=1.2,
                label="the same, each family with a level of its own",
            ),
            Line2D(
                [],
                [],
                color=COLOURS[1],
                marker="D",
                linewidth=1.2,
                label="sum of terms, median network",
            ),
        ]
        keys += [
            Line2D(
                [], [], color="black", linestyle=LINES[place % len(LINES)], label=f"{name}: {one:g}"
            )
            for place, (name, one) in enumerate(asked.marks.items())
        ]
        legend_below(figure, keys, EACH * (sum(sizes) + 2.5 * len(kinds)) + 0.6, sheet)
        fix_layout(figure)
    said = [
        f"{kind or 'All groups'}: {span(of_kind(powers, kind), 'growth', '.2f')} by a power law, "
        f"{span(of_kind(powers, kind), 'sum_growth', '.2f')} by a sum of terms"
        for kind in kinds
    ]
    return Drawing(
        name="growth",
        title="The growth of the width, where the feature map halves, that keeps a layer's run "
        "time equal, on each device",
        alt=". ".join(said) + ".",
        data=powers.table[
            [
                *("kind", "group", "networks", "growth", "low", "high"),
                *("within", "within_low", "within_high", "sum_growth", "sum_low", "sum_high"),
            ]
        ],
        figure=figure,
    )


def _draw(axes: Axes, table: pd.DataFrame) -> None:
    """The groups of a kind, the first at the top."""
    fits = (
        ("power law", "growth", "low", "high", COLOURS[0], "o", 2.5, 0.0),
        ("within families", "within", "within_low", "within_high", COLOURS[2], "s", 1.2, OFF),
        ("sum of terms", "sum_growth", "sum_low", "sum_high", COLOURS[1], "D", 1.2, -OFF),
    )
    for place, row in enumerate(table.to_dict("records")):
        for name, mean, low, high, colour, marker, width, off in fits:
            height = -place + off
            (bar,) = axes.plot([row[low], row[high]], [height] * 2, color=colour, linewidth=width)
            (mark,) = axes.plot(
                [row[mean]], [height], color=colour, marker=marker, markersize=4 + 2 * (off == 0)
            )
            text = reading(
                f"{row['group']}, {name}".lstrip(", "),
                row[mean],
                row[low],
                row[high],
                n=row["networks"],
                unit="network",
                form=".2f",
                of="",
            )
            for artist in (bar, mark):
                tell(artist, text)
    names = [str(one).replace(", ", " ") or "all rows" for one in table["group"]]
    axes.set_yticks([-place for place in range(len(names))], names, fontsize="small")
    axes.set_ylim(-len(names) + 0.4, 0.6)
    axes.grid(visible=False, axis="y")
