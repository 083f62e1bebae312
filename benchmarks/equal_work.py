"""Proof that contenders do the same work: from the same weights, the same loss at every step."""

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ablate.data.dataset import Dataset, Images
from ablate.networks.model import build
from benchmarks.contenders import OURS
from benchmarks.work import NET, RECIPE, SEED, Contender, Work, random_images

STEPS, BATCH = 6, 32
# A low rate, since training magnifies what layouts round differently: to 1e-6 of the loss here, and
# to 1e-3 at a rate of 0.1. A large decay, so that it shows where one is left out. A rate that is 1%
# off then makes 1e-4.
LR, WEIGHT_DECAY = 0.001, 1.0
TOLERANCE = 3e-5


class UnequalWorkError(AssertionError):
    """A contender does not train as ours does."""


class NoLap:
    """Nothing is timed."""

    def start(self) -> None:
        """Go at once."""

    def stop(self) -> None:
        """Tell nobody."""


def prove_equal_work(contenders: Mapping[str, Contender], threads: int) -> dict[str, float]:
    """Train each a few steps on the CPU without augmentation, on the same batches.

    Args:
        contenders: by name, with ours; a peer must keep the order of images if told so.
        threads: CPU threads.

    Returns:
        The largest relative difference of a loss from ours, for each.

    Raises:
        UnequalWorkError: it is above TOLERANCE, or there were more or fewer steps.
    """
    recipe = replace(
        RECIPE, epochs=1, batch_size=BATCH, crop_padding=0, flip=False, lr=LR,
        weight_decay=WEIGHT_DECAY,
    )  # fmt: skip
    drawn = Work(random_images(STEPS * BATCH), recipe, "cpu", threads)
    given = replace(drawn, data=_as_ours_draws(drawn.data), shuffled=False)
    torch.manual_seed(SEED)
    network = build(NET)
    losses = {}
    for name, contender in contenders.items():
        with _recorded() as losses[name]:
            own = name.startswith(OURS)
            contender(drawn if own else given, copy.deepcopy(network), NoLap())
    return {name: _difference(name, found, losses[OURS]) for name, found in losses.items()}


def _difference(name: str, found: list[float], expected: list[float]) -> float:
    if len(found) != STEPS:
        raise UnequalWorkError(f"{name}: {len(found)} steps, expected {STEPS}")
    worst = max(abs(a - b) / abs(b) for a, b in zip(found, expected, strict=True))
    if not worst <= TOLERANCE:
        raise UnequalWorkError(
            f"{name} does other work than {OURS}: losses {_shown(found)}, expected "
            f"{_shown(expected)}, to {TOLERANCE:g}"
        )
    return worst


def _shown(losses: list[float]) -> str:
    return " ".join(f"{loss:.6f}" for loss in losses)


def _as_ours_draws(data: Dataset) -> Dataset:
    """The images in the order that ours takes them in its first epoch."""
    order = torch.randperm(len(data.train), generator=torch.Generator().manual_seed(SEED))
    return replace(data, train=Images(data.train.images[order], data.train.labels[order]))


@contextmanager
def _recorded() -> Iterator[list[float]]:
    """The value of every cross-entropy, whoever takes it."""
    true: Callable[..., Tensor] = F.cross_entropy
    values: list[float] = []

    def recording(*args: object, **kwargs: object) -> Tensor:
        loss = true(*args, **kwargs)
        values.append(loss.item())
        return loss

    F.cross_entropy = recording
    try:
        yield values
    finally:
        F.cross_entropy = true
