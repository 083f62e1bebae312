"""What a network costs, counted from its spec alone, exactly and without torch.

`layers` walks the network and counts each convolution and linear layer; `stages` adds them up.
The same counts taken from the built network, in `fvcore_cost`, are what a trial records. A network
with modules of one's own has no formula: it is built and counted, in `built`.
"""

from collections.abc import Generator, Iterator
from typing import NamedTuple

from ablate.networks.totals import Cost as Cost  # it is what is counted
from ablate.spec.network import BlockSpec, NetSpec


class Layer(NamedTuple):
    """One operator of a network, per image.

    Args:
        stage: `stem`, `stage 1`, ..., `head`.
        out_size: height and width of its output, in pixels.
        params: trainable parameters.
        macs: multiply-accumulates; zero but for convolutions and linear layers.
        activations: output elements of a convolution or linear layer (RegNet's measure,
            Radosavovic et al. 2020, arXiv 2003.13678, section 3.2); zero for others.
        moved: elements that a convolution or linear layer reads and writes, weights aside.
        kept: elements that autograd keeps until the backward pass: a norm's input, an
            activation's output and, unless it is a ReLU, its input, what pooling needs.
    """

    stage: str
    out_size: int
    params: int
    macs: int = 0
    activations: int = 0
    moved: int = 0
    kept: int = 0


def count(spec: NetSpec) -> Cost:
    """Cost of the whole network.

    Raises:
        InputError: it has modules of one's own, which are built for it, and they do not fit.
    """
    if spec.own:
        from ablate.networks.built import count_built

        return count_built(spec)
    return Cost(*map(sum, zip(*(layer[2:] for layer in layers(spec)), strict=True)))


def count_stages(spec: NetSpec) -> dict[str, tuple[int, Cost]]:
    """Output size in pixels and cost of the stem, each stage and the head, in order.

    Raises:
        InputError: as `count`.
    """
    if spec.own:
        from ablate.networks.built import count_stages_built

        return count_stages_built(spec)
    sums: dict[str, list[int]] = {}
    for layer in layers(spec):
        row = sums.setdefault(layer.stage, [0] * len(Layer._fields[1:]))
        row[0] = layer.out_size
        for place, value in enumerate(layer[2:], start=1):
            row[place] += value
    return {stage: (row[0], Cost(*row[1:])) for stage, row in sums.items()}


def receptive_fields(spec: NetSpec) -> dict[str, int]:
    """Side in pixels of the image patch that one output of the stem and of each stage can see.

    None is known where modules are one's own. The longest path counts, image borders aside: each
    kernel k adds (k - 1) times the product of the strides before it (Araujo et al. 2019, Distill,
    doi 10.23915/distill.00021).
    """
    if spec.own:
        return {}
    field, jump = _seen(_stem_windows(spec), 1, 1)
    fields = {"stem": field}
    for block in spec.blocks():
        field, jump = _seen(_block_windows(spec, block), field, jump)
        fields[f"stage {block.stage + 1}"] = field
    return fields


def _seen(windows: list[tuple[int, int]], field: int, jump: int) -> tuple[int, int]:
    for kernel, stride in windows:
        field += (kernel - 1) * jump
        jump *= stride
    return field, jump


def _stem_windows(spec: NetSpec) -> list[tuple[int, int]]:
    """(kernel, stride) of each convolution and pool of the stem."""
    if spec.stem == "cifar":
        return [(3, 1)]
    return ([(7, 2)] if spec.stem == "imagenet" else [(3, 2), (3, 1), (3, 1)]) + [(3, 2)]


def _block_windows(spec: NetSpec, block: BlockSpec) -> list[tuple[int, int]]:
    """(kernel, stride) along the residual branch."""
    kernels = [3, 3] if spec.block == "basic" else [1, 3, 1]
    strided = 0 if spec.block == "basic" or spec.stride_conv == "1x1" else 1
    pools: list[tuple[int, int]] = []
    if block.stride > 1 and spec.downsample == "max" and spec.antialias:
        pools = [(3, 1), (3, block.stride)]
    elif block.stride > 1 and spec.antialias:
        pools = [(3, block.stride)]
    elif block.stride > 1 and spec.downsample != "conv":
        pools = [(block.stride, block.stride)]
    windows = []
    for number, kernel in enumerate(kernels):
        own = block.stride if number == strided and not pools else 1
        windows += [(kernel, own), *(pools if number == strided else [])]
    return windows


def layers(spec: NetSpec) -> Iterator[Layer]:
    """Every convolution, linear layer, norm and pool of the network, in order."""
    size = yield from _stem(spec)
    for block in spec.blocks():
        size = yield from _block(spec, block, size)
    yield from _head(spec, size)


def _stem(spec: NetSpec) -> Generator[Layer, None, int]:
    out, size = spec.stem_out, spec.image_size
    image = spec.in_channels * size * size
    if spec.stem == "cifar":
        convs = [(spec.in_channels, out, 3)]
    else:
        size = _shrunk(size, 2)
        deep = [(spec.in_channels, out // 2, 3), (out // 2, out // 2, 3), (out // 2, out, 3)]
        convs = deep if spec.stem == "deep" else [(spec.in_channels, out, 7)]
    yield Layer("stem", size, 0, kept=image)
    for number, (before, after, kernel) in enumerate(convs, start=1):
        read = image if number == 1 else before * size * size
        yield _conv(spec, "stem", before, after, kernel, size, read)
        if number < len(convs) or not spec.preact:
            yield _norm(spec, "stem", after, size)
            yield _act(spec, "stem", after, size)
    if spec.stem == "cifar":
        return size
    pooled = _shrunk(size, 2)
    kept = _max_pool_kept(out, pooled)
    if spec.preact:  # a bare convolution's output is kept; the pool's, by what comes next
        kept += out * size * size - out * pooled * pooled
    yield Layer("stem", pooled, 0, kept=kept)
    return pooled


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
        yield _act(spec, stage, before, size)
    for number, (width_in, width_out, kernel, groups) in enumerate(convs):
        at = small if number > strided or (number == strided and not pools) else size
        at_in = small if number > strided else size
        read = width_in * (at if kernel == 1 else at_in) ** 2  # a strided 1x1 skips pixels
        yield _conv(spec, stage, width_in, width_out, kernel, at, read, groups)
        last = number == len(convs) - 1
        if not last or not spec.preact:
            yield _norm(spec, stage, width_out, at)
        if not last:
            yield _act(spec, stage, width_out, at)
        if pools and number == strided:
            yield from _pool(spec, stage, width_out, size, small)
    yield from _shortcut(spec, block, stage, size)
    if not spec.preact:
        yield _act(spec, stage, out, small)
    return small


def _pool(spec: NetSpec, stage: str, width: int, size: int, small: int) -> Iterator[Layer]:
    """What shrinks the branch in place of a strided convolution."""
    if spec.downsample == "avg":
        yield Layer(stage, small, 0, kept=width * small * small)
    elif not spec.antialias:
        yield Layer(stage, small, 0, kept=_max_pool_kept(width, small))
    else:
        if spec.downsample == "max":
            yield Layer(stage, size, 0, kept=_max_pool_kept(width, size))
        yield _blur(stage, width, size, small, keeps_output=True)


def _shortcut(spec: NetSpec, block: BlockSpec, stage: str, size: int) -> Iterator[Layer]:
    if spec.shortcut == "none" or not (block.changes_shape or spec.shortcut == "C"):
        return
    before, small = block.in_width, _shrunk(size, block.stride)
    projects = spec.shortcut != "A"
    read = before * small * small
    if block.stride > 1 and spec.shortcut == "D":
        yield Layer(stage, small, 0, kept=read)
    elif block.stride > 1 and spec.antialias:
        yield _blur(stage, before, size, small, keeps_output=projects)
        if spec.preact and not projects and spec.norm == "none" and spec.activation == "relu":
            # The blur reads the block's raw input, which neither norm nor ReLU keeps.
            yield Layer(stage, size, 0, kept=before * size * size)
    if projects:
        yield _conv(spec, stage, before, block.out_width, 1, small, read)
        if not spec.preact:
            yield _norm(spec, stage, block.out_width, small)


def _head(spec: NetSpec, size: int) -> Iterator[Layer]:
    width = spec.block_widths[-1][-1] * spec.block_expansion
    if spec.preact:
        yield _norm(spec, "head", width, size)
        yield _act(spec, "head", width, size)
    if spec.head_width:
        yield _conv(spec, "head", width, spec.head_width, 1, size, width * size * size)
        yield _norm(spec, "head", spec.head_width, size)
        yield _act(spec, "head", spec.head_width, size)
    features, classes = spec.features, spec.num_classes
    macs = features * classes
    # The average pool needs nothing of its input: unless a ReLU keeps it, nobody does.
    unkept = 0 if _keeps_output(spec) else features * size * size
    kept = features - unkept
    yield Layer("head", 1, macs + classes, macs, classes, features + classes, kept)


def _conv(
    spec: NetSpec,
    stage: str,
    before: int,
    after: int,
    kernel: int,
    size: int,
    read: int,
    groups: int = 1,
) -> Layer:
    weights = before // groups * after * kernel * kernel
    bias = after if spec.norm == "none" else 0
    outputs = after * size * size
    return Layer(stage, size, weights + bias, weights * size * size, outputs, read + outputs)


def _norm(spec: NetSpec, stage: str, width: int, size: int) -> Layer:
    """A norm keeps its input; without norm there is nothing."""
    if spec.norm == "none":
        return Layer(stage, size, 0)
    return Layer(stage, size, 2 * width, kept=width * size * size)


def _act(spec: NetSpec, stage: str, width: int, size: int) -> Layer:
    """Its output, or else its input, and the next layer keeps the output."""
    elements = width * size * size
    return Layer(stage, size, 0, kept=elements if _keeps_output(spec) else 2 * elements)


def _keeps_output(spec: NetSpec) -> bool:
    """Whether an activation needs its output for the backward pass, and not its input."""
    return spec.activation == "relu" or spec.acts_in_place


def _blur(stage: str, width: int, size: int, small: int, keeps_output: bool) -> Layer:
    """A fixed depthwise 3x3 over the padded input."""
    outputs = width * small * small
    padded = width * (size + 2) ** 2
    kept = padded + (outputs if keeps_output else 0)
    return Layer(stage, small, 0, 9 * outputs, outputs, padded + outputs, kept)


def _max_pool_kept(width: int, size: int) -> int:
    """Its output, and the place of each maximum in 8 bytes."""
    return 3 * width * size * size


def _shrunk(size: int, stride: int) -> int:
    return -(-size // stride)
