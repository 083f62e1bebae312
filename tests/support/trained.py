"""Short trainings, and what they are of."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ablate.data.dataset import Dataset, Images, load
from ablate.networks.model import build
from ablate.spec.network import NetSpec
from ablate.spec.recipe import TrainSpec
from ablate.spec.trial import DataSpec
from ablate.training.loop import Epoch, fit

CPU = torch.device("cpu")


NET = NetSpec(widths=(4, 8), depths=(1, 1), strides=(1, 2), in_channels=1, image_size=8)


class Killed(Exception):  # noqa: N818 - not an error, a kill
    """Stands for the end of the process."""


def few_digits() -> Dataset:
    digits = load(DataSpec(), Path("nowhere"))
    few = [Images(part.images[:128], part.labels[:128]) for part in (digits.train, digits.val)]
    return replace(digits, train=few[0], val=few[1])


@pytest.fixture(scope="module")
def data() -> Dataset:
    return few_digits()


def train(
    data: Dataset, recipe: TrainSpec, checkpoint: Path | None, kill_after: int | None = None
) -> tuple[dict[str, torch.Tensor], list[Epoch]]:
    torch.manual_seed(0)
    network, epochs = build(NET), list[Epoch]()

    def on_epoch(epoch: Epoch) -> None:
        epochs.append(epoch)
        if epoch.epoch == kill_after:
            raise Killed

    fit(network, data, recipe, 0, on_epoch, checkpoint)
    return network.state_dict(), epochs


class Hostile:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)
