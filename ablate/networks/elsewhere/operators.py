"""What the operators of any built network do, counted as torch starts them: no data, no device.

On the meta device tensors have shapes alone, so that counting takes a moment. The same count is
made of the networks whose timings are fitted and of those that are predicted.
"""

import functools
import math
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from ablate.networks.elsewhere.prediction import Operators
from ablate.networks.model import build
from ablate.spec.network import NetSpec

BATCH = 10_007  # images; a prime that divides the first size of a tensor of images, of no weight
PRODUCTS = ("addmm", "mm", "bmm")


@functools.cache
def operators_of(spec: NetSpec) -> Operators:
    """Build the network, without weights, and count its operators in eval mode."""
    with torch.device("meta"):
        network = build(spec)
    return count_operators(network, spec.in_channels, spec.image_size)


def count_operators(network: nn.Module, channels: int, side: int) -> Operators:
    """Count the forward pass of a network on the meta device, in eval mode.

    Args:
        network: all its parameters on the meta device; left in eval mode.
        channels, side: of the images.
    """
    counted = _Counted()
    with torch.no_grad(), counted:
        network.eval()(torch.empty(BATCH, channels, side, side, device="meta"))
    return Operators(side=side, **counted.sums)


class _Counted(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up every operator that runs under it."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        names = "dense grouped outputs moved group_normed weights operators"
        self.sums: dict[str, float] = dict.fromkeys(names.split(), 0.0)

    def __torch_dispatch__(
        self,
        func: Any,
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        made: Any = func(*args, **(kwargs or {}))
        read = _tensors(args)
        if read and not func.is_view:
            self._add(func.overloadpacket.__name__, args, read, _tensors((made,))[:1])
        return made

    def _add(
        self,
        name: str,
        args: tuple[Any, ...],
        read: list[torch.Tensor],
        written: list[torch.Tensor],
    ) -> None:
        self.sums["operators"] += 1
        outputs = _of_images(written)
        if name == "convolution" or name in PRODUCTS:
            weight = args[2] if name == "addmm" else args[1]
            groups = args[8] if name == "convolution" else 1
            each = math.prod(weight.shape[1:]) if name == "convolution" else weight.shape[-2]
            self.sums["dense" if groups == 1 else "grouped"] += outputs * each
            self.sums["outputs"] += outputs
            self.sums["weights"] += 0 if _holds_images(weight) else weight.numel()
            return
        moved = _of_images(read) + outputs
        self.sums["moved"] += moved
        self.sums["group_normed"] += moved if name == "native_group_norm" else 0


def _tensors(values: Iterable[Any]) -> list[torch.Tensor]:
    """The tensors among arguments, and in lists of them."""
    lists = (value if isinstance(value, list | tuple) else (value,) for value in values)
    return [one for value in lists for one in value if isinstance(one, torch.Tensor)]


def _of_images(tensors: Iterable[torch.Tensor]) -> float:
    """Elements an image of those tensors that hold images."""
    return sum(one.numel() for one in tensors if _holds_images(one)) / BATCH


def _holds_images(tensor: torch.Tensor) -> bool:
    """Whether images come first, by themselves or times the heads of an attention."""
    return tensor.dim() > 0 and tensor.shape[0] > 0 and tensor.shape[0] % BATCH == 0
