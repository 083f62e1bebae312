"""The confirmation is an ordinary study, of the networks that were found."""

import tomllib
from dataclasses import fields, replace
from pathlib import Path

from ablate.search.confirmation import write_confirmation
from ablate.search.file import EXPLORING_SEEDS
from ablate.search.words import finalist_words
from ablate.spec.network import NetSpec
from ablate.spec.trial import content_hash
from ablate.study.layers import FROM_DATASET
from ablate.study.plan import load_study
from support.searches import explored


def test_finalists_and_baseline_are_a_study_of_their_own(tmp_path: Path) -> None:
    search, found = explored(tmp_path)
    path = tmp_path / "confirmed.toml"
    write_confirmation(path, search, found)
    study = load_study(path)
    finalists = found.networks.dropna(subset="finalist")
    assert {cell.name: content_hash(cell.net) for cell in study.cells} == {
        "doubling": content_hash(search.baseline),
        **dict(finalists[["finalist", "net"]].to_numpy()),
    }
    assert (study.baseline, study.train, study.data) == ("doubling", search.train, search.data)
    seeds = {planned.spec.seed for planned in study.plan()}
    assert seeds == {0, 1}
    assert max(seeds) < EXPLORING_SEEDS
    assert not any(planned.explore for planned in study.plan())


def test_an_arm_holds_all_that_the_dataset_does_not_set(tmp_path: Path) -> None:
    search, found = explored(tmp_path)
    write_confirmation(tmp_path / "confirmed.toml", search, found)
    arms = tomllib.loads((tmp_path / "confirmed.toml").read_text())["axes"]["network"]
    words = finalist_words(found.networks)
    missing = {field.name for field in fields(NetSpec) if field.default is None}  # TOML has no null
    for name, arm in arms.items():
        assert (name in words) == ("says" in arm)
        assert arm.pop("says", None) == words.get(name)
        assert set(arm) == {field.name for field in fields(NetSpec)} - missing - set(FROM_DATASET)


def test_predictions_go_with_it(tmp_path: Path) -> None:
    search, found = explored(tmp_path)
    path = tmp_path / "confirmed.toml"
    write_confirmation(path, search, found)
    content = tomllib.loads(path.read_text())
    assert content["hypotheses"] == {
        "best_is_better": {"says": "The best is better.", "higher": ["finalist 1", "doubling"]}
    }


def test_a_hostile_question_stays_text(tmp_path: Path) -> None:
    search, found = explored(tmp_path)
    question = 'Is it "this"?\n[seeds]\nx = """1"""\\'
    hostile = replace(search, file=search.file.model_copy(update={"question": question}))
    write_confirmation(tmp_path / "confirmed.toml", hostile, found)
    assert load_study(tmp_path / "confirmed.toml").question == question
