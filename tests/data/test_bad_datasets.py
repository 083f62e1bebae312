"""Datasets that are damaged, of another size, or not to be had: one line."""

from pathlib import Path

import pytest
import torchvision.datasets as tv

from ablate.data import dataset
from ablate.errors import InputError
from ablate.spec.trial import DataSpec
from support.images import small, write_fashion_mnist


def test_a_dataset_of_another_size_is_refused(tmp_path: Path) -> None:
    write_fashion_mnist(tmp_path)
    with pytest.raises(InputError, match=r"fashion_mnist .* damaged"):
        dataset.load(DataSpec(name="fashion_mnist"), tmp_path)


@pytest.mark.parametrize("content", [b"", b"garbage!" * 100])
def test_damaged_images_are_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    small(monkeypatch, "fashion_mnist")
    write_fashion_mnist(tmp_path)
    (tmp_path / "FashionMNIST" / "raw" / "train-images-idx3-ubyte").write_bytes(content)
    with pytest.raises(InputError, match=r"fashion_mnist .* damaged"):
        dataset.load(DataSpec(name="fashion_mnist"), tmp_path)


def test_a_download_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tv.CIFAR10, "url", "file:///nowhere/cifar-10-python.tar.gz")
    with pytest.raises(InputError, match="cifar10"):
        dataset.load(DataSpec(name="cifar10"), tmp_path, download=True)
