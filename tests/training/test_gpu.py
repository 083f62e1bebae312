"""The same code on a GPU: trains, counts the same work, and says which device it was."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from ablate.data.dataset import Dataset, load
from ablate.networks.model import build
from ablate.spec.choices import Precision
from ablate.spec.network import NetSpec
from ablate.spec.recipe import TrainSpec
from ablate.spec.trial import DataSpec, TrialSpec
from ablate.training.execution import Execution
from ablate.training.loop import fit
from ablate.training.machine import pick_device
from ablate.training.throughput import MeasuredLatency, time_arms, train_rate
from ablate.training.trial import run_trial

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]
NET = NetSpec(widths=(8, 16, 32), in_channels=1, image_size=8)


def test_a_trial_trains_on_the_gpu() -> None:
    execution = Execution(device=pick_device("auto"))
    assert execution.device.startswith("cuda")
    spec = TrialSpec(net=NET, train=TrainSpec(epochs=5, batch_size=64), data=DataSpec(), seed=0)
    data = load(spec.data, Path("nowhere")).to(torch.device(execution.device))
    row = run_trial(spec, data, execution).row
    assert row["state"] == "complete"
    assert row["test_accuracy"] > 0.8
    assert row["device"] == f"cuda: {torch.cuda.get_device_name()}"
    assert row["driver"]


def test_each_recipe_trains_on_the_gpu_with_the_draws_of_the_cpu(digits: Dataset) -> None:
    train = TrainSpec(
        epochs=2, batch_size=64, optimizer="adamw", lr=0.01, mixup=0.4, ema=0.9, schedule="step"
    )
    losses: dict[str, list[float]] = {}
    for device in ("cpu", "cuda"):
        torch.manual_seed(0)
        network = build(NET).to(device)
        told = losses.setdefault(device, [])
        data = digits.to(torch.device(device))
        fit(network, data, train, 0, lambda epoch, told=told: told.append(epoch.train_loss))
    assert losses["cuda"] == pytest.approx(losses["cpu"], rel=0.02)


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_arms_are_timed_on_the_gpu(
    digits: Dataset, precision: Precision, channels_last: bool
) -> None:
    execution = Execution(device="cuda", channels_last=channels_last)
    train = TrainSpec(batch_size=64, precision=precision, crop_padding=1, flip=True)
    wider = NetSpec(widths=(16, 32, 64), in_channels=1, image_size=8)
    rows = time_arms([NET, wider], train, digits, execution, seconds=0.1)
    for row in rows:
        assert row["throughput_note"] is None
        assert json.loads(str(row["gpu_state"]))
        for name in ("train", "infer", "epoch"):
            assert float(row[f"{name}_images_per_s"] or 0) > 0
            assert float(row[f"{name}_ratio"] or 0) > 0
    assert train_rate(NET, train, execution, seconds=0.1) > 0
    assert MeasuredLatency(None, torch.device("cuda"), threads=1)(NET, 64) > 0


def test_the_generator_of_the_gpu_is_left_as_it_was(digits: Dataset) -> None:
    torch.cuda.manual_seed(7)
    before = torch.cuda.get_rng_state()
    time_arms([NET], TrainSpec(batch_size=64), digits, Execution(device="cuda"), seconds=0.0)
    assert torch.equal(torch.cuda.get_rng_state(), before)


@pytest.fixture
def half_a_gib() -> Iterator[None]:
    """The allocator refuses what goes beyond it."""
    whole = torch.cuda.get_device_properties("cuda").total_memory
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(2**29 / whole)
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)


@pytest.mark.usefixtures("half_a_gib")
def test_an_arm_that_the_gpu_has_no_room_for_is_left_out(digits: Dataset) -> None:
    """One activation of its first stage takes 128 MiB."""
    vast = NetSpec(widths=(512, 512, 512), in_channels=1, image_size=8)
    train, execution = TrainSpec(batch_size=1024), Execution(device="cuda")
    small, large = time_arms([NET, vast], train, digits, execution, seconds=0.0)
    assert small["throughput_note"] is None
    assert small["train_ratio"] == 1
    assert large["train_images_per_s"] is None
    assert "train: out of memory at batch 1024" in str(large["throughput_note"])


def test_the_gpu_computes_what_the_cpu_does() -> None:
    torch.manual_seed(0)
    network, images = build(NET).eval(), torch.randn(16, 1, 8, 8)
    with torch.inference_mode():
        expected = network(images)
        found = network.cuda()(images.cuda()).cpu()
    torch.testing.assert_close(found, expected, rtol=1e-2, atol=1e-2)
