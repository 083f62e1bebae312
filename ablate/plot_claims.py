"""The MACs of each stage of the article's network, by growth."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from ablate import count
from ablate.claims import article_network, layer_macs
from ablate.plot_style import Drawing, Look, fix_layout, legend_below, looks, style
from ablate.wording import si

GROWTHS = (1.0, 2.0, 3.0)
PANELS = {"macs": "Whole stage", "layer_macs": "One 3x3 layer within the stage"}
HATCHES = ("", "///", "...")


def macs_by_growth(growths: Sequence[float]) -> Drawing:
    """Exact MACs per image of each stage, and of a 3x3 layer within it, as bars.

    Args:
        growths: ratio of a stage's width to that of the stage before.
    """
    data = pd.DataFrame([row for growth in growths for row in _rows(growth)])
    look = looks([str(growth) for growth in growths])
    with style():
        figure = Figure(layout="constrained")
        for axes, (column, title) in zip(figure.subplots(1, 2), PANELS.items(), strict=True):
            for place, growth in enumerate(growths):
                rows = data[data["growth"] == growth]
                _draw(axes, rows[column], place, len(growths), look[str(growth)])
            axes.set_title(title)
            _label(axes, data[data["growth"] == growths[0]])
        handles = [
            Patch(
                facecolor=look[str(growth)].colour,
                hatch=HATCHES[place % len(HATCHES)],
                edgecolor="white",
                label=f"growth {growth:g}: widths {_each(data, growth, 'width')}",
            )
            for place, growth in enumerate(growths)
        ]
        legend_below(figure, handles, height=4.4)
        fix_layout(figure)
    layers = "; ".join(f"{growth:g}: {_each(data, growth, 'layer_macs')}" for growth in growths)
    whole = "; ".join(f"{growth:g}: {_each(data, growth, 'macs')}" for growth in growths)
    return Drawing(
        name="macs_by_growth",
        title="MACs per image (convolutions) of each stage of the article's network, by growth",
        alt=f"MACs of stages 1, 2, 3 by growth. {whole}. Of one 3x3 layer. {layers}.",
        data=data,
        figure=figure,
    )


def _rows(growth: float) -> list[dict[str, float | int | str]]:
    spec = article_network(growth)
    costs, layers = count.stages(spec), layer_macs(spec)
    return [
        {
            "growth": growth,
            "stage": stage,
            "width": widths[0],
            "out_size": costs[stage][0],
            "macs": costs[stage][1].macs,
            "layer_macs": macs,
        }
        for (stage, macs), widths in zip(layers.items(), spec.block_widths, strict=True)
    ]


def _draw(axes: Axes, macs: "pd.Series[int]", place: int, arms: int, look: Look) -> None:
    """One growth's bars, side by side with the others', with their values above."""
    width = 0.8 / arms
    bars = axes.bar(
        [stage + (place - (arms - 1) / 2) * width for stage in range(len(macs))],
        macs / 1e6,
        width,
        color=look.colour,
        hatch=HATCHES[place % len(HATCHES)],
        edgecolor="white",
    )
    axes.bar_label(bars, [f"{value / 1e6:.3g}" for value in macs], fontsize="x-small", padding=2)


def _label(axes: Axes, stages: pd.DataFrame) -> None:
    names = [f"{row['stage']}\n{row['out_size']} x {row['out_size']}"
             for row in stages.to_dict("records")]  # fmt: skip
    axes.set_xticks(range(len(names)), names)
    axes.set_xlabel("Stage; output (pixels)")
    axes.set_ylabel("MACs per image (millions)")
    axes.grid(visible=False, axis="x")
    axes.margins(y=0.1)


def _each(data: pd.DataFrame, growth: float, column: str) -> str:
    values = data.loc[data["growth"] == growth, column]
    return ", ".join(str(value) if column == "width" else si(value) for value in values)
