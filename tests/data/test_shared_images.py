"""One's own images: one array in a file for all splits, split fairly, and trained on from there."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import ablate.data.dataset
from ablate.data.catalog import DatasetInfo
from ablate.data.dataset import Dataset, Images, load
from ablate.spec.network import NetSpec
from ablate.spec.recipe import TrainSpec
from ablate.spec.trial import DataSpec
from ablate.training import timing, workload
from ablate.training.execution import Execution
from ablate.training.loop import evaluate, fit
from ablate.training.throughput import time_arms
from support.pets import (
    COUNTS,
    CPU,
    SIZE,
    classes,
    fill,
    pairs,
    pixels,
    prepared,
    same,
    splits,
    without_val,
    written,
)
from support.pets import pets as pets
from support.pets import root as root
from support.pets import three as three

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


def test_a_constant_channel_is_not_scaled_and_is_said(tmp_path: Path) -> None:
    for split in ("train", "test"):
        for name, level in (("a", 40), ("b", 200)):
            folder = tmp_path / "images" / split / name
            folder.mkdir(parents=True)
            for number in range(8):
                image = np.full((8, 8, 3), 7, np.uint8)
                image[number // 2 :, :, :2] = level
                Image.fromarray(image).save(folder / f"{number}.png")
    _, spec = prepared(tmp_path / "images", tmp_path / "root")
    data = load(spec, tmp_path / "root")
    assert data.constant == (2,)
    assert data.to(torch.device("cpu")).constant == (2,)
    pixels = data.normalise(data.train.pick(slice(None)))
    assert not pixels[:, 2].any()
    assert pixels[:, :2].std().item() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("block", [7, 32, 4096])
@pytest.mark.parametrize("subset", [1.0, 0.5])
def test_mean_and_deviation_are_those_of_the_training_images(
    pets: tuple[DatasetInfo, DataSpec],
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    block: int,
    subset: float,
) -> None:
    monkeypatch.setattr(ablate.data.dataset, "MOMENTS_BLOCK", block)
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

    def train_epoch(network: Any, data: Dataset, *others: Any, **named: Any) -> float:
        seen.append(data.train)
        return real(network, data, *others, **named)

    monkeypatch.setattr(workload, "train_epoch", train_epoch)
    monkeypatch.setattr(timing, "BLOCK_SECONDS", 1e-9)
    monkeypatch.setattr(timing, "WARM_UP_BLOCKS", 1)
    data = load(pets[1], root)
    net = NetSpec(widths=(2,), depths=(1,), strides=(1,), image_size=SIZE, num_classes=3)
    time_arms([net], TrainSpec(batch_size=4), data, Execution(), seconds=0.0)
    assert seen
    assert torch.equal(seen[0].labels, data.train.labels[:16])
    assert torch.equal(seen[0].pick(slice(None)), data.train.pick(slice(16)))
