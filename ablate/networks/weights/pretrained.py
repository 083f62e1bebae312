"""torchvision's weights under our names."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from ablate.errors import InputError
from ablate.spec.network import BlockSpec, NetSpec

if TYPE_CHECKING:
    from torch import Tensor


TORCHVISION_SETTINGS = {
    "strides": (1, 2, 2, 2),
    "preact": False,
    "shortcut": "B",
    "stride_block": "first",
    "stride_conv": "3x3",
    "downsample": "conv",
    "antialias": False,
    "stem": "imagenet",
    "head_width": None,
    "activation": "relu",
    "norm": "batch",
    "attention": "none",
    "residual_scale": None,
    "placement": "usual",
    "kernel": 3,
    "stem_kernel": None,
}


class Entry(NamedTuple):
    """One tensor: its name in torchvision, its name here, its shape."""

    theirs: str
    ours: str
    shape: tuple[int, ...]


def from_torchvision(state: Mapping[str, "Tensor"], spec: NetSpec) -> dict[str, "Tensor"]:
    """A torchvision ResNet's state dict as that of `build(spec)`; the tensors are shared.

    ====================================  =========================================
    torchvision                           here
    ====================================  =========================================
    `conv1`, `bn1`                        `stem.conv1`, `stem.norm1`
    `layer{s}.{b}.conv{i}`                `stages.{s - 1}.{b}.branch.conv{i}`
    `layer{s}.{b}.bn{i}`                  `stages.{s - 1}.{b}.branch.norm{i}`
    `layer{s}.{b}.downsample.0`, `.1`     `stages.{s - 1}.{b}.shortcut.conv`, `.norm`
    `fc`                                  `head.linear`
    ====================================  =========================================

    Raises `InputError` where `spec` is no network of torchvision's, and where a tensor is
    missing, unexpected or of another shape than `spec` says, naming it.
    """
    _check_settings(spec)
    entries = list(_entries(spec))
    known = {entry.theirs for entry in entries}
    _refuse("missing from the state dict", [name for name in known if name not in state])
    _refuse("not in the network", [name for name in state if name not in known])
    _refuse(
        "of another shape than the network's",
        [
            f"{entry.theirs} {tuple(state[entry.theirs].shape)} instead of {entry.shape}"
            for entry in entries
            if tuple(state[entry.theirs].shape) != entry.shape
        ],
    )
    return {entry.ours: state[entry.theirs] for entry in entries}


def _check_settings(spec: NetSpec) -> None:
    for name, expected in TORCHVISION_SETTINGS.items():
        value = getattr(spec, name)
        if value != expected:
            raise InputError(
                f"{name} = {value!r}: torchvision's weights need {name} = {expected!r}", name
            )


def _refuse(fault: str, names: list[str]) -> None:
    if names:
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""
        raise InputError(f"torchvision's weights: {fault}: {', '.join(sorted(names)[:5])}{more}")


def _entries(spec: NetSpec) -> Iterator[Entry]:
    yield Entry("conv1.weight", "stem.conv1.weight", (spec.stem_out, spec.in_channels, 7, 7))
    yield from _norm("bn1", "stem.norm1", spec.stem_out)
    for block in spec.blocks():
        yield from _block(spec, block)
    yield Entry("fc.weight", "head.linear.weight", (spec.num_classes, spec.features))
    yield Entry("fc.bias", "head.linear.bias", (spec.num_classes,))


def _block(spec: NetSpec, block: BlockSpec) -> Iterator[Entry]:
    theirs = f"layer{block.stage + 1}.{block.index}"
    ours = f"stages.{block.stage}.{block.index}"
    before, inner, out = block.in_width, block.inner_width, block.out_width
    shapes = [(inner, before, 1, 1), (inner, inner // block.groups, 3, 3), (out, inner, 1, 1)]
    if block.kind == "basic":
        shapes = [(out, before, 3, 3), (out, out, 3, 3)]
    for number, shape in enumerate(shapes, start=1):
        yield Entry(f"{theirs}.conv{number}.weight", f"{ours}.branch.conv{number}.weight", shape)
        yield from _norm(f"{theirs}.bn{number}", f"{ours}.branch.norm{number}", shape[0])
    if block.changes_shape:
        projection = (out, before, 1, 1)
        yield Entry(f"{theirs}.downsample.0.weight", f"{ours}.shortcut.conv.weight", projection)
        yield from _norm(f"{theirs}.downsample.1", f"{ours}.shortcut.norm", out)


def _norm(theirs: str, ours: str, width: int) -> Iterator[Entry]:
    for tensor in ("weight", "bias", "running_mean", "running_var"):
        yield Entry(f"{theirs}.{tensor}", f"{ours}.{tensor}", (width,))
    yield Entry(f"{theirs}.num_batches_tracked", f"{ours}.num_batches_tracked", ())
