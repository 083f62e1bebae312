"""Images a second elsewhere: what is counted, predicted, said and kept apart from measurements."""

import ast
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from ablate.cli.profile import main
from ablate.errors import InputError
from ablate.networks.cost import count
from ablate.networks.elsewhere.fits import FITS, find, read_fits, shipped
from ablate.networks.elsewhere.operators import count_operators, operators_of
from ablate.networks.elsewhere.prediction import TERMS, Fit, Operators, predict
from ablate.networks.presets import PRESETS, preset
from benchmarks.gpu_prediction import count_networks, fit_table, named
from benchmarks.relative import positive_terms, told_over_true
from support import ROOT

TABLE = ROOT.parent / "shared" / "data" / "published" / "timm_throughput.csv"
COMMITTED = ROOT / "ablate" / "networks" / "elsewhere" / FITS


@pytest.mark.parametrize("name", ["resnet18", "resnext50_32x4d", "cifar_resnet20", "wrn_16_4"])
def test_the_operators_of_a_network_are_those_of_its_costs(name: str) -> None:
    found, cost = operators_of(PRESETS[name]), count(PRESETS[name])
    assert found.dense + found.grouped == cost.macs
    assert found.outputs == cost.activations
    assert (found.grouped > 0) == ("resnext" in name)


def test_each_operator_is_counted_by_hand() -> None:
    with torch.device("meta"):
        network = nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1, bias=False),
            nn.GroupNorm(2, 4),
            nn.ReLU(),
            nn.Conv2d(4, 4, 1, groups=2, bias=False),
            nn.Flatten(),
            nn.Linear(16, 5),
        )
    assert count_operators(network, 3, 2) == Operators(
        side=2,
        dense=16 * 27 + 5 * 16,
        grouped=16 * 2,
        outputs=16 + 16 + 5,
        moved=32 + 32,
        group_normed=32,
        weights=4 * 27 + 4 * 2 + 5 * 16,
        operators=5,
    )


def test_terms_are_found_again_though_some_times_are_far_off() -> None:
    rng = np.random.default_rng(1)
    costs = rng.lognormal(size=(200, 3)) * np.array([1e-9, 1, 1e9])
    true = np.array([3e9, 2, 0])
    times = costs @ true
    times[:10] *= 3
    assert positive_terms(costs, times) == pytest.approx(true, rel=1e-3, abs=1e-12)
    ratios = told_over_true(costs, times, [str(k % 7) for k in range(200)])
    assert np.median(np.abs(ratios - 1)) < 0.001
    assert ratios[:10] == pytest.approx(1 / 3, rel=0.01)


def test_a_group_is_told_by_the_others_alone() -> None:
    costs, groups = np.ones((6, 1)), ["a", "a", "b", "b", "b", "b"]
    assert told_over_true(costs, np.array([2.0, 2, 1, 1, 1, 1]), groups) == pytest.approx(
        [0.5, 0.5, 2, 2, 2, 2]
    )


def fit_of(device: str, layout: str = "nchw") -> Fit:
    return next(fit for fit in find(device)[1] if fit.layout == layout and fit.mode == "infer")


def test_a_prediction_is_the_sum_of_its_terms_and_its_interval_holds_it() -> None:
    fit = replace(fit_of("rtx4090"), seconds=(1e-4, 1e-12, 0, 0, 0, 0, 1e-3))
    operators = operators_of(preset("resnet50"))
    found = predict(fit, operators, 256)
    seconds = 1e-4 + 1e-12 * operators.dense + 1e-3 * operators.operators / 256
    assert found.images == pytest.approx(1 / seconds)
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.images < found.high
    assert not found.outside


@pytest.mark.parametrize(
    ("name", "batch", "says"),
    [
        ("resnet50", 1, "batch 1 ("),
        ("resnet18", 130, "activations a batch "),  # the batch alone is within
        ("cifar_resnet20", 256, "image side 32 (160 to 448)"),
        ("cifar_resnet20", 256, "MACs 40."),
    ],
)
def test_what_lies_outside_is_named_and_has_no_interval(name: str, batch: int, says: str) -> None:
    found = predict(fit_of("rtx4090"), operators_of(preset(name)), batch)
    assert [words for words in found.outside if words.startswith(says)]
    assert found.low is found.high is None


def test_the_command_says_that_it_predicts_and_from_what(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--preset", "resnet50", "--gpu", "RTX 4090", "--batch", "256"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "Predicted for batch 256, not measured" in out
    assert "Apache-2.0" in out
    assert "rtx4090 inference amp nhwc 2.4.0, CUDA 12.4 5," in out
    assert "Outside" not in out
    assert "rtx3090" not in out


def test_the_command_says_what_is_outside_and_what_is_worse(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--preset", "cifar_resnet20", "--gpu", "rtx3090", "--batch", "1"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "image side 32 (160 to 448); batch 1 (" in out
    assert "above 10% for train nhwc, torch 1.12" in out
    assert " to " not in out.partition("rtx3090")[2].partition("Predicted")[0]


def test_each_cell_of_a_study_is_predicted(capsys: pytest.CaptureFixture[str]) -> None:
    args = ["--study", "width_doubling", "--gpu", "i7_12700h", "--batch", "1"]
    assert main(args) == 0
    assert capsys.readouterr().out.count("i7_12700h  inference") == 3


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "No such file"),
        ("nonsense", "expected a file that benchmarks.gpu_prediction wrote"),
        ("[]", "expected a file that"),
        ('{"source": {}, "devices": [{}]}', "expected a file that"),
    ],
)
def test_a_file_that_is_none_is_one_line(tmp_path: Path, text: str | None, says: str) -> None:
    path = tmp_path / "mine.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=says) as caught:
        find(str(path))
    assert "mine.json" in str(caught.value)


def test_a_name_that_no_device_has_gives_the_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--preset", "resnet50", "--gpu", "rtx5"]) == 2
    err = capsys.readouterr().err
    assert "i7_12700h, i9_10940x, rtx3090, rtx4090" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "change",
    [{"seconds": {"image": 1.0}}, {"ranges": {}}, {"interval": [1.0]}],
)
def test_a_file_with_other_terms_is_refused(tmp_path: Path, change: Mapping[str, Any]) -> None:
    values = json.loads(COMMITTED.read_text())
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(values))
    assert read_fits(path) == shipped()
    values["devices"][0] |= change
    path.write_text(json.dumps(values))
    with pytest.raises(InputError, match=r"benchmarks\.gpu_prediction"):
        read_fits(path)


@pytest.mark.parametrize(
    ("device", "version", "is_", "torch_", "compiled"),
    [
        ("cu124-rtx4090-dynamo", "pt240", "rtx4090", "2.4.0, CUDA 12.4", True),
        ("cu128-4090", "pt291", "rtx4090", "2.9.1, CUDA 12.8", False),
        ("cu117-rtx3090", "pt113", "rtx3090", "1.13, CUDA 11.7", False),
        ("cpu-i9_10940x-dynamo", "pt2101", "i9_10940x", "2.10.1", True),
        ("a100", "2.9", "a100", "2.9", False),
    ],
)
def test_a_device_has_one_name(
    device: str, version: str, is_: str, torch_: str, compiled: bool
) -> None:
    found = named({"device": device, "torch": version})
    assert found == {"device": is_, "torch": torch_, "compiled": compiled}


def test_a_prediction_stands_in_no_table_of_a_study() -> None:
    """What measures, keeps or reports knows of no predictions: the command prints them."""
    users = set()
    for path in (ROOT / "ablate").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [one.name for one in node.names] if isinstance(node, ast.Import) else []
            if any(name.startswith("ablate.networks.elsewhere") for name in names):
                users.add((*path.relative_to(ROOT / "ablate").parts[:-1], path.stem))
    outer = {user for user in users if user[:2] != ("networks", "elsewhere")}
    assert outer == {("cli", "profile"), ("cli", "elsewhere_table")}


@pytest.fixture(scope="module")
def fresh() -> list[dict[str, Any]]:
    if not TABLE.exists():
        pytest.skip(f"the table is not published with the code: {TABLE.name}")
    if find_spec("timm") is None:
        pytest.skip("timm is not installed")
    table = pd.read_csv(TABLE)
    return fit_table(table, count_networks(table))


def test_the_committed_terms_are_those_of_the_table(fresh: list[dict[str, Any]]) -> None:
    kept = json.loads(COMMITTED.read_text())["devices"]
    assert len(kept) == len(fresh) == 16
    for old, new in zip(kept, fresh, strict=True):
        for name in ("device", "mode", "layout", "torch", "compiled", "timings", "networks"):
            assert old[name] == new[name]
        assert old["seconds"] == pytest.approx(new["seconds"], rel=1e-3)
        assert old["interval"] == pytest.approx(new["interval"], rel=1e-3)
        for name, range_ in old["ranges"].items():
            assert range_ == pytest.approx(new["ranges"][name], rel=1e-3)


def test_networks_left_out_are_told_within_a_tenth(fresh: list[dict[str, Any]]) -> None:
    assert all(fit["error_models"] <= 0.1 for fit in fresh)
    worse = [fit for fit in fresh if fit["error_families"] > 0.1]
    assert [(fit["device"], fit["mode"], fit["layout"]) for fit in worse] == [
        ("rtx3090", "train", "nhwc")
    ]


def test_the_published_timings_of_resnet_50_lie_in_the_interval() -> None:
    """8039 and 4303 images a second on an RTX 4090, torch 2.9.1, with compilation and without."""
    operators = operators_of(preset("resnet50"))
    timed = {True: 8039.05, False: 4302.84}
    fits = [fit for fit in find("rtx4090")[1] if fit.torch.startswith("2.9.1")]
    assert {fit.compiled for fit in fits} == {*timed}
    for fit in fits:
        found = predict(fit, operators, 1024)
        assert found.low is not None
        assert found.high is not None
        assert found.low < timed[fit.compiled] < found.high
        assert found.images == pytest.approx(timed[fit.compiled], rel=0.1)


def test_terms_have_one_cost_each() -> None:
    assert len(TERMS) == len(operators_of(preset("resnet18")).costs(1))
    assert min(asdict(operators_of(preset("resnet18"))).values()) >= 0
