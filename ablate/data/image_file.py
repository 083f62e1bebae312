"""One image file: its size without decoding it, and its pixels.

Worker processes import this module, so it does not import torch.
"""

import contextlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from ablate.errors import InputError

GREY = ("1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "I;16N")


@dataclass(frozen=True)
class Header:
    """What is known of an image before it is decoded; sizes in pixels."""

    width: int
    height: int
    grey: bool


def read_header(path: Path) -> Header:
    """Size and kind; `InputError` for a file that is no image."""
    with _opened(path) as image:
        if image.mode == "F" or (image.mode == "I" and image.format != "PPM"):
            raise ValueError("32 bits a pixel: expected 8 or 16")
        return Header(*image.size, grey=image.mode in GREY)


def read_pixels(path: Path, channels: int, size: int) -> np.ndarray[Any, Any]:
    """The image (C, S, S) uint8, C of 1 or 3, upright, scaled and cropped to S by S."""
    with _opened(path) as opened:
        ImageOps.exif_transpose(opened, in_place=True)
        image: Image.Image = opened
        if image.mode.startswith("I"):  # 16 bits, of which PIL would keep the lower 8
            image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
        if image.mode == "P":  # PIL warns of transparency it cannot keep
            image = image.convert("RGBA")
        image = image.convert("L" if channels == 1 else "RGB")
        if image.size != (size, size):
            image = ImageOps.fit(image, (size, size), method=Image.Resampling.BICUBIC)
        return np.asarray(image).reshape(size, size, channels).transpose(2, 0, 1)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """The image in a file; whatever is wrong with it becomes one `InputError`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                yield image
    except Exception as error:  # PIL raises all kinds for a damaged file
        why = f"{type(error).__name__}: {error}"
        raise InputError(
            f"{path}: not an image that can be read ({why}); replace it or remove it"
        ) from error
