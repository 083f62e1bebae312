"""Small datasets, as their publishers write them."""

import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ablate.data.catalog import DATASETS


def small(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let a dataset have 200 images and 50 test images, as the files written below."""
    info = replace(DATASETS[name], images=200, test_images=50)
    monkeypatch.setitem(DATASETS, name, info)


def pixels(count: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, *shape), dtype=np.uint8)


def labels(count: int) -> np.ndarray:
    return (np.arange(count) % 10).astype(np.uint8)


def write_fashion_mnist(root: Path) -> None:
    folder = root / "FashionMNIST" / "raw"
    folder.mkdir(parents=True)
    for prefix, count in (("train", 200), ("t10k", 50)):
        for name, array in (
            ("images-idx3", pixels(count, 28, 28)),
            ("labels-idx1", labels(count)),
        ):
            header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
            (folder / f"{prefix}-{name}-ubyte").write_bytes(header + array.tobytes())
