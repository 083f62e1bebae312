"""The training loop: one recipe for every arm. `fit` trains; nothing here selects an epoch."""

import contextlib
import copy
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from ablate.data.augmentation import Draws, augment, draw
from ablate.data.dataset import Dataset, Images
from ablate.errors import InputError
from ablate.spec.choices import Precision
from ablate.spec.recipe import TrainSpec
from ablate.training.checkpoint import read_checkpoint, write_checkpoint
from ablate.training.optimizer import (
    Average,
    check_optimizer,
    make_average,
    make_optimizer,
    make_schedule,
)

EVAL_BATCH = 1024
GRADIENT_LIMIT = 1e6


@dataclass(frozen=True)
class Epoch:
    """One epoch: losses in nats, accuracy as a fraction, wall time with evaluation.

    `grad_norm` is the Euclidean norm of the gradient of all parameters at the last step.
    """

    epoch: int
    train_loss: float
    val_loss: float
    val_accuracy: float
    grad_norm: float
    seconds: float


class DivergedError(ArithmeticError):
    """The loss is no longer finite, or the gradient has exploded."""


class StoppedError(Exception):
    """The training was asked to stop, within an epoch.

    Args:
        step: steps of the epoch that are done.
        total: the sum of their losses, nats.
    """

    def __init__(self, step: int, total: float) -> None:
        super().__init__(step, total)
        self.step = step
        self.total = total


def never() -> bool:
    """For a training that nothing stops."""
    return False


def fit(
    network: nn.Module,
    data: Dataset,
    train: TrainSpec,
    seed: int,
    on_epoch: Callable[[Epoch], object],
    checkpoint: Path | None = None,
    stop: Callable[[], bool] = never,
) -> None:
    """Train `network` in place for all of `train.epochs`, telling `on_epoch` what each gave.

    The order of the images and their augmentation are drawn from `seed` alone, so that arms with
    the same seed see the same batches. An incomplete last batch is left out. No step waits for
    the device; the loss is read once an epoch. With `train.ema` the averaged weights are what is
    evaluated, and what the network has at the end.

    Args:
        network: on the device where `data` lies.
        data: the training and validation splits are used; the test split is not.
        train: the recipe.
        seed: of order and augmentation.
        on_epoch: called after each epoch, and first for those that a checkpoint holds.
        checkpoint: where the state is kept after each epoch, and taken up again if it is there.
            On the CPU the weights at the end are the same to the bit.
        stop: asked before each step whether to stop there; then the state is kept as it is.

    Raises:
        StoppedError: `stop` said so.
        DivergedError: the mean loss of an epoch is not finite, or the norm of its last gradient
            is above `GRADIENT_LIMIT`.
        InputError: a batch is larger than the training split.
    """
    if train.batch_size > len(data.train):
        raise InputError(
            f"batch_size = {train.batch_size}: expected at most the "
            f"{len(data.train)} training images",
            "batch_size",
        )
    generator = torch.Generator().manual_seed(seed)
    optimizer = make_optimizer(network, train)
    schedule = make_schedule(optimizer, train, len(data.train) // train.batch_size)
    average = make_average(network, train)

    def keep(drawn_from: Tensor, step: int = 0, total: float = 0.0) -> None:
        if checkpoint:
            write_checkpoint(
                checkpoint,
                {
                    "network": network.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "schedule": schedule.state_dict(),
                    "generator": drawn_from,
                    "dropped": _dropping(network),
                    "epochs": [asdict(record) for record in done],
                    "step": step,
                    "total": total,
                }
                | ({"average": average.state_dict()} if average else {}),
            )

    state = read_checkpoint(checkpoint, next(network.parameters()).device) if checkpoint else None
    done, begun = _restore(state, network, optimizer, schedule, generator, average)
    for record in done:
        on_epoch(record)
    for number in range(len(done) + 1, train.epochs + 1):
        start, drawn_from = time.perf_counter(), generator.get_state()
        try:
            train_loss = train_epoch(
                network, data, train, optimizer, schedule, generator, begun, stop, average
            )
        except StoppedError as stopped:
            keep(drawn_from, stopped.step, stopped.total)
            raise
        begun = (0, 0.0)
        grad_norm = _gradient_norm(network)
        if not (math.isfinite(train_loss) and grad_norm <= GRADIENT_LIMIT):
            raise DivergedError(f"loss {train_loss:g}, gradient {grad_norm:.3g} in epoch {number}")
        with average.in_place() if average else contextlib.nullcontext():
            val_loss, val_accuracy = evaluate(network, data, data.val, train.precision)
        if number == train.epochs and not math.isfinite(val_loss):
            raise DivergedError(f"validation loss {val_loss} in epoch {number}")
        seconds = time.perf_counter() - start
        done.append(Epoch(number, train_loss, val_loss, val_accuracy, grad_norm, seconds))
        keep(generator.get_state())
        on_epoch(done[-1])
    if average:
        average.put()


def train_epoch(
    network: nn.Module,
    data: Dataset,
    train: TrainSpec,
    optimizer: Optimizer,
    schedule: LRScheduler,
    generator: torch.Generator,
    begun: tuple[int, float] = (0, 0.0),
    stop: Callable[[], bool] = never,
    average: Average | None = None,
) -> float:
    """Every whole batch of the training split once, in a random order; the mean loss, in nats.

    Args:
        network, data, train: what is trained, on what, and how.
        optimizer, schedule: step by step.
        generator: of order and augmentation, as it was when the epoch began.
        begun: steps of the epoch that are done, and the sum of their losses.
        stop: asked before each step whether to stop there.
        average: of the weights, where the recipe has one.

    Raises:
        StoppedError: it said so.
    """
    device = data.mean.device
    network.train()
    steps = len(data.train) // train.batch_size
    total = torch.full((), begun[1], device=device)
    order = torch.randperm(len(data.train), generator=generator).to(device)
    height, width = data.train.images.shape[2:]
    draws = draw(len(order), (height, width), train, generator, device)
    for step in range(begun[0], steps):
        if stop():
            raise StoppedError(step, float(total))
        first, last = step * train.batch_size, (step + 1) * train.batch_size
        picked = order[first:last]
        batch = data.normalise(data.train.pick(picked))
        drawn = draws.part(first, last)
        batch = augment(batch, train, drawn)
        with autocast(train.precision, device):
            loss = loss_of(network(batch), data.train.labels[picked], train, drawn)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        if average:
            average.update()
        total += loss.detach()
    return float(total) / steps


def loss_of(logits: Tensor, labels: Tensor, train: TrainSpec, draws: Draws) -> Tensor:
    """What is descended: the mean cross-entropy of a batch in nats, with the recipe's labels.

    Args:
        logits: (N, classes).
        labels: (N,), of the images before they were mixed.
        train: the recipe.
        draws: those of the batch.
    """
    loss = F.cross_entropy(logits, labels, label_smoothing=train.label_smoothing)
    if draws.share is None or draws.partner is None:
        return loss
    partners = labels[draws.partner]
    other = F.cross_entropy(logits, partners, label_smoothing=train.label_smoothing)
    return torch.lerp(other, loss, draws.share[0].to(loss.dtype))


def evaluate(
    network: nn.Module, data: Dataset, images: Images, precision: Precision = "float32"
) -> tuple[float, float]:
    """Mean cross-entropy in nats and accuracy as a fraction, in eval mode, over a split."""
    loss, right = classify(network, data, images, precision)
    return loss, int(right.sum()) / len(images)


@torch.inference_mode()
def classify(
    network: nn.Module, data: Dataset, images: Images, precision: Precision = "float32"
) -> tuple[float, Tensor]:
    """As `evaluate`, but in place of the accuracy which images are classified correctly.

    Returns:
        Mean cross-entropy in nats; and one bool an image, (N,), in the order of the split, on
        the device where it lies.
    """
    network.eval()
    device = data.mean.device
    loss = torch.zeros((), device=device)
    right = torch.zeros(len(images), dtype=torch.bool, device=device)
    for start in range(0, len(images), EVAL_BATCH):
        labels = images.labels[start : start + EVAL_BATCH]
        batch = data.normalise(images.pick(slice(start, start + EVAL_BATCH)))
        with autocast(precision, device):
            logits: Tensor = network(batch)
            loss += F.cross_entropy(logits, labels, reduction="sum")
        right[start : start + EVAL_BATCH] = logits.argmax(1) == labels
    return float(loss) / len(images), right


def autocast(precision: Precision, device: torch.device) -> torch.autocast:
    """A recipe's precision, as a context for forward passes."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")


def _gradient_norm(network: nn.Module) -> float:
    gradients = [weight.grad for weight in network.parameters() if weight.grad is not None]
    return float(nn.utils.get_total_norm(gradients))


def _restore(
    state: dict[str, Any] | None,
    network: nn.Module,
    optimizer: Optimizer,
    schedule: LRScheduler,
    generator: torch.Generator,
    average: Average | None,
) -> tuple[list[Epoch], tuple[int, float]]:
    """Take up the state of a checkpoint, if there is one that fits; else all is left as it was.

    Returns:
        The epochs it holds, and of the next one the steps that are done and their losses' sum.
    """
    parts: dict[str, Any] = {"network": network, "optimizer": optimizer, "schedule": schedule} | (
        {"average": average} if average else {}
    )
    before = copy.deepcopy({name: part.state_dict() for name, part in parts.items()})
    drawn_from = generator.get_state()
    try:
        if state is not None:
            for name, part in parts.items():
                part.load_state_dict(state[name])
            generator.set_state(state["generator"].cpu())
            check_optimizer(optimizer, before["optimizer"]["param_groups"])
            done = [Epoch(**record) for record in state["epochs"]]
            begun = int(state["step"]), float(state["total"])
            _drop_as(network, state["dropped"].cpu())
            return done, begun
    except Exception:  # noqa: BLE001 - of another network, or made to do harm: not used
        for name, part in parts.items():
            part.load_state_dict(before[name])
        generator.set_state(drawn_from)
    return [], (0, 0.0)


def _dropping(network: nn.Module) -> Tensor:
    """State of the generator from which a network draws what it drops."""
    device = next(network.parameters()).device
    cuda = device.type == "cuda"
    return torch.cuda.get_rng_state(device) if cuda else torch.get_rng_state()


def _drop_as(network: nn.Module, state: Tensor) -> None:
    """Let a network go on drawing what it drops from a state of its generator."""
    device = next(network.parameters()).device
    if device.type == "cuda":
        torch.cuda.set_rng_state(state, device)
    else:
        torch.set_rng_state(state)
