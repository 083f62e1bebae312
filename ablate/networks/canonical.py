"""One way to write a network, and its whole description.

Several specs describe the same network: widths by stage or by block, a stem as wide as the first
stage with its width given or not. What is built alike is to have one key.
"""

from collections.abc import Hashable, Mapping
from dataclasses import asdict, replace
from typing import Any

from ablate.spec.network import BlockSpec, NetSpec
from ablate.spec.own import Use, used


def canonical(net: NetSpec) -> NetSpec:
    """The same network, written in one way: what goes without saying is left to be the default.

    A stage whose blocks are of one width has that width, and neither the stem's width nor the
    expansion is given where it is what it would be anyway.
    """
    if net.net is not None:
        return net
    widths = net.block_widths
    usual_expansion = replace(net, expansion=None).block_expansion
    return replace(
        net,
        widths=tuple(stage[0] if len(set(stage)) == 1 else stage for stage in widths),
        stem_width=None if net.stem_out == widths[0][0] else net.stem_width,
        expansion=None if net.block_expansion == usual_expansion else net.expansion,
    )


def alike(net: NetSpec) -> Hashable:
    """What `build` makes of a spec: equal for two that it makes the same network of.

    Part by part it has what the modules are made from, and so not what is said of strides that
    no stage has, of the block that carries one where a stage has one block, or of shortcuts where
    no shape changes. Nor does it have where stages begin: blocks in a row are the same network
    however they are counted. `canonical`, which keys are made from, tells all these apart.
    """
    if net.net is not None:
        return net
    return (
        (net.stem, net.stem_out, net.in_channels, net.image_size),
        (net.norm, net.activation, _preact(net), net.zero_init),
        tuple(_block(net, block) for block in net.blocks()),
        (net.head, net.head_width, net.num_classes),
    )


def _preact(net: NetSpec) -> bool:
    """Whether norm and activation come first in a block, where that makes a difference.

    A plain network has the same layers in the same order either way, and so has one without norm
    in which every block projects, unless a pool comes between the stem's convolution and its norm
    and activation. ReLUs and maxima can change places.
    """
    commutes = net.norm == "none" and net.activation in ("relu", "leaky_relu")
    alternates = net.stem == "cifar" or (not isinstance(net.stem, Use) and commutes)
    plain = net.shortcut == "none" and not isinstance(net.block, Use)
    shortcuts = {_shortcut(net, block) for block in net.blocks()}
    projects = net.norm == "none" and shortcuts <= {"projection", "D"}
    return net.preact and not ((plain or projects) and alternates)


def _block(net: NetSpec, block: BlockSpec) -> Hashable:
    """What a block is made from."""
    shape = (block.in_width, block.out_width, block.stride)
    inner = (block.inner_width, net.groups) if net.block == "bottleneck" else None
    shrinks = (net.downsample, net.antialias, net.stride_conv) if block.stride > 1 else None
    return (net.block, shape, inner, shrinks, _shortcut(net, block))


def _shortcut(net: NetSpec, block: BlockSpec) -> Hashable:
    """What a block's shortcut is made from, beside its shape and how its branch shrinks."""
    if net.shortcut == "none":
        return None
    if not block.changes_shape and net.shortcut != "C":
        return "identity"
    if net.shortcut in ("B", "C") or (net.shortcut == "D" and block.stride == 1):
        return "projection"
    return net.shortcut


def description(net: NetSpec) -> dict[str, Any]:
    """Every field of the canonical network by its name, the defaults too.

    With fields left out it would be completed from the defaults, and be another network's wherever
    those are others.
    """
    return asdict(canonical(net))


def network_of(described: Mapping[str, Any]) -> NetSpec:
    """The inverse of `description`, also where it has been JSON or TOML in between.

    Raises:
        InputError, TypeError: it describes no network.
    """
    return NetSpec(**{key: used(tuples(value)) for key, value in described.items()})


def tuples(value: Any) -> Any:
    """What a file gives as a list, as a tuple, and so the lists within it; else as it is."""
    return tuple(tuples(item) for item in value) if isinstance(value, list) else value
