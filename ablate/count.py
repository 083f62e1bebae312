"""What a network costs, counted from its spec alone: no torch, microseconds, exact.

`layers` walks the network and counts each convolution and linear layer; `stages` adds them up.
The same counts taken from the built network, in `ablate.cost`, are what a trial records.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ablate.spec import BlockSpec, NetSpec


class Layer(NamedTuple):
    """One operator of a network, per image.

    Args:
        stage: `stem`, `stage 1`, ..., `head`.
        out_size: height and width of its output, in pixels.
        params: trainable parameters.
        macs: multiply-accumulates; zero for a norm.
        activations: output elements of a convolution or linear layer (RegNet's measure,
            Radosavovic et al. 2020, arXiv 2003.13678, section 3.2); zero for a norm.
    """

    stage: str
    out_size: int
    params: int
    macs: int
    activations: int


@dataclass(frozen=True)
class Cost:
    """Totals of a stage or of a network, per image: see `Layer`."""

    params: int
    macs: int
    activations: int


def total(spec: NetSpec) -> Cost:
    """Cost of the whole network."""
    params = macs = activations = 0
    for layer in layers(spec):
        params += layer.params
        macs += layer.macs
        activations += layer.activations
    return Cost(params, macs, activations)


def stages(spec: NetSpec) -> dict[str, tuple[int, Cost]]:
    """Output size in pixels and cost of the stem, each stage and the head, in order."""
    sums: dict[str, list[int]] = {}
    for layer in layers(spec):
        row = sums.setdefault(layer.stage, [0, 0, 0, 0])
        row[0] = layer.out_size
        for place, value in enumerate(layer[2:], start=1):
            row[place] += value
    return {stage: (row[0], Cost(*row[1:])) for stage, row in sums.items()}


def layers(spec: NetSpec) -> Iterator[Layer]:
    """Every convolution, linear layer and norm of the network, in order."""
    size = yield from _stem(spec)
    for block in spec.blocks():
        size = yield from _block(spec, block, size)
    yield from _head(spec, size)


def _stem(spec: NetSpec) -> Generator[Layer, None, int]:
    out, size = spec.stem_out, spec.image_size
    if spec.stem == "cifar":
        convs = [(spec.in_channels, out, 3)]
    else:
        size = _shrunk(size, 2)
        deep = [(spec.in_channels, out // 2, 3), (out // 2, out // 2, 3), (out // 2, out, 3)]
        convs = deep if spec.stem == "deep" else [(spec.in_channels, out, 7)]
    for number, (before, after, kernel) in enumerate(convs, start=1):
        yield _conv(spec, "stem", before, after, kernel, size)
        if number < len(convs) or not spec.preact:
            yield _norm(spec, "stem", after, size)
    return size if spec.stem == "cifar" else _shrunk(size, 2)


def _block(spec: NetSpec, block: BlockSpec, size: int) -> Generator[Layer, None, int]:
    stage, small = f"stage {block.stage + 1}", _shrunk(size, block.stride)
    before, inner, out = block.in_width, block.inner_width, block.out_width
    if spec.block == "basic":
        strided = 0
        convs = [(before, out, 3, 1), (out, out, 3, 1)]
    else:
        strided = 0 if spec.stride_conv == "1x1" else 1
        convs = [(before, inner, 1, 1), (inner, inner, 3, spec.groups), (inner, out, 1, 1)]
    pools = block.stride > 1 and (spec.antialias or spec.downsample != "conv")
    if spec.preact:
        yield _norm(spec, stage, before, size)
    for number, (width_in, width_out, kernel, groups) in enumerate(convs):
        after = number > strided or (number == strided and not pools)
        at = small if after else size
        yield _conv(spec, stage, width_in, width_out, kernel, at, groups)
        if number < len(convs) - 1 or not spec.preact:
            yield _norm(spec, stage, width_out, at)
        if pools and number == strided and spec.antialias:
            yield _blur(stage, width_out, small)
    yield from _shortcut(spec, block, stage, small)
    return small


def _shortcut(spec: NetSpec, block: BlockSpec, stage: str, size: int) -> Iterator[Layer]:
    if spec.shortcut == "none" or not (block.changes_shape or spec.shortcut == "C"):
        return
    if spec.antialias and block.stride > 1 and spec.shortcut != "D":
        yield _blur(stage, block.in_width, size)
    if spec.shortcut != "A":
        yield _conv(spec, stage, block.in_width, block.out_width, 1, size)
        if not spec.preact:
            yield _norm(spec, stage, block.out_width, size)


def _head(spec: NetSpec, size: int) -> Iterator[Layer]:
    width = spec.block_widths[-1][-1] * spec.block_expansion
    if spec.preact:
        yield _norm(spec, "head", width, size)
    if spec.head_width:
        yield _conv(spec, "head", width, spec.head_width, 1, size)
        yield _norm(spec, "head", spec.head_width, size)
    macs = spec.features * spec.num_classes
    yield Layer("head", 1, macs + spec.num_classes, macs, spec.num_classes)


def _conv(
    spec: NetSpec, stage: str, before: int, after: int, kernel: int, size: int, groups: int = 1
) -> Layer:
    weights = before // groups * after * kernel * kernel
    bias = after if spec.norm == "none" else 0
    return Layer(stage, size, weights + bias, weights * size * size, after * size * size)


def _norm(spec: NetSpec, stage: str, width: int, size: int) -> Layer:
    return Layer(stage, size, 0 if spec.norm == "none" else 2 * width, 0, 0)


def _blur(stage: str, width: int, size: int) -> Layer:
    outputs = width * size * size
    return Layer(stage, size, 0, 9 * outputs, outputs)


def _shrunk(size: int, stride: int) -> int:
    return -(-size // stride)
