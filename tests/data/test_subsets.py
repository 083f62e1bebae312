"""Subsets of a dataset: a part of training and validation, by the seed of the split alone."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ablate.data.catalog import DATASETS, DatasetInfo
from ablate.data.dataset import Dataset, Images, load
from ablate.errors import InputError
from ablate.spec.trial import DataSpec
from support.pets import COUNTS, classes, fill, pairs, prepared, same, splits, without_val
from support.pets import pets as pets
from support.pets import root as root
from support.pets import three as three


@pytest.fixture(params=["digits", "pets", "three"])
def source(request: pytest.FixtureRequest, root: Path) -> tuple[DatasetInfo, DataSpec]:
    """A dataset that is copied, one that is shared, and one with a validation split."""
    if request.param == "digits":
        return DATASETS["digits"], DataSpec()
    found: tuple[DatasetInfo, DataSpec] = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("fraction", [0.4, 0.5, 0.6])
def test_a_subset_is_a_part_of_training_and_validation(
    source: tuple[DatasetInfo, DataSpec], root: Path, fraction: float
) -> None:
    info, spec = source
    full, part = load(spec, root), load(replace(spec, subset=fraction), root)
    assert tuple(map(len, splits(part).values())) == info.sizes(replace(spec, subset=fraction))
    assert info.sizes(replace(spec, subset=fraction)) == (
        round(len(full.train) * fraction),
        round(len(full.val) * fraction),
        len(full.test),
    )
    for name in ("train", "val"):
        mine, whole_split = splits(part)[name], splits(full)[name]
        assert pairs(mine) <= pairs(whole_split)
        for count, of_all in zip(classes(mine), classes(whole_split), strict=True):
            assert abs(count - of_all * len(mine) / len(whole_split)) < 1
    assert torch.equal(part.test.pick(slice(None)), full.test.pick(slice(None)))
    assert torch.equal(part.test.labels, full.test.labels)
    assert not torch.equal(part.mean, full.mean)  # it is that of the images that are used


def test_a_subset_depends_on_the_seed_of_the_split_alone(
    source: tuple[DatasetInfo, DataSpec], root: Path
) -> None:
    spec = replace(source[1], subset=0.5)
    one = load(spec, root)
    torch.manual_seed(1)
    np.random.seed(1)
    assert same(load(spec, root), one)
    assert not same(load(replace(spec, split_seed=1), root), one)


def test_the_whole_is_no_subset(source: tuple[DatasetInfo, DataSpec], root: Path) -> None:
    assert same(load(replace(source[1], subset=1.0), root), load(source[1], root))


@pytest.mark.parametrize("fraction", [0.98, 0.999])
def test_a_subset_may_be_nearly_the_whole(
    source: tuple[DatasetInfo, DataSpec], root: Path, fraction: float
) -> None:
    info, spec = source
    spec = replace(spec, subset=fraction)
    assert tuple(map(len, splits(load(spec, root)).values())) == info.sizes(spec)


@pytest.mark.parametrize("fraction", [0.1, 0.01])
def test_a_subset_with_fewer_images_than_classes_is_refused(
    source: tuple[DatasetInfo, DataSpec], root: Path, fraction: float
) -> None:
    info, spec = source
    fraction /= 10 if info.name == "digits" else 1
    with pytest.raises(InputError) as caught:
        load(replace(spec, subset=fraction), root)
    message = str(caught.value)
    assert message.startswith(f"subset = {fraction}: leaves ")
    assert f"classes of {info.name}; expected a larger fraction" in message
    assert len(message.splitlines()) == 1


def test_a_class_with_one_image_cannot_be_in_two_splits(tmp_path: Path) -> None:
    counts = without_val() | {"train": {"cat": 24, "dog": 18, "emu": 1}}
    info, spec = prepared(fill(tmp_path / "rare", counts), tmp_path)
    with pytest.raises(InputError, match=r"^folder:rare: 43 images cannot be split into 9 and 34"):
        load(spec, tmp_path)
    assert info.images == 43


def test_a_folder_with_validation_images_may_have_rare_classes(tmp_path: Path) -> None:
    counts = COUNTS | {"train": {"cat": 24, "dog": 18, "emu": 1}}
    info, spec = prepared(fill(tmp_path / "rare", counts), tmp_path)
    assert tuple(map(len, splits(load(spec, tmp_path)).values())) == info.sizes(spec) == (43, 12, 9)


def test_an_image_that_is_not_there_is_an_input_error(
    pets: tuple[DatasetInfo, DataSpec], tmp_path: Path
) -> None:
    with pytest.raises(InputError) as caught:
        load(pets[1], tmp_path)
    assert "folder:PATH" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_digits_are_copied_as_ever(digits: Dataset) -> None:
    """Their pixels are in `tests/golden/splits.json`, and `test_dataset.py` compares them."""
    assert [field.name for field in fields(Images)] == ["images", "labels", "rows"]
    for images in splits(digits).values():
        assert images.rows is None
        assert len(images.images) == len(images.labels) == len(images)
        assert torch.equal(images.pick(slice(3, 9)), images.images[3:9])
    values = digits.train.images.double()
    assert digits.mean.item() == pytest.approx(values.mean().item(), rel=1e-6)
    assert digits.std.item() == pytest.approx(values.std(correction=0).item(), rel=1e-6)
