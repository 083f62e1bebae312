"""One's own images: the right pixels and labels, decoded once, and a cache that can be trusted."""

import hashlib
import json
import os
import pickle
import re
import resource
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision.datasets as tv
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor

import ablate.data.folder
from ablate.data.folder import BLOCK, Folder, prepare, read_folder
from ablate.engine.progress import plain_or_bar
from ablate.errors import InputError

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


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return fill(tmp_path / "photos")


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough images for worker processes, the last of several blocks not full."""
    return fill(tmp_path_factory.mktemp("many") / "many", each=BLOCK + 3)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


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


# What is read


def test_images_and_labels_are_those_of_torchvision_in_its_order(
    tmp_path: Path, root: Path
) -> None:
    path = tmp_path / "pets"
    names = ("2.png", "10.png", "1.PNG", "deep/er/0.png", "deep/9.png", "Z.bmp", "a.png")
    for seed, split in enumerate(("train", "val", "test")):
        for shift, label in enumerate(("zebra", "Ape", "\u732b", "a b")):
            for number, name in enumerate(names[shift:]):
                pixels = noise(100 * seed + 10 * shift + number, 8, 8, 3)
                write(path / split / label / name, pixels)
    folder = make(path, root)
    found = read_folder(root, folder.checksum)
    assert list(found) == ["train", "val", "test"]
    for split, (images, labels) in found.items():
        peer = tv.ImageFolder(path / split)
        assert len(images) == len(labels) == len(peer) == 22
        assert folder.classes == tuple(peer.classes) == ("Ape", "a b", "zebra", "\u732b")
        assert labels.tolist() == peer.targets
        for image, (expected, _) in zip(images, peer, strict=True):
            assert np.array_equal(image.permute(1, 2, 0).numpy(), np.asarray(expected))


def test_what_is_announced_is_what_is_read(photos: Path, root: Path) -> None:
    folder = make(photos, root)
    assert folder == Folder(
        name="photos",
        checksum=PHOTOS,
        classes=("cat", "dog"),
        channels=3,
        image_size=8,
        images=4,
        val_images=0,
        test_images=2,
    )
    found = read_folder(root, folder.checksum)
    assert {split: tuple(images.shape) for split, (images, _) in found.items()} == {
        "train": (4, 3, 8, 8),
        "test": (2, 3, 8, 8),
    }
    for images, labels in found.values():
        assert (images.dtype, labels.dtype) == (torch.uint8, torch.int64)
    assert found["train"][1].tolist() == [0, 0, 1, 1]


def test_a_validation_folder_is_counted(photos: Path, root: Path) -> None:
    for name in ("cat", "dog"):
        write(photos / "val" / name / "0.png", noise(9, 8, 8, 3))
    assert make(photos, root).val_images == 2


@pytest.mark.parametrize(
    ("path", "name"), [("my photos \u732b", "my_photos__"), ("a.b-c_1/../a.b-c_1", "a.b-c_1")]
)
def test_the_name_is_fit_for_a_file_name(tmp_path: Path, root: Path, path: str, name: str) -> None:
    (tmp_path / "a.b-c_1").mkdir()
    assert make(fill(tmp_path / path), root).name == name


def test_a_relative_path_names_the_folder_it_leads_to(
    photos: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photos / "train")
    assert make(Path(".."), root).name == "photos"
    assert make(Path("../../photos"), root).checksum == PHOTOS
    monkeypatch.chdir(photos)
    assert make(Path(), root) == make(photos, root)


def test_what_is_no_image_by_its_extension_is_ignored(photos: Path, root: Path) -> None:
    (photos / "train" / "cat" / "notes.txt").write_text("no image")
    (photos / "train" / "labels.csv").write_text("no class")
    (photos / "extra").mkdir()
    assert make(photos, root).checksum == PHOTOS


def test_links_are_followed(photos: Path, tmp_path: Path, root: Path) -> None:
    (photos / "train" / "cat").rename(tmp_path / "elsewhere")
    (photos / "train" / "cat").symlink_to(tmp_path / "elsewhere")
    (photos / "test").rename(tmp_path / "other")
    (photos / "test").symlink_to(tmp_path / "other")
    (photos / "train" / "dog" / "0.png").rename(tmp_path / "dog.png")
    (photos / "train" / "dog" / "0.png").symlink_to(tmp_path / "dog.png")
    assert make(photos, root).checksum == PHOTOS


def test_the_tensors_lie_in_the_file_and_are_not_written_back(photos: Path, root: Path) -> None:
    checksum = make(photos, root).checksum
    images, _ = read_folder(root, checksum)["train"]
    maps = Path("/proc/self/maps")
    if maps.exists():
        assert str(root / "folders" / checksum / "train.npy") in maps.read_text()
    images.zero_()
    assert read_folder(root, checksum)["train"][0].any()


# Pixels


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


def test_worker_processes_give_the_same_bits(many: Path, tmp_path: Path) -> None:
    serial, parallel = tmp_path / "serial", tmp_path / "parallel"
    one = make(many, serial, 7)
    assert one.images == 2 * (BLOCK + 3)
    assert make(many, parallel, 7, processes=2) == one
    assert same(read_folder(serial, one.checksum), read_folder(parallel, one.checksum))


def test_workers_do_not_import_torch() -> None:
    with ablate.data.folder._workers(BLOCK, 2) as each:
        loaded = "[name in __import__('sys').modules for name in ('torch', 'ablate.data.folder')]"
        assert list(each(eval, [loaded])) == [[False, True]]


def test_workers_leave_ctrl_c_to_the_parent() -> None:
    with ablate.data.folder._workers(BLOCK, 2) as each:
        handler = "(s := __import__('signal')).getsignal(s.SIGINT) is s.SIG_IGN"
        assert list(each(eval, [handler])) == [True]


def interrupted(work: Callable[[Path], object], items: list[Path]) -> None:
    with ablate.data.folder._workers(BLOCK, 2) as each:
        results = each(work, items)
        raise KeyboardInterrupt(results)  # which keeps the results alive, as a traceback does


def test_workers_stop_when_the_parent_is_interrupted(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        interrupted(Path.touch, [tmp_path / str(number) for number in range(2000)])
    assert len(list(tmp_path.iterdir())) < 2000


def test_progress_is_told_in_at_most_20_lines(
    photos: Path, root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ablate.data.folder, "BLOCK", 1)
    for number in range(2, 60):
        shutil.copy(photos / "train" / "cat" / "0.png", photos / "train" / "cat" / f"{number}.png")
    prepare(photos, None, root, 1, plain_or_bar)
    lines = [re.sub(r"; about.*", "", line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == 20
    assert lines[0] == "step 1/10: looked at 7 of 64 images"
    assert lines[9:11] == [
        "step 10/10: looked at 64 of 64 images",
        "step 1/10: decoded 7 of 64 images",
    ]
    assert lines[-1] == "step 10/10: decoded 64 of 64 images"


# What is wrong


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


# The cache


def test_a_second_run_decodes_nothing(
    photos: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make(photos, root)
    monkeypatch.setattr(ablate.data.folder, "_make", no_decoding)
    assert make(photos, root) == first
    with pytest.raises(pytest.fail.Exception):
        make(photos, root, 4)


def test_a_ready_cache_is_used_where_nothing_can_be_written(
    photos: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make(photos, root)
    monkeypatch.setattr(ablate.data.folder, "FileLock", no_decoding)
    assert make(photos, root) == first


def flip(at: int) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[at] ^= 1
        path.write_bytes(content)

    return spoil


@pytest.mark.parametrize(
    ("file", "spoil"),
    [
        ("train.npy", flip(-1)),
        ("test.npy", flip(128)),
        ("train.npy", flip(20)),
        ("train.npy", flip(0)),
        ("train.npy", lambda path: path.write_bytes(path.read_bytes()[:-1])),
        ("train.npy", lambda path: path.write_bytes(b"")),
        ("train-labels.npy", flip(-8)),
        ("test-labels.npy", Path.unlink),
        ("folder.json", flip(0)),
        ("folder.json", Path.unlink),
        ("folder.json", lambda path: path.write_text("[]")),
        ("folder.json", lambda path: path.write_text('{"classes": [], "shapes": []}')),
        ("folder.json", lambda path: path.write_text('{"classes": [], "shapes": {}}')),
        ("folder.json", lambda path: path.write_text('{"classes": [], "shapes": {"train": 1}}')),
        ("folder.json", lambda path: path.write_text(path.read_text().replace("cat", "cow"))),
        ("", shutil.rmtree),
        ("../INDEX", Path.unlink),
        ("../INDEX", flip(3)),
        ("../INDEX", lambda path: path.write_text("")),
        ("../INDEX", lambda path: path.write_text('["checksum"]')),
        ("../INDEX", lambda path: path.write_text('{"checksum": 1}')),
        ("../INDEX", lambda path: path.write_text('{"checksum": ""}')),
    ],
)
def test_a_damaged_cache_is_made_again(
    photos: Path, root: Path, file: str, spoil: Callable[[Path], object]
) -> None:
    first = make(photos, root)
    before = {split: (a.clone(), b.clone()) for split, (a, b) in read(root, first).items()}
    (index,) = (root / "folders").glob("*.json")
    spoil(root / "folders" / first.checksum / file.replace("INDEX", index.name))
    assert make(photos, root) == first
    assert same(read(root, first), before)
    assert not list((root / "folders").glob(".*-*"))


def read(root: Path, folder: Folder) -> dict[str, tuple[Tensor, Tensor]]:
    return read_folder(root, folder.checksum)


def test_a_reader_keeps_what_it_mapped_when_the_cache_is_made_again(
    photos: Path, root: Path
) -> None:
    first = make(photos, root)
    mapped = read(root, first)
    (root / "folders" / first.checksum / "test.npy").unlink()
    make(photos, root)
    assert same(mapped, read(root, first))


def test_a_changed_file_is_noticed(photos: Path, root: Path) -> None:
    first = make(photos, root)
    write(photos / "test" / "dog" / "0.png", noise(99, 8, 8, 3))
    second = make(photos, root)
    assert second.checksum != first.checksum
    assert np.array_equal(
        read(root, second)["test"][0][1].permute(1, 2, 0).numpy(), noise(99, 8, 8, 3)
    )
    assert read(root, first)["test"][0].shape == (2, 3, 8, 8)  # the old one is kept


def test_a_file_replaced_by_one_of_the_same_size_and_time_is_noticed(
    tmp_path: Path, root: Path
) -> None:
    path = tmp_path / "bitmaps"
    for split in SPLITS:
        for name in ("cat", "dog"):
            write(path / split / name / "0.bmp", noise(1, 8, 8, 3))
    first = make(path, root)
    target = path / "train" / "cat" / "0.bmp"
    before = target.stat()
    other = write(tmp_path / "other.bmp", noise(2, 8, 8, 3))
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(target)
    assert (target.stat().st_size, target.stat().st_mtime_ns) == (
        before.st_size,
        before.st_mtime_ns,
    )
    assert make(path, root).checksum != first.checksum


def test_added_and_removed_files_are_noticed(photos: Path, root: Path) -> None:
    make(photos, root)
    extra = write(photos / "train" / "cat" / "5.png", noise(5, 8, 8, 3))
    assert make(photos, root).images == 5
    extra.unlink()
    assert make(photos, root).images == 4


def test_the_checksum_does_not_depend_on_where_and_when(
    photos: Path, tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make(photos, root)
    copy = fill(tmp_path / "copies" / "other")
    for file in copy.rglob("*.png"):
        os.utime(file, (1, 1))
        file.rename(file.with_suffix(".PNG"))
    before = (root / "folders" / first.checksum / "train.npy").stat()
    second = make(copy, root)
    assert (second.name, second.checksum) == ("other", first.checksum)
    # Both use the one that was there.
    assert (root / "folders" / first.checksum / "train.npy").stat() == before
    assert len(list((root / "folders").glob("*.json"))) == 2
    monkeypatch.setattr(ablate.data.folder, "_make", no_decoding)
    assert (make(photos, root), make(copy, root)) == (first, second)


def test_a_cache_is_put_in_place_by_one_process_at_a_time(
    photos: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = []

    def check(directory: Path) -> None:
        checked.append(directory.name)
        with pytest.raises(Timeout), FileLock(directory.with_suffix(".lock"), timeout=0):
            pass

    monkeypatch.setattr(ablate.data.folder, "_checked", check)
    make(photos, root)
    assert checked == [PHOTOS]


@pytest.mark.parametrize(
    "change",
    [
        lambda path: write(path / "test" / "cat" / "0.png", noise(99, 8, 8, 3)),
        lambda path: [(path / split / "cat").rename(path / split / "car") for split in SPLITS],
        lambda path: (path / "train" / "cat" / "1.png").rename(path / "train" / "dog" / "2.png"),
        lambda path: shutil.copytree(path / "test", path / "val"),
        lambda path: [(path / split / "cat").rename(path / split / "eel") for split in SPLITS],
    ],
)
def test_other_content_has_another_checksum(
    photos: Path, root: Path, change: Callable[[Path], object]
) -> None:
    change(photos)
    assert make(photos, root).checksum != PHOTOS


def test_reading_what_was_not_prepared_says_what_to_do(root: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_folder(root, "ab" * 32)
    assert str(caught.value) == (
        f"{root}/folders/{'ab' * 32}: no prepared images here; run again with --dataset folder:PATH"
    )


@pytest.mark.parametrize("array", [noise(0, 4, 3, 8, 8).astype(np.int8), noise(0, 4, 3, 8, 7)])
def test_reading_refuses_another_type_or_shape(
    photos: Path, root: Path, array: NDArray[np.generic]
) -> None:
    directory = root / "folders" / make(photos, root).checksum
    np.save(directory / "train.npy", array)
    why = r"ValueError: train\.npy is no array of \(4, 3, 8, 8\) \|u1"
    line = rf"^{directory}: damaged \({why}\); run again with --dataset folder:PATH$"
    with pytest.raises(InputError, match=line):
        read_folder(root, directory.name)


class Trap:
    """Unpickling it makes a directory."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("file", ["train.npy", "test-labels.npy"])
@pytest.mark.parametrize("form", ["array", "pickle"])
def test_a_pickle_is_refused_and_not_executed(
    photos: Path, root: Path, tmp_path: Path, file: str, form: str
) -> None:
    first = make(photos, root)
    sprung = tmp_path / "sprung"
    target = root / "folders" / first.checksum / file
    if form == "array":
        np.save(target, np.array([Trap(sprung)], dtype=object), allow_pickle=True)
        np.load(target, allow_pickle=True)
        assert sprung.is_dir()  # the trap works
        sprung.rmdir()
    else:
        target.write_bytes(pickle.dumps(Trap(sprung)))
    with pytest.raises(InputError, match=r": damaged \(ValueError: "):
        read(root, first)
    assert make(photos, root) == first
    assert not sprung.exists()
    assert read(root, first)["train"][0].shape == (4, 3, 8, 8)


# Kills and races

KILLED = """
import os, signal, sys
from pathlib import Path
from ablate.data.folder import prepare

def progress(items, total, unit):
    for item in items:
        yield item
        if item.startswith("decoded"):
            os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    prepare(Path(sys.argv[1]), None, Path(sys.argv[2]), 2, progress)
"""

BESIDE = """
import sys
from pathlib import Path
from ablate.data.folder import prepare
import torchvision.datasets

root, *paths = map(Path, sys.argv[1:])
told = []

def progress(items, total, unit):
    for item in items:
        told.append(item)
        yield item

print("ready", flush=True)
sys.stdin.readline()
for path in paths:
    told.clear()
    print(prepare(path, None, root, 1, progress).checksum, len(told) > 0, flush=True)
"""


def test_a_killed_run_is_made_good_by_the_next(many: Path, root: Path, tmp_path: Path) -> None:
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    # It ends when the last process that holds its output does: no worker outlives its parent.
    killed = subprocess.run(
        [sys.executable, script, many, root], capture_output=True, text=True, timeout=60
    )
    assert killed.returncode == -9, killed.stderr
    folders = root / "folders"
    (left,) = folders.glob(".*-*")
    assert (left / "made" / "train.npy").exists()
    assert not list(folders.glob("*.json"))
    other = folders / f".{'0' * 64}-running"  # of another folder, which may be in the making
    other.mkdir()
    folder = make(many, root)
    assert same(read(root, folder), read(tmp_path / "fresh", make(many, tmp_path / "fresh")))
    assert list(folders.glob(".*-*")) == [other]


def test_two_processes_beside_each_other_make_one_valid_cache(
    many: Path, root: Path, tmp_path: Path
) -> None:
    twins = [fill(tmp_path / name, each=30) for name in ("one", "two")]
    beside = [
        subprocess.Popen(
            [sys.executable, "-c", BESIDE, root, many, twin],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for twin in twins
    ]
    for process in beside:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in beside:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    printed = [process.communicate(timeout=60)[0].split() for process in beside]
    assert [process.returncode for process in beside] == [0, 0]
    checksums = {(one, two) for one, _, two, _ in printed}
    assert len(checksums) == 1  # the same for both, of either folder
    assert sorted(decoded for _, decoded, _, _ in printed) == ["False", "True"]
    folders = root / "folders"
    assert {path.name for path in folders.iterdir() if path.is_dir()} == set(*checksums)
    for path, checksum in zip((many, twins[0]), *checksums, strict=True):
        fresh = make(path, tmp_path / "fresh")
        assert fresh.checksum == checksum
        assert same(read_folder(root, checksum), read(tmp_path / "fresh", fresh))
    index = [json.loads(path.read_text())["checksum"] for path in folders.glob("*.json")]
    assert sorted(index) == sorted([*next(iter(checksums)), printed[0][2]])
