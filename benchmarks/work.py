"""What every contender of `benchmarks.loops` does, and the clock it does it by."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn

from ablate.data.dataset import Dataset, Images
from ablate.spec.network import NetSpec
from ablate.spec.recipe import TrainSpec

NET = NetSpec(widths=(16, 32, 64), depths=(3, 3, 3), shortcut="B")  # ResNet-20 for CIFAR
RECIPE = TrainSpec(batch_size=128, schedule="cosine", crop_padding=4, flip=True)
# Of CIFAR-10's training pixels, 0 to 255: images are random, but normalised as if they were not.
MEAN, STD = (125.3, 123.0, 113.9), (63.0, 62.1, 66.7)
SEED = 0  # of images, weights, order and augmentation


@dataclass(frozen=True)
class Work:
    """What every contender does.

    Args:
        data: on the CPU; only the training split is used.
        train: the recipe, float32 and without cutout or label smoothing.
        device: where to train, as torch names it.
        threads: CPU threads of the contender's process, loader workers aside.
        shuffled: peers shuffle; otherwise they take the images in the order of `data`.
    """

    data: Dataset
    train: TrainSpec
    device: str
    threads: int
    shuffled: bool = True

    @property
    def steps(self) -> int:
        """Of an epoch."""
        return len(self.data.train) // self.train.batch_size


class Lap(Protocol):
    """The clock of an epoch."""

    def start(self) -> None:
        """Wait for the start."""

    def stop(self) -> None:
        """The epoch is over."""


Contender = Callable[[Work, nn.Module, Lap], None]


def random_images(count: int) -> Dataset:
    """Random pixels and labels; the other splits are empty."""
    generator = torch.Generator().manual_seed(SEED)
    shape = (count, NET.in_channels, NET.image_size, NET.image_size)
    pixels = torch.randint(256, shape, generator=generator, dtype=torch.uint8)
    labels = torch.randint(NET.num_classes, (count,), generator=generator)
    nothing = Images(pixels[:0], labels[:0])
    mean, std = (torch.tensor(moment).view(1, -1, 1, 1) for moment in (MEAN, STD))
    return Dataset(Images(pixels, labels), nothing, nothing, mean, std)
