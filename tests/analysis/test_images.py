"""Intervals over seeds and test images, from a run's tables to its words."""

import math

import numpy as np
import pandas as pd
import pytest

from ablate.analysis import hypotheses, images, wording
from ablate.analysis.comparisons import Comparisons, compare
from ablate.analysis.summary import Summary, by_seed, of_comparisons
from ablate.bits import pack
from ablate.errors import InputError
from ablate.statistics.images import image_covariance
from ablate.study.file import HypothesisTable
from support.frames import trials_frame

IMAGES = 400
CELLS = {"base": 0.0, "like": 0.01, "other": 0.04}
PREDICTIONS = {
    "likes": HypothesisTable(says="Like is better.", higher=["like", "base"]),
    "backwards": HypothesisTable(says="Base is better.", higher=["base", "other"]),
    "validated": HypothesisTable(
        says="Other validates better.", higher=["other", "base"], column="val_accuracy"
    ),
}


def bits(seeds: int = 8, sure: float = 0.9) -> dict[tuple[str, int], np.ndarray]:
    """Which images are correct: the arms have images of their own, and seeds change few."""
    rng = np.random.default_rng(0)
    found = {}
    for cell, more in CELLS.items():
        easy = rng.permutation(IMAGES) < (0.7 + more) * IMAGES
        for seed in range(seeds):
            found[cell, seed] = easy ^ (rng.random(IMAGES) > sure)
    return found


def tables(correct: dict[tuple[str, int], np.ndarray]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The trials, and which images they classified correctly."""
    trials = trials_frame(
        {
            cell: {seed: float(own.mean()) for (name, seed), own in correct.items() if name == cell}
            for cell in CELLS
        }
    )
    rows = [
        {
            "cell": cell,
            "seed": seed,
            "key": f"{cell}-{seed}",
            "images": IMAGES,
            "correct": pack(own),
        }
        for (cell, seed), own in correct.items()
    ]
    return trials, pd.DataFrame(rows)


def judged(correct: dict[tuple[str, int], np.ndarray]) -> tuple[Comparisons, Summary, pd.DataFrame]:
    trials, table = tables(correct)
    found = compare(trials, "base", PREDICTIONS, correct=table)
    verdicts = hypotheses.judge(PREDICTIONS, trials, found, "base", 0.005)
    return found, of_comparisons(trials, "base", found), verdicts.set_index("name")


def test_the_noise_is_that_of_the_bits_of_each_cell_and_seed() -> None:
    correct = bits()
    trials, table = tables(correct)
    found = images.noise(table.sample(frac=1, random_state=0), by_seed(trials))
    array = np.array([[correct[cell, seed] for seed in range(8)] for cell in CELLS])
    assert found is not None
    np.testing.assert_array_equal(found.covariance, image_covariance(array))


def test_a_difference_that_hangs_on_the_images_is_said_to() -> None:
    found, summary, verdicts = judged(bits())
    rows = summary.table.set_index("cell")
    assert rows.loc["other", "finding"] == "higher"
    assert rows.loc["other", "wide_finding"] == "inconclusive"
    assert rows.loc["other", "wide_low"] < 0 < rows.loc["other", "diff_low"]
    assert rows.loc["other", "wide_p"] > 0.05 > rows.loc["other", "p"]
    assert rows.loc["base", ["wide_low", "wide_high", "wide_p", "wide_finding"]].isna().all()
    assert found.wide is not None
    assert (
        verdicts.loc["backwards", ["verdict", "wide_verdict"]] == ["refuted", "inconclusive"]
    ).all()
    assert verdicts.loc["backwards", "wide_high"] == -rows.loc["other", "wide_low"]
    assert verdicts.loc["backwards", "sentence"].endswith(": inconclusive.")
    assert "other is inconclusive ([" in wording.details(summary)
    shown = wording.display(summary)
    assert next(iter(shown["on images like these"])) == "-"
    assert wording.WIDE in wording.legend(summary)


def test_where_images_decide_nothing_otherwise_that_is_said() -> None:
    correct = bits()
    correct |= {("other", seed): np.ones(IMAGES, dtype=bool) for seed in range(8)}
    correct |= {("like", seed): correct["base", 7 - seed] for seed in range(8)}
    _, summary, verdicts = judged(correct)
    assert "On images like these, not these alone, all findings are the same." in wording.details(
        summary
    )
    assert verdicts.loc["backwards", "wide_verdict"] == "refuted"
    assert "On images like these -" in verdicts.loc["backwards", "sentence"]


def test_what_is_not_measured_on_test_images_has_no_such_interval() -> None:
    _, _, verdicts = judged(bits())
    row = verdicts.loc["validated"]
    assert math.isfinite(row["p"])
    assert row[["wide_low", "wide_high", "wide_p", "wide_verdict"]].isna().all()
    assert "images like these" not in row["sentence"]


@pytest.mark.parametrize("lost", ["nothing", "a row", "an image", "all"])
def test_where_it_was_not_recorded_of_all_there_is_none(lost: str) -> None:
    trials, table = tables(bits())
    damaged = {
        "nothing": table,
        "a row": table[1:],
        "an image": table.assign(images=[IMAGES - 1, *table["images"][1:]]),
        "all": table[:0],
    }[lost]
    found = compare(trials, "base", PREDICTIONS, correct=damaged)
    assert (found.wide is None) == (lost != "nothing")
    summary = of_comparisons(trials, "base", found)
    assert summary.wide == (lost == "nothing")
    assert ("images like these" in wording.details(summary)) == (lost == "nothing")
    assert ("on images like these" in wording.display(summary)) == (lost == "nothing")


def test_bits_that_cannot_be_read_are_one_line() -> None:
    trials, table = tables(bits())
    table.loc[3, "correct"] = "x"
    with pytest.raises(InputError, match=r"correct\.csv: base, seed 3: 1 characters: expected 100"):
        compare(trials, "base", correct=table)
