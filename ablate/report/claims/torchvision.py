"""Claims checked against torchvision's own networks: what each stage has, read off the modules."""

from collections.abc import Callable
from pathlib import Path

import torch
import torchvision
from torch import nn
from torchvision.models import resnet

from ablate.errors import InputError, nearest
from ablate.report.claims.file import ClaimsFile, ClaimTable, read_claims
from ablate.report.claims.found import find
from ablate.report.claims.page import plain, write
from ablate.report.claims.verdict import Stage
from ablate.study.find import find_studies, name_or_path

STAGES = ("layer1", "layer2", "layer3", "layer4")
SIDE = 224  # pixels


def check_claims(path: Path, out: Path, say: Callable[[str], None]) -> None:
    """Judge a file of claims; write tables, figure and report to `out`/NAME/torchvision/.

    Args:
        path: the file.
        out: also holds the runs, in STUDY/DATASET/, that claims are linked to.
        say: prints each claim, its verdict and what is right instead.

    Raises:
        InputError: the file, or the table of a run, is not as it should be.
    """
    file = _read(path)
    names = dict.fromkeys(name for claim in file.claims.values() for name in _networks(claim))
    facts = {name: read_network(name) for name in names}
    found = find(path, name_or_path(path), file, facts, out)
    say(plain(found))
    say(f"\nReport: {write(found)}")


def network_names() -> list[str]:
    """torchvision's residual networks, by the names that its `get_model` takes."""
    models = torchvision.models
    return [
        name
        for name in models.list_models()
        if models.get_model_builder(name).__module__ == resnet.__name__
    ]


def read_network(name: str) -> list[Stage]:
    """The stages of a network of torchvision, without its weights.

    Widths are of the modules; sides of a forward pass with an image of 224x224 that computes
    shapes alone.

    Args:
        name: one of `network_names`.
    """
    with torch.device("meta"):
        net = torchvision.models.get_model(name, weights=None).eval()
        image = torch.empty(1, 3, SIDE, SIDE)
    sides: dict[str, tuple[int, int]] = {}

    def hook(stage: str) -> Callable[[nn.Module, tuple[torch.Tensor], torch.Tensor], None]:
        def note(_: nn.Module, given: tuple[torch.Tensor], put_out: torch.Tensor) -> None:
            sides[stage] = given[0].shape[-1], put_out.shape[-1]

        return note

    for stage in STAGES:
        net.get_submodule(stage).register_forward_hook(hook(stage))
    with torch.inference_mode():
        net(image)
    return [_stage(net.get_submodule(stage), *sides[stage]) for stage in STAGES]


def _stage(blocks: nn.Module, in_side: int, out_side: int) -> Stage:
    """One stage; all of its blocks have the same widths."""
    (widths,) = {_widths(block) for block in blocks.children()}
    block, planes, inner, out = widths
    return Stage(
        block=block,
        planes=planes,
        inner_width=inner,
        out_width=out,
        blocks=len(list(blocks.children())),
        in_side=in_side,
        out_side=out_side,
    )


def _widths(block: nn.Module) -> tuple[str, int, int, int]:
    """Name of a block, its planes, and the channels within it and out of it."""
    if isinstance(block, resnet.BasicBlock):
        inner, last = block.conv1.out_channels, block.conv2.out_channels
        return "basic", inner, inner, last
    assert isinstance(block, resnet.Bottleneck), type(block)
    last = block.conv3.out_channels
    return "bottleneck", last // block.expansion, block.conv2.out_channels, last


def _read(path: Path) -> ClaimsFile:
    """The file, if torchvision has its networks."""
    file, known = read_claims(path, find_studies()), network_names()
    for name, claim in file.claims.items():
        for network in _networks(claim):
            if network not in known:
                raise InputError(
                    f"{path}: claims.{name}: no network {network!r}{nearest(network, known)}: "
                    f"expected one of {', '.join(known)}"
                )
    return file


def _networks(claim: ClaimTable) -> list[str]:
    """Names of the networks that a claim's checks and corrections are about."""
    return [name for check in (*claim.checks, *claim.corrections) for name in check.networks]
