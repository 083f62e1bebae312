"""Learning curves: loss and accuracy by epoch."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from ablate.analysis import wording
from ablate.analysis.means import epoch_intervals
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


def learning_curves(
    epochs: pd.DataFrame,
    cells: Sequence[str] | None = None,
    unit: str = "seed",
    sheet: Sheet = PAGE,
) -> Drawing:
    """Training loss and validation accuracy by epoch: mean over seeds with a 95% band of the mean.

    Args:
        epochs: one row a trial and epoch, with the columns `cell`, `epoch`, `train_loss` (nats)
            and `val_accuracy` (fraction).
        cells: all cells of the study in order, which sets the looks; those of `epochs` if None.
        unit: what the means are over, in words.
        sheet: what it is drawn on.

    Returns:
        Two panels. The legend has n, the seeds behind the means, as a range where it varies.
    """
    look = looks(cells or list(epochs["cell"].unique()))
    loss = epoch_intervals(epochs, "train_loss")
    accuracy = epoch_intervals(epochs, "val_accuracy")
    accuracy[["mean", "low", "high"]] *= 100
    names = {cell: f"{cell} ({_seeds(accuracy[accuracy['cell'] == cell])})" for cell in look}

    with style():
        figure = Figure(layout="constrained")
        across = sheet.panels(2)
        left, right = figure.subplots(2 // across, across, squeeze=False).flat
        for axes, curves, of in ((left, loss, " nats"), (right, accuracy, "%")):
            for cell in names:
                _draw_curve(axes, curves[curves["cell"] == cell], look[cell], of, unit)
            axes.set_xlabel("Epoch")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.margins(x=0.02)
        log_axis(left, "y", loss["mean"])
        left.set_ylabel("Training loss (nats)")
        right.set_ylabel("Validation accuracy (%)")
        keep_within(right, "y", 0, 100)
        head(figure, sheet, f"Mean over {unit}s with its 95% interval")
        lines = [
            Line2D([], [], color=look[cell].colour, linestyle=look[cell].line, label=name)
            for cell, name in names.items()
        ]
        legend_below(figure, lines, height=4.4 * 2 / across, sheet=sheet)
        fix_layout(figure)
    last = accuracy.groupby("cell", sort=False).last()
    ends = [f"{cell} {row['mean']:.1f}%" for cell, row in last.iterrows()]
    return Drawing(
        name="curves",
        title="Training loss and validation accuracy by epoch; bands are 95% intervals of the mean",
        alt=f"Mean validation accuracy after the last epoch: {'; '.join(ends)}.",
        data=pd.concat(
            [
                loss.assign(quantity="train_loss"),
                accuracy.assign(quantity="val_accuracy_percent"),
            ],
            ignore_index=True,
        ),
        figure=figure,
    )


def _draw_curve(axes: Axes, curve: pd.DataFrame, look: Look, of: str, unit: str) -> None:
    """One arm's mean by epoch, over its band."""
    band = axes.fill_between(
        curve["epoch"], curve["low"], curve["high"], color=look.colour, alpha=0.18, linewidth=0
    )
    (line,) = axes.plot(
        curve["epoch"], curve["mean"], color=look.colour, linestyle=look.line, linewidth=1.8
    )
    if not curve.empty:
        last = curve.iloc[-1]
        name = f"{last['cell']} after epoch {last['epoch']}"
        limits = last["mean"], last["low"], last["high"]
        form = ".1f" if of == "%" else ".3g"
        said = reading(name, *limits, n=last["n"], unit=unit, form=form, of=of)
        for artist in (band, line):
            tell(artist, said)


def _seeds(curve: pd.DataFrame) -> str:
    """The seeds behind a curve, as a range where some trials stopped early."""
    return "n = 0" if curve.empty else wording.seeds(curve["n"].min(), curve["n"].max())
