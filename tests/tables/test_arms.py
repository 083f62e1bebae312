"""Tables with arms and repeats: what is sure of the differences, and what is said of it."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ablate.errors import InputError
from ablate.report.tables.check import verify_judged
from ablate.report.tables.write import write_judged
from ablate.statistics import family
from ablate.statistics.unpaired import compare_unpaired
from ablate.study.toml_file import read_toml
from ablate.tables.arms.compare import ALIKE, FEW, MOST_RESAMPLED, Asked, Judged, judge, judge_file
from ablate.tables.arms.expectations import expectation
from ablate.tables.arms.on_predictions import sentences
from ablate.tables.arms.repeats import Repeats, checked, read_repeats
from ablate.tables.arms.units import direction
from ablate.tables.arms.words import question, verdict_of
from ablate.tables.file import read_table_file
from ablate.tables.rows import read_rows

NAMES = ["a", "b", "c", "d", "e"]


def table(folder: Path, arms: dict[str, np.ndarray], outcome: str = "acc", seed: int = 0) -> Path:
    """A CSV in which arms have these outcomes, seeds from 0, rows shuffled."""
    frame = pd.concat(
        [pd.DataFrame({"arm": arm, "seed": range(len(y)), outcome: y}) for arm, y in arms.items()]
    )
    path = folder / "table.csv"
    frame.sample(frac=1, random_state=seed).to_csv(path, index=False)
    return path


def drawn(n: int, *means: float, sd: float = 1.0, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {name: rng.normal(mean, sd, n) for name, mean in zip(NAMES, means, strict=False)}


def judged(
    path: Path,
    outcome: str = "acc",
    baseline: str | None = "a",
    margin: float | None = None,
    paired: bool = False,
    expect: tuple[str, ...] = (),
    seed: str | None = "seed",
    better: int | None = None,
) -> Judged:
    repeats = read_repeats(path, ["arm"], outcome, seed=seed, better=better)
    arms = list(repeats.frame["arm"].unique())
    asked = Asked(
        baseline=baseline,
        margin=margin,
        paired=paired,
        hypotheses={f"e{n}": expectation(text, arms, outcome) for n, text in enumerate(expect)},
    )
    return judge(repeats, asked)


def row(found: Judged, arm: str) -> pd.Series:
    return found.table.set_index("arm").loc[arm]


# Numbers


@pytest.mark.parametrize(("n", "within"), [(30, 0.04), (1000, 0.02)])
@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_two_arms_agree_with_welch(tmp_path: Path, n: int, within: float, ratio: float) -> None:
    """Behrens and Fisher's interval is a little wider for few values; draws miss by a percent."""
    arms = drawn(n, 70, 72) | {"b": 72 + ratio * drawn(n, 0, seed=5)["a"]}
    found = row(judged(table(tmp_path, arms)), "b")
    welch = stats.ttest_ind(arms["b"], arms["a"], equal_var=False).confidence_interval()
    half = (welch.high - welch.low) / 2
    own = (found["diff_high"] - found["diff_low"]) / 2
    assert found["diff"] == pytest.approx(arms["b"].mean() - arms["a"].mean())
    assert 0.99 < own / half < 1 + within


@pytest.mark.parametrize("arms", [2, 5])
def test_moments_give_what_values_in_blocks_of_their_own_give(arms: int) -> None:
    values = np.random.default_rng(1).normal(size=(7, arms)) * np.arange(1, arms + 1)
    rows = [[-1.0, *(float(own == other) for own in range(1, arms))] for other in range(1, arms)]
    known = family.compare(values, rows, blocks=range(arms))
    found = compare_unpaired([7] * arms, values.mean(axis=0), values.std(axis=0, ddof=1), rows)
    for one, other in zip(found.comparisons, known.comparisons, strict=True):
        assert (one.low, one.high, one.p) == pytest.approx((other.low, other.high, other.p))


def test_unpaired_arms_use_no_correlation_and_paired_arms_do(tmp_path: Path) -> None:
    shared = np.random.default_rng(2).normal(0, 3, 200)
    arms = {name: y + shared for name, y in drawn(200, 70, 70.5, sd=0.2).items()}
    path = table(tmp_path, arms)
    apart = row(judged(path), "b")
    together = row(judged(path, paired=True), "b")
    (tmp_path / "other").mkdir()
    shuffled = table(tmp_path / "other", arms | {"b": arms["b"][::-1]})
    assert row(judged(shuffled), "b")["diff_low"] == pytest.approx(apart["diff_low"])
    assert row(judged(shuffled, paired=True), "b")["finding"] == "inconclusive"
    assert apart["finding"] == "inconclusive"
    assert together["finding"] == "better"
    known = family.compare(np.column_stack([arms["a"], arms["b"]]), [[-1, 1]]).comparisons[0]
    assert (together["diff_low"], together["p"]) == pytest.approx((known.low, known.p))


def test_arms_with_too_few_rows_change_nothing_of_the_others(tmp_path: Path) -> None:
    arms = drawn(10, 70, 72, 71)
    found = judged(table(tmp_path, arms))
    more = judged(table(tmp_path, arms | {"x": np.array([60.0]), "y": np.array([71.0, 90, 50])}))
    for name in "abc":
        pd.testing.assert_series_equal(row(found, name), row(more, name))
    for name in "xy":
        few = row(more, name)
        assert few["finding"] == FEW
        assert np.isnan(few["p"])
        assert few["diff"] == pytest.approx(few["mean"] - row(more, "a")["mean"])


def test_large_arms_have_students_interval(tmp_path: Path) -> None:
    arms = drawn(MOST_RESAMPLED + 1, 70, 71)
    found = row(judged(table(tmp_path, arms)), "b")
    known = stats.ttest_1samp(arms["b"], 0).confidence_interval()
    assert (found["low"], found["high"]) == pytest.approx((known.low, known.high))


def test_the_order_of_rows_changes_nothing_but_the_order_of_arms(tmp_path: Path) -> None:
    arms = drawn(8, 70, 71, 72)
    one = judged(table(tmp_path, arms)).table.sort_values("arm", ignore_index=True)
    other = judged(table(tmp_path, arms, seed=3)).table.sort_values("arm", ignore_index=True)
    pd.testing.assert_frame_equal(one, other)


def test_fractions_and_percentages_say_the_same(tmp_path: Path) -> None:
    arms = drawn(8, 70, 72)
    percent = judged(table(tmp_path, arms)).table
    (tmp_path / "f").mkdir()
    fractions = judged(table(tmp_path / "f", {arm: y / 100 for arm, y in arms.items()})).table
    pd.testing.assert_frame_equal(percent, fractions)


# Which way is better


@pytest.mark.parametrize(
    ("column", "way"),
    [
        *[(name, 1) for name in ("acc", "valAcc", "test_accuracy", "Top-1", "top5", "f1_score",
                                 "roc_auc", "r2", "eval/accuracy")],
        *[(name, -1) for name in ("loss", "val_loss", "top1_err", "testError", "perplexity", "mse",
                                  "rmse", "mae", "wall_time", "runtime", "latency_ms")],
        *[(name, None) for name in ("size", "accident", "sometimes", "glossy", "y", "params")],
    ],
)  # fmt: skip
def test_a_name_says_which_way_is_better_or_does_not(column: str, way: int | None) -> None:
    assert direction(column) == way


@pytest.mark.parametrize(("outcome", "better"), [("loss", "a"), ("score", "b")])
def test_better_is_what_the_column_says(tmp_path: Path, outcome: str, better: str) -> None:
    found = judged(table(tmp_path, drawn(10, 70, 80), outcome), outcome)
    assert row(found, "b")["finding"] == ("better" if better == "b" else "worse")
    assert row(found, "b")["diff"] > 5
    other = "a" if better == "b" else "b"
    assert f"{better} beat {other} by" in verdict_of(found).sentence


def test_a_name_that_does_not_say_it_needs_an_option(tmp_path: Path) -> None:
    path = table(tmp_path, drawn(5, 1, 2), "size")
    with pytest.raises(InputError, match="--higher or --lower"):
        judged(path, "size")
    assert judged(path, "size", better=-1).repeats.better == -1


# Words


CASES: dict[str, tuple[dict[str, np.ndarray], str, str]] = {
    "better": (drawn(10, 70, 75), "yes", r"^b beat a by 4\.5 points\.$"),
    "worse": (drawn(10, 70, 60), "no", r"^a beat b by \d+\.\d points\.$"),
    "either": (drawn(5, 70, 70.5), "open", r"^b against a may be anything from -.* to \+.* points"),
    "equal": (drawn(20, 70, 70, sd=0.1), "no", r"^b was within 0\.5 points of a\.$"),
    "two": (drawn(10, 70, 75, 80), "yes", r"^c and b beat a by \d+\.\d and \d\.\d points\.$"),
    "some": (drawn(10, 70, 80, 60), "yes", r"^b beat a by .* points; 1 lost to it\.$"),
    "none": (drawn(10, 70, 60, 65), "no", r"^a beat 2 of 2 arms by \d\.\d to \d+\.\d points\.$"),
    "mixed": (drawn(10, 70, 60, 70.1), "open",
              r"^No arm beat a; 1 of 2 did not, 1 may or may not\.$"),
    "unsure": (drawn(6, 70, 70.1, 70.2), "open", r"^No arm differed clearly from a\.$"),
    "single": (drawn(1, 70, 80), "open", r"^No arm has a second row, .*; b has the best number"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_sentence_says_what_the_table_has(tmp_path: Path, case: str) -> None:
    arms, word, sentence = CASES[case]
    found = judged(table(tmp_path, arms))
    verdict = verdict_of(found)
    assert verdict.word == word
    assert re.search(sentence, verdict.sentence), verdict.sentence
    beaten = (found.table["finding"] == "better").sum()
    assert (word == "yes") == bool(beaten)
    for what, effect in verdict.effects:
        if effect != "-":
            own = row(found, what.removesuffix(" minus a"))
            assert effect.startswith(f"{own['diff']:+z.1f}"[:4])
    assert bool(verdict.settle) == (word == "open")


@pytest.mark.parametrize("case", CASES)
def test_a_sentence_is_short_however_long_the_names_are(tmp_path: Path, case: str) -> None:
    long = {arm: " ".join([arm, *"of very many words that go on and on and on".split()])
            for arm in NAMES}  # fmt: skip
    arms, word, _ = CASES[case]
    path = table(tmp_path, {long[arm]: y for arm, y in arms.items()})
    verdict = verdict_of(judged(path, baseline=long["a"]))
    assert verdict.word == word
    assert len(verdict.sentence.split()) <= 25


def test_the_baseline_is_the_arm_with_the_most_rows(tmp_path: Path) -> None:
    arms = drawn(6, 70, 71) | {"z": drawn(9, 70)["a"]}
    path = table(tmp_path, arms)
    assert judged(path, baseline=None).baseline == "z"
    assert judged(path, baseline="b").table["finding"].iloc[0] == "baseline"
    with pytest.raises(InputError, match=r"no arm 'bb' \(did you mean b\?\)"):
        judged(path, baseline="bb")


def test_a_caveat_is_about_the_budget_or_about_copies(tmp_path: Path) -> None:
    path = table(tmp_path, drawn(6, 70, 71))
    frame = pd.read_csv(path)
    frame["macs"] = frame["arm"].map({"a": 1e6, "b": 3e6})
    frame.to_csv(path, index=False)
    repeats = read_repeats(path, ["arm"], "acc", budget="macs")
    verdict = verdict_of(judge(repeats, Asked(baseline="a", hypotheses={})))
    assert verdict.caveat == "The arms differ in macs: b has 3 times that of a."
    pd.concat([frame, frame]).to_csv(path, index=False)
    copied = read_repeats(path, ["arm"], "acc")
    assert "copied" in verdict_of(judge(copied, Asked(baseline="a", hypotheses={}))).caveat


# Expectations


@pytest.mark.parametrize(
    ("text", "verdict", "word"),
    [
        ("b > a", "supported", "yes"),
        ("a < b", "supported", "yes"),
        ("a > b", "refuted", "no"),
        ("a = b", "refuted", "no"),
        ("'a' = \"c\"", "supported", "yes"),
        ("c > a", "equivalent", "no"),
        ("d > a", "inconclusive", "open"),
        ("x > a", "inconclusive", "open"),
    ],
)
def test_an_expectation(tmp_path: Path, text: str, verdict: str, word: str) -> None:
    arms = drawn(20, 70, 75, 70, sd=0.2) | {
        "d": drawn(5, 70.2, sd=3, seed=1)["a"],
        "x": np.array([60.0]),
    }
    found = judged(table(tmp_path, arms), expect=(text,))
    assert list(found.hypotheses["verdict"]) == [verdict]
    assert verdict_of(found).word == word
    assert question(found).startswith("Is it so: ")
    assert set(sentences(found)) == {"e0"}


def test_an_expectation_about_two_others_belongs_to_the_family(tmp_path: Path) -> None:
    path = table(tmp_path, drawn(10, 70, 75, 80))
    alone, more = judged(path), judged(path, expect=("c > b",))
    assert (alone.together, more.together) == (2, 3)
    assert judged(path, expect=("a > b",)).together == 2
    assert list(more.hypotheses["verdict"]) == ["supported"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a", "expected two arms with >, < or ="),
        ("a > q", "no arm 'q'"),
        ("a > a", "expected two arms, not one"),
    ],
)
def test_what_is_no_expectation_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InputError, match=re.escape(says)):
        judged(table(tmp_path, drawn(5, 70, 71)), expect=(text,))


def test_arms_whose_names_hold_signs_can_be_expected(tmp_path: Path) -> None:
    arms = {"lr=0.1": drawn(10, 70)["a"], "lr=0.3": drawn(10, 75)["a"]}
    found = judged(table(tmp_path, arms), baseline="lr=0.1", expect=("lr=0.3 > lr=0.1",))
    assert list(found.hypotheses["verdict"]) == ["supported"]


def test_equality_needs_a_margin(tmp_path: Path) -> None:
    path = table(tmp_path, drawn(20, 1, 1, sd=0.01), "loss")
    with pytest.raises(InputError, match="needs a margin"):
        judged(path, "loss", expect=("a = b",))
    assert row(judged(path, "loss"), "b")["finding"] == "inconclusive"
    found = judged(path, "loss", margin=0.1, expect=("a = b",))
    assert list(found.hypotheses["verdict"]) == ["supported"]


# A study file of kind `table`

FILE = """
kind = "table"
question = "Is b better?"
baseline = "a"
margin = 0.5
[source]
file = "table.csv"
cite = "Someone 2021"
licence = "MIT"
[columns]
outcome = { first = "acc", second = "loss" }
unit = "higher"
arm = "arm"
seed = "seed"
[where]
kept = true
[failed]
acc = { below = 0 }
[hypotheses.better]
says = "b is better."
answers = "yes"
higher = ["b", "a"]
[hypotheses.alike]
says = "c is as good."
equal = ["c", "a"]
"""


def test_a_study_file_asks_the_same_of_each_outcome(tmp_path: Path) -> None:
    path = table(tmp_path, drawn(10, 70, 75, 70, sd=0.1))
    frame = pd.read_csv(path)
    frame["loss"] = -frame["acc"]
    frame["kept"] = True
    extra = pd.DataFrame(
        {"arm": ["a", "b"], "seed": [100, 101], "acc": [0.0, -1.0], "loss": 0.0,
         "kept": [False, True]}
    )  # fmt: skip
    pd.concat([frame, extra]).to_csv(path, index=False)
    study = tmp_path / "mine.toml"
    study.write_text(FILE)
    file = read_table_file(read_toml(study))
    found = judge_file(file, read_rows(file, path))
    assert list(found) == ["first", "second"]
    verdicts = {name: list(one.hypotheses["verdict"]) for name, one in found.items()}
    assert verdicts == {"first": ["supported", "supported"], "second": ["refuted", "supported"]}
    assert verdict_of(found["first"]).said == "Yes: b beat a by 4.95."
    first: Repeats = found["first"].repeats
    assert (first.rows, first.left_out, first.failed) == (32, 1, 1)
    folder = tmp_path / "out"
    write_judged(found["first"], folder)
    page = (folder / "report.html").read_text()
    assert all(text in page for text in ("Is b better?", "Someone 2021", "MIT"))
    assert "ablate judge" not in page
    assert [line.level for line in verify_judged(folder)] == ["ok", "ok"]


def test_an_arm_of_a_prediction_that_lacks_rows_is_named(tmp_path: Path) -> None:
    arms = drawn(8, 70, 70, 70)
    arms["c"] = arms["c"][:3]
    found = judged(table(tmp_path, arms), expect=("c > b",))
    verdict = verdict_of(found)
    assert verdict.sentence == "c has fewer than 4 rows."
    assert verdict.settle == "To settle it: 4 rows or more of c."
    assert "c has 3 and b has 8 of at least 4 rows" in sentences(found)["e0"]


def test_the_caveat_names_what_a_user_can_set(tmp_path: Path) -> None:
    found = judged(table(tmp_path, drawn(8, 70, 70)))
    assert "--paired pairs them" in verdict_of(found).caveat
    study = judge(dataclasses.replace(found.repeats, options=()), found.asked)
    assert "--paired" not in verdict_of(study).caveat
    assert "`pairs = true` pairs them" in verdict_of(study).caveat


# What a tester found


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
@pytest.mark.parametrize(("seeds", "arms"), [(4, 2), (10, 3)])
def test_paired_intervals_hold_for_few_seeds_however_alike_arms_are(
    rho: float, seeds: int, arms: int
) -> None:
    wrong = families_wrong(np.where(np.eye(arms, dtype=bool), 1, rho), seeds, own=True)
    assert wrong <= stats.binom.ppf(0.999, 400, 0.05)


def test_paired_intervals_hold_where_the_baseline_has_nothing_in_common_with_the_others() -> None:
    """One correlation for all pairs would make 60 of 400 families wrong."""
    alike = np.where(np.eye(5, dtype=bool), 1, 0.9)
    alike[0, 1:] = alike[1:, 0] = 0
    assert families_wrong(alike, 200, own=True) <= stats.binom.ppf(0.999, 400, 0.05)
    assert families_wrong(alike, 200, own=False) > stats.binom.ppf(0.999, 400, 0.05)


def families_wrong(alike: np.ndarray, seeds: int, own: bool) -> int:
    """Of 400 families of arms that do not differ, those with an interval that leaves out zero."""
    rng, arms = np.random.default_rng(seeds), len(alike)
    root = np.linalg.cholesky(alike)
    rows = np.hstack([-np.ones((arms - 1, 1)), np.eye(arms - 1)])
    wrong = 0
    for _ in range(400):
        values = rng.standard_normal((seeds, arms)) @ root.T
        found = family.compare(values, rows, draws=999, own=own).comparisons
        wrong += any(not one.low <= 0 <= one.high for one in found)
    return wrong


def test_a_judged_table_s_pairs_have_correlations_of_their_own(tmp_path: Path) -> None:
    """b shares all with c and nothing with a: paired, c is told from b, and b against a is as wide
    as unpaired."""
    arms = drawn(100, 70, 70)
    arms["c"] = arms["b"] + drawn(100, 0.9, sd=0.2, seed=9)["a"]
    arms["d"] = arms["b"] + drawn(100, 0.1, sd=0.2, seed=8)["a"]
    path = table(tmp_path, arms)
    apart, together = judged(path), judged(path, paired=True, expect=("c > b",))
    assert list(together.hypotheses["verdict"]) == ["supported"]

    def width(found: Judged) -> float:
        return float(row(found, "b")["diff_high"] - row(found, "b")["diff_low"])

    assert width(together) > 0.9 * width(apart)


def flat(*values: float, n: int = 6) -> dict[str, np.ndarray]:
    return {name: np.full(n, value) for name, value in zip(NAMES, values, strict=False)}


@pytest.mark.parametrize("paired", [False, True])
def test_arms_whose_rows_are_all_alike_are_not_compared(tmp_path: Path, paired: bool) -> None:
    found = judged(table(tmp_path, flat(70.1, 75.3)), paired=paired)
    assert row(found, "b")["finding"] == ALIKE
    assert found.table[["low", "high", "diff_low", "diff_high", "p"]].isna().all(axis=None)
    assert row(found, "b")["diff"] == pytest.approx(5.2)
    verdict = verdict_of(found)
    assert (verdict.word, verdict.label) == ("open", "Not compared")
    assert verdict.sentence.startswith("Rows of an arm are all alike, so nothing can be compared")
    assert "(copied, or rounded?)" in verdict.caveat
    assert verdict.settle.startswith("To settle it: rows that are repeats")
    write_judged(found, tmp_path / "out")
    assert verify_judged(tmp_path / "out")[-1].level == "ok"


def test_an_arm_without_spread_is_compared_with_those_that_have_one_and_named(
    tmp_path: Path,
) -> None:
    found = judged(table(tmp_path, flat(70, 75) | {"c": drawn(6, 75)["a"]}))
    assert list(found.table["finding"].sort_values()) == ["baseline", "better", ALIKE]
    verdict = verdict_of(found)
    assert verdict.sentence == f"c beat a by {row(found, 'c')['diff']:.1f} points."
    assert verdict.caveat == (
        "All 6 rows of a are 70.0% (copied, or rounded?): that number is compared as if it were "
        "sure."
    )


def test_an_expectation_of_two_arms_without_spread_is_open(tmp_path: Path) -> None:
    found = judged(table(tmp_path, flat(70, 75, 75)), expect=("b > a",))
    verdict = verdict_of(found)
    assert verdict.word == "open"
    assert verdict.sentence == "The rows of b and a are all alike, so they cannot be compared."
    assert sentences(found)["e0"].endswith("the rows of either arm are all alike; not compared.")
    more = table(tmp_path, flat(70, 75) | {"c": drawn(6, 75)["a"]})
    settle = verdict_of(judged(more, expect=("b > a",))).settle
    assert settle == "To settle it: rows that are repeats of their own, with all their decimals."


TWICE = {"end": "b ", "begin": "\tb", "inside": "b  c", "form": "e\u0301"}
ONCE = {"end": "b", "begin": "b", "inside": "b c", "form": "\u00e9"}


@pytest.mark.parametrize("case", TWICE)
def test_names_that_look_the_same_are_no_two_arms(tmp_path: Path, case: str) -> None:
    arms = drawn(5, 70, 71, 72)
    path = table(tmp_path, {"a": arms["a"], ONCE[case]: arms["b"], TWICE[case]: arms["c"]})
    with pytest.raises(InputError, match="expected one spelling") as caught:
        judged(path)
    assert all(ascii(name) in str(caught.value) for name in (ONCE[case], TWICE[case]))


@pytest.mark.parametrize("case", TWICE)
def test_an_arm_may_be_asked_for_in_any_spelling(tmp_path: Path, case: str) -> None:
    arms = drawn(9, 70, 75)
    path = table(tmp_path, {"a": arms["a"], ONCE[case]: arms["b"]})
    found = judged(path, baseline=TWICE[case], expect=(f"{TWICE[case]} > a",))
    assert found.baseline == ONCE[case]
    assert list(found.hypotheses["verdict"]) == ["supported"]
    assert f"{ONCE[case]} beat a by" in verdict_of(found).sentence
    where = {"arm": TWICE[case]}
    with pytest.raises(InputError, match="names one arm alone"):  # its rows were found
        read_repeats(path, ["arm"], "acc", where=where)


def test_case_tells_arms_apart_and_seeds_are_names_too(tmp_path: Path) -> None:
    arms = drawn(5, 70, 71)
    path = table(tmp_path, {"a": arms["a"], "A": arms["b"]})
    assert len(judged(path).table) == 2
    frame = pd.read_csv(path)
    frame["seed"] = "s" + frame["seed"].astype(str)
    frame.loc[0, "seed"] += " "
    frame.to_csv(path, index=False)
    with pytest.raises(InputError, match=r"column 'seed': 's[0-4] ?' and 's[0-4] ?' differ"):
        judged(path)


def test_a_caveat_on_cost_is_about_arms_that_the_verdict_compares(tmp_path: Path) -> None:
    """c costs most, and d least; neither is in the answer, nor c compared with d."""
    path = table(tmp_path, drawn(9, 70, 75, 60, 60))
    frame = pd.read_csv(path)

    def caveat_with(costs: dict[str, float], *expect: str) -> str:
        frame.assign(macs=frame["arm"].map(costs)).to_csv(path, index=False)
        repeats = read_repeats(path, ["arm"], "acc", budget="macs")
        asked = {str(n): expectation(one, NAMES[:4], "acc") for n, one in enumerate(expect)}
        return verdict_of(judge(repeats, Asked(baseline="a", hypotheses=asked))).caveat

    costs = {"a": 2e6, "b": 4e6, "c": 80e6, "d": 1e5}
    assert caveat_with(costs) == "The arms differ in macs: b has 2 times that of a."
    assert caveat_with(costs, "b > d") == "The arms differ in macs: b has 40 times that of d."
    assert "macs" not in caveat_with(costs | {"b": 2e6})
    few = "The arms differ in macs: c has 3 times that of a."
    assert caveat_with({"a": 2e6, "b": 4e6, "c": 6e6, "d": 1e6}, "a > c", "a > b") == few


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"seed": None, "paired": True}, 'seed = "COLUMN"'),
        ({"expect": True}, "`margin = M`"),
        ({"twice": True}, "`[where]`"),
    ],
)
def test_a_study_file_s_user_is_told_its_keys(
    tmp_path: Path, change: dict[str, bool], says: str
) -> None:
    arms = drawn(6, 0.3, 0.4)
    path = table(tmp_path, arms, "loss")
    repeats = read_repeats(path, ["arm"], "loss", seed=None if "paired" in change else "seed")
    repeats = dataclasses.replace(repeats, options=())
    hypotheses = {"e": expectation("a = b", ["a", "b"], "loss")} if "expect" in change else {}
    asked = Asked(baseline="a", paired="paired" in change, hypotheses=hypotheses)
    if "twice" in change:
        seeds = ["0", "0", *repeats.frame["seed"][2:]]
        frame = repeats.frame.assign(seed=seeds, arm=["a", "a", *"ab" * 5])
        repeats = dataclasses.replace(repeats, frame=frame)

    def both() -> None:
        judge(checked(repeats, "table.csv"), asked)

    with pytest.raises(InputError, match=re.escape(says)) as caught:
        both()
    assert "--" not in str(caught.value)


def test_no_page_of_a_study_names_options_of_another_command(tmp_path: Path) -> None:
    found = judged(table(tmp_path, drawn(6, 0.3, 0.4), "loss"), "loss", baseline=None)
    study = judge(dataclasses.replace(found.repeats, options=()), found.asked)
    for one, some in ((found, True), (study, False)):
        out = tmp_path / str(some)
        write_judged(one, out)
        texts = [(out / name).read_text() for name in ("summary.md", "verdict.csv")]
        assert any("--baseline ARM" in text for text in texts) == some
    assert 'baseline = "ARM"' in (tmp_path / "False" / "summary.md").read_text()
