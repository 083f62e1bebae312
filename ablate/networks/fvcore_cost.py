"""What a built network costs, counted by fvcore on a copy in eval mode: the recorded columns.

fvcore's "flop" is one multiply-accumulate (MAC). In train mode it would count five operations an
element of batch norm instead of two and move the running statistics, hence the copy.
"""

import copy
import functools
import json
import logging
import warnings
from dataclasses import dataclass

import torch
from torch import nn

from ablate.networks.model import build
from ablate.spec.network import NetSpec


@dataclass(frozen=True)
class FvcoreCost:
    """Counts of a network for one image.

    Args:
        params: trainable parameters.
        macs: of convolutions and linear layers.
        macs_total: all that fvcore counts: norms and adaptive pooling too.
        unsupported_ops: operators that fvcore met and did not count, by number of calls.
    """

    params: int
    macs: int
    macs_total: int
    unsupported_ops: dict[str, int]

    @property
    def unsupported_json(self) -> str:
        """`unsupported_ops` as JSON with sorted keys."""
        return json.dumps(self.unsupported_ops, sort_keys=True)


@functools.cache
def measure(spec: NetSpec) -> FvcoreCost:
    """Build the network, without drawing weights, and count it; once for each spec."""
    with torch.device("meta"):
        network = build(spec)
    image = (spec.in_channels, spec.image_size, spec.image_size)
    return _measure(network.to_empty(device="cpu"), image)


def measure_module(network: nn.Module, image: tuple[int, int, int]) -> FvcoreCost:
    """Count any network on one image of shape (C, H, W); the network itself is not touched."""
    return _measure(copy.deepcopy(network).cpu(), image)


def _measure(network: nn.Module, image: tuple[int, int, int]) -> FvcoreCost:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*torch.jit.*")
        from fvcore.nn import FlopCountAnalysis

        logging.getLogger("fvcore.nn.jit_analysis").setLevel(logging.ERROR)
        # Two images: torch refuses to normalise a group of a single value.
        flops = FlopCountAnalysis(network.eval(), torch.zeros(2, *image))
        flops.unsupported_ops_warnings(False)
        by_operator = flops.by_operator()
        return FvcoreCost(
            params=sum(p.numel() for p in network.parameters() if p.requires_grad),
            macs=int(by_operator["conv"] + by_operator["linear"]) // 2,
            macs_total=int(flops.total()) // 2,
            unsupported_ops={str(op): int(n) for op, n in flops.unsupported_ops().items()},
        )
