"""A space of networks: its axes, the network at a point of it, and limits on what that may cost.

An axis is a key of a network (see `ablate.study.layers`) with what it may be, in one of four forms:

    shortcut = ["A", "B", "D"]                          # one of these values
    base_width = { from = 4, to = 12 }                  # whole numbers, both ends included
    growth = { from = 1.0, to = 4.0, log = true }       # or with `step`
    depths = { stages = 3, from = 1, to = 2 }           # each stage by itself; or `choices`
    conv = { v1 = { block = "bottleneck", stride_conv = "1x1" }, basic = { block = "basic" } }

The last form sets several keys at once, as an arm of a study does.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ablate.errors import InputError, nearest
from ablate.networks.canonical import canonical
from ablate.networks.cost import count
from ablate.search.file import LATENCY
from ablate.spec.network import NetSpec
from ablate.study.layers import Layers, read_network

RANGE = ("from", "to", "step", "log")
STAGED = ("stages", "choices", *RANGE)
MOST_STAGES = 16
BUILDABLE = "buildable"
Value = int | float | str
Point = Mapping[str, Value]


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """What a sampler chooses: one of `choices`, or a number of a range.

    Args:
        name: of the axis, with the stage's number where it has several.
        choices: names of the values; empty for a range.
        low, high: ends of the range, both included; whole numbers where it holds whole numbers.
        step: between the values of the range; None for all of them.
        log: whether the logarithm is what is spread evenly.
    """

    name: str
    choices: tuple[str, ...] = ()
    low: float = 0
    high: float = 0
    step: float | None = None
    log: bool = False

    @property
    def whole(self) -> bool:
        """Whether the range holds whole numbers alone."""
        return isinstance(self.low, int)

    def ends(self) -> Iterator[Value]:
        """Values that show whether all of them can be built."""
        yield from self.choices or dict.fromkeys((self.low, self.high))


@dataclass(frozen=True, kw_only=True)
class Axis:
    """A part of a network that varies.

    Args:
        name: of the axis.
        parameters: one, or one a stage.
        arms: the settings that each choice stands for; empty where the value sets the key `name`.
        staged: whether the values of the parameters make a tuple.
    """

    name: str
    parameters: tuple[Parameter, ...]
    arms: Mapping[str, Mapping[str, Any]]
    staged: bool

    def settings(self, point: Point) -> Mapping[str, Any]:
        """What a point sets."""
        values = [
            self.arms[str(value)][self.name] if self.staged and self.arms else value
            for value in (point[parameter.name] for parameter in self.parameters)
        ]
        if self.staged:
            return {self.name: values}
        return self.arms[str(values[0])] if self.arms else {self.name: values[0]}


@dataclass(frozen=True, kw_only=True)
class Limit:
    """What a cost known before training must keep to.

    Args:
        quantity: `macs`, `params` or `activations`, for one image; or `latency`, of one batch.
        bound: in units of the quantity, a latency in milliseconds; NaN where it is the baseline's
            and not measured yet.
        at_most: whether it is an upper bound.
    """

    quantity: str
    bound: float
    at_most: bool

    @property
    def name(self) -> str:
        """As `macs_at_most`."""
        return f"{self.quantity}_at_{'most' if self.at_most else 'least'}"

    def excess(self, cost: float) -> float:
        """By which fraction of the bound a cost is beyond it; zero or less where it keeps to it."""
        over = cost / self.bound - 1
        return over if self.at_most else -over


@dataclass(frozen=True, kw_only=True)
class Space:
    """All networks that a search may propose.

    Args:
        file: named in errors.
        layers: what is fixed, as `layers.read_network` takes it.
        image: `num_classes`, `in_channels` and `image_size` of the dataset.
        axes: what varies.
        limits: that a network must keep to before it may be trained.
    """

    file: str
    layers: Layers
    image: Mapping[str, int]
    axes: tuple[Axis, ...]
    limits: tuple[Limit, ...] = ()

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """What a sampler is to choose, in the order of the axes."""
        return tuple(parameter for axis in self.axes for parameter in axis.parameters)

    def network(self, point: Point) -> NetSpec:
        """The network at a point; raises `InputError` where none can be built there."""
        settings: dict[str, Any] = {}
        for axis in self.axes:
            settings |= axis.settings(point)
        layers = [*self.layers, ("space", settings)]
        return canonical(read_network(self.file, layers, self.image).net)

    def excesses(self, net: NetSpec) -> dict[str, float]:
        """By how much a network is beyond each limit on what is counted; zero or less is within."""
        cost = count(net)
        return {
            limit.name: limit.excess(float(getattr(cost, limit.quantity)))
            for limit in self.limits
            if limit.quantity != LATENCY
        }

    def latency_excesses(self, milliseconds: float) -> dict[str, float]:
        """By how much a latency is beyond each limit on it; zero or less is within."""
        return {
            limit.name: limit.excess(milliseconds)
            for limit in self.limits
            if limit.quantity == LATENCY
        }


def read_space(
    file: str, tables: Mapping[str, Any], layers: Layers, image: Mapping[str, int]
) -> Space:
    """A space without limits, from the tables of a file.

    Each value must give a network where the other axes are at their first; a range, at its ends.

    Args:
        file: named in errors.
        tables: the axes, by name.
        layers, image: see `Space`.

    Raises:
        InputError: one line with the file, the key, and what would be right.
    """
    axes = tuple(_axis(f"{file}: space.{name}", name, raw) for name, raw in tables.items())
    _check_apart(file, axes)
    space = Space(file=file, layers=tuple(layers), image=image, axes=axes)
    first = {parameter.name: next(parameter.ends()) for parameter in space.parameters}
    for parameter in space.parameters:
        for value in parameter.ends():
            try:
                space.network(first | {parameter.name: value})
            except InputError as error:
                reason = str(error).removeprefix(f"{file}: ")
                raise InputError(
                    f"{file}: space.{parameter.name} = {value!r}, with the first of every other "
                    f"axis: {reason}"
                ) from error
    return space


def _axis(where: str, name: str, raw: Any) -> Axis:
    if isinstance(raw, list):
        return _choices(where, name, raw)
    if not isinstance(raw, dict) or not raw:
        raise InputError(f"{where} = {raw!r}: expected a list, a range, or a table of arms")
    if "stages" in raw:
        return _staged(where, name, raw)
    if all(isinstance(value, dict) for value in raw.values()):
        arms = Parameter(name=name, choices=tuple(raw))
        return Axis(name=name, parameters=(arms,), arms=raw, staged=False)
    return Axis(name=name, parameters=(_range(where, name, raw),), arms={}, staged=False)


def _choices(where: str, name: str, values: list[Any]) -> Axis:
    arms = {_label(value): {name: value} for value in values}
    if not values or len(arms) < len(values):
        raise InputError(f"{where} = {values!r}: expected one value or more, each once")
    parameter = Parameter(name=name, choices=tuple(arms))
    return Axis(name=name, parameters=(parameter,), arms=arms, staged=False)


def _staged(where: str, name: str, raw: dict[str, Any]) -> Axis:
    """One parameter a stage, each with the same choices or range."""
    _check_keys(where, raw, STAGED)
    stages = raw["stages"]
    if not isinstance(stages, int) or isinstance(stages, bool) or not 1 <= stages <= MOST_STAGES:
        raise InputError(f"{where}.stages = {stages!r}: expected 1 to {MOST_STAGES}")
    rest = {key: value for key, value in raw.items() if key != "stages"}
    if "choices" not in rest:
        one = Axis(name=name, parameters=(_range(where, name, rest),), arms={}, staged=True)
    elif len(rest) == 1 and isinstance(rest["choices"], list):
        one = replace(_choices(f"{where}.choices", name, rest["choices"]), staged=True)
    else:
        raise InputError(f"{where}: expected a list as choices, and no range beside it")
    parameters = tuple(
        replace(one.parameters[0], name=f"{name} {stage}") for stage in range(1, stages + 1)
    )
    return replace(one, parameters=parameters)


def _range(where: str, name: str, raw: dict[str, Any]) -> Parameter:
    _check_keys(where, raw, RANGE)
    low, high, step = raw.get("from"), raw.get("to"), raw.get("step")
    log = raw.get("log", False)
    if low is None or high is None or not (_is_number(low) and _is_number(high) and low < high):
        raise InputError(f"{where}: from = {low!r}, to = {high!r}: expected numbers that rise")
    if isinstance(low, int) is not isinstance(high, int):
        low, high = float(low), float(high)
    if not isinstance(log, bool) or (log and (low <= 0 or step is not None)):
        raise InputError(f"{where}.log = {log!r}: expected a range above 0 without a step")
    if step is not None and not _fills(low, high, step):
        raise InputError(
            f"{where}.step = {step!r}: expected a step that leads from {low} to {high}"
        )
    return Parameter(name=name, low=low, high=high, step=step, log=log)


def _fills(low: float, high: float, step: Any) -> bool:
    """Whether whole steps lead from one end of a range to the other."""
    if not _is_number(step) or step <= 0 or (isinstance(low, int) and not isinstance(step, int)):
        return False
    steps = (high - low) / step
    return math.isclose(steps, round(steps)) and round(steps) > 0


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9


def _check_keys(where: str, raw: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in raw:
        if key not in known:
            raise InputError(
                f"{where}.{key}: unknown key{nearest(key, known)}: expected one of "
                f"{', '.join(known)}"
            )


def _check_apart(file: str, axes: tuple[Axis, ...]) -> None:
    """Raise `InputError` where two axes set the same key."""
    owner: dict[str, str] = {}
    for axis in axes:
        keys = {key for arm in axis.arms.values() for key in arm} or {axis.name}
        for key in sorted(keys):
            if owner.setdefault(key, axis.name) != axis.name:
                raise InputError(
                    f"{file}: space.{axis.name} and space.{owner[key]} both set {key}; expected "
                    "one of them"
                )


def _label(value: Any) -> str:
    """A choice's name: the text itself, else the value as TOML writes it."""
    if isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)
