"""Throughput against the size of the batch, from the table that `--batch-sweep` writes."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from ablate.analysis.wording import si
from ablate.report.figures.drawing.sheet import PAGE, Sheet, head, legend_below
from ablate.report.figures.drawing.style import Drawing, Look, fix_layout, looks, style
from ablate.report.figures.drawing.tips import tell

PANELS = {
    "train": "Training step",
    "infer": "Inference",
    "epoch": "Training loop",
}


def throughput_by_batch(table: pd.DataFrame, sheet: Sheet = PAGE) -> Drawing:
    """Images/s of each cell against images a batch; one panel a quantity.

    Args:
        table: as `ablate.training.throughput.sweep` makes it.
        sheet: what it is drawn on.

    Returns:
        Medians over blocks, with bars of the interquartile range about them. What was out of
        memory has no mark.
    """
    cells = list(dict.fromkeys(table["cell"]))
    look = looks(cells)
    with style():
        figure = Figure(layout="constrained")
        across = sheet.panels(len(PANELS))
        panels = figure.subplots(len(PANELS) // across, across, sharey=True, squeeze=False)
        for axes, (prefix, title) in zip(panels.flat, PANELS.items(), strict=True):
            for cell in cells:
                _draw(axes, table[table["cell"] == cell], prefix, look[cell], cell)
            _label(axes, sorted(table["batch"].unique()))
            axes.set_title(title)
        for axes in panels[:, 0]:
            axes.set_ylabel("Throughput (images/s)")
            axes.yaxis.set_major_formatter(lambda value, _: si(value))
        rounds = table["throughput_rounds"].dropna()
        few = f"{rounds.min()} to {rounds.max()}" if rounds.nunique() > 1 else f"{rounds.max()}"
        head(
            figure,
            sheet,
            f"{table['device'].iloc[0]}, {table['throughput_threads'].iloc[0]} threads; medians, "
            f"bars: interquartile range; n = {few} rounds",
        )
        keys = panels.flat[0].get_legend_handles_labels()[0]
        legend_below(figure, keys, 4.2 * len(PANELS) / across, sheet)
        fix_layout(figure)
    best = table.loc[table.groupby("cell", sort=False)["train_images_per_s"].idxmax()]
    most = [
        f"{row['cell']} {si(row['train_images_per_s'])} at {row['batch']}"
        for row in best.to_dict("records")
    ]
    return Drawing(
        name="throughput",
        title="Throughput by size of batch; medians, bars of the interquartile range",
        alt=f"Most images/s of a training step, and its batch: {'; '.join(most)}.",
        data=table,
        figure=figure,
    )


def _draw(axes: Axes, rows: pd.DataFrame, prefix: str, look: Look, cell: str) -> None:
    rate = rows[f"{prefix}_images_per_s"].astype(float)
    half = rows[f"{prefix}_images_per_s_iqr"].astype(float) / 2
    drawn = axes.errorbar(
        rows["batch"].astype(int),
        rate,
        half,
        color=look.colour,
        marker=look.marker,
        linestyle=look.line,
        capsize=4,
        label=cell,
    )
    known = rate.notna()
    told = zip(rows.loc[known, "batch"], rate[known], strict=True)
    tell(drawn.lines[0], *(f"{cell}, batch {batch}: {si(each)} images/s" for batch, each in told))


def _label(axes: Axes, batches: list[int]) -> None:
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.xaxis.set_major_locator(FixedLocator(batches))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0f}")
    axes.set_xlabel("Images a batch")
