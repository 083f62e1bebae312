"""Folders as people have them: names in any script and form, links, and files of other kinds."""

import unicodedata
from pathlib import Path

import pytest

from ablate.data.image_tree import clean_name, list_images
from ablate.errors import InputError

CLASSES = ("강아지", "고양이")


def tree(path: Path, splits: tuple[str, ...] = ("train", "test"), form: str = "NFC") -> Path:
    """Empty files that have the names of images, two a class."""
    for split in splits:
        for name in CLASSES:
            folder = path / split / unicodedata.normalize(form, name)
            folder.mkdir(parents=True)
            for file in ("1.png", "2.jpg"):
                (folder / file).touch()
    return path


def test_classes_are_the_same_in_either_unicode_form(tmp_path: Path) -> None:
    tree(tmp_path, ("train",), "NFC")
    tree(tmp_path, ("test",), "NFD")
    found = list_images(tmp_path)
    assert found.classes == CLASSES
    assert found.labels == {"train": [0, 0, 1, 1], "test": [0, 0, 1, 1]}
    assert all((tmp_path / name).is_file() for names in found.files.values() for name in names)


def test_one_class_in_two_forms_is_refused(tmp_path: Path) -> None:
    tree(tmp_path)
    tree(tmp_path, ("train",), "NFD")
    with pytest.raises(InputError, match="'강아지' twice, in two Unicode forms"):
        list_images(tmp_path)


@pytest.mark.parametrize("name", ["val", "valid", "validation"])
def test_validation_has_one_of_three_names(tmp_path: Path, name: str) -> None:
    found = list_images(tree(tmp_path, ("train", name, "test")))
    assert list(found.files) == ["train", "val", "test"]
    assert all(file.startswith(f"{name}/") for file in found.files["val"])


def test_two_folders_for_validation_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has val and validation; expected one folder for valid"):
        list_images(tree(tmp_path, ("train", "val", "validation", "test")))


def test_what_begins_with_a_dot_is_no_class_and_no_image(tmp_path: Path) -> None:
    tree(tmp_path)
    (tmp_path / "train" / ".ipynb_checkpoints").mkdir()
    (tmp_path / "train" / CLASSES[0] / "._1.png").touch()
    inner = tmp_path / "train" / CLASSES[0] / ".thumbnails"
    inner.mkdir()
    (inner / "1.png").touch()
    found = list_images(tmp_path)
    assert found.classes == CLASSES
    assert len(found.files["train"]) == 4
    assert found.skipped == {}


def test_files_of_other_kinds_are_counted(tmp_path: Path) -> None:
    tree(tmp_path)
    for number, name in enumerate(("a.gif", "b.GIF", "c.jfif", "README")):
        (tmp_path / ("train", "test")[number % 2] / CLASSES[1] / name).touch()
    assert list_images(tmp_path).skipped == {".gif": 2, ".jfif": 1, "": 1}


@pytest.mark.parametrize("up", [0, 1, 2])
def test_a_link_that_leads_back_up_is_refused(tmp_path: Path, up: int) -> None:
    tree(tmp_path)
    folder = tmp_path / "train" / CLASSES[0] / "more"
    folder.mkdir()
    target = (folder, folder.parent, folder.parent / "more")[up]
    (folder / "again").symlink_to(target, target_is_directory=True)
    with pytest.raises(InputError, match="again: a link that leads back up to"):
        list_images(tmp_path)


def test_a_link_to_the_side_is_followed(tmp_path: Path) -> None:
    tree(tmp_path / "images")
    side = tmp_path / "side"
    side.mkdir()
    (side / "3.png").touch()
    for split in ("train", "test"):
        (tmp_path / "images" / split / CLASSES[1] / "side").symlink_to(side)
    found = list_images(tmp_path / "images")
    assert f"train/{CLASSES[1]}/side/3.png" in found.files["train"]


@pytest.mark.parametrize(
    ("one", "other"),
    [("고양이", "강아지"), ("a b", "a_b"), ("a b", "a?b"), ("é", "e"), ("हिन्दी", "हनद")],
)
def test_two_folders_have_two_names(one: str, other: str) -> None:
    assert clean_name(Path(one)) != clean_name(Path(other))
    for name in (one, other):
        clean = clean_name(Path(name))
        assert clean == clean_name(Path(unicodedata.normalize("NFD", name)))
        assert not set(clean) & set(" ?/%#")
