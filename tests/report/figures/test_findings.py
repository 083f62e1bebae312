"""The figures of growth, factorial, mechanism and distributions: complete, in place, and true."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import FillBetweenPolyCollection, QuadMesh
from matplotlib.figure import Figure

from ablate.analysis import growth
from ablate.analysis.growth import GrowthFit
from ablate.report.figures import distributions, interaction
from ablate.report.figures import mechanism as report_figures_mechanism
from ablate.report.figures.drawing import style
from ablate.report.figures.drawing.sheet import WIDTH
from ablate.report.figures.drawing.style import Drawing
from ablate.report.figures.growth import growth_curves
from ablate.report.figures.of_run import draw, figures_of_cells
from ablate.statistics.intervals import mean_interval
from support.figures import STUDIES, hidden_tick_labels, legend, study, texts_outside
from support.frames import by_place, grid, trials_frame
from support.growth import trials as growth_trials

DOWNSAMPLES = ["stride", "average pool before the block", "max"]
WIDTHS = ["constant width", "doubling width", "tripling of the width"]
STAGES = ["stem", "stage 1", "stage 2", "stage 3"]


def fit(**changes: Any) -> GrowthFit:
    trials = growth_trials(np.random.default_rng(0)).drop(columns="axis_net")
    return replace(growth.fit_growth(trials)[0], **changes)


def factorial_trials(
    seeds: int = 6, blocks: Sequence[str] = ("basic",), failed: str = ""
) -> pd.DataFrame:
    """A study of width and downsampling, and of the block where there are several."""
    rng = np.random.default_rng(1)
    rows = []
    for seed, width, down, block in itertools.product(range(seeds), WIDTHS, DOWNSAMPLES, blocks):
        cell = f"{width} / {down} / {block}"
        lost = cell == failed
        rows.append(
            {
                "cell": cell,
                "axis_block": block,
                "axis_down": down,
                "axis_mean": width,
                "seed": seed,
                "state": "failed" if lost else "complete",
                "test_accuracy": None if lost else 0.9 + rng.normal(0, 0.01),
            }
        )
    return pd.DataFrame(rows)


def mechanism_table(cells: Sequence[str], seeds: int, shortcuts: bool = True) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    return pd.DataFrame(
        [
            {
                "key": f"{cell}-{seed}",
                "cell": cell,
                "seed": seed,
                "stage": stage,
                "field_over_image": 0.2 * 2**place,
                "probe_accuracy": min(1, 0.5 + 0.2 * place + rng.normal(0, 0.02)),
                "effective_rank": 3 + place + rng.normal(0, 0.1),
                "dead_channels": abs(rng.normal(0, 0.01)),
                "grad_norm": math.exp(-place + rng.normal(0, 0.7)),
                "block_loss": 0.3 / place if place and shortcuts else None,
            }
            for cell in cells
            for seed in range(seeds)
            for place, stage in enumerate(STAGES)
        ]
    )


def present(drawing: Drawing | None) -> Drawing:
    assert drawing is not None
    return drawing


DRAWINGS = {
    "growth": growth_curves([fit()]),
    "growth of four": growth_curves(
        [
            fit(),
            fit(match="params", edge=True),
            fit(match="activations", group="average pool / projection shortcut D"),
            fit(match=None),
        ]
    ),
    "interaction": present(interaction.interaction(factorial_trials())),
    "interaction of one seed": present(interaction.interaction(factorial_trials(seeds=1))),
    "interaction of three axes": present(
        interaction.interaction(
            factorial_trials(
                blocks=("basic", "bottleneck", "pre-activated bottleneck"),
                failed="constant width / stride / basic",
            )
        )
    ),
    "mechanism": report_figures_mechanism.mechanism_by_stage(mechanism_table(WIDTHS, 6), WIDTHS),
    "mechanism of one seed and many arms": report_figures_mechanism.mechanism_by_stage(
        mechanism_table([f"{name} {place}" for name in WIDTHS for place in range(6)], 1, False),
        [f"{name} {place}" for name in WIDTHS for place in range(6)],
    ),
    "ranks": present(distributions.rank_stability(factorial_trials())),
    "ranks of three seeds": present(distributions.rank_stability(factorial_trials(seeds=3))),
    "edf": present(distributions.error_distribution(factorial_trials(seeds=7))),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_every_figure_is_labelled_and_within_its_border(name: str) -> None:
    drawing = DRAWINGS[name]
    assert texts_outside(drawing.figure) == []
    shown = [axes for axes in drawing.figure.axes if axes.axison]
    assert all(axes.get_xlabel() for axes in shown)
    assert drawing.figure.get_figwidth() == WIDTH
    assert drawing.title
    assert drawing.alt.endswith(".")
    assert "nan" not in drawing.alt
    assert not drawing.data.empty


@pytest.mark.parametrize("name", DRAWINGS)
def test_labels_do_not_touch(name: str) -> None:
    figure = DRAWINGS[name].figure
    with style.style():
        figure.draw_without_rendering()
        for axes in figure.axes:
            hidden = hidden_tick_labels(axes)
            labels = [label for label in axes.get_xticklabels() if label not in hidden]
            inside = [label for label in labels if within(axes, label.get_position()[0])]
            boxes = [label.get_window_extent() for label in inside if label.get_text()]
            for box, following in itertools.pairwise(sorted(boxes, key=lambda box: float(box.x0))):
                assert box.x1 < following.x0, name


def within(axes: Axes, place: float) -> bool:
    low, high = axes.get_xlim()
    return low <= place <= high


def test_saved_bytes_are_the_same_each_time(tmp_path: Path) -> None:
    for number in range(2):
        style.save(growth_curves([fit()]), tmp_path / str(number))
        made = report_figures_mechanism.mechanism_by_stage(mechanism_table(WIDTHS, 6), WIDTHS)
        style.save(made, tmp_path / str(number))
    files = sorted(path.name for path in (tmp_path / "0").iterdir())
    assert len(files) == 6
    for file in files:
        assert (tmp_path / "0" / file).read_bytes() == (tmp_path / "1" / file).read_bytes(), file


def test_growth_has_arms_curve_and_optimum_where_they_are() -> None:
    one = fit()
    axes = growth_curves([one]).figure.axes[0]
    curve = axes.lines[0]
    assert list(np.asarray(curve.get_xdata())) == list(one.curve["growth"])
    assert list(np.asarray(curve.get_ydata())) == pytest.approx(list(100 * one.curve["mean"]))
    arms = [bar.lines[0] for bar in axes.containers]
    assert [float(np.asarray(arm.get_xdata())[0]) for arm in arms] == list(one.points["growth"])
    assert [float(np.asarray(arm.get_ydata())[0]) for arm in arms] == pytest.approx(
        list(100 * one.points["mean"])
    )
    hollow = [str(arm.get_markerfacecolor()) == "white" for arm in arms]
    assert hollow == [cell not in one.best_arms for cell in one.points["cell"]]
    assert 0 < sum(hollow) < len(hollow)
    (asked,) = (line for line in axes.lines if list(np.asarray(line.get_xdata())) == [2, 2])
    highest = np.interp(2, one.curve["growth"], 100 * one.curve["mean"])
    assert float(np.asarray(asked.get_ydata())[1]) == pytest.approx(highest)
    black = [line for line in axes.lines if line.get_color() == "black"]
    best = next(line for line in black if line.get_marker() == "D")
    assert list(np.asarray(best.get_xdata())) == [one.best.mean]
    assert axes.get_xscale() == "log"
    foot = axes.get_xaxis_transform().transform((1, float(np.asarray(best.get_ydata())[0])))[1]
    lowest = axes.transData.transform((1, 100 * one.points["low"].min()))[1]
    assert axes.bbox.y0 < foot < lowest - 8
    assert max(axes.get_yticks()) <= 100


def test_growth_says_what_is_held_equal_and_where_it_is_best() -> None:
    one = fit()
    titles = [axes.get_title() for axes in DRAWINGS["growth of four"].figure.axes]
    best = f"r* = {one.best.mean:.2f} [{one.best.low:.2f}, {one.best.high:.2f}]"
    assert titles[0] == f"Equal MACs (n = 8)\n{best}"
    assert titles[1] == f"Equal parameters (n = 8)\n{best} (edge)"
    assert titles[3] == f"Nothing held equal (n = 8)\n{best}"
    data = growth_curves([one]).data
    assert list(data["what"].value_counts()[["arm", "curve", "best"]]) == [7, len(one.curve), 1]


@pytest.mark.parametrize("name", ["growth", "growth of four"])
def test_the_arms_of_growth_are_named_at_their_marks(name: str) -> None:
    figure = DRAWINGS[name].figure
    one = fit()
    with style.style():
        figure.draw_without_rendering()
    for axes in (axes for axes in figure.axes if axes.axison):
        names = [text for text in axes.texts if text.get_text()]
        assert [text.get_text() for text in names] == list(one.points["cell"])
        boxes = [text.get_window_extent() for text in names]
        for box, after in itertools.pairwise(boxes):
            assert box.x1 < after.x0
        bars = zip(boxes, one.points["growth"], one.points["high"], strict=True)
        for box, growth_, high in bars:
            x, y = axes.transData.transform((growth_, 100 * high))
            assert box.x0 < x < box.x1
            assert y < box.y0 < box.y1 < axes.bbox.y1
        assert " ".join(axes.get_xlabel().split()) == "Growth r as built (whole channels)"


def test_names_of_arms_that_grow_alike_stand_beside_each_other() -> None:
    one = fit()
    points = one.points.assign(growth=[1.0, 1.0, 1.001, 1.002, 2.0, 2.01, 4.0])
    figure = growth_curves([replace(one, points=points)]).figure
    with style.style():
        figure.draw_without_rendering()
    axes = figure.axes[0]
    boxes = [text.get_window_extent() for text in axes.texts]
    assert all(box.x1 < after.x0 for box, after in itertools.pairwise(boxes))
    for box, growth_ in zip(boxes, points["growth"], strict=True):
        middle = (box.x0 + box.x1) / 2
        assert abs(middle - axes.transData.transform((growth_, 0))[0]) < 2 * box.width


def test_fits_of_several_runs_name_theirs() -> None:
    drawing = growth_curves([fit(), fit()], ["a study on digits", "a study on cifar10"])
    assert [axes.get_title().split("\n")[0] for axes in drawing.figure.axes] == [
        "a study on digits",
        "a study on cifar10",
    ]


def test_a_cell_keeps_its_colour_in_mechanism() -> None:
    cells = ["another", *fit().points["cell"]]
    look = style.looks(cells)
    few = report_figures_mechanism.mechanism_by_stage(mechanism_table(cells[1:3], 2), cells)
    assert few.figure.axes[0].containers[1].lines[0].get_color() == look[cells[2]].colour


def test_interaction_has_a_line_for_each_arm_of_the_second_axis() -> None:
    trials = factorial_trials()
    drawing = present(interaction.interaction(trials))
    axes = drawing.figure.axes[0]
    assert axes.get_xlabel() == "down"
    assert legend(drawing.figure) == [f"mean: {width} (n = 6)" for width in WIDTHS]
    ticks = [label.get_text().replace("\n", " ") for label in axes.get_xticklabels()]
    assert ticks == DOWNSAMPLES
    for width, bars in zip(WIDTHS, axes.containers, strict=True):
        rows = trials[trials["axis_mean"] == width]
        means = [100 * rows.loc[rows["axis_down"] == down, "test_accuracy"].mean()
                 for down in DOWNSAMPLES]  # fmt: skip
        assert list(np.asarray(bars.lines[0].get_ydata())) == pytest.approx(means)
    first = drawing.data.iloc[0]
    expected = mean_interval(trials.loc[trials["cell"] == trials["cell"][0], "test_accuracy"])
    assert first["axis_mean"] == "constant width"  # an axis may be called as a statistic is
    assert tuple(first[["n", "mean", "low", "high"]]) == pytest.approx(
        (6, expected.mean, expected.low, expected.high)
    )


def test_cells_above_a_gap_have_a_view_of_their_own() -> None:
    trials = factorial_trials()
    trials.loc[trials["axis_mean"] == WIDTHS[0], "test_accuracy"] -= 0.4
    drawing = present(interaction.interaction(trials))
    whole, near = drawing.figure.axes
    assert (whole.get_title(), near.get_title()) == ("All", "Zoom: upper 6 of 9")
    means = 100 * drawing.data["mean"]
    upper = means[means > 70]
    low, high = near.get_ylim()
    assert 70 < low < upper.min() < upper.max() < high
    assert whole.get_ylim()[0] < means.min()
    assert len(DRAWINGS["interaction"].figure.axes) == 1


def test_a_cell_without_a_trial_is_said_and_not_drawn() -> None:
    drawing = DRAWINGS["interaction of three axes"]
    assert "has no complete trial" in drawing.alt
    assert legend(drawing.figure)[0].endswith("(n = 0 to 6)")
    assert drawing.data["mean"].isna().sum() == 1


def test_one_axis_has_no_interaction() -> None:
    assert interaction.interaction(trials_frame({"a": {0: 0.9}, "b": {0: 0.8}})) is None


def test_mechanism_has_a_panel_a_measurement_in_percent_or_its_unit() -> None:
    table = mechanism_table(WIDTHS, 6)
    panels = DRAWINGS["mechanism"].figure.axes
    assert [axes.get_title() for axes in panels] == [
        "Linear probe, validation (%)",
        "Effective rank of the features",
        "Dead channels (%)",
        "Gradient norm (nats)",
        "Lost without a block (points)",
        "Receptive field / image side",
    ]
    rows = table[table["cell"] == "constant width"].groupby("stage", sort=False)
    probes = np.asarray(panels[0].containers[0].lines[0].get_ydata())
    assert list(probes) == pytest.approx(list(100 * rows["probe_accuracy"].mean()))
    assert panels[3].get_yscale() == "log"
    lost = np.asarray(panels[4].containers[0].lines[0].get_ydata())
    assert list(lost) == pytest.approx([30, 15, 10])  # the stem has no block
    low, high = panels[3].get_ylim()
    norms = DRAWINGS["mechanism"].data.query("quantity == 'grad_norm'")
    assert low < norms["low"].min() < norms["high"].max() < high


def test_what_was_not_measured_is_said() -> None:
    panel = DRAWINGS["mechanism of one seed and many arms"].figure.axes[4]
    assert [text.get_text() for text in panel.texts] == ["not measured"]


def test_ranks_carry_their_share_and_agreement() -> None:
    trials = trials_frame({"a": by_place([0.9] * 6), "b": by_place([0.8] * 6),
                           "c": by_place([0.7] * 5 + [0.85])})  # fmt: skip
    drawing = present(distributions.rank_stability(trials))
    axes = drawing.figure.axes[0]
    mesh = next(drawn for drawn in axes.collections if isinstance(drawn, QuadMesh))
    shares = np.asarray(mesh.get_array()).reshape(3, 3)
    expected = [[100, 0, 0], [0, 500 / 6, 100 / 6], [0, 100 / 6, 500 / 6]]
    assert shares == pytest.approx(np.array(expected))
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b", "c"]
    assert sorted(text.get_text() for text in axes.texts) == ["100", "17", "17", "83", "83"]
    title = drawing.figure.get_suptitle()
    assert "Kendall's W = 0.8" in title
    assert "n = 6" in title
    assert "95% interval" not in DRAWINGS["ranks of three seeds"].figure.get_suptitle()
    assert drawing.alt.startswith("a is most often the first (100% of 6 seeds)")


def test_ranks_begin_with_the_best_arm_and_are_darker_where_more() -> None:
    trials = trials_frame({"worst": by_place([0.7] * 6), "best": by_place([0.9] * 6),
                           "middle": by_place([0.8] * 6)})  # fmt: skip
    axes = present(distributions.rank_stability(trials)).figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["best", "middle", "worst"]
    mesh = next(drawn for drawn in axes.collections if isinstance(drawn, QuadMesh))
    never, always = (sum(mesh.cmap(mesh.norm(share))[:3]) for share in (0, 100))
    assert always < 1 < 2.5 < never


@pytest.mark.parametrize(("seeds", "cells"), [(2, "abc"), (3, "ab")])
def test_too_few_seeds_or_cells_have_no_ranks(seeds: int, cells: str) -> None:
    trials = trials_frame({cell: by_place([0.9] * seeds) for cell in cells})
    assert distributions.rank_stability(trials) is None


def test_distributions_need_twenty_trials_an_arm() -> None:
    enough = {"a": by_place([0.9] * 20), "b": by_place([0.8, 0.7] * 10)}
    drawing = present(distributions.error_distribution(trials_frame(enough)))
    assert legend(drawing.figure) == ["a (n = 20)", "b (n = 20)"]
    assert bands(drawing.figure) == 2
    assert drawing.alt == "Median error: a 10.0%; b 25.0%."
    few = enough | {"b": by_place([0.8] * 19 + ["failed"])}
    assert distributions.error_distribution(trials_frame(few)) is None


def test_many_distributions_have_a_panel_and_a_band_each() -> None:
    arms = {f"arm {number}": by_place([0.9, 0.8 - number / 50] * 10) for number in range(5)}
    drawing = present(distributions.error_distribution(trials_frame(arms)))
    assert texts_outside(drawing.figure) == []
    panels = [axes for axes in drawing.figure.axes if axes.lines]
    assert [len(axes.lines) for axes in panels] == [5] * 5  # the others in grey
    assert [bands(drawing.figure, place) for place in range(5)] == [1] * 5
    assert [axes.get_title() for axes in panels] == [f"{arm} (n = 20)" for arm in arms]


def bands(figure: Figure, panel: int = 0) -> int:
    drawn = figure.axes[panel].collections
    return sum(isinstance(each, FillBetweenPolyCollection) for each in drawn)


def test_a_run_has_the_figures_that_its_data_allow() -> None:
    trials, summary, stages, epochs = STUDIES["two seeds"]
    plain = draw(figures_of_cells(trials, summary, stages, epochs, None, [], pd.DataFrame()))
    names = ["accuracy", "pareto", "stage_costs", "stage_shares", "curves"]
    assert [drawing.name for drawing in plain] == names
    cells = list(fit().points["cell"])
    trials, summary, stages, epochs = study(cells, 3)
    mechanism = mechanism_table(cells, 2)
    rich = draw(
        figures_of_cells(trials, summary, stages, epochs, mechanism, [fit()], pd.DataFrame())
    )
    assert [drawing.name for drawing in rich] == [
        "accuracy", "growth", "pareto", "stage_costs", "stage_shares", "curves",
        "mechanism_by_stage", "ranks",
    ]  # fmt: skip


def test_arms_that_tie_for_the_first_rank_are_all_named() -> None:
    trials = trials_frame({"a": by_place([0.9, 0.8] * 4), "b": by_place([0.8, 0.9] * 4),
                           "c": by_place([0.7] * 8)})  # fmt: skip
    drawing = present(distributions.rank_stability(trials))
    assert drawing.alt.startswith("a and b are most often the first (50% of 8 seeds each)")


def test_the_mechanism_counts_the_seeds_that_were_measured() -> None:
    table = mechanism_table(WIDTHS, 6)
    table.loc[(table["cell"] == WIDTHS[0]) & (table["seed"] > 1), "probe_accuracy"] = np.nan
    drawing = report_figures_mechanism.mechanism_by_stage(table, WIDTHS)
    assert legend(drawing.figure)[:2] == [f"{WIDTHS[0]} (n = 2 to 6)", f"{WIDTHS[1]} (n = 6)"]


@pytest.mark.parametrize("known", [True, False])
def test_a_line_does_not_pass_over_an_arm_without_a_trial(known: bool) -> None:
    trials = grid(0, np.random.default_rng(0))
    lost = trials["cell"] == "y / q"
    if known:
        trials.loc[lost, ["state", "test_accuracy"]] = ["failed", np.nan]
    else:
        trials = trials[~lost]
    drawing = present(interaction.interaction(trials))
    line = np.asarray(drawing.figure.axes[0].containers[1].lines[0].get_ydata(), dtype=float)
    assert list(np.isnan(line)) == [False, True, False]
