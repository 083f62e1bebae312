"""Sampled networks as evidence: a network counts once, and arms are compared over draws."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from scipy import stats

from ablate.analysis import comparisons, hypotheses, populations, wording
from ablate.analysis import summary as analysis_summary
from ablate.errors import InputError
from ablate.report.figures import distributions, of_run
from ablate.results import schema
from ablate.results.outcomes import by_seed
from ablate.study.file import HypothesisTable
from support.frames import by_place, trials_frame

Accuracies = Sequence[float | str]
RNG = np.random.default_rng(0)
GOOD = list(np.round(0.95 + 0.01 * RNG.normal(size=24), 4))
BAD = [round(float(value) - 0.02, 4) for value in GOOD]


def sampled(arms: Mapping[str, Accuracies], seeds: int = 1) -> pd.DataFrame:
    """A trials table of networks with these accuracies; each is trained `seeds` times alike."""
    outcomes = {
        f"{arm} / {number:02}": {number + len(accuracies) * seed: accuracy for seed in range(seeds)}
        for arm, accuracies in arms.items()
        for number, accuracy in enumerate(accuracies)
    }
    frame = trials_frame(outcomes)
    parts = frame["cell"].str.split(" / ", expand=True)
    return frame.drop(columns="axis_arm").assign(
        axis_width=parts[0], axis_network=parts[1], params=1_000 * (parts[1].astype(int) + 1)
    )


def test_arms_become_cells_and_draws_seeds() -> None:
    trials = sampled({"b": [0.9, 0.8], "a": [0.7, "diverged"]})
    networks = populations.by_draw(trials)
    assert list(networks["cell"]) == ["b", "b", "a", "a"]
    assert list(networks["seed"]) == [0, 1, 0, 1]
    assert list(networks["state"]) == ["complete"] * 3 + ["diverged"]
    assert schema.axis_columns(networks) == ["axis_width"]
    wide = by_seed(networks)
    np.testing.assert_array_equal(wide, [[0.9, 0.7], [0.8, math.nan]])


def test_a_network_counts_once_however_often_it_was_trained() -> None:
    trials = sampled({"a": [0.9, 0.8]}, seeds=2)
    trials.loc[trials["seed"] >= 2, "test_accuracy"] -= 0.1
    networks = populations.by_draw(trials)
    assert list(networks["test_accuracy"]) == pytest.approx([0.85, 0.75])
    trials.loc[3, ["state", "test_accuracy"]] = ["diverged", math.nan]
    assert list(populations.by_draw(trials)["state"]) == ["complete", "diverged"]


def test_the_summary_counts_draws() -> None:
    networks = populations.by_draw(sampled({"good": GOOD, "bad": BAD}))
    summary = analysis_summary.summarise(networks, "good", unit="draw")
    assert list(summary.table["cell"]) == ["good", "bad"]
    assert list(summary.table["n"]) == [24, 24]
    bad = summary.table.iloc[1]
    assert (bad["seeds"], bad["finding"]) == (24, "lower")
    assert bad["diff"] == pytest.approx(-0.02)
    assert bad["params"] == 12_500  # the median
    assert math.isnan(bad["infer_images_per_s"])
    assert "good (" in wording.details(summary)
    assert "%, 24 draws)" in wording.details(summary)


def test_predictions_are_about_arms_and_counted_in_draws() -> None:
    networks = populations.by_draw(sampled({"good": GOOD, "bad": BAD, "same": GOOD[::-1]}))
    tables = {
        "higher": HypothesisTable(says="Good is better.", higher=["good", "bad"]),
        "equal": HypothesisTable(says="They tie.", equal=["good", "same"], margin=0.02),
    }
    compared = comparisons.compare(networks, "good", tables)
    judged = hypotheses.judge(tables, networks, compared, "good", 0.005, unit="draw")
    assert list(judged["verdict"]) == ["supported", "supported"]
    assert "n = 24 draws" in judged["sentence"].iloc[0]
    assert judged["rows"].iloc[0] == "trials.csv: good, bad; draws 0 to 23"


def test_what_is_known_of_each_arm() -> None:
    table = populations.describe(sampled({"good": GOOD, "bad": [*BAD[:-1], "diverged"]}), 0.06)
    assert list(table.columns) == list(populations.COLUMNS)
    good, bad = table.to_dict("records")
    assert (good["networks"], good["n"], bad["networks"], bad["n"]) == (24, 24, 24, 23)
    errors = 1 - np.array(GOOD)
    assert good["mean_error"] == pytest.approx(errors.mean())
    assert good["mean_low"] < good["mean_error"] < good["mean_high"]
    assert good["median_error"] == pytest.approx(np.median(errors))
    below = int((errors < 0.06).sum())
    assert good["share"] == pytest.approx(below / 24)
    # Clopper and Pearson's limits by the beta distribution
    assert good["share_low"] == pytest.approx(stats.beta.ppf(0.025, below, 25 - below))
    assert good["share_high"] == pytest.approx(stats.beta.ppf(0.975, below + 1, 24 - below))
    # and those of the median by the binomial: the 7th and the 18th of 24
    ordered = np.sort(errors)
    assert good["median_low"] == pytest.approx(ordered[6])
    assert good["median_high"] == pytest.approx(ordered[17])


def test_the_best_network_is_chosen_by_validation_and_not_by_test() -> None:
    trials = sampled({"a": [0.8, 0.9, 0.85]})
    trials["val_accuracy"] = [0.95, 0.9, 0.9]
    best = populations.describe(trials).iloc[0]
    assert best["best"] == "a / 00"
    assert best["best_error"] == pytest.approx(0.2)
    assert math.isnan(best["share"])


def test_an_arm_without_a_complete_network() -> None:
    table = populations.describe(sampled({"a": GOOD, "b": ["diverged"] * 24}), 0.1)
    lost = table.iloc[1]
    assert (lost["networks"], lost["n"], lost["best"]) == (24, 0, "")
    assert np.isnan(lost[["mean_error", "median_error", "share", "best_error"]].astype(float)).all()


def test_the_limits_of_the_median_cover_it_as_often_as_they_say() -> None:
    rng = np.random.default_rng(1)
    arms = {str(arm): list(1 - rng.exponential(size=15) / 100) for arm in range(60)}
    table = populations.describe(sampled(arms))
    truth = math.log(2) / 100
    covered = (table["median_low"] <= truth) & (truth <= table["median_high"])
    assert covered.mean() > 0.9


def test_a_table_of_no_sampled_study_is_refused() -> None:
    with pytest.raises(InputError, match="axis_network"):
        populations.by_draw(trials_frame({"a": by_place([0.9])}))
    broken = sampled({"a": [0.9]}).assign(axis_network="x")
    with pytest.raises(InputError, match="whole numbers in axis_network"):
        populations.by_draw(broken)


def test_tables_of_networks_become_tables_of_arms() -> None:
    trials = sampled({"a": [0.9, 0.8], "b": [0.7, 0.6]})
    epochs = trials[["cell", "seed"]].assign(epoch=0, train_loss=1.0, val_accuracy=0.5)
    assert list(populations.by_arm(epochs, trials)["cell"]) == ["a", "a", "b", "b"]
    assert list(populations.by_arm(epochs, trials)["seed"]) == [0, 1, 0, 1]
    stages = pd.DataFrame(
        {
            "cell": trials["cell"],
            "stage": "stage 1",
            "out_size": 8,
            "params": [1, 3, 5, 5],
            "macs": [10, 20, 30, 50],
            "activations": [1, 1, 1, 1],
        }
    )
    means = populations.mean_stages(stages, trials)
    assert list(means["cell"]) == ["a", "b"]
    assert list(means["params"]) == [2, 5]
    assert list(means["macs"]) == [15, 40]


def test_figures_have_an_arm_for_all_of_its_networks() -> None:
    trials = sampled({"good": GOOD, "bad": BAD})
    summary = analysis_summary.summarise(populations.by_draw(trials), "good", unit="draw")
    stages = pd.DataFrame(
        [
            {"cell": cell, "stage": stage, "out_size": 8, "params": 10, "macs": 20,
             "activations": 30}
            for cell in trials["cell"]
            for stage in ("stem", "stage 1")
        ]
    )  # fmt: skip
    epochs = trials[["cell", "seed"]].assign(epoch=0, train_loss=1.0, val_accuracy=0.5)
    wanted = of_run.figures_of_networks(trials, summary, stages, epochs, None)
    drawn = {drawing.name: drawing for drawing in of_run.draw(wanted)}
    assert list(drawn) == ["edf", "accuracy", "stage_shares", "curves"]
    assert [text.get_text() for text in drawn["accuracy"].figure.axes[0].get_yticklabels()] == [
        "good\nn = 24",
        "bad\nn = 24",
    ]
    assert list(drawn["accuracy"].data.columns)[:3] == ["cell", "draw", "accuracy"]
    said = texts(drawn["edf"].figure)
    assert any("by the number of draws" in text for text in said)
    assert any(text.startswith("Networks with at most") for text in said)
    assert "Mean over draws with its 95% interval" in texts(drawn["curves"].figure)


def test_the_band_of_the_distribution_is_as_wide_as_so_many_networks_allow() -> None:
    networks = populations.by_draw(sampled({"good": GOOD, "bad": BAD}, seeds=2))
    drawing = distributions.error_distribution(networks, "draw")
    assert drawing is not None
    assert set(drawing.data["n"]) == {24}
    half = math.sqrt(math.log(2 / 0.05) / 48)
    middle = drawing.data[drawing.data["share"].between(half + 0.01, 0.99 - half)]
    assert len(middle) > 10
    assert list(middle["high"] - middle["share"]) == pytest.approx([half] * len(middle))


def texts(figure: Figure) -> list[str]:
    titles = [] if figure._suptitle is None else [figure._suptitle.get_text()]  # type: ignore[attr-defined]
    return titles + [axes.get_ylabel() for axes in figure.axes]
