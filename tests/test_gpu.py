"""The same code on a GPU: trains, counts the same work, and says which device it was."""

from pathlib import Path

import pytest
import torch

from ablate.data import load
from ablate.machine import pick_device
from ablate.model import build
from ablate.spec import DataSpec, NetSpec, TrainSpec, TrialSpec
from ablate.throughput import measure
from ablate.trial import run_trial

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]
NET = NetSpec(widths=(8, 16, 32), in_channels=1, image_size=8)


def test_a_trial_trains_on_the_gpu() -> None:
    device = torch.device(pick_device("auto"))
    assert device.type == "cuda"
    spec = TrialSpec(net=NET, train=TrainSpec(epochs=5, batch_size=64), data=DataSpec(), seed=0)
    row = run_trial(spec, load(spec.data, Path("nowhere")).to(device), device).row
    assert row["state"] == "complete"
    assert row["test_accuracy"] > 0.8
    assert row["device"] == f"cuda: {torch.cuda.get_device_name()}"
    assert row["driver"]


def test_throughput_is_measured_on_the_gpu() -> None:
    rates = measure(NET, TrainSpec(), torch.device("cuda"), threads=1, seconds=0.2)
    assert rates.infer_images_per_s > 0
    assert rates.train_images_per_s > 0


def test_the_gpu_computes_what_the_cpu_does() -> None:
    torch.manual_seed(0)
    network, images = build(NET).eval(), torch.randn(16, 1, 8, 8)
    with torch.inference_mode():
        expected = network(images)
        found = network.cuda()(images.cuda()).cpu()
    torch.testing.assert_close(found, expected, rtol=1e-2, atol=1e-2)
