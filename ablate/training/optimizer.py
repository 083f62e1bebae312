"""What a recipe updates the weights by: its optimizer, its learning rate, their moving average."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, AdamW, Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, LRScheduler, OneCycleLR
from torch.optim.swa_utils import get_ema_multi_avg_fn

from ablate.spec.recipe import TrainSpec

WARM_UP = 0.05  # of all steps
DROPS, DROP = (0.50, 0.75), 0.1  # where a schedule of steps falls, and to what


def make_optimizer(network: nn.Module, train: TrainSpec) -> Optimizer:
    """The recipe's optimizer, each parameter updated by one fused kernel."""
    if train.optimizer == "adamw":
        return AdamW(
            network.parameters(),
            lr=train.lr,
            betas=(train.momentum, 0.999),
            weight_decay=train.weight_decay,
            fused=True,
        )
    return SGD(
        network.parameters(),
        lr=train.lr,
        momentum=train.momentum,
        nesterov=train.momentum > 0,
        weight_decay=train.weight_decay,
        fused=True,
    )


def make_schedule(optimizer: Optimizer, train: TrainSpec, steps: int) -> LRScheduler:
    """The recipe's learning rate over all epochs of `steps` batches each."""
    total = train.epochs * steps
    if train.schedule == "one_cycle":
        return OneCycleLR(optimizer, train.lr, total_steps=total, cycle_momentum=False)
    if train.schedule == "cosine":
        return CosineAnnealingLR(optimizer, total)
    factor = {"constant": _constant, "step": _stepped, "warmup_cosine": _warmed_up}[train.schedule]
    return LambdaLR(optimizer, lambda step: factor(step, total))


def hold(optimizer: Optimizer, schedule: LRScheduler | None = None) -> None:
    """Set the learning rate to zero, and what a schedule makes it from: the weights stay."""
    for group in optimizer.param_groups:
        for name in group.keys() & {"lr", "initial_lr", "max_lr", "min_lr"}:
            group[name] = 0.0
    if schedule is not None:
        schedule.base_lrs = [0.0 for _ in schedule.base_lrs]


def check_optimizer(optimizer: Optimizer, groups: list[dict[str, Any]]) -> None:
    """Raise `ValueError` for a state that was loaded and is not this optimizer's.

    Args:
        optimizer: after its state was loaded.
        groups: its own groups of parameters, from before.
    """
    names = (
        {"exp_avg", "exp_avg_sq", "step"} if isinstance(optimizer, AdamW) else {"momentum_buffer"}
    )
    for group, own in zip(optimizer.param_groups, groups, strict=True):
        if group.keys() != own.keys():
            raise ValueError("of another optimizer")
    for weight, state in optimizer.state.items():
        if not state.keys() <= names:
            raise ValueError(f"a state of {', '.join(state)}")
        for name in state.keys() - {"step"}:
            if state[name] is not None and state[name].shape != weight.shape:
                raise ValueError(f"{name} of {tuple(state[name].shape)} for {tuple(weight.shape)}")


class Average:
    """An exponential moving average of a network's parameters and buffers, step by step.

    At step t, from 1 on, the decay is the recipe's or 1 - 1/t, whichever is less: the first steps
    are averaged evenly, so that the initial weights weigh nothing in a short training (Tarvainen &
    Valpola 2017, arXiv 1703.01780). Whole numbers among the buffers are the network's own.

    Args:
        network: whose weights are averaged.
        decay: below 1.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network, self.decay, self.steps = network, decay, 0
        self.average = [tensor.clone() for tensor in self._latest()]

    def update(self) -> None:
        """Take in the weights as they are after a step."""
        self.steps += 1
        decay = min(self.decay, 1 - 1 / self.steps)
        blend = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        blend(self.average, self._latest(), self.steps)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Within the block the network has the averaged weights."""
        own = [tensor.clone() for tensor in self._latest()]
        self.put()
        try:
            yield
        finally:
            _copy(own, self._latest())

    def put(self) -> None:
        """Leave the averaged weights in the network."""
        _copy(self.average, self._latest())

    def state_dict(self) -> dict[str, Any]:
        """All that another average of the same network must know to go on."""
        return {"average": self.average, "steps": self.steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave; raises `ValueError` for another network's."""
        shapes = [[tensor.shape for tensor in own] for own in (state["average"], self.average)]
        if shapes[0] != shapes[1]:
            raise ValueError("an average of another network")
        _copy(state["average"], self.average)
        self.steps = int(state["steps"])

    def _latest(self) -> list[Tensor]:
        tensors = (*self.network.parameters(), *self.network.buffers())
        return [tensor.detach() for tensor in tensors if tensor.is_floating_point()]


def make_average(network: nn.Module, train: TrainSpec) -> Average | None:
    """The average of the weights that the recipe evaluates; None where it evaluates the last."""
    return Average(network, train.ema) if train.ema else None


@torch.no_grad()
def _copy(source: list[Tensor], target: list[Tensor]) -> None:
    for own, other in zip(target, source, strict=True):
        own.copy_(other)


def _constant(step: int, total: int) -> float:
    return 1.0


def _stepped(step: int, total: int) -> float:
    return float(DROP ** sum(step >= part * total for part in DROPS))


def _warmed_up(step: int, total: int) -> float:
    """Up in a straight line to 1, and down along half a cosine."""
    warm_up = max(1, round(WARM_UP * total))
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, total - warm_up)))
