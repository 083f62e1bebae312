"""A search on a dataset: its limits, its reference, and the seeds of its trainings."""

from dataclasses import replace
from pathlib import Path

import pytest

from ablate.data.catalog import DATASETS
from ablate.errors import InputError
from ablate.networks import cost as networks_cost
from ablate.search.file import EXPLORING_SEEDS
from ablate.search.plan import load_search
from ablate.study.find import find_studies
from support import searches


def test_baseline_stands_for_what_it_costs(tmp_path: Path) -> None:
    search = searches.small(tmp_path)
    cost = networks_cost.count(search.baseline)
    assert search.baseline.widths == (4, 8, 16)
    assert search.reference == {"val_accuracy": 0.05, "macs": cost.macs}
    assert [(limit.name, limit.bound) for limit in search.space.limits] == [
        ("macs_at_most", cost.macs)
    ]
    assert search.costs == ["macs"]


def test_repeats_train_with_seeds_of_their_own_which_the_confirmation_never_uses(
    tmp_path: Path,
) -> None:
    search = searches.small(tmp_path, ("finalists = 2", "finalists = 2\nseeds_each = 3"))
    seeds = [
        [trial.seed for trial in search.trials(search.baseline, repeat)] for repeat in range(2)
    ]
    assert seeds == [[1000000, 1000001, 1000002], [1000003, 1000004, 1000005]]
    assert search.file.seeds < EXPLORING_SEEDS
    assert {trial.train for trial in search.trials(search.baseline, 0)} == {search.train}


def test_the_command_line_goes_before_the_file(tmp_path: Path) -> None:
    path, info = searches.write(tmp_path), DATASETS["digits"]
    search = load_search(path, info, seeds=7, epochs=3, subset=0.5)
    assert (search.file.seeds, search.train.epochs, search.data.subset) == (7, 3, 0.5)
    assert search.images == info.sizes(search.data)[0]
    with pytest.raises(InputError, match="--seeds 1000000: expected below 1,000,000"):
        load_search(path, info, seeds=EXPLORING_SEEDS)


def test_a_dataset_has_settings_of_its_own(tmp_path: Path) -> None:
    own = "[datasets.digits]\nseeds = 5\nnet = { base_width = 6 }\ntrain = { epochs = 4 }\n\n"
    search = searches.small(tmp_path, ("[search]\n", f"{own}[search]\n"))
    assert (search.file.seeds, search.train.epochs) == (5, 4)
    assert search.baseline.widths == (6, 12, 24)


def test_a_batch_larger_than_the_dataset_is_refused(tmp_path: Path) -> None:
    path = searches.write(tmp_path, ("batch_size = 64", "batch_size = 4096"))
    with pytest.raises(InputError, match="at most the 1079 training images of digits"):
        load_search(path, DATASETS["digits"])


def test_the_search_that_comes_with_ablate_is_sound() -> None:
    search = load_search(find_studies()["search_pareto"], DATASETS["digits"])
    assert search.file.search.repeats >= 6  # fewer could not be told from chance
    assert search.file.comparisons
    assert search.file.hypotheses
    smaller = replace(search.baseline, widths=(3, 3, 3))
    assert all(excess < 0 for excess in search.space.excesses(smaller).values())
