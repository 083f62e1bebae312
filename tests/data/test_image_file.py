"""One image: its pixels, whatever its mode, size and way up."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from support.photos import PHOTOS, SPLITS, fill, images_of, make, noise, write


def grey(path: Path) -> Path:
    for split in SPLITS:
        for seed, name in enumerate(("cat", "dog")):
            write(path / split / name / "0.png", noise(seed, 8, 8))
    return path


def test_greyscale_images_have_one_channel(tmp_path: Path, root: Path) -> None:
    images = images_of(grey(tmp_path / "grey"), root)
    assert images.shape == (2, 1, 8, 8)
    assert np.array_equal(images[:, 0], [noise(0, 8, 8), noise(1, 8, 8)])


def test_one_colour_image_in_any_split_gives_all_three(tmp_path: Path, root: Path) -> None:
    path = grey(tmp_path / "grey")
    write(path / "test" / "dog" / "1.png", noise(2, 8, 8, 3))
    images = images_of(path, root)
    assert images.shape == (2, 3, 8, 8)
    assert np.array_equal(images, np.stack([[noise(0, 8, 8)] * 3, [noise(1, 8, 8)] * 3]))


@pytest.mark.parametrize("suffix", ["png", "tiff", "pgm"])
def test_sixteen_bits_become_the_upper_eight(tmp_path: Path, root: Path, suffix: str) -> None:
    path = grey(tmp_path / "grey")
    deep = np.array([[0, 255, 256, 1023], [0x1234, 0x7FFF, 0x8000, 0xFFFF]] * 4, dtype=np.uint16)
    (path / "train" / "cat" / "0.png").unlink()
    deep = np.hstack([deep, deep])
    write(path / "train" / "cat" / f"0.{suffix}", Image.fromarray(deep))
    images = images_of(path, root)
    assert images.shape == (2, 1, 8, 8)
    assert images[0, 0, :2, :4].tolist() == [[0, 0, 1, 3], [0x12, 0x7F, 0x80, 0xFF]]


def test_other_modes_are_as_pil_converts_them(tmp_path: Path, root: Path) -> None:
    path = fill(tmp_path / "modes")
    palette = Image.fromarray(noise(0, 8, 8, 3)).quantize(8)
    palette.info["transparency"] = bytes(range(8))
    images = {
        "a.png": Image.fromarray(noise(1, 8, 8, 4), "RGBA"),
        "b.png": palette,
        "c.jpg": Image.fromarray(noise(2, 8, 8, 4), "CMYK"),
        "d.png": Image.fromarray(noise(3, 8, 8, 2), "LA"),
        "e.png": Image.fromarray(noise(4, 8, 8) > 99),
        "f.webp": Image.fromarray(noise(5, 8, 8, 3)),
        "g.png": Image.fromarray(noise(6, 8, 8, 3)).quantize(8),
    }
    for name, image in images.items():
        write(path / "train" / "ape" / name, image)
    write(path / "test" / "ape" / "0.png", noise(7, 8, 8, 3))
    found = images_of(path, root)
    for image, name in zip(found, images, strict=False):
        with Image.open(path / "train" / "ape" / name) as opened:
            # By way of RGBA, PIL does not warn of the palette's transparency.
            plain = opened.convert("RGBA") if opened.mode == "P" else opened
            expected = np.asarray(plain.convert("RGB"))
        assert np.array_equal(image.transpose(1, 2, 0), expected), name


def test_images_are_scaled_and_cropped_about_the_centre(tmp_path: Path, root: Path) -> None:
    path = tmp_path / "mixed"
    shapes = {"a": (16, 16), "b": (8, 20), "c": (31, 9), "d": (3, 5)}
    for split in SPLITS:
        for name, shape in shapes.items():
            write(path / split / name / "0.png", noise(len(name), *shape, 3))
    found = images_of(path, root, 8)
    assert found.shape == (4, 3, 8, 8)
    for image, (name, shape) in zip(found, shapes.items(), strict=True):
        original = Image.fromarray(noise(len(name), *shape, 3))
        expected = ImageOps.fit(original, (8, 8), method=Image.Resampling.BICUBIC)
        assert np.array_equal(image.transpose(1, 2, 0), np.asarray(expected)), name
    # A wide image keeps its middle: a crop, no squeeze.
    wide = np.zeros((8, 24, 3), np.uint8)
    wide[:, 8:16] = 200
    write(path / "train" / "a" / "0.png", wide)
    assert (images_of(path, root, 8)[0] == 200).all()


def test_images_of_that_size_are_left_as_they_are(photos: Path, root: Path) -> None:
    assert make(photos, root, 8).checksum == make(photos, root).checksum == PHOTOS


@pytest.mark.parametrize("image_size", [None, 8])
def test_images_are_turned_as_their_exif_says(
    photos: Path, root: Path, image_size: int | None
) -> None:
    pixels = noise(5, 8, 8, 3)
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: turn clockwise to see it upright
    Image.fromarray(pixels).save(photos / "train" / "cat" / "0.png", exif=exif)
    image = images_of(photos, root, image_size)[0].transpose(1, 2, 0)
    assert np.array_equal(image, np.rot90(pixels, -1))


def test_exif_turns_an_image_before_it_is_cropped(photos: Path, root: Path) -> None:
    pixels = noise(5, 8, 12, 3)
    exif = Image.Exif()
    exif[0x0112] = 8
    Image.fromarray(pixels).save(photos / "train" / "cat" / "0.png", exif=exif)
    image = images_of(photos, root, 8)[0].transpose(1, 2, 0)
    assert np.array_equal(image, np.rot90(pixels)[2:10])
