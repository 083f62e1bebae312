"""Layers of a study file become a network or a recipe, each fault named with its layer.

A network is set in layers: `[net]`, `[datasets.NAME.net]`, then the arm of each axis. A later layer
wins. Besides the fields of `NetSpec`, a layer may give a width rule (`base_width`, `growth`,
`width_multiple`, `growth_shift`; or `base_width` and `widen`) and `equal_stages`, which sets the
depths from the second stage on so that every stage costs as much as the first. It may also begin
with a published network (`preset`), in place of all that earlier layers say.
"""

import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import reduce
from operator import or_
from pathlib import Path
from types import UnionType
from typing import Any, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

from ablate.data.catalog import DatasetInfo
from ablate.errors import InputError, nearest
from ablate.networks.budget import Shape, equalise_depths
from ablate.networks.canonical import tuples
from ablate.networks.presets import preset
from ablate.networks.widths import additive_widths, growth_shape, shift_growth, stage_widths
from ablate.spec.choices import MOST
from ablate.spec.limits import check_depths
from ablate.spec.network import NetSpec
from ablate.spec.own import Use
from ablate.spec.recipe import TrainSpec
from ablate.spec.trial import DataSpec
from ablate.study.own import names_own, read_own

WIDTH_RULE: dict[str, Any] = {
    "base_width": int,
    "growth": float | str,
    "width_multiple": int,
    "widen": float,
    "growth_shift": int,
}
PRESET = "preset"  # of a published network, over which the other keys of its layer go
EXTRAS = WIDTH_RULE | {"equal_stages": Literal["macs", "params", "activations"]}
FROM_DATASET = ("num_classes", "in_channels", "image_size")
Layers = Iterable[tuple[str, Mapping[str, Any]]]


@dataclass(frozen=True)
class Design:
    """A network as the file describes it, before a budget is applied.

    Args:
        net: the network.
        shape: the ideal width of each stage or block, up to a common scale.
        multiple: of which each width is one.
    """

    net: NetSpec
    shape: Shape
    multiple: int


def read_recipe(file: str, layers: Layers) -> TrainSpec:
    """The recipe that the layers set.

    Args:
        file: named in errors.
        layers: name and settings of each.
    """
    settings = _merge(file, typing.get_type_hints(TrainSpec), layers)
    with_values = {key: setting.value for key, setting in settings.items()}
    try:
        return TrainSpec(**with_values)
    except InputError as error:
        raise _located(file, error, settings, "train") from error


def training_images(
    file: Path, info: DatasetInfo, data: DataSpec, train: TrainSpec, where: str = "train"
) -> int:
    """How many images a recipe trains on; raises `InputError` for a batch of more than those."""
    images = info.sizes(data)[0]
    if train.batch_size > images:
        raise InputError(
            f"{file}: {where}.batch_size = {train.batch_size}: expected at most the {images} "
            f"training images of {info.name}"
        )
    return images


def read_network(file: str, layers: Layers, image: Mapping[str, int]) -> Design:
    """The network that the layers set.

    Args:
        file: named in errors.
        layers: name and settings of each.
        image: `num_classes`, `in_channels` and `image_size` of the dataset.
    """
    types = {
        key: kind for key, kind in typing.get_type_hints(NetSpec).items() if key not in FROM_DATASET
    }
    settings = _merge(file, types | EXTRAS | {PRESET: str}, layers)
    values = {key: setting.value for key, setting in settings.items()}
    rule = {key: values.pop(key) for key in EXTRAS if key in values}
    try:
        if any(key in WIDTH_RULE for key in rule):
            values["widths"] = _widths(rule, values.get("depths", NetSpec().depths))
        net = NetSpec(**(values | dict(image)))
        if "equal_stages" in rule:
            net = equalise_depths(net, rule["equal_stages"])
    except InputError as error:
        raise _located(file, error, settings, "net") from error
    return Design(net, _shape(rule, net), rule.get("width_multiple", 1))


@dataclass(frozen=True)
class _Setting:
    """A value and the layer of the file that it came from."""

    value: Any
    where: str


def _merge(file: str, types: Mapping[str, Any], layers: Layers) -> dict[str, _Setting]:
    """The settings of all layers, later ones over earlier ones, each knowing where it came from."""
    merged: dict[str, _Setting] = {}
    for where, raw in layers:
        if PRESET in raw and PRESET in types:
            merged = _preset(file, where, raw[PRESET])
            raw = {key: value for key, value in raw.items() if key != PRESET}
        layer = {
            key: _checked(file, f"{file}: {where}.{key}", key, tuples(value), types)
            for key, value in raw.items()
        }
        rule = [key for key in layer if key in WIDTH_RULE]
        if rule and "widths" in layer:
            raise InputError(
                f"{file}: {where}: widths and {rule[0]} both set the widths; expected one of them"
            )
        replaced = _replaced_by(layer)
        merged = {key: value for key, value in merged.items() if key not in replaced}
        merged |= {key: _Setting(value, where) for key, value in layer.items()}
    return merged


def _preset(file: str, where: str, name: Any) -> dict[str, _Setting]:
    """The settings of a published network, in place of all that earlier layers say."""
    where = f"{where}.{PRESET}"
    if not isinstance(name, str):
        raise InputError(f"{file}: {where} = {name!r}: expected the name of a network, in quotes")
    try:
        net = preset(name)
    except InputError as error:
        raise InputError(f"{file}: {where}: {error}") from error
    return {
        field.name: _Setting(getattr(net, field.name), where)
        for field in fields(NetSpec)
        if field.name not in FROM_DATASET
    }


def _replaced_by(layer: Mapping[str, Any]) -> set[str]:
    """Settings of earlier layers that a layer's own way of setting the widths makes void."""
    if "net" in layer:  # a whole network, of which nothing else is to be said
        return set(typing.get_type_hints(NetSpec)) | set(EXTRAS)
    if "widths" in layer:
        return set(WIDTH_RULE)
    if "widen" in layer:
        return {"growth", "growth_shift", "width_multiple"}
    return {"widen"} if "growth" in layer else set()


def _checked(file: str, where: str, key: str, value: Any, types: Mapping[str, Any]) -> Any:
    """The value, if it is of the key's type; a whole number becomes a float where one is due."""
    if key in FROM_DATASET:
        raise InputError(f"{where}: set by the dataset; take it out")
    if key not in types:
        raise InputError(
            f"{where}: unknown key{nearest(key, types)}: expected one of {', '.join(sorted(types))}"
        )
    if names_own(key, value):
        return read_own(file, where, value)
    if isinstance(value, tuple) and any(names_own(key, one) for one in value):  # by stage
        return tuple(_checked(file, where, key, one, types) for one in value)
    try:
        return TypeAdapter(_but_own(types[key]), config=ConfigDict(strict=True)).validate_python(
            value
        )
    except ValidationError as error:
        fault = error.errors()[0]["msg"].removeprefix("Input should be ")
        raise InputError(f"{where} = {value!r}: expected {fault}") from error


def _but_own(kind: Any) -> Any:
    """What a setting may be that is no module of one's own."""
    parts = typing.get_args(kind)
    if typing.get_origin(kind) is tuple:
        return tuple[tuple(_but_own(one) for one in parts)]  # type: ignore[misc]
    kinds = [_but_own(one) for one in parts if one is not Use]
    return reduce(or_, kinds) if typing.get_origin(kind) in (typing.Union, UnionType) else kind


def _widths(rule: Mapping[str, Any], depths: tuple[int, ...]) -> tuple[Any, ...]:
    for other in ("growth", "growth_shift", "width_multiple"):
        if "widen" in rule and other in rule:
            raise InputError(
                f"widen and {other} both set the widths; expected one of them", "widen"
            )
    check_depths(depths)
    base, multiple = rule.get("base_width", 16), rule.get("width_multiple", 1)
    for key, value in (("base_width", base), ("width_multiple", multiple)):
        if not 1 <= value <= MOST:
            raise InputError(f"{key} = {value}: expected 1 or more", key)
    if "widen" in rule:
        return additive_widths(base, rule["widen"], depths)
    widths = stage_widths(base, rule.get("growth", "doubling"), len(depths), multiple)
    shift = rule.get("growth_shift", 0)
    return shift_growth(widths, depths, shift) if shift else widths


def _shape(rule: Mapping[str, Any], net: NetSpec) -> Shape:
    """The ideal widths of a network, before they were rounded."""
    if "widen" in rule or not any(key in WIDTH_RULE for key in rule):
        return net.widths
    ideal = growth_shape(rule.get("growth", "doubling"), len(net.depths))
    shift = rule.get("growth_shift", 0)
    return shift_growth(ideal, net.depths, shift) if shift else ideal


def _located(
    file: str, error: InputError, settings: Mapping[str, _Setting], otherwise: str
) -> InputError:
    """The error with the file and the layer that set the key at fault in front."""
    where = settings[error.key].where if error.key and error.key in settings else otherwise
    return InputError(f"{file}: {where}: {error}", error.key)
