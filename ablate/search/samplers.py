"""Samplers by name, as Optuna has them."""

from collections.abc import Iterable

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler, GPSampler, NSGAIISampler, RandomSampler, TPESampler

from ablate.search.file import SearchTable
from ablate.search.space import Parameter


def make_sampler(name: str, search: SearchTable, seed: int) -> BaseSampler:
    """A sampler that draws `search.startup` networks at random before it chooses.

    Args:
        name: `tpe` (Bergstra et al. 2011, NIPS), `nsga2` (Deb et al. 2002, IEEE TEVC 6; its
            population is `search.startup`), `gp` (a Gaussian process) or `random`.
        search: how the search goes about it.
        seed: of all that the sampler draws.
    """
    if name == "tpe":
        return TPESampler(n_startup_trials=search.startup, multivariate=True, seed=seed)
    if name == "nsga2":
        return NSGAIISampler(population_size=search.startup, seed=seed)
    if name == "gp":
        return GPSampler(n_startup_trials=search.startup, seed=seed)
    assert name == "random", name
    return RandomSampler(seed=seed)


def sampler_seed(search: SearchTable, repeat: int, draw: int) -> int:
    """The seed of one draw of a repeat: so that what goes on after a stop goes on as it would have.

    It is the same for every sampler: they begin with the same networks.
    """
    return int(np.random.SeedSequence([search.seed, repeat, draw]).generate_state(1)[0])


def distributions(parameters: Iterable[Parameter]) -> dict[str, BaseDistribution]:
    """What a sampler may draw, by the name of each parameter."""
    return {parameter.name: _distribution(parameter) for parameter in parameters}


def _distribution(parameter: Parameter) -> BaseDistribution:
    if parameter.choices:
        return CategoricalDistribution(parameter.choices)
    if parameter.whole:
        step = 1 if parameter.step is None else int(parameter.step)
        return IntDistribution(
            int(parameter.low), int(parameter.high), log=parameter.log, step=step
        )
    return FloatDistribution(parameter.low, parameter.high, log=parameter.log, step=parameter.step)
