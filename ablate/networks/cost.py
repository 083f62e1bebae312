"""What a network costs, counted from its spec alone, exactly and without torch.

`layers` walks the network and counts each convolution and linear layer; `stages` adds them up.
The same counts taken from the built network, in `fvcore_cost`, are what a trial records. A network
with modules of one's own has no formula: it is built and counted, in `built`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, NamedTuple

from ablate.networks import layout
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
        kept: elements of its output that autograd keeps until the backward pass, because an
            operator needs them, and what it keeps besides.
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


def fewest_normed(spec: NetSpec, batch: int) -> int | None:
    """The fewest values of a channel, or of a group of channels, that a norm has in a batch.

    Of one value there is no variance, and torch refuses it.

    Args:
        spec: the network.
        batch: images a step.

    Returns:
        None where the network has no norm, or modules of one's own.
    """
    if spec.own or spec.norm == "none":
        return None
    normed = _walked(spec).normed
    if spec.norm == "batch":
        return batch * min(size for _, size in normed) ** 2
    return batch * min(width // layout.norm_groups(spec, width) * size**2 for width, size in normed)


def receptive_fields(spec: NetSpec) -> dict[str, int]:
    """Side in pixels of the image patch that one output of the stem and of each stage can see.

    None is known where modules are one's own. The longest path counts, image borders and the
    averages that weigh channels aside: each kernel k adds (k - 1) times the product of the strides
    before it (Araujo et al. 2019, Distill, doi 10.23915/distill.00021).
    """
    if spec.own:
        return {}
    field, jump = _seen(layout.stem(spec), 1, 1)
    fields = {"stem": field}
    for block in spec.blocks():
        field, jump = _seen(layout.branch(spec, block), field, jump)
        fields[f"stage {block.stage + 1}"] = field
    return fields


def _seen(ops: Iterable[layout.Named], field: int, jump: int) -> tuple[int, int]:
    for _, op in ops:
        match op:
            case layout.Conv(kernel=kernel, stride=stride, dilation=dilation):
                field += (kernel - 1) * dilation * jump
                jump *= stride
            case layout.MaxPool(kernel, stride):
                field += (kernel - 1) * jump
                jump *= stride
            case layout.AvgPool(stride):
                field += (stride - 1) * jump
                jump *= stride
            case layout.Blur(_, stride):
                field += 2 * jump
                jump *= stride
            case layout.Group(members):
                field, jump = _seen(members, field, jump)
            case _:
                pass
    return field, jump


def layers(spec: NetSpec) -> list[Layer]:
    """Every operator of the network, in order, and what the image itself takes."""
    return [Layer(*row) for row in _walked(spec).rows]


def _walked(spec: NetSpec) -> "_Walk":
    walk = _Walk(spec)
    x = walk.run("stem", layout.stem(spec), walk.made("stem", spec.in_channels, spec.image_size))
    known: dict[tuple[object, ...], _Ops] = {}
    for block in spec.blocks():
        alike = (*_SHAPE(block), block.drop_path > 0)
        if alike not in known:
            known[alike] = _ops(spec, block)
        x = _block(walk, f"stage {block.stage + 1}", known[alike], x)
    walk.run("head", layout.head(spec), x)
    return walk


class _Ops(NamedTuple):
    """The operators of a block, as `layout` has them."""

    before: list[layout.Named]
    branch: list[layout.Named]
    shortcut: list[layout.Named] | None
    after: list[layout.Named]


_SHAPE = attrgetter("stage", "in_width", "inner_width", "out_width", "stride", "dilation")


def _ops(spec: NetSpec, block: BlockSpec) -> _Ops:
    return _Ops(
        layout.before(spec, block),
        layout.branch(spec, block),
        layout.shortcut(spec, block),
        layout.after(spec, block),
    )


def _block(walk: "_Walk", stage: str, ops: _Ops, x: "_Map") -> "_Map":
    before = walk.run(stage, ops.before, x)
    out = walk.run(stage, ops.branch, before)
    if ops.shortcut is not None:
        walk.run(stage, ops.shortcut, before if layout.projects(ops.shortcut) else x)
        if not layout.adds_in_place(ops.branch):
            out = walk.made(stage, out.width, out.size)
        assert not out.kept, "what is added to in place is not needed as it was"
    return walk.run(stage, ops.after, out)


@dataclass(eq=False, slots=True)
class _Map:
    """A feature map in memory; an operator in place gives the one that it was given.

    Args:
        row: the layer that made it, which it is counted with where it is kept.
        kept: whether an operator has asked for it until the backward pass, once or more often.
    """

    width: int
    size: int
    row: int
    kept: bool = False


class _Walk:
    """The layers of a network as a map goes through them."""

    def __init__(self, spec: NetSpec) -> None:
        self.spec = spec
        self.biased = spec.norm == "none"
        self.rows: list[list[Any]] = []
        self.normed: set[tuple[int, int]] = set()  # widths and sizes of what norms take

    def run(self, stage: str, ops: Iterable[layout.Named], x: _Map) -> _Map:
        """What the operators give; what each costs and keeps is a row more."""
        for _, op in ops:
            x = _COUNTED[type(op)](self, stage, op, x)
        return x

    def made(
        self,
        stage: str,
        width: int,
        size: int,
        params: int = 0,
        macs: int = 0,
        activations: int = 0,
        moved: int = 0,
        kept: int = 0,
    ) -> _Map:
        """A new map, and the row of what made it."""
        self.rows.append([stage, size, params, macs, activations, moved, kept])
        return _Map(width, size, len(self.rows) - 1)

    def keep(self, x: _Map) -> None:
        """Autograd needs the map until the backward pass."""
        if not x.kept:
            x.kept = True
            self.rows[x.row][-1] += x.width * x.size * x.size

    def conv(self, stage: str, conv: layout.Conv, x: _Map) -> _Map:
        self.keep(x)
        size = _shrunk(x.size, conv.stride)
        weights = conv.before // conv.groups * conv.after * conv.kernel**2
        bias = conv.after if self.biased else 0
        outputs = conv.after * size * size
        # A strided 1x1 skips pixels.
        moved = conv.before * (size if conv.kernel == 1 else x.size) ** 2 + outputs
        macs = weights * size * size
        return self.made(stage, conv.after, size, weights + bias, macs, outputs, moved)

    def norm(self, stage: str, norm: layout.Norm, x: _Map) -> _Map:
        if self.spec.norm == "none":
            return x
        self.keep(x)
        self.normed.add((norm.width, x.size))
        return self.made(stage, norm.width, x.size, 2 * norm.width)

    def act(self, stage: str, act: layout.Act, x: _Map) -> _Map:
        """Its gradient needs its output if it acts in place, or is a ReLU; else its input."""
        if self.spec.acts_in_place:
            self.keep(x)
            return x
        if self.spec.activation != "relu":
            self.keep(x)
        out = self.made(stage, x.width, x.size)
        if self.spec.activation == "relu":
            self.keep(out)
        return out

    def max_pool(self, stage: str, pool: layout.MaxPool, x: _Map) -> _Map:
        self.keep(x)
        size = _shrunk(x.size, pool.stride)
        places = 2 * x.width * size * size  # of each maximum, in 8 bytes
        return self.made(stage, x.width, size, kept=places)

    def avg_pool(self, stage: str, pool: layout.AvgPool, x: _Map) -> _Map:
        self.keep(x)
        return self.made(stage, x.width, _shrunk(x.size, pool.stride))

    def blur(self, stage: str, blur: layout.Blur, x: _Map) -> _Map:
        """A fixed depthwise 3x3 over the padded input."""
        self.keep(x)
        size = _shrunk(x.size, blur.stride)
        padded, outputs = x.width * (x.size + 2) ** 2, x.width * size * size
        return self.made(stage, x.width, size, 0, 9 * outputs, outputs, padded + outputs, padded)

    def pad(self, stage: str, pad: layout.Pad, x: _Map) -> _Map:
        if pad.blurs:
            self.blur(stage, layout.Blur(pad.before, pad.stride), x)
        return self.made(stage, pad.after, _shrunk(x.size, pad.stride))

    def mean(self, stage: str, mean: layout.Mean, x: _Map) -> _Map:
        return self.made(stage, x.width, 1)

    def linear(self, stage: str, linear: layout.Linear, x: _Map) -> _Map:
        self.keep(x)
        before, after = linear
        macs = before * after
        return self.made(stage, after, 1, macs + after, macs, after, before + after)

    def squeeze_excite(self, stage: str, se: layout.SqueezeExcite, x: _Map) -> _Map:
        width, squeezed = se
        weights, outputs = width * squeezed, squeezed + width
        average = self.made(stage, width, 1)
        self.keep(average)
        first = self.made(stage, squeezed, 1, weights + squeezed, weights, squeezed, outputs)
        self.keep(self.act(stage, layout.Act(), first))
        return self._weighed(
            stage, x, self.made(stage, width, 1, weights + width, weights, width, outputs)
        )

    def channel_attention(self, stage: str, eca: layout.ChannelAttention, x: _Map) -> _Map:
        width, kernel = eca
        self.keep(self.made(stage, width, 1))
        weights = self.made(stage, width, 1, kernel, kernel * width, width, 2 * width)
        return self._weighed(stage, x, weights)

    def _weighed(self, stage: str, x: _Map, weights: _Map) -> _Map:
        """A product keeps both factors; those of the channels are a sigmoid's output."""
        self.keep(x)
        self.keep(weights)
        return self.made(stage, x.width, x.size)

    def dropout(self, stage: str, dropout: layout.Dropout, x: _Map) -> _Map:
        """It keeps the factors that it drew, one an element."""
        elements = x.width * x.size * x.size
        return self.made(stage, x.width, x.size, kept=elements)

    def scale(self, stage: str, scale: layout.Scale, x: _Map) -> _Map:
        """The gradient of the number needs what is multiplied."""
        self.keep(x)
        return self.made(stage, x.width, x.size, 1)

    def drop_path(self, stage: str, drop: layout.DropPath, x: _Map) -> _Map:
        """It keeps the factor that it drew, one an image."""
        return self.made(stage, x.width, x.size, kept=1)

    def group(self, stage: str, group: layout.Group, x: _Map) -> _Map:
        return self.run(stage, group.members, x)


_COUNTED: dict[type[layout.Op], Callable[[_Walk, str, Any, _Map], _Map]] = {
    layout.Conv: _Walk.conv,
    layout.Norm: _Walk.norm,
    layout.Act: _Walk.act,
    layout.MaxPool: _Walk.max_pool,
    layout.AvgPool: _Walk.avg_pool,
    layout.Blur: _Walk.blur,
    layout.Pad: _Walk.pad,
    layout.Mean: _Walk.mean,
    layout.Linear: _Walk.linear,
    layout.SqueezeExcite: _Walk.squeeze_excite,
    layout.ChannelAttention: _Walk.channel_attention,
    layout.Dropout: _Walk.dropout,
    layout.DropPath: _Walk.drop_path,
    layout.Scale: _Walk.scale,
    layout.Group: _Walk.group,
}


def _shrunk(size: int, stride: int) -> int:
    return -(-size // stride)
