"""Samplers and pruners are Optuna's own, with the seeds of the search."""

import math
from pathlib import Path
from typing import Any, get_args

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from ablate.search.chain import pruner_of
from ablate.search.file import Pruner, Sampler, SearchTable
from ablate.search.samplers import distributions, make_sampler, sampler_seed
from support import searches

SEARCH = SearchTable(
    samplers=["tpe"], objectives=["val_accuracy"], trials=9, startup=3, seed=4, repeats=2
)


def drawn(name: str, parameters: Any, draws: int) -> list[dict[str, Any]]:
    """Points that a sampler draws, each told a value before the next."""
    study = optuna.create_study()
    points = []
    for draw in range(draws):
        study.sampler = make_sampler(name, SEARCH, sampler_seed(SEARCH, 0, draw))
        trial = study.ask(parameters)
        study.tell(trial, float(draw % 3))
        points.append(trial.params)
    return points


def test_every_sampler_begins_with_the_same_points(tmp_path: Path) -> None:
    parameters = distributions(searches.small(tmp_path).space.parameters)
    points = {name: drawn(name, parameters, 6) for name in get_args(Sampler)}
    assert all(found[:3] == points["random"][:3] for found in points.values())
    assert all(found == drawn(name, parameters, 6) for name, found in points.items())
    assert points["tpe"][3:] != points["random"][3:]


def test_every_draw_has_a_seed_of_its_own() -> None:
    seeds = {sampler_seed(SEARCH, repeat, draw) for repeat in range(2) for draw in range(50)}
    assert len(seeds) == 100
    assert sampler_seed(SEARCH.model_copy(update={"seed": 5}), 0, 0) not in seeds


def test_parameters_become_distributions(tmp_path: Path) -> None:
    found = distributions(searches.small(tmp_path).space.parameters)
    assert found["base_width"] == IntDistribution(2, 6)
    assert found["growth"] == FloatDistribution(1.0, 3.0, step=0.5)
    assert found["shortcut"] == CategoricalDistribution(("none", "A", "B"))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.long) if name == "wilcoxon" else name
        for name in get_args(Pruner)
    ],
)
def test_a_pruner_cuts_what_is_far_behind(name: str) -> None:
    table = SEARCH.model_copy(update={"pruner": name, "seeds_each": 27})
    study = optuna.create_study(direction="maximize", pruner=pruner_of(table, 27))
    ends = []
    for accuracy in [0.9] * 12 + [0.1] * 12:
        trial = study.ask()
        for step in range(1, 28):
            trial.report(accuracy, step)
            if trial.should_prune():
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                ends.append(True)
                break
        else:
            study.tell(trial, accuracy)
            ends.append(False)
    assert not any(ends[:3])
    assert any(ends[12:]) is (name != "none")


def cut(table: SearchTable, times: int) -> float:
    """How often a network is cut that is as good as the one before, asked as a chain asks."""
    rng = np.random.default_rng(1)
    pruner = pruner_of(table, 1)
    pruned = 0
    for _ in range(times):
        before, new = rng.standard_normal((2, table.seeds_each))
        study = optuna.create_study(direction="maximize", pruner=pruner)
        steps = dict(enumerate(before.tolist()))
        study.add_trial(optuna.create_trial(value=before.mean(), intermediate_values=steps))
        trial = study.ask()
        for step, value in enumerate(new[:-1].tolist()):
            trial.report(value, step)
            if trial.should_prune():
                pruned += 1
                break
    return pruned / times


def test_wilcoxon_cuts_no_more_equals_than_the_file_says() -> None:
    """Optuna's own p < 0.1 cuts 27% here, for each of 18 looks is another chance."""
    table = SEARCH.model_copy(update={"pruner": "wilcoxon", "seeds_each": 20})
    assert 0.04 < cut(table, 120) <= 0.1 + 2 * math.sqrt(0.09 / 120)
