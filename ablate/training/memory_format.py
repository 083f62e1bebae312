"""Contiguous or channels_last: the faster of the two, where both compute the same."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ablate.networks.model import build
from ablate.networks.parts import NARROW
from ablate.spec.network import NetSpec
from ablate.spec.recipe import TrainSpec
from ablate.training.execution import Execution
from ablate.training.timing import speed_ratio, time_calls
from ablate.training.workload import make_network, random_batch, training_step

ENOUGH = 1.02  # times as fast, at least, for a change of layout
CHECKED_IMAGES, TOLERANCE = 8, 1e-3


@dataclass(frozen=True)
class Layout:
    """What the probe chose.

    Args:
        channels_last: the choice.
        gain: speed of a training step in channels_last over contiguous; None where not timed.
        why: the choice, in words.
    """

    channels_last: bool
    gain: float | None
    why: str


def pick_layout(
    nets: Sequence[NetSpec],
    train: TrainSpec,
    execution: Execution,
    seconds: float = 0.5,
    within: float = math.inf,
) -> Layout:
    """One layout for all arms, timed on the first of `nets` with nothing else running.

    It is channels_last where the gradient of every network agrees with the contiguous one, and the
    lower end of the 95% interval of its gain is at least `ENOUGH`. Modules of one's own may have a
    convolution that oneDNN gets wrong, which the networks of `build` do without.

    Args:
        nets: the arms; the first is the baseline.
        train: its recipe.
        execution: how one worker runs.
        seconds, within: of the timing, as in `timing.time_calls`.
    """
    refused = _refused(nets, execution)
    if refused is not None:
        return refused
    layouts = [replace(execution, channels_last=last) for last in (False, True)]
    contiguous, channels_last = time_calls(
        [partial(training_step, nets[0], train, layout) for layout in layouts],
        execution,
        seconds,
        within,
    )
    if contiguous is None or channels_last is None:
        return Layout(False, None, "contiguous: out of memory in the probe")
    gain = speed_ratio(contiguous, channels_last)
    chosen = gain.low >= ENOUGH
    return Layout(
        chosen,
        gain.value,
        f"{'channels_last' if chosen else 'contiguous'}: a training step of the baseline is "
        f"{gain.value:.2f} [{gain.low:.2f}, {gain.high:.2f}] times as fast in channels_last "
        f"({len(contiguous)} rounds)",
    )


def usual_layout(nets: Sequence[NetSpec], execution: Execution) -> Layout:
    """One layout for all arms, without a timing: channels_last on a CPU, where it is right."""
    if not execution.device.startswith("cpu"):
        return Layout(False, None, "contiguous: not timed before a training this short")
    refused = _refused(nets, execution)
    return refused or Layout(True, None, "channels_last: not timed before a training this short")


def _refused(nets: Sequence[NetSpec], execution: Execution) -> Layout | None:
    """Why channels_last is not right for all of these networks, if it is not."""
    for net in nets:
        if net.own and _lacks_avx512(execution) and _has_trap(net):
            own = ", ".join(dict.fromkeys(use.use for use in net.own))
            return Layout(
                False,
                None,
                f"contiguous: a narrow 1x1 convolution with a stride in {own}, and no AVX-512",
            )
    for net in nets:
        error = gradient_error(net, execution)
        if not error < TOLERANCE:  # nor if it is no number
            return Layout(False, None, f"contiguous: channels_last gradients differ by {error:.1%}")
    return None


def gradient_error(net: NetSpec, execution: Execution) -> float:
    """Distance of the channels_last gradient from the contiguous one, over the latter's length.

    Of all parameters together, in float64 sums, for one batch of `CHECKED_IMAGES` random images.
    The activation is a smooth one in place of the network's, and nothing is dropped: a ReLU of
    what rounding takes across zero would differ by far more than what is computed wrongly, and
    dropout draws in the order of the layout.
    """
    net = net if net.net else replace(net, activation="silu", drop_path=0.0, dropout=0.0)
    contiguous, channels_last = (
        _gradient(net, replace(execution, channels_last=last, compiled=False))
        for last in (False, True)
    )
    return float((channels_last - contiguous).norm() / contiguous.norm())


def _gradient(net: NetSpec, execution: Execution) -> Tensor:
    network = make_network(net, execution)
    images, labels = random_batch(net, CHECKED_IMAGES, execution)
    F.cross_entropy(network(images), labels).backward()  # type: ignore[no-untyped-call]
    gradients = [weight.grad for weight in network.parameters() if weight.grad is not None]
    return torch.cat([gradient.flatten().double() for gradient in gradients])


def _has_trap(net: NetSpec) -> bool:
    """Whether a 1x1 convolution with a stride reads fewer than `NARROW` channels (oneDNN 6035)."""
    with torch.device("meta"):
        convs = [module for module in build(net).modules() if isinstance(module, nn.Conv2d)]
    return any(
        conv.kernel_size == (1, 1) and max(conv.stride) > 1 and conv.in_channels < NARROW
        for conv in convs
    )


def _lacks_avx512(execution: Execution) -> bool:
    on_cpu = execution.device == "cpu"
    return on_cpu and "AVX512" not in torch.backends.cpu.get_cpu_capability()
