"""Verdicts on outcomes that are known: the word, the sentence, the caveat, what is left."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ablate.analysis.verdicts.answer import Verdict
from ablate.analysis.verdicts.listing import listed
from ablate.analysis.verdicts.settling import TOO_MANY
from ablate.analysis.verdicts.verdict import verdict_of
from support.runs import run_of

STUDY = """question = "Is a better than b?"
baseline = "b"

[axes.arm]
a = { says = "the one" }
b = { says = "the other" }
"""
HIGHER = """
[hypotheses.a_wins]
says = "a is better."
higher = ["a", "b"]
"""
NOISE = np.random.default_rng(5).normal(0, 0.002, (4, 10))


def around(mean: float, row: int = 0, seeds: int = 10) -> dict[int, float | str]:
    return {seed: mean + float(NOISE[row, seed]) for seed in range(seeds)}


def judged(
    folder: Path,
    a: float,
    b: float,
    more: str = HIGHER,
    costs: Mapping[str, Mapping[str, object]] | None = None,
    **columns: object,
) -> Verdict:
    outcomes = {"a": around(a), "b": around(b, 1)}
    return verdict_of(run_of(folder, STUDY + more, outcomes, costs, **columns))


def test_yes_where_it_holds(tmp_path: Path) -> None:
    verdict = judged(tmp_path, 0.83, 0.80)
    assert verdict.said == "Yes: The one beat the other by 3.1 points."
    assert verdict.numbers.startswith("the one minus the other +3.1 points [+2.")
    assert verdict.numbers.endswith("(95% interval, n = 10 seeds)")
    assert verdict.settle == ""
    assert verdict.figure == "accuracy"


def test_no_where_the_opposite_holds_and_where_they_are_equal(tmp_path: Path) -> None:
    assert judged(tmp_path / "1", 0.77, 0.80).said == "No: The other beat the one by 2.9 points."
    same = judged(tmp_path / "2", 0.80, 0.80)
    assert same.said == "No: The one and the other were equal within 0.5 points."


def test_open_where_nothing_is_shown_with_what_would_settle_it(tmp_path: Path) -> None:
    def spread(size: float) -> Verdict:
        wide = {seed: 0.8 + size * (-1) ** seed + 0.001 * seed for seed in range(10)}
        other = {seed: 0.8 - size * (-1) ** seed for seed in range(10)}
        folder, columns = tmp_path / f"{size}", {"train_seconds": 60.0}
        return verdict_of(run_of(folder, STUDY + HIGHER, {"a": wide, "b": other}, **columns))

    verdict = spread(0.012)
    assert verdict.said.startswith("Open: The one against the other may be anything from -")
    seeds = int(verdict.settle.split()[8].replace(",", ""))
    assert 50 < seeds <= TOO_MANY
    assert verdict.settle == (  # and not seeds to be added to this run, whose result was seen
        f"To settle it: a new run of about {seeds:,} seeds of each arm, which can tell 0.5 points; "
        f"some {2 * seeds / 60:.1f} h of training."
    )
    assert "more than is worth it: train longer" in spread(0.03).settle


def test_a_prediction_may_answer_no(tmp_path: Path) -> None:
    no = HIGHER + 'answers = "no"\n'
    assert judged(tmp_path / "1", 0.83, 0.80, no).word == "no"
    assert judged(tmp_path / "2", 0.77, 0.80, no).word == "yes"
    same = judged(tmp_path / "3", 0.80, 0.80, no)
    assert same.word == "open"  # neither is better
    assert same.settle.endswith("make a new run with a smaller margin and more seeds.")


BOTH = """
[hypotheses.a_wins]
says = "a is better."
higher = ["a", "b"]
answers = "yes"

[hypotheses.ties]
says = "They are equal."
equal = ["a", "b"]
answers = "{}"
"""


def test_a_question_of_two_parts_has_an_answer_to_each(tmp_path: Path) -> None:
    verdict = judged(tmp_path / "1", 0.83, 0.80, BOTH.format("yes"))
    assert (verdict.word, verdict.label) == ("no", "Yes and no")
    assert verdict.sentence == (
        "The one beat the other by 3.1 points; the one beat the other by 3.1 points."
    )
    assert judged(tmp_path / "2", 0.83, 0.80, BOTH.format("no")).label == "Yes"


def test_where_nothing_is_marked_the_first_prediction_answers(tmp_path: Path) -> None:
    more = HIGHER + BOTH.split("\n\n")[1].replace('answers = "{}"\n', "")
    assert judged(tmp_path, 0.83, 0.80, more).word == "yes"


def test_without_a_prediction_it_says_what_stands_out(tmp_path: Path) -> None:
    verdict = judged(tmp_path / "1", 0.83, 0.80, "")
    assert verdict.said == "No prediction: The one beat the other by 3.1 points."
    assert (verdict.word, verdict.effect[:11]) == ("open", "+3.1 points")
    assert verdict.numbers.startswith("the one minus the other +3.1 points [")
    assert "state what you expect in the study file" in verdict.settle
    same = judged(tmp_path / "2", 0.80, 0.80, "")
    assert same.sentence == "Every arm was within 0.5 points of the other."
    worse = judged(tmp_path / "3", 0.77, 0.80, "")
    assert worse.sentence == "The one lost to the other by 2.9 points."


def test_too_few_seeds_settle_nothing(tmp_path: Path) -> None:
    outcomes = {"a": around(0.9, seeds=3), "b": around(0.8, 1, seeds=3)}
    verdict = verdict_of(run_of(tmp_path / "1", STUDY + HIGHER, outcomes))
    assert verdict.said == (
        "Open: The one against the other is not told yet: 3 of at least 4 seeds."
    )
    assert verdict.numbers == "n = 3 seeds"
    assert verdict.settle.startswith("To settle it: at least 4 seeds of each arm: 1 more")
    plain = verdict_of(run_of(tmp_path / "2", STUDY, outcomes))
    assert "with 3 of at least 4 seeds" in plain.sentence


def test_nothing_is_made_up_where_nothing_completed(tmp_path: Path) -> None:
    failed: dict[int, float | str] = dict.fromkeys(range(4), "failed")
    found = run_of(tmp_path, STUDY + HIGHER, {"a": failed, "b": around(0.8, seeds=4)})
    verdict = verdict_of(found)
    assert verdict.said == "Open: Nothing is known yet of the one and the other."
    assert verdict.numbers == "n = 0 seeds"
    assert verdict.caveat == ("4 of 4 trials of the one have no accuracy, and are not counted.")


def test_the_caveat_is_the_first_that_applies(tmp_path: Path) -> None:
    twice = {"a": {"macs": 4_200_000}, "b": {"macs": 2_100_000}}
    verdict = judged(tmp_path / "1", 0.83, 0.80, costs=twice)
    assert verdict.caveat == (
        "The arms differ in compute: the one has 2.0 times the MACs of the other."
    )
    held = judged(tmp_path / "2", 0.83, 0.80, costs=twice, match="params", match_residual=0.0)
    assert held.caveat == "Only parameters are equal: the one has 2.0 times the MACs of the other."
    assert held.sentence == "At equal parameters, the one beat the other by 3.1 points."
    high = judged(tmp_path / "3", 0.995, 0.98)
    assert high.caveat == "Every arm is above 97% on digits, where little is left to tell apart."
    small = judged(tmp_path / "4", 0.83, 0.80)
    assert small.caveat == (
        "Networks of at most 175k parameters, trained for 5 epochs: larger ones may differ."
    )
    more = judged(tmp_path / "6", 0.83, 0.80, costs={"a": {"params": 2_000_000}})
    assert more.caveat == (
        "The arms differ in parameters: the one has 11.4 times the parameters of the other."
    )
    added = run_of(tmp_path / "2", STUDY + HIGHER, {"a": around(0.83), "b": around(0.8, 1)}, twice)
    for before, first in (((3,), "The arms differ"), ((3, 6), "Seeds were added after a result")):
        assert verdict_of(replace(added, extended_from=before)).caveat.startswith(first)
    large = judged(tmp_path / "5", 0.83, 0.80, params=2_000_000, epochs=200)
    assert large.caveat == "One data set and one recipe: another may decide otherwise."


def test_a_name_is_written_as_it_is(tmp_path: Path) -> None:
    study = STUDY.replace("a = {", '"r = 2" = {').replace(', says = "the one"', "")
    study = study.replace('{ says = "the one" }', "{}") + HIGHER.replace('["a"', '["r = 2"')
    found = run_of(tmp_path, study, {"r = 2": around(0.83), "b": around(0.80, 1)})
    assert verdict_of(found).sentence == "r = 2 beat the other by 3.1 points."


def more_arms(says: str = "") -> str:
    extra = f', says = "{says}"' if says else ""
    lines = [f'"arm {place}" = {{ base_width = {place + 4}{extra} }}' for place in range(4)]
    return STUDY.replace("b = {", "\n".join([*lines, "b = {"]), 1)


def test_an_arm_without_trials_silences_nothing(tmp_path: Path) -> None:
    failed: dict[int, float | str] = dict.fromkeys(range(10), "diverged")
    outcomes = {"a": around(0.9), "b": around(0.8, 1), "arm 0": failed, "arm 1": around(0.9, 2)}
    verdict = verdict_of(run_of(tmp_path / "1", more_arms(), outcomes))
    assert verdict.said == "No prediction: The one or arm 1 beat the other by 10.1 and 10.0 points."
    assert verdict.n == 10
    wide = {seed: 0.8 + 0.012 * (-1) ** seed + 0.001 * seed for seed in range(10)}
    apart = outcomes | {"a": wide, "b": dict.fromkeys(range(10), 0.8)}
    open_ = verdict_of(run_of(tmp_path / "2", more_arms() + HIGHER, apart))
    assert open_.settle.startswith("To settle it: a new run of about ")


def test_of_many_arms_the_foremost_are_told_with_their_numbers(tmp_path: Path) -> None:
    means = {"a": 0.85, "arm 0": 0.91, "arm 1": 0.88, "arm 2": 0.9, "arm 3": 0.86}
    outcomes = {arm: around(mean, 2) for arm, mean in means.items()} | {"b": around(0.8, 2)}
    verdict = verdict_of(run_of(tmp_path, more_arms(), outcomes))
    assert verdict.sentence == "5 arms beat the other, arm 0 most, by 11.0 points."
    assert verdict.numbers.startswith("arm 0, 2 and 1 minus the other +11.0 points [")
    assert "; +10.0 points [" in verdict.numbers
    assert " and 2 more (95% intervals, n = 10 seeds)" in verdict.numbers


def test_a_long_answer_counts_what_it_leaves_out(tmp_path: Path) -> None:
    one = '\n[hypotheses.h{0}]\nsays = "h"\nanswers = "yes"\nhigher = ["{1}", "b"]\n'
    arms = ["a", *(f"arm {place}" for place in range(4))]
    text = more_arms() + "".join(one.format(*pair) for pair in enumerate(arms))
    outcomes = {arm: around(0.7, 2) for arm in arms} | {"b": around(0.8, 1), "a": around(0.9)}
    verdict = verdict_of(run_of(tmp_path, text, outcomes))
    assert verdict.said == (
        "Yes and no: The one beat the other by 10.1 points; of 4 more predictions 4 refuted."
    )


def test_long_words_give_way_to_names(tmp_path: Path) -> None:
    says = "one two three four five six seven eight nine ten"
    outcomes = {"a": around(0.9), "arm 0": around(0.9, 2), "b": around(0.8, 1)}
    study = more_arms(says).replace("the one", says).replace("the other", says)
    sentence = verdict_of(run_of(tmp_path, study, outcomes)).sentence
    assert sentence == "a or arm 0 beat b by 10.1 and 10.0 points."


def test_a_unit_without_a_margin_is_asked_for_one(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    loss = HIGHER + 'column = "val_loss"\n'
    outcomes = {"a": around(0.8), "b": around(0.8, 1)}
    found = run_of(
        tmp_path, STUDY + loss, outcomes, val_loss=lambda trials: rng.normal(1, 0.1, len(trials))
    )
    assert found.hypotheses["verdict"].tolist() == ["inconclusive"]
    assert verdict_of(found).settle == (
        "To settle it: a `margin` for val_loss in the study file, in its own unit."
    )


def test_what_is_told_of_a_best_growth_does_not_contradict_its_interval(tmp_path: Path) -> None:
    """The arm at 2 is ruled out, though the curve's best growth may be there."""
    study = GROWTH.replace('baseline = "two"', 'baseline = "three"')
    means = (0.80, 0.83, 0.90, 0.80)
    arms = ("one", "two", "three", "four")
    outcomes = {
        arm: around(mean, row) for row, (arm, mean) in enumerate(zip(arms, means, strict=True))
    }
    shapes = {
        arm: {"widths": str([8, 8 * growth, 8 * growth**2])}
        for growth, arm in enumerate(arms, start=1)
    }
    found = run_of(tmp_path, study, outcomes, shapes)
    verdict = verdict_of(found)
    (fit,) = found.fits
    assert verdict.word == "no"
    assert ("which was" in verdict.sentence) == (not fit.best.low <= 2 <= fit.best.high)


GROWTH = """question = "Is 2 best?"
baseline = "two"

[axes.arm]
one = { says = "growing 1 time" }
two = { says = "growing 2 times" }
three = { says = "growing 3 times" }
four = { says = "growing 4 times" }

[hypotheses.two]
says = "Two is best."
optimum = 2.0
"""


@pytest.mark.parametrize(
    ("means", "said"),
    [
        ((0.80, 0.85, 0.88, 0.87), "No: Growing 3 or 4 times beat growing 2 times by 3."),
        ((0.80, 0.88, 0.85, 0.82), "Yes: Growing 2 times was the best growth; every other arm"),
    ],
)
def test_a_best_growth_is_told_by_the_arms(
    tmp_path: Path, means: tuple[float, ...], said: str
) -> None:
    arms = ("one", "two", "three", "four")
    pairs = zip(arms, means, strict=True)
    outcomes = {arm: around(mean, row) for row, (arm, mean) in enumerate(pairs)}
    shapes = {
        arm: {"widths": str([8, 8 * growth, 8 * growth**2])}
        for growth, arm in enumerate(arms, start=1)
    }
    verdict = verdict_of(run_of(tmp_path, GROWTH, outcomes, shapes))
    assert verdict.said.startswith(said)
    assert verdict.figure == "growth"


@pytest.mark.parametrize(
    ("phrases", "text"),
    [
        (["growing 2 times"], "growing 2 times"),
        (["growing 2 times", "growing 3 times"], "growing 2 or 3 times"),
        (["a", "b", "c"], "a, b or c"),
        (["no shortcut", "zero padding"], "no shortcut or zero padding"),
        (["times", "times two"], "times or times two"),
        (["a b c", "a c"], "a b c or a c"),
    ],
)
def test_what_phrases_share_is_said_once(phrases: list[str], text: str) -> None:
    assert listed(phrases, "or") == text
