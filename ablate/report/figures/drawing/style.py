"""How every figure looks, what a figure is, and how it is saved; nothing here knows a study."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, Locator, LogLocator, MaxNLocator, NullLocator

from ablate import files
from ablate.analysis import wording
from ablate.report.figures.drawing.tips import with_tips
from ablate.report.html.page import Picture
from ablate.results.csv import write_table

DPI = 150
# Seaborn's `colorblind` without its palest; what has less than 3:1 against white is darkened to
# it. All but black have as much against a dark page, whose style turns black and the greys.
COLOURS = (
    *("#0173b2", "#cf8300", "#029e73", "#cc78bc", "#4a9bd4"),
    *("#d55e00", "#949494", "#be8654", "#000000", "#9f80d8"),
)
# Of text on a colour: not black and white themselves, which a dark page turns.
ON_LIGHT, ON_DARK = "#111111", "#fefefe"


@contextlib.contextmanager
def style() -> Iterator[None]:
    """Our look, within a `with` block alone: readable at half size, the same bytes each time.

    It starts from matplotlib's defaults, whatever settings the user has, and text is drawn as it
    stands: a `$` in a name begins no mathematics.
    """
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
        "text.parse_math": False,
        "svg.hashsalt": "ablate",
        "svg.fonttype": "none",  # so that text can be found, read aloud and copied
        "pdf.fonttype": 42,  # fonts as they are, which journals ask for
    }
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(rc)
        yield


@dataclass(frozen=True)
class Look:
    """How a cell is drawn everywhere."""

    colour: str
    marker: str
    line: Literal["-", "--", "-."]


def looks(cells: Sequence[str]) -> dict[str, Look]:
    """A look for each cell by its place; ten places, then they repeat.

    Markers and lines tell neighbours apart where colours do not.
    """
    markers = "osD^vPX<>p"
    lines: tuple[Literal["-", "--", "-."], ...] = ("-", "--", "-.")
    return {
        cell: Look(COLOURS[place % 10], markers[place % 10], lines[place % 3])
        for place, cell in enumerate(cells)
    }


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A figure, and what it shows.

    Args:
        name: stem of its files.
        title: a caption of one sentence.
        alt: what it shows, with its main numbers, for whoever cannot see it.
        data: the values that were drawn.
        figure: the drawing itself.
    """

    name: str
    title: str
    alt: str
    data: pd.DataFrame
    figure: Figure


_SAID = ("Date", "Creator", "Format", "Type")  # what matplotlib would say about itself


def save(drawing: Drawing, folder: Path) -> None:
    """Write a figure as PNG (150 dots an inch) and SVG (with tips), and its data as CSV."""
    with style():
        with files.replacing(folder / f"{drawing.name}.png") as temporary:
            drawing.figure.savefig(temporary, dpi=DPI)
        with files.replacing(folder / f"{drawing.name}.svg") as temporary:
            drawing.figure.savefig(temporary, metadata=dict.fromkeys(_SAID))
            temporary.write_text(with_tips(temporary.read_text("utf-8")), "utf-8")
    write_table(drawing.data, folder / f"{drawing.name}.csv")


def picture(drawing: Drawing, folder: Path) -> Picture:
    """A figure that was saved in a folder, for a page."""
    svg = (folder / f"{drawing.name}.svg").read_text(encoding="utf-8")
    csv = (folder / f"{drawing.name}.csv").read_text(encoding="utf-8")
    return Picture(
        name=drawing.name,
        title=drawing.title,
        alt=drawing.alt,
        svg=svg,
        data=f"{drawing.name}.csv",
        csv=csv,
    )


def fix_layout(figure: Figure) -> None:
    """Lay out once and for all: each new layout would differ in its last digits."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")


def log_axis(axes: Axes, which: Literal["x", "y"], values: pd.Series) -> None:
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


def keep_within(axes: Axes, which: Literal["x", "y"], least: float, greatest: float) -> None:
    """Cut the view to what the quantity can be; an interval may reach beyond."""
    low, high = axes.get_xlim() if which == "x" else axes.get_ylim()
    axes.set(**{f"{which}lim": (max(low, least), min(high, greatest))})


def handles(look: dict[str, Look], names: dict[str, str]) -> list[Line2D]:
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


COSTS = {"macs": "MACs", "params": "parameters", "activations": "activations"}
