"""Datasets: the right images in the right splits, each time the same, and fair augmentation."""

import hashlib
import json
import pickle
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision.datasets as tv
from sklearn.datasets import load_digits

from ablate.data.catalog import DATASETS, dataset_info
from ablate.data.dataset import Dataset, Images, load
from ablate.errors import InputError
from ablate.spec.trial import DataSpec
from support import ROOT
from support.images import labels, pixels, small, write_fashion_mnist

GOLDEN = ROOT / "tests" / "golden" / "splits.json"
NOWHERE = Path("nowhere")  # digits come with scikit-learn


def splits(data: Dataset) -> dict[str, Images]:
    return {"train": data.train, "val": data.val, "test": data.test}


def pairs(images: Images) -> Iterator[tuple[bytes, int]]:
    """Each image with its label, in a form that can be counted."""
    for image, label in zip(images.images.numpy(), images.labels.tolist(), strict=True):
        yield image.tobytes(), label


def digest(images: Images) -> str:
    return hashlib.sha256(
        images.images.numpy().tobytes() + images.labels.numpy().tobytes()
    ).hexdigest()


# Digits


def test_digits_have_the_sizes_that_were_announced(digits: Dataset) -> None:
    info = dataset_info("digits")
    sizes = tuple(map(len, splits(digits).values()))
    assert sizes == info.sizes(DataSpec()) == (1079, 359, 359)
    for images in splits(digits).values():
        assert images.images.shape == (len(images), info.channels, info.image_size, info.image_size)
        assert (images.images.dtype, images.labels.dtype) == (torch.uint8, torch.int64)
        assert set(images.labels.tolist()) == set(range(info.classes))


def test_digits_are_split_and_none_is_lost_or_used_twice(digits: Dataset) -> None:
    raw = load_digits()
    whole = Counter(
        (image.astype(np.uint8).tobytes(), int(label))
        for image, label in zip(raw.images, raw.target, strict=True)
    )
    found = Counter(pair for images in splits(digits).values() for pair in pairs(images))
    assert found == whole
    assert whole.total() == 1797


@pytest.mark.parametrize("fractions", [(0.2, 0.2), (0.1, 0.3)])
def test_every_split_has_each_class_in_proportion(fractions: tuple[float, float]) -> None:
    data = load(DataSpec(val_fraction=fractions[0], test_fraction=fractions[1]), NOWHERE)
    train, val, test = (torch.bincount(images.labels) for images in splits(data).values())
    # First test images are drawn from all, then validation images from the rest.
    for drawn, left in ((test, train + val), (val, train)):
        share = (drawn + left) * drawn.sum() / (drawn + left).sum()
        assert (drawn - share).abs().max() < 1


def test_digits_are_split_the_same_way_for_ever(digits: Dataset) -> None:
    found = {name: digest(images) for name, images in splits(digits).items()}
    assert found == json.loads(GOLDEN.read_text())


def test_the_split_does_not_depend_on_the_state_of_any_generator(digits: Dataset) -> None:
    torch.manual_seed(1)
    np.random.seed(1)
    again = load(DataSpec(), NOWHERE)
    assert [digest(images) for images in splits(again).values()] == [
        digest(images) for images in splits(digits).values()
    ]


def test_another_split_seed_is_another_split(digits: Dataset) -> None:
    other = load(DataSpec(split_seed=1), NOWHERE)
    for name, images in splits(other).items():
        assert digest(images) != digest(splits(digits)[name])


def test_normalised_training_pixels_have_mean_0_and_deviation_1(digits: Dataset) -> None:
    pixels = digits.normalise(digits.train.images)
    assert pixels.dtype == torch.float32
    assert pixels.mean().item() == pytest.approx(0, abs=1e-6)
    assert pixels.std(correction=0).item() == pytest.approx(1, abs=1e-6)
    # The statistics are those of training alone.
    assert abs(digits.normalise(digits.val.images).mean().item()) > 1e-4


def test_a_dataset_moves_whole(digits: Dataset) -> None:
    moved = digits.to(torch.device("meta"))
    tensors = [moved.mean, moved.std]
    tensors += [
        part for images in splits(moved).values() for part in (images.images, images.labels)
    ]
    assert {tensor.device.type for tensor in tensors} == {"meta"}


# Datasets of torchvision, small enough to write here


def write_cifar10(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = root / "cifar-10-batches-py"
    folder.mkdir()

    def write(name: str, content: object) -> tuple[str, str]:
        source = pickle.dumps(content)
        (folder / name).write_bytes(source)
        return name, hashlib.md5(source).hexdigest()

    def batch(name: str, count: int) -> tuple[str, str]:
        # A row is the red plane, then the green, then the blue.
        return write(name, {"data": pixels(count, 3 * 32 * 32), "labels": labels(count).tolist()})

    monkeypatch.setattr(tv.CIFAR10, "train_list", [batch("data_batch_1", 200)])
    monkeypatch.setattr(tv.CIFAR10, "test_list", [batch("test_batch", 50)])
    name, md5 = write("batches.meta", {"label_names": list("0123456789")})
    monkeypatch.setattr(tv.CIFAR10, "meta", {"filename": name, "key": "label_names", "md5": md5})


def write_svhn(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from scipy.io import savemat

    listed = {}
    for split, count in (("train", 200), ("test", 50)):
        path = root / f"{split}_32x32.mat"
        digit = np.where(labels(count) == 0, 10, labels(count))  # zero is written as ten
        savemat(path, {"X": pixels(count, 32, 32, 3).transpose(1, 2, 3, 0), "y": digit[:, None]})
        listed[split] = ["", path.name, hashlib.md5(path.read_bytes()).hexdigest()]
    monkeypatch.setattr(tv.SVHN, "split_list", listed)


@pytest.mark.parametrize("name", ["fashion_mnist", "cifar10", "svhn"])
def test_torchvision_datasets_are_read_and_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    small(monkeypatch, name)
    if name == "fashion_mnist":
        write_fashion_mnist(tmp_path)
        train, test = pixels(200, 28, 28)[:, None], pixels(50, 28, 28)[:, None]
    elif name == "cifar10":
        write_cifar10(tmp_path, monkeypatch)
        train, test = (pixels(count, 3 * 32 * 32).reshape(-1, 3, 32, 32) for count in (200, 50))
    else:
        write_svhn(tmp_path, monkeypatch)
        train, test = (pixels(count, 32, 32, 3).transpose(0, 3, 1, 2) for count in (200, 50))
    data = load(DataSpec(name=name), tmp_path)
    assert tuple(map(len, splits(data).values())) == (160, 40, 50)
    assert torch.equal(data.test.images, torch.from_numpy(test.copy()))
    assert data.test.labels.tolist() == labels(50).tolist()
    expected = Counter(zip((image.tobytes() for image in train), labels(200).tolist(), strict=True))
    assert Counter([*pairs(data.train), *pairs(data.val)]) == expected
    assert torch.bincount(data.val.labels).tolist() == [4] * 10
    channels = data.normalise(data.train.images).transpose(0, 1).flatten(1)
    assert torch.allclose(channels.mean(1), torch.zeros(len(channels)), atol=1e-5)
    assert torch.allclose(channels.std(1), torch.ones(len(channels)), atol=1e-5)


@pytest.mark.parametrize("name", [name for name, info in DATASETS.items() if info.source])
def test_a_missing_dataset_is_told_how_to_get_it(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError) as caught:
        load(DataSpec(name=name), tmp_path)
    message = str(caught.value)
    assert message.startswith(f"{name} is not in {tmp_path}")
    assert "--download" in message
    assert "--data-root" in message
    assert len(message.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_damaged_dataset_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small(monkeypatch, "cifar10")
    write_cifar10(tmp_path, monkeypatch)
    with (tmp_path / "cifar-10-batches-py" / "data_batch_1").open("ab") as batch:
        batch.write(b"!")
    with pytest.raises(InputError, match=r"cifar10 is not in .*, or is damaged"):
        load(DataSpec(name="cifar10"), tmp_path)


def test_an_unknown_dataset_is_told_the_names() -> None:
    with pytest.raises(InputError, match=f"expected one of {', '.join(DATASETS)}$") as caught:
        load(DataSpec(name="mnist"), NOWHERE)
    assert caught.value.key == "dataset"


# Announced sizes


def test_published_sizes() -> None:
    assert DATASETS["cifar10"].sizes(DataSpec()) == (40_000, 10_000, 10_000)
    assert DATASETS["cifar100"].sizes(DataSpec(val_fraction=0.1)) == (45_000, 5_000, 10_000)
    assert DATASETS["fashion_mnist"].sizes(DataSpec()) == (48_000, 12_000, 10_000)
    assert DATASETS["svhn"].sizes(DataSpec()) == (58_606, 14_651, 26_032)


@pytest.mark.parametrize("info", DATASETS.values(), ids=lambda info: info.name)
def test_a_dataset_goes_by_its_name_and_torchvision_has_it(info: object) -> None:
    assert dataset_info(info.name) is info
    assert not info.source or hasattr(tv, info.source)
