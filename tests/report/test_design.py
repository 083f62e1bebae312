"""Reports of sampled networks and of tuned learning rates, from real runs of a few trials."""

import shutil
from pathlib import Path

import html5lib
import pandas as pd
import pytest

from ablate.analysis import findings
from ablate.cli import run
from ablate.report import index_page, write
from ablate.results import names
from ablate.results.csv import read_trials, write_table
from ablate.study import tuning
from ablate.study.plan import load_study
from support import PUBLISHED

SAMPLED = """\
question = "Which space?"
baseline = "doubling"
seeds = 1
[sample]
networks = 3
depths = [1, 2]
ratios = [1.0, 2.0]
threshold = 0.5
[net]
base_width = 4
[train]
epochs = 1
batch_size = 256
[match]
macs = "reference"
[axes.width]
doubling = {}
increasing = { growth = "drawn" }
[hypotheses.one]
says = "Doubling is better."
higher = ["doubling", "increasing"]
"""
TUNE = "[tune]\nlr = [0.05, 0.1]\nseeds = 1\n"

pytestmark = pytest.mark.usefixtures("torch_as_it_was", "undrawn")


@pytest.fixture(scope="module")
def sampled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a real run."""
    root = tmp_path_factory.mktemp("sampled")
    (root / "spaces.toml").write_text(SAMPLED)
    options = ["--workers", "2", "--layout", "contiguous", "--timing-seconds", "0.01"]
    command = ["--study", str(root / "spaces.toml"), "--out", str(root / "out"), *options]
    assert run.main(command) == 0
    return root / "out" / "spaces" / "digits"


@pytest.fixture
def folder(sampled: Path, tmp_path: Path) -> Path:
    """Its tables alone."""
    copy = tmp_path / "spaces" / "digits"
    copy.mkdir(parents=True)
    for name in ("trials.csv", "epochs.csv", "stages.csv", "draws.csv", "study.toml"):
        shutil.copy(sampled / name, copy)
    return copy


def words(path: Path) -> str:
    document = html5lib.HTMLParser(strict=True).parse(path.read_text(encoding="utf-8"))
    return " ".join(" ".join(document.itertext()).split())


def test_a_run_trains_each_network_once(sampled: Path) -> None:
    trials = read_trials(sampled / names.TRIALS)
    assert len(trials) == 6
    assert set(trials["axis_network"]) == {"00", "01", "02"}
    assert (trials["seed"] == trials["axis_network"].astype(int)).all()
    assert (sampled / "report.html").exists()
    assert list(pd.read_csv(sampled / "arms.csv")["n"]) == [3, 3]


@pytest.mark.drawn
def test_the_page_lists_arms_and_not_networks(folder: Path) -> None:
    found, _ = write.write_findings(folder)
    assert list(found.summary.table["cell"]) == ["doubling", "increasing"]
    assert list(found.summary.table["n"]) == [3, 3]
    text = words(folder / "report.html")
    for part in (
        "3 networks of each arm were drawn at random (seed 0), each with 1 to 2 blocks a stage",
        "In increasing each stage's width over that of the stage before was drawn too, from 1 to 2",
        "Test errors of each arm's networks",
        "3 of 3",
        "% of networks below 50% error",
        "Networks of each arm",
        "the deviation of draws",
        "draws 0 to 2",
        "--seeds 1 ",
    ):
        assert part in text
    assert "doubling / 0" not in text.replace(found.arms["best"][0], "")


def test_the_page_counts_the_draws_that_were_made_again(folder: Path) -> None:
    draws = pd.read_csv(folder / "draws.csv")
    again = draws[draws["fate"] != "kept"]
    assert draws["network"].notna().sum() == 3
    write.write_findings(folder)
    assert (
        f"{len(again)} of {len(draws)} draws were made again"
        if len(again)
        else f"All {len(draws)} draws were kept."
    ) in words(folder / "report.html")


def test_the_index_counts_arms_and_draws(folder: Path) -> None:
    write.write_findings(folder)
    text = words(index_page.write_index(folder.parent.parent))
    assert "2 arms, 3 draws, 6 trials" in text


def with_tuning(folder: Path, best: float) -> None:
    """Add what tuning would leave: every cell at its best with one of the rates."""
    source = folder / "study.toml"
    source.write_text(source.read_text() + TUNE)
    study = load_study(source)
    accuracies = {
        planned.spec.key: {
            "row": {
                "state": "complete",
                "val_accuracy": 0.9 if planned.spec.train.lr == best else 0.5,
            }
        }
        for planned in tuning.tuning_plan(study)
    }
    write_table(tuning.tuning_table(study, accuracies), folder / names.TUNING)


def test_rates_of_networks_are_counted_by_arm(folder: Path) -> None:
    with_tuning(folder, 0.1)
    found, _ = write.write_findings(folder)
    assert len(found.rates) == 6
    text = words(folder / "report.html")
    assert "Networks of each arm by chosen learning rate arm 0.05 0.1 doubling 0 3" in text
    assert "The highest learning rate of the list, 0.1, was chosen for" in text
    assert "one recipe for every arm but for its learning rate, tuned alike," in text


def test_rates_of_arms_are_a_table_and_an_end_is_warned_of(tmp_path: Path) -> None:
    root = PUBLISHED / "width_doubling" / "digits"
    folder = tmp_path / "width_doubling" / "digits"
    folder.mkdir(parents=True)
    for name in ("trials.csv", "epochs.csv", "stages.csv", "study.toml"):
        shutil.copy(root / name, folder)
    with_tuning(folder, 0.05)
    found = findings.find(folder)
    assert list(found.rates["cell"]) == ["constant", "doubling", "tripling"]
    write.write_findings(folder)
    text = words(folder / "report.html")
    assert "constant 0.05 lowest 90.0 1 doubling 0.05 lowest 90.0 1" in text
    assert "The lowest learning rate of the list, 0.05, was chosen for constant, doubling" in text


def test_a_run_without_either_says_nothing_of_them(tmp_path: Path) -> None:
    root = PUBLISHED / "width_doubling" / "digits"
    for name in ("trials.csv", "epochs.csv", "stages.csv", "study.toml"):
        shutil.copy(root / name, tmp_path)
    (tmp_path / "arms.csv").write_text("of an earlier run")
    write.write_findings(tmp_path)
    text = words(tmp_path / "report.html")
    assert "design space" not in text
    assert "Learning rates" not in text
    assert not (tmp_path / "arms.csv").exists()
