"""A run whose arms have recipes of their own: trained, checked, and seen in tables and page."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from ablate.report.write import write_copy
from ablate.results.check import CHECKS, remarks
from ablate.results.csv import read_trials
from ablate.results.folder import Run
from support.commands import command, run

STUDY = """
question = "Which recipe?"
baseline = "plain"
seeds = 2
[net]
widths = [2, 4]
depths = [1, 1]
strides = [1, 2]
[train]
epochs = 1
batch_size = 256
[axes.recipe]
plain = {}
adamw = { train = { optimizer = "adamw", lr = 0.01 } }
long = { train = { epochs = 2, batch_size = 128, precision = "bfloat16" } }
wide = { widths = [4, 4], train = { mixup = 0.4, ema = 0.9 } }
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipes") / "recipes.toml"
    path.write_text(STUDY)
    run(path, "--workers", "1")
    return path.parent / "recipes" / "digits"


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "digits"))


def faults(folder: Path, check: str) -> list[str]:
    of = Run(folder, read_trials(folder / "trials.csv"))
    return [line.text for line in remarks(of, check, write_copy) if line.level == "FAULT"]


def test_each_row_is_of_its_arms_recipe(made: Path) -> None:
    rows = read_trials(made / "trials.csv").drop_duplicates("cell").set_index("cell")
    assert dict(rows["epochs"]) == {"plain": 1, "adamw": 1, "long": 2, "wide": 1}
    assert dict(rows["batch"]) == {"plain": 256, "adamw": 256, "long": 128, "wide": 256}
    assert dict(rows["throughput_batch"]) == dict(rows["batch"])
    assert rows["dtype"]["long"] == "bfloat16 autocast"
    assert rows["train_images_per_s"].nunique() == 4
    assert json.loads(rows["spec"]["adamw"])["train"]["optimizer"] == "adamw"
    assert rows["net"]["plain"] == rows["net"]["adamw"] == rows["net"]["long"]


def test_it_passes_every_check(made: Path) -> None:
    assert {name: found for name in CHECKS if (found := faults(made, name))} == {}


def recipe(cell: str, name: str, value: object) -> Callable[[pd.DataFrame], None]:
    def change(trials: pd.DataFrame) -> None:
        place = trials.index[trials["cell"] == cell][0]
        raw = json.loads(trials.loc[place, "spec"])
        raw["train"][name] = value
        trials.loc[place, "spec"] = json.dumps(raw)

    return change


TAMPERED = {
    "what an arm sets": (recipe("adamw", "lr", 0.02), "adamw: train.lr = 0.02: its arm sets 0.01"),
    "what others set": (recipe("plain", "lr", 0.02), "train.lr differs between trials"),
    "what none sets": (recipe("wide", "flip", True), "train.flip differs between trials"),
    "its epochs": (recipe("long", "epochs", 1), "long: train.epochs = 1: its arm sets 2"),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_a_trial_of_another_recipe_is_seen(folder: Path, what: str) -> None:
    change, says = TAMPERED[what]
    assert faults(folder, "pairs") == []
    trials = read_trials(folder / "trials.csv")
    change(trials)
    trials.to_csv(folder / "trials.csv", index=False)
    assert any(says in text for text in faults(folder, "pairs")), faults(folder, "pairs")


def test_another_dtype_is_a_fault_where_no_arm_sets_it(folder: Path) -> None:
    assert faults(folder, "versions") == []
    study = folder / "study.toml"
    study.write_text(study.read_text().replace(', precision = "bfloat16"', ""))
    assert any("dtype differs" in text for text in faults(folder, "versions"))


def test_the_page_says_what_differs(made: Path) -> None:
    page = (made / "report.html").read_text()
    section = page[page.index('id="recipes"') : page.index('id="fixed"')]
    for text in ("The arms differ in epochs", "The arms differ in the batch", "adamw", "bfloat16"):
        assert text in section
    assert "1 to 2 epochs" in page
    assert "1 to 2 epochs, batch 128 to 256" in (made / "summary.md").read_text()
    assert "--epochs" not in page[page.index('id="reproduce"') :]


def test_with_the_option_all_have_its_epochs(tmp_path: Path) -> None:
    path = tmp_path / "recipes.toml"
    path.write_text(STUDY)
    run(path, "--workers", "1", "--epochs", "1", "--seeds", "1")
    made = tmp_path / "recipes" / "digits"
    assert set(read_trials(made / "trials.csv")["epochs"]) == {1}
    assert faults(made, "pairs") == []
    assert "--epochs 1" in (made / "report.html").read_text()


def test_the_dry_run_names_them(tmp_path: Path) -> None:
    path = tmp_path / "recipes.toml"
    path.write_text(STUDY)
    _, out, _ = command("--study", path, "--out", tmp_path, "--dry-run", "--workers", "1")
    assert "8 trials of 1 to 2 epochs" in out
    (line,) = [line for line in out.splitlines() if line.startswith("adamw")]
    assert "lr 0.01, optimizer adamw" in line
