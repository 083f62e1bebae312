"""Networks drawn at random from each arm's design space, all at one budget.

As RegNet compares design spaces (Radosavovic et al. 2020, arXiv 2003.13678, section 3.1): an arm is
a rule for widths, and what is compared are distributions over networks that follow it. Each draw of
what the rules leave free (the depths) gives one network an arm, so that arms are paired by draw.
"""

import math
import random
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from ablate.errors import InputError
from ablate.networks.budget import CostOf, cost_of, match_widths
from ablate.networks.canonical import alike
from ablate.networks.widths import growth_shape
from ablate.spec.limits import check_depths
from ablate.spec.network import NetSpec
from ablate.spec.recipe import TrainSpec
from ablate.study.cells import (
    Cell,
    Matched,
    check_baseline,
    check_blocks,
    matched_quantity,
)
from ablate.study.file import SampleTable, StudyFile
from ablate.study.layers import Design, Layers, read_network
from ablate.study.recipes import Recipes, split

NETWORK = "network"  # the second axis of a sampled study: the number of the network in its arm
DRAWN = "drawn"  # the growth of an arm whose ratios of widths are drawn
DRAWS_EACH = 30  # draws for each network that is found, before it is given up
PATIENCE = 10  # networks beyond those found that are hoped for
Fate = Literal["kept", "off the budget", "off the shape", "drawn before"]


@dataclass(frozen=True, kw_only=True)
class Draw:
    """One draw, and what became of it.

    Args:
        depths: blocks of each stage.
        ratios: width of each stage over that of the stage before, for arms that draw it.
        fate: kept where every arm has a new network of the budget; else it was drawn again.
        arm: the first arm that had none.
        network: its number among the networks of each arm.
    """

    depths: tuple[int, ...]
    ratios: tuple[float, ...]
    fate: Fate = "kept"
    arm: str | None = None
    network: int | None = None


@dataclass(frozen=True, kw_only=True)
class _Space:
    """What is drawn from: a design an arm, and the budget that all of them are brought to."""

    table: SampleTable
    designs: Mapping[str, Design]
    trains: Mapping[str, TrainSpec | None]
    drawn: frozenset[str]  # arms whose ratios are drawn
    quantity: str
    cost: CostOf
    budget: float


def draw_cells(
    path: Path, file: StudyFile, layers: Layers, image: Mapping[str, int], recipes: Recipes
) -> tuple[list[Cell], tuple[Draw, ...]]:
    """The cells of a sampled study, draw by draw, and every draw that was made.

    A draw is made again where an arm cannot be brought to the budget within the tolerances, or
    where its network is one that was drawn before: networks are drawn without replacement, for
    which intervals for independent draws are wide enough or wider (Serfling 1974, Annals of
    Statistics 2). More networks keep those of fewer.

    Args:
        path, file: of the study; it has a `[sample]` table.
        layers: settings below those of the arms, as `layers.read_network` takes them.
        image: `num_classes`, `in_channels` and `image_size` of the dataset.
        recipes: those of the arms.

    Raises:
        InputError: one line with the file, the key, and what would be right.
    """
    space = _read_space(path, file, list(layers), image, recipes)
    (axis,) = file.axes
    digits = max(2, len(str(space.table.networks - 1)))
    cells: list[Cell] = []
    draws: list[Draw] = []
    seen: set[tuple[Hashable, TrainSpec | None]] = set()
    stages = len(next(iter(space.designs.values())).net.depths)
    for draw in _draws(space.table, stages):
        number = len(cells) // len(space.designs)
        found: dict[tuple[Hashable, TrainSpec | None], Cell] = {}
        for arm in space.designs:
            net, matched = _solve(space, arm, draw)
            own = alike(net), space.trains[arm]
            fate = _fate(space.table, matched, own in seen | set(found))
            if fate != "kept":
                draws.append(replace(draw, fate=fate, arm=arm))
                break
            numbered = f"{number:0{digits}}"
            name, arms = f"{arm} / {numbered}", {axis: arm, NETWORK: numbered}
            found[own] = Cell(name, arms, net, matched, number, space.trains[arm])
        else:
            draws.append(replace(draw, network=number))
            cells += found.values()
            seen |= set(found)
            if number + 1 == space.table.networks:
                return cells, tuple(draws)
        if len(draws) == DRAWS_EACH * (number + PATIENCE):
            break
    (fate, arm), _ = Counter((draw.fate, draw.arm) for draw in draws if draw.arm).most_common(1)[0]
    raise InputError(
        f"{path}: sample.networks = {space.table.networks}: only "
        f"{len(cells) // len(space.designs)} found in {len(draws)} draws, most others {fate} "
        f"({arm}); expected fewer, wider ranges, a larger budget or larger tolerances"
    )


def _draws(table: SampleTable, stages: int) -> Iterator[Draw]:
    """Endless draws.

    `Random.random` is the one stream that Python promises to keep: keys must not change with it.
    """
    uniform = random.Random(table.seed).random
    least, most = table.depths
    while True:
        depths = tuple(least + math.floor(uniform() * (most - least + 1)) for _ in range(stages))
        ratios: tuple[float, ...] = ()
        if table.ratios is not None:
            low, high = map(math.log, table.ratios)
            ratios = tuple(math.exp(low + uniform() * (high - low)) for _ in range(stages - 1))
        yield Draw(depths=depths, ratios=ratios)


def _solve(space: _Space, arm: str, draw: Draw) -> tuple[NetSpec, Matched]:
    """An arm's network with the depths of a draw, brought as near to the budget as it can be."""
    design = space.designs[arm]
    net = replace(design.net, depths=draw.depths)
    shape = design.shape
    if arm in space.drawn:
        shape = tuple(math.prod(draw.ratios[:stage]) for stage in range(len(draw.depths)))
    try:
        match = match_widths(net, shape, space.cost, space.budget, design.multiple)
    except InputError:  # the smallest network of this shape is too large
        return net, Matched(space.quantity, math.inf, 0.0)
    return match.net, Matched(space.quantity, match.residual, match.shape_error)


def _fate(table: SampleTable, matched: Matched, repeated: bool) -> Fate:
    if abs(matched.residual) > table.tolerance:
        return "off the budget"
    if matched.off_shape(table.shape_tolerance):
        return "off the shape"
    return "drawn before" if repeated else "kept"


def _read_space(
    path: Path,
    file: StudyFile,
    layers: list[tuple[str, Mapping[str, Any]]],
    image: Mapping[str, int],
    recipes: Recipes,
) -> _Space:
    assert file.sample is not None
    table = file.sample
    if len(file.axes) != 1 or file.match is None:
        missing = "one axis" if len(file.axes) != 1 else "a [match] table"
        raise InputError(f"{path}: sample: expected {missing}, to draw the networks of each arm")
    if file.match.by == "depth" or file.match.latency is not None:
        raise InputError(
            f"{path}: match: expected macs, params or activations, matched by width, since "
            "sampled networks draw their depths, and measured ones would not be drawn twice alike"
        )
    if "shape_tolerance" in file.match.model_fields_set:
        raise InputError(
            f"{path}: match.shape_tolerance: not with [sample], whose shape_tolerance holds; take "
            "it out"
        )
    ((axis, arms),) = file.axes.items()
    check_baseline(path, file, list(arms))
    drawn = frozenset(arm for arm, settings in arms.items() if settings.get("growth") == DRAWN)
    _check_ratios(path, f"axes.{axis}", table, drawn)
    designs, trains = {}, {}
    for arm, settings in arms.items():
        own = {**settings, "growth": "constant"} if arm in drawn else settings
        where = f"axes.{axis}.{arm}"
        networks, trainings = split(str(path), [(where, own)])
        designs[arm] = read_network(str(path), [*layers, *networks], image)
        trains[arm] = recipes.own(trainings)
        if any(isinstance(width, tuple) for width in designs[arm].shape):
            raise InputError(
                f"{path}: {where}: its widths go by block; expected one width a stage, since "
                "depths are drawn"
            )
        if "depths" in settings or "equal_stages" in settings:
            raise InputError(f"{path}: {where}: sets depths, which are drawn; take it out")
    quantity, given = matched_quantity(path, file.match)
    if isinstance(given, str) and file.baseline in drawn:
        raise InputError(
            f'{path}: match.{quantity} = "reference": {file.baseline} draws its widths; expected a '
            "number, or another baseline"
        )
    _check_size(path, table, list(designs.values()))
    _check_range(path, table, len(designs[file.baseline].net.depths))
    cost = cost_of(quantity)
    budget = cost(designs[file.baseline].net) if isinstance(given, str) else given
    return _Space(
        table=table,
        designs=designs,
        trains=trains,
        drawn=drawn,
        quantity=quantity,
        cost=cost,
        budget=budget,
    )


def _check_size(path: Path, table: SampleTable, designs: list[Design]) -> None:
    """Raise `InputError` for more blocks than a network, or a study, may have."""
    stages, most = len(designs[0].net.depths), table.depths[1]
    try:
        check_depths((most,) * stages)
    except InputError as error:
        raise InputError(f"{path}: sample.depths: {error}") from error
    check_blocks(f"{path}: sample", table.networks * len(designs) * stages * most)


def _check_ratios(path: Path, axis: str, table: SampleTable, drawn: frozenset[str]) -> None:
    """Raise `InputError` where ratios are to be drawn from no range, or a range is of no use."""
    if drawn and table.ratios is None:
        raise InputError(
            f'{path}: {axis}.{min(drawn)}.growth = "{DRAWN}": expected sample.ratios, the range '
            "that the ratio of a stage's width to that of the stage before is drawn from"
        )
    if table.ratios is not None and not drawn:
        raise InputError(
            f'{path}: sample.ratios: no arm has growth = "{DRAWN}"; expected one, or take it out'
        )


def _check_range(path: Path, table: SampleTable, stages: int) -> None:
    """Raise `InputError` for ratios that could draw widths too far apart to be solved for."""
    for ratio in table.ratios or ():
        try:
            growth_shape(ratio, stages)
        except InputError as error:
            raise InputError(f"{path}: sample.ratios: {error}") from error
