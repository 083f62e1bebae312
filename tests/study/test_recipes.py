"""Arms that set their recipe: the layers, what is the same arm, tuning, draws, faults."""

from dataclasses import replace
from pathlib import Path

import pytest

from ablate.errors import InputError
from ablate.spec.recipe import TrainSpec
from ablate.study.plan import Study, load_study
from ablate.study.tuning import tuned, tuning_plan
from support import ROOT

HEAD = """
question = "Which recipe?"
baseline = "plain"
seeds = 2
[net]
widths = [4, 8]
depths = [1, 1]
strides = [1, 2]
"""
STUDY = f"""
{HEAD}
[train]
epochs = 4
batch_size = 32
lr = 0.2
[axes.recipe]
plain = {{}}
adamw = {{ train = {{ optimizer = "adamw", lr = 1, epochs = 6 }} }}
wide = {{ widths = [8, 8], train = {{ mixup = 0.2 }} }}
[datasets.digits.train]
batch_size = 64
ema = 0.9
"""


def load(folder: Path, text: str, epochs: int | None = None) -> Study:
    path = folder / "example.toml"
    path.write_text(text)
    return load_study(path, epochs=epochs)


def trains(study: Study) -> dict[str, TrainSpec]:
    return {planned.cell.name: planned.spec.train for planned in study.plan()}


def test_an_arm_lies_over_the_study_and_its_data_set(tmp_path: Path) -> None:
    study = load(tmp_path, STUDY)
    base = TrainSpec(epochs=4, batch_size=64, lr=0.2, ema=0.9)
    assert trains(study) == {
        "plain": base,
        "adamw": replace(base, optimizer="adamw", lr=1.0, epochs=6),
        "wide": replace(base, mixup=0.2),
    }
    assert [cell.net.widths for cell in study.cells] == [(4, 8), (4, 8), (8, 8)]
    assert [cell.train is None for cell in study.cells] == [True, False, False]


def test_the_option_lies_over_the_arms(tmp_path: Path) -> None:
    study = load(tmp_path, STUDY, epochs=1)
    assert {train.epochs for train in trains(study).values()} == {1}
    assert trains(study)["adamw"].optimizer == "adamw"


def test_the_last_axis_wins_key_by_key(tmp_path: Path) -> None:
    text = STUDY.replace('"plain"', '"plain / short"') + (
        "[axes.time]\nshort = {}\nlong = { train = { epochs = 9, flip = true } }\n"
    )
    found = trains(load(tmp_path, text))["adamw / long"]
    assert (found.optimizer, found.lr, found.epochs, found.flip) == ("adamw", 1.0, 9, True)


def test_an_arm_that_says_what_holds_anyway_has_the_studys_recipe(tmp_path: Path) -> None:
    text = STUDY.replace("mixup = 0.2", "lr = 0.2")
    assert load(tmp_path, text).cells[2].train is None


def test_arms_are_alike_only_if_network_and_recipe_are(tmp_path: Path) -> None:
    text = STUDY.replace(
        "wide = { widths = [8, 8], train = { mixup = 0.2 } }",
        'same = { train = { optimizer = "sgd" } }',
    )
    with pytest.raises(InputError, match="'same' is the same network and recipe as 'plain'"):
        load(tmp_path, text)


def test_arms_of_one_network_are_one_network_at_a_budget(tmp_path: Path) -> None:
    plain, adamw, wide = load(tmp_path, STUDY + '[match]\nmacs = "reference"\n').cells
    assert plain.net == adamw.net
    assert plain.matched is not None
    assert adamw.matched is not None
    assert plain.matched.residual == adamw.matched.residual == 0
    assert wide.net != plain.net
    assert wide.train is not None


TUNED = f"""
{HEAD}
[tune]
lr = [0.1, 0.2]
[axes.recipe]
plain = {{}}
adamw = {{ train = {{ optimizer = "adamw", weight_decay = 0.05 }} }}
"""


def test_each_arm_is_tuned_by_its_own_recipe(tmp_path: Path) -> None:
    study = load(tmp_path, TUNED)
    plan = tuning_plan(study)
    assert {(p.cell.name, p.spec.train.optimizer, p.spec.train.lr) for p in plan} == {
        *(("plain", "sgd", lr) for lr in (0.1, 0.2)),
        *(("adamw", "adamw", lr) for lr in (0.1, 0.2)),
    }
    better = {"plain": 0.2, "adamw": 0.1}
    outcomes = {
        p.spec.key: {
            "row": {
                "val_accuracy": float(p.spec.train.lr == better[p.cell.name]),
                "state": "complete",
            }
        }
        for p in plan
    }
    after = trains(tuned(study, outcomes))
    assert after["plain"] == replace(study.train, lr=0.2)
    assert after["adamw"] == TrainSpec(optimizer="adamw", weight_decay=0.05, lr=0.1)


SAMPLED = """
question = "Which recipe, over many networks?"
baseline = "plain"
seeds = 1
[sample]
networks = 3
depths = [1, 3]
[net]
base_width = 6
[match]
macs = "reference"
[axes.recipe]
plain = {}
adamw = { train = { optimizer = "adamw" } }
"""


def test_the_networks_of_a_draw_are_trained_by_each_recipe(tmp_path: Path) -> None:
    study = load(tmp_path, SAMPLED)
    plain, adamw = study.cells[::2], study.cells[1::2]
    assert [cell.net for cell in plain] == [cell.net for cell in adamw]
    assert {study.recipe(cell).optimizer for cell in plain} == {"sgd"}
    assert {study.recipe(cell).optimizer for cell in adamw} == {"adamw"}
    assert len({cell.net for cell in study.cells}) == 3


FAULTS = {
    "no table": ("= { mixup = 0.2 }", "= 3", "axes.recipe.wide.train = 3: expected a table"),
    "unknown key": ("mixup = 0.2", "mix_up = 0.2", "axes.recipe.wide.train.mix_up: unknown key"),
    "another type": ("mixup = 0.2", 'mixup = "a"', "axes.recipe.wide.train.mixup = 'a': expected"),
    "out of range": ("mixup = 0.2", "mixup = -1", "axes.recipe.wide.train: mixup = -1"),
    "no such choice": ('"adamw"', '"lamb"', "axes.recipe.adamw.train.optimizer = 'lamb'"),
    "batch too large": (
        "mixup = 0.2",
        "batch_size = 1080",
        "wide: train.batch_size = 1080: expected at most the 1079 training images of digits",
    ),
    "in the network": ("[net]", "[net]\ntrain = {}", "net.train: unknown key"),
    "a tuned rate": (
        "[axes.recipe]",
        "[tune]\nlr = [0.1, 0.2]\n[axes.recipe]",
        "axes.recipe.adamw.train.lr: [tune] sets the learning rate of every arm",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, fault: str) -> None:
    before, after, says = FAULTS[fault]
    assert STUDY.count(before) == 1
    with pytest.raises(InputError) as caught:
        load(tmp_path, STUDY.replace(before, after))
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'example.toml'}: {says}")
    assert len(message.splitlines()) == 1


def test_the_study_of_optimizers_compares_them_alike() -> None:
    study = load_study(ROOT / "studies" / "optimizer.toml")
    sgd, adamw = study.cells
    assert sgd.net == adamw.net
    assert (study.recipe(sgd).optimizer, study.recipe(adamw).optimizer) == ("sgd", "adamw")
    rates: dict[str, list[float]] = {"sgd": [], "adamw": []}
    for planned in tuning_plan(study):
        rates[planned.cell.name].append(planned.spec.train.lr)
    assert rates["sgd"] == rates["adamw"]
