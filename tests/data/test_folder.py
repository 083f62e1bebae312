"""One's own images: the right pixels and labels, in the right splits."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision.datasets as tv

from ablate.data.folder import Folder, read_folder
from support.photos import PHOTOS, fill, make, noise, write


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
        skipped={},
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
    ("path", "name"),
    [("my photos \u732b", "my_photos_\u732b-aab5a3"), ("a.b-c_1/../a.b-c_1", "a.b-c_1")],
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
