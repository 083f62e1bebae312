"""Throughput: numbers that can be true, and nothing changed by taking them."""

import math
from collections.abc import Iterator

import pytest
import torch
from torch.nn.modules.module import register_module_forward_pre_hook

from ablate.record import COLUMNS
from ablate.spec import NetSpec, TrainSpec
from ablate.throughput import Throughput, measure

NET = NetSpec(widths=(4, 8), depths=(1, 1), strides=(1, 2), in_channels=1, image_size=8)
CPU = torch.device("cpu")


@pytest.fixture
def three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def taken(momentum: float = 0.9) -> Throughput:
    return measure(NET, TrainSpec(batch_size=16, momentum=momentum), CPU, threads=1, seconds=0.01)


@pytest.mark.parametrize("momentum", [0.9, 0.0])
def test_rates_are_positive_and_finite(momentum: float) -> None:
    found = taken(momentum)
    for rate in (found.train_images_per_s, found.infer_images_per_s):
        assert math.isfinite(rate)
        assert rate > 0
    for spread in (found.train_images_per_s_iqr, found.infer_images_per_s_iqr):
        assert math.isfinite(spread)
        assert spread >= 0


def test_the_row_says_what_was_timed() -> None:
    row = taken().row()
    assert (row["throughput_batch"], row["throughput_threads"]) == (16, 1)
    assert set(row) == {
        column.name
        for column in COLUMNS
        if column.name.startswith("throughput_") or "images_per_s" in column.name
    }


@pytest.mark.usefixtures("three_threads")
@pytest.mark.parametrize("threads", [1, 2])
def test_the_timed_calls_use_the_threads_asked_for(threads: int) -> None:
    seen = set()
    handle = register_module_forward_pre_hook(lambda *_: seen.add(torch.get_num_threads()))
    try:
        found = measure(NET, TrainSpec(batch_size=16), CPU, threads, seconds=0.01)
    finally:
        handle.remove()
    assert seen == {threads}
    assert found.throughput_threads == threads


@pytest.mark.usefixtures("three_threads")
def test_torch_is_left_as_it_was() -> None:
    torch.manual_seed(7)
    before = torch.get_rng_state()
    taken()
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == 3
    assert torch.is_grad_enabled()
    assert not torch.is_inference_mode_enabled()
