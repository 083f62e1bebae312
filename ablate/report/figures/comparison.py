"""Several runs in one figure: each arm's difference from its run's baseline."""

import textwrap

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ablate.errors import plural
from ablate.report.figures.drawing.sheet import PAGE, Sheet, head, legend_below
from ablate.report.figures.drawing.style import Drawing, fix_layout, handles, looks, style
from ablate.report.figures.drawing.tips import reading, tell_bars


def differences_by_run(table: pd.DataFrame, sheet: Sheet = PAGE) -> Drawing:
    """Paired differences of the arms, one row an arm, one mark a run.

    Args:
        table: columns `run`, `baseline`, `cell`, `n`, `seeds`, `diff`, `diff_low`, `diff_high`
            (fractions; joint intervals within a run).
        sheet: what it is drawn on.
    """
    runs = list(dict.fromkeys(table["run"]))
    shown = table[table["diff"].notna()]
    arms = list(dict.fromkeys(shown["cell"]))
    look = looks(runs)
    offsets = np.linspace(-0.25, 0.25, len(runs)) if len(runs) > 1 else np.zeros(1)
    with style():
        figure = Figure(layout="constrained")
        axes = figure.subplots()
        for run, offset in zip(runs, offsets, strict=True):
            rows = shown[shown["run"] == run]
            places = [arms.index(arm) + offset for arm in rows["cell"]]
            middle, low, high = (
                100 * rows[name].to_numpy(dtype=float) for name in ("diff", "diff_low", "diff_high")
            )
            drawn = axes.errorbar(
                middle,
                places,
                xerr=[middle - low, high - middle],
                fmt=look[run].marker,
                color=look[run].colour,
                markersize=7,
                linewidth=1.6,
                capsize=4,
            )
            tips = (
                reading(f"{arm} in {run}", *values, n=int(n), form="+z.1f", of=" points")
                for arm, n, *values in zip(
                    rows["cell"], rows["seeds"], middle, low, high, strict=True
                )
            )
            tell_bars(drawn, *tips)
        axes.axvline(0, color="black", linewidth=1.2, zorder=1)
        axes.set_yticks(range(len(arms)), [textwrap.fill(arm, 30) for arm in arms])
        axes.set_ylim(len(arms) - 0.5, -0.5)
        axes.set_xlabel("Difference in test accuracy from the run's baseline (points)")
        head(figure, sheet, "Intervals joint at 95% within a run")
        names = {run: f"{run} ({_seeds(shown[shown['run'] == run])})" for run in runs}
        height = 1.5 + 0.3 * len(runs) * len(arms)
        legend_below(figure, handles(look, names), height, sheet)
        fix_layout(figure)
    found = [
        f"{row['cell']} in {row['run']}: {100 * row['diff']:+.1f} points"
        for row in shown.to_dict("records")
    ]
    return Drawing(
        name="differences",
        title="Each arm against the baseline of its run, with 95% intervals",
        alt=f"{'; '.join(found)}.",
        data=table[["run", "baseline", "cell", "n", "seeds", "diff", "diff_low", "diff_high"]],
        figure=figure,
    )


def _seeds(rows: pd.DataFrame) -> str:
    counts = sorted({int(seeds) for seeds in rows["seeds"]})
    if not counts:
        return "no seeds"
    return plural(counts[0], "seed") if len(counts) == 1 else f"{counts[0]} to {counts[-1]} seeds"
