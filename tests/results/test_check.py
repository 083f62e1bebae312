"""Verifying a run: what is in order passes, and each thing that is tampered with is seen."""

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ablate.bits import pack
from ablate.cli.check import main
from ablate.engine.queue import Queue
from ablate.engine.storage import sqlite_url
from ablate.errors import InputError
from ablate.report.write import write_copy, write_findings
from ablate.results.check import remarks, verify
from ablate.results.csv import read_trials, write_parquet, write_table
from ablate.results.folder import Run
from ablate.results.manifest import digest
from ablate.study.plan import load_study
from ablate.study.trial_json import trial_from_json
from ablate.training.outcome import Outcome
from support import PUBLISHED, ROOT
from support.commands import command

RUNS = sorted(path.parent for path in PUBLISHED.glob("*/*/trials.csv"))
NAMES = ("trials.csv", "epochs.csv", "stages.csv", "mechanism.csv", "study.toml")
STORED = ("state", "test_accuracy", "val_accuracy", "started", "finished")
Change = Callable[[Path], object]

pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables of a committed run, with a manifest and a storage of the same trials."""
    folder = tmp_path_factory.mktemp("runs") / "abstraction" / "digits"
    folder.mkdir(parents=True)
    for name in NAMES:
        shutil.copy(PUBLISHED / "abstraction" / "digits" / name, folder)
    recorded(folder)
    write_findings(folder)
    plan(folder, lambda content: None)
    store(folder)
    return folder


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "abstraction" / "digits"))


def recorded(folder: Path) -> None:
    """Which test images were classified correctly: as many as each trial's accuracy says."""
    trials = read_trials(folder / "trials.csv")
    table = trials[["cell", "seed", "key"]].assign(
        images=trials["test_images"],
        correct=[
            pack(np.random.default_rng(seed).permutation(images) < round(images * accuracy))
            for seed, (images, accuracy) in enumerate(
                zip(trials["test_images"], trials["test_accuracy"], strict=True)
            )
        ],
    )
    write_table(table, folder / "correct.csv")


def plan(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Write the manifest of a run's table anew after a change, with the hash of what it says."""
    trials = read_trials(folder / "trials.csv")
    content = {
        "schema": 1,
        "study": "abstraction",
        "dataset": "digits",
        "study_file_sha256": hashlib.sha256((folder / "study.toml").read_bytes()).hexdigest(),
        "seeds": int(trials["seed"].nunique()),
        "trials": trials[["key", "cell", "seed"]].to_dict("records"),
    }
    change(content)
    content["sha256"] = digest(content)
    (folder / "manifest.json").write_text(json.dumps(content))


def store(folder: Path) -> None:
    """A storage in which the study's trials ended as the table says."""
    shutil.copy(ROOT / "studies" / "abstraction.toml", folder.parent)
    study = load_study(folder.parent / "abstraction.toml", "digits")
    rows = read_trials(folder / "trials.csv").set_index("key")
    queue = Queue(sqlite_url(folder / "study.db"), "abstraction/digits")
    queue.submit(study.plan())
    while assignment := queue.claim():
        row = {name: rows.loc[assignment.spec.key, name] for name in STORED}
        assert queue.finish(assignment, Outcome(row, []))
    queue.close()


def of(folder: Path, check: str, level: str = "FAULT") -> list[str]:
    """What one check of a run has to say."""
    run = Run(folder, read_trials(folder / "trials.csv"))
    return [line.text for line in remarks(run, check, write_copy) if line.level == level]


def edit(name: str, row: int, column: str, value: Any) -> Change:
    """Puts a value into a cell of a CSV file."""

    def change(folder: Path) -> None:
        table = pd.read_csv(folder / name, dtype=str, keep_default_na=False)
        assert table.loc[row, column] != value
        table.loc[row, column] = value
        table.to_csv(folder / name, index=False)

    return change


def drop(name: str, row: int) -> Change:
    """Takes a row out of a CSV file."""

    def change(folder: Path) -> None:
        table = pd.read_csv(folder / name, dtype=str, keep_default_na=False)
        table.drop(index=row).to_csv(folder / name, index=False)

    return change


def flip(row: int) -> Change:
    """Takes the first image of a trial for the other thing."""

    def change(folder: Path) -> None:
        table = pd.read_csv(folder / "correct.csv", dtype=str)
        text = table.loc[row, "correct"]
        table.loc[row, "correct"] = f"{int(text[0], 16) ^ 8:x}{text[1:]}"
        table.to_csv(folder / "correct.csv", index=False)

    return change


def sql(statement: str) -> Change:
    """Changes the storage."""

    def change(folder: Path) -> None:
        connection = sqlite3.connect(folder / "study.db")
        with connection:
            assert connection.execute(statement).rowcount > 0
        connection.close()

    return change


# What is in order


@pytest.mark.drawn
def test_a_whole_run_has_no_fault_and_no_note(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.read_bytes() for path in run.rglob("*")}
    assert main([str(run)]) == 0
    first, *lines, last = capsys.readouterr().out.splitlines()
    assert (first, last) == (str(run), "no fault")
    notes = [line for line in lines if not line.startswith("ok ")]
    assert notes == [line for line in notes if "commit differs" in line]
    assert [line.split()[1] for line in lines if line.startswith("ok ")] == [
        *("trials.csv:", "specs:", "cells:", "states:", "pairs:", "trials.parquet:"),
        *(
            "manifest.json:",
            "looks:",
            "epochs.csv:",
            "stages.csv:",
            "mechanism.csv:",
            "correct.csv:",
        ),
        *("tuning.csv:", "study.db:", "findings:"),
    ]
    assert {path: path.read_bytes() for path in run.rglob("*")} == before, "it only reads"


@pytest.mark.parametrize("folder", RUNS, ids=lambda folder: f"{folder.parent.name}-{folder.name}")
def test_a_committed_run_has_no_fault(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder)]) == 0, capsys.readouterr().out


def test_there_are_committed_runs() -> None:
    assert len(RUNS) >= 7


def test_a_run_before_there_were_manifests_has_a_note(capsys: pytest.CaptureFixture[str]) -> None:
    folder = next(folder for folder in RUNS if not (folder / "manifest.json").exists())
    assert main([str(folder)]) == 0
    out = capsys.readouterr().out
    assert "note   manifest.json: none: the run was made before there was one" in out


def test_a_run_before_images_were_recorded_has_a_note(run: Path) -> None:
    (run / "correct.csv").unlink()
    assert of(run, "correct.csv") == []
    says = "none: which test images were classified correctly was not recorded"
    assert of(run, "correct.csv", "note") == [says]


def test_a_folder_about_claims_is_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(PUBLISHED / "claims" / "torchvision")]) == 0
    assert "note   trials.csv: none: the folder is about claims" in capsys.readouterr().out


def test_a_run_that_has_just_ended_has_neither_fault_nor_note(tmp_path: Path) -> None:
    file = tmp_path / "tiny.toml"
    file.write_text(
        'question = "Does it run?"\nbaseline = "a"\nseeds = 2\nnet.base_width = 4\n'
        "train = { epochs = 1, batch_size = 64 }\n"
        "axes.x = { a = { growth = 1.0 }, b = { growth = 2.0 } }\n"
    )
    options = "--mechanism --workers 1 --layout contiguous --timing-seconds 0.01 --device cpu"
    status, out, err = command("--study", file, "--out", tmp_path, *options.split())
    assert status == 0, out + err
    lines = verify(tmp_path / "tiny" / "digits", write_copy)
    assert [line for line in lines if line.level != "ok" and "uncommitted" not in line.text] == []


# What is tampered with, and the check that sees it

TAMPERED: dict[str, tuple[Change, str, str]] = {
    "a key": (edit("trials.csv", 3, "key", "0123456789abcdef"), "specs", "key = 0123456789abcdef"),
    "a network's hash": (edit("trials.csv", 3, "net", "0" * 16), "specs", "net = 0000"),
    "a seed": (edit("trials.csv", 3, "seed", "77"), "specs", "seed = 77"),
    "a count": (edit("trials.csv", 3, "macs", "1"), "specs", "macs = 1, not"),
    "widths": (edit("trials.csv", 3, "widths", "[1, 1, 1]"), "specs", "widths = [1, 1, 1]"),
    "a spec": (edit("trials.csv", 3, "spec", "{}"), "specs", "no trial's description"),
    "a deep spec": (edit("trials.csv", 3, "spec", "[" * 99_999), "specs", "no trial's descrip"),
    "a cell": (edit("trials.csv", 3, "cell", "other"), "cells", "other: is not named after"),
    "an axis": (edit("trials.csv", 3, "axis_growth", "x"), "cells", "2 values of axis_growth"),
    "a state": (edit("trials.csv", 3, "state", "diverged"), "states", "with a test accuracy"),
    "no accuracy": (edit("trials.csv", 3, "test_accuracy", ""), "states", "without test_acc"),
    "a better accuracy": (edit("trials.csv", 3, "test_accuracy", "0.9999"), "states", "no whole"),
    "a failure": (edit("trials.csv", 3, "failure", "none"), "states", "with a failure: none"),
    "the time": (edit("trials.csv", 3, "finished", "1999"), "states", "before it started"),
    "a row taken out": (drop("trials.csv", 3), "pairs", "not paired: without seed"),
    "a version": (edit("trials.csv", 3, "versions", '{"torch": "1"}'), "versions", "torch differs"),
    "no versions": (edit("trials.csv", 3, "versions", "2"), "versions", "not a JSON object"),
    "a layout": (edit("trials.csv", 3, "memory_format", "x"), "versions", "memory_format differs"),
    "a dtype": (edit("trials.csv", 3, "dtype", "float16"), "versions", "dtype differs"),
    "a split": (edit("trials.csv", 3, "test_images", "718"), "versions", "test_images differs"),
    "another study's row": (edit("trials.csv", 3, "study", "x"), "versions", "study differs"),
    "a loss": (edit("trials.csv", 3, "val_loss", "0.5"), "trials.parquet", "is not what"),
    "no parquet": (lambda run: (run / "trials.parquet").unlink(), "trials.parquet", "missing"),
    "a torn parquet": (
        lambda run: (run / "trials.parquet").write_bytes(b"PAR1"),
        "trials.parquet",
        "is not what",
    ),
    "a study file": (
        lambda run: (run / "study.toml").write_text((run / "study.toml").read_text() + "#"),
        "manifest.json",
        "study.toml is not the file that was planned",
    ),
    "no study file": (
        lambda run: (run / "study.toml").unlink(),
        "manifest.json",
        "study.toml is missing",
    ),
    "a row that was planned": (drop("trials.csv", 3), "manifest.json", "not in the table"),
    "a row that was not": (
        lambda run: plan(run, lambda content: content["trials"].pop()),
        "manifest.json",
        "what was not planned",
    ),
    "a key planned twice": (
        lambda run: plan(run, lambda content: content["trials"].append(content["trials"][0])),
        "manifest.json",
        "more than once",
    ),
    "another dataset": (
        lambda run: plan(run, lambda content: content.update(dataset="svhn")),
        "manifest.json",
        "dataset = svhn: the table's is digits",
    ),
    "an epoch taken out": (drop("epochs.csv", 5), "epochs.csv", "expected 1, 2"),
    "an epoch's key": (edit("epochs.csv", 5, "key", "x"), "epochs.csv", "of no trial"),
    "the last epoch taken out": (drop("epochs.csv", 19), "epochs.csv", "19 epochs of 20"),
    "an epoch's accuracy": (
        edit("epochs.csv", 19, "val_accuracy", "0.5"),
        "epochs.csv",
        "val_accuracy ends at 0.5",
    ),
    "a stage's costs": (edit("stages.csv", 2, "macs", "5"), "stages.csv", "is not what"),
    "a stage taken out": (drop("stages.csv", 2), "stages.csv", "4 stages, not 5"),
    "a mechanism of no trial": (edit("mechanism.csv", 2, "key", "x"), "mechanism.csv", "no trial"),
    "a mechanism's stage": (edit("mechanism.csv", 2, "stage", "9"), "mechanism.csv", "expected"),
    "a mechanism's row": (drop("mechanism.csv", 2), "mechanism.csv", "expected stem, stage 1"),
    "images of no trial": (edit("correct.csv", 2, "key", "x"), "correct.csv", "of no trial"),
    "images taken out": (drop("correct.csv", 2), "correct.csv", "complete, and not recorded"),
    "images twice": (
        lambda run: edit(
            "correct.csv", 2, "key", pd.read_csv(run / "correct.csv", dtype=str)["key"][3]
        )(run),
        "correct.csv",
        "more than once",
    ),
    "a number of images": (edit("correct.csv", 2, "images", "360"), "correct.csv", "360 images"),
    "an image": (flip(2), "correct.csv", "its accuracy is"),
    "images that are none": (
        edit("correct.csv", 2, "correct", "x" * 90),
        "correct.csv",
        "not in hexadecimal digits",
    ),
    "too few images": (edit("correct.csv", 2, "correct", "ff"), "correct.csv", "2 characters"),
    "no images": (edit("correct.csv", 2, "correct", ""), "correct.csv", "0 characters"),
    "images of a lost trial": (
        edit("trials.csv", 3, "state", "diverged"),
        "correct.csv",
        "recorded, but diverged",
    ),
    "a stored accuracy": (
        edit("trials.csv", 3, "val_accuracy", "1"),
        "study.db",
        "the storage has",
    ),
    "an attempt never ended": (
        sql("UPDATE trials SET state = 'RUNNING' WHERE number = 3"),
        "study.db",
        "never ended in the storage",
    ),
    "a key ended twice": (
        sql(
            "UPDATE trial_user_attributes SET value_json = (SELECT value_json FROM "
            "trial_user_attributes WHERE trial_id = 1 AND key = 'key') "
            "WHERE trial_id = 2 AND key = 'key'"
        ),
        "study.db",
        "ended 2 times",
    ),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_tampering_is_seen(run: Path, what: str) -> None:
    change, check, says = TAMPERED[what]
    assert of(run, check) == []
    change(run)
    found = of(run, check)
    assert found
    assert any(says in text for text in found), found


OF_TUNING: dict[str, tuple[Change, str]] = {
    "a trial taken out": (drop("tuning.csv", 3), "expected 3 trials of each of 5 rates"),
    "a seed": (edit("tuning.csv", 3, "seed", "7"), "expected 3 trials of each of 5 rates"),
    "a better rate": (
        edit("tuning.csv", 0, "val_accuracy", "9"),
        "trained at 0.2: tuning chose 0.025",
    ),
    "no rate": (edit("tuning.csv", 0, "lr", "fast"), "column 'lr': expected numbers"),
    "nothing left": (lambda run: (run / "tuning.csv").unlink(), "tuning.csv: not a table"),
}


@pytest.mark.parametrize("what", OF_TUNING)
def test_tuning_that_is_tampered_with_is_seen(tmp_path: Path, what: str) -> None:
    run = Path(shutil.copytree(PUBLISHED / "width_tuned" / "digits", tmp_path / "digits"))
    change, says = OF_TUNING[what]
    assert of(run, "tuning.csv") == []
    change(run)
    assert any(says in text for text in of(run, "tuning.csv")), of(run, "tuning.csv")


RATES = {"lr": "train.lr differs", "epochs": "train.epochs differs"}


@pytest.mark.parametrize("name", RATES)
def test_another_recipe_in_one_row_is_seen(run: Path, name: str) -> None:
    trials = read_trials(run / "trials.csv")
    raw = json.loads(trials.loc[3, "spec"])
    raw["train"][name] = 7
    edit("trials.csv", 3, "spec", json.dumps(raw))(run)
    assert any(RATES[name] in text for text in of(run, "pairs"))
    assert any("key = " in text for text in of(run, "specs"))


DRAWN = {
    "summary.csv": ("mean", "0.9"),
    "hypotheses.csv": ("verdict", "supported, surely"),
    "accuracy.csv": ("accuracy", "0.123"),
}


@pytest.mark.parametrize("name", DRAWN)
def test_a_finding_that_the_tables_do_not_give_is_seen(
    run: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    column, value = DRAWN[name]
    edit(name, 0, column, value)(run)
    assert main([str(run)]) == 1
    out = capsys.readouterr().out
    assert f"FAULT  findings: {name}: line 2, {column}: {value}; expected" in out
    assert out.splitlines()[-1] == "1 fault"


def test_findings_that_are_missing_or_left_over_are_seen(run: Path) -> None:
    (run / "curves.csv").unlink()
    shutil.copy(run / "summary.csv", run / "interaction.csv")
    (run / "report.html").write_text("all is well")
    lines = [line for line in verify(run, write_copy) if line.check == "findings"]
    assert [(line.level, line.text.partition(";")[0]) for line in lines] == [
        ("FAULT", "curves.csv: missing"),
        ("FAULT", "interaction.csv: the tables give none"),
        ("note", "report.html: not as these versions of ablate and matplotlib write it"),
    ]


def test_the_last_digits_may_be_those_of_another_library(run: Path) -> None:
    mean = pd.read_csv(run / "summary.csv")["mean"][0]
    edit("summary.csv", 0, "mean", str(mean * (1 + 1e-9)))(run)
    assert not [line for line in verify(run, write_copy) if line.level == "FAULT"]


TABLES = ["epochs.csv", "stages.csv", "mechanism.csv", "correct.csv", "trials.csv"]
BROKEN = ["", "hello\n1,2,3\n", "\0" * 100, "key,cell\na,b\n"]


@pytest.mark.parametrize("content", BROKEN, ids=["empty", "words", "zeros", "columns"])
@pytest.mark.parametrize("name", TABLES)
def test_a_file_that_is_no_table_is_a_fault_and_not_an_error(
    run: Path, name: str, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / name).write_text(content)
    assert main([str(run)]) == 1
    out = capsys.readouterr().out
    assert f"FAULT  {name}: {run / name}: " in out
    if name != "trials.csv":
        assert "note   findings: not made anew from tables with such faults" in out


def test_words_in_a_column_of_numbers_are_a_fault(run: Path) -> None:
    edit("epochs.csv", 5, "val_accuracy", "good")(run)
    faults = [line for line in verify(run, write_copy) if line.level == "FAULT"]
    assert [line.check for line in faults] == ["epochs.csv"]
    assert "column 'val_accuracy': expected numbers" in faults[0].text


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"sha256": 1, "schema": 1}', "\0"])
def test_a_damaged_manifest_is_a_fault(run: Path, content: str) -> None:
    (run / "manifest.json").write_text(content)
    assert of(run, "manifest.json")


def test_a_changed_manifest_is_not_what_its_hash_is_of(run: Path) -> None:
    path = run / "manifest.json"
    path.write_text(path.read_text().replace('"seed": 0', '"seed": 1', 1))
    assert any("not as it was written" in text for text in of(run, "manifest.json"))


def test_a_manifest_with_a_right_hash_that_lists_no_trials_is_a_fault(run: Path) -> None:
    plan(run, lambda content: content.update(trials=[{"key": 1}]))
    assert any("lists no trials" in text for text in of(run, "manifest.json"))


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0" + b"\1" * 4096])
def test_a_damaged_storage_is_a_fault(run: Path, content: bytes) -> None:
    (run / "study.db").write_bytes(content)
    assert any("not a study storage, or damaged" in text for text in of(run, "study.db"))


# What is good to know, and no fault


def test_what_many_machines_may_differ_in_is_a_note(run: Path) -> None:
    edit("trials.csv", 3, "device", "cuda: another")(run)
    edit("trials.csv", 3, "dirty", "True")(run)
    assert of(run, "versions") == []
    notes = of(run, "versions", "note")
    assert any("device differs between trials" in text for text in notes)
    assert "1 trial made by code with uncommitted changes" in notes


def test_a_storage_that_is_elsewhere_is_a_note(run: Path) -> None:
    (run / "study.db").unlink()
    assert of(run, "study.db", "note") == ["none here: the storage is elsewhere"]
    assert of(run, "study.db") == []


@pytest.mark.parametrize("stored", [True, False])
def test_what_has_not_ended_yet_is_a_note(run: Path, stored: bool) -> None:
    key = read_trials(run / "trials.csv")["key"][3]
    drop("trials.csv", 3)(run)
    for name in ("epochs.csv", "mechanism.csv", "correct.csv"):
        table = pd.read_csv(run / name, dtype={"key": str, "correct": str})
        table[table["key"] != key].to_csv(run / name, index=False)
    write_parquet_beside(run)
    (run / "summary.csv").unlink()
    if stored:
        sql("UPDATE trials SET state = 'RUNNING' WHERE number = 3")(run)
    else:
        (run / "study.db").unlink()
    lines = verify(run, write_copy)
    assert not [line for line in lines if line.level == "FAULT"]
    says = {line.check: line.text for line in lines if line.level == "note"}
    assert says["manifest.json"] == "unfinished: 1 of 60 trials"
    assert "not paired" in says["pairs"]
    assert says["findings"] == "none yet: 1 trials have not ended"


def write_parquet_beside(folder: Path) -> None:
    write_parquet(read_trials(folder / "trials.csv"), folder / "trials.parquet")


def test_a_trial_that_failed_is_a_note(run: Path) -> None:
    trials = read_trials(run / "trials.csv")
    trials.loc[3, ["state", "failure", "test_accuracy"]] = ["oom", "out of memory", pd.NA]
    write_table(trials, run / "trials.csv")
    assert of(run, "states") == []
    assert of(run, "states", "note") == ["1 of 60 trials are oom"]


# What cannot be checked


@pytest.mark.parametrize("name", ["nowhere", ".", "trials.csv"])
def test_what_is_no_run_is_bad_input(
    run: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = run / name if name == "trials.csv" else run.parent / name
    assert main([str(folder)]) == 2
    assert capsys.readouterr().err.startswith(f"ablate: {folder}: ")


def test_no_folder_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([])
    assert caught.value.code == 2
    assert "RUN_DIR" in capsys.readouterr().err


def test_a_name_from_a_table_cannot_control_the_terminal(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit("trials.csv", 3, "cell", "\x1b[31mred\nFAULT")(run)
    assert main([str(run)]) == 1
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\\x1b[31mred\\nFAULT" in out


@pytest.mark.parametrize("text", ["", "1", "[]", "{}", '{"net": []}', '{"net": {"widths": 1}}'])
def test_no_text_but_a_trials_description_is_one(text: str) -> None:
    with pytest.raises(InputError, match="no trial's description"):
        trial_from_json(text)
