"""Throughput: complete rows, the right calls, notes on what could not be timed, no traces left."""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_pre_hook

from ablate.data.dataset import Dataset, Images
from ablate.errors import InputError
from ablate.networks.model import ResNet
from ablate.results.schema import COLUMNS
from ablate.results.tables import read_sweep, write_sweep
from ablate.spec.network import NetSpec
from ablate.spec.recipe import TrainSpec
from ablate.training import timing
from ablate.training.execution import Execution
from ablate.training.machine import describe
from ablate.training.throughput import EPOCH_BATCHES, MeasuredLatency, sweep, time_arms, train_rate

NET = NetSpec(widths=(4, 8), depths=(1, 1), strides=(1, 2), in_channels=1, image_size=8)
WIDER = replace(NET, widths=(8, 16))
TRAIN = TrainSpec(batch_size=16)
CPU = Execution(threads=1)
ROUNDS = 2
QUANTITIES = ("train", "infer", "epoch")
# No machine can address their weights, or images.
NO_ROOM = replace(
    NET, widths=(10**9, 10**9), block="bottleneck", width_per_group=10**9, stem_width=4
)
NO_ROOM_FOR_IMAGES = (replace(NET, image_size=1000), replace(TRAIN, batch_size=10**9))


@pytest.fixture(autouse=True)
def short_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """One call a block, few of them: nothing here looks at how long anything took."""
    monkeypatch.setattr(timing, "BLOCK_SECONDS", 1e-9)
    monkeypatch.setattr(timing, "WARM_UP_BLOCKS", 2)
    monkeypatch.setattr(timing, "FEWEST_ROUNDS", ROUNDS)


@pytest.fixture
def three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def forwards() -> Iterator[list[tuple[nn.Module, Tensor, dict[str, Any]]]]:
    """Every forward pass: the network, its input, and torch's state."""
    seen = []

    def note(module: nn.Module, inputs: tuple[Tensor]) -> None:
        if isinstance(module, ResNet):
            state = {
                "kind": "train" if module.training else "infer",
                "inference_mode": torch.is_inference_mode_enabled(),
                "autocast": torch.is_autocast_enabled("cpu"),
                "threads": torch.get_num_threads(),
                "weights": [weight.detach().clone() for weight in module.parameters()],
            }
            seen.append((module, inputs[0], state))

    handle = register_module_forward_pre_hook(note)
    yield seen
    handle.remove()


def timed_columns() -> set[str]:
    """Those of the results table that this module fills."""
    ends = ("_images_per_s", "_images_per_s_iqr", "_ratio", "_ratio_low", "_ratio_high", "_control")
    return {
        column.name
        for column in COLUMNS
        if column.name.startswith("throughput_")
        or column.name == "gpu_state"
        or column.name in {name + end for name in QUANTITIES for end in ends}
    }


# Rows


def test_a_row_has_every_column(digits: Dataset) -> None:
    rows = time_arms([NET, WIDER], TRAIN, digits, CPU, seconds=0.01)
    assert len(rows) == 2
    for row in rows:
        assert set(row) == timed_columns()
        assert (row["throughput_batch"], row["throughput_threads"]) == (16, 1)
        assert ROUNDS <= row["throughput_rounds"] <= timing.MOST_ROUNDS
        assert row["throughput_note"] is None
        assert row["gpu_state"] is None
        assert type(row["throughput_control_off"]) is bool
        for name in QUANTITIES:
            assert 0 < row[f"{name}_images_per_s"] < math.inf
            assert 0 <= row[f"{name}_images_per_s_iqr"] < math.inf
            assert row[f"{name}_control"] == rows[0][f"{name}_control"] > 0
    for name in QUANTITIES:
        assert [rows[0][f"{name}_ratio{end}"] for end in ("", "_low", "_high")] == [1.0, None, None]
        low, ratio, high = (rows[1][f"{name}_ratio{end}"] for end in ("_low", "", "_high"))
        assert 0 < low <= ratio <= high < math.inf


@pytest.mark.parametrize(("seconds", "rounds"), [(0.0, ROUNDS), (60.0, 7)])
def test_the_time_given_sets_the_rounds(
    digits: Dataset, monkeypatch: pytest.MonkeyPatch, seconds: float, rounds: int
) -> None:
    monkeypatch.setattr(timing, "MOST_ROUNDS", 7)
    (row,) = time_arms([NET], TRAIN, digits, CPU, seconds)
    assert row["throughput_rounds"] == rounds


@pytest.mark.parametrize("off", [True, False])
def test_a_control_that_is_off_is_said_in_every_row(
    digits: Dataset, monkeypatch: pytest.MonkeyPatch, off: bool
) -> None:
    width = -1.0 if off else math.inf
    monkeypatch.setattr(timing, "CONTROL_HALF_WIDTH", width)
    monkeypatch.setattr(timing, "CONTROL_SHIFT", math.inf)
    rows = time_arms([NET, WIDER], TRAIN, digits, CPU, seconds=0.0)
    assert [row["throughput_control_off"] for row in rows] == [off, off]


# What is called


def test_arms_and_the_control_take_turns_in_mirrored_order(
    digits: Dataset, forwards: list[Any]
) -> None:
    time_arms([NET, WIDER], TRAIN, digits, CPU, seconds=0.0)
    networks = [network for network, _, state in forwards if state["kind"] == "infer"]
    order = list(dict.fromkeys(networks))
    assert len(order) == 3
    assert len(list(order[0].parameters())) == len(list(order[2].parameters()))
    for ours, controls in zip(order[0].parameters(), order[2].parameters(), strict=True):
        assert torch.equal(ours, controls)
    places = [order.index(network) for network in networks[-3 * 2 * 3 * ROUNDS :]]
    visits = places[::3]  # one call of each block is timed, after two that are not
    assert visits == [0, 1, 2, 2, 1, 0] * ROUNDS


def test_what_a_call_does(digits: Dataset, forwards: list[Any]) -> None:
    """The input is never zero, the batch is the recipe's, and only inference is in eval mode."""
    time_arms([NET], TRAIN, digits, CPU, seconds=0.0)
    assert {state["kind"] for _, _, state in forwards} == {"train", "infer"}
    for _, images, state in forwards:
        assert images.shape == (16, 1, 8, 8)
        assert images.isfinite().all()
        assert images.count_nonzero() == images.numel()
        assert state["inference_mode"] == (state["kind"] == "infer")
        assert not state["autocast"]


def test_an_epoch_is_a_few_batches_of_the_dataset(digits: Dataset, forwards: list[Any]) -> None:
    time_arms([NET], TRAIN, digits, CPU, seconds=0.0)
    few = digits.normalise(digits.train.images[: EPOCH_BATCHES * 16])
    epoch = [images for _, images, _ in forwards[-EPOCH_BATCHES:]]
    assert torch.equal(torch.cat(epoch).flatten().sort()[0], few.flatten().sort()[0])


@pytest.mark.parametrize(
    "train",
    [
        replace(TRAIN, momentum=0.0),
        replace(TRAIN, schedule="cosine", label_smoothing=0.1),
        replace(TRAIN, schedule="step", optimizer="adamw", mixup=0.4, ema=0.9),
        replace(TRAIN, crop_padding=1, flip=True, cutout=3, precision="bfloat16"),
    ],
)
def test_weights_stay_as_they_were(digits: Dataset, forwards: list[Any], train: TrainSpec) -> None:
    (row,) = time_arms([NET], train, digits, CPU, seconds=0.0)
    assert row["throughput_note"] is None
    first = forwards[0][2]["weights"]
    assert any(weight.count_nonzero() for weight in first)
    for _, _, state in forwards:
        assert all(map(torch.equal, state["weights"], first))


def test_bfloat16_and_channels_last(digits: Dataset, forwards: list[Any]) -> None:
    execution = Execution(threads=1, channels_last=True)
    nets = [WIDER, replace(WIDER, widths=(16, 32))]  # NET is too narrow for oneDNN (6035)
    rows = time_arms(nets, replace(TRAIN, precision="bfloat16"), digits, execution, 0.0)
    assert all(row[f"{name}_images_per_s"] > 0 for row in rows for name in QUANTITIES)
    for network, _, state in forwards:
        assert state["autocast"]
        weight = network.stages[0][0].branch.conv1.weight
        assert weight.is_contiguous(memory_format=torch.channels_last)
        assert weight.dtype == torch.float32


@pytest.mark.usefixtures("three_threads")
def test_the_timed_calls_use_the_threads_asked_for(digits: Dataset, forwards: list[Any]) -> None:
    (row,) = time_arms([NET], TRAIN, digits, CPU, seconds=0.0)
    assert {state["threads"] for _, _, state in forwards} == {1}
    assert row["throughput_threads"] == 1
    forwards.clear()
    MeasuredLatency(None, torch.device("cpu"), threads=2)(NET, 16)
    assert {state["threads"] for _, _, state in forwards} == {2}


@pytest.mark.usefixtures("three_threads")
def test_torch_is_left_as_it_was(digits: Dataset) -> None:
    torch.manual_seed(7)
    before = torch.get_rng_state()
    time_arms([NET, NO_ROOM], replace(TRAIN, precision="bfloat16"), digits, CPU, seconds=0.0)
    train_rate(NET, TRAIN, CPU, seconds=0.0)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == 3
    assert torch.is_grad_enabled()
    assert not torch.is_inference_mode_enabled()
    assert not torch.is_autocast_enabled("cpu")


# What cannot be timed


def missing(row: dict[str, Any], *ends: str) -> bool:
    return all(row[f"{name}_{end}"] is None for name in QUANTITIES for end in ends)


def test_an_arm_out_of_memory_has_a_note_and_the_others_go_on(digits: Dataset) -> None:
    rows = time_arms([NET, NO_ROOM, WIDER], TRAIN, digits, CPU, seconds=0.0)
    assert missing(rows[1], "images_per_s", "images_per_s_iqr", "ratio", "ratio_low", "ratio_high")
    assert rows[1]["throughput_note"] == "; ".join(
        f"{name}: out of memory at batch 16" for name in QUANTITIES
    )
    assert rows[1]["throughput_rounds"] is None
    assert rows[1]["throughput_batch"] == 16
    assert set(rows[1]) == timed_columns()
    for row in (rows[0], rows[2]):
        assert row["throughput_note"] is None
        assert row["throughput_rounds"] == ROUNDS
        assert all(row[f"{name}_ratio"] > 0 for name in QUANTITIES)


def test_without_a_baseline_there_are_rates_but_no_ratios(digits: Dataset) -> None:
    baseline, other = time_arms([NO_ROOM, NET], TRAIN, digits, CPU, seconds=0.0)
    assert missing(baseline, "images_per_s", "ratio", "control")
    assert "train: out of memory at batch 16" in baseline["throughput_note"]
    assert all(other[f"{name}_images_per_s"] > 0 for name in QUANTITIES)
    assert missing(other, "ratio", "ratio_low", "ratio_high", "control")
    assert other["throughput_note"] == "; ".join(
        f"{name}: no ratio, the baseline is out of memory at batch 16" for name in QUANTITIES
    )
    assert baseline["throughput_control_off"] is other["throughput_control_off"] is None


def test_a_control_out_of_memory_is_said(digits: Dataset) -> None:
    networks: list[nn.Module] = []

    def fail(module: nn.Module, _: object) -> None:
        if isinstance(module, ResNet) and not module.training:
            networks.extend([] if module in networks else [module])
            if networks.index(module) == 2:
                torch.empty(2**60, dtype=torch.uint8)

    handle = register_module_forward_pre_hook(fail)
    try:
        rows = time_arms([NET, WIDER], TRAIN, digits, CPU, seconds=0.0)
    finally:
        handle.remove()
    for row in rows:
        assert row["throughput_note"] == "infer: no control, it is out of memory at batch 16"
        assert row["infer_control"] is None
        assert row["train_control"] > 0
        assert row["infer_ratio"] > 0


def test_out_of_memory_in_one_quantity_leaves_the_others(digits: Dataset) -> None:
    """Backward passes need memory that inference does not: here the first of one arm fails."""

    def fail(module: nn.Module, _: object) -> None:
        if isinstance(module, ResNet) and module.training and module.head.linear.in_features == 16:
            torch.empty(2**60, dtype=torch.uint8)

    handle = register_module_forward_pre_hook(fail)
    try:
        row = time_arms([NET, WIDER], TRAIN, digits, CPU, seconds=0.0)[1]
    finally:
        handle.remove()
    assert row["train_images_per_s"] is row["epoch_images_per_s"] is None
    assert row["infer_images_per_s"] > 0
    assert row["infer_ratio"] > 0
    assert row["throughput_note"] == (
        "train: out of memory at batch 16; epoch: out of memory at batch 16"
    )


def test_a_batch_without_room_is_not_made_smaller(digits: Dataset) -> None:
    net, train = NO_ROOM_FOR_IMAGES
    (row,) = time_arms([net], train, digits, CPU, seconds=0.0)
    assert missing(row, "images_per_s", "ratio", "control")
    assert row["throughput_batch"] == 10**9
    assert row["throughput_note"] == (
        "train: out of memory at batch 1000000000; infer: out of memory at batch 1000000000; "
        f"epoch: batch 1000000000 is more than the {len(digits.train)} training images"
    )


def test_errors_other_than_memory_are_not_swallowed(digits: Dataset) -> None:
    with pytest.raises(RuntimeError, match="channels"):
        time_arms([replace(NET, in_channels=3)], TRAIN, digits, CPU, seconds=0.0)


# Batch sizes


def test_a_sweep_has_a_row_for_each_batch_and_cell(digits: Dataset, tmp_path: Path) -> None:
    few = replace(digits, train=Images(digits.train.images[:40], digits.train.labels[:40]))
    more = 41
    rows = sweep({"narrow": NET, "wide": WIDER}, TRAIN, few, CPU, [8, more], seconds=0.0)
    write_sweep(tmp_path, rows)
    frame = read_sweep(tmp_path / "throughput.csv")
    assert list(frame["cell"]) == ["narrow", "wide"] * 2
    assert list(frame["batch"]) == [8, 8, more, more]
    assert set(frame.columns) == {"cell", "batch", "device"} | timed_columns()
    dtypes = {column.name: column.dtype for column in COLUMNS}
    known = [name for name in frame.columns if name != "batch"]
    assert all(str(frame[name].dtype) == dtypes[name] for name in known)
    assert (frame["throughput_batch"] == frame["batch"]).all()
    assert (frame["device"] == describe("cpu")["device"]).all()
    assert (frame["train_images_per_s"] > 0).all()
    assert list(frame["epoch_images_per_s"].isna()) == [False, False, True, True]
    assert list(frame["throughput_note"].isna()) == [True, True, False, False]
    assert frame["throughput_note"][3] == "epoch: batch 41 is more than the 40 training images"
    assert frame.loc[frame["cell"] == "narrow", "train_ratio"].eq(1).all()
    assert pd.isna(frame.loc[2, "epoch_control"])


def test_a_batch_of_none_is_bad_input(digits: Dataset) -> None:
    with pytest.raises(InputError, match="batch_size = 0"):
        sweep({"narrow": NET}, TRAIN, digits, CPU, [0], seconds=0.0)


# One network


def test_a_rate_of_one_network(forwards: list[Any]) -> None:
    assert 0 < train_rate(NET, TRAIN, CPU, seconds=0.0) < math.inf
    assert {state["kind"] for _, _, state in forwards} == {"train"}


def test_one_network_out_of_memory_is_bad_input() -> None:
    with pytest.raises(InputError, match="batch_size = 16: a training step is out of memory"):
        train_rate(NO_ROOM, TRAIN, CPU, seconds=0.0)
    latency = MeasuredLatency(None, torch.device("cpu"), threads=1)
    with pytest.raises(InputError, match="batch_size = 16: inference is out of memory on cpu"):
        latency(NO_ROOM, 16)


def test_a_latency_is_asked_of_inference_once(forwards: list[Any]) -> None:
    latency = MeasuredLatency(None, torch.device("cpu"), threads=1)
    found = latency(NET, 16)
    assert found > 0
    assert {(state["kind"], len(images)) for _, images, state in forwards} == {("infer", 16)}
    count = len(forwards)
    assert latency(NET, 16) == found
    assert len(forwards) == count
