"""Folders that are no dataset, damaged images, no room: one line that says what would be right."""

import os
import re
import resource
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ablate.data.folder import BLOCK, prepare
from ablate.errors import InputError
from support.photos import make, noise, write


def remove(*parts: str) -> Callable[[Path], None]:
    return lambda path: shutil.rmtree(path.joinpath(*parts))


def rename(old: str, new: str) -> Callable[[Path], object]:
    return lambda path: (path / old).rename(path / new)


def picture(name: str, height: int, width: int) -> Callable[[Path], object]:
    return lambda path: write(path / name, noise(9, height, width, 3))


def everything_of(height: int, width: int) -> Callable[[Path], None]:
    def paint(path: Path) -> None:
        for file in path.rglob("*.png"):
            write(file, np.zeros((height, width, 3), np.uint8))

    return paint


def only_cats(path: Path) -> None:
    remove("train", "dog")(path)
    remove("test", "dog")(path)


def to_file(path: Path) -> None:
    shutil.rmtree(path)
    path.write_text("no folder")


LAYOUT = (
    "expected train/<class>/ and test/<class>/, and val/<class>/ only if you have one "
    "(validation is drawn from train without it), and found"
)
EXTENSIONS = ".jpg, .jpeg, .png, .ppm, .bmp, .pgm, .tif, .tiff, .webp"


@pytest.mark.parametrize(
    ("spoil", "line"),
    [
        (remove(), ": no such directory; expected one with train/<class>/ and test/<class>/"),
        (to_file, ": not a directory; expected one with train/<class>/ and test/<class>/"),
        (remove("test"), f": no 'test' folder; {LAYOUT} train"),
        (rename("test", "val"), f": no 'test' folder; {LAYOUT} train, val"),
        (rename("train", "Train"), f": no 'train' folder; {LAYOUT} Train, test"),
        (
            lambda path: [remove("test")(path), remove("train")(path)],
            f": no 'train' folder; {LAYOUT} no folder",
        ),
        (
            lambda path: [remove("test")(path)] + [(path / f"c{n}").mkdir() for n in range(5)],
            f": no 'test' folder; {LAYOUT} c0, c1, c2, c3, c4, ...",
        ),
        (
            lambda path: [remove("test")(path), (path / "test").mkdir()],
            "/test: no class folders; expected test/<class>/ with images",
        ),
        (
            lambda path: (path / "val").mkdir(),
            "/val: no class folders; expected val/<class>/ with images",
        ),
        (
            lambda path: (
                (path / "train" / "dog" / "0.png").unlink()
                or (path / "train" / "dog" / "1.png").rename(path / "train" / "dog" / "1.txt")
            ),
            f"/train/dog: no image in it; expected files that end in {EXTENSIONS}",
        ),
        (
            remove("test", "dog"),
            ": class 'dog' of train is not in test; expected the same class folders in every split",
        ),
        (
            picture("val/emu/0.png", 8, 8),
            ": class 'emu' of val is not in train; expected the same class folders in every split",
        ),
        (only_cats, "/train: one class, 'cat'; expected 2 or more"),
        (
            picture("train/cat/1.png", 32, 40),
            ": mixed sizes: train/cat/1.png is 40x32, train/cat/0.png 8x8; give --image-size N",
        ),
        (
            picture("test/cat/0.png", 9, 9),
            ": mixed sizes: test/cat/0.png is 9x9, train/cat/0.png 8x8; give --image-size N",
        ),
        (
            everything_of(8, 9),
            ": not square: train/cat/0.png is 9x8; give --image-size N",
        ),
        (
            everything_of(1025, 1025),
            ": images of 1025x1025: expected 1024 pixels at most; give --image-size N",
        ),
        (
            lambda path: (path / "test" / "dog" / "9.png").symlink_to("nowhere"),
            "/test/dog/9.png: No such file or directory; expected an image file",
        ),
        (
            lambda path: os.mkfifo(path / "test" / "dog" / "9.png"),
            "/test/dog/9.png: not a regular file; expected an image file",
        ),
    ],
)
def test_the_error_is_one_line_that_says_what_would_be_right(
    photos: Path, root: Path, spoil: Callable[[Path], object], line: str
) -> None:
    spoil(photos)
    with pytest.raises(InputError) as caught:
        make(photos, root)
    assert str(caught.value) == f"{photos}{line}"


@pytest.mark.parametrize("image_size", [-1, 0, 1025])
def test_an_image_size_has_limits(photos: Path, root: Path, image_size: int) -> None:
    with pytest.raises(InputError, match=rf"^image_size = {image_size}: expected 1 to 1024 pixels"):
        make(photos, root, image_size)


@pytest.mark.parametrize("image_size", [1, 1024])
def test_the_limits_are_allowed(photos: Path, root: Path, image_size: int) -> None:
    assert make(photos, root, image_size).image_size == image_size


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-30])


def damage_middle(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


@pytest.mark.parametrize(
    "spoil",
    [
        truncate,
        damage_middle,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_text("not a picture"),
        lambda path: path.write_bytes(path.read_bytes()[:20]),
        lambda path: Image.fromarray(noise(0, 8, 8).astype(np.float32)).save(path, "TIFF"),
        lambda path: Image.fromarray(noise(0, 8, 8).astype(np.int32)).save(path, "TIFF"),
    ],
)
def test_a_damaged_image_is_named(photos: Path, root: Path, spoil: Callable[[Path], None]) -> None:
    bad = photos / "train" / "dog" / "0.png"
    spoil(bad)
    with pytest.raises(InputError, match=rf"^{bad}: not an image that can be read \(.*\); ") as it:
        make(photos, root)
    assert "\n" not in str(it.value)
    assert sorted(path.suffix for path in (root / "folders").iterdir()) in ([".lock"], [])


@pytest.mark.parametrize("limit", [50, 20])  # of which PIL warns, and which it refuses
def test_a_decompression_bomb_is_named(
    photos: Path, root: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(InputError, match=r"train/cat/0\.png: .*DecompressionBomb.*64 pixels"):
        make(photos, root)


def test_a_damaged_image_in_a_worker_is_named_and_ends_the_rest(many: Path, tmp_path: Path) -> None:
    path = shutil.copytree(many, tmp_path / "many")
    truncate(path / "train" / "dog" / "0.png")
    told = []

    def progress(items: Iterable[str], total: int, unit: str) -> Iterator[str]:
        for item in items:
            told.append(item)
            yield item

    with pytest.raises(InputError, match=rf"^{path}/train/dog/0\.png: not an image") as caught:
        prepare(path, None, tmp_path / "root", 2, progress)
    assert caught.value.key is None
    assert told[-1] == "decoded 256 of 520 images"  # no block after the damaged one
    assert [path.suffix for path in (tmp_path / "root" / "folders").iterdir()] in ([".lock"], [])


def test_no_room_is_an_error_and_no_crash(many: Path, root: Path) -> None:
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (BLOCK * 3 * 8 * 8 + 4096, limit[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            make(many, root)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert not list((root / "folders").glob(".*-*"))
    assert make(many, root).images == 2 * (BLOCK + 3)


def test_a_root_that_cannot_be_written_is_an_error(photos: Path, root: Path) -> None:
    root.write_text("a file")
    with pytest.raises(OSError, match=re.escape(str(root))):
        make(photos, root)
