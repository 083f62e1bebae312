"""Fair augmentation: every outcome that the recipe allows, and no other, from the seed alone."""

import math
from collections import Counter

import pytest
import torch
from torch import Tensor

from ablate.data.augmentation import augment, draw
from ablate.spec.recipe import TrainSpec

CPU = torch.device("cpu")


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def numbered(count: int, height: int = 4, width: int = 5) -> Tensor:
    """Images (count, 2, height, width) whose pixels are all different, and none zero."""
    return torch.arange(1, count * 2 * height * width + 1).view(count, 2, height, width).float()


def shifted(image: Tensor, down: int, right: int) -> Tensor:
    """An image moved over a background of zeros, pixel by pixel."""
    _, height, width = image.shape
    moved = torch.zeros_like(image)
    for row in range(height):
        for column in range(width):
            if 0 <= row - down < height and 0 <= column - right < width:
                moved[:, row, column] = image[:, row - down, column - right]
    return moved


def augmented(batch: Tensor, train: TrainSpec, source: torch.Generator) -> Tensor:
    height, width = batch.shape[2:]
    return augment(batch, train, draw(len(batch), (height, width), train, source, CPU))


def test_no_augmentation_leaves_the_batch_alone() -> None:
    batch = numbered(3)
    source = generator()
    before = source.get_state()
    assert augmented(batch, TrainSpec(), source) is batch
    assert torch.equal(source.get_state(), before)


@pytest.mark.parametrize("padding", [1, 2])
def test_every_shift_within_the_padding_comes_up_equally_often(padding: int) -> None:
    count, shifts = 2000, range(-padding, padding + 1)
    image = numbered(1)
    batch = image.repeat(count, 1, 1, 1)
    found = augmented(batch, TrainSpec(crop_padding=padding), generator())
    assert found.shape == batch.shape
    possible = {
        shifted(image[0], down, right).numpy().tobytes(): (down, right)
        for down in shifts
        for right in shifts
    }
    counts = Counter(possible[one.numpy().tobytes()] for one in found)
    expected = count / len(shifts) ** 2
    assert len(counts) == len(possible) == len(shifts) ** 2
    # Five standard deviations of a binomial count.
    assert all(abs(seen - expected) < 5 * math.sqrt(expected) for seen in counts.values())
    assert torch.equal(batch, image.repeat(count, 1, 1, 1))


def test_each_image_has_its_own_shift_of_itself() -> None:
    batch = numbered(50)
    found = augmented(batch, TrainSpec(crop_padding=1), generator())
    moves = set()
    for before, after in zip(batch, found, strict=True):
        fits = [
            (down, right)
            for down in (-1, 0, 1)
            for right in (-1, 0, 1)
            if torch.equal(after, shifted(before, down, right))
        ]
        assert len(fits) == 1
        moves.add(fits[0])
    assert len(moves) == 9


def test_half_of_the_images_are_mirrored_left_to_right() -> None:
    batch = numbered(1000)
    found = augmented(batch, TrainSpec(flip=True), generator())
    same = (found == batch).flatten(1).all(1)
    mirrored = (found == batch.flip(3)).flatten(1).all(1)
    assert (same ^ mirrored).all()
    assert 400 < int(mirrored.sum()) < 600


def test_shift_and_mirror_together() -> None:
    train = TrainSpec(crop_padding=1, flip=True)
    image = numbered(1)
    moves = [shifted(image[0], down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    possible = {move.numpy().tobytes() for moved in moves for move in (moved, moved.flip(2))}
    found = augmented(image.repeat(1000, 1, 1, 1), train, generator())
    assert {one.numpy().tobytes() for one in found} == possible
    assert len(possible) == 18


def test_augmentation_is_drawn_from_the_generator_alone() -> None:
    batch, train = numbered(100), TrainSpec(crop_padding=2, flip=True)
    first = augmented(batch, train, generator(1))
    torch.manual_seed(123)
    assert torch.equal(augmented(batch, train, generator(1)), first)
    assert not torch.equal(augmented(batch, train, generator(2)), first)


def test_batches_get_what_was_drawn_for_their_images() -> None:
    batch, train = numbered(60), TrainSpec(crop_padding=2, flip=True, cutout=3)
    draws = draw(60, (4, 5), train, generator(), CPU)
    whole = augment(batch, train, draws)
    parts = [
        augment(batch[start : start + 25], train, draws.part(start, start + 25))
        for start in (0, 25, 50)
    ]
    assert torch.equal(torch.cat(parts), whole)


@pytest.mark.parametrize("side", [1, 2, 3])
def test_cutout_is_a_square_of_zeros_about_any_pixel(side: int) -> None:
    image = numbered(1)[0]
    expected = set()
    for row in range(4):
        for column in range(5):
            cut = image.clone()
            top, left = row - side // 2, column - side // 2
            cut[:, max(top, 0) : top + side, max(left, 0) : left + side] = 0
            expected.add(cut.numpy().tobytes())
    batch = image.repeat(1000, 1, 1, 1)
    found = augmented(batch, TrainSpec(cutout=side), generator())
    assert {one.numpy().tobytes() for one in found} == expected
    assert (batch > 0).all()
