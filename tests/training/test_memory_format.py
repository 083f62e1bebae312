"""The layout: never where it computes something else, and only where it is faster beyond noise."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook

from ablate.spec.network import NetSpec
from ablate.spec.own import Use
from ablate.spec.recipe import TrainSpec
from ablate.training import memory_format, workload
from ablate.training.execution import Execution
from ablate.training.memory_format import (
    ENOUGH,
    TOLERANCE,
    Layout,
    gradient_error,
    pick_layout,
    usual_layout,
)
from ablate.training.timing import Times

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = Execution()
RECIPE = TrainSpec(batch_size=16)
# Wide enough for a convolution that every CPU gets right.
NET = NetSpec(widths=(8, 16), depths=(1, 1), strides=(1, 2), in_channels=1, image_size=8)
NARROW = replace(NET, widths=(4, 8))  # a 1x1 convolution with stride 2 reads 4 channels
Timed = Sequence[Times | None]


@pytest.fixture
def capability(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Give the CPU other instructions, as torch names them."""
    return lambda name: monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: name)


@pytest.fixture
def all_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """No convolution is run to compare gradients."""
    monkeypatch.setattr(memory_format, "gradient_error", lambda *_: 1e-7)


def times(ratios: Sequence[float]) -> list[Times]:
    """Of both layouts, channels_last being so many times as fast in each round."""
    contiguous = np.linspace(1.0, 2.0, len(ratios))[:, None] * np.array([0.9, 1.1])
    return [contiguous, contiguous / np.array(ratios)[:, None]]


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> Callable[[Timed], None]:
    """Let the timing of both layouts give this."""
    return lambda given: monkeypatch.setattr(memory_format, "time_calls", lambda *_: list(given))


def must_not_run(*_: object) -> None:
    pytest.fail("a convolution that is computed wrongly would have been run")


# The trap


@pytest.fixture
def own_trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NetSpec:
    """A network whose shortcut is a module of one's own, with the convolution in question."""
    (tmp_path / "trapped.py").write_text(
        "from torch import nn\n\n"
        "def shortcut(in_width, out_width, stride):\n"
        "    return nn.Conv2d(in_width, out_width, 1, stride)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    return replace(NARROW, shortcut=Use(use="trapped:shortcut"))


@pytest.mark.parametrize("place", [0, 1])
def test_one_module_of_ones_own_with_the_trap_is_enough(
    own_trap: NetSpec,
    capability: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    place: int,
) -> None:
    capability("AVX2")
    monkeypatch.setattr(memory_format, "gradient_error", must_not_run)
    monkeypatch.setattr(memory_format, "time_calls", must_not_run)
    nets = [NET]
    nets.insert(place, own_trap)
    assert pick_layout(nets, RECIPE, CPU) == Layout(
        channels_last=False,
        gain=None,
        why="contiguous: a narrow 1x1 convolution with a stride in trapped:shortcut, and no "
        "AVX-512",
    )


@pytest.mark.usefixtures("all_agree")
@pytest.mark.parametrize(
    ("name", "changes", "device"),
    [
        ("AVX512", {}, "cpu"),
        ("AVX512_VNNI", {}, "cpu"),
        ("AVX2", {}, "cuda:0"),  # which does not use the library with the trap
        ("AVX2", {"widths": (8, 8)}, "cpu"),
        ("AVX2", {"strides": (1, 1)}, "cpu"),
    ],
)
def test_elsewhere_there_is_no_trap(
    own_trap: NetSpec,
    capability: Callable[[str], None],
    timed: Callable[[Timed], None],
    name: str,
    changes: dict[str, Any],
    device: str,
) -> None:
    capability(name)
    timed(times([1.5] * 5))
    found = pick_layout([replace(own_trap, **changes)], RECIPE, replace(CPU, device=device))
    assert found.channels_last


@pytest.mark.usefixtures("all_agree")
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"shortcut": "C"},
        {"block": "bottleneck", "expansion": 1, "stride_conv": "1x1"},
        {"stem_kernel": 1, "stem_stride": 2},
    ],
    ids=str,
)
def test_narrow_networks_of_ablate_have_no_trap(
    capability: Callable[[str], None], timed: Callable[[Timed], None], changes: dict[str, Any]
) -> None:
    capability("AVX2")
    timed(times([1.5] * 5))
    assert pick_layout([replace(NARROW, **changes)], RECIPE, CPU).channels_last


# Gradients


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"preact": True, "shortcut": "A"},
        {"norm": "group", "activation": "silu"},
        {"norm": "none", "shortcut": "D"},
        {"block": "bottleneck", "groups": 2, "shortcut": "C"},
        {"stem": "deep", "stem_width": 8, "downsample": "max", "antialias": True},
        {"widths": (4, 8)},
        {"dropout": 0.5, "drop_path": 0.5},
        {"widths": (16, 32), "depths": (3, 3), "image_size": 32},
    ],
    ids=str,
)
def test_both_layouts_have_the_same_gradient(changes: dict[str, Any]) -> None:
    assert gradient_error(replace(NET, **{"image_size": 16, **changes}), CPU) < TOLERANCE / 10


def test_the_error_is_relative_to_the_contiguous_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    gradients = {False: torch.tensor([3.0, 4.0]), True: torch.tensor([3.0, 4.5])}
    monkeypatch.setattr(
        memory_format, "_gradient", lambda _, run: gradients[run.channels_last].double()
    )
    assert gradient_error(NET, CPU) == pytest.approx(0.1)


def test_comparing_leaves_the_generator_alone() -> None:
    before = torch.get_rng_state()
    gradient_error(NET, CPU)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.fixture
def one_wrong_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    """In channels_last the gradient of the last 16 channels' convolutions is a little too large."""
    real = workload.place

    def place(network: nn.Module, execution: Execution) -> nn.Module:
        real(network, execution)
        for weight in network.parameters():
            if execution.channels_last and weight.ndim == 4 and len(weight) == 16:
                weight.register_hook(lambda gradient: gradient * 1.1)
        return network

    monkeypatch.setattr(workload, "place", place)


@pytest.mark.usefixtures("one_wrong_gradient")
def test_a_gradient_that_differs_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_format, "time_calls", must_not_run)
    error = gradient_error(NET, CPU)
    assert 0.001 < error < 0.1
    same = replace(NET, widths=(8, 12))
    assert gradient_error(same, CPU) < TOLERANCE / 10
    assert pick_layout([same, NET, same], RECIPE, CPU) == Layout(
        channels_last=False,
        gain=None,
        why=f"contiguous: channels_last gradients differ by {error:.1%}",
    )


def test_a_network_that_is_computed_otherwise_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    real = workload.place

    def place(network: nn.Module, execution: Execution) -> nn.Module:
        if execution.channels_last:
            with torch.no_grad():
                for weight in network.parameters():
                    weight *= 1.5
        return real(network, execution)

    monkeypatch.setattr(workload, "place", place)
    assert gradient_error(NET, CPU) > 0.1
    found = pick_layout([NET], RECIPE, CPU, seconds=0.0)
    assert not found.channels_last
    assert found.why.startswith("contiguous: channels_last gradients differ by ")


@pytest.mark.parametrize("errors", [(float("nan"), 1e-7), (1e-7, float("nan"))])
def test_a_gradient_that_is_no_number_in_any_network_is_seen(
    monkeypatch: pytest.MonkeyPatch,
    timed: Callable[[Timed], None],
    errors: tuple[float, float],
) -> None:
    of = dict(zip((NET, NARROW), errors, strict=True))
    monkeypatch.setattr(memory_format, "gradient_error", lambda net, _: of[net])
    timed(times([1.5] * 5))
    assert not pick_layout([NET, NARROW], RECIPE, CPU).channels_last


# Without a timing


def test_without_a_timing_a_cpu_has_channels_last_where_it_is_right(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory_format, "time_calls", must_not_run)
    assert usual_layout([NET, NARROW], CPU).channels_last
    assert not usual_layout([NET], replace(CPU, device="cuda:0")).channels_last
    monkeypatch.setattr(memory_format, "gradient_error", lambda net, _: float(net == NARROW))
    found = usual_layout([NET, NARROW], CPU)
    assert found.why == "contiguous: channels_last gradients differ by 100.0%"


# Speed


@pytest.mark.usefixtures("all_agree")
@pytest.mark.parametrize(
    ("ratios", "chosen"),
    [
        ([1.2, 1.25, 1.3, 1.25, 1.2], True),  # a clear gain
        ([ENOUGH + 0.001] * 5, True),
        ([ENOUGH - 0.001] * 5, False),  # clear, but too little
        ([0.9, 1.0, 1.1, 1.3, 1.4], False),  # a gain on average, within noise
        ([0.7] * 5, False),  # a loss
    ],
    ids=str,
)
def test_the_lower_end_of_the_interval_decides(
    timed: Callable[[Timed], None], ratios: list[float], chosen: bool
) -> None:
    timed(times(ratios))
    found = pick_layout([NET], RECIPE, CPU)
    assert found.channels_last is chosen
    assert found.gain == pytest.approx(np.median(ratios))
    name = "channels_last" if chosen else "contiguous"
    assert found.why.startswith(f"{name}: a training step of the baseline is {found.gain:.2f} [")
    assert found.why.endswith("] times as fast in channels_last (5 rounds)")


@pytest.mark.usefixtures("all_agree")
@pytest.mark.parametrize("missing", [{0}, {1}, {0, 1}])
def test_without_memory_the_layout_stays(timed: Callable[[Timed], None], missing: set[int]) -> None:
    timed([None if place in missing else own for place, own in enumerate(times([1.5] * 5))])
    assert pick_layout([NET], RECIPE, CPU) == Layout(
        channels_last=False, gain=None, why="contiguous: out of memory in the probe"
    )


@pytest.fixture
def widths_and_layouts() -> Iterator[list[tuple[int, bool]]]:
    """Of the convolutions that are run: channels out, and whether they are channels_last."""
    seen: list[tuple[int, bool]] = []

    def look(module: nn.Module, _: object) -> None:
        if isinstance(module, nn.Conv2d) and module.in_channels == module.out_channels:
            last = module.weight.is_contiguous(memory_format=torch.channels_last)
            seen.append((module.out_channels, last))

    handle = register_module_forward_pre_hook(look)
    yield seen
    handle.remove()


@pytest.mark.usefixtures("all_agree")
def test_training_steps_of_the_baseline_in_both_layouts_are_timed(
    monkeypatch: pytest.MonkeyPatch, widths_and_layouts: list[tuple[int, bool]]
) -> None:
    asked: list[tuple[Execution, float]] = []

    def time_calls(makers: Any, execution: Execution, seconds: float, within: float) -> Timed:
        asked.append((execution, seconds))
        for make in makers:
            make()()
        return times([1.5] * 5)

    monkeypatch.setattr(memory_format, "time_calls", time_calls)
    assert pick_layout([NET, replace(NET, widths=(24, 24))], RECIPE, CPU, seconds=0.5).channels_last
    assert {width for width, _ in widths_and_layouts} == {8, 16}
    kinds = [last for _, last in widths_and_layouts]
    assert kinds == [False] * (len(kinds) // 2) + [True] * (len(kinds) // 2)
    assert asked == [(CPU, 0.5)]


def test_a_real_probe_gives_a_gain_and_its_reason() -> None:
    found = pick_layout([NET], RECIPE, CPU, seconds=0.0)
    assert found.gain is not None
    assert 0.05 < found.gain < 20
    assert found.why.startswith(CPU.memory_format) != found.channels_last
    assert f"{found.gain:.2f} [" in found.why
