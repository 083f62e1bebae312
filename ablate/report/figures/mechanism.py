"""What trained networks do, stage by stage: one small panel a measurement, one line an arm."""

import textwrap
from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ablate.analysis import wording
from ablate.analysis.means import stage_means
from ablate.report.figures.drawing.sheet import PAGE, Sheet, head, legend_below
from ablate.report.figures.drawing.style import (
    Drawing,
    Look,
    fix_layout,
    keep_within,
    log_axis,
    looks,
    style,
)
from ablate.report.figures.drawing.tips import reading, tell

PANELS = {
    "probe_accuracy": ("Linear probe, validation (%)", 100),
    "effective_rank": ("Effective rank of the features", 1),
    "dead_channels": ("Dead channels (%)", 100),
    "grad_norm": ("Gradient norm (nats)", 1),
    "block_loss": ("Lost without a block (points)", 100),
    "field_over_image": ("Receptive field / image side", 1),
}
LEAST_SPAN = 4.0  # percent; without it, no dead channels at all would look like some


def mechanism_by_stage(
    mechanism: pd.DataFrame, cells: Sequence[str], sheet: Sheet = PAGE
) -> Drawing:
    """Six panels of what `ablate.training.mechanism` measures, over the stages.

    Args:
        mechanism: columns `cell`, `seed` and `schema.MECHANISM_COLUMNS`.
        cells: all cells of the study in order, which sets the looks.
        sheet: what it is drawn on.
    """
    table = stage_means(mechanism, PANELS)
    stages = list(dict.fromkeys(mechanism["stage"]))
    look = {cell: of for cell, of in looks(cells).items() if cell in set(table["cell"])}
    with style():
        figure = Figure(layout="constrained")
        across = max(2, sheet.panels(3))
        grid = figure.subplots(len(PANELS) // across, across, squeeze=False)
        for axes, (quantity, (label, scale)) in zip(grid.flat, PANELS.items(), strict=True):
            shown = table[table["quantity"] == quantity]
            for place, (cell, of_cell) in enumerate(look.items()):
                offset = min(0.06, 0.7 / len(look)) * (place - (len(look) - 1) / 2)
                _draw(axes, shown[shown["cell"] == cell], stages, scale, of_cell, offset)
            if quantity == "grad_norm":
                log_axis(axes, "y", pd.concat([shown["mean"], shown["low"], shown["high"]]))
            elif quantity == "field_over_image":
                axes.axhline(1, color="black", linestyle=":", linewidth=1.4, zorder=1)
            elif quantity in ("probe_accuracy", "dead_channels"):
                keep_within(axes, "y", -2, 102)  # markers at 0 and 100 are seen whole
                low, high = axes.get_ylim()
                axes.set_ylim(low, max(high, low + LEAST_SPAN))
            if shown.empty:  # blocks of networks without shortcuts
                axes.set_yticks([])
                axes.text(0.5, 0.5, "not measured", transform=axes.transAxes, ha="center")
            axes.set_xticks(range(len(stages)), [name.removeprefix("stage ") for name in stages])
            axes.set_xlim(-0.5, len(stages) - 0.5)
            axes.set_title(textwrap.fill(label, sheet.letters(across)))
            axes.set_xlabel("Stage")
        head(figure, sheet, "Mean over seeds with its 95% interval; dotted: the side of the image")
        counts = table.groupby("cell")["n"].agg(["min", "max"])
        entries = [
            Line2D([], [], color=of.colour, marker=of.marker, linestyle=of.line,
                   label=f"{cell} ({wording.seeds(*counts.loc[cell])})")
            for cell, of in look.items()
        ]  # fmt: skip
        legend_below(figure, entries, 3.6 * len(PANELS) / across, sheet)
        fix_layout(figure)
    probes = table[(table["quantity"] == "probe_accuracy") & (table["stage"] != "stem")]
    ends = probes.groupby("cell", sort=False)["mean"].agg(["first", "last"])
    words = [f"{cell} {100 * first:.0f}% to {100 * last:.0f}%" for cell, first, last in
             ends.itertuples()]  # fmt: skip
    return Drawing(
        name="mechanism_by_stage",
        title="What trained networks do, stage by stage; validation images, last epoch",
        alt=f"Linear probe accuracy from the first stage to the last: {'; '.join(words)}.",
        data=table,
        figure=figure,
    )


def _draw(
    axes: Axes, rows: pd.DataFrame, stages: list[str], scale: float, look: Look, offset: float
) -> None:
    middle, low, high = (scale * rows[name] for name in ("mean", "low", "high"))
    spread = [(middle - low).fillna(0), (high - middle).fillna(0)]
    drawn = axes.errorbar(
        [stages.index(stage) + offset for stage in rows["stage"]],
        middle,
        yerr=spread,
        color=look.colour,
        marker=look.marker,
        linestyle=look.line,
        markersize=6,
        linewidth=1.5,
        capsize=3,
    )
    told = zip(rows["cell"], rows["stage"], middle, low, high, rows["n"], strict=True)
    tips = [
        reading(f"{cell}, {stage}", mean, *limits, n=int(n), form=".3g", of="")
        for cell, stage, mean, *limits, n in told
    ]
    tell(drawn.lines[0], *tips)
