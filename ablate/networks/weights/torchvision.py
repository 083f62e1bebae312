"""What torchvision's residual networks have in each of their stages, read off the modules."""

from collections.abc import Iterable, Iterator

import pandas as pd
import torch
from torch import nn

from ablate.errors import fitting_torchvision

with fitting_torchvision():
    import torchvision
    from torchvision.models import resnet

SIDE = 224  # pixels
COLUMNS = (
    *("network", "stage", "block", "planes", "inner_width", "out_width", "blocks"),
    *("in_side", "out_side", "halved"),
)


def residual_networks() -> list[str]:
    """torchvision's residual networks, by the names that its `get_model` takes."""
    models = torchvision.models
    return [
        name
        for name in models.list_models()
        if models.get_model_builder(name).__module__ == resnet.__name__
    ]


def stage_table(names: Iterable[str]) -> pd.DataFrame:
    """One row a network and stage: `COLUMNS`, without any weights.

    Widths are in channels and read off the modules. Planes are torchvision's word for a block's
    width before expansion. Sides are in pixels, of a forward pass with an image of 224x224 that
    computes shapes alone; `halved` is whether the stage halves that of what it is given.

    Args:
        names: some of `residual_networks`.
    """
    return pd.DataFrame([row for name in names for row in _stages(name)], columns=COLUMNS)


def _stages(name: str) -> Iterator[tuple[str | int | bool, ...]]:
    with torch.device("meta"):
        net = torchvision.models.get_model(name, weights=None).eval()
        image = torch.empty(1, 3, SIDE, SIDE)
    with torch.inference_mode():
        features = net.maxpool(net.relu(net.bn1(net.conv1(image))))
        for number in range(1, 5):
            blocks = net.get_submodule(f"layer{number}")
            given, features = features.shape[-1], blocks(features)
            side = features.shape[-1]
            (widths,) = {_widths(block) for block in blocks}  # the same in all blocks of a stage
            yield name, number, *widths, len(blocks), given, side, 2 * side == given


def _widths(block: nn.Module) -> tuple[str, int, int, int]:
    """Name of a block, its planes, and the channels within it and out of it."""
    if isinstance(block, resnet.BasicBlock):
        kind, inner, last = "basic", block.conv1, block.conv2
    else:
        assert isinstance(block, resnet.Bottleneck), type(block)
        kind, inner, last = "bottleneck", block.conv2, block.conv3
    out = last.out_channels
    return kind, out // block.expansion, inner.out_channels, out
