"""A run that stopped early: what its manifest says of it, and that each lie there is seen."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ablate.analysis.findings import Findings, find
from ablate.analysis.verdicts.verdict import verdict_of
from ablate.engine.queue import Queue
from ablate.engine.runner import _write
from ablate.engine.storage import sqlite_url
from ablate.report.html.page import Section
from ablate.report.run_page import command, page_of
from ablate.report.summary_file import summary_markdown
from ablate.report.write import write_copy
from ablate.results.check import remarks
from ablate.results.csv import read_trials, write_table
from ablate.results.folder import Run
from ablate.results.manifest import digest, write_looks, write_manifest
from ablate.results.stopping import Looks
from ablate.study.plan import Study
from support.rows import ROW
from support.stopping import COSTS, NAME, SEEDS, drain, rule, study

Change = Callable[[Path], object]
STOP = "[stop]\nlooks = [4, 6]\nfutility = 0\n"

pytestmark = pytest.mark.usefixtures("undrawn")


def train(of: Study, folder: Path) -> None:
    """Run what is left of a study, and write its tables."""
    queue = Queue(sqlite_url(folder / "study.db"), NAME)
    write_manifest(folder, of, queue.outcomes())
    queue.submit(of.plan(), stop=rule(of) if of.looks else None)
    drain(queue)
    measured = {cell.name: {name: ROW[name] for name in COSTS} for cell in of.cells}
    _write(of, folder, queue, measured, lambda line: None)
    queue.close()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "stops" / "digits"
    folder.mkdir(parents=True)
    train(study(folder.parent), folder)
    return folder


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole.parent, tmp_path / "stops")) / "digits"


def manifest(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return content


def told(change: Callable[[dict[str, Any]], object]) -> Change:
    """Changes what the manifest says, and makes its hash right."""

    def apply(folder: Path) -> None:
        content = manifest(folder)
        change(content)
        content["sha256"] = digest(content)
        (folder / "manifest.json").write_text(json.dumps(content))

    return apply


def faults(folder: Path, check: str, level: str = "FAULT") -> list[str]:
    found = remarks(Run(folder, read_trials(folder / "trials.csv")), check, write_copy)
    return [line.text for line in found if line.level == level]


def test_the_manifest_lists_the_looks_and_what_they_saved(whole: Path) -> None:
    content = manifest(whole)
    assert len(content["trials"]) == 3 * SEEDS
    stop = content["stop"]
    assert stop["looks"] == [4, 6, 8]
    assert [look["seeds"] for look in stop["made"]] == [4, 6, 8]
    assert [look["needed"] for look in stop["made"]] == [["narrow", "same"]] * 2 + [[]]
    assert list(stop["made"][0]["settled"].values()) == ["higher"]
    assert (stop["seeds_used"], stop["trials_saved"]) == (8, 4)
    seeds = read_trials(whole / "trials.csv").groupby("cell")["seed"].max()
    assert seeds.to_dict() == {"narrow": 7, "wide": 3, "same": 7}


def test_what_was_not_needed_is_neither_missing_nor_unpaired(whole: Path) -> None:
    for check in ("looks", "pairs", "manifest.json", "study.db"):
        assert faults(whole, check) == []
    notes = faults(whole, "manifest.json", "note")
    assert notes == ["not needed, for looks settled them: 4 of 24 trials"]
    assert Run(whole, read_trials(whole / "trials.csv")).unfinished == frozenset()


def accuracies(folder: Path) -> None:
    """Makes the first look see another arm."""
    table = read_trials(folder / "trials.csv")
    table.loc[table["cell"] == "wide", "test_accuracy"] -= 0.4
    write_table(table, folder / "trials.csv")


def beyond(folder: Path) -> None:
    """Adds a trial of what was settled."""
    table = read_trials(folder / "trials.csv")
    row = next(trial for trial in manifest(folder)["trials"] if trial["seed"] == 5)
    key = [t["key"] for t in manifest(folder)["trials"] if (t["cell"], t["seed"]) == ("wide", 5)]
    assert row["cell"] == "narrow"
    extra = table[table["cell"] == "wide"].tail(1).assign(seed=5, key=key)
    write_table(pd.concat([table, extra]), folder / "trials.csv")


LIES: dict[str, tuple[Change, str]] = {
    "another word": (
        told(lambda c: c["stop"]["made"][0]["settled"].update({"wide - narrow": "lower"})),
        "the look at 4 seeds: wide - narrow lower; from the trials follows: wide - narrow higher",
    ),
    "other cells": (
        told(lambda c: c["stop"]["made"][1].update(needed=["narrow"])),
        "the look at 6 seeds: trained on were narrow; from the trials follows: narrow, same",
    ),
    "a look less": (told(lambda c: c["stop"]["made"].pop()), "the look at 8 seeds is missing"),
    "one too many": (
        lambda folder: told(
            lambda c: c["stop"]["made"][0].update(needed=["narrow", "wide", "same"])
        )(folder),
        "trained on were narrow, wide, same; from the trials follows: narrow, same",
    ),
    "other looks": (
        told(lambda c: c["stop"].update(looks=[4, 5, 8], made=c["stop"]["made"][:1])),
        "planned at 4, 5, 8 seeds: the study file has others",
    ),
    "trials saved": (
        told(lambda c: c["stop"].update(trials_saved=20)),
        "the seeds used and the trials saved do not follow from the looks",
    ),
    "no looks": (told(lambda c: c.pop("stop")), "has [stop], but no manifest.json lists looks"),
    "no [stop]": (
        lambda folder: (folder / "study.toml").write_text(
            (folder / "study.toml").read_text().replace(STOP, "")
        ),
        "manifest.json lists looks, but study.toml has no [stop]",
    ),
    "other trials": (accuracies, "the look at 4 seeds: wide - narrow higher; from the trials"),
    "a trial beyond": (
        beyond,
        "wide, seed 5: trained, but not needed: settled at the look at 4 seeds",
    ),
    "a trial before its look": (
        told(lambda c: c["stop"].update(made=c["stop"]["made"][:1])),
        "narrow, seed 6: trained before the look that it waits for",
    ),
    "no looks at all": (told(lambda c: c.update(stop=[])), "stop: not the looks of a run"),
    "looks in another order": (
        told(lambda c: c["stop"]["made"].reverse()),
        "the looks made are not the first of those planned",
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_about_the_looks_is_a_fault(run: Path, lie: str) -> None:
    change, says = LIES[lie]
    change(run)
    assert any(says in text for text in faults(run, "looks")), faults(run, "looks")


def sections(found: Findings, folder: Path) -> tuple[Section, ...]:
    return page_of(found, verdict_of(found), [], folder).sections


def test_the_findings_and_the_page_have_the_looks(whole: Path) -> None:
    found = find(whole)
    assert found.looks is not None
    assert found.looks.planned == (4, 6, 8)
    assert [look.seeds for look in found.looks.made] == [4, 6, 8]
    (section,) = [one for one in sections(found, whole) if one.heading == "The seeds"]
    (table,) = section.tables
    assert list(table.frame["seeds"]) == [4, 6, 8]
    assert table.frame["settled"][0] == "wide - narrow higher"
    assert list(table.frame["trained on"]) == ["narrow, same", "narrow, same", "-"]
    says = "3 looks of 3, the last at 8 seeds of 8: 4 of 24 trials were not needed."
    assert section.paragraphs == (says,)
    assert f"- {says}\n" in summary_markdown(found, verdict_of(found))
    assert "--seeds 8" in command(found)


# More seeds by hand


def plain(folder: Path, seeds: int) -> Study:
    return study(folder, (STOP, ""), seeds=seeds)


def test_more_seeds_after_a_result_are_noticed(tmp_path: Path) -> None:
    train(plain(tmp_path, 2), tmp_path)
    assert "extended_from" not in manifest(tmp_path)
    assert find(tmp_path).extended_from == ()
    for seeds, before in ((3, [2]), (5, [2, 3]), (5, [2, 3]), (3, [2])):
        train(plain(tmp_path, seeds), tmp_path)
        assert manifest(tmp_path)["extended_from"] == before
    train(plain(tmp_path, 5), tmp_path)
    says = (
        "The number of seeds was changed from 2, then 3 to 5 after a result was seen, so p-values "
        "and intervals hold less than they say."
    )
    assert says in faults(tmp_path, "manifest.json", "note")
    found = find(tmp_path)
    assert found.extended_from == (2, 3)
    told_there = [s.paragraphs for s in sections(found, tmp_path) if s.heading == "The seeds"]
    assert told_there == [(says,)]
    assert f"- {says}\n" in summary_markdown(found, verdict_of(found))
    told(lambda c: c.update(extended_from=[7]))(tmp_path)
    assert any("extended_from = [7]: expected" in t for t in faults(tmp_path, "manifest.json"))


def test_more_seeds_before_a_result_are_no_matter(tmp_path: Path) -> None:
    of, queue = plain(tmp_path, 2), Queue(sqlite_url(tmp_path / "study.db"), NAME)
    write_manifest(tmp_path, of, ())
    queue.submit(of.plan())
    drain(queue, most=5)
    queue.close()
    train(plain(tmp_path, 3), tmp_path)
    assert "extended_from" not in manifest(tmp_path)


def test_more_seeds_than_were_planned_with_looks_are_noticed(run: Path) -> None:
    train(study(run.parent, seeds=10), run)
    assert manifest(run)["extended_from"] == [8]
    assert manifest(run)["stop"]["looks"] == [4, 6, 10]
    assert faults(run, "looks") == []


def test_going_on_past_what_was_settled_is_noticed(tmp_path: Path) -> None:
    """As where `[stop]` is taken out of the file after it has stopped the run."""
    two = ("same = { widths = [2, 5] }\n", "")
    train(study(tmp_path, two), tmp_path)
    assert manifest(tmp_path)["stop"]["seeds_used"] == 4
    train(study(tmp_path, two, (STOP, "")), tmp_path)
    assert manifest(tmp_path)["extended_from"] == [4]
    assert len(read_trials(tmp_path / "trials.csv")) == 2 * SEEDS


def test_the_same_command_again_changes_no_manifest(run: Path) -> None:
    before = (run / "manifest.json").read_bytes()
    train(study(run.parent), run)
    assert (run / "manifest.json").read_bytes() == before
    write_looks(run, Looks(planned=(4, 6, 8)))
    assert manifest(run)["stop"]["made"] == []
