"""What each stage of the article's network costs, by growth."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from ablate.analysis.wording import si
from ablate.networks import cost as networks_cost
from ablate.report.claims.verdict import article_network, layer_macs
from ablate.report.figures.style import Drawing, Look, fix_layout, legend_below, looks, style

GROWTHS = (1.0, 2.0, 3.0)
PANELS = {  # column: title, label of the axis, size of its unit
    "layer_macs": ("MACs of one 3x3 layer", "MACs per image (millions)", 1e6),
    "macs": ("MACs of a whole stage", "MACs per image (millions)", 1e6),
    "params": ("Parameters of a whole stage", "Parameters (thousands)", 1e3),
    "activations": ("Activations of a whole stage", "Per image (thousands)", 1e3),
}
HATCHES = ("", "///", "...")


def macs_by_growth(growths: Sequence[float]) -> Drawing:
    """Exact costs of each stage, and the MACs of a 3x3 layer within it, as bars.

    MACs are of convolutions, for one image; activations are their outputs (Radosavovic et al.
    2020, arXiv 2003.13678, section 3.2).

    Args:
        growths: ratio of a stage's width to that of the stage before.
    """
    data = pd.DataFrame([row for growth in growths for row in _rows(growth)])
    table = growth_table(data).set_index("cost")
    look = looks([str(growth) for growth in growths])
    with style():
        figure = Figure(layout="constrained")
        panels = zip(figure.subplots(2, 2).flat, PANELS.items(), strict=True)
        for axes, (column, (title, label, unit)) in panels:
            for place, growth in enumerate(growths):
                values = data.loc[data["growth"] == growth, column] / unit
                _draw(axes, values, place, len(growths), look[str(growth)])
            axes.set(title=title, ylabel=label)
            _label(axes, data[data["growth"] == growths[0]])
        handles = [
            Patch(
                facecolor=look[str(growth)].colour,
                hatch=HATCHES[place % len(HATCHES)],
                edgecolor="white",
                label=f"{name}: widths {widths}",
            )
            for place, (growth, (name, widths)) in enumerate(
                zip(growths, table.loc["Widths"].items(), strict=True)
            )
        ]
        legend_below(figure, handles, height=8.4)
        fix_layout(figure)
    shown = [
        f"{cost}: " + "; ".join(f"{growth} {values}" for growth, values in row.items())
        for cost, row in table.iterrows()
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


def _rows(growth: float) -> list[dict[str, float | int | str]]:
    spec = article_network(growth)
    costs, layers = networks_cost.count_stages(spec), layer_macs(spec)
    return [
        {
            "growth": growth,
            "stage": stage,
            "width": widths[0],
            "out_size": costs[stage][0],
            "layer_macs": macs,
            "macs": costs[stage][1].macs,
            "params": costs[stage][1].params,
            "activations": costs[stage][1].activations,
        }
        for (stage, macs), widths in zip(layers.items(), spec.block_widths, strict=True)
    ]


def _draw(axes: Axes, values: "pd.Series[float]", place: int, arms: int, look: Look) -> None:
    """One growth's bars, side by side with the others', with their values above."""
    width = 0.8 / arms
    bars = axes.bar(
        [stage + (place - (arms - 1) / 2) * width for stage in range(len(values))],
        values,
        width,
        color=look.colour,
        hatch=HATCHES[place % len(HATCHES)],
        edgecolor="white",
    )
    axes.bar_label(bars, [f"{value:.3g}" for value in values], fontsize="x-small", padding=2)


def _label(axes: Axes, stages: pd.DataFrame) -> None:
    names = [f"{row['stage']}\n{row['out_size']} x {row['out_size']}"
             for row in stages.to_dict("records")]  # fmt: skip
    axes.set_xticks(range(len(names)), names)
    axes.set_xlabel("Stage; output (pixels)")
    axes.grid(visible=False, axis="x")
    axes.margins(y=0.1)
