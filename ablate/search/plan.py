"""A search on one dataset: its networks, its trainings, and what they are measured against."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ablate.data.catalog import DatasetInfo
from ablate.errors import InputError
from ablate.networks.canonical import canonical
from ablate.networks.cost import count
from ablate.search.file import ACCURACY, EXPLORING_SEEDS, LATENCY, SearchFile, read_search_file
from ablate.search.space import Limit, Space, read_space
from ablate.spec.network import NetSpec
from ablate.spec.recipe import TrainSpec
from ablate.spec.trial import DataSpec, TrialSpec
from ablate.study.file import DatasetTable
from ablate.study.layers import read_network, read_recipe, training_images
from ablate.study.toml_file import Toml, read_toml


@dataclass(frozen=True, kw_only=True)
class Search:
    """A search on one dataset.

    Args:
        name: the file's stem.
        path, source, file: the file, its text and its tables.
        data, train: the same for every network.
        baseline: the network that finalists are compared with.
        space: what may be proposed, with its limits.
        reference: the worst value of each objective that is of any worth; NaN where it is the
            baseline's latency, until `at_latency` is told it.
        images: in the training split.
    """

    name: str
    path: Path
    source: str
    file: SearchFile
    data: DataSpec
    train: TrainSpec
    baseline: NetSpec
    space: Space
    reference: Mapping[str, float]
    images: int

    @property
    def costs(self) -> list[str]:
        """The objectives that are minimised."""
        return [name for name in self.file.search.objectives if name != ACCURACY]

    def at_latency(self, milliseconds: float) -> "Search":
        """The search once the baseline's latency is measured."""
        known = _costs(self.baseline) | {LATENCY: milliseconds}
        return replace(
            self,
            space=replace(self.space, limits=_limits(self.file, known)),
            reference=_reference(self.file, known),
        )

    def trials(self, net: NetSpec, repeat: int) -> list[TrialSpec]:
        """The trainings of a network: a repeat has its own seeds, the same for every sampler."""
        each = self.file.search.seeds_each
        first = EXPLORING_SEEDS + repeat * each
        return [
            TrialSpec(net=net, train=self.train, data=self.data, seed=seed)
            for seed in range(first, first + each)
        ]


def load_search(
    path: Path | Toml,
    info: DatasetInfo,
    seeds: int | None = None,
    epochs: int | None = None,
    subset: float = 1.0,
) -> Search:
    """The search in a file, on a dataset.

    Args:
        path: the file, or what was read of it.
        info: the dataset.
        seeds: of the confirmation, whatever the file says.
        epochs: of every training, whatever the file says.
        subset: fraction of the images that is used.

    Raises:
        InputError: one line with the file, the key, and what would be right.
    """
    toml = read_toml(path)
    file, path = read_search_file(toml), toml.path
    own = file.datasets.get(info.name, DatasetTable())
    seeds = seeds or own.seeds or file.seeds
    if seeds >= EXPLORING_SEEDS:
        raise InputError(f"--seeds {seeds}: expected below {EXPLORING_SEEDS:,}")
    data = DataSpec(
        name=info.name,
        checksum=info.checksum,
        subset=subset,
        **file.data.model_dump(exclude_none=True),
    )
    recipe = [("train", file.train), (f"datasets.{info.name}.train", own.train)]
    given = {} if epochs is None else {"epochs": epochs}
    train = read_recipe(str(path), [*recipe, ("--epochs", given)])
    images = training_images(path, info, data, train)
    image = info.image
    layers = [("net", file.net), (f"datasets.{info.name}.net", own.net)]
    baseline = canonical(read_network(str(path), layers, image).net)
    space = read_space(str(path), file.space, layers, image)
    costs = _costs(baseline)
    return Search(
        name=path.stem,
        path=path,
        source=toml.text,
        file=file.model_copy(update={"seeds": seeds}),
        data=data,
        train=train,
        baseline=baseline,
        space=replace(space, limits=_limits(file, costs)),
        reference=_reference(file, costs),
        images=images,
    )


def _costs(baseline: NetSpec) -> dict[str, float]:
    """What the baseline costs, by the names of limits; its latency is not known yet."""
    cost = count(baseline)
    return {name: getattr(cost, name) for name in ("macs", "params", "activations")} | {
        LATENCY: math.nan
    }


def _limits(file: SearchFile, costs: Mapping[str, float]) -> tuple[Limit, ...]:
    return tuple(
        Limit(
            quantity=quantity,
            bound=costs[quantity] if bound == "baseline" else bound,
            at_most=name == "at_most",
        )
        for quantity, table in file.limits.items()
        for name, bound in table
        if bound is not None
    )


def _reference(file: SearchFile, costs: Mapping[str, float]) -> dict[str, float]:
    return {
        name: float(costs[name]) if bound == "baseline" else float(bound)
        for name, bound in file.reference.items()
    }
