"""Folders of images, and what is read of them."""

import hashlib
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ablate.data.folder import Folder, prepare, read_folder

Pixels = NDArray[np.uint8]
SPLITS = ("train", "test")


def quiet(items: Iterable[str], total: int, unit: str) -> Iterator[str]:
    return iter(items)


def noise(seed: int, *shape: int) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def write(path: Path, pixels: Pixels | Image.Image) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(path)
    return path


def fill(path: Path, each: int = 2) -> Path:
    """Two classes of colour images: `each` to train on, one to test with."""
    seed = 0
    for split, count in (("train", each), ("test", 1)):
        for name in ("cat", "dog"):
            for number in range(count):
                write(path / split / name / f"{number}.png", noise(seed, 8, 8, 3))
                seed += 1
    return path


def photos_checksum() -> str:
    """What a checksum is, written out for the folder of the fixture `photos`."""
    digest = hashlib.sha256()
    for split, seeds, labels in (("train", range(4), [0, 0, 1, 1]), ("test", (4, 5), [0, 1])):
        images = np.stack([noise(seed, 8, 8, 3).transpose(2, 0, 1) for seed in seeds])
        digest.update(f'["{split}", ["cat", "dog"], [{len(images)}, 3, 8, 8]]'.encode())
        digest.update(struct.pack(f"<{len(labels)}q", *labels))
        digest.update(images.tobytes())
    return digest.hexdigest()


PHOTOS = photos_checksum()


def make(path: Path, root: Path, image_size: int | None = None, processes: int = 1) -> Folder:
    return prepare(path, image_size, root, processes, quiet)


def images_of(path: Path, root: Path, image_size: int | None = None) -> Pixels:
    """The prepared training images (N, C, S, S)."""
    found: Pixels = read_folder(root, make(path, root, image_size).checksum)["train"][0].numpy()
    return found


def same(one: dict[str, tuple[Tensor, Tensor]], other: dict[str, tuple[Tensor, Tensor]]) -> bool:
    return one.keys() == other.keys() and all(
        torch.equal(mine, theirs)
        for split in one
        for mine, theirs in zip(one[split], other[split], strict=True)
    )


def no_decoding(*_: object) -> None:
    pytest.fail("decoded again")


def read(root: Path, folder: Folder) -> dict[str, tuple[Tensor, Tensor]]:
    return read_folder(root, folder.checksum)
