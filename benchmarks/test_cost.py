"""Building and counting ResNet-50: each group against the peer that a user would reach for."""

import warnings

import pytest
import torch
import torchvision
from pytest_benchmark.fixture import BenchmarkFixture

from ablate.networks import cost, fvcore_cost
from ablate.networks.model import build
from ablate.spec.network import NetSpec

RESNET50 = NetSpec(
    widths=(64, 128, 256, 512), depths=(3, 4, 6, 3), strides=(1, 2, 2, 2), block="bottleneck",
    stem="imagenet", num_classes=1000, image_size=224,
)  # fmt: skip


def fvcore_by_default() -> float:
    """What fvcore's documentation shows: trace the network as it is and add up."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*torch.jit.*")
        from fvcore.nn import FlopCountAnalysis

        network = torchvision.models.resnet50().eval()
        return float(FlopCountAnalysis(network, torch.zeros(1, 3, 224, 224)).total())


@pytest.mark.benchmark(group="build resnet50")
def test_build_ablate(benchmark: BenchmarkFixture) -> None:
    benchmark(build, RESNET50)


@pytest.mark.benchmark(group="build resnet50")
def test_build_torchvision(benchmark: BenchmarkFixture) -> None:
    benchmark(torchvision.models.resnet50)


@pytest.mark.benchmark(group="count resnet50")
def test_count_from_the_spec(benchmark: BenchmarkFixture) -> None:
    assert benchmark(cost.count, RESNET50).macs == 4_089_184_256


@pytest.mark.benchmark(group="count resnet50")
def test_count_the_built_network(benchmark: BenchmarkFixture) -> None:
    uncached = fvcore_cost.measure.__wrapped__
    assert benchmark(uncached, RESNET50).macs == 4_089_184_256


@pytest.mark.benchmark(group="count resnet50")
def test_count_fvcore_on_torchvision(benchmark: BenchmarkFixture) -> None:
    assert benchmark(fvcore_by_default) == 4_111_512_576
