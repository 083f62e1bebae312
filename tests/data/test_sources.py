"""`--dataset`: a known name, or a folder that becomes as well known as one."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ablate.data import sources
from ablate.data.catalog import DATASETS, DatasetInfo
from ablate.data.folder import read_folder
from ablate.data.sources import find_dataset
from ablate.errors import InputError
from ablate.spec.trial import DataSpec


def quiet(items: Iterable[str], total: int, unit: str) -> Iterator[str]:
    return iter(items)


def find(wanted: str, root: Path, image_size: int | None = None) -> DatasetInfo:
    return find_dataset(wanted, image_size, root, 1, quiet)


def fill(path: Path, counts: dict[str, int], size: int = 6, colour: bool = True) -> Path:
    """Two classes with so many images in each split."""
    random = np.random.default_rng(0)
    for split, each in counts.items():
        for name in ("cat", "dog"):
            folder = path / split / name
            folder.mkdir(parents=True)
            for number in range(each):
                shape = (size, size, 3) if colour else (size, size)
                pixels = random.integers(0, 256, shape, dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{number}.png")
    return path


@pytest.mark.parametrize("name", DATASETS)
def test_a_name_is_that_dataset_and_nothing_is_read(name: str, tmp_path: Path) -> None:
    assert find(name, tmp_path) is DATASETS[name]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("wanted", ["mnist", "", "Digits", "folder", "photos", "folders:a", "a\nb"])
def test_an_unknown_name_is_told_what_would_be_right(wanted: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        find(wanted, tmp_path)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert message.startswith("--dataset ")
    assert message.endswith(f": expected one of {', '.join(DATASETS)}, or folder:PATH")


@pytest.mark.parametrize("name", DATASETS)
def test_known_images_have_the_size_they_have(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        find(name, tmp_path, image_size=DATASETS[name].image_size)
    assert str(caught.value) == (
        f"--image-size {DATASETS[name].image_size}: only for --dataset folder:PATH"
    )


def test_a_folder_is_as_well_known_as_a_dataset(tmp_path: Path) -> None:
    path = fill(tmp_path / "my pets", {"train": 5, "val": 2, "test": 3})
    found = find(f"folder:{path}", tmp_path / "data")
    (kept,) = [path for path in (tmp_path / "data" / "folders").iterdir() if path.is_dir()]
    assert found == DatasetInfo(
        name="folder:my_pets-8d0df1",
        channels=3,
        image_size=6,
        classes=2,
        images=10,
        val_images=4,
        test_images=6,
        checksum=kept.name,
    )
    assert len(found.checksum) == 64
    assert found.sizes(DataSpec()) == (10, 4, 6)
    read = read_folder(tmp_path / "data", found.checksum)
    assert {split: len(labels) for split, (_, labels) in read.items()} == {
        "train": 10,
        "val": 4,
        "test": 6,
    }


def test_a_folder_without_validation_gives_some_of_training(tmp_path: Path) -> None:
    path = fill(tmp_path / "grey", {"train": 5, "test": 1}, colour=False)
    found = find(f"folder:{path}", tmp_path / "data")
    assert (found.channels, found.val_images) == (1, 0)
    assert found.sizes(DataSpec()) == (8, 2, 2)


def test_an_image_size_is_for_folders(tmp_path: Path) -> None:
    path = fill(tmp_path / "pets", {"train": 2, "test": 1})
    found = [find(f"folder:{path}", tmp_path / "data", size) for size in (None, 6, 4)]
    assert [info.image_size for info in found] == [6, 6, 4]
    assert found[0] == found[1]
    assert found[1].checksum != found[2].checksum


def test_the_content_has_the_checksum_wherever_it_lies(tmp_path: Path) -> None:
    one = fill(tmp_path / "here" / "pets", {"train": 2, "test": 1})
    other = fill(tmp_path / "there" / "pets", {"train": 2, "test": 1})
    assert find(f"folder:{one}", tmp_path / "a") == find(f"folder:{other}", tmp_path / "b")


def test_a_folder_that_cannot_be_used_is_told_so_in_one_line(tmp_path: Path) -> None:
    path = fill(tmp_path / "pets", {"train": 2})
    for wanted, says in ((path, "no 'test' folder"), (tmp_path / "none", "no such directory")):
        with pytest.raises(InputError, match=says) as caught:
            find(f"folder:{wanted}", tmp_path / "data")
        assert len(str(caught.value).splitlines()) == 1


def test_everything_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    passed: list[Any] = []

    def prepare(*given: Any) -> None:
        passed.extend(given)
        raise InputError("seen")

    monkeypatch.setattr(sources, "prepare", prepare)
    with pytest.raises(InputError, match="seen"):
        find_dataset("folder:a:b", 7, tmp_path, 3, quiet)
    assert passed == [Path("a:b"), 7, tmp_path, 3, quiet]
