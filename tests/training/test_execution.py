"""How a network is run: set up as asked, undone when asked, and nothing of it in the weights."""

import os
import platform
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from ablate.networks.model import build
from ablate.spec.network import NetSpec
from ablate.spec.recipe import TrainSpec
from ablate.training.execution import Execution, dtype_name, keep_freed_memory, place, set_up

pytestmark = pytest.mark.usefixtures("torch_as_it_was")
CPU = Execution()
NET = NetSpec(widths=(8, 16), depths=(1, 1), strides=(1, 2), in_channels=1, image_size=8)
WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"


def convolutions(network: nn.Module) -> list[nn.Conv2d]:
    return [module for module in network.modules() if isinstance(module, nn.Conv2d)]


# The layout and the device


def test_the_layout_has_its_name() -> None:
    assert CPU.memory_format == "contiguous"
    assert replace(CPU, channels_last=True).memory_format == "channels_last"


@pytest.mark.parametrize("channels_last", [False, True])
def test_weights_and_activations_have_the_layout(channels_last: bool) -> None:
    network = build(NET)
    if not channels_last:  # so that there is something to do
        network.to(memory_format=torch.channels_last)
    assert place(network, replace(CPU, channels_last=channels_last)) is network
    wide = [conv for conv in convolutions(network) if conv.kernel_size == (3, 3)]
    assert len(wide) == 5
    for conv in wide[1:]:  # a single channel in lies the same in both
        last = conv.weight.is_contiguous(memory_format=torch.channels_last)
        assert (last, conv.weight.is_contiguous()) == (channels_last, not channels_last)
    features = network.stem(torch.randn(2, 1, 8, 8))
    assert features.is_contiguous(memory_format=torch.channels_last) == channels_last
    assert network.stages(features).is_contiguous(memory_format=torch.channels_last) == (
        channels_last
    )


def test_a_layout_changes_no_weight() -> None:
    network = build(NET)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    place(network, replace(CPU, channels_last=True))
    after = network.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_the_network_goes_to_its_device() -> None:
    network = place(build(NET), Execution(device="meta"))
    kept = [*network.parameters(), *network.buffers()]
    assert {tensor.device.type for tensor in kept} == {"meta"}


# Compilation


def test_a_compiled_network_has_the_names_of_one_that_is_not() -> None:
    torch.manual_seed(0)
    plain = place(build(NET), CPU)
    torch.manual_seed(0)
    compiled = place(build(NET), replace(CPU, compiled=True))
    assert list(compiled.state_dict()) == list(plain.state_dict())
    assert [name for name, _ in compiled.named_modules()] == [
        name for name, _ in plain.named_modules()
    ]
    assert compiled._compiled_call_impl is not None
    assert plain._compiled_call_impl is None
    compiled.load_state_dict(plain.state_dict())


class Placed(nn.Module):
    """Stands for a network on any device, and keeps how it was compiled."""

    def __init__(self) -> None:
        super().__init__()
        self.device: Any = None
        self.mode: Any = None

    def to(self, device: torch.device, memory_format: torch.memory_format) -> "Placed":
        self.device = device
        return self

    def compile(self, *, mode: str) -> None:
        self.mode = mode


@pytest.mark.parametrize(
    ("device", "mode"),
    [("cpu", "default"), ("cuda", "reduce-overhead"), ("cuda:1", "reduce-overhead")],
)
def test_cuda_graphs_are_for_gpus(device: str, mode: str) -> None:
    network = Placed()
    place(network, Execution(device=device, compiled=True))
    assert (network.device, network.mode) == (torch.device(device), mode)


# The process


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_process_gets_its_threads(threads: int) -> None:
    torch.set_num_threads(4)
    assert set_up(Execution(threads=threads)) == torch.device("cpu")
    assert torch.get_num_threads() == threads


def put_twice() -> None:
    """An operator whose result can differ, on any device."""
    torch.zeros(3).put_(torch.tensor([0, 0]), torch.tensor([1.0, 2.0]))


def test_determinism_is_set_and_undone() -> None:
    set_up(replace(CPU, deterministic=True))
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.backends.cudnn.benchmark
    assert os.environ[WORKSPACE] == ":4096:8"
    with pytest.raises(RuntimeError, match="deterministic"):
        put_twice()
    set_up(CPU)
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.backends.cudnn.benchmark
    put_twice()


def test_a_workspace_that_the_user_has_set_stays() -> None:
    os.environ[WORKSPACE] = ":16:8"
    set_up(replace(CPU, deterministic=True))
    assert os.environ[WORKSPACE] == ":16:8"


def test_without_determinism_the_environment_is_left_alone() -> None:
    set_up(CPU)
    assert WORKSPACE not in os.environ


# Precision


@pytest.mark.parametrize(
    ("precision", "device", "name"),
    [
        ("float32", "cpu", "float32"),
        ("bfloat16", "cpu", "bfloat16 autocast"),
        ("float32", "cuda:0", "float32 (TF32 convolutions)"),
        ("bfloat16", "cuda:0", "bfloat16 autocast"),
    ],
)
def test_what_is_computed_in(precision: Any, device: str, name: str) -> None:
    assert torch.backends.cudnn.allow_tf32, "torch's default"
    assert dtype_name(TrainSpec(precision=precision), Execution(device=device)) == name


def test_a_gpu_without_tf32_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    assert dtype_name(TrainSpec(), Execution(device="cuda")) == "float32"


# Memory


def test_memory_can_be_kept_twice() -> None:
    keep_freed_memory()
    keep_freed_memory()
    assert torch.ones(2**20).sum() == 2**20


CHURN = """
import resource
import torch
from ablate.training.execution import keep_freed_memory

def faults():
    torch.ones(2**23)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        torch.ones(2**23)  # 32 MiB, as much as glibc ever keeps of its own accord
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

returned = faults()
keep_freed_memory()
print(returned, faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told to keep memory")
def test_kept_memory_is_not_cleared_by_the_kernel_again() -> None:
    printed = subprocess.check_output([sys.executable, "-c", CHURN], text=True)
    returned, kept = map(int, printed.split())
    assert 4 * kept < returned
