"""The figures of a search: what they show, and that they can be drawn of little."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from matplotlib.axes import Axes

from ablate.report.figures.drawing.style import save
from ablate.report.figures.front import front_against_cost, hypervolume_by_budget
from ablate.search.explored import Explored
from ablate.search.words import finalist_words
from ablate.statistics import intervals
from support.searches import explored, timed


def confirmed(found: Explored, seeds: int) -> pd.DataFrame:
    """Trials of the finalists and of a baseline that was not explored."""
    finalists = found.networks.dropna(subset="finalist")
    nets = {
        "doubling": ("elsewhere", 40_000),
        **{row["finalist"]: (row["net"], row["macs"]) for row in finalists.to_dict("records")},
    }
    return pd.DataFrame(
        [
            {
                "cell": cell,
                "net": net,
                "macs": macs,
                "seed": seed,
                "state": "complete",
                "val_accuracy": 0.5 + 0.01 * seed,
                "test_accuracy": 0.4 + 0.01 * seed,
            }
            for seed in range(seeds)
            for cell, (net, macs) in nets.items()
        ]
    )


def panels(drawing: Any) -> list[Axes]:
    return list(drawing.figure.axes)


def test_the_front_is_shown_with_what_was_confirmed(tmp_path: Path) -> None:
    _, found = explored(tmp_path)
    drawing = front_against_cost(found, confirmed(found, 6))
    data = drawing.data
    assert list(data["what"].value_counts()) == [len(found.networks), 6]
    test = data[data["outcome"] == "test_accuracy"].set_index("cell")
    interval = intervals.mean_interval([0.4 + 0.01 * seed for seed in range(6)])
    assert test.loc["finalist 1", "mean"] == interval.mean
    assert (test.loc["doubling", "low"], test.loc["doubling", "high"]) == (
        interval.low,
        interval.high,
    )
    left, right = panels(drawing)
    front = found.networks[found.networks["rank"] == 1]
    dots = left.lines[2]
    assert sorted(dots.get_xdata()) == sorted(front["macs"])
    assert left.get_xscale() == right.get_xscale() == "log"
    assert left.get_xlabel() == "MACs per image (conv + linear)"
    assert "n = 6 seeds" in drawing.figure.get_suptitle()
    labels = [text.get_text() for text in drawing.figure.legends[0].get_texts()]
    assert labels[:2] == ["explored, dominated", "explored, the front"]
    words = finalist_words(found.networks)
    assert labels[2:] == [
        "doubling, the baseline",
        *(f"{name}: {words[name]}" for name in ("finalist 1", "finalist 2")),
    ]


def test_the_baseline_is_a_star_with_its_name_in_both_panels(tmp_path: Path) -> None:
    _, found = explored(tmp_path)
    drawing = front_against_cost(found, confirmed(found, 6))
    for axes, accuracy in zip(panels(drawing), (52.5, 42.5), strict=True):
        stars = [line for line in axes.lines if line.get_marker() == "*"]
        assert [tuple(star.get_xydata()[0]) for star in stars] == [
            (40_000, pytest.approx(accuracy))
        ]
        assert [text.get_text() for text in axes.texts] == ["doubling"]


def test_a_baseline_that_was_explored_is_a_hollow_star_there(tmp_path: Path) -> None:
    _, found = explored(tmp_path)
    plain = found.networks[found.networks["finalist"].isna()].iloc[0]
    trials = confirmed(found, 6)
    trials["net"] = trials["net"].replace("elsewhere", plain["net"])
    left, right = panels(front_against_cost(found, trials))
    hollow = [
        [line for line in axes.lines if line.get_markerfacecolor() == "white"]
        for axes in (left, right)
    ]
    assert [tuple(star.get_xydata()[0]) for star in hollow[0]] == [
        (plain["macs"], 100 * plain["val_accuracy"])
    ]
    assert hollow[1] == []


@pytest.mark.parametrize("off", [False, True])
def test_a_latency_is_labelled_with_how_it_was_measured(tmp_path: Path, off: bool) -> None:
    found = timed(explored(tmp_path)[1], off)
    trials = confirmed(found, 6)
    trials["net"] = trials["net"].replace("elsewhere", found.baseline.net)  # type: ignore[union-attr]
    drawing = front_against_cost(found, trials)
    label = panels(drawing)[0].get_xlabel()
    assert label.startswith("Latency (ms; a batch of 8, 2 threads)\n")
    assert ("Do not compare" in label) == off
    star = next(line for line in panels(drawing)[1].lines if line.get_marker() == "*")
    assert star.get_xydata()[0][0] == 2.5  # the baseline's, which was not explored


def test_hypervolume_is_shown_over_both_budgets(tmp_path: Path) -> None:
    _, found = explored(tmp_path)
    drawing = hypervolume_by_budget(found)
    left, _ = panels(drawing)
    assert set(drawing.data["by"]) == {"networks", "train_macs"}
    by_networks = drawing.data[drawing.data["by"] == "networks"]
    own = by_networks[by_networks["sampler"] == "random"]
    line = left.lines[list(dict.fromkeys(found.hypervolumes["sampler"])).index("random")]
    assert list(line.get_ydata()) == list(own["mean"])
    ends = found.hypervolumes.groupby(["sampler", "repeat"])["hypervolume"].max()
    assert own["mean"].iloc[-1] == pytest.approx(ends["random"].mean())
    assert "n = 2 repeats" in drawing.figure.get_suptitle()


def test_figures_are_saved_and_one_seed_has_no_interval(tmp_path: Path) -> None:
    _, found = explored(tmp_path)
    for drawing in (front_against_cost(found, confirmed(found, 1)), hypervolume_by_budget(found)):
        save(drawing, tmp_path)
        assert (tmp_path / f"{drawing.name}.png").stat().st_size > 10_000
        assert len(pd.read_csv(tmp_path / f"{drawing.name}.csv")) == len(drawing.data)
    assert front_against_cost(found, confirmed(found, 1)).data["low"].isna().all()
