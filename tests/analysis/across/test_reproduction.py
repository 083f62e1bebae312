"""One's own run against a published one, a line a prediction."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from ablate.analysis.across.reproduction import reproduction
from ablate.analysis.findings import Findings, find
from ablate.errors import InputError
from ablate.results.published import published_root, published_run
from support import PUBLISHED


@pytest.fixture(scope="module")
def published() -> Findings:
    return find(PUBLISHED / "width_doubling" / "digits")


def judged(found: Findings, *verdicts: str) -> Findings:
    return replace(found, hypotheses=found.hypotheses.assign(verdict=list(verdicts)))


def test_a_run_reproduces_itself(published: Findings) -> None:
    trials, *lines = reproduction(published, published)
    assert trials.startswith(
        "30 of 30 published trials were run, 30 of them with the same accuracies to the last digit"
    )
    assert "the same processor (cpu: " in trials
    assert lines[0].startswith("reproduced: Doubling is more accurate than constant width")
    assert "Published: supported, +2.3 [+1.4, +3.2] points, n = 10; here: supported, " in lines[0]
    assert lines[1].startswith("open: Tripling is more accurate than doubling")
    assert len(lines) == 2


@pytest.mark.parametrize(
    ("there", "here", "came"),
    [
        ("supported", "supported", "reproduced"),
        ("supported", "refuted", "not reproduced"),
        ("supported", "equivalent", "not reproduced"),
        ("supported", "inconclusive", "open"),
        ("inconclusive", "refuted", "open"),
        ("inconclusive", "inconclusive", "open"),
    ],
)
def test_verdicts_that_agree_or_not(published: Findings, there: str, here: str, came: str) -> None:
    own, other = judged(published, here, here), judged(published, there, there)
    lines = reproduction(own, other)[1:]
    assert [line.partition(":")[0] for line in lines] == [came, came]


def test_another_processor_and_other_numbers_are_said(published: Findings) -> None:
    trials = published.trials.copy()
    trials.loc[0, "val_accuracy"] = 0.5
    trials["device"] = "cpu: another"
    line, *_ = reproduction(replace(published, trials=trials[:12]), published)
    assert line.startswith("12 of 30 published trials were run, 11 of them with the same")
    assert "; cpu: another; published on cpu: " in line


def test_a_prediction_that_the_own_study_does_not_state(published: Findings) -> None:
    lines = reproduction(replace(published, hypotheses=published.hypotheses[:0]), published)
    assert all(line.endswith("; not stated in this run") for line in lines[1:])
    bare = replace(published, hypotheses=published.hypotheses[:0])
    assert reproduction(published, bare)[1].startswith("the published run has no predictions")


def test_the_published_run_of_a_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tmp_path / "results" / "width_doubling" / "digits"
    monkeypatch.chdir(tmp_path)
    assert published_run(run).samefile(PUBLISHED / "width_doubling" / "digits")
    (tmp_path / "results" / "published").mkdir(parents=True)
    with pytest.raises(InputError, match="no runs in results/published"):
        published_run(run)
    assert published_root() == Path("results/published")
    shutil.copytree(PUBLISHED / "recipe", tmp_path / "mine" / "recipe")
    with pytest.raises(InputError, match="expected one of recipe/folder-cifar10-jpeg"):
        published_run(run, tmp_path / "mine")
