"""The command line on one's own images: trained once, nothing said of where they lay."""

from pathlib import Path

import pandas as pd
import pytest

from ablate.data.sources import find_dataset
from ablate.results.csv import read_trials
from support.commands import command
from support.pets import COUNTS, fill, quiet, without_val
from support.pets import pets as pets
from support.pets import root as root

STUDY = """
question = "Does it run on one's own images?"
baseline = "narrow"
seeds = 1
[net]
depths = [1]
strides = [1]
[train]
epochs = 1
batch_size = 8
[axes.width]
narrow = { widths = [2] }
wide = { widths = [4] }
"""
SECRET = "not-for-others"


def run(folder: Path, *args: object) -> tuple[int, str, str]:
    """Run the study on a folder's images; all that is written is under `folder`."""
    study = folder / "own.toml"
    study.write_text(STUDY)
    return command(
        *("--study", study, "--out", folder / "out", "--data-root", folder / "data"),
        *("--dataset", f"folder:{folder / SECRET / 'pets'}", "--workers", 1),
        *("--layout", "contiguous", "--device", "cpu", "--timing-seconds", 0.02, *args),
    )


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A run on a folder of images, and what it printed."""
    folder = tmp_path_factory.mktemp("ran")
    fill(folder / SECRET / "pets", without_val())
    status, out, err = run(folder)
    assert status == 0, out + err
    return folder, out


def test_a_run_on_ones_own_images(ran: tuple[Path, str]) -> None:
    folder, out = ran
    table = read_trials(folder / "out" / "own" / "folder-pets" / "trials.csv")
    assert set(table["dataset"]) == {"folder:pets"}
    assert list(table["cell"]) == ["narrow", "wide"]
    assert set(table["state"]) == {"complete"}
    assert set(table["memory_format"]) == {"contiguous"}
    sizes = table[["train_images", "val_images", "test_images"]]
    assert sizes.to_numpy().tolist() == [[43, 11, 9]] * 2
    assert "own on folder:pets" in out
    assert str(folder / "out" / "own" / "folder-pets") in out
    assert [path.name for path in (folder / "out" / "own").iterdir()] == ["folder-pets"]


def test_nothing_that_is_written_says_where_the_images_lay(ran: tuple[Path, str]) -> None:
    folder, _ = ran
    files = [path for path in (folder / "out").rglob("*") if path.is_file()]
    files += [path for path in (folder / "data").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} >= {".csv", ".md", ".toml", ".db", ".svg", ".npy"}
    for path in files:
        assert SECRET.encode() not in path.read_bytes(), path
        assert SECRET not in path.name


@pytest.mark.long
def test_a_second_run_trains_nothing(ran: tuple[Path, str]) -> None:
    folder, _ = ran
    path = folder / "out" / "own" / "folder-pets" / "trials.csv"
    before = path.read_bytes()
    status, out, err = run(folder)
    assert status == 0, out + err
    assert "2 done already" in out
    assert "trial 1/" not in out
    assert "decoded" not in out
    assert path.read_bytes() == before


def test_a_trial_names_the_content_that_it_saw(ran: tuple[Path, str]) -> None:
    folder, _ = ran
    before = sorted((folder / "out").rglob("*"))
    status, out, err = run(folder, "--image-size", 4, "--dry-run")
    assert status == 0, out + err
    assert "own on folder:pets" in out
    assert sorted((folder / "out").rglob("*")) == before
    wanted = f"folder:{folder / SECRET / 'pets'}"
    own, small = (
        find_dataset(wanted, size, folder / "data", 1, quiet).checksum for size in (None, 4)
    )
    specs = read_trials(folder / "out" / "own" / "folder-pets" / "trials.csv")["spec"]
    assert all(own in spec for spec in specs)
    assert own != small


@pytest.mark.long
def test_a_run_on_half_of_the_images(tmp_path: Path) -> None:
    fill(tmp_path / SECRET / "pets", COUNTS)
    status, out, err = run(tmp_path, "--subset", 0.5)
    assert status == 0, out + err
    table = read_trials(tmp_path / "out" / "own" / "folder-pets" / "trials.csv")
    sizes = table[["train_images", "val_images", "test_images"]]
    assert sizes.to_numpy().tolist() == [[27, 6, 9]] * 2
    assert table["spec"].str.contains('"subset": 0.5').all()
    assert isinstance(table, pd.DataFrame)


def test_a_missing_split_is_one_line_and_status_2(tmp_path: Path) -> None:
    fill(tmp_path / SECRET / "pets", {"train": COUNTS["train"]})
    status, out, err = run(tmp_path)
    assert status == 2
    assert err.startswith("ablate: ")
    assert err.count("\n") == 1
    assert "no 'test' folder" in err
    assert "Traceback" not in out + err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--subset", 0.15], "batch_size = 8: expected at most the 6 training images"),
        (["--subset", 0.2], "subset = 0.2: leaves 2 images for 3 classes"),
    ],
)
def test_too_small_a_subset_is_one_line_and_status_2(
    ran: tuple[Path, str], args: list[object], says: str
) -> None:
    folder, _ = ran
    status, out, err = run(folder, *args)
    assert status == 2, out
    assert err.startswith("ablate: ")
    assert err.count("\n") == 1
    assert says in err
