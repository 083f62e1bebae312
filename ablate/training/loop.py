"""The training loop: one recipe for every arm. `fit` trains; nothing here selects an epoch."""

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
from torch.optim import SGD
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, OneCycleLR

from ablate.data.augmentation import augment, draw
from ablate.data.dataset import Dataset, Images
from ablate.errors import InputError
from ablate.spec.choices import Precision
from ablate.spec.recipe import TrainSpec
from ablate.training.checkpoint import read_checkpoint, write_checkpoint

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
    the device; the loss is read once an epoch.

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

    def keep(drawn_from: Tensor, step: int = 0, total: float = 0.0) -> None:
        if checkpoint:
            write_checkpoint(
                checkpoint,
                {
                    "network": network.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "schedule": schedule.state_dict(),
                    "generator": drawn_from,
                    "epochs": [asdict(record) for record in done],
                    "step": step,
                    "total": total,
                },
            )

    state = read_checkpoint(checkpoint, next(network.parameters()).device) if checkpoint else None
    done, begun = _restore(state, network, optimizer, schedule, generator)
    for record in done:
        on_epoch(record)
    for number in range(len(done) + 1, train.epochs + 1):
        start, drawn_from = time.perf_counter(), generator.get_state()
        try:
            train_loss = train_epoch(
                network, data, train, optimizer, schedule, generator, begun, stop
            )
        except StoppedError as stopped:
            keep(drawn_from, stopped.step, stopped.total)
            raise
        begun = (0, 0.0)
        grad_norm = _gradient_norm(network)
        if not (math.isfinite(train_loss) and grad_norm <= GRADIENT_LIMIT):
            raise DivergedError(f"loss {train_loss:g}, gradient {grad_norm:.3g} in epoch {number}")
        val_loss, val_accuracy = evaluate(network, data, data.val, train.precision)
        if number == train.epochs and not math.isfinite(val_loss):
            raise DivergedError(f"validation loss {val_loss} in epoch {number}")
        seconds = time.perf_counter() - start
        done.append(Epoch(number, train_loss, val_loss, val_accuracy, grad_norm, seconds))
        keep(generator.get_state())
        on_epoch(done[-1])


def train_epoch(
    network: nn.Module,
    data: Dataset,
    train: TrainSpec,
    optimizer: SGD,
    schedule: LRScheduler,
    generator: torch.Generator,
    begun: tuple[int, float] = (0, 0.0),
    stop: Callable[[], bool] = never,
) -> float:
    """Every whole batch of the training split once, in a random order; the mean loss, in nats.

    Args:
        network, data, train: what is trained, on what, and how.
        optimizer, schedule: step by step.
        generator: of order and augmentation, as it was when the epoch began.
        begun: steps of the epoch that are done, and the sum of their losses.
        stop: asked before each step whether to stop there.

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
        batch = augment(batch, train, draws.part(first, last))
        with autocast(train.precision, device):
            loss = F.cross_entropy(
                network(batch), data.train.labels[picked], label_smoothing=train.label_smoothing
            )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        total += loss.detach()
    return float(total) / steps


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


def make_optimizer(network: nn.Module, train: TrainSpec) -> SGD:
    """The recipe's optimizer, each parameter updated by one fused kernel."""
    return SGD(
        network.parameters(),
        lr=train.lr,
        momentum=train.momentum,
        nesterov=train.momentum > 0,
        weight_decay=train.weight_decay,
        fused=True,
    )


def make_schedule(optimizer: SGD, train: TrainSpec, steps: int) -> LRScheduler:
    """The recipe's learning rate over all epochs of `steps` batches each."""
    total = train.epochs * steps
    if train.schedule == "cosine":
        return CosineAnnealingLR(optimizer, total)
    return OneCycleLR(optimizer, train.lr, total_steps=total, cycle_momentum=False)


def _gradient_norm(network: nn.Module) -> float:
    gradients = [weight.grad for weight in network.parameters() if weight.grad is not None]
    return float(nn.utils.get_total_norm(gradients))


def _restore(
    state: dict[str, Any] | None,
    network: nn.Module,
    optimizer: SGD,
    schedule: LRScheduler,
    generator: torch.Generator,
) -> tuple[list[Epoch], tuple[int, float]]:
    """Take up the state of a checkpoint, if there is one that fits; else all is left as it was.

    Returns:
        The epochs it holds, and of the next one the steps that are done and their losses' sum.
    """
    parts: tuple[Any, ...] = (network, optimizer, schedule)
    before = copy.deepcopy([part.state_dict() for part in parts]), generator.get_state()
    try:
        if state is not None:
            network.load_state_dict(state["network"])
            optimizer.load_state_dict(state["optimizer"])
            schedule.load_state_dict(state["schedule"])
            generator.set_state(state["generator"].cpu())
            _check_momentum(optimizer)
            done = [Epoch(**record) for record in state["epochs"]]
            return done, (int(state["step"]), float(state["total"]))
    except Exception:  # noqa: BLE001 - of another network, or made to do harm: not used
        for part, own in zip(parts, before[0], strict=True):
            part.load_state_dict(own)
        generator.set_state(before[1])
    return [], (0, 0.0)


def _check_momentum(optimizer: SGD) -> None:
    """Raise `ValueError` for a momentum of another shape than its parameter's."""
    for weight, own in optimizer.state.items():
        momentum = own.get("momentum_buffer")
        if momentum is not None and momentum.shape != weight.shape:
            raise ValueError(f"a momentum of {tuple(momentum.shape)} for {tuple(weight.shape)}")
