"""A study that stopped early is told with the numbers of the looks that settled it."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from ablate.analysis import comparisons, hypotheses, summary
from ablate.results.looks import outcomes, replay
from ablate.statistics import family
from ablate.study.file import StudyFile
from support.frames import trials_frame

ARMS = {"base": (0.0, 0.003), "far": (0.2, 0.003), "near": (0.0, 0.002), "noisy": (0.0, 0.02)}
LOOKS = [4, 6, 8, 12]
FILE = StudyFile.model_validate(
    {
        "question": "Which?",
        "baseline": "base",
        "seeds": LOOKS[-1],
        "axes": {"arm": {arm: {"depths": [place + 1]} for place, arm in enumerate(ARMS)}},
        "stop": {"looks": LOOKS},
        "hypotheses": {
            "far_wins": {"says": "It is far better.", "higher": ["far", "base"]},
            "base_wins": {"says": "It is far worse.", "higher": ["base", "far"]},
        },
    }
)


@pytest.fixture(scope="module")
def trials() -> pd.DataFrame:
    """What was trained: of each arm as many seeds as its looks asked for."""
    rng = np.random.default_rng(3)
    values = {
        arm: dict(enumerate(0.7 + shift + spread * rng.standard_normal(LOOKS[-1])))
        for arm, (shift, spread) in ARMS.items()
    }
    whole = trials_frame(values)
    looks = replay(FILE, whole)
    last = {
        arm: next((look.seeds for look in looks if arm not in look.needed), LOOKS[-1])
        for arm in ARMS
    }
    kept = [seed < last[cell] for cell, seed in zip(whole["cell"], whole["seed"], strict=True)]
    assert last["far"] < last["noisy"]
    return whole[kept].reset_index(drop=True)


def test_each_comparison_is_as_its_look_saw_it(trials: pd.DataFrame) -> None:
    seen = {one.comparison.first: one for one in outcomes(FILE, trials, replay(FILE, trials))}
    found = comparisons.compare(
        trials, "base", FILE.hypotheses, settled=outcomes(FILE, trials, replay(FILE, trials))
    )
    words = {"open": "inconclusive"}
    for arm, one in found.against.items():
        look = seen[arm]
        assert (one.estimate, one.low, one.high) == pytest.approx(
            (look.seen.estimate, look.seen.low, look.seen.high)
        )
        assert one.n == look.seen.n <= look.seeds
        said = family.finding(one, found.family, FILE.margin)
        assert said == words.get(look.word, look.word)
        assert (one.p <= 0.05) == (one.low > 0 or one.high < 0)
        inside = max(-one.equal_low, one.equal_high) < FILE.margin
        assert (found.family.p_equal(one, FILE.margin) <= 0.05) == inside


def test_summary_and_predictions_have_the_same_numbers(trials: pd.DataFrame) -> None:
    settled = outcomes(FILE, trials, replay(FILE, trials))
    judged = comparisons.compare(trials, "base", FILE.hypotheses, settled=settled)
    table = summary.of_comparisons(trials, "base", judged).table.set_index("cell")
    told = hypotheses.judge(FILE.hypotheses, trials, judged, "base", FILE.margin)
    told = told.set_index("name")
    assert dict(told["verdict"]) == {"far_wins": "supported", "base_wins": "refuted"}
    row, other = told.loc["far_wins"], told.loc["base_wins"]
    assert (row["estimate"], row["low"], row["high"]) == tuple(
        table.loc["far", ["diff", "diff_low", "diff_high"]]
    )
    assert (other["low"], other["high"]) == (-row["high"], -row["low"])


def test_an_interval_that_a_look_took_is_wider_than_one_of_the_same_seeds_would_be(
    trials: pd.DataFrame,
) -> None:
    looks = replay(FILE, trials)
    seeds = next(look.seeds for look in looks if "far" not in look.needed)
    early = trials[trials["seed"] < seeds]
    adjusted = comparisons.compare(trials, "base", settled=outcomes(FILE, trials, looks))
    plain = comparisons.compare(early, "base")
    assert adjusted.against["far"].low < plain.against["far"].low


def test_before_the_first_look_nothing_is_said(trials: pd.DataFrame) -> None:
    found = comparisons.compare(trials, "base", settled=[])
    table = summary.of_comparisons(trials, "base", found).table
    assert set(table["finding"]) == {"baseline", "too few seeds"}
    assert table["diff_low"].isna().all()


def test_what_a_look_saw_may_be_turned_round() -> None:
    reference = family.Reference(largest=np.arange(1.0, 100.0), difference=0.02, equivalence=0.05)
    one = family.against(reference, 0.5, 0.01, 6)
    back = comparisons.reversed_(one)
    assert (back.low, back.high) == (-one.high, -one.low)
    assert dataclasses.replace(comparisons.reversed_(back)) == one
