"""One's own images: one array in a file for all splits, split fairly, and trained on from there.

Subsets are here too, of a folder and of a dataset that is copied.
"""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

import ablate.data
from ablate.data.catalog import DATASETS, DatasetInfo
from ablate.data.dataset import Dataset, Images, load
from ablate.data.sources import find_dataset
from ablate.errors import InputError
from ablate.results import csv
from ablate.spec import DataSpec, NetSpec, TrainSpec
from ablate.training import timing, workload
from ablate.training.execution import Execution
from ablate.training.loop import evaluate, fit
from ablate.training.throughput import time_arms

CPU = torch.device("cpu")
NOWHERE = Path("nowhere")
SIZE = 8
COUNTS = {
    "train": {"cat": 24, "dog": 18, "emu": 12},
    "val": {"cat": 5, "dog": 4, "emu": 3},
    "test": {"cat": 3, "dog": 3, "emu": 3},
}


def quiet(items: Iterable[str], total: int, unit: str) -> Iterator[str]:
    return iter(items)


def fill(path: Path, counts: dict[str, dict[str, int]]) -> Path:
    """Images of noise, no two alike."""
    random = np.random.default_rng(0)
    for split, classes in counts.items():
        for name, count in classes.items():
            folder = path / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                pixels = random.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{number:03}.png")
    return path


def without_val() -> dict[str, dict[str, int]]:
    return {split: counts for split, counts in COUNTS.items() if split != "val"}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where decoded images are kept."""
    return tmp_path_factory.mktemp("root")


def prepared(path: Path, root: Path) -> tuple[DatasetInfo, DataSpec]:
    info = find_dataset(f"folder:{path}", None, root, 1, quiet)
    return info, DataSpec(name=info.name, checksum=info.checksum)


@pytest.fixture(scope="module")
def pets(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[DatasetInfo, DataSpec]:
    """A folder without validation images of its own."""
    return prepared(fill(tmp_path_factory.mktemp("own") / "pets", without_val()), root)


@pytest.fixture(scope="module")
def three(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[DatasetInfo, DataSpec]:
    """A folder with three splits."""
    return prepared(fill(tmp_path_factory.mktemp("own") / "three", COUNTS), root)


def splits(data: Dataset) -> dict[str, Images]:
    return {"train": data.train, "val": data.val, "test": data.test}


def pixels(images: Images) -> NDArray[np.uint8]:
    found: NDArray[np.uint8] = images.pick(slice(None)).numpy()
    return found


def pairs(images: Images) -> Counter[tuple[bytes, int]]:
    """Each image with its label, in a form that can be counted."""
    labels = images.labels.tolist()
    return Counter(zip((image.tobytes() for image in pixels(images)), labels, strict=True))


def written(path: Path, split: str) -> Counter[tuple[bytes, int]]:
    """The same of the files in a folder."""
    return Counter(
        (np.asarray(Image.open(file)).transpose(2, 0, 1).tobytes(), label)
        for label, folder in enumerate(sorted((path / split).iterdir()))
        for file in folder.iterdir()
    )


def classes(images: Images) -> list[int]:
    return torch.bincount(images.labels).tolist()


def same(one: Dataset, other: Dataset) -> bool:
    return all(
        torch.equal(mine.pick(slice(None)), theirs.pick(slice(None)))
        and torch.equal(mine.labels, theirs.labels)
        for mine, theirs in zip(splits(one).values(), splits(other).values(), strict=True)
    )


# Splits


def test_validation_is_drawn_from_training_where_there_is_none(
    tmp_path: Path, pets: tuple[DatasetInfo, DataSpec], root: Path
) -> None:
    info, spec = pets
    data = load(spec, root)
    assert tuple(map(len, splits(data).values())) == info.sizes(spec) == (43, 11, 9)
    path = fill(tmp_path / "again", without_val())
    assert pairs(data.train) + pairs(data.val) == written(path, "train")
    assert pairs(data.test) == written(path, "test")
    assert max((pairs(data.train) + pairs(data.val) + pairs(data.test)).values()) == 1
    for count, of_all in zip(classes(data.val), (24, 18, 12), strict=True):
        assert abs(count - of_all * 11 / 54) < 1


def test_validation_images_that_are_given_are_used(
    tmp_path: Path, three: tuple[DatasetInfo, DataSpec], root: Path
) -> None:
    info, spec = three
    data = load(spec, root)
    assert tuple(map(len, splits(data).values())) == info.sizes(spec) == (54, 12, 9)
    path = fill(tmp_path / "again", COUNTS)
    for name, images in splits(data).items():
        assert pairs(images) == written(path, name)


@pytest.mark.parametrize("fraction", [0.1, 0.3])
def test_the_fraction_for_validation_is_the_studys(
    pets: tuple[DatasetInfo, DataSpec], root: Path, fraction: float
) -> None:
    info, spec = pets
    spec = replace(spec, val_fraction=fraction)
    assert tuple(map(len, splits(load(spec, root)).values())) == info.sizes(spec)


def test_the_split_depends_on_its_seed_alone(
    pets: tuple[DatasetInfo, DataSpec], root: Path
) -> None:
    _, spec = pets
    one = load(spec, root)
    torch.manual_seed(1)
    np.random.seed(1)
    assert same(load(spec, root), one)
    other = load(replace(spec, split_seed=1), root)
    assert pairs(other.val) != pairs(one.val)
    assert pairs(other.train) + pairs(other.val) == pairs(one.train) + pairs(one.val)
    assert pairs(other.test) == pairs(one.test)


# One array in a file


def test_the_splits_of_one_file_share_one_array(
    pets: tuple[DatasetInfo, DataSpec], root: Path
) -> None:
    data = load(pets[1], root)
    assert data.train.images.data_ptr() == data.val.images.data_ptr()
    assert data.train.images.shape == data.val.images.shape == (54, 3, SIZE, SIZE)
    assert data.train.rows is not None
    assert data.val.rows is not None
    rows = torch.cat([data.train.rows, data.val.rows])
    assert rows.sort().values.tolist() == list(range(54))
    subset = load(replace(pets[1], subset=0.5), root)
    assert subset.train.images.data_ptr() == subset.val.images.data_ptr()


@pytest.mark.skipif(
    not Path("/proc/self/maps").exists(), reason="needs /proc to see what is mapped"
)
def test_the_array_is_the_file(three: tuple[DatasetInfo, DataSpec], root: Path) -> None:
    data = load(three[1], root)
    folder = root / "folders" / three[1].checksum
    maps = [line.split(maxsplit=5) for line in Path("/proc/self/maps").read_text().splitlines()]
    for name, images in splits(data).items():
        pointer = images.images.data_ptr()
        (file,) = (
            line[5]
            for line in maps
            if int(line[0].split("-")[0], 16) <= pointer < int(line[0].split("-")[1], 16)
        )
        assert file == str(folder / f"{name}.npy")


def whole(images: Images) -> Images:
    """The same, copied row by row."""
    assert images.rows is not None
    return Images(torch.stack([images.images[row] for row in images.rows]), images.labels)


@pytest.mark.parametrize(
    "which",
    [
        torch.tensor([3, 0, 3, 7]),
        torch.tensor([], dtype=torch.int64),
        torch.arange(8),
        slice(2, 5),
        slice(6, 100),
        slice(None),
        slice(4),
    ],
    ids=str,
)
def test_images_are_picked_as_from_an_array_of_their_own(
    pets: tuple[DatasetInfo, DataSpec], root: Path, which: Tensor | slice
) -> None:
    shared = load(pets[1], root).val
    assert torch.equal(shared.pick(which), whole(shared).images[which])
    assert torch.equal(shared.pick(which), whole(shared).pick(which))


def test_what_is_picked_can_be_changed_and_the_file_stays(
    pets: tuple[DatasetInfo, DataSpec], root: Path
) -> None:
    before = pairs(load(pets[1], root).val)
    load(pets[1], root).val.pick(slice(None)).zero_()
    assert pairs(load(pets[1], root).val) == before


def test_going_to_the_cpu_copies_nothing(pets: tuple[DatasetInfo, DataSpec], root: Path) -> None:
    data = load(pets[1], root)
    moved = data.to(CPU)
    for name, images in splits(data).items():
        there = splits(moved)[name]
        assert there.images.data_ptr() == images.images.data_ptr()
        assert there.labels.data_ptr() == images.labels.data_ptr()
        assert there.rows is images.rows
    assert same(moved, data)


def test_on_another_device_a_split_holds_its_own_images_alone(
    pets: tuple[DatasetInfo, DataSpec], root: Path
) -> None:
    data = load(pets[1], root)
    moved = data.to(torch.device("meta"))
    for name, images in splits(moved).items():
        assert images.rows is None
        assert images.images.shape == (len(splits(data)[name]), 3, SIZE, SIZE)
        assert {images.images.device.type, images.labels.device.type} == {"meta"}
    assert {moved.mean.device.type, moved.std.device.type} == {"meta"}


@pytest.mark.parametrize("block", [7, 32, 4096])
@pytest.mark.parametrize("subset", [1.0, 0.5])
def test_mean_and_deviation_are_those_of_the_training_images(
    pets: tuple[DatasetInfo, DataSpec],
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    block: int,
    subset: float,
) -> None:
    monkeypatch.setattr(ablate.data, "MOMENTS_BLOCK", block)
    data = load(replace(pets[1], subset=subset), root)
    values = pixels(whole(data.train)).astype(np.float64)
    for found, expected in ((data.mean, values.mean((0, 2, 3))), (data.std, values.std((0, 2, 3)))):
        assert found.shape == (1, 3, 1, 1)
        assert found.dtype == torch.float32
        assert found.flatten().tolist() == pytest.approx(expected.tolist(), rel=1e-6)


def test_training_on_a_shared_array_is_training_on_a_copy(
    pets: tuple[DatasetInfo, DataSpec], root: Path
) -> None:
    data = load(pets[1], root)
    copy = Dataset(whole(data.train), whole(data.val), whole(data.test), data.mean, data.std)
    recipe = TrainSpec(epochs=2, batch_size=8, crop_padding=1, flip=True, cutout=2)

    def told(data: Dataset) -> list[Any]:
        torch.manual_seed(0)
        network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * SIZE * SIZE, 3))
        epochs: list[Any] = []
        fit(network, data, recipe, 0, lambda epoch: epochs.append(replace(epoch, seconds=0)))
        return [*epochs, evaluate(network, data, data.test)]

    assert told(data) == told(copy)


def test_what_is_timed_is_what_is_trained_on(
    pets: tuple[DatasetInfo, DataSpec], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The epoch that is timed reads the first images of the training split, with their labels."""
    seen: list[Images] = []
    real = workload.train_epoch

    def train_epoch(network: Any, data: Dataset, *others: Any) -> float:
        seen.append(data.train)
        return real(network, data, *others)

    monkeypatch.setattr(workload, "train_epoch", train_epoch)
    monkeypatch.setattr(timing, "BLOCK_SECONDS", 1e-9)
    monkeypatch.setattr(timing, "WARM_UP_BLOCKS", 1)
    data = load(pets[1], root)
    net = NetSpec(widths=(2,), depths=(1,), strides=(1,), image_size=SIZE, num_classes=3)
    time_arms([net], TrainSpec(batch_size=4), data, Execution(), seconds=0.0)
    assert seen
    assert torch.equal(seen[0].labels, data.train.labels[:16])
    assert torch.equal(seen[0].pick(slice(None)), data.train.pick(slice(16)))


# Subsets


@pytest.fixture(params=["digits", "pets", "three"])
def source(request: pytest.FixtureRequest, root: Path) -> tuple[DatasetInfo, DataSpec]:
    """A dataset that is copied, one that is shared, and one with a validation split."""
    if request.param == "digits":
        return DATASETS["digits"], DataSpec()
    found: tuple[DatasetInfo, DataSpec] = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("fraction", [0.4, 0.5, 0.6])
def test_a_subset_is_a_part_of_training_and_validation(
    source: tuple[DatasetInfo, DataSpec], root: Path, fraction: float
) -> None:
    info, spec = source
    full, part = load(spec, root), load(replace(spec, subset=fraction), root)
    assert tuple(map(len, splits(part).values())) == info.sizes(replace(spec, subset=fraction))
    assert info.sizes(replace(spec, subset=fraction)) == (
        round(len(full.train) * fraction),
        round(len(full.val) * fraction),
        len(full.test),
    )
    for name in ("train", "val"):
        mine, whole_split = splits(part)[name], splits(full)[name]
        assert pairs(mine) <= pairs(whole_split)
        for count, of_all in zip(classes(mine), classes(whole_split), strict=True):
            assert abs(count - of_all * len(mine) / len(whole_split)) < 1
    assert torch.equal(part.test.pick(slice(None)), full.test.pick(slice(None)))
    assert torch.equal(part.test.labels, full.test.labels)
    assert not torch.equal(part.mean, full.mean)  # it is that of the images that are used


def test_a_subset_depends_on_the_seed_of_the_split_alone(
    source: tuple[DatasetInfo, DataSpec], root: Path
) -> None:
    spec = replace(source[1], subset=0.5)
    one = load(spec, root)
    torch.manual_seed(1)
    np.random.seed(1)
    assert same(load(spec, root), one)
    assert not same(load(replace(spec, split_seed=1), root), one)


def test_the_whole_is_no_subset(source: tuple[DatasetInfo, DataSpec], root: Path) -> None:
    assert same(load(replace(source[1], subset=1.0), root), load(source[1], root))


@pytest.mark.parametrize("fraction", [0.98, 0.999])
def test_a_subset_may_be_nearly_the_whole(
    source: tuple[DatasetInfo, DataSpec], root: Path, fraction: float
) -> None:
    info, spec = source
    spec = replace(spec, subset=fraction)
    assert tuple(map(len, splits(load(spec, root)).values())) == info.sizes(spec)


@pytest.mark.parametrize("fraction", [0.1, 0.01])
def test_a_subset_with_fewer_images_than_classes_is_refused(
    source: tuple[DatasetInfo, DataSpec], root: Path, fraction: float
) -> None:
    info, spec = source
    fraction /= 10 if info.name == "digits" else 1
    with pytest.raises(InputError) as caught:
        load(replace(spec, subset=fraction), root)
    message = str(caught.value)
    assert message.startswith(f"subset = {fraction}: leaves ")
    assert f"classes of {info.name}; expected a larger fraction" in message
    assert len(message.splitlines()) == 1


def test_a_class_with_one_image_cannot_be_in_two_splits(tmp_path: Path) -> None:
    counts = without_val() | {"train": {"cat": 24, "dog": 18, "emu": 1}}
    info, spec = prepared(fill(tmp_path / "rare", counts), tmp_path)
    with pytest.raises(InputError, match=r"^folder:rare: 43 images cannot be split into 9 and 34"):
        load(spec, tmp_path)
    assert info.images == 43


def test_a_folder_with_validation_images_may_have_rare_classes(tmp_path: Path) -> None:
    counts = COUNTS | {"train": {"cat": 24, "dog": 18, "emu": 1}}
    info, spec = prepared(fill(tmp_path / "rare", counts), tmp_path)
    assert tuple(map(len, splits(load(spec, tmp_path)).values())) == info.sizes(spec) == (43, 12, 9)


def test_an_image_that_is_not_there_is_an_input_error(
    pets: tuple[DatasetInfo, DataSpec], tmp_path: Path
) -> None:
    with pytest.raises(InputError) as caught:
        load(pets[1], tmp_path)
    assert "folder:PATH" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_digits_are_copied_as_ever(digits: Dataset) -> None:
    """Their pixels are in `tests/golden/splits.json`, and `test_data.py` compares them."""
    assert [field.name for field in fields(Images)] == ["images", "labels", "rows"]
    for images in splits(digits).values():
        assert images.rows is None
        assert len(images.images) == len(images.labels) == len(images)
        assert torch.equal(images.pick(slice(3, 9)), images.images[3:9])
    values = digits.train.images.double()
    assert digits.mean.item() == pytest.approx(values.mean().item(), rel=1e-6)
    assert digits.std.item() == pytest.approx(values.std(correction=0).item(), rel=1e-6)


# The command line

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


def on_one_cpu() -> None:
    """Threads of a tiny network cost more than they save."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def command(folder: Path, *args: object) -> tuple[int, str, str]:
    """Run the study on a folder's images; all that is written is under `folder`."""
    study = folder / "own.toml"
    study.write_text(STUDY)
    words = [sys.executable, "-m", "ablate.run", "--study", study, "--out", folder / "out",
             "--dataset", f"folder:{folder / SECRET / 'pets'}",
             "--data-root", folder / "data", "--workers", 1, "--layout", "contiguous",
             "--device", "cpu", *args]  # fmt: skip
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, timeout=280, check=False,
        preexec_fn=on_one_cpu,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A run on a folder of images, and what it printed."""
    folder = tmp_path_factory.mktemp("ran")
    fill(folder / SECRET / "pets", without_val())
    status, out, err = command(folder)
    assert status == 0, out + err
    return folder, out


def test_a_run_on_ones_own_images(ran: tuple[Path, str]) -> None:
    folder, out = ran
    table = csv.read(folder / "out" / "own" / "folder-pets" / "trials.csv")
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
    status, out, err = command(folder)
    assert status == 0, out + err
    assert "2 done already" in out
    assert "trial 1/" not in out
    assert "decoded" not in out
    assert path.read_bytes() == before


def test_a_trial_names_the_content_that_it_saw(ran: tuple[Path, str]) -> None:
    folder, _ = ran
    before = sorted((folder / "out").rglob("*"))
    status, out, err = command(folder, "--image-size", 4, "--dry-run")
    assert status == 0, out + err
    assert "own on folder:pets" in out
    assert sorted((folder / "out").rglob("*")) == before
    wanted = f"folder:{folder / SECRET / 'pets'}"
    own, small = (
        find_dataset(wanted, size, folder / "data", 1, quiet).checksum for size in (None, 4)
    )
    specs = csv.read(folder / "out" / "own" / "folder-pets" / "trials.csv")["spec"]
    assert all(own in spec for spec in specs)
    assert own != small


@pytest.mark.long
def test_a_run_on_half_of_the_images(tmp_path: Path) -> None:
    fill(tmp_path / SECRET / "pets", COUNTS)
    status, out, err = command(tmp_path, "--subset", 0.5)
    assert status == 0, out + err
    table = csv.read(tmp_path / "out" / "own" / "folder-pets" / "trials.csv")
    sizes = table[["train_images", "val_images", "test_images"]]
    assert sizes.to_numpy().tolist() == [[27, 6, 9]] * 2
    assert table["spec"].str.contains('"subset": 0.5').all()
    assert isinstance(table, pd.DataFrame)


def test_a_missing_split_is_one_line_and_status_2(tmp_path: Path) -> None:
    fill(tmp_path / SECRET / "pets", {"train": COUNTS["train"]})
    status, out, err = command(tmp_path)
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
    status, out, err = command(folder, *args)
    assert status == 2, out
    assert err.startswith("ablate: ")
    assert err.count("\n") == 1
    assert says in err
