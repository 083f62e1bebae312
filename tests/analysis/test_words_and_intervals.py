"""What every published run says in words is what its intervals show."""

import math
import re
from typing import Any

import pytest

from ablate.analysis import comparisons, wording
from ablate.analysis.findings import Findings
from ablate.statistics.family import MIN_SEEDS
from support.found import RUNS, found_in

ALPHA = 0.05 + 1e-12


@pytest.fixture(scope="module", params=RUNS)
def found(request: pytest.FixtureRequest) -> Findings:
    return found_in(str(request.param))


def test_there_are_runs() -> None:
    assert len(RUNS) > 20


def outside(low: float, high: float) -> bool:
    return low > 0 or high < 0


def within(row: Any, margin: float) -> bool:
    return bool(-margin < row["equal_low"] <= row["equal_high"] < margin)


def agree(row: Any, low: float, high: float, margin: float, fewest: int) -> tuple[bool, bool]:
    """Whether the interval leaves out zero and whether the other is within the margin."""
    known = not math.isnan(row["p"])
    differs = known and outside(low, high)
    same = known and within(row, margin)
    assert (row["p"] <= ALPHA) == differs
    assert (row["p_equal"] <= ALPHA) == same
    if known:
        assert low <= row["equal_low"] <= row["equal_high"] <= high
    return differs and fewest >= MIN_SEEDS, same and fewest >= MIN_SEEDS


def test_each_finding_is_what_its_interval_shows(found: Findings) -> None:
    for row in found.summary.table.to_dict("records"):
        if row["finding"] == "baseline":
            assert row["cell"] == found.file.baseline
            continue
        low, high = row["diff_low"], row["diff_high"]
        differs, same = agree(row, low, high, found.file.margin, row["seeds"])
        if row["seeds"] < MIN_SEEDS:
            expected = "too few seeds"
        elif same:
            expected = "equivalent"
        elif differs:
            expected = "higher" if low > 0 else "lower"
        else:
            expected = "inconclusive"
        assert row["finding"] == expected, row["cell"]


def test_each_verdict_is_what_its_interval_shows(found: Findings) -> None:
    for row in found.hypotheses.to_dict("records"):
        if row["kind"] == "optimum" or row["sentence"].startswith("nothing can be said"):
            continue
        interaction = row["kind"] == "interaction"
        if interaction:  # one contrast decides whether there is one, another how large it may be
            differs = row["n"] >= MIN_SEEDS and outside(row["low"], row["high"])
            same = row["n"] >= MIN_SEEDS and within(row, row["margin"])
            assert (row["p"] <= ALPHA) == outside(row["low"], row["high"])
            assert (row["p_equal"] <= ALPHA) == within(row, row["margin"])
        else:
            differs, same = agree(row, row["low"], row["high"], row["margin"], row["n"])
        if same:
            expected = "supported" if row["kind"] == "equal" else "equivalent"
        elif not differs:
            expected = "inconclusive"
        elif interaction:
            expected = "supported"
        else:
            predicted = row["kind"] in ("higher", "rises") and row["low"] > 0
            expected = "supported" if predicted else "refuted"
        assert row["verdict"] == expected, row["name"]


def test_a_verdict_on_an_optimum_is_what_interval_and_arms_show(found: Findings) -> None:
    for row in found.hypotheses.to_dict("records"):
        at = found.file.hypotheses[row["name"]].optimum
        fits = [fit for fit in found.fits if fit.at == at and fit.seeds == row["n"]]
        if at is None or not fits:
            continue
        inside = row["low"] <= at <= row["high"]
        ruled_out = any(fit.tested and not set(fit.tested) & set(fit.best_arms) for fit in fits)
        if row["verdict"] == "refuted":
            assert ruled_out or not inside
        else:
            assert inside
            assert not ruled_out
            assert f"{at:g} is ruled out" not in row["sentence"]


def test_a_prediction_of_what_the_summary_has_is_the_same_numbers(found: Findings) -> None:
    table = found.summary.table.set_index("cell")
    for row in found.hypotheses.to_dict("records"):
        asked = found.file.hypotheses[row["name"]]
        cells = asked.higher or asked.equal
        if not cells or asked.column != found.summary.outcome or found.file.baseline not in cells:
            continue
        (other,) = set(cells) - {found.file.baseline}
        sign = 1 if cells[0] == other else -1
        theirs = table.loc[other]
        limits = [
            sorted(scale * one[name] for name in (low, high))
            for one, scale, (low, high) in (
                (theirs, sign, ("diff_low", "diff_high")),
                (row, 1, ("low", "high")),
                (theirs, sign, ("equal_low", "equal_high")),
                (row, 1, ("equal_low", "equal_high")),
            )
        ]
        assert limits[0] == limits[1]
        assert limits[2] == limits[3]
        assert (theirs["p"], sign * theirs["diff"]) == (row["p"], row["estimate"])


NUMBER = r"(-?\d+(?:\.\d+)?)"
CLAUSE = {
    "higher": rf" is {NUMBER} points higher \(95% interval {NUMBER} to {NUMBER}, (p [^,]*),",
    "lower": rf" is {NUMBER} points lower \(95% interval {NUMBER} to {NUMBER}, (p [^,]*),",
    "equivalent": rf" is within [\d.]+ points of it by two one-sided tests \({NUMBER} points, 90% "
    rf"interval {NUMBER} to {NUMBER}, (p [^,]*),",
    "inconclusive": rf" is inconclusive at {NUMBER} points \(95% interval {NUMBER} to {NUMBER}, "
    r"(p [^,]*),",
}


def test_the_printed_answer_says_so(found: Findings) -> None:
    """In the sentence itself: the word beside the arm, the interval on its side of zero."""
    answer = wording.details(found.summary)
    assert found.details.startswith(answer)
    margin = 100 * found.file.margin
    for row in found.summary.table.to_dict("records"):
        said = row["finding"]
        if said not in CLAUSE:
            continue
        clause = re.search(rf"(?:, | and |; ){re.escape(row['cell'])}{CLAUSE[said]}", answer)
        assert clause, f"{row['cell']} is {said}: {answer}"
        size, low, high = map(float, clause.group(1, 2, 3))
        names = ("equal_low", "equal_high") if said == "equivalent" else ("diff_low", "diff_high")
        sign = -1 if said == "lower" else 1
        limits = sorted(100 * sign * row[name] for name in names)
        assert [low, high] == pytest.approx(limits, abs=0.051)
        assert size == pytest.approx(100 * sign * row["diff"], abs=0.051)
        assert low <= size <= high
        p = clause.group(4)
        assert p == wording.p_text(row["p_equal"] if said == "equivalent" else row["p"])
        if said == "equivalent":
            assert -margin <= low
            assert high <= margin
        elif said == "inconclusive":
            assert low <= 0 <= high
        else:
            assert low >= 0  # rounded; as it is, above
            assert limits[0] > 0


def test_every_comparison_stands_once(found: Findings) -> None:
    table = found.summary.table
    compared = comparisons.compare(
        found.compared, found.file.baseline, found.file.hypotheses, found.mechanism
    )
    contrasts = list(compared.order)
    assert len(contrasts) == len(compared.family.comparisons) == found.summary.together
    opposite = {frozenset((arm, -factor) for arm, factor in one) for one in contrasts}
    assert not opposite & set(contrasts)
    assert len(compared.against) == len(table) - 1
