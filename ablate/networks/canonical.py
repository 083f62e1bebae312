"""One way to write a network, and its whole description.

Several specs describe the same network: widths by stage or by block, a stem as wide as the first
stage with its width given or not. What is built alike is to have one key.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

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
