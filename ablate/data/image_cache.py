"""Images and labels as plain .npy files in a folder: mapped, checked, and never unpickled.

Beside `<split>.npy` and `<split>-labels.npy` lies `folder.json`, with the names of the classes and
the shape of each split's images. Worker processes import this module, so it does not import torch.
"""

import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.lib.format import write_array_header_1_0

from ablate.data.image_tree import SPLITS
from ablate.errors import InputError

HASHED = 2**24  # bytes at a time
PIXEL, LABEL = "|u1", "<i8"  # as NumPy writes them


@dataclass(frozen=True)
class Cache:
    """Images (N, C, S, S) uint8 and labels (N,) int64, memory-mapped, by split."""

    classes: tuple[str, ...]
    arrays: dict[str, tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]


def open_cache(directory: Path, mode: Literal["r", "c"]) -> Cache:
    """Map a cache as `numpy.memmap` does in that mode. No pickle is ever read."""
    again = "run again with --dataset folder:PATH"
    if not directory.is_dir():
        raise InputError(f"{directory}: no prepared images here; {again}", "dataset")
    try:
        about = json.loads((directory / "folder.json").read_text())
        shapes = {split: tuple(shape) for split, shape in about["shapes"].items()}
        arrays = {
            split: (
                _map(directory / f"{split}.npy", mode, PIXEL, shapes[split]),
                _map(directory / f"{split}-labels.npy", mode, LABEL, shapes[split][:1]),
            )
            for split in SPLITS
            if split != "val" or split in shapes
        }
        return Cache(tuple(about["classes"]), arrays)
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError) as error:
        why = f"{type(error).__name__}: {error}"
        raise InputError(f"{directory}: damaged ({why}); {again}", "dataset") from error


def _map(
    path: Path, mode: Literal["r", "c"], dtype: str, shape: tuple[int, ...]
) -> np.ndarray[Any, Any]:
    # The header is compared, not interpreted: nothing in the file says how it is to be read.
    header = npy_header(dtype, shape)
    with path.open("rb") as stream:
        if stream.read(len(header)) != header:
            raise ValueError(f"{path.name} is no array of {shape} {dtype}")
    return np.memmap(path, dtype, mode, len(header), shape)


def npy_header(dtype: str, shape: tuple[int, ...]) -> bytes:
    """What a .npy file of such an array, in C order, begins with."""
    stream = io.BytesIO()
    write_array_header_1_0(stream, {"descr": dtype, "fortran_order": False, "shape": shape})
    return stream.getvalue()


def checksum_of(cache: Cache) -> str:
    """SHA-256 of what the arrays hold and how they are named, in hexadecimal."""
    digest = hashlib.sha256()
    for split, (images, labels) in cache.arrays.items():
        digest.update(json.dumps([split, cache.classes, images.shape]).encode())
        digest.update(labels.data)
        flat = images.reshape(-1)
        for start in range(0, len(flat), HASHED):
            digest.update(flat[start : start + HASHED].data)
    return digest.hexdigest()
