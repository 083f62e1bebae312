"""`[stop]` in a study file: which looks it means, and that a wrong one is told so in one line."""

import shutil
from pathlib import Path

import pytest

from ablate.cli.run import main
from ablate.errors import InputError
from ablate.search.file import read_search_file
from ablate.statistics.stopping import default_looks
from ablate.study.file import read_study_file
from ablate.study.plan import load_study
from ablate.study.stop import as_run
from support import ROOT
from support.documents import STUDY, load
from support.searches import TEXT as SEARCH


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "example.toml"


def stop(text: str) -> str:
    return STUDY.replace("[net]", f"[stop]\n{text}\n[net]", 1)


@pytest.mark.parametrize(
    ("text", "seeds", "looks"),
    [
        ("looks = [4, 8]", 12, (4, 8, 12)),
        ("looks = [4, 8, 12]", 12, (4, 8, 12)),
        ("looks = [4, 8, 12]", 10, (4, 8, 10)),
        ("looks = [4, 8]", 3, (3,)),
        ("", 30, tuple(default_looks(30))),
    ],
)
def test_the_looks_are_those_below_the_seeds_and_the_seeds(
    path: Path, text: str, seeds: int, looks: tuple[int, ...]
) -> None:
    path.write_text(stop(text))
    study = load_study(path, seeds=seeds)
    assert study.looks == looks
    assert len(study.plan()) == 2 * seeds  # at most
    run = as_run(read_study_file(path), seeds)
    assert run.stop is not None
    assert (run.seeds, run.stop.looks, run.stop.futility) == (seeds, list(looks), 0.1)


def test_without_it_there_are_none(path: Path) -> None:
    assert load(path, STUDY).looks == ()


def test_it_changes_no_key(path: Path) -> None:
    assert load(path, stop("")).plan() == load(path, STUDY).plan()


FAULTS = {
    "too early": ("looks = [3, 8]", "stop.looks.0 = 3", "greater than or equal to 4"),
    "too late": ("looks = [4, 10001]", "stop.looks.1 = 10001", "less than or equal to 10000"),
    "descending": ("looks = [8, 4]", "stop.looks = [8, 4]", "each look once, ascending"),
    "twice": ("looks = [4, 4]", "stop.looks = [4, 4]", "each look once, ascending"),
    "none": ("looks = []", "stop.looks = []", "at least 1"),
    "one number": ("looks = 4", "stop.looks = 4", "list"),
    "a fraction": ("looks = [4.5]", "stop.looks.0 = 4.5", "integer"),
    "futility of one": ("futility = 1.0", "stop.futility = 1.0", "less than 1"),
    "negative futility": ("futility = -0.1", "stop.futility = -0.1", "greater than or equal to 0"),
    "misspelt": ("look = [4]", "stop.look", "did you mean looks?"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_is_one_line(path: Path, fault: str) -> None:
    text, start, remedy = FAULTS[fault]
    with pytest.raises(InputError) as caught:
        load(path, stop(text))
    message = str(caught.value)
    assert message.startswith(f"{path}: {start}")
    assert remedy in message
    assert len(message.splitlines()) == 1


def test_it_is_not_for_sampled_networks(tmp_path: Path) -> None:
    path = Path(shutil.copy(ROOT / "studies" / "design_space.toml", tmp_path))
    path.write_text(path.read_text() + "\n[stop]\n")
    with pytest.raises(
        InputError, match=r"design_space\.toml: stop: not with \[sample\]"
    ) as caught:
        load_study(path)
    assert len(str(caught.value).splitlines()) == 1


def test_it_is_not_for_a_search(path: Path) -> None:
    path.write_text(SEARCH + "\n[stop]\n")
    with pytest.raises(InputError, match="stop: unknown key") as caught:
        read_search_file(path)
    assert len(str(caught.value).splitlines()) == 1


def test_a_dry_run_says_the_looks(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_text(stop("looks = [4, 8]"))
    args = ["--study", str(path), "--epochs", "1", "--dry-run"]
    assert main([*args, "--seeds", "12"]) == 0
    out = capsys.readouterr().out
    assert "2 cells x 12 seeds = 24 trials" in out
    assert "[stop]: looks at 4, 8 and 12 seeds; " in out
    assert "the run may stop early" in out
    assert main([*args, "--seeds", "4"]) == 0
    assert "[stop]" not in capsys.readouterr().out
