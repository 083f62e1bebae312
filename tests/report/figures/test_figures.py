"""The figures: labelled, complete, the same bytes each time, and within their borders."""

import itertools
import math
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.collections import PathCollection

from ablate.analysis import summary as analysis_summary
from ablate.analysis.summary import Summary
from ablate.report.figures import accuracy, comparison, curves, pareto
from ablate.report.figures import stages as report_figures_stages
from ablate.report.figures.drawing import style
from ablate.report.figures.drawing.sheet import PAGE, Sheet
from ablate.report.figures.drawing.style import Drawing
from support.figures import (
    LONG_NAMES,
    SMALL,
    STUDIES,
    hidden_tick_labels,
    legend,
    texts_outside,
)
from support.frames import by_place, trials_frame


def against_cost(trials: pd.DataFrame, summary: Summary, sheet: Sheet = PAGE) -> Drawing:
    drawing = pareto.accuracy_against_cost(trials, summary, sheet)
    assert drawing is not None
    return drawing


SUBJECT = "a study on digits"
SHEETS = {"page": Sheet(subject=SUBJECT), "column": Sheet(subject=SUBJECT, width=5.3)}


def drawings(name: str, sheet: Sheet = SHEETS["page"]) -> dict[str, Drawing]:
    """Every figure of a made-up study by its name."""
    trials, summary, stages, epochs = STUDIES[name]
    cells = list(summary.table["cell"])
    drawn = [
        accuracy.accuracy_by_arm(trials, summary, sheet),
        against_cost(trials, summary, sheet),
        report_figures_stages.stage_costs(stages, cells, sheet),
        report_figures_stages.stage_shares(stages, cells, sheet),
        curves.learning_curves(epochs, cells, sheet=sheet),
    ]
    return {drawing.name: drawing for drawing in drawn}


@pytest.mark.parametrize("sheet", SHEETS)
@pytest.mark.parametrize("name", STUDIES)
def test_every_figure_is_labelled_and_within_its_border(name: str, sheet: str) -> None:
    figures = drawings(name, SHEETS[sheet])
    assert list(figures) == ["accuracy", "pareto", "stage_costs", "stage_shares", "curves"]
    for drawing in figures.values():
        assert texts_outside(drawing.figure) == []
        assert all(axes.get_xlabel() for axes in drawing.figure.axes if axes.axison)
        assert drawing.figure.get_suptitle().split("\n")[0] == SUBJECT
        assert drawing.figure.get_figwidth() == SHEETS[sheet].width
        assert drawing.title
        assert drawing.alt.endswith(".")
        assert not drawing.data.empty


def test_axes_say_what_and_in_which_unit() -> None:
    labels = {
        name: [
            (axes.get_xlabel(), axes.get_ylabel(), axes.get_title()) for axes in drawing.figure.axes
        ]
        for name, drawing in drawings("ten seeds").items()
    }
    assert labels["accuracy"] == [
        ("Test accuracy (%)", "", "Each seed; mean with 95% interval"),
        ("Difference from constant (points)", "", "Difference; joint 95% interval"),
    ]
    assert [x for x, _, _ in labels["pareto"]] == [
        "MACs per image (conv + linear)",
        "Parameters",
        "Inference time (µs/image)\nbars: IQR; cpu: AMD EPYC 7302\n16-Core Processor, batch 256",
    ]
    assert labels["pareto"][0][1] == "Test accuracy (%)"
    assert [title for _, _, title in labels["stage_costs"]] == [
        "MACs per image (conv + linear)",
        "Parameters",
        "Activations per image",
    ]
    assert labels["curves"] == [
        ("Epoch", "Training loss (nats)", ""),
        ("Epoch", "Validation accuracy (%)", ""),
    ]


def test_accuracy_has_a_dot_a_seed_and_an_interval_an_arm() -> None:
    trials, summary, *_ = STUDIES["ten seeds"]
    left, right = accuracy.accuracy_by_arm(trials, summary).figure.axes
    dots = [dots for dots in left.collections if isinstance(dots, PathCollection)]
    assert [len(np.asarray(arm.get_offsets())) for arm in dots] == [10, 10, 10]
    drawn = sorted(np.asarray(dots[0].get_offsets())[:, 0])
    given = sorted(100 * trials.loc[trials["cell"] == "constant", "test_accuracy"])
    assert drawn == pytest.approx(given)
    assert len(left.containers) == 3
    means = [float(bar.lines[0].get_xdata()[0]) for bar in left.containers]  # type: ignore[attr-defined]
    assert means == pytest.approx(list(100 * summary.table["mean"]))
    assert [tick.get_text() for tick in left.get_yticklabels()] == [
        "constant\nn = 10",
        "doubling\nn = 10",
        "tripling\nn = 10",
    ]
    assert [text.get_text() for text in right.texts] == ["baseline"]


def test_a_failed_arm_is_listed_not_drawn() -> None:
    figures = drawings("one arm failed")
    left = figures["accuracy"].figure.axes[0]
    assert left.get_yticklabels()[1].get_text() == "doubling\nn = 0, 6 failed"
    assert [text.get_text() for text in left.texts] == ["no complete trial"]
    for name in ("pareto", "curves"):
        assert legend(figures[name].figure) == [
            "constant (n = 6)",
            "doubling (n = 0)",
            "tripling (n = 6)",
        ]


def test_a_cell_keeps_its_colour_in_every_figure() -> None:
    _, summary, stages, epochs = STUDIES["one arm failed"]
    colour = style.looks(list(summary.table["cell"]))["tripling"].colour
    only = curves.learning_curves(
        epochs[epochs["cell"] == "tripling"], list(summary.table["cell"])
    ).figure
    assert only.legends[0].get_lines()[2].get_color() == colour
    assert only.axes[0].lines[2].get_color() == colour
    assert (
        report_figures_stages.stage_costs(stages).figure.legends[0].get_lines()[2].get_color()
        == colour
    )
    assert len({look.colour for look in style.looks(LONG_NAMES).values()}) == 9


def test_pareto_front_is_filled_and_the_rest_hollow() -> None:
    accuracies = {"cheap": [0.8, 0.81], "best": [0.9, 0.91], "dear": [0.85, 0.86]}
    costs = {
        name: {
            **dict.fromkeys(("macs", "params", "activations"), 10.0 ** (place + 3)),
            "infer_images_per_s": 10.0**-place,
        }
        for place, name in enumerate(accuracies)
    }
    trials = trials_frame({name: by_place(of) for name, of in accuracies.items()}, costs)
    figure = against_cost(trials, analysis_summary.summarise(trials, "cheap")).figure
    for axes in figure.axes:
        front = axes.lines[0]
        assert sorted(np.asarray(front.get_ydata())) == pytest.approx([80.5, 90.5])
        markers = [bar.lines[0] for bar in axes.containers]  # type: ignore[attr-defined]
        assert [marker.get_markerfacecolor() != "white" for marker in markers] == [
            True,
            True,
            False,
        ]


GAP: dict[str, list[float | str]] = {
    "far": [0.7, 0.74],
    "near": [0.97, 0.971],
    "nearer": [0.972, 0.974],
}


def far_apart(match: str | None = None) -> tuple[pd.DataFrame, Summary]:
    """Three arms, the first far below the others, with costs that differ."""
    costs = {
        name: {
            **dict.fromkeys(("macs", "params", "activations"), 10.0 ** (place + 3)),
            "infer_images_per_s": 10.0**-place,
            "match": match,
        }
        for place, name in enumerate(GAP)
    }
    trials = trials_frame({name: by_place(of * 4) for name, of in GAP.items()}, costs)
    return trials, analysis_summary.summarise(trials, "far")


@pytest.mark.parametrize("sheet", SHEETS)
def test_arms_above_a_gap_have_a_view_of_their_own(sheet: str) -> None:
    drawing = against_cost(*far_apart(), SHEETS[sheet])
    whole = [axes for axes in drawing.figure.axes if axes.get_title() == "All 3 arms"]
    near = [axes for axes in drawing.figure.axes if axes.get_title() == "Zoom: upper 2"]
    assert len(whole) == len(near) == 4
    for axes in near:
        low, high = axes.get_ylim()
        assert 90 < low < 97
        assert 97.4 < high <= 100
    for axes in whole:
        low, high = axes.get_ylim()
        assert low < 70 < 97.4 < high
    assert texts_outside(drawing.figure) == []


def test_what_is_held_equal_has_no_front() -> None:
    drawing = against_cost(*far_apart("macs"))
    labels = {axes.get_xlabel().split("\n")[0] for axes in drawing.figure.axes} - {""}
    assert labels == {"Parameters", "Activations per image", "Inference time (µs/image)"}
    assert "MACs held equal" in drawing.figure.get_suptitle()
    assert "MACs:" not in drawing.alt
    same = trials_frame({"a": {0: 0.8}, "b": {0: 0.9}}, {"b": {"macs": 2_100_000 * 1.04}})
    assert pareto.accuracy_against_cost(same, analysis_summary.summarise(same, "a")) is None


def test_missing_throughput_is_said() -> None:
    missing: dict[str, Any] = dict.fromkeys(analysis_summary.THROUGHPUTS)
    outcomes = {name: by_place([0.8, 0.9]) for name in "ab"}
    trials = trials_frame(outcomes, {"a": missing, "b": {**missing, "macs": 1e6}})
    figure = against_cost(trials, analysis_summary.summarise(trials, "a")).figure
    assert [text.get_text() for text in figure.axes[1].texts] == ["not measured"]
    assert texts_outside(figure) == []


def test_latency_bars_are_the_quartiles_of_the_rate() -> None:
    costs = {"a": {"infer_images_per_s": 1e4, "infer_images_per_s_iqr": 4e3},
             "b": {"infer_images_per_s": 2e4, "infer_images_per_s_iqr": 6e4}}  # fmt: skip
    trials = trials_frame({"a": by_place([0.8, 0.9]), "b": by_place([0.8, 0.9])}, costs)
    drawing = against_cost(trials, analysis_summary.summarise(trials, "a"))
    a, b = drawing.data[["latency_low", "latency", "latency_high"]].to_numpy().tolist()
    assert a == pytest.approx([1e6 / 12_000, 100, 1e6 / 8_000])
    assert b == pytest.approx([1e6 / 50_000, 50, math.inf])
    (axes,) = drawing.figure.axes  # all else is equal
    low, high = axes.get_xlim()
    assert (low, high) == pytest.approx((20, 125), rel=0.15)
    bars = [bar.lines[2][0].get_segments()[0][:, 0] for bar in axes.containers]
    assert list(bars[0]) == pytest.approx([1e6 / 12_000, 1e6 / 8_000])
    assert bars[1][1] > high


def test_latencies_that_cannot_be_compared_have_no_front() -> None:
    off = {"throughput_control_off": True}
    costs = {"a": off, "b": {**off, "macs": 1e7, "infer_images_per_s": 1e3}}
    trials = trials_frame({"a": by_place([0.8]), "b": by_place([0.9])}, costs)
    drawing = against_cost(trials, analysis_summary.summarise(trials, "a"))
    assert "Do not compare" in drawing.figure.axes[1].get_xlabel()
    assert not drawing.data["latency_front"].any()
    assert drawing.data["macs_front"].any()
    assert drawing.alt.endswith("Latencies are not to be compared.")


@pytest.mark.parametrize("ratio", [1.06, 1.5, 2.1, 3.9, 5, 9, 25, 80, 290, 1e3, 1e5])
def test_logarithmic_ticks_are_few_and_apart(ratio: float) -> None:
    costs = {"a": {"macs": 7.7e6}, "b": {"macs": 7.7e6 * ratio}}
    trials = trials_frame({"a": {0: 0.8}, "b": {0: 0.9}}, costs)
    axes = against_cost(trials, analysis_summary.summarise(trials, "a")).figure.axes[0]
    hidden = hidden_tick_labels(axes)
    shown = [label for label in axes.get_xticklabels() if label not in hidden]
    boxes = sorted((label.get_window_extent() for label in shown), key=lambda box: float(box.x0))
    assert len({label.get_text() for label in shown}) == len(shown) >= 2
    assert all(left.x1 < right.x0 for left, right in itertools.pairwise(boxes))


def test_stages_come_in_the_order_of_the_network() -> None:
    *_, stages, _ = STUDIES["ten seeds"]
    axes = report_figures_stages.stage_costs(stages.iloc[::-1], SMALL).figure.axes[0]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == [
        "stem\n32",
        "1\n16",
        "2\n8",
        "3\n4",
        "head\n2",
    ]
    residual = axes.lines[0]
    assert list(np.diff(np.asarray(residual.get_xdata(), dtype=float)).round(9)) == [1, 1]


def test_curves_give_the_range_of_seeds() -> None:
    *_, epochs = STUDIES["two seeds"]
    stopped = epochs[(epochs["seed"] == 0) | (epochs["epoch"] < 3)]
    assert legend(curves.learning_curves(stopped).figure)[0] == "constant (n = 1 to 2)"


def test_curves_without_epochs() -> None:
    *_, epochs = STUDIES["two seeds"]
    assert legend(curves.learning_curves(epochs.iloc[:0], ["a"]).figure) == ["a (n = 0)"]


def test_saved_bytes_are_the_same_each_time(tmp_path: Path) -> None:
    once, again = (drawings("two seeds") for _ in range(2))
    for name in once:
        for drawing, folder in ((once, "first"), (again, "second"), (again, "third")):
            style.save(drawing[name], tmp_path / folder)
    files = sorted(path.name for path in (tmp_path / "first").iterdir())
    assert files == sorted(f"{name}.{kind}" for name in once for kind in ("csv", "png", "svg"))
    for file in files:
        first, *others = (
            (tmp_path / folder / file).read_bytes() for folder in ("first", "second", "third")
        )
        assert others == [first, first], file


def test_a_users_settings_change_no_figure(tmp_path: Path) -> None:
    """Not even those that would end in an error, such as LaTeX that is not installed."""
    trials, summary, *_ = STUDIES["two seeds"]
    kept = []
    users: list[dict[Any, Any]] = [{}, {"text.usetex": True, "lines.linewidth": 9}]
    for settings in users:
        with mpl.rc_context(settings):
            drawing = against_cost(trials, summary)
            style.save(drawing, tmp_path)
        kept.append((tmp_path / f"{drawing.name}.png").read_bytes())
    assert kept[0] == kept[1]


def test_names_are_drawn_as_they_stand(tmp_path: Path) -> None:
    with style.style():
        figure, axes = plt.subplots()
        axes.set_title(r"$\foo$ costs 5$, and $x")
        figure.savefig(tmp_path / "dollars.svg")
    plt.close(figure)
    assert r"$\foo$ costs 5$, and $x" in (tmp_path / "dollars.svg").read_text("utf-8")


def test_style_and_figures_leave_the_settings_alone(tmp_path: Path) -> None:
    before = dict(mpl.rcParams)
    style.save(drawings("two seeds")["accuracy"], tmp_path)
    assert dict(mpl.rcParams) == before


def test_the_data_beside_a_figure_is_what_it_shows() -> None:
    trials, summary, *_ = STUDIES["ten seeds"]
    figures = drawings("ten seeds")
    seeds = figures["accuracy"].data
    assert len(seeds) == 30
    assert sorted(seeds["accuracy"]) == pytest.approx(sorted(trials["test_accuracy"]))
    front = figures["pareto"].data.set_index("cell")
    assert list(front.index[front["macs_front"]]) == list(front.index[front["params_front"]])
    expected = 1e6 / summary.table["infer_images_per_s"]
    assert list(front["latency"]) == pytest.approx(list(expected))
    shares = figures["stage_shares"].data
    assert list(shares.groupby("cell")["macs"].sum()) == pytest.approx([1, 1, 1])


def test_shares_are_drawn_end_to_end_and_numbered() -> None:
    *_, stages, _ = STUDIES["ten seeds"]
    axes = report_figures_stages.stage_shares(stages, SMALL).figure.axes[0]
    constant = [bar[0] for bar in axes.containers]
    assert [bar.get_width() for bar in constant] == pytest.approx([20] * 5)
    assert [bar.get_x() for bar in constant] == pytest.approx([0, 20, 40, 60, 80])
    numbers = [text.get_text() for text in axes.texts]
    assert numbers.count("20") == 5


def test_runs_stand_side_by_side() -> None:
    parts = []
    for place, name in enumerate(("ten seeds", "one arm failed")):
        part = STUDIES[name][1].table.copy()
        part.insert(0, "run", f"run {place}")
        part.insert(1, "baseline", "constant")
        parts.append(part)
    drawing = comparison.differences_by_run(pd.concat(parts, ignore_index=True))
    assert texts_outside(drawing.figure) == []
    assert legend(drawing.figure) == ["run 0 (10 seeds)", "run 1 (6 seeds)"]
    first, second = drawing.figure.axes[0].containers
    assert len(first.lines[0].get_xdata()) == 2
    assert len(second.lines[0].get_xdata()) == 1  # the failed arm has no difference
    assert "tripling in run 1: " in drawing.alt
