"""The training loops that `benchmarks.loops` runs against each other, all on the same work."""

import logging
from functools import partial
from importlib.util import find_spec

import torch
import torch.nn.functional as F
from torch import nn
from torch.optim import SGD
from torch.optim.lr_scheduler import CosineAnnealingLR

from ablate.spec.recipe import TrainSpec
from ablate.training.execution import Execution, place, set_up
from ablate.training.loop import train_epoch
from ablate.training.optimizer import make_optimizer, make_schedule
from benchmarks.pil import loader
from benchmarks.work import SEED, Contender, Lap, Work

WORKERS = (0, 2)  # of a peer's loader
OURS, AGAIN, COMPILED = "ours", "ours again", "ours, compiled"


def contenders(compiled: bool = False) -> dict[str, Contender]:
    """Those that can run here, by name; `compiled` adds ours through torch.compile."""
    found: dict[str, Contender] = {OURS: ours, AGAIN: ours}
    if compiled:
        found[COMPILED] = partial(ours, compiled=True)
    loops = {"usual": usual, "Lightning": lightning, "timm": timm}
    for name in [name for name in loops if name.lower() not in absent()]:
        found |= {f"{name}, {n} workers": partial(loops[name], workers=n) for n in WORKERS}
    return found | {"bare": bare}


def absent() -> list[str]:
    """Peers that are not installed."""
    return [name for name in ("lightning", "timm") if not find_spec(name)]


def ours(work: Work, network: nn.Module, lap: Lap, compiled: bool = False) -> None:
    """`ablate.training.loop.train_epoch`, run as fast as `ablate.training.execution` allows."""
    device = _set_up(work, network, compiled)
    data = work.data.to(device)
    optimizer = make_optimizer(network, work.train)
    schedule = make_schedule(optimizer, work.train, work.steps)
    generator = torch.Generator().manual_seed(SEED)
    for _ in range(work.train.epochs):
        lap.start()
        train_epoch(network, data, work.train, optimizer, schedule, generator)
        lap.stop()


def usual(work: Work, network: nn.Module, lap: Lap, workers: int = 0) -> None:
    """The loop of the tutorials: PIL and a DataLoader, plain SGD, the loss read at every step."""
    torch.set_num_threads(work.threads)
    device = torch.device(work.device)
    network.to(device)
    batches = loader(work, workers)
    criterion = nn.CrossEntropyLoss()
    optimizer = plain_sgd(network, work.train)
    schedule = CosineAnnealingLR(optimizer, work.train.epochs * len(batches))
    for _ in range(work.train.epochs):
        lap.start()
        network.train()
        total = 0.0
        for images, labels in batches:
            images, labels = images.to(device), labels.to(device)
            optimizer.zero_grad()
            loss = criterion(network(images), labels)
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        lap.stop()


def lightning(work: Work, network: nn.Module, lap: Lap, workers: int = 0) -> None:
    """Lightning's Trainer, which no other contender imports."""
    from benchmarks.with_lightning import train

    train(work, network, lap, workers)


def timm(work: Work, network: nn.Module, lap: Lap, workers: int = 0) -> None:
    """timm's parts, which no other contender imports."""
    from benchmarks.with_timm import train

    train(work, network, lap, workers)


def bare(work: Work, network: nn.Module, lap: Lap) -> None:
    """Forward, backward and step over batches that lie ready on the device, as ours runs them."""
    device = _set_up(work, network)
    data = work.data.to(device)
    pixels = data.normalise(data.train.images).to(memory_format=torch.channels_last)
    size = work.train.batch_size
    labels = data.train.labels
    batches = list(zip(torch.split(pixels, size), torch.split(labels, size), strict=True))
    optimizer = make_optimizer(network, work.train)
    schedule = make_schedule(optimizer, work.train, work.steps)
    network.train()
    for _ in range(work.train.epochs):
        lap.start()
        for images, wanted in batches[: work.steps]:
            loss = F.cross_entropy(network(images), wanted)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
        lap.stop()


def plain_sgd(network: nn.Module, train: TrainSpec) -> SGD:
    """The recipe's optimizer as torch makes it when nobody asks for more."""
    return SGD(
        network.parameters(),
        lr=train.lr,
        momentum=train.momentum,
        nesterov=True,
        weight_decay=train.weight_decay,
    )


def _set_up(work: Work, network: nn.Module, compiled: bool = False) -> torch.device:
    execution = Execution(
        device=work.device, threads=work.threads, channels_last=True, compiled=compiled
    )
    # torch.compile looks for a CUDA toolkit and warns where there is no GPU to go with it.
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)
    device = set_up(execution)
    place(network, execution)
    return device
