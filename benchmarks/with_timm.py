"""timm: its loader, optimizer, scheduler and meters, in the order of its training script.

Its own crops resize; so the recipe's take their place, and the rest of its loader stays: images
collated as uint8, and normalised a batch at a time on the device.
"""

from typing import Any

import torch
from timm.data import create_loader
from timm.data.transforms import MaybePILToTensor
from timm.optim import create_optimizer_v2
from timm.scheduler import create_scheduler_v2
from timm.utils import AverageMeter
from torch import nn
from torchvision import transforms

from benchmarks.pil import PilImages, crop_and_flip, statistics
from benchmarks.work import Lap, Work


def train(work: Work, network: nn.Module, lap: Lap, workers: int) -> None:
    """Forward, backward, step, meter and scheduler at each step, the loss read each time."""
    torch.set_num_threads(work.threads)
    device = torch.device(work.device)
    network.to(device)
    batches = _loader(work, device, workers)
    criterion = nn.CrossEntropyLoss()
    # By default norms and biases are not decayed; the recipe decays all.
    optimizer = create_optimizer_v2(
        network,
        "sgd",  # with Nesterov's momentum
        lr=work.train.lr,
        momentum=work.train.momentum,
        weight_decay=work.train.weight_decay,
        filter_bias_and_bn=False,
    )
    schedule, epochs = create_scheduler_v2(
        optimizer,
        "cosine",
        num_epochs=work.train.epochs,
        step_on_epochs=False,
        updates_per_epoch=len(batches),
    )
    for epoch in range(epochs):
        lap.start()
        network.train()
        losses = AverageMeter()
        updates = epoch * len(batches)
        for images, labels in batches:
            loss = criterion(network(images), labels)
            losses.update(loss.item(), images.size(0))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            updates += 1
            schedule.step_update(num_updates=updates, metric=losses.avg)
        schedule.step(epoch + 1)
        lap.stop()


def _loader(work: Work, device: torch.device, workers: int) -> Any:
    """timm's loader and prefetcher; it shuffles, and leaves out the last batch, when training."""
    mean, std = statistics(work)
    dataset = PilImages(work.data.train, MaybePILToTensor())
    batches = create_loader(
        dataset,
        input_size=tuple(work.data.train.images.shape[1:]),
        batch_size=work.train.batch_size,
        is_training=work.shuffled,
        mean=mean,
        std=std,
        num_workers=workers,
        pin_memory=device.type == "cuda",
        device=device,
    )
    dataset.transform = transforms.Compose([*crop_and_flip(work.train), MaybePILToTensor()])
    return batches
