"""The recipe of each arm: the study's, but for what it sets in a table `train` of its own."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ablate.errors import InputError
from ablate.spec.recipe import TrainSpec
from ablate.study.layers import Layers, read_recipe

TRAIN = "train"  # of an arm: the settings of its recipe


@dataclass(frozen=True)
class Recipes:
    """The layers that a study's recipes are made of; a later one wins.

    Args:
        file: named in errors.
        below: `[train]` and `[datasets.NAME.train]`, under what arms set.
        above: `--epochs`, over it.
        tuned: whether `[tune]` sets every cell's learning rate.
    """

    file: str
    below: Layers
    above: Layers
    tuned: bool = False

    @cached_property
    def base(self) -> TrainSpec:
        """That of arms which set nothing."""
        return read_recipe(self.file, [*self.below, *self.above])

    def own(self, arms: Layers) -> TrainSpec | None:
        """The recipe of a cell; None where it is the study's.

        Args:
            arms: its arms' settings, as `split` gives them.

        Raises:
            InputError: one line with the file, the key, and what would be right.
        """
        arms = list(arms)
        for where, settings in arms:
            if self.tuned and "lr" in settings:
                raise InputError(
                    f"{self.file}: {where}.lr: [tune] sets the learning rate of every arm; take "
                    "one of them out"
                )
        train = read_recipe(self.file, [*self.below, *arms, *self.above])
        return None if train == self.base else train


def split(file: str, arms: Layers) -> tuple[Layers, Layers]:
    """What arms set of their network, and what of their recipe, as layers.

    Args:
        file: named in errors.
        arms: name and settings of each.
    """
    networks: list[tuple[str, Mapping[str, Any]]] = []
    recipes: list[tuple[str, Mapping[str, Any]]] = []
    for where, settings in arms:
        own = settings.get(TRAIN, {})
        if not isinstance(own, Mapping):
            raise InputError(f"{file}: {where}.{TRAIN} = {own!r}: expected a table, as [train] is")
        networks.append((where, {key: settings[key] for key in settings if key != TRAIN}))
        recipes.append((f"{where}.{TRAIN}", own))
    return networks, recipes


def difference(train: TrainSpec, other: TrainSpec) -> dict[str, Any]:
    """The fields of a recipe that are not as in another."""
    return {
        field.name: getattr(train, field.name)
        for field in dataclasses.fields(TrainSpec)
        if getattr(train, field.name) != getattr(other, field.name)
    }
