"""The training loop: one recipe for every arm. `fit` trains; nothing here selects an epoch."""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, OneCycleLR

from ablate.checkpoint import read_checkpoint, write_checkpoint
from ablate.data import Dataset, Images, augment
from ablate.spec import InputError, TrainSpec

EVAL_BATCH = 1024


@dataclass(frozen=True)
class Epoch:
    """One epoch: losses in nats, accuracy as a fraction, wall time with evaluation."""

    epoch: int
    train_loss: float
    val_loss: float
    val_accuracy: float
    seconds: float


class DivergedError(ArithmeticError):
    """The loss is no longer finite."""


def fit(
    network: nn.Module,
    data: Dataset,
    train: TrainSpec,
    seed: int,
    on_epoch: Callable[[Epoch], object],
    checkpoint: Path | None = None,
) -> None:
    """Train `network` in place for all of `train.epochs`, telling `on_epoch` what each gave.

    The order of the images and their augmentation are drawn from `seed` alone, so that arms with
    the same seed see the same batches. An incomplete last batch is left out. No step waits for
    the device; the loss is read once an epoch.

    Args:
        network: on the device where `data` lies.
        data: the training and validation splits are used; the test split is not.
        train: the recipe.
        seed: of order and augmentation.
        on_epoch: called after each epoch, and first for those that a checkpoint holds.
        checkpoint: where the state is kept after each epoch, and taken up again if it is there.
            On the CPU the weights at the end are the same to the bit.

    Raises:
        DivergedError: the mean loss of an epoch is not finite.
        InputError: a batch is larger than the training split.
    """
    steps = len(data.train) // train.batch_size
    if not steps:
        raise InputError(
            f"batch_size = {train.batch_size}: expected at most the "
            f"{len(data.train)} training images",
            "batch_size",
        )
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.SGD(
        network.parameters(),
        lr=train.lr,
        momentum=train.momentum,
        nesterov=train.momentum > 0,
        weight_decay=train.weight_decay,
    )
    schedule = _schedule(optimizer, train, steps)
    done = _restore(checkpoint, network, optimizer, schedule, generator) if checkpoint else []
    for record in done:
        on_epoch(record)
    for number in range(len(done) + 1, train.epochs + 1):
        start = time.perf_counter()
        network.train()
        total = torch.zeros((), device=data.mean.device)
        order = torch.randperm(len(data.train), generator=generator).to(data.mean.device)
        for step in range(steps):
            picked = order[step * train.batch_size : (step + 1) * train.batch_size]
            batch = augment(data.normalise(data.train.images[picked]), train, generator)
            loss = F.cross_entropy(
                network(batch), data.train.labels[picked], label_smoothing=train.label_smoothing
            )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            total += loss.detach()
        mean_loss = float(total) / steps
        if not math.isfinite(mean_loss):
            raise DivergedError(f"loss {mean_loss} in epoch {number}")
        val_loss, val_accuracy = evaluate(network, data, data.val)
        if number == train.epochs and not math.isfinite(val_loss):
            raise DivergedError(f"validation loss {val_loss} in epoch {number}")
        seconds = time.perf_counter() - start
        done.append(Epoch(number, mean_loss, val_loss, val_accuracy, seconds))
        if checkpoint:
            write_checkpoint(
                checkpoint,
                {
                    "network": network.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "schedule": schedule.state_dict(),
                    "generator": generator.get_state(),
                    "epochs": [asdict(record) for record in done],
                },
            )
        on_epoch(done[-1])


@torch.inference_mode()
def evaluate(network: nn.Module, data: Dataset, images: Images) -> tuple[float, float]:
    """Mean cross-entropy in nats and accuracy as a fraction, in eval mode, over a split."""
    network.eval()
    loss = torch.zeros((), device=data.mean.device)
    right = torch.zeros((), dtype=torch.int64, device=data.mean.device)
    for start in range(0, len(images), EVAL_BATCH):
        labels = images.labels[start : start + EVAL_BATCH]
        logits: Tensor = network(data.normalise(images.images[start : start + EVAL_BATCH]))
        loss += F.cross_entropy(logits, labels, reduction="sum")
        right += (logits.argmax(1) == labels).sum()
    return float(loss) / len(images), int(right) / len(images)


def _restore(
    checkpoint: Path,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    schedule: LRScheduler,
    generator: torch.Generator,
) -> list[Epoch]:
    """Take up the state of a checkpoint, if there is one, and return the epochs it holds."""
    state = read_checkpoint(checkpoint, next(network.parameters()).device)
    if state is None:
        return []
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    schedule.load_state_dict(state["schedule"])
    generator.set_state(state["generator"].cpu())
    return [Epoch(**record) for record in state["epochs"]]


def _schedule(optimizer: torch.optim.Optimizer, train: TrainSpec, steps: int) -> LRScheduler:
    total = train.epochs * steps
    if train.schedule == "cosine":
        return CosineAnnealingLR(optimizer, total)
    return OneCycleLR(optimizer, train.lr, total_steps=total, cycle_momentum=False)
