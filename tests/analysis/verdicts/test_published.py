"""The verdict of every published run is what its tables show, in few and plain words."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from ablate.analysis.findings import Findings
from ablate.analysis.verdicts.answer import MOST_WORDS, Verdict
from ablate.analysis.verdicts.names import names_of
from ablate.analysis.verdicts.verdict import verdict_of
from support.found import RUNS, found_in

METHODS = re.compile(
    r"\bp [<=]|max-t|t-test|two one-sided|bootstrap|BCa|Hedges|Gaussian|ANOVA|family|inconclusive"
)
NUMBER = r"[-+]?\d+(?:\.\d+)?"


@pytest.fixture(scope="module", params=RUNS)
def run(request: pytest.FixtureRequest) -> tuple[Findings, Verdict]:
    found = found_in(str(request.param))
    return found, verdict_of(found)


def test_the_sentence_is_short_and_plain(run: tuple[Findings, Verdict]) -> None:
    found, verdict = run
    assert len(verdict.sentence.split()) <= MOST_WORDS
    for line in verdict.lines():
        assert not METHODS.search(line)
        assert "nan" not in line.split()
    for name, own in found.file.axes.items():  # an arm in words, not by its key in the file
        for arm in own:
            if f"{name}_{arm}" in verdict.sentence:
                pytest.fail(verdict.sentence)
    assert verdict.sentence.endswith(".")
    assert verdict.caveat.endswith(".")


def replied(row: Mapping[str, Any], holds: str) -> str:
    if row["verdict"] == "supported":
        return holds
    if row["verdict"] == "refuted":
        return {"yes": "no", "no": "yes"}[holds]
    equal = row["verdict"] == "equivalent" and row["kind"] != "optimum"
    return "no" if equal and holds == "yes" else "open"


def test_the_word_follows_from_the_predictions(run: tuple[Findings, Verdict]) -> None:
    found, verdict = run
    rows = found.hypotheses.set_index("name")
    answers = names_of(found).answers
    if not answers:
        assert (verdict.word, verdict.label) == ("open", "No prediction")
        return
    replies = {replied(rows.loc[name].to_dict(), holds) for name, holds in answers.items()}
    if len(replies) == 1:
        assert {verdict.word} == replies
        assert verdict.label.lower() == verdict.word
    else:
        assert verdict.word == ("open" if "open" in replies else "no")
        assert verdict.label == ("Open in part" if "open" in replies else "Yes and no")


def test_each_prediction_has_its_mark_and_its_numbers(run: tuple[Findings, Verdict]) -> None:
    found, verdict = run
    rows = found.hypotheses.set_index("name")
    assert [said.name for said in verdict.predictions] == list(rows.index)
    for said in verdict.predictions:
        row = rows.loc[said.name]
        assert said.mark == ("open" if row["verdict"] == "inconclusive" else row["verdict"])
        assert said.n == row["n"]
        percent = row["column"].endswith("accuracy") and row["kind"] != "optimum"
        if row["kind"] == "optimum" and said.what != "best":
            continue  # told by the arms that beat it: see below
        scale = 100 if percent else 1
        numbers = [float(one) for one in re.findall(NUMBER, said.effect)]
        expected = [scale * row[name] for name in ("estimate", "low", "high")]
        assert numbers == pytest.approx(expected, abs=0.051)


def test_the_points_of_a_sentence_are_those_of_its_arms(run: tuple[Findings, Verdict]) -> None:
    found, verdict = run
    rows = found.hypotheses.set_index("name")
    cells = names_of(found).cells
    table = found.summary.table.set_index("cell")
    for said in verdict.predictions:
        beaten = re.fullmatch(r"(.+) beat (.+) by (.+) points\.", said.sentence)
        if not beaten:
            continue
        row, asked = rows.loc[said.name], found.file.hypotheses[said.name]
        points = [float(one) for one in re.findall(NUMBER, beaten[3])]
        if asked.optimum is not None:
            better = table[table["finding"] == "higher"]
            assert points == pytest.approx(list(100 * better["diff"]), abs=0.051)
            assert cells[found.file.baseline] == beaten[2]
            continue
        first, second = asked.higher or asked.equal or []
        ahead = first if row["estimate"] > 0 else second
        behind = second if ahead == first else first
        assert beaten[1].lower() == cells[ahead].lower()
        assert beaten[2] == cells[behind]
        assert points == pytest.approx([100 * abs(row["estimate"])], abs=0.051)
        assert row["low"] > 0 or row["high"] < 0


def test_no_arm_of_a_shipped_study_is_without_words() -> None:
    for folder in RUNS:
        found = found_in(folder)
        if found.trials["study"].iloc[0] in ("recipe", "search_pareto"):
            continue  # whose arms are the names of networks
        assert names_of(found).raw == frozenset()
