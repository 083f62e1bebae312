"""What is timed: a training step, inference, or the training loop, of one network, as a call.

A learning rate of zero keeps the weights, and so the work, the same from call to call.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn

from ablate.data.augmentation import Draws
from ablate.data.dataset import Dataset, Images
from ablate.networks.model import build
from ablate.spec.network import NetSpec
from ablate.spec.recipe import TrainSpec
from ablate.training.execution import Execution, place
from ablate.training.loop import autocast, loss_of, train_epoch
from ablate.training.optimizer import hold, make_average, make_optimizer, make_schedule

ENDLESS = 10**6  # epochs, so that no schedule runs out


def training_step(net: NetSpec, train: TrainSpec, execution: Execution) -> Callable[[], None]:
    """A step on one batch that is on the device already, at a rate of zero."""
    network = make_network(net, execution).train()
    images, labels = random_batch(net, train.batch_size, execution)
    optimizer, average = make_optimizer(network, train), make_average(network, train)
    hold(optimizer)
    drawn = Draws()

    def step() -> None:
        with autocast(train.precision, images.device):
            loss = loss_of(network(images), labels, train, drawn)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if average:
            average.update()

    return step


def inference(net: NetSpec, train: TrainSpec, execution: Execution) -> Callable[[], None]:
    """Logits of one batch that is on the device already."""
    network = make_network(net, execution).eval()
    images, _ = random_batch(net, train.batch_size, execution)

    @torch.inference_mode()
    def infer() -> None:
        with autocast(train.precision, images.device):
            network(images)

    return infer


def epoch(
    net: NetSpec, train: TrainSpec, data: Dataset, execution: Execution
) -> Callable[[], float]:
    """The training loop over `data`, at a rate of zero."""
    network = make_network(net, execution)
    optimizer = make_optimizer(network, train)
    schedule = make_schedule(
        optimizer, replace(train, epochs=ENDLESS), len(data.train) // train.batch_size
    )
    hold(optimizer, schedule)
    generator = torch.Generator().manual_seed(0)
    average = make_average(network, train)
    return partial(
        train_epoch, network, data, train, optimizer, schedule, generator, average=average
    )


def make_network(net: NetSpec, execution: Execution) -> nn.Module:
    """The same weights each time, and torch's generators as they were."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return place(build(net), execution)


def random_batch(net: NetSpec, size: int, execution: Execution) -> tuple[Tensor, Tensor]:
    """Images of normal noise, never zero, and labels."""
    generator = torch.Generator().manual_seed(0)
    shape = (size, net.in_channels, net.image_size, net.image_size)
    images = torch.randn(shape, generator=generator)
    labels = torch.randint(net.num_classes, (size,), generator=generator)
    return images.to(execution.device), labels.to(execution.device)


def first_batches(data: Dataset, batch: int, count: int) -> Dataset:
    """The first `count` whole batches of the training split, or what there is, as every split."""
    images = slice(min(count, len(data.train) // batch) * batch)
    few = Images(data.train.pick(images), data.train.labels[images])
    return replace(data, train=few, val=few, test=few)
