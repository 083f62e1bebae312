"""The cells of a study: every combination of arms as a network, brought to the study's budget."""

import itertools
import math
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ablate.errors import InputError
from ablate.networks.budget import QUANTITIES, CostOf, Match, cost_of, match_depths, match_widths
from ablate.networks.canonical import alike
from ablate.spec.network import NetSpec
from ablate.spec.recipe import TrainSpec
from ablate.study.file import MatchTable, StudyFile
from ablate.study.layers import Design, Layers, read_network
from ablate.study.recipes import Recipes, split

MATCHED = (*QUANTITIES, "latency")  # what may be held equal
Latency = Callable[[NetSpec, int], float]
MOST_CELLS, MOST_STUDY_BLOCKS = 1_000, 20_000  # of a study, and of all its networks


@dataclass(frozen=True)
class Matched:
    """How a cell's network was brought to the study's budget.

    Args:
        quantity: what is held equal: `macs`, `params`, `activations` or `latency`.
        residual: the cell's cost over the budget, less one.
        shape_error: departure of its widths or depths from the arm's shape, as a fraction.
    """

    quantity: str
    residual: float
    shape_error: float

    def off_shape(self, tolerance: float) -> bool:
        """Whether it departs from the arm's shape by more than the tolerance."""
        return self.shape_error > tolerance


@dataclass(frozen=True)
class Cell:
    """One combination of the arms of all axes.

    Args:
        name: the arm, or the arms joined by " / ".
        arms: arm by axis.
        net: its network.
        matched: how it meets the budget, where the study sets one.
        draw: the number of the draw that it came from, in a study of sampled networks; else 0.
        train: its own recipe, where an arm sets one or its learning rate was tuned; None for the
            study's.
    """

    name: str
    arms: Mapping[str, str]
    net: NetSpec
    matched: Matched | None = None
    draw: int = 0
    train: TrainSpec | None = None


def read_cells(
    path: Path,
    file: StudyFile,
    layers: Layers,
    image: Mapping[str, int],
    recipes: Recipes,
    latency: Latency | None,
) -> list[Cell]:
    """Every combination of arms, in the order of the file.

    Args:
        path, file: of the study.
        layers: settings below those of the arms, as `layers.read_network` takes them.
        image: `num_classes`, `in_channels` and `image_size` of the dataset.
        recipes: theirs; the batch of the study's own is what a latency is measured with.
        latency: measures a network, for a study that matches it.

    Raises:
        InputError: one line with the file, the key, and what would be right.
    """
    layers = list(layers)
    number = math.prod(len(arms) for arms in file.axes.values())
    if number > MOST_CELLS:
        raise InputError(f"{path}: axes: {number:,} cells; expected at most {MOST_CELLS:,}")
    designs: dict[tuple[str, ...], Design] = {}
    trains: dict[tuple[str, ...], TrainSpec | None] = {}
    for arms in itertools.product(*(axis.items() for axis in file.axes.values())):
        own = [
            (f"axes.{axis}.{arm}", settings)
            for axis, (arm, settings) in zip(file.axes, arms, strict=True)
        ]
        names = tuple(arm for arm, _ in arms)
        networks, trainings = split(str(path), own)
        designs[names] = read_network(str(path), [*layers, *networks], image)
        trains[names] = recipes.own(trainings)
    cells = [
        Cell(
            " / ".join(arms),
            dict(zip(file.axes, arms, strict=True)),
            design.net,
            train=trains[arms],
        )
        for arms, design in designs.items()
    ]
    check_baseline(path, file, [cell.name for cell in cells])
    check_blocks(f"{path}: axes", sum(sum(cell.net.depths) for cell in cells))
    if file.match is not None:
        quantity, given = matched_quantity(path, file.match)
        cost = budget_cost(path, quantity, recipes.base, latency)
        cells = _match(path, file, cells, list(designs.values()), (quantity, given, cost))
    what = "network and recipe" if any(cell.train for cell in cells) else "network"
    for cell, same in repeated(cells):
        raise InputError(
            f"{path}: axes: {cell.name!r} is the same {what} as {same.name!r}, with "
            f"widths {list(cell.net.widths)}; take one of them out"
        )
    return cells


def check_baseline(path: Path, file: StudyFile, names: list[str]) -> None:
    """Raise `InputError` unless the baseline is one of the names."""
    if file.baseline not in names:
        raise InputError(
            f"{path}: baseline = {file.baseline!r}: expected one of {', '.join(names)}"
        )


def check_blocks(where: str, blocks: int) -> None:
    """Raise `InputError` for more blocks in a study's networks than can be worked out at once."""
    if blocks > MOST_STUDY_BLOCKS:
        raise InputError(
            f"{where}: {blocks:,} residual blocks in all networks; expected at most "
            f"{MOST_STUDY_BLOCKS:,}"
        )


def repeated(cells: Iterable[Cell]) -> Iterable[tuple[Cell, Cell]]:
    """Each cell with network and recipe of an earlier one, built alike, with that one."""
    seen: dict[tuple[Hashable, TrainSpec | None], Cell] = {}
    for cell in cells:
        first = seen.setdefault((alike(cell.net), cell.train), cell)
        if first is not cell:
            yield cell, first


def matched_quantity(path: Path, table: MatchTable) -> tuple[str, str | float]:
    """The quantity that a study holds equal, and its budget as the file gives it."""
    given = {name: value for name, value in table if name in MATCHED and value is not None}
    if len(given) != 1:
        raise InputError(
            f"{path}: match: expected one of {', '.join(MATCHED)}; got {', '.join(given) or 'none'}"
        )
    quantity, budget = next(iter(given.items()))
    if isinstance(budget, str) and budget != "reference":
        raise InputError(
            f'{path}: match.{quantity} = {budget!r}: expected "reference" (the baseline\'s own '
            "cost) or a number"
        )
    if isinstance(budget, float) and not 0 < budget < math.inf:
        raise InputError(f"{path}: match.{quantity} = {budget:g}: expected a positive number")
    return quantity, budget


def budget_cost(path: Path, quantity: str, train: TrainSpec, latency: Latency | None) -> CostOf:
    """The measure of a quantity that a study holds equal."""
    if quantity != "latency":
        return cost_of(quantity)
    if latency is None:
        raise InputError(f"{path}: match.latency: needs a device to measure on")
    return lambda net: latency(net, train.batch_size)


def _match(
    path: Path,
    file: StudyFile,
    cells: list[Cell],
    designs: list[Design],
    measure: tuple[str, str | float, CostOf],
) -> list[Cell]:
    """The cells with each network brought to the budget; a baseline that sets it stays."""
    quantity, given, cost = measure
    assert file.match is not None
    reference = next(cell.net for cell in cells if cell.name == file.baseline)
    budget = cost(reference) if isinstance(given, str) else given
    solved = []
    for cell, design in zip(cells, designs, strict=True):
        try:
            if cell.net.net is not None and not (cell.net == reference and isinstance(given, str)):
                raise InputError(
                    f"{cell.net.net} is a whole network, which has no widths or depths to solve "
                    "for; take [match] out, or give the network's size in its own arguments"
                )
            if cell.net == reference and isinstance(given, str):
                match = Match(cell.net, 0.0, 0.0)
            elif file.match.by == "depth":
                match = match_depths(cell.net, cost, budget, quantity != "latency")
            else:
                match = match_widths(
                    cell.net, design.shape, cost, budget, design.multiple, quantity != "latency"
                )
        except InputError as error:
            raise InputError(f"{path}: match.{quantity}: {cell.name}: {error}") from error
        matched = Matched(quantity, match.residual, match.shape_error)
        if matched.off_shape(file.match.shape_tolerance):
            solved_for = "widths" if file.match.by == "width" else "depths"
            raise InputError(
                f"{path}: match.{quantity}: {cell.name}: {solved_for} = "
                f"{list(getattr(match.net, solved_for))} are off the arm's shape by "
                f"{matched.shape_error:.1%}; expected at most {file.match.shape_tolerance:.1%}: "
                "take a larger budget or a larger match.shape_tolerance"
            )
        solved.append(replace(cell, net=match.net, matched=matched))
    return solved
