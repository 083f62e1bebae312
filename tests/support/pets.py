"""Small datasets of one's own images, with and without images for validation."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from ablate.data.catalog import DatasetInfo
from ablate.data.dataset import Dataset, Images
from ablate.data.sources import find_dataset
from ablate.spec.trial import DataSpec

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
