"""The benchmark of training loops: equal work, ratios, saved runs, operations. No timing."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from ablate.networks import cost
from benchmarks import history, limit, loops, verdict
from benchmarks.contenders import OURS, absent, contenders, ours, usual
from benchmarks.equal_work import UnequalWorkError, prove_equal_work
from benchmarks.processes import Settings, running
from benchmarks.saved import last_run, next_path, save
from benchmarks.table import report
from benchmarks.work import NET, Lap, Work

TESTED = ("ours again", "usual, 0 workers", "Lightning, 0 workers", "timm, 0 workers", "bare")


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("name", TESTED)
def test_a_contender_does_the_same_work(name: str) -> None:
    peer = name.partition(",")[0].lower()
    if peer in absent():
        pytest.skip(f"{peer} is not installed")
    contender = contenders()[name]
    differences = prove_equal_work({OURS: ours, name: contender}, threads=1)
    assert differences.keys() == {OURS, name}


Change = Callable[[Work], Work]


def with_recipe(**fields: Any) -> Change:
    return lambda work: replace(work, train=replace(work.train, **fields))


def with_brighter_images(work: Work) -> Work:
    return replace(work, data=replace(work.data, mean=work.data.mean - 1))


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(with_recipe(lr=0.00101), id="rate"),
        pytest.param(with_recipe(weight_decay=0.0), id="decay"),
        pytest.param(with_recipe(momentum=0.8), id="momentum"),
        pytest.param(lambda work: replace(work, shuffled=True), id="order"),
        pytest.param(with_brighter_images, id="normalisation"),
    ],
)
def test_the_proof_fails_for_other_work(change: Change) -> None:
    def tampered(work: Work, network: nn.Module, lap: Lap) -> None:
        usual(change(work), network, lap)

    with pytest.raises(UnequalWorkError, match=r"^peer does other work than ours: losses \d"):
        prove_equal_work({OURS: ours, "peer": tampered}, threads=1)


@pytest.mark.usefixtures("one_thread")
def test_the_proof_fails_for_less_work() -> None:
    with pytest.raises(UnequalWorkError, match=r"^idle: 0 steps, expected 6$"):
        prove_equal_work({OURS: ours, "idle": lambda *_: None}, threads=1)


@pytest.mark.long
def test_contenders_run_in_processes_of_their_own_and_one_that_fails_is_named() -> None:
    settings = Settings(images=128, rounds=1, device="cpu", threads=1)
    with running(["bare", "unknown"], settings) as epochs:
        taken = [epochs["bare"]() for _ in range(3)]
        with pytest.raises(RuntimeError, match=r"^unknown ended early; its own error is above$"):
            epochs["unknown"]()
    assert all(math.isfinite(seconds) and seconds > 0 for seconds in taken)


def test_ratios_are_ours_over_each_other_round_by_round() -> None:
    drift = np.array([[1.0, 3.0], [4.0, 4.0], [9.0, 7.0]])
    jump = np.array([[1.0, 1.0], [1.0, 1.0], [3.0, 3.0]])
    found = loops.ratios({"ours": drift, "half as fast": 2 * drift, "disturbed": jump * drift})
    assert found == {
        "half as fast": {"value": 2, "low": 2, "high": 2},
        "disturbed": {"value": 1, "low": 1, "high": 3},
    }


def test_the_operations_of_a_step_are_three_forward_passes_but_for_the_images_gradient() -> None:
    stem = cost.count_stages(NET)["stem"][1].macs
    assert limit.step_flops(NET) == 3 * 2 * cost.count(NET).macs - 2 * stem


def test_the_rate_of_matmuls_leaves_the_precision_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limit, "SIDES", {"cpu": (8, 16)})
    before = torch.get_float32_matmul_precision()
    seconds = limit.matmul_seconds(torch.device("cpu"))
    assert torch.get_float32_matmul_precision() == before
    assert math.isfinite(seconds)
    assert seconds > 0


def interval(value: float, reach: float) -> dict[str, float]:
    return {"value": value, "low": value - reach, "high": value + reach}


def a_run(device: str = "cpu: one", ratio: float = 1.5, **settings: Any) -> dict[str, Any]:
    return {
        "date": "2026-01-01T00:00:00+00:00",
        "machine": {"device": device, "os": "Linux", "commit": "abc"},
        "versions": {"torch": "2"},
        "settings": {"images": 256, "rounds": 3, "device": "cpu", "threads": 2} | settings,
        "recipe": {"batch_size": 128},
        "proof": {"steps": 6, "tolerance": 3e-5, "differences": {"ours": 0.0, "peer": 2e-6}},
        "images": 256,
        "flops_per_image": 10**9,
        "seconds": {"ours": [[1.0, 2.0], [2.0, 4.0]], "peer": [[2.0, 4.0], [4.0, 8.0]]},
        "matmul_seconds_per_flop": [[2e-12, 2e-12], [2e-12, 2e-12]],
        "ratios": {"ours again": interval(1, 0.0), "peer": interval(ratio, 0.25)},
        "share": interval(0.25, 0.125),
        "absent": [],
    }


def row(text: str, name: str) -> list[str]:
    return next(line for line in text.splitlines() if line.startswith(name)).split()


def test_the_table_shows_rates_spread_and_ratios() -> None:
    text = report(a_run())
    assert row(text, "ours  ") == "ours 128 48 2".split()
    assert row(text, "peer ") == "peer 64 24 1.500 [1.250, 1.750] 2".split()
    assert "losses of 6 steps agree to 2.0e-06 of them, 3e-05 allowed" in text
    assert "500 GFLOP/s (IQR 0); ours reaches 25.0% of it [12.5%, 37.5%]" in text
    assert "[bench]" not in text
    assert "control is off" not in text


def test_a_control_that_is_off_is_said_so() -> None:
    run = a_run()
    run["ratios"]["ours again"] = interval(1.125, 0.0)
    assert "the control is off" in report(run)


def test_an_absent_peer_is_left_out_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.contenders.find_spec", lambda name: None)
    assert absent() == ["lightning", "timm"]
    assert list(contenders()) == [
        "ours", "ours again", "usual, 0 workers", "usual, 2 workers", "bare"
    ]  # fmt: skip
    text = report(a_run() | {"absent": ["lightning", "timm"]})
    assert "without lightning and timm: pip install -e '.[bench]'" in text


def test_saved_runs_are_numbered_after_the_highest(tmp_path: Path) -> None:
    assert last_run(tmp_path) is None
    assert next_path(tmp_path) == tmp_path / "loops-0001.json"
    for number in (1, 9):
        save(tmp_path / f"loops-{number:04d}.json", a_run(ratio=number))
    assert next_path(tmp_path) == tmp_path / "loops-0010.json"
    assert last_run(tmp_path) == {"name": "loops-0009.json"} | a_run(ratio=9)


def test_the_last_run_stands_beside_this_one(tmp_path: Path) -> None:
    (tmp_path / "loops-0003.json").write_text(json.dumps(a_run(ratio=1.25, rounds=9)))
    text = report(a_run(ratio=1.5), last_run(tmp_path))
    assert row(text, "contender")[-1] == "last"
    assert row(text, "peer ")[3:] == "1.500 [1.250, 1.750] 2 1.250 [1.000, 1.500]".split()
    assert text.endswith("last: loops-0003.json of 2026-01-01T00:00:00+00:00, commit abc")


@pytest.mark.parametrize(
    ("last", "reason"),
    [
        (a_run(device="cpu: two", ratio=7.5), "it ran on cpu: two"),
        (a_run(ratio=7.5, threads=4), "it ran with threads = 4"),
    ],
)
def test_nothing_is_compared_across_machines(last: dict[str, Any], reason: str) -> None:
    text = report(a_run(), {"name": "loops-0003.json"} | last)
    assert text.splitlines()[-1].startswith("not compared with loops-0003.json of ")
    assert text.endswith(f": {reason}")
    assert "7.500" not in text


def test_bad_input_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert loops.main(["--device", "tpu"]) == 2
    assert capsys.readouterr().err.startswith("benchmarks.loops: --device tpu: ")
    with pytest.raises(SystemExit):
        loops.main(["--images", "127"])
    assert "127: expected 128 or more" in capsys.readouterr().err


def test_a_run_is_printed_beside_the_last_and_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(loops, "measure", lambda *_: a_run())
    monkeypatch.setattr(loops, "last_run", lambda: {"name": "loops-0003.json"} | a_run(ratio=1.25))
    path = tmp_path / "new" / "run.json"
    assert loops.main(["--device", "cpu", "--compare", "--json", str(path)]) == 0
    assert json.loads(path.read_text()) == a_run()
    printed = capsys.readouterr().out
    assert row(printed, "peer ")[-3:] == ["1.250", "[1.000,", "1.500]"]
    assert f"saved as {path}" in printed


def test_where_the_control_is_off_no_ratio_is_given() -> None:
    run = a_run()
    run["seconds"]["ours again"] = [[1.5, 2.5], [2.5, 4.5]]
    run["ratios"]["ours again"] = {"value": 1.1, "low": 1.05, "high": 1.2}
    text = report(run)
    assert row(text, "peer ") == "peer 64 24 not measurable now 2".split()
    assert "1.100" in row(text, "ours again")
    assert "no ratio is given" in text


# Time to a verdict


def verdict_run(again: float = 1.0, date: str = "2026-01-01T00:00:00+00:00") -> dict[str, Any]:
    def visits(wall: float) -> list[list[verdict.Visit]]:
        one = verdict.Visit(wall, 2 * wall, 300.0, {"a": [0.9, 0.8], "b": [0.7, 0.7]})
        return [[one, one], [one, one]]

    walls = {verdict.OURS: 10.0, verdict.AGAIN: 10.0 * again, "a script": 30.0}
    run = verdict.summary(["--study", "x"], {way: visits(wall) for way, wall in walls.items()})
    return {**run, "date": date, "machine": {"device": "cpu: one", "commit": "abcdef012345"}}


def test_the_verdict_table_shows_times_trials_and_accuracies() -> None:
    lines = verdict.report(verdict_run())
    assert row("\n".join(lines), "a script  ")[2:] == "30.0 60.0 4 300 3.00 [3.00, 3.00]".split()
    assert "a script: a 85.0%, b 70.0%" in lines
    off = "\n".join(verdict.report(verdict_run(again=1.2)))
    assert "not measurable now" in row_of(off, "a script  ")
    assert "1.20" in row_of(off, verdict.AGAIN)


def row_of(text: str, name: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(name))


def test_a_script_trains_what_ablate_trains(tmp_path: Path) -> None:
    """One seed and one epoch of both, as commands; the same arms and as many trials."""
    what = ["--study", "width_doubling", "--seeds", "4", "--epochs", "1", "--subset", "0.2"]
    script = verdict.visit("a script with Optuna", what)
    assert {arm: len(own) for arm, own in script.accuracies.items()} == {
        "constant": 4,
        "doubling": 4,
        "tripling": 4,
    }
    assert script.wall_s > 0
    assert script.cpu_s > 0
    assert script.peak_mib > 100


def test_the_history_keeps_ratios_and_sets_them_beside_the_last(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, again in enumerate((1.0, 1.0, 1.2)):
        path = tmp_path / f"{number}.json"
        save(path, verdict_run(again, date=f"2026-01-0{number + 1}T00:00:00+00:00"))
        history.main([str(path), "--keep", "--folder", str(tmp_path)])
    _, first, second = capsys.readouterr().out.split("beside")
    assert "a script      3.00 [3.00, 3.00]  -" in first
    assert "3.00 [3.00, 3.00] at abcdef0" in second
    assert "not measurable now: the control is off" in second
    kept = pd.read_csv(tmp_path / "history.csv")
    assert list(kept["beside"]) == [verdict.AGAIN, "a script"] * 2
    assert (tmp_path / "history.png").stat().st_size > 1000
