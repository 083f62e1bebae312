"""One way to write a network, and its whole description.

Several specs describe the same network: widths by stage or by block, a stem as wide as the first
stage with its width given or not. `canonical` is what keys are made from; `alike` also sees what is
written otherwise and built the same.
"""

import itertools
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

from ablate.networks import layout
from ablate.spec.network import NetSpec
from ablate.spec.own import used


def canonical(net: NetSpec) -> NetSpec:
    """The same network, written in one way: what goes without saying is left to be the default.

    A stage whose blocks are of one width has that width, stages that are alike have one value, and
    neither the expansion nor what the stem has is given where it is what it would be anyway.
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
        dilations=None if set(net.dilations or ()) <= {1} else net.dilations,
        **{name: _by_stage(net, name) for name in ("block", "shortcut", "antialias", "groups")},
        **{name: _of_stem(net, name) for name in ("stem_kernel", "stem_stride", "stem_pool")},
    )


def _by_stage(net: NetSpec, name: str) -> Any:
    values = net.by_stage(name)
    return values[0] if len(set(values)) == 1 else values


def _of_stem(net: NetSpec, name: str) -> Any:
    without: dict[str, Any] = {name: None}
    usual = replace(net, **without).stem_layers == net.stem_layers
    return None if usual else getattr(net, name)


def alike(net: NetSpec) -> Hashable:
    """What `build` makes of a spec: equal for two that it makes the same network of.

    It has the operators in the order in which an image meets them, and so not what is said of
    strides that no stage has, of the block that carries one where a stage has one block, of
    shortcuts where no shape changes, or of where stages begin. `canonical`, which keys are made
    from, tells all these apart.
    """
    if net.net is not None:
        return net
    path = _operators(layout.stem(net))
    for block in net.blocks():
        before = _operators(layout.before(net, block))
        branch = _operators(layout.branch(net, block))
        shortcut = layout.shortcut(net, block)
        if shortcut is None or layout.projects(shortcut):
            path += before  # all that the block does reads what they give
            before = []
        if shortcut is None and not net.zero_init:  # which starts at the end of each branch
            path += branch
        else:
            added = None if shortcut is None else tuple(_operators(shortcut))
            path.append((tuple(before), tuple(branch), added))
        path += _operators(layout.after(net, block))
    path += _operators(layout.head(net))
    kinds = (net.norm, net.norm_groups, net.activation, net.zero_init, net.image_size)
    return kinds, tuple(_pooled_last(net, path))


def _operators(ops: Iterable[layout.Named]) -> list[Hashable]:
    """Operators by kind, since as tuples a dropout and a scale may be equal; groups one by one."""
    flat: list[Hashable] = []
    for _, op in ops:
        flat += _operators(op.members) if isinstance(op, layout.Group) else [(type(op), *op)]
    return flat


def _pooled_last(net: NetSpec, path: list[Hashable]) -> list[Hashable]:
    """A maximum and a ReLU can change places: the ReLU comes first."""
    found = list(path)
    if net.activation in ("relu", "leaky_relu"):
        for place, (one, two) in enumerate(itertools.pairwise(path)):
            if _is(one, layout.MaxPool) and _is(two, layout.Act):
                found[place : place + 2] = [two, one]
    return found


def _is(operator: Any, kind: type) -> bool:
    return bool(operator[0] is kind)


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
