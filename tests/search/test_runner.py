"""A whole search with real training: explored without the test split, confirmed with it."""

from pathlib import Path

import optuna
import pandas as pd
import pytest

from ablate.analysis.findings import find
from ablate.cli.dry_run import show_search
from ablate.data.catalog import DATASETS
from ablate.engine.progress import plain_or_bar
from ablate.engine.runner import Setup
from ablate.errors import InputError
from ablate.report.write import write_copy
from ablate.results import names
from ablate.results.check import verify
from ablate.results.csv import read_trials
from ablate.search.explored import read_explored
from ablate.search.plan import Search
from ablate.search.runner import run_search
from ablate.training.execution import Execution
from support import searches

TINY = (
    ("trials = 6", "trials = 2"),
    ("repeats = 2", "repeats = 1"),
    ("startup = 3", "startup = 2"),
    ("finalists = 2", "finalists = 1"),
    ("seeds = 2", "seeds = 1"),
)


def setup(folder: Path) -> Setup:
    return Setup(
        folder=folder,
        data_root=Path("nowhere"),
        download=False,
        execution=Execution(device="cpu", threads=1),
        pick_layout=False,
        workers=1,
        batches=(),
        timing_s=0.001,
    )


def run(search: Search, folder: Path) -> list[str]:
    """What was said."""
    said: list[str] = []
    run_search(search, DATASETS["digits"], setup(folder), said.append, plain_or_bar)
    return said


@pytest.mark.usefixtures("torch_as_it_was", "undrawn")
def test_a_search_from_start_to_end_and_given_again(tmp_path: Path) -> None:
    search, folder = searches.small(tmp_path, *TINY), tmp_path / "out" / "small" / "digits"
    said = run(search, folder)
    assert any(line.startswith("exploring up to 4 trials on validation") for line in said)
    study = optuna.load_study(
        study_name="small/digits/explore", storage=f"sqlite:///{folder / 'study.db'}"
    )
    trained = [trial for trial in study.trials if "outcome" in trial.user_attrs]
    assert trained
    assert all('"test_accuracy"' not in trial.user_attrs["outcome"] for trial in trained)
    trials = read_trials(folder / names.TRIALS)
    assert list(trials["cell"]) == ["doubling", "finalist 1"]
    assert trials["test_accuracy"].notna().all()
    assert set(trials["key"]).isdisjoint(trial.user_attrs["key"] for trial in trained)
    assert list(find(folder).hypotheses["name"]) == ["best_is_better"]
    first, attempts = read_explored(folder), len(study.trials)
    again = run(search, folder)
    assert any("2 done already" in line for line in again)
    pd.testing.assert_frame_equal(read_explored(folder).rows, first.rows)
    assert len(study.trials) == attempts
    lines = verify(folder, write_copy)
    assert [line.text for line in lines if line.level == "FAULT"] == []
    assert [line.level for line in lines if line.check == "study.db"] == ["ok"]


def test_a_dry_run_says_what_would_be_searched(tmp_path: Path) -> None:
    said: list[str] = []
    show_search(searches.small(tmp_path), said.append)
    text = "\n".join(said)
    assert "nsga2, random: 2 repeats x 6 networks each" in text
    assert "growth: 1 to 3 in steps of 0.5" in text
    assert "macs: at most 49,568" in text
    assert "then 2 finalists and doubling x 2 seeds, on test" in text


def test_a_dry_run_says_how_latency_would_be_measured(tmp_path: Path) -> None:
    said: list[str] = []
    limits = 'latency = { at_most = 3.0, at_least = "baseline" }\n[latency]\nbatch = 4'
    show_search(
        searches.small(
            tmp_path,
            ("[limits]", f"[limits]\n{limits}\n[limits.macs]"),
            ('macs = { at_most = "baseline" }', 'at_most = "baseline"'),
        ),
        said.append,
    )
    text = "\n".join(said)
    assert "latency: at most 3 ms" in text
    assert "latency: at least the baseline's" in text
    assert "latency: inference of a batch of 4, 1 thread" in text


@pytest.mark.usefixtures("torch_as_it_was", "undrawn")
def test_a_search_with_a_limit_on_latency(tmp_path: Path) -> None:
    limit = (
        "[limits]",
        "[limits]\nlatency = { at_most = 1e6 }\n[latency]\nbatch = 2\n[limits.macs]",
    )
    form = ('macs = { at_most = "baseline" }', 'at_most = "baseline"')
    high = ("val_accuracy = 0.05", "val_accuracy = 0.999")
    search = searches.small(tmp_path, *TINY, limit, form, high)
    folder = tmp_path / "out" / "small" / "digits"
    said = run(search, folder)
    found = read_explored(folder)
    within = found.rows["feasible"].astype(bool)
    assert (found.rows.loc[within, "latency"] > 0).all()
    assert found.timing is not None
    assert (found.timing.latency_batch, found.timing.latency_threads) == (2, 1)
    assert found.timing.latency > 0
    assert any(line.startswith("Latency: inference of a batch of 2, 1 thread") for line in said)
    assert any("no network is above 99.9% validation accuracy" in line for line in said)
    assert any(line.startswith("finalist 1: ") and line.endswith(" ms") for line in said)
    before = (folder / names.BASELINE).read_bytes()
    run(search, folder)
    assert (folder / names.BASELINE).read_bytes() == before  # measured once
    assert [line.text for line in verify(folder, write_copy) if line.level == "FAULT"] == []


@pytest.mark.usefixtures("torch_as_it_was")
def test_more_threads_than_there_are_is_one_line(tmp_path: Path) -> None:
    stated = ("[space]", "[latency]\nthreads = 1000\n[space]")
    search = searches.small(tmp_path, *TINY, *searches.TIMED, stated)
    with pytest.raises(InputError, match=r"latency\.threads = 1000: expected at most the"):
        run(search, tmp_path / "out")
