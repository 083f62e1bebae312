"""What a network costs, counted on the network itself, built without memory for its weights.

For modules of one's own, which no formula knows. `cost` counts every other network from its spec;
of those both give the same. Counts are of operators as torch runs them, so that it does not matter
whether a module or a function calls for a convolution.
"""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from ablate.errors import InputError
from ablate.networks.model import ResNet, build
from ablate.networks.totals import Cost
from ablate.spec.network import NetSpec

BATCH = 2  # of the images it is run on: torch refuses to normalise a group of a single value


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up MACs, outputs and what is read and written of convolutions and linear layers."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.macs = self.activations = self.moved = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        if name in ("convolution", "mm", "addmm"):
            read, weight = args[1:3] if name == "addmm" else args[:2]
            if name == "convolution" and not args[6]:  # not transposed
                each = prod(weight.shape[1:])
            else:
                each = weight.shape[0]
            self.macs += each * out.numel()
            self.activations += out.numel()
            self.moved += read.numel() + out.numel()
        return out


@functools.cache
def count_built(spec: NetSpec) -> Cost:
    """Cost of the whole network: see `ablate.networks.cost.Layer`.

    Raises:
        InputError: a module of one's own cannot be had, or does not fit.
    """
    costs = [cost for _, cost in count_stages_built(spec).values()]
    return Cost(*(sum(getattr(cost, name) for cost in costs) for name in Cost.__annotations__))


@functools.cache
def count_stages_built(spec: NetSpec) -> dict[str, tuple[int, Cost]]:
    """Output size in pixels and cost of the stem, each stage and the head, in order.

    A whole network of one's own is a single part, `network`, with outputs of one pixel.
    """
    with fitting(spec), torch.device("meta"):
        network = build(spec)
        x = torch.zeros(BATCH, spec.in_channels, spec.image_size, spec.image_size)
        own = (*network.parameters(), *network.buffers())
        held = {one.untyped_storage()._cdata: one for one in own}
        found = {}
        for name, part in _parts(network):
            expected = _expected(spec, name)
            counted, x = _count(part, x, held)
            if expected is not None and tuple(x.shape[1:2]) != (expected,):
                raise InputError(
                    f"the {name} gives {tuple(x.shape)}; expected {expected} channels in axis 1"
                )
            found[name] = (x.shape[-1] if x.dim() == 4 else 1, counted)
        if tuple(x.shape) != (BATCH, spec.num_classes):
            raise InputError(
                f"it gives {tuple(x.shape)} for {BATCH} images; expected ({BATCH}, "
                f"{spec.num_classes}), the logits of {spec.num_classes} classes"
            )
    return found


def _parts(network: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    if not isinstance(network, ResNet):
        yield "network", network
        return
    yield "stem", network.stem
    for number, stage in enumerate(network.stages, start=1):
        yield f"stage {number}", stage
    yield "head", network.head


def _expected(spec: NetSpec, part: str) -> int | None:
    """Channels that leave a part, where its spec says so."""
    if part == "stem":
        return spec.stem_out
    if part.startswith("stage "):
        stage = int(part.split()[1]) - 1
        return spec.block_widths[stage][-1] * spec.expansions[stage]
    return None


def _count(part: nn.Module, x: Tensor, held: dict[int, Tensor]) -> tuple[Cost, Tensor]:
    """Cost of a part for the images x, and what it gives; `held` is what autograd keeps so far."""
    counter, before = _Counter(), _elements(held)

    def hold(tensor: Tensor) -> Tensor:
        held.setdefault(tensor.untyped_storage()._cdata, tensor)
        return tensor

    with counter, torch.autograd.graph.saved_tensors_hooks(hold, lambda tensor: tensor):
        out = part(x)
    if not isinstance(out, Tensor):
        raise InputError(f"it gives {type(out).__name__}; expected a tensor")
    params = sum(weight.numel() for weight in part.parameters() if weight.requires_grad)
    sums = (counter.macs, counter.activations, counter.moved, _elements(held) - before)
    macs, activations, moved, kept = (number // BATCH for number in sums)
    return Cost(params, macs, activations, moved, kept), out


def _elements(held: dict[int, Tensor]) -> int:
    """How many numbers of four bytes are held."""
    return sum(one.untyped_storage().nbytes() for one in held.values()) // 4


@contextmanager
def fitting(spec: NetSpec) -> Iterator[None]:
    """Within it, what a module of one's own raises becomes one line that names it.

    Raises:
        InputError: what went wrong.
    """
    names = ", ".join(dict.fromkeys(use.use for use in spec.own))
    try:
        yield
    except InputError as error:
        raise InputError(str(error) if names in str(error) else f"{names}: {error}") from error
    except Exception as error:
        if not spec.own:
            raise
        line = " ".join(str(error).split())[:300]
        raise InputError(
            f"{names}: does not fit a network for images of {spec.in_channels} x "
            f"{spec.image_size} x {spec.image_size}: {line}"
        ) from error
