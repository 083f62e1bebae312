"""The forest plot: every number is drawn where it belongs, and nothing leaves the border."""

import pandas as pd
import pytest

from ablate.analysis.across.pooled import Pools
from ablate.report.figures.forest import forest
from support.figures import legend, texts_outside


def pools(*cells: str) -> Pools:
    """Three data sets, the same effects for every arm."""
    effects = pd.DataFrame(
        {
            "cell": [cell for cell in cells for _ in range(3)],
            "baseline": "doubling",
            "run": ["run a", "run b", "run c"] * len(cells),
            "dataset": ["digits", "folder:a-long-name-of-images", "cifar10"] * len(cells),
            "n": [30, 8, 6] * len(cells),
            "estimate": [0.01, -0.02, 0.04] * len(cells),
            "low": [0.0, -0.03, 0.01] * len(cells),
            "high": [0.02, -0.01, 0.07] * len(cells),
        }
    )
    row = {"estimate": 0.01, "low": -0.06, "high": 0.08, "new_low": -0.12, "new_high": 0.14}
    table = pd.DataFrame([{"cell": cell, "baseline": "doubling", **row} for cell in cells])
    alone = effects.assign(cell="alone", estimate=0.9)
    return Pools(pd.concat([effects, alone]), table, ())


@pytest.mark.parametrize("arms", [1, 2, 4, 6])
def test_a_panel_an_arm_within_the_border(arms: int) -> None:
    names = [f"a rather long name of the arm with the number {place}" for place in range(arms)]
    drawing = forest(pools(*names))
    assert texts_outside(drawing.figure) == []
    shown = [axes for axes in drawing.figure.axes if axes.get_visible()]
    assert len(shown) == arms
    for axes, name in zip(shown, names, strict=True):
        title = " ".join(axes.get_title().split())
        assert title == f"{name} against doubling +1.0 [-6.0, +8.0]"


def test_a_row_a_data_set_the_mean_and_one_more() -> None:
    drawing = forest(pools("constant"))
    (axes,) = drawing.figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "digits",
        "folder:a-long-name-of-images",
        "cifar10",
        "mean over them",
    ]
    for place, (bars, middle) in enumerate(zip(axes.containers, (1, -2, 4), strict=True)):
        assert list(bars.lines[0].get_xdata()) == pytest.approx([middle])
        assert list(bars.lines[0].get_ydata()) == [place]
    (lines,) = axes.containers[2].lines[2]
    assert lines.get_segments()[0][:, 0] == pytest.approx([1, 7])
    (diamond,) = axes.patches
    assert diamond.get_xy()[:4, 0] == pytest.approx([-6, 1, 8, 1])
    thin = next(
        line
        for line in axes.lines
        if len(line.get_xdata()) == 2 and line.get_marker() == "|" and line.get_linewidth() == 1
    )
    assert list(thin.get_xdata()) == pytest.approx([-12, 14])
    assert legend(drawing.figure) == [
        "digits (n = 30)",
        "folder:a-long-name-of-images (n = 8)",
        "cifar10 (n = 6)",
        "mean over them",
        "one more data set",
    ]
    assert "constant against doubling: +1.0 [-6.0, +8.0] points" in drawing.alt
    assert list(drawing.data["cell"].unique()) == ["constant"]
