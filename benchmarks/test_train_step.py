"""A training step and inference of each width rule, on CUDA where there is one."""

import pytest
import torch
import torch.nn.functional as F
from pytest_benchmark.fixture import BenchmarkFixture

from ablate.networks.model import build
from ablate.networks.widths import GROWTH_RULES, stage_widths
from ablate.spec.network import NetSpec
from ablate.training.machine import describe, pick_device

BATCH = 128
DEVICE = torch.device(pick_device("auto"))


def finish() -> None:
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


@pytest.mark.parametrize("rule", GROWTH_RULES)
@pytest.mark.parametrize("what", ["train step", "inference"])
def test_width_rule(benchmark: BenchmarkFixture, rule: str, what: str) -> None:
    spec = NetSpec(widths=stage_widths(16, rule, 3))
    torch.manual_seed(0)
    network = build(spec).to(DEVICE).train(what == "train step")
    images = torch.randn(BATCH, 3, 32, 32, device=DEVICE)
    labels = torch.randint(10, (BATCH,), device=DEVICE)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.0, momentum=0.9, nesterov=True)

    def train() -> None:
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(network(images), labels).backward()
        optimizer.step()
        finish()

    @torch.inference_mode()
    def infer() -> None:
        network(images)
        finish()

    benchmark.group = f"{what}, batch {BATCH}, {describe(str(DEVICE))['device']}"
    benchmark(train if what == "train step" else infer)
    benchmark.extra_info["images_per_s"] = BATCH / benchmark.stats.stats.median
