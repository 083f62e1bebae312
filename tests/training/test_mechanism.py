"""What is measured of a trained network, on features and networks whose answers are known."""

import copy
import json
import math
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ablate.cli.run import main
from ablate.data.dataset import Dataset, Images
from ablate.networks import cost
from ablate.networks.model import Block, build
from ablate.results.schema import MECHANISM_COLUMNS
from ablate.spec.choices import Precision
from ablate.spec.network import NetSpec
from ablate.spec.recipe import TrainSpec
from ablate.spec.trial import DataSpec, TrialSpec
from ablate.study.plan import load_study
from ablate.training.execution import Execution, place
from ablate.training.loop import autocast, evaluate, fit
from ablate.training.mechanism import (
    BLOCK_IMAGES,
    FEATURE_IMAGES,
    effective_rank,
    measure,
    probe_accuracy,
)
from ablate.training.trial import run_trial

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = Execution()
TRAIN = TrainSpec(epochs=2, batch_size=128)
NET = NetSpec(widths=(4, 8), depths=(1, 2), strides=(1, 2), in_channels=1, image_size=8)
KINDS = {
    "basic B": NET,
    "A": replace(NET, shortcut="A", downsample="avg"),
    "bottleneck C": replace(NET, block="bottleneck", shortcut="C", norm="group"),
    "preact D": replace(NET, preact=True, shortcut="D", activation="gelu"),
    "preact, no norm": replace(NET, preact=True, norm="none"),
    "wide head": replace(NET, head_width=12, activation="leaky_relu"),
}


@pytest.fixture(scope="module", params=list(KINDS))
def trained(request: pytest.FixtureRequest, digits: Dataset) -> tuple[nn.Module, NetSpec]:
    spec = KINDS[request.param]
    return train(spec, digits), spec


def train(spec: NetSpec, data: Dataset, recipe: TrainSpec = TRAIN) -> nn.Module:
    network = fresh(spec)
    fit(network, data, recipe, 0, lambda _: None)
    return network


def fresh(spec: NetSpec) -> nn.Module:
    torch.manual_seed(0)
    return build(spec)


def column(rows: list[dict[str, Any]], name: str) -> list[Any]:
    return [row[name] for row in rows]


def blocks_of(network: Any, stage: int) -> list[Block]:
    return list(network.stages[stage].children())


def silence(block: Block) -> None:
    """Make a block's branch give zeros, whatever it is given."""
    for weight in list(block.branch.children())[-1].parameters():
        nn.init.zeros_(weight)


# Effective rank


def spread(deviations: list[float]) -> Tensor:
    """Features that vary along orthogonal directions, none of them an axis, with these sizes."""
    size = len(deviations)
    axes = torch.diag(torch.tensor(deviations, dtype=torch.float64))
    generator = torch.Generator().manual_seed(0)
    turn = torch.linalg.qr(torch.randn(size, size, generator=generator, dtype=torch.float64))[0]
    return torch.cat([axes, -axes]) @ turn + 5


@pytest.mark.parametrize(
    ("deviations", "rank"),
    [
        ([1, 1, 1, 1, 1], 5),
        ([2, 0, 0], 1),
        ([1, 1, 0, 0], 2),
        ([math.sqrt(3), 1], math.exp(0.75 * math.log(4 / 3) + 0.25 * math.log(4))),
        ([0, 0], 0),
    ],
)
def test_the_effective_rank_of_a_known_covariance(deviations: list[float], rank: float) -> None:
    features = spread(deviations)
    assert effective_rank(features) == pytest.approx(rank, abs=1e-9)
    assert effective_rank(1000 * features) == pytest.approx(rank, abs=1e-9)


# The probe


def test_the_probe_reads_classes_that_a_line_parts() -> None:
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(600) % 3
    features = torch.randn(600, 5, generator=generator, dtype=torch.float64)
    features[:, 0] += 20 * (labels == 0)
    features[:, 1] += 20 * (labels == 1)
    half = slice(None, 300), slice(300, None)
    assert (
        probe_accuracy(features[half[0]], labels[half[0]], features[half[1]], labels[half[1]]) == 1
    )


def test_the_probe_sees_every_one_of_many_classes_on_one_line() -> None:
    features = (torch.arange(900, dtype=torch.float64) % 5)[:, None]  # least squares finds the ends
    labels = features[:, 0].long()
    assert probe_accuracy(features, labels, features, labels) == 1


def test_the_probe_is_at_chance_on_noise_that_it_has_not_seen() -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(4000, 8, generator=generator, dtype=torch.float64)
    labels = torch.randint(0, 4, (4000,), generator=generator)
    accuracy = probe_accuracy(features[:2000], labels[:2000], features[2000:], labels[2000:])
    assert accuracy == pytest.approx(0.25, abs=0.05)


def test_the_probe_of_the_last_stage_is_about_as_good_as_the_network(digits: Dataset) -> None:
    network = train(replace(NET, widths=(8, 16)), digits, replace(TRAIN, epochs=5))
    rows = measure(network, digits, replace(NET, widths=(8, 16)), TRAIN, 0)
    accuracies = column(rows, "probe_accuracy")
    assert accuracies[0] + 0.1 < accuracies[-1]
    assert accuracies[-1] > evaluate(network, digits, digits.val)[1] - 0.05


# Dead channels, blocks left out, gradients


def test_a_channel_that_is_forced_below_zero_is_dead_in_its_stage_alone(digits: Dataset) -> None:
    network = fresh(NET)
    norm: Any = blocks_of(network, 1)[-1].branch.norm2
    with torch.no_grad():
        norm.bias[:3] = -1e4
    assert column(measure(network, digits, NET, TRAIN, 0), "dead_channels") == [0, 0, 3 / 8]


def test_what_activates_a_preactivated_stage_is_what_reads_it_next(digits: Dataset) -> None:
    spec = replace(NET, preact=True)
    network: Any = fresh(spec)
    with torch.no_grad():
        blocks_of(network, 0)[0].preact.norm.bias[0] = -1e4  # reads the stem
        blocks_of(network, 1)[1].preact.norm.bias[0] = -1e4  # within stage 2: of no account
        network.head.preact.norm.bias[:2] = -1e4
    assert column(measure(network, digits, spec, TRAIN, 0), "dead_channels") == [1 / 4, 0, 2 / 8]


def test_without_a_block_is_with_its_branch_at_zero(
    trained: tuple[nn.Module, NetSpec], digits: Dataset
) -> None:
    network, spec = trained
    whole = evaluate(network, digits, digits.val)[1]
    expected: list[float | None] = [None]
    for stage, depth in enumerate(spec.depths):
        lost = 0.0
        for index in range(depth):
            without = copy.deepcopy(network)
            silence(blocks_of(without, stage)[index])
            lost += whole - evaluate(without, digits, digits.val)[1]
        expected.append(lost / depth)
    losses = column(measure(network, digits, spec, TRAIN, 0), "block_loss")
    assert losses[0] is None
    # Sums in another order may turn an image or two.
    assert losses[1:] == pytest.approx(expected[1:], abs=2.5 / len(digits.val))
    assert any(abs(loss) > 0.02 for loss in losses[1:])


def test_a_block_that_adds_nothing_is_no_loss(digits: Dataset) -> None:
    network = train(NET, digits)
    for block in blocks_of(network, 1):
        silence(block)
    losses = column(measure(network, digits, NET, TRAIN, 0), "block_loss")
    assert losses[2] == 0
    assert losses[1] != 0


def test_a_plain_network_cannot_do_without_a_block(digits: Dataset) -> None:
    plain = replace(NET, shortcut="none")
    rows = measure(fresh(plain), digits, plain, TRAIN, 0)
    assert column(rows, "block_loss") == [None, None, None]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_gradient_is_that_of_a_training_step(digits: Dataset, precision: Precision) -> None:
    # All images are one batch, so that it does not matter which are taken.
    recipe = TrainSpec(
        batch_size=len(digits.train), label_smoothing=0.1, precision=precision, crop_padding=2
    )
    network = train(NET, digits)
    norms = column(measure(network, digits, NET, recipe, 0), "grad_norm")
    network.train()
    with autocast(precision, torch.device("cpu")):
        loss = F.cross_entropy(
            network(digits.normalise(digits.train.images)), digits.train.labels, label_smoothing=0.1
        )
    parts: Any = network
    close = 1e-3 if precision == "float32" else 0.05
    for norm, part in zip(norms, [parts.stem, *parts.stages], strict=True):
        gradients = torch.autograd.grad(loss, list(part.parameters()), retain_graph=True)
        expected = math.sqrt(sum(float(each.double().square().sum()) for each in gradients))
        assert norm == pytest.approx(expected, rel=close)


# The rows


def test_every_kind_of_network_has_its_rows(
    trained: tuple[nn.Module, NetSpec], digits: Dataset
) -> None:
    network, spec = trained
    rows = measure(network, digits, spec, TRAIN, 0)
    assert all(list(row) == list(MECHANISM_COLUMNS) for row in rows)
    assert column(rows, "stage") == ["stem", "stage 1", "stage 2"]
    expansion = spec.block_expansion
    assert column(rows, "width") == [4, 4 * expansion, 8 * expansion]
    assert column(rows, "out_size") == [8, 8, 4]
    assert column(rows, "receptive_field") == list(cost.receptive_fields(spec).values())
    for row in rows:
        assert row["field_over_image"] == row["receptive_field"] / 8
        assert 0.1 < row["probe_accuracy"] <= 1
        assert 1 <= row["effective_rank"] <= row["width"]
        assert row["effective_rank_share"] == row["effective_rank"] / row["width"]
        assert 0 <= row["dead_channels"] <= 1
        assert row["grad_norm"] > 0
    assert json.loads(json.dumps(rows)) == rows


def test_the_layout_makes_no_difference(digits: Dataset) -> None:
    # Narrower projections crash in channels_last where there is no AVX-512 (oneDNN 6035).
    net = replace(NET, widths=(8, 16))
    network = train(net, digits)
    rows = measure(network, digits, net, TRAIN, 0)
    other = measure(place(network, Execution(channels_last=True)), digits, net, TRAIN, 0)
    for name in MECHANISM_COLUMNS:
        if name in ("probe_accuracy", "block_loss"):  # an image or two may turn
            for value, same in zip(column(rows, name), column(other, name), strict=True):
                assert same == (None if value is None else pytest.approx(value, abs=0.01))
        elif name != "stage":
            assert column(other, name) == pytest.approx(column(rows, name), rel=1e-3)


def test_the_columns_say_how_many_images_are_used() -> None:
    assert f"{FEATURE_IMAGES:,} " in MECHANISM_COLUMNS["probe_accuracy"]
    assert f"{BLOCK_IMAGES:,} " in MECHANISM_COLUMNS["block_loss"]


class Counted(Dataset):
    """A dataset that keeps how many images were normalised, in lots."""

    lots: list[int]

    def normalise(self, images: Tensor) -> Tensor:
        self.lots.append(len(images))
        return super().normalise(images)


def counted(data: Dataset) -> Counted:
    whole = Counted(**{field.name: getattr(data, field.name) for field in fields(Dataset)})
    object.__setattr__(whole, "lots", [])
    return whole


def test_no_more_images_are_used_than_are_needed_and_never_the_test_split() -> None:
    tiny = replace(NET, widths=(2, 2), image_size=4)
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (FEATURE_IMAGES + 500, 1, 4, 4), generator=generator)
    images = Images(pixels.to(torch.uint8), (pixels[:, 0, 0, 0] // 64).long())
    nothing: Any = None  # whoever asks it for anything fails
    moments = torch.full((1, 1, 1, 1), 127.5), torch.full((1, 1, 1, 1), 74.0)
    data = counted(Dataset(images, images, nothing, *moments))
    measure(fresh(tiny), data, tiny, TRAIN, 0)
    assert sum(data.lots) == 2 * FEATURE_IMAGES + BLOCK_IMAGES + TRAIN.batch_size


def test_images_in_a_shared_array_are_measured_alike(digits: Dataset) -> None:
    network = train(NET, digits)
    order = torch.randperm(len(digits.train), generator=torch.Generator().manual_seed(5))
    places = order.argsort()
    shared = Images(digits.train.images[order], digits.train.labels, places)
    rows = measure(network, replace(digits, train=shared), NET, TRAIN, 0)
    assert rows == measure(network, digits, NET, TRAIN, 0)


# Nothing left behind


@pytest.mark.parametrize("training", [True, False])
def test_the_network_and_the_process_are_left_as_they_were(digits: Dataset, training: bool) -> None:
    network = train(NET, digits).train(training)
    state = {name: value.clone() for name, value in network.state_dict().items()}
    gradients = [weight.grad.clone() for weight in network.parameters()]
    generator, threads = torch.get_rng_state(), torch.get_num_threads()
    rows = measure(network, digits, NET, TRAIN, 3)
    assert measure(network, digits, NET, TRAIN, 3) == rows
    assert torch.equal(torch.get_rng_state(), generator)
    assert torch.get_num_threads() == threads
    assert torch.is_grad_enabled()
    for name, value in network.state_dict().items():
        assert torch.equal(value, state[name]), name
    for weight, before in zip(network.parameters(), gradients, strict=True):
        assert torch.equal(weight.grad, before)
        assert weight.requires_grad
    for module in network.modules():
        assert module.training == training
        assert not module._forward_hooks
        assert not module._forward_pre_hooks


def test_a_compiled_network_is_measured_without_compiling_anything(digits: Dataset) -> None:
    def refuse(*args: object) -> Callable[..., Any]:
        raise AssertionError("compiled")

    network = train(NET, digits)
    rows = measure(network, digits, NET, TRAIN, 0)
    network.compile(backend=refuse)
    assert measure(network, digits, NET, TRAIN, 0) == rows


TRIAL = TrialSpec(net=NET, train=TRAIN, data=DataSpec(), seed=1)


def learned(data: Dataset, mechanism: bool) -> tuple[Any, ...]:
    """What a trial gives that does not depend on the clock, and its stages apart."""
    outcome = run_trial(TRIAL, data, CPU, mechanism=mechanism)
    timed = ("train_seconds", "started", "finished")
    row = {name: value for name, value in outcome.row.items() if name not in timed}
    return row, [epoch | {"seconds": 0} for epoch in outcome.epochs], outcome.stages


def test_a_trial_learns_the_same_to_the_bit_and_so_does_the_next(digits: Dataset) -> None:
    row, epochs, stages = learned(digits, mechanism=False)
    assert row["state"] == "complete"
    assert stages == []
    same_row, same_epochs, stages = learned(digits, mechanism=True)
    assert (same_row, same_epochs) == (row, epochs)
    assert column(stages, "stage") == ["stem", "stage 1", "stage 2"]
    assert learned(digits, mechanism=False) == (row, epochs, [])
    assert learned(digits, mechanism=True)[2] == stages


def test_a_trial_that_cannot_be_measured_has_failed_and_says_why(digits: Dataset) -> None:
    alike = Images(digits.train.images, torch.zeros_like(digits.train.labels))
    one_class = replace(digits, train=alike)
    assert run_trial(TRIAL, one_class, CPU).row["state"] == "complete"
    outcome = run_trial(TRIAL, one_class, CPU, mechanism=True)
    assert outcome.row["state"] == "failed"
    assert "at least 2 classes" in outcome.row["failure"]
    assert outcome.stages == []


# In a study

STUDY = """
question = "What has it learned?"
baseline = "narrow"
seeds = 2
[net]
depths = [1, 1]
strides = [1, 2]
[train]
epochs = 1
batch_size = 64
[axes.width]
narrow = { widths = [2, 4] }
wide = { widths = [4, 8] }
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(STUDY)
    return path


def test_measuring_is_asked_for_in_the_file_or_beside_it_and_renames_no_trial(study: Path) -> None:
    plain = load_study(study)
    assert not plain.mechanism
    asked = load_study(study, mechanism=True)
    study.write_text(f"mechanism = true{STUDY}")
    for measured in (asked, load_study(study), load_study(study, mechanism=True)):
        assert measured.mechanism
        assert [one.spec.key for one in measured.plan()] == [one.spec.key for one in plain.plan()]


@pytest.mark.usefixtures("torch_as_it_was")
@pytest.mark.long
def test_a_run_leaves_what_it_measured_once(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = study.parent / "measured" / "tiny" / "digits"
    flags = ("--timing-seconds", "0.02", "--layout", "contiguous", "--workers", "1")

    def run(*args: str) -> str:
        assert main(["--study", str(study), "--out", str(folder.parent.parent), *flags, *args]) == 0
        return capsys.readouterr().out

    assert "not measured" not in run("--mechanism")
    table = pd.read_csv(folder / "mechanism.csv", keep_default_na=False, na_values=[""])
    assert list(table) == ["key", "cell", "seed", *MECHANISM_COLUMNS]
    rows = zip(table["cell"], table["seed"], table["stage"], strict=True)
    assert list(rows) == [
        (cell, seed, stage)
        for seed in (0, 1)
        for cell in ("narrow", "wide")
        for stage in ("stem", "stage 1", "stage 2")
    ]
    trials = pd.read_csv(folder / "trials.csv")
    assert list(table["key"]) == [key for key in trials["key"] for _ in range(3)]
    assert list(table["block_loss"].isna()) == [True, False, False] * 4
    assert table.drop(columns="block_loss").notna().all(axis=None)

    first = (folder / "mechanism.csv").read_bytes()
    assert "not measured" not in run("--mechanism")
    assert (folder / "mechanism.csv").read_bytes() == first

    # What no trial of the plan has measured is not left lying about.
    run("--seeds", "1", "--epochs", "2")
    assert not (folder / "mechanism.csv").exists()

    # What was trained without it is not trained again, and it is said.
    out = run("--epochs", "2", "--mechanism")
    assert "mechanism: not measured in 2 of 4 trials, trained before it was asked for" in out
    assert "another --out" in out
    table = pd.read_csv(folder / "mechanism.csv")
    assert list(table["seed"]) == [1] * 6
    assert set(table["key"]) < set(pd.read_csv(folder / "trials.csv")["key"])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_network_on_the_gpu_is_measured_as_on_the_cpu(digits: Dataset) -> None:
    network = train(NET, digits)
    rows = measure(network, digits, NET, TRAIN, 0)
    device = torch.device("cuda")
    other = measure(network.to(device), digits.to(device), NET, TRAIN, 0)
    assert column(other, "stage") == column(rows, "stage")
    for name in ("probe_accuracy", "effective_rank", "dead_channels", "grad_norm"):
        assert column(other, name) == pytest.approx(column(rows, name), rel=0.05)
