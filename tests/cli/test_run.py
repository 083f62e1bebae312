"""The command line on real training: the main job, stopping it in every way, and bad input."""

import json
import os
import signal
import sqlite3
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from ablate.bits import unpack
from ablate.cli.run import main
from support.commands import (
    QUICK,
    STUDY,
    Finished,
    command,
    folder,
    read_until,
    run,
    start,
    trials,
)
from support.commands import study as study
from support.planned import wait_until


def parents() -> dict[int, int]:
    """The parent of each living process."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if fields[0] != "Z":
            found[int(entry.parent.name)] = int(fields[1])
    return found


def trainers(process: subprocess.Popen[str]) -> list[int]:
    """The processes that train trials of a run: children of its fork server."""
    parent = parents()
    servers = [pid for pid, above in parent.items() if above == process.pid]
    return [pid for pid, above in parent.items() if above in servers]


def assert_whole(study: Path) -> None:
    table = trials(study)
    assert list(table["cell"]) == ["narrow", "wide"] * 4
    assert list(table["seed"]) == [0, 0, 1, 1, 2, 2, 3, 3]
    assert table["key"].is_unique
    assert set(table["state"]) == {"complete"}


def test_a_run_writes_everything_and_a_second_trains_nothing(
    finished: Finished, tmp_path: Path
) -> None:
    study = finished.copied(tmp_path)
    assert_whole(study)
    names = {path.name for path in folder(study).iterdir()}
    figures = {f"{name}.{kind}" for name in ("accuracy", "pareto", "stage_costs", "curves")
               for kind in ("png", "svg", "csv")}  # fmt: skip
    tables = {"trials.csv", "trials.parquet", "epochs.csv", "stages.csv", "correct.csv",
              "summary.csv", "summary.md", "study.toml"}  # fmt: skip
    assert figures | tables <= names
    assert "trial 8/8: " in finished.out
    assert "narrow" in finished.out
    assert (folder(study) / "study.toml").read_text() == STUDY
    epochs = pd.read_csv(folder(study) / "epochs.csv")
    assert len(epochs) == 16
    correct = pd.read_csv(folder(study) / "correct.csv", dtype={"correct": str})
    assert list(correct) == ["cell", "seed", "key", "images", "correct"]
    assert list(correct["key"]) == list(trials(study)["key"])
    assert set(correct["images"]) == {359}
    right = [unpack(text, 359).mean() for text in correct["correct"]]
    assert right == list(trials(study)["test_accuracy"])
    first = (folder(study) / "trials.csv").read_bytes()
    out, _ = run(study)
    assert "8 done already" in out
    assert "trial 1/" not in out
    assert (folder(study) / "trials.csv").read_bytes() == first


def test_test_images_that_an_earlier_version_did_not_store_leave_no_table(
    finished: Finished, tmp_path: Path
) -> None:
    study = finished.copied(tmp_path)
    database = sqlite3.connect(folder(study) / "study.db")
    with database:
        ((number, text),) = database.execute(
            "SELECT trial_user_attribute_id, value_json FROM trial_user_attributes "
            "WHERE key = 'outcome' LIMIT 1"
        ).fetchall()
        outcome = json.loads(json.loads(text))
        assert outcome.pop("correct")
        database.execute(
            "UPDATE trial_user_attributes SET value_json = ? WHERE trial_user_attribute_id = ?",
            (json.dumps(json.dumps(outcome)), number),
        )
    database.close()
    out, _ = run(study)
    assert "test images: not recorded in 1 of 8 trials, trained by an earlier version" in out
    assert not (folder(study) / "correct.csv").exists()
    assert_whole(study)


def test_throughput_and_costs_are_one_value_a_cell(finished: Finished) -> None:
    for _, rows in trials(finished.folder / "tiny.toml").groupby("cell"):
        for column in ("macs", "params", "train_images_per_s", "infer_images_per_s"):
            assert rows[column].nunique() == 1
            assert rows[column].iloc[0] > 0
        assert set(rows["device"].str.partition(":")[0]) == {"cpu"}


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see processes")
@pytest.mark.long
def test_kill_9_in_the_middle_then_the_same_command_ends_with_each_trial_once(study: Path) -> None:
    process = start(study, "--workers", 2)
    read_until(process, "trial 3/8")
    training = trainers(process)
    process.kill()
    process.communicate()
    wait_until(lambda: not set(training) & set(parents()))
    out, _ = run(study, "--workers", 2)
    assert " 0 done already" not in out
    assert_whole(study)


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)]
)
def test_a_stopped_run_says_so_keeps_its_rows_and_goes_on(study: Path, number: int) -> None:
    process = start(study, "--workers", 2)
    read_until(process, "trial 3/8")
    os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "stopped; the same command goes on from here" in err
    assert "Traceback" not in err
    assert len(trials(study)) >= 3
    run(study)
    assert_whole(study)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see processes")
@pytest.mark.long
def test_a_killed_worker_costs_its_trial_nothing_but_time(study: Path) -> None:
    process = start(study, "--workers", 1)
    read_until(process, "trial 2/8")
    wait_until(lambda: bool(trainers(process)))
    for pid in trainers(process):
        os.kill(pid, signal.SIGKILL)
    _, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    assert_whole(study)


def test_two_runs_in_one_folder_are_refused(study: Path) -> None:
    process = start(study)
    read_until(process, "trial 1/8")
    os.killpg(process.pid, signal.SIGSTOP)  # or it might end before the other one begins
    status, _, err = command("--study", study, "--out", study.parent)
    os.killpg(process.pid, signal.SIGCONT)
    assert status == 2
    assert "another run is at work there" in err
    process.communicate(timeout=240)
    assert process.returncode == 0
    assert_whole(study)


@pytest.mark.long
def test_a_table_that_the_run_does_not_hold_is_kept(study: Path) -> None:
    run(study, "--seeds", 2, "--epochs", 1)
    table = (folder(study) / "trials.csv").read_bytes()
    out, _ = run(study, "--seeds", 2, "--epochs", 2)
    kept = list(folder(study).glob("trials-*.csv"))
    assert [path.read_bytes() for path in kept] == [table]
    assert kept[0].name in out
    run(study, "--seeds", 2, "--epochs", 2)
    assert list(folder(study).glob("trials-*.csv")) == kept


def test_a_trial_that_cannot_train_is_reported_and_the_rest_goes_on(study: Path) -> None:
    study.write_text(STUDY.replace("batch_size = 64", "batch_size = 64\nlr = 1e30"))
    status, out, err = command("--study", study, "--out", study.parent, *QUICK, "--seeds", 1)
    assert status == 1
    assert set(trials(study)["state"]) == {"diverged"}
    assert "narrow, seed 0: diverged" in err
    assert "Traceback" not in out + err


def test_a_dry_run_prints_the_plan_and_writes_nothing(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(study.parent.iterdir())
    assert main(["--study", str(study), "--out", str(study.parent), "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "2 cells x 4 seeds = 8 trials of 2 epochs" in out
    assert "estimated training" in out
    assert sorted(study.parent.iterdir()) == before


def test_list_names_the_shipped_studies(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    out = capsys.readouterr().out
    for name in ("width_doubling", "shortcut_type", "stride_placement"):
        assert name in out


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--study", "width_doublin"], "did you mean width_doubling?"),
        (["--study", "none/such.toml"], "no such study file"),
        (["--study", "width_doubling", "--dataset", "mnist"], "expected one of digits, cifar10"),
        (["--study", "width_doubling", "--device", "cuda:99"], "cuda"),
        (["--study", "width_doubling", "--dataset", "cifar10", "--data-root", "nowhere"],
         "--download"),
        (["--study", "width_doubling", "--out", "/proc/nowhere"], "cannot be written"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_status_2(
    args: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(args) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("ablate: ")
    assert captured.err.count("\n") == 1
    assert says in captured.err
    assert not list(tmp_path.rglob("trials.csv"))


@pytest.mark.parametrize("args", [["--seeds", "0"], ["--epochs", "two"], ["--workers", "-1"], []])
def test_bad_flags_are_status_2(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--study", "width_doubling", *args] if args else [])
    assert caught.value.code == 2
    err = capsys.readouterr().err
    assert err.startswith("ablate: ")
    assert err.count("\n") == 1


def test_kill_9_within_a_trial_costs_an_epoch_and_changes_no_number(study: Path) -> None:
    study.write_text(STUDY.replace("epochs = 2", "epochs = 20").replace("seeds = 4", "seeds = 1"))
    checkpoints = folder(study) / "checkpoints"
    process = start(study, "--workers", 2)
    wait_until(lambda: list(checkpoints.glob("*.pt")))  # both at once on a quiet machine only
    process.kill()
    process.communicate()
    assert not (folder(study) / "trials.csv").exists()
    run(study, "--workers", 2)
    assert not list(checkpoints.glob("*"))
    resumed = pd.read_csv(folder(study) / "epochs.csv").drop(columns="seconds")
    run(study, "--workers", 2, "--out", study.parent / "undisturbed")
    whole = pd.read_csv(study.parent / "undisturbed" / "tiny" / "digits" / "epochs.csv")
    pd.testing.assert_frame_equal(resumed, whole.drop(columns="seconds"))
    undisturbed = study.parent / "undisturbed" / "tiny" / "digits" / "correct.csv"
    assert (folder(study) / "correct.csv").read_bytes() == undisturbed.read_bytes()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see processes")
@pytest.mark.long
def test_a_trial_that_kills_its_process_three_times_is_a_failure(study: Path) -> None:
    text = STUDY.replace("epochs = 2", "epochs = 100000").replace("seeds = 4", "seeds = 1")
    study.write_text(text.replace("wide = { widths = [4, 8] }\n", ""))
    process = start(study, "--workers", 1)
    checkpoints = folder(study) / "checkpoints"
    for _ in range(3):
        wait_until(lambda: bool(list(checkpoints.glob("*.pt"))))
        (training,) = trainers(process)
        os.kill(training, signal.SIGKILL)
        wait_until(lambda pid=training: pid not in parents())
        for path in checkpoints.glob("*"):  # so that the next one is the next process's
            path.unlink()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1, err
    assert "narrow, seed 0: failed: its process ended with status -9, 3 times" in err
    assert list(trials(study)["state"]) == ["failed"]


def test_a_manifest_holds_the_plan_and_a_changed_plan_is_noticed(study: Path) -> None:
    run(study, "--seeds", 1)
    manifest = json.loads((folder(study) / "manifest.json").read_text())
    assert [trial["key"] for trial in manifest["trials"]] == list(trials(study)["key"])
    study.write_text(STUDY.replace("widths = [2, 4]", "widths = [3, 4]"))
    out, _ = run(study, "--seeds", 2)
    assert "the plan has changed: 3 trials are new, 1 are kept, 1 are no longer in it" in out
    (kept,) = folder(study).glob("manifest-*.json")
    assert json.loads(kept.read_text()) == manifest
    assert len(list(folder(study).glob("trials-*.csv"))) == 1


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see processes")
@pytest.mark.long
def test_a_training_that_hangs_is_ended_at_its_limit_and_costs_no_other(study: Path) -> None:
    """Stopped, it hangs: it does nothing, and heeds nothing but kill -9."""
    study.write_text(STUDY.replace("epochs = 2", "epochs = 40").replace("seeds = 4", "seeds = 2"))
    process = start(study, "--workers", 1, "--time-limit", 20)
    read_until(process, "trial 1/4")
    wait_until(lambda: bool(trainers(process)))
    (hung,) = trainers(process)
    os.kill(hung, signal.SIGSTOP)
    _, err = process.communicate(timeout=240)
    assert process.returncode == 1, err
    assert sorted(trials(study)["state"]) == ["complete"] * 3 + ["timeout"]
    assert hung not in parents()


@pytest.mark.long
def test_a_failed_trial_stays_failed_until_it_is_to_be_tried_again(study: Path) -> None:
    study.write_text(
        STUDY.replace("epochs = 2", "epochs = 100000").replace("seeds = 4", "seeds = 1")
    )
    process = start(study, "--time-limit", 6)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "narrow, seed 0: timeout: not done after 6 s, its time limit" in err
    assert "--retry tries again what failed" in err
    process = start(study)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "2 trials, 2 done already" in out
    process = start(study, "--time-limit", 6, "--retry")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "2 trials, 0 done already" in out
    assert list(trials(study)["state"]) == ["timeout"] * 2
