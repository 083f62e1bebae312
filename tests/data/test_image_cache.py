"""Images are decoded once, into a cache that can be trusted."""

import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock, Timeout
from numpy.typing import NDArray

import ablate.data.folder
from ablate.data.folder import read_folder
from ablate.errors import InputError
from support.photos import PHOTOS, SPLITS, fill, make, no_decoding, noise, read, same, write


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
