"""What each stage of the article's network costs, by growth."""

from collections.abc import Iterator

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ablate.analysis.wording import si
from ablate.networks import cost
from ablate.report.claims.verdict import article_network, layer_macs
from ablate.report.figures.drawing.sheet import Sheet, head, legend_below
from ablate.report.figures.drawing.style import Drawing, fix_layout, looks, style
from ablate.report.figures.drawing.tips import tell

GROWTHS = (1.0, 2.0, 3.0)  # ratio of a stage's width to that of the stage before
PANELS = {  # column: title, label of the axis, size of its unit
    "layer_macs": ("MACs of one 3x3 layer", "MACs per image (millions)", 1e6),
    "macs": ("MACs of a whole stage", "MACs per image (millions)", 1e6),
    "params": ("Parameters of a whole stage", "Parameters (thousands)", 1e3),
    "activations": ("Activations of a whole stage", "Per image (thousands)", 1e3),
}
HATCHES = ("", "///", "...")


def macs_by_growth() -> Drawing:
    """Exact costs of each stage, and the MACs of a 3x3 layer within it, as bars.

    MACs are of convolutions, for one image; activations are their outputs (Radosavovic et al.
    2020, arXiv 2003.13678, section 3.2).
    """
    rows = [row for growth in GROWTHS for row in _stages(growth)]
    data = pd.DataFrame(rows, columns=["growth", "stage", "width", "out_size", *PANELS])
    table = growth_table(data).set_index("cost")
    with style():
        figure = Figure(layout="constrained")
        for axes, column in zip(figure.subplots(2, 2).flat, PANELS, strict=True):
            bars = _draw(axes, data, column)
        for bar, (growth, widths) in zip(bars, table.loc["Widths"].items(), strict=True):
            bar.set_label(f"{growth}: widths {widths}")
        head(
            figure,
            Sheet(subject="A small ResNet: 16 channels at first, two blocks a stage"),
            "Counted, so without uncertainty",
        )
        legend_below(figure, bars, height=8.0)
        fix_layout(figure)
    shown = [
        f"{name}: " + "; ".join(f"{growth} {values}" for growth, values in row.items())
        for name, row in table.iterrows()
    ]
    return Drawing(
        name="macs_by_growth",
        title="What each stage of the article's network costs, by growth",
        alt=f"By stage. {'. '.join(shown)}.",
        data=data,
        figure=figure,
    )


def growth_table(data: pd.DataFrame) -> pd.DataFrame:
    """What is drawn, as text: one row a cost, one column a growth, each value stage by stage.

    Args:
        data: of `macs_by_growth`.
    """
    table = {"cost": ["Widths", *(title for title, _, _ in PANELS.values())]}
    for growth, stages in data.groupby("growth", sort=False):
        costs = [", ".join(si(value) for value in stages[column]) for column in PANELS]
        table[f"growth {growth:g}"] = [", ".join(map(str, stages["width"])), *costs]
    return pd.DataFrame(table)


def _stages(growth: float) -> Iterator[tuple[float | int | str, ...]]:
    """The rows of a growth: its stages, with the costs of `PANELS`, in that order."""
    spec = article_network(growth)
    for (stage, macs), widths in zip(layer_macs(spec).items(), spec.block_widths, strict=True):
        size, whole = cost.count_stages(spec)[stage]
        yield growth, stage, widths[0], size, macs, whole.macs, whole.params, whole.activations


def _draw(axes: Axes, data: pd.DataFrame, column: str) -> list[Rectangle]:
    """One cost, its bars side by side in each stage; returns the first bar of each growth."""
    title, label, unit = PANELS[column]
    width, firsts = 0.8 / len(GROWTHS), []
    looked = zip(GROWTHS, looks([str(growth) for growth in GROWTHS]).values(), HATCHES, strict=True)
    for place, (growth, look, hatch) in enumerate(looked):
        values = data.loc[data["growth"] == growth, column] / unit
        middles = [stage + (place - (len(GROWTHS) - 1) / 2) * width for stage in range(len(values))]
        bars = axes.bar(middles, values, width, color=look.colour, hatch=hatch, edgecolor="white")
        for bar, value, stage in zip(bars, values, data["stage"].unique(), strict=True):
            tell(bar, f"growth {growth:g}, {stage}: {si(value * unit)}")
        axes.bar_label(bars, fmt="{:.3g}", fontsize="x-small", padding=2)
        firsts.append(bars[0])
    stages = data[data["growth"] == GROWTHS[0]]
    names = stages["stage"] + stages["out_size"].map("\n{0} x {0}".format)
    axes.set_xticks(range(len(names)), names)
    axes.set(title=title, ylabel=label, xlabel="Stage; output (pixels)")
    axes.grid(visible=False, axis="x")
    axes.margins(y=0.1)
    return firsts
