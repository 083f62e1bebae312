"""Tuning of the learning rate: the same trials for every cell, and no look at the test images."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ablate.analysis.means import by_rate, chosen
from ablate.cli import run
from ablate.engine.runner import tune
from ablate.errors import InputError
from ablate.report.figures.rates import accuracy_over_rate
from ablate.report.write import write_copy
from ablate.results.check import verify
from ablate.results.csv import read_table, read_trials, write_table
from ablate.study.find import find_studies
from ablate.study.plan import Planned, Study, load_study
from ablate.study.trial_json import trial_from_json
from ablate.study.tuning import FIRST_SEED, tuned, tuning_plan, tuning_table, warnings
from support.figures import legend, texts_outside

STUDY = """\
question = "Which?"
baseline = "narrow"
seeds = 3

[tune]
lr = [0.05, 0.1, 0.2]
seeds = 2

[net]
base_width = 4

[train]
epochs = 2
batch_size = 64

[axes.width]
narrow = { growth = "constant" }
wide = { growth = 3 }
"""


def load(folder: Path, text: str = STUDY) -> Study:
    path = folder / "example.toml"
    path.write_text(text, encoding="utf-8")
    return load_study(path)


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return load(tmp_path)


def outcomes(study: Study, accuracies: dict[str, dict[float, list[float | str]]]) -> dict[str, Any]:
    """What a queue holds, from the accuracies (or states) by cell, rate and seed."""
    found = {}
    for planned in tuning_plan(study):
        place = planned.spec.seed - FIRST_SEED
        value = accuracies[planned.cell.name][planned.spec.train.lr][place]
        row = (
            {"state": value, "val_accuracy": None}
            if isinstance(value, str)
            else {"state": "complete", "val_accuracy": value}
        )
        found[planned.spec.key] = {"row": row, "epochs": []}
    return found


MIDDLE: dict[str, dict[float, list[float | str]]] = {
    "narrow": {0.05: [0.7, 0.8], 0.1: [0.9, 0.8], 0.2: [0.9, 0.7]},
    "wide": {0.05: [0.9, 0.7], 0.1: [0.7, 0.7], 0.2: [0.8, 0.8]},
}


def test_every_cell_has_the_same_trials(study: Study) -> None:
    plan = tuning_plan(study)
    tried = {
        name: [(p.spec.train.lr, p.spec.seed) for p in plan if p.cell.name == name]
        for name in ("narrow", "wide")
    }
    assert tried["narrow"] == tried["wide"]
    assert tried["wide"] == [(lr, FIRST_SEED + seed) for seed in (0, 1) for lr in (0.05, 0.1, 0.2)]
    assert len({planned.spec.key for planned in plan}) == len(plan) == 12


def test_tuning_shares_no_seed_with_the_study_and_looks_at_no_test_image(study: Study) -> None:
    plan, own = tuning_plan(study), study.plan()
    assert {p.spec.seed for p in plan}.isdisjoint({p.spec.seed for p in own})
    assert {p.spec.key for p in plan}.isdisjoint({p.spec.key for p in own})
    assert all(planned.explore for planned in plan)
    assert not any(planned.explore for planned in own)
    assert {p.spec.train.epochs for p in plan} == {study.train.epochs}


def test_the_highest_mean_is_chosen_and_of_equal_ones_the_smaller_rate(study: Study) -> None:
    rates = chosen(by_rate(tuning_table(study, outcomes(study, MIDDLE))))
    assert list(rates["cell"]) == ["narrow", "wide"]
    assert list(rates["lr"]) == [0.1, 0.05]
    assert list(rates["mean"]) == pytest.approx([0.85, 0.8])
    assert list(rates["n"]) == [2, 2]
    half = stats.t.ppf(0.975, 1) * 0.05
    assert rates["low"][0] == pytest.approx(0.85 - half)
    assert list(rates["high"]) == [1, 1]
    assert list(rates["end"]) == ["", "lowest"]


def test_a_rate_at_which_a_trial_diverged_is_not_chosen_for_the_other(study: Study) -> None:
    narrow: dict[float, list[float | str]] = {
        0.05: [0.5, 0.5],
        0.1: [0.6, 0.5],
        0.2: [0.99, "diverged"],
    }
    rates = chosen(by_rate(tuning_table(study, outcomes(study, MIDDLE | {"narrow": narrow}))))
    assert list(rates["lr"]) == [0.1, 0.05]
    assert list(rates["lost"]) == [1, 0]


def test_a_cell_that_gives_nothing_has_the_smallest_rate(study: Study) -> None:
    lost: dict[float, list[float | str]] = {lr: ["oom", "oom"] for lr in (0.05, 0.1, 0.2)}
    rates = chosen(by_rate(tuning_table(study, outcomes(study, MIDDLE | {"narrow": lost}))))
    assert list(rates["lr"]) == [0.05, 0.05]
    assert list(rates["lost"]) == [6, 0]


def test_the_figure_shows_every_rate_and_rings_the_one_taken(study: Study) -> None:
    rates = by_rate(tuning_table(study, outcomes(study, MIDDLE)))
    drawing = accuracy_over_rate(rates, ["narrow", "wide"])
    assert texts_outside(drawing.figure) == []
    assert legend(drawing.figure) == ["narrow", "wide"]
    (axes,) = drawing.figure.axes
    drawn = [np.asarray(container.lines[0].get_ydata()) for container in axes.containers]
    assert [list(means) for means in drawn] == [
        pytest.approx([75, 85, 80]),
        pytest.approx([80, 70, 80]),
    ]
    rings = [line for line in axes.lines if line.get_fillstyle() == "none"]
    places = [(float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in rings]
    assert places == [pytest.approx((0.1, 85), rel=0.05), pytest.approx((0.05, 80), rel=0.05)]
    assert drawing.alt.endswith("narrow 0.1 (85.0%); wide 0.05 (80.0%).")
    assert drawing.data is rates


def test_the_figure_of_one_trial_a_rate_has_no_bars_and_of_many_rates_few_labels() -> None:
    table = pd.DataFrame({"cell": "a", "lr": np.geomspace(0.001, 1, 50), "seed": FIRST_SEED,
                          "val_accuracy": 0.9, "key": "k", "state": "complete"})  # fmt: skip
    drawing = accuracy_over_rate(by_rate(table), ["a"])
    assert texts_outside(drawing.figure) == []
    (axes,) = drawing.figure.axes
    assert 5 < len(axes.get_xticks()) <= 8
    (bars,) = axes.containers[0].lines[2]
    assert not any(len(segment) for segment in bars.get_segments())


def test_the_study_is_then_run_at_the_chosen_rates(study: Study) -> None:
    found = outcomes(study, MIDDLE)
    after = tuned(study, found)
    rates = {planned.cell.name: planned.spec.train.lr for planned in after.plan()}
    assert rates == {"narrow": 0.1, "wide": 0.05}
    assert [p.spec.seed for p in after.plan()] == [p.spec.seed for p in study.plan()]
    assert tuning_table(after, found).equals(tuning_table(study, found))
    assert tuned(after, found) == after


def test_a_study_without_tuning_is_itself(tmp_path: Path) -> None:
    plain = load(tmp_path, STUDY.replace("[tune]\nlr = [0.05, 0.1, 0.2]\nseeds = 2\n", ""))
    assert tuning_plan(plain) == []
    assert tuned(plain, {}) is plain
    assert tuning_table(plain, {}).empty


def test_the_table_of_what_has_ended_so_far_comes_back(study: Study, tmp_path: Path) -> None:
    found = outcomes(study, MIDDLE)
    half = dict(list(found.items())[:5])
    table = tuning_table(study, half)
    assert list(table.columns) == ["cell", "lr", "seed", "val_accuracy", "key", "state"]
    assert list(table["key"]) == list(half)
    whole = tuning_table(study, found)
    write_table(whole, tmp_path / "tuning.csv")
    assert by_rate(read_table(tmp_path / "tuning.csv")).equals(by_rate(whole))


def test_a_rate_at_an_end_of_the_list_is_warned_of(study: Study) -> None:
    highest: dict[float, list[float | str]] = {0.05: [0.5, 0.5], 0.1: [0.6, 0.5], 0.2: [0.7, 0.7]}
    rates = chosen(by_rate(tuning_table(study, outcomes(study, MIDDLE | {"narrow": highest}))))
    assert warnings(rates) == [
        "The lowest learning rate of the list, 0.05, was chosen for wide: a lower one may be "
        "better still.",
        "The highest learning rate of the list, 0.2, was chosen for narrow: a higher one may be "
        "better still.",
    ]
    assert warnings(rates[rates["end"] == ""]) == []


def test_tuning_that_is_stopped_leaves_its_table_and_goes_on(study: Study, tmp_path: Path) -> None:
    found = outcomes(study, MIDDLE)
    ended: dict[str, Any] = {}
    said: list[str] = []

    def stopped(plan: list[Planned]) -> None:
        ended.update((planned.spec.key, found[planned.spec.key]) for planned in plan[:4])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tune(study, stopped, lambda: ended, tmp_path, said.append)
    assert len(read_table(tmp_path / "tuning.csv")) == 4
    after = tune(study, lambda plan: ended.update(found), lambda: ended, tmp_path, said.append)
    assert len(read_table(tmp_path / "tuning.csv")) == 12
    assert after == tuned(study, found)
    assert said[0] == "learning rates: 0.05 for wide; 0.1 for narrow"
    assert said[1].startswith("The lowest learning rate of the list, 0.05, was chosen for wide")


def test_many_cells_are_not_all_named() -> None:
    rates = pd.DataFrame({"cell": [f"c{n}" for n in range(8)], "lr": 0.1, "end": "highest"})
    assert "was chosen for c0, c1, c2, c3, c4 and 3 more: a higher" in warnings(rates)[0]


def test_an_earlier_table_of_tuning_is_taken_away(tmp_path: Path) -> None:
    (tmp_path / "tuning.csv").write_text("of an earlier study")
    plain = load(tmp_path, STUDY.replace("[tune]\nlr = [0.05, 0.1, 0.2]\nseeds = 2\n", ""))
    assert tune(plain, list, dict, tmp_path, print) is plain
    assert not (tmp_path / "tuning.csv").exists()


@pytest.mark.usefixtures("torch_as_it_was", "undrawn")
def test_a_run_tunes_first_and_then_trains_at_the_chosen_rates(tmp_path: Path) -> None:
    path = tmp_path / "example.toml"
    text = STUDY.replace("[0.05, 0.1, 0.2]\nseeds = 2", "[0.0001, 0.1]\nseeds = 1")
    path.write_text(text.replace("seeds = 3", "seeds = 1").replace("epochs = 2", "epochs = 1"))
    command = ["--study", str(path), "--out", str(tmp_path / "out"), "--workers", "2"]
    command += ["--layout", "contiguous", "--timing-seconds", "0.01"]
    assert run.main(command) == 0
    folder = tmp_path / "out" / "example" / "digits"
    table, trials = read_table(folder / "tuning.csv"), read_trials(folder / "trials.csv")
    assert len(table) == 4
    assert {path.suffix for path in folder.glob("learning_rates.*")} == {".csv", ".png", ".svg"}
    assert set(table["state"]) == {"complete"}
    assert set(table["key"]).isdisjoint(trials["key"])
    rates = chosen(by_rate(table)).set_index("cell")["lr"]
    for cell, spec in zip(trials["cell"], trials["spec"], strict=True):
        assert trial_from_json(spec).train.lr == rates[cell]
    assert trials["test_accuracy"].notna().all()
    checked = {(line.level, line.check) for line in verify(folder, write_copy)}
    assert ("ok", "tuning.csv") in checked
    assert ("ok", "study.db") in checked
    write_table(table.assign(val_accuracy=0.5), folder / "tuning.csv")
    faults = {line.text for line in verify(folder, write_copy) if line.level == "FAULT"}
    assert "narrow, lr 0.0001, seed 2147483648: not as in the storage" in faults
    before = (folder / "trials.csv").read_bytes()
    assert run.main(command) == 0  # all of it is there already
    assert (folder / "trials.csv").read_bytes() == before


def test_one_of_the_shipped_studies_tunes() -> None:
    tuning = {name for name, path in find_studies().items() if "\n[tune]" in path.read_text()}
    assert tuning == {"width_tuned", "optimizer"}


FAULTS = {
    "one rate": ("lr = [0.05, 0.1, 0.2]", "lr = [0.1]", "tune.lr", "at least 2"),
    "descending": ("lr = [0.05, 0.1, 0.2]", "lr = [0.2, 0.1]", "tune.lr = [0.2, 0.1]", "ascending"),
    "twice": ("lr = [0.05, 0.1, 0.2]", "lr = [0.1, 0.1]", "tune.lr = [0.1, 0.1]", "once"),
    "zero": ("lr = [0.05, 0.1, 0.2]", "lr = [0, 0.1]", "tune.lr.0 = 0", "greater than 0"),
    "infinite": ("lr = [0.05, 0.1, 0.2]", "lr = [0.1, inf]", "tune.lr.1 = inf", "less than"),
    "no number": ("lr = [0.05, 0.1, 0.2]", "lr = [0.1, nan]", "tune.lr.1 = nan", "less than"),
    "no seeds": ("seeds = 2", "seeds = 0", "tune.seeds = 0", "greater than or equal to 1"),
    "unknown key": ("seeds = 2", "seed = 2", "tune.seed:", "did you mean seeds?"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, fault: str) -> None:
    old, new, start, remedy = FAULTS[fault]
    with pytest.raises(InputError) as caught:
        load(tmp_path, STUDY.replace(old, new))
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'example.toml'}: {start}")
    assert remedy in message
    assert len(message.splitlines()) == 1
